//! Which hosts a router knows, and where they lead. Pure.

use crate::environment::local::local_host;
use crate::environment::{EDGE, EnvName};

/// The service whose clients put a bucket before its host.
const S3: &str = "s3";

/// Labels of hosts that emulators make up for what they run (deployed APIs, function URLs), below their own host.
const MADE_UP: [&str; 2] = ["execute-api", "lambda-url"];

/// The hosts of one environment.
#[derive(Debug, Clone)]
pub struct Hosts {
    env: EnvName,
    services: Vec<String>,
    port: u16,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To the emulator as it is.
    Emulator,
    /// To the emulator, with the bucket in the path.
    Bucket {
        /// The bucket.
        bucket: String,
        /// The host without it.
        host: String,
    },
    /// Nowhere: no host of this environment.
    Nowhere,
}

impl Hosts {
    /// The hosts of `services`, and `edge` and `localhost` for any service.
    pub fn new(env: EnvName, services: Vec<String>, port: u16) -> Self {
        Self { env, services, port }
    }

    /// The environment's name.
    pub fn env(&self) -> &str {
        self.env.as_str()
    }

    /// Every host, for people: `host:port`.
    pub fn all(&self) -> impl Iterator<Item = String> {
        let named = self.services.iter().map(String::as_str).chain([EDGE]);
        let named = named.map(|name| local_host(&self.env, name)).chain(["localhost".to_owned()]);
        named.map(|host| format!("{host}:{}", self.port))
    }

    /// Where the host of a request (`host[:port]`) leads.
    ///
    /// A client may put labels before a service's host: buckets for S3, the account for S3 Control; and a word before a
    /// service's name (`sync-states`).
    pub fn destination(&self, host: &str) -> Destination {
        let (name, port) = split(host);
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        // No name, or one that means this machine: the gateway.
        if name.is_empty() || name == "localhost" || is_address(&name) {
            return Destination::Emulator;
        }
        let Some(below) = name.strip_suffix(".localhost") else { return Destination::Nowhere };
        let Some(labels) = below.strip_suffix(self.env.as_str()).and_then(|rest| rest.strip_suffix('.')) else {
            let made_up = below.split('.').any(|label| MADE_UP.contains(&label));
            return if made_up { Destination::Emulator } else { Destination::Nowhere };
        };
        let (before, service) = labels.rsplit_once('.').map_or(("", labels), |(before, last)| (before, last));
        // Below the gateway's host, any service's host may stand: `bucket.s3.edge.team1.localhost`.
        let (bucket, is_s3) = match service {
            EDGE => before.strip_suffix(".s3").map_or(("", false), |bucket| (bucket, true)),
            _ => (before, service == S3),
        };
        let is_known = service == EDGE
            || self.services.iter().any(|known| {
                known == service || service.strip_suffix(known.as_str()).is_some_and(|word| word.ends_with('-'))
            });
        match is_known {
            true if is_s3 && !bucket.is_empty() => Destination::Bucket {
                bucket: bucket.to_owned(),
                host: format!("{service}.{}.localhost{port}", self.env),
            },
            true => Destination::Emulator,
            false => Destination::Nowhere,
        }
    }
}

/// A host and its port, the colon with it.
fn split(host: &str) -> (&str, &str) {
    match host.rfind(':') {
        Some(colon) if !host[colon..].contains(']') => host.split_at(colon),
        _ => (host, ""),
    }
}

fn is_address(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn leads(host: &str, to: &Destination) {
        let services = ["s3", "s3control", "sqs", "stepfunctions"].map(str::to_owned).to_vec();
        let hosts = Hosts::new(EnvName::parse("team1").unwrap(), services, 4566);
        assert_eq!(&hosts.destination(host), to, "{host}");
    }

    #[test]
    fn services_the_gateway_and_this_machine_lead_to_the_emulator() {
        for host in [
            "sqs.team1.localhost:4566",
            "SQS.Team1.Localhost.",
            "edge.team1.localhost:4566",
            "localhost:4566",
            "127.0.0.1:4566",
            "[::1]:4566",
            "",
            "000000000000.s3control.team1.localhost:4566",
            "sync-stepfunctions.team1.localhost:4566",
            "abc.execute-api.localhost:4566",
            "abc.lambda-url.us-east-1.localhost:4566",
            "abc.execute-api.edge.team1.localhost:4566",
        ] {
            leads(host, &Destination::Emulator);
        }
    }

    #[test]
    fn a_bucket_before_the_host_goes_into_the_path() {
        let bucket = |bucket: &str, host: &str| Destination::Bucket { bucket: bucket.into(), host: host.into() };
        leads("b.s3.team1.localhost:4566", &bucket("b", "s3.team1.localhost:4566"));
        leads("my.dotted.bucket.s3.team1.localhost", &bucket("my.dotted.bucket", "s3.team1.localhost"));
        leads("b.s3.edge.team1.localhost:80", &bucket("b", "edge.team1.localhost:80"));
        leads("s3.team1.localhost", &Destination::Emulator);
    }

    #[test]
    fn other_environments_services_that_were_not_chosen_and_foreign_names_lead_nowhere() {
        for host in [
            "sqs.team2.localhost:4566",
            "sqs.xteam1.localhost",
            "kinesis.team1.localhost:4566",
            "team1.localhost",
            "sqs.localhost",
            "bucket.localhost:4566",
            "sqs.team1.example.com",
            "rebound.attacker.example",
        ] {
            leads(host, &Destination::Nowhere);
        }
    }
}
