//! Every check, in alphabetical order.

use futures::{FutureExt as _, future::BoxFuture};

use super::{
    apigateway, cloudformation, cloudwatch, diagnose::Failure, dynamodb, dynamodbstreams, es, firehose, kinesis,
    lambda, redshift, route53, run::Run, s3, ses, sns, sqs,
};

/// The check of one service.
pub(super) struct Check {
    /// LocalStack's name of the service.
    pub(super) service: &'static str,
    /// Create, use, read back and compare; what takes it back is registered with [`Run::undo`].
    pub(super) steps: for<'a> fn(&'a mut Run) -> BoxFuture<'a, Result<(), Failure>>,
}

pub(super) const CHECKS: &[Check] = &[
    Check { service: "apigateway", steps: |run| apigateway::check(run).boxed() },
    Check { service: "cloudformation", steps: |run| cloudformation::check(run).boxed() },
    Check { service: "cloudwatch", steps: |run| cloudwatch::check(run).boxed() },
    Check { service: "dynamodb", steps: |run| dynamodb::check(run).boxed() },
    Check { service: "dynamodbstreams", steps: |run| dynamodbstreams::check(run).boxed() },
    Check { service: "es", steps: |run| es::check(run).boxed() },
    Check { service: "firehose", steps: |run| firehose::check(run).boxed() },
    Check { service: "kinesis", steps: |run| kinesis::check(run).boxed() },
    Check { service: "lambda", steps: |run| lambda::check(run).boxed() },
    Check { service: "redshift", steps: |run| redshift::check(run).boxed() },
    Check { service: "route53", steps: |run| route53::check(run).boxed() },
    Check { service: "s3", steps: |run| s3::check(run).boxed() },
    Check { service: "ses", steps: |run| ses::check(run).boxed() },
    Check { service: "sns", steps: |run| sns::check(run).boxed() },
    Check { service: "sqs", steps: |run| sqs::check(run).boxed() },
];

/// The check of `service`, if there is one.
pub(super) fn find(service: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.service == service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_stand_in_alphabetical_order_once_each() {
        assert!(CHECKS.is_sorted_by(|a, b| a.service < b.service));
    }
}
