//! Every check, in alphabetical order. Pure.

use futures::{FutureExt as _, future::BoxFuture};

use super::{
    acm, apigateway, cloudformation, cloudwatch, config, diagnose::Failure, dynamodb, dynamodbstreams, ec2, es, events,
    firehose, iam, kinesis, kms, lambda, logs, opensearch, redshift, resource_groups, resourcegroupstaggingapi,
    route53, route53resolver, run::Run, s3, s3control, scheduler, secretsmanager, ses, sns, sqs, ssm, stepfunctions,
    sts, support, swf, transcribe, web,
};

/// What a check does.
pub(super) type Steps = for<'a> fn(&'a mut Run) -> BoxFuture<'a, Result<(), Failure>>;

/// The check of one service.
pub(super) struct Check {
    /// LocalStack's name of the service.
    pub(super) service: &'static str,
    /// Create, use, read back and compare; what takes it back is registered with [`Run::undo`].
    pub(super) steps: Steps,
}

pub(super) const CHECKS: &[Check] = &[
    Check { service: "acm", steps: |run| acm::check(run).boxed() },
    Check { service: "apigateway", steps: |run| apigateway::check(run).boxed() },
    Check { service: "cloudformation", steps: |run| cloudformation::check(run).boxed() },
    Check { service: "cloudwatch", steps: |run| cloudwatch::check(run).boxed() },
    Check { service: "config", steps: |run| config::check(run).boxed() },
    Check { service: "dynamodb", steps: |run| dynamodb::check(run).boxed() },
    Check { service: "dynamodbstreams", steps: |run| dynamodbstreams::check(run).boxed() },
    Check { service: "ec2", steps: |run| ec2::check(run).boxed() },
    Check { service: "es", steps: |run| es::check(run).boxed() },
    Check { service: "events", steps: |run| events::check(run).boxed() },
    Check { service: "firehose", steps: |run| firehose::check(run).boxed() },
    Check { service: "iam", steps: |run| iam::check(run).boxed() },
    Check { service: "kinesis", steps: |run| kinesis::check(run).boxed() },
    Check { service: "kms", steps: |run| kms::check(run).boxed() },
    Check { service: "lambda", steps: |run| lambda::check(run).boxed() },
    Check { service: "logs", steps: |run| logs::check(run).boxed() },
    Check { service: "opensearch", steps: |run| opensearch::check(run).boxed() },
    Check { service: "redshift", steps: |run| redshift::check(run).boxed() },
    Check { service: "resource-groups", steps: |run| resource_groups::check(run).boxed() },
    Check { service: "resourcegroupstaggingapi", steps: |run| resourcegroupstaggingapi::check(run).boxed() },
    Check { service: "route53", steps: |run| route53::check(run).boxed() },
    Check { service: "route53resolver", steps: |run| route53resolver::check(run).boxed() },
    Check { service: "s3", steps: |run| s3::check(run).boxed() },
    Check { service: "s3control", steps: |run| s3control::check(run).boxed() },
    Check { service: "scheduler", steps: |run| scheduler::check(run).boxed() },
    Check { service: "secretsmanager", steps: |run| secretsmanager::check(run).boxed() },
    Check { service: "ses", steps: |run| ses::check(run).boxed() },
    Check { service: "sns", steps: |run| sns::check(run).boxed() },
    Check { service: "sqs", steps: |run| sqs::check(run).boxed() },
    Check { service: "ssm", steps: |run| ssm::check(run).boxed() },
    Check { service: "stepfunctions", steps: |run| stepfunctions::check(run).boxed() },
    Check { service: "sts", steps: |run| sts::check(run).boxed() },
    Check { service: "support", steps: |run| support::check(run).boxed() },
    Check { service: "swf", steps: |run| swf::check(run).boxed() },
    Check { service: "transcribe", steps: |run| transcribe::check(run).boxed() },
];

/// A page of LocalStack's first releases, behind a Route like a service: not one of [`CHECKS`], for no gateway has it.
const WEB: Check = Check { service: "web", steps: |run| web::check(run).boxed() };

/// The check of `service`, if there is one.
pub(super) fn find(service: &str) -> Option<&'static Check> {
    CHECKS.iter().chain([&WEB]).find(|check| check.service == service)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::SERVICES;

    #[test]
    fn checks_stand_in_alphabetical_order_once_each() {
        assert!(CHECKS.is_sorted_by(|a, b| a.service < b.service));
    }

    #[test]
    fn every_service_of_the_catalogue_has_a_check() {
        assert!(CHECKS.iter().map(|check| check.service).eq(SERVICES.iter().map(|service| service.name)));
    }
}
