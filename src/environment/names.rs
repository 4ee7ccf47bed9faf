//! Names that end up in DNS: each is checked once, when it is made.

use std::fmt;

use crate::error::{CommandError, Result};

/// The longest DNS label, in characters (RFC 1035).
const LABEL: usize = 63;

/// The name of an environment: `^[a-z]([-a-z0-9]*[a-z0-9])?$`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvName(String);

/// The namespace of an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamespaceName(String);

/// The domain under which the cluster's router serves Routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppsDomain(String);

impl EnvName {
    /// Checks a name given by the user.
    pub fn parse(name: &str) -> Result<Self> {
        if name.starts_with(|c: char| c.is_ascii_lowercase()) && is_label_text(name) {
            return Ok(Self(name.to_owned()));
        }
        Err(CommandError::new(format!("`{}` cannot be the name of an environment", name.escape_default())).hint(
            "use lower-case ASCII letters, digits and dashes; begin with a letter and end with a letter or digit",
        ))
    }

    /// The namespace it lives in unless `--namespace` names another.
    pub fn default_namespace(&self) -> String {
        format!("localstack-{self}")
    }

    /// The name of its dedicated SCC.
    pub fn scc(&self) -> String {
        format!("{}{self}", crate::scc::PREFIX)
    }
}

impl NamespaceName {
    /// Checks a namespace for use by an environment: a DNS label that the platform does not keep for itself.
    pub fn parse(name: &str) -> Result<Self> {
        let refuse = |why: &str| {
            Err(CommandError::new(format!("`{}` cannot be used as a namespace: {why}", name.escape_default()))
                .hint("choose another one with --namespace, or leave the flag out for localstack-<env>"))
        };
        if !is_label_text(name) {
            return refuse("it is not a DNS label (lower-case letters, digits and dashes)");
        }
        if name.len() > LABEL {
            return refuse(&format!("it has {} characters, a DNS label has at most {LABEL}", name.len()));
        }
        let reserved = ["openshift", "kubernetes", "kube"];
        let is_reserved =
            |word: &str| name == word || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('-'));
        if name == "default" || reserved.into_iter().any(is_reserved) {
            return refuse("the platform keeps it for itself");
        }
        Ok(Self(name.to_owned()))
    }
}

impl AppsDomain {
    /// Checks a domain. LocalStack reads bucket and service names out of labels such as `s3` or `lambda-url`.
    pub fn parse(domain: &str) -> Result<Self> {
        let refuse = |why: String| {
            Err(CommandError::new(format!("`{}` cannot be used as apps domain: {why}", domain.escape_default()))
                .hint("give the domain that the cluster's router serves, e.g. --apps-domain apps.example.com"))
        };
        if domain.is_empty() || domain.len() > 253 - LABEL - 1 {
            return refuse(format!("it has {} characters, 1 to {} are possible", domain.len(), 253 - LABEL - 1));
        }
        for label in domain.split('.') {
            if !is_label_text(label) || label.len() > LABEL {
                return refuse(format!("`{}` is not a DNS label", label.escape_default()));
            }
            if label.starts_with("s3") || ["queue", "lambda-url"].contains(&label) {
                return refuse(format!(
                    "the emulator would take its label `{label}` for part of a bucket or queue URL"
                ));
            }
        }
        Ok(Self(domain.to_owned()))
    }
}

/// Refuses hosts `<service>-<namespace>` whose first label is longer than DNS allows; says the arithmetic.
pub fn check_host_labels(env: &EnvName, namespace: &NamespaceName, routes: &[String]) -> Result<()> {
    let Some(longest) = routes.iter().max_by_key(|route| route.len()) else { return Ok(()) };
    let length = longest.len() + 1 + namespace.0.len();
    if length <= LABEL {
        return Ok(());
    }
    let spare = LABEL - longest.len() - 1;
    let room = if namespace.0 == env.default_namespace() {
        format!("an environment's name may have at most {} characters here", spare.saturating_sub("localstack-".len()))
    } else {
        format!("the namespace may have at most {spare} characters here")
    };
    Err(CommandError::new(format!(
        "the Route of `{longest}` would get the host label `{longest}-{namespace}`: {} + 1 + {} = {length} characters, \
         a DNS label has at most {LABEL}",
        longest.len(),
        namespace.0.len(),
    ))
    .hint(format!("{room}; shorten it, or leave the longest services out with --services")))
}

/// Lower-case letters, digits and inner dashes.
fn is_label_text(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

macro_rules! text {
    ($($name:ident),*) => {$(
        impl $name {
            /// The checked text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
text!(EnvName, NamespaceName, AppsDomain);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_are_no_dns_label_are_refused() {
        for bad in ["", "Team1", "1team", "team_1", "team-", "-team", "te am", "tеam", "a.b", "team\n1", "../x"] {
            assert!(EnvName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_longest_host_label_has_63_characters() {
        let routes = ["resourcegroupstaggingapi".to_owned(), "s3".to_owned()];
        let check = |length: usize| {
            let env = EnvName::parse(&"a".repeat(length)).unwrap();
            let namespace = NamespaceName::parse(&env.default_namespace()).unwrap();
            check_host_labels(&env, &namespace, &routes)
        };
        assert!(check(27).is_ok());
        let error = check(28).unwrap_err();
        assert!(error.message.contains("24 + 1 + 39 = 64 characters"), "{error}");
        assert!(error.hints[0].contains("at most 27 characters"), "{error:?}");
    }

    #[test]
    fn the_platforms_namespaces_are_refused() {
        for bad in ["default", "kube-system", "openshift", "openshift-ingress", "kubernetes-x"] {
            assert!(NamespaceName::parse(bad).is_err(), "{bad}");
        }
        assert!(NamespaceName::parse("kubeflow").is_ok());
    }

    #[test]
    fn domains_that_the_emulator_would_misread_are_refused() {
        for bad in ["apps.s3cluster.io", "s3.example.com", "queue.example.com", "apps..com", "Apps.example.com", ""] {
            assert!(AppsDomain::parse(bad).is_err(), "{bad}");
        }
        assert!(AppsDomain::parse("apps.example.com").is_ok());
    }

    proptest! {
        /// Two environments never share a host: `<service>-localstack-<env>` can be read back in one way only.
        #[test]
        fn hosts_are_injective(a in "[a-z]([-a-z0-9]{0,10}[a-z0-9])?", b in "[a-z]([-a-z0-9]{0,10}[a-z0-9])?") {
            let hosts = |env: &str| {
                let env = EnvName::parse(env).unwrap();
                crate::services::SERVICES.map(|service| format!("{}-{}", service.name, env.default_namespace()))
            };
            prop_assume!(a != b);
            let of_b = hosts(&b);
            prop_assert!(hosts(&a).iter().all(|host| !of_b.contains(host)));
        }
    }
}
