//! What a smoke run is told: targets, account, network, deadlines and the emulator's limits. Pure.

use std::time::Duration;

use http::Uri;
use serde::Deserialize;

use super::{dial::Origin, proxy::Proxies, stop::Stop};
use crate::hint::Way;

/// Names made by a run carry its id, and the shortest limit among the services is the domain name of `es`:
/// 28 characters, of which `lsdeploy-` and `-es` take 12.
const LONGEST_RUN_ID: usize = 16;

/// One service and the URL under which its clients reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// LocalStack's name of the service: `sqs`, `dynamodbstreams`.
    pub service: String,
    /// `http://host[:port][/path]` or https.
    pub url: String,
}

/// Everything else a run needs; nothing is read from the process environment.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connect every host to this address instead (`address[:port]`, as curl's `--connect-to`); Host, SNI and
    /// signature stay those of the URL.
    pub router: Option<String>,
    /// PEM certificates trusted besides the system's roots.
    pub ca_pem: Option<Vec<u8>>,
    /// 12-digit account, used as access key; none is the key `test`. The secret is always `test`.
    pub account: Option<String>,
    /// Region in names, ARNs and signatures.
    pub region: String,
    /// Time-outs per stage and for the whole run.
    pub deadlines: Deadlines,
    /// Part of every name that the run creates: 1 to 16 characters of `a-z0-9`.
    pub run_id: String,
    /// What the emulator cannot do; from its profile.
    pub limits: Vec<Limit>,
    /// Services checked at the same time; at least 1.
    pub concurrency: usize,
    /// Where a check finds a second service it needs.
    pub companions: Companions,
    /// The gateway's URL, where one address reaches every service: what is made there must be seen through every
    /// target, else a target leads to another environment.
    pub edge: Option<String>,
    /// The cluster says that every Route is admitted and has its pod.
    pub admitted: bool,
    /// The environment on a cluster, for what is said of names.
    pub env: Option<String>,
    /// The proxies on the way, as found in the variables of the process.
    pub proxies: Proxies,
    /// Ends the run early, with everything taken back.
    pub stop: Stop,
    /// How other commands are led here, for hints that can be pasted.
    pub way: Way,
}

/// How long each stage of a request, and all of them together, may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlines {
    /// Name to address.
    pub resolve: Duration,
    /// TCP connection, for each address of the name.
    pub connect: Duration,
    /// TLS handshake.
    pub tls: Duration,
    /// One operation from sending to the last byte, and one poll until something shows up.
    pub operation: Duration,
    /// How long 503 is taken for "not started yet": the router reloads at most every 5 s.
    pub settle: Duration,
    /// All services together, without the cleaning up.
    pub whole: Duration,
    /// Cleaning up after one service.
    pub cleanup: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            tls: Duration::from_secs(5),
            // The router cuts a request after 30 s; what takes longer never works through a Route.
            operation: Duration::from_secs(30),
            settle: Duration::from_secs(10),
            whole: Duration::from_mins(2),
            cleanup: Duration::from_secs(15),
        }
    }
}

/// An operation the emulator cannot carry out, known beforehand: it is skipped, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Name of the service.
    pub service: String,
    /// Name of the operation in the check (`invoke`); `*` skips the whole service.
    pub operation: String,
    /// Why, for people: `needs Docker`.
    pub reason: String,
}

/// Where a check finds the second service it needs (the bucket of a delivery stream, the table behind a stream).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Companions {
    /// At that service's own target, if it is among the targets; else as [`Companions::Own`].
    #[default]
    Targets,
    /// At the checked service's own URL: emulators route by signature, so one gateway serves all.
    Own,
}

/// Input that is refused before anything is sent.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A key that may be real.
    #[error("`{0}…` looks like a real AWS access key; smoke tests use a 12-digit account or the key `test`")]
    RealKey(String),
    /// Neither a 12-digit account nor `test`.
    #[error("`{0}` is no account: 12 digits expected")]
    Account(String),
    /// A host of Amazon's.
    #[error("`{0}` is real AWS; smoke tests only talk to emulators")]
    RealAws(String),
    /// Not an http or https URL with a host.
    #[error("`{url}` of `{service}` is no http or https URL")]
    Url {
        /// The target's service.
        service: String,
        /// Its URL.
        url: String,
    },
    /// Unfit as part of bucket, domain and queue names.
    #[error("run id `{0}` is not 1 to 16 characters of a-z and 0-9")]
    RunId(String),
    /// Not `address[:port]`.
    #[error("router `{0}` is not address or address:port")]
    Router(String),
    /// A proxy that cannot be used.
    #[error("{variable} {fault}")]
    Proxy {
        /// The variable that names it.
        variable: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// No certificate in the PEM text, or a broken one.
    #[error("cannot use the given CA certificates: {0}")]
    Ca(String),
}

/// Refuses targets and options that could reach real AWS or that cannot work.
pub(super) fn validate(targets: &[Target], options: &Options) -> Result<(), InputError> {
    access_key(options.account.as_deref())?;
    let id = &options.run_id;
    let fits = (1..=LONGEST_RUN_ID).contains(&id.len());
    if !fits || !id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        return Err(InputError::RunId(id.clone()));
    }
    let edge = options.edge.as_deref().map(|url| ("edge", url));
    for (service, url) in targets.iter().map(|target| (target.service.as_str(), target.url.as_str())).chain(edge) {
        let refused = || InputError::Url { service: service.to_owned(), url: url.to_owned() };
        let host = host_of(url).ok_or_else(refused)?;
        if is_real_aws(&host) {
            return Err(InputError::RealAws(host));
        }
        if options.router.is_none() {
            usable(&options.proxies, url)?;
        }
    }
    Ok(())
}

fn usable(proxies: &Proxies, url: &str) -> Result<(), InputError> {
    let proxy = url.parse().ok().and_then(|uri| Origin::of(&uri).ok()?.proxy(proxies));
    match proxy.map(|proxy| (proxy.variable, proxy.fault.clone())) {
        Some((variable, Some(fault))) => Err(InputError::Proxy { variable, fault }),
        _ => Ok(()),
    }
}

/// What is worth saying when requests go through a proxy.
pub fn proxy_note(targets: &[Target], options: &Options) -> Option<String> {
    if options.router.is_some() {
        return None;
    }
    let mut through: Vec<String> = Vec::new();
    for target in targets {
        let proxy = target.url.parse().ok().and_then(|uri| Origin::of(&uri).ok()?.proxy(&options.proxies));
        through.extend(proxy.filter(|proxy| proxy.fault.is_none()).map(ToString::to_string));
    }
    through.sort();
    through.dedup();
    (!through.is_empty()).then(|| format!("smoke goes through the proxy {}", through.join(" and ")))
}

/// The access key that stands for the account.
pub(super) fn access_key(account: Option<&str>) -> Result<&str, InputError> {
    match account {
        None | Some("test") => Ok("test"),
        Some(key) if ["AKIA", "ASIA"].iter().any(|real| key.starts_with(real)) => {
            Err(InputError::RealKey(key.chars().take(4).collect()))
        }
        Some(account) if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) => Ok(account),
        Some(other) => Err(InputError::Account(other.to_owned())),
    }
}

/// True for hosts that Amazon runs. Routers behind a load balancer of Amazon's are reached by their apps domain or
/// as `router`, so no emulator needs such a host in its URL.
pub(super) fn is_real_aws(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    ["amazonaws.com", "amazonaws.com.cn", "api.aws", "aws.amazon.com"]
        .iter()
        .any(|domain| host == *domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')))
}

/// Refuses a URL of real AWS.
///
/// # Errors
/// Its host.
pub fn check_no_real_aws(url: &str) -> Result<(), InputError> {
    match host_of(url).filter(|host| is_real_aws(host)) {
        Some(host) => Err(InputError::RealAws(host)),
        None => Ok(()),
    }
}

/// Host of an http or https URL, in lower case.
pub(super) fn host_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    uri.host().filter(|host| !host.is_empty()).map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_twelve_digits_or_test_and_never_a_real_key() {
        assert_eq!(access_key(None).unwrap(), "test");
        assert_eq!(access_key(Some("000011112222")).unwrap(), "000011112222");
        let refused = access_key(Some("AKIAIOSFODNN7EXAMPLE")).unwrap_err().to_string();
        assert!(refused.starts_with("`AKIA…` looks like a real"), "{refused}");
        assert!(!refused.contains("IOSFODNN"), "a key is never repeated in full: {refused}");
        assert!(matches!(access_key(Some("42")), Err(InputError::Account(_))));
    }

    #[test]
    fn hosts_of_amazon_are_recognised_but_not_their_namesakes() {
        for host in ["amazonaws.com", "sqs.us-east-1.amazonaws.com", "S3.AMAZONAWS.COM.", "x.amazonaws.com.cn"] {
            assert!(is_real_aws(host), "{host}");
        }
        for host in ["notamazonaws.com", "amazonaws.com.apps.lab.test", "sqs-localstack-t.apps.lab.test"] {
            assert!(!is_real_aws(host), "{host}");
        }
    }

    #[test]
    fn only_http_urls_with_a_host_are_targets() {
        assert_eq!(host_of("https://SQS-t.apps.x:8443/path").as_deref(), Some("sqs-t.apps.x"));
        for url in ["sqs-t.apps.x", "ftp://x", "http://", "file:///etc/passwd", ""] {
            assert_eq!(host_of(url), None, "{url}");
        }
    }
}
