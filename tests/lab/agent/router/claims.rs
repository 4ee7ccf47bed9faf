//! Who owns a host: the oldest Route that asks for it, and with it its namespace (OpenShift's strict ownership).

use super::route::Route;
use k8s_openapi::jiff::Timestamp;
use std::collections::HashMap;

/// What a Route asks for.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) created: Timestamp,
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) termination: String,
    pub(crate) wildcard: bool,
}

/// What the router says to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Admitted,
    Refused { reason: &'static str, message: String },
}

impl Claim {
    pub(crate) fn of(route: &Route, apps_domain: &str) -> Self {
        let meta = route.metadata.clone();
        let spec = &route.spec;
        let host = match (spec.host.as_str(), spec.subdomain.as_str()) {
            ("", "") => String::new(),
            ("", subdomain) => format!("{subdomain}.{apps_domain}"),
            (host, _) => host.to_owned(),
        };
        Self {
            namespace: meta.namespace.unwrap_or_default(),
            name: meta.name.unwrap_or_default(),
            uid: meta.uid.unwrap_or_default(),
            created: meta.creation_timestamp.map_or(Timestamp::MAX, |time| time.0),
            host,
            path: spec.path.clone(),
            termination: spec.termination().to_owned(),
            wildcard: spec.wildcard_policy == "Subdomain",
        }
    }

    /// Can both be served on one host? Not with the same path, and not beside a Route that hides paths from us.
    fn clashes(&self, other: &Self) -> bool {
        let both_tls = !self.termination.is_empty() && !other.termination.is_empty();
        let passthrough = [self, other].iter().any(|claim| claim.termination == "passthrough");
        self.path == other.path || (both_tls && passthrough)
    }
}

/// The verdict on every claim, in the order given.
pub(crate) fn judge(claims: &[Claim]) -> Vec<Verdict> {
    let mut by_age: Vec<usize> = (0..claims.len()).collect();
    by_age.sort_by_key(|&index| (claims[index].created, &claims[index].uid));
    let mut holders: HashMap<&str, Vec<&Claim>> = HashMap::new();
    let mut verdicts = vec![Verdict::Admitted; claims.len()];
    for index in by_age {
        let claim = &claims[index];
        if let Some(refusal) = unservable(claim) {
            verdicts[index] = refusal;
            continue;
        }
        let holders = holders.entry(&claim.host).or_default();
        let foreign = holders.first().is_some_and(|owner| owner.namespace != claim.namespace);
        if foreign || holders.iter().any(|other| other.clashes(claim)) {
            verdicts[index] = taken(claim, holders);
        } else {
            holders.push(claim);
        }
    }
    verdicts
}

fn refused(reason: &'static str, message: impl Into<String>) -> Verdict {
    Verdict::Refused { reason, message: message.into() }
}

/// What no router would serve, whoever else asks.
fn unservable(claim: &Claim) -> Option<Verdict> {
    if claim.wildcard {
        return Some(refused("RouteNotAdmitted", "wildcard routes are not allowed"));
    }
    if claim.host.is_empty() {
        return Some(refused("NoHostValue", "no host value was defined for the route"));
    }
    let errors = host_errors(&claim.host);
    (!errors.is_empty()).then(|| {
        let texts: Vec<String> =
            errors.iter().map(|error| format!("spec.host: Invalid value: {:?}: {error}", claim.host)).collect();
        refused("InvalidHost", format!("host name validation errors: {}", texts.join(", ")))
    })
}

fn taken(claim: &Claim, holders: &[&Claim]) -> Verdict {
    // The real router names the newest holder of the same path, else the newest holder.
    let newest = holders.iter().rev();
    let owner = newest.clone().find(|other| other.path == claim.path).or_else(|| newest.clone().next());
    let message = match owner {
        Some(owner) if owner.namespace == claim.namespace => {
            format!("route {} already exposes {} and is older", owner.name, claim.host)
        }
        _ => format!("a route in another namespace holds {} and is older than {}", claim.host, claim.name),
    };
    refused("HostAlreadyClaimed", message)
}

fn host_errors(host: &str) -> Vec<&'static str> {
    let mut errors = Vec::new();
    let good = |label: &str| {
        let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let bytes = label.as_bytes();
        bytes.iter().all(|&c| inner(c) || c == b'-')
            && bytes.first().is_some_and(|&c| inner(c))
            && bytes.last().is_some_and(|&c| inner(c))
    };
    if host.len() > 253 || !host.split('.').all(good) {
        errors.push("host must conform to DNS 952 subdomain conventions");
    }
    for label in host.split('.') {
        if label.len() > 63 {
            errors.push("must be no more than 63 characters");
        }
        if !good(label) {
            errors.push(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                 and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
                 '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            );
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(namespace: &str, name: &str, second: i64, path: &str) -> Claim {
        Claim {
            namespace: namespace.into(),
            name: name.into(),
            uid: format!("{namespace}-{name}"),
            created: Timestamp::from_second(second).expect("a time"),
            host: "a.apps.test".into(),
            path: path.into(),
            termination: String::new(),
            wildcard: false,
        }
    }

    fn message(verdict: &Verdict) -> (&str, &str) {
        match verdict {
            Verdict::Admitted => ("", ""),
            Verdict::Refused { reason, message } => (reason, message),
        }
    }

    #[test]
    fn the_oldest_namespace_owns_the_host() {
        let verdicts = judge(&[claim("b", "new", 2, ""), claim("a", "old", 1, ""), claim("b", "path", 3, "/x")]);
        let text = "a route in another namespace holds a.apps.test and is older than new";
        assert_eq!(message(&verdicts[0]), ("HostAlreadyClaimed", text));
        assert_eq!(verdicts[1], Verdict::Admitted);
        assert_eq!(message(&verdicts[2]).0, "HostAlreadyClaimed");
    }

    #[test]
    fn one_namespace_may_share_a_host_by_path() {
        let verdicts = judge(&[claim("a", "x", 1, ""), claim("a", "y", 2, "/y"), claim("a", "z", 3, "")]);
        assert_eq!(verdicts[1], Verdict::Admitted);
        assert_eq!(message(&verdicts[2]).1, "route x already exposes a.apps.test and is older");
    }

    #[test]
    fn the_next_oldest_follows_when_the_owner_goes() {
        assert_eq!(judge(&[claim("b", "new", 2, "")]), [Verdict::Admitted]);
    }

    #[test]
    fn equal_age_is_settled_by_uid() {
        let verdicts = judge(&[claim("b", "x", 1, ""), claim("a", "x", 1, "")]);
        assert_eq!(verdicts[1], Verdict::Admitted);
        assert_ne!(verdicts[0], Verdict::Admitted);
    }

    #[test]
    fn hosts_no_router_serves() {
        let mut long = claim("a", "x", 1, "");
        long.host = format!("{}.test", "a".repeat(64));
        let mut none = claim("a", "y", 1, "");
        none.host = String::new();
        let mut wild = claim("a", "z", 1, "");
        wild.wildcard = true;
        let verdicts = judge(&[long, none, wild]);
        let reasons: Vec<_> = verdicts.iter().map(|verdict| message(verdict).0).collect();
        assert_eq!(reasons, ["InvalidHost", "NoHostValue", "RouteNotAdmitted"]);
        assert!(message(&verdicts[0]).1.ends_with(": must be no more than 63 characters"));
    }
}
