//! What can go wrong between lsdeploy and the API server, in words for people.

use kube::core::Status;

use super::credentials;
use crate::error::CommandError;

/// Why a request failed.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The API server answered with a failure.
    Refused(Box<Status>),
    /// No answer: the root cause in words.
    Unreachable(String),
    /// An old server stored the object without these fields.
    Lost(Vec<String>),
    /// The object was changed in these fields since it was looked at.
    Changed(Vec<String>),
}

impl Fault {
    /// Something else is in the way: what an API server would answer, found by looking.
    pub(super) fn conflict(message: String) -> Self {
        Self::Refused(Box::new(Status { code: 409, reason: "Conflict".to_owned(), message, ..Status::default() }))
    }

    /// The HTTP status, where there was an answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Refused(status) => Some(status.code),
            Self::Changed(_) => Some(409),
            Self::Unreachable(_) | Self::Lost(_) => None,
        }
    }

    /// Says whose answer did not come.
    pub(super) fn at(self, server: &str) -> Self {
        match self {
            Self::Unreachable(cause) => Self::Unreachable(format!("no answer from {server}: {cause}")),
            answered => answered,
        }
    }

    /// What the server said, or why there was no answer.
    pub fn words(&self) -> String {
        match self {
            Self::Refused(status) => words(status),
            Self::Unreachable(cause) => crate::printable::printable(cause),
            Self::Lost(paths) => format!("the server dropped {} without a word", shown(paths)),
            Self::Changed(paths) => format!("it was changed meanwhile: {}", shown(paths)),
        }
    }

    /// An error for people: `attempt` says what was tried, e.g. `apply Route/sqs`.
    pub fn explain(&self, attempt: &str) -> CommandError {
        match self {
            Self::Refused(status) => {
                let error = CommandError::new(format!("cannot {attempt}: {}", words(status)));
                match status.code {
                    401 => error.hint(
                        "the credentials in the kubeconfig are unknown or have expired: log in again (`oc login`), \
                         or renew the client certificate",
                    ),
                    403 if status.message.contains("exceeded quota") => error
                        .hint("the rights are there, the room is not: `kubectl describe resourcequota -n NAMESPACE` shows what is used")
                        .hint("free some of it, or have whoever set the quota raise it"),
                    403 => error.hint(format!(
                        "ask a cluster-admin for this right, or run as a user who has it; `kubectl auth can-i` tests it ({})",
                        status.reason
                    )),
                    409 => error.hint("something else changed the object at the same time: run the command again"),
                    429 | 500..=504 => error.hint(
                        "it was tried again for a while: the API server is busy, restarting, or stands behind a webhook that \
                         fails; run the same command again later",
                    ),
                    415 => error.hint(
                        "this server's version applies objects itself, so lsdeploy does not write in another way, which would \
                         overlook whose fields are whose: see what refuses it between here and the server",
                    ),
                    422 => error.hint("the API server does not accept the object; the words above name the field"),
                    _ => error,
                }
            }
            Self::Lost(_) => CommandError::new(format!("cannot {attempt}: {}", self.words())).hint(
                "it protects what runs there: this server is too old for it; `lsdeploy down` removes what was written",
            ),
            Self::Changed(_) => CommandError::new(format!("cannot {attempt}: {}", self.words()))
                .hint("nothing was overwritten: run the command again, which looks at it anew"),
            Self::Unreachable(cause) => CommandError::new(format!("cannot {attempt}: {cause}")).hint(
                if cause.contains("invalid peer certificate") {
                    "the server is there, and `certificate-authority` in the kubeconfig does not vouch for it: another cluster's, an \
                     old one, or something between here and the server"
                } else {
                    "check that the cluster is up and that --kubeconfig and --context name it"
                },
            ),
        }
    }
}

fn shown(paths: &[String]) -> String {
    if paths.is_empty() { "again and again".to_owned() } else { crate::printable::printable(&paths.join(", ")) }
}

/// The server's own words, without Kubernetes' repetition of what was attempted.
fn words(status: &Status) -> String {
    let text = if status.message.is_empty() { &status.reason } else { &status.message };
    format!("{} (HTTP {})", crate::printable::printable(text), status.code)
}

impl From<kube::Error> for Fault {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused(status),
            other => Self::Unreachable(root_cause(&other)),
        }
    }
}

/// The innermost cause says what happened (`connection refused`), the outer ones who noticed it.
fn root_cause(error: &kube::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    loop {
        if let Some(auth) = cause.downcast_ref() {
            return credentials::words(auth);
        }
        match cause.source() {
            Some(inner) => cause = inner,
            None => return cause.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_quota_is_no_missing_right() {
        let refused = |message: &str| {
            let status =
                Status { code: 403, reason: "Forbidden".to_owned(), message: message.to_owned(), ..Status::default() };
            format!("{:?}", Fault::Refused(Box::new(status)).explain("create Service/emulator").hints)
        };
        let used_up = refused("services \"emulator\" is forbidden: exceeded quota: team, requested: services=1");
        assert!(used_up.contains("kubectl describe resourcequota") && !used_up.contains("can-i"), "{used_up}");
        let forbidden = refused("services is forbidden: User \"dev\" cannot create resource \"services\"");
        assert!(forbidden.contains("can-i") && !forbidden.contains("resourcequota"), "{forbidden}");
    }
}
