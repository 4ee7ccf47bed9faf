//! What a check says when something is wrong: data, never an `Err`.

use serde::Serialize;

/// Where on its way a request stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The host name did not become an address.
    Resolve,
    /// No TCP connection to that address.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The router answered in place of the emulator.
    Route,
    /// The emulator refused the call or could not carry it out.
    Api,
    /// The call worked, but what came back is not what went in.
    Data,
}

impl Phase {
    /// The word in JSON and on the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Route => "route",
            Self::Api => "api",
            Self::Data => "data",
        }
    }
}

/// One thing found wrong, with the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable slug, one of [`code`], documented in `docs/findings.md`.
    pub code: &'static str,
    /// What was seen.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// The codes of smoke findings. A new one gets a row in `docs/findings.md`; a test compares.
pub mod code {
    macro_rules! codes {
        ($($name:ident = $slug:literal,)*) => {
            $(#[doc = concat!("`", $slug, "`")] pub const $name: &str = $slug;)*

            /// Every code, in the order of the phases.
            pub const ALL: &[&str] = &[$($name),*];
        };
    }

    codes! {
        NAME_UNRESOLVED = "name-unresolved",
        WRONG_ADDRESS = "wrong-address",
        CONNECT_REFUSED = "connect-refused",
        CONNECT_TIMEOUT = "connect-timeout",
        CONNECT_FAILED = "connect-failed",
        PROXY_UNREACHABLE = "proxy-unreachable",
        PROXY_REFUSED = "proxy-refused",
        TLS_UNTRUSTED = "tls-untrusted",
        TLS_WRONG_NAME = "tls-wrong-name",
        TLS_EXPIRED = "tls-expired",
        TLS_FAILED = "tls-failed",
        ROUTE_UNKNOWN = "route-unknown",
        ROUTE_NO_ENDPOINTS = "route-no-endpoints",
        ROUTE_REDIRECTS = "route-redirects",
        ROUTE_SCHEME = "route-scheme",
        EMULATOR_STARTING = "emulator-starting",
        SERVICE_OFF = "service-off",
        NOT_LICENSED = "not-licensed",
        DIFFERENT_SERVICE = "different-service",
        PART_NOT_INSTALLED = "part-not-installed",
        AUTH_NEEDED = "auth-needed",
        API_ERROR = "api-error",
        BAD_ANSWER = "bad-answer",
        CONNECTION_LOST = "connection-lost",
        TIMED_OUT = "timed-out",
        INTERRUPTED = "interrupted",
        CLOCK_SKEW = "clock-skew",
        DATA_MISMATCH = "data-mismatch",
        DIFFERENT_ENVIRONMENT = "different-environment",
        NOT_ISOLATED = "not-isolated",
        WRONG_ACCOUNT = "wrong-account",
        WRONG_REGION = "wrong-region",
        RETURNED_URL_UNREACHABLE = "returned-url-unreachable",
    }
}
