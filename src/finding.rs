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

/// One thing found wrong, with the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable slug, documented in `docs/findings.md`.
    pub code: &'static str,
    /// What was seen.
    pub message: String,
    /// What to do next.
    pub hint: String,
}
