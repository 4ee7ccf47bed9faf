//! The catalogue of AWS services: the names that users, Routes and SDKs know them by.

/// One AWS API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// The emulator's name for it; also the Route's name.
    pub name: &'static str,
    /// The SDKs' configuration key: `AWS_ENDPOINT_URL_<KEY>` in upper case, and the key of a `services` section.
    /// Source: the table of service-specific endpoints in the AWS SDKs and Tools reference guide.
    pub config_key: &'static str,
}

/// The 35 services that LocalStack 4 emulates, in alphabetical order.
pub const SERVICES: [Service; 35] = [
    service("acm", "acm"),
    service("apigateway", "api_gateway"),
    service("cloudformation", "cloudformation"),
    service("cloudwatch", "cloudwatch"),
    service("config", "config_service"),
    service("dynamodb", "dynamodb"),
    service("dynamodbstreams", "dynamodb_streams"),
    service("ec2", "ec2"),
    service("es", "elasticsearch_service"),
    service("events", "eventbridge"),
    service("firehose", "firehose"),
    service("iam", "iam"),
    service("kinesis", "kinesis"),
    service("kms", "kms"),
    service("lambda", "lambda"),
    service("logs", "cloudwatch_logs"),
    service("opensearch", "opensearch"),
    service("redshift", "redshift"),
    service("resource-groups", "resource_groups"),
    service("resourcegroupstaggingapi", "resource_groups_tagging_api"),
    service("route53", "route_53"),
    service("route53resolver", "route53resolver"),
    service("s3", "s3"),
    service("s3control", "s3_control"),
    service("scheduler", "scheduler"),
    service("secretsmanager", "secrets_manager"),
    service("ses", "ses"),
    service("sns", "sns"),
    service("sqs", "sqs"),
    service("ssm", "ssm"),
    service("stepfunctions", "sfn"),
    service("sts", "sts"),
    service("support", "support"),
    service("swf", "swf"),
    service("transcribe", "transcribe"),
];

const fn service(name: &'static str, config_key: &'static str) -> Service {
    Service { name, config_key }
}

/// The service of that name, if it is one of [`SERVICES`].
pub fn find(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_has_no_name_twice() {
        assert!(SERVICES.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
