//! Finds what checks made, by its name, and takes it away where asked to. Does network IO.
//!
//! A sweep stands beside its check or in `sweep/`; it lists what the check may have made and offers everything with
//! [`Sweep::found`]. Here alone is decided whether it is ours.

mod access;
mod jobs;
mod networks;

use std::{future::Future, sync::Arc};

use aws_types::SdkConfig;
use futures::{FutureExt as _, future::BoxFuture};

use super::{
    apigateway,
    cause::Cause,
    clients::settings,
    cloudformation, cloudwatch,
    connector::Connector,
    diagnose::{Place, diagnose},
    dynamodb, es, firehose, kinesis, lambda, redshift, route53, s3, ses,
    shared::Shared,
    sns, sqs,
};
use crate::finding::Finding;

/// Lists what one kind of check leaves.
pub(super) type Sweeper = for<'a> fn(&'a mut Sweep) -> BoxFuture<'a, Result<(), Cause>>;

/// The sweeps of each service, in alphabetical order: its own, and those of the services that its check works with,
/// which it may have reached through its own URL. Not here: `s3control` sets something of the account, and cases of
/// `support` cannot be deleted.
const SWEEPS: &[(&str, &[Sweeper])] = &[
    ("acm", &[|sweep| access::acm(sweep).boxed()]),
    ("apigateway", &[|sweep| apigateway::sweep(sweep).boxed()]),
    ("cloudformation", &[|sweep| cloudformation::sweep(sweep).boxed()]),
    ("cloudwatch", &[|sweep| cloudwatch::sweep(sweep).boxed()]),
    ("config", &[|sweep| networks::config(sweep).boxed()]),
    ("dynamodb", &[|sweep| dynamodb::sweep(sweep).boxed()]),
    ("dynamodbstreams", &[|sweep| dynamodb::sweep(sweep).boxed()]),
    ("ec2", &[|sweep| networks::ec2(sweep).boxed()]),
    ("es", &[|sweep| es::sweep(sweep).boxed()]),
    ("events", &[|sweep| jobs::events(sweep).boxed(), |sweep| sqs::sweep(sweep).boxed()]),
    ("firehose", &[|sweep| firehose::sweep(sweep).boxed(), |sweep| s3::sweep(sweep).boxed()]),
    ("iam", &[|sweep| access::iam(sweep).boxed()]),
    ("kinesis", &[|sweep| kinesis::sweep(sweep).boxed()]),
    ("kms", &[|sweep| access::kms(sweep).boxed()]),
    ("lambda", &[|sweep| lambda::sweep(sweep).boxed(), |sweep| cloudformation::sweep(sweep).boxed()]),
    ("logs", &[|sweep| jobs::logs(sweep).boxed()]),
    ("opensearch", &[|sweep| jobs::opensearch(sweep).boxed()]),
    ("redshift", &[|sweep| redshift::sweep(sweep).boxed()]),
    ("resource-groups", &[|sweep| networks::resource_groups(sweep).boxed()]),
    ("resourcegroupstaggingapi", &[|sweep| access::secretsmanager(sweep).boxed()]),
    ("route53", &[|sweep| route53::sweep(sweep).boxed()]),
    ("route53resolver", &[|sweep| networks::route53resolver(sweep).boxed(), |sweep| networks::ec2(sweep).boxed()]),
    ("s3", &[|sweep| s3::sweep(sweep).boxed()]),
    ("scheduler", &[|sweep| jobs::scheduler(sweep).boxed()]),
    ("secretsmanager", &[|sweep| access::secretsmanager(sweep).boxed()]),
    ("ses", &[|sweep| ses::sweep(sweep).boxed()]),
    ("sns", &[|sweep| sns::sweep(sweep).boxed(), |sweep| sqs::sweep(sweep).boxed()]),
    ("sqs", &[|sweep| sqs::sweep(sweep).boxed()]),
    ("ssm", &[|sweep| access::ssm(sweep).boxed()]),
    ("stepfunctions", &[|sweep| jobs::stepfunctions(sweep).boxed()]),
    ("sts", &[|sweep| access::iam(sweep).boxed()]),
    ("swf", &[|sweep| jobs::swf(sweep).boxed()]),
    ("transcribe", &[|sweep| jobs::transcribe(sweep).boxed()]),
];

/// The sweeps of a service; none where nothing that its check makes can be listed by name.
pub(super) fn of(service: &str) -> &'static [Sweeper] {
    SWEEPS.iter().find(|(name, _)| *name == service).map_or(&[], |(_, sweeps)| sweeps)
}

/// Whose things are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// Every run's.
    Runs,
    /// One run's.
    Run(String),
    /// One check's: everything of this name, with or without more behind it.
    Check(String),
}

/// What becomes of what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Look,
    Remove,
}

/// One thing that a check made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Why it could not be removed.
    pub(super) fault: Option<Finding>,
}

/// One look at one endpoint.
pub(super) struct Sweep {
    shared: Arc<Shared>,
    url: String,
    scope: Scope,
    act: Act,
    pub(super) found: Vec<Found>,
}

impl Sweep {
    pub(super) fn new(shared: Arc<Shared>, url: &str, scope: Scope, act: Act) -> Self {
        Self { shared, url: url.trim_end_matches('/').to_owned(), scope, act, found: Vec::new() }
    }

    /// Runs the sweeps of a service.
    pub(super) async fn run(&mut self, service: &str) -> Result<(), Finding> {
        for sweeper in of(service) {
            sweeper(self).await.map_err(|cause| self.diagnose("list", &cause))?;
        }
        Ok(())
    }

    /// Settings for a client at the endpoint that is looked at.
    pub(super) fn sdk(&self) -> SdkConfig {
        let connector = Connector::new(self.shared.network.clone(), self.shared.reached.clone());
        settings(&self.url, &self.shared.options, connector)
    }

    /// Offers something that is there; `remove` is carried out only where it is ours and asked for.
    pub(super) async fn found<T, C: Into<Cause>>(
        &mut self,
        kind: &'static str,
        name: &str,
        remove: impl Future<Output = Result<T, C>>,
    ) {
        if !self.scope.covers(name) {
            return;
        }
        let fault = match self.act {
            Act::Look => None,
            Act::Remove => Box::pin(remove).await.map_err(Into::into).err(),
        };
        // Another sweep, or the stack it was part of, has taken it already.
        let fault = fault.filter(|cause| !cause.is_gone()).map(|cause| self.diagnose("delete", &cause));
        self.found.push(Found { kind, name: name.to_owned(), fault });
    }

    fn diagnose(&self, operation: &str, cause: &Cause) -> Finding {
        let place = Place {
            operation: operation.to_owned(),
            hosts: self.shared.hosts().collect(),
            emulator_reached: self.shared.reached.any(),
            emulators: self.shared.reached.addresses(),
            env: self.shared.options.env.clone(),
            ..Place::default()
        };
        diagnose(&place, cause).finding
    }
}

impl Scope {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Runs => run_of(name).is_some(),
            Self::Run(id) => name.starts_with(&format!("lsdeploy-{id}-")),
            Self::Check(whole) => name
                .strip_prefix(whole.as_str())
                .is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric())),
        }
    }
}

/// The id in `lsdeploy-<run id>-...`. Ids of runs are 15 or 16 digits and letters that begin with a digit (the time of
/// the run), so that a user's own `lsdeploy-team1-jobs` is nobody's.
fn run_of(name: &str) -> Option<&str> {
    let (id, rest) = name.strip_prefix("lsdeploy-")?.split_once('-')?;
    let fits = (15..=16).contains(&id.len()) && id.starts_with(|first: char| first.is_ascii_digit());
    let plain = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (fits && plain && !rest.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_runs_are_ours() {
        for name in [
            "lsdeploy-19ac3f2b1c00a7e-sqs",
            "lsdeploy-19ac3f2b1c00a7eb-route53.test.",
            "lsdeploy-19ac3f2b1c00a7e-lambda-Role-1X",
        ] {
            assert!(Scope::Runs.covers(name), "{name}");
        }
        for name in [
            "lsdeploy-team1-sqs",
            "lsdeploy-productionqueues-sqs",
            "lsdeploy-19ac3f2b1c00a7e",
            "lsdeploy-19ac3f2b1c00a7e-",
            "my-lsdeploy-19ac3f2b1c00a7e-sqs",
            "LSDEPLOY-19AC3F2B1C00A7E-sqs",
            "lsdeploy-19ac3f2b1c00a7ebc-sqs",
            "",
        ] {
            assert!(!Scope::Runs.covers(name), "{name}");
        }
    }

    #[test]
    fn a_check_takes_its_own_and_no_namesake() {
        let scope = Scope::Check("lsdeploy-19ac3f2b1c00a7e-s3".to_owned());
        assert!(scope.covers("lsdeploy-19ac3f2b1c00a7e-s3"));
        assert!(scope.covers("lsdeploy-19ac3f2b1c00a7e-s3-copy"));
        assert!(!scope.covers("lsdeploy-19ac3f2b1c00a7e-s3control"));
        assert!(!scope.covers("lsdeploy-29ac3f2b1c00a7e-s3"));
        assert!(!Scope::Run("1".to_owned()).covers("lsdeploy-19ac3f2b1c00a7e-s3"));
        assert!(Scope::Run("19ac3f2b1c00a7e".to_owned()).covers("lsdeploy-19ac3f2b1c00a7e-s3"));
    }

    #[test]
    fn sweeps_stand_in_alphabetical_order_once_each() {
        assert!(SWEEPS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
