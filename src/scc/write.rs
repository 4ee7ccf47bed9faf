//! What the API server does with an SCC that is written: fill in defaults, then accept or reject it.

use super::Scc;

/// Fills in what the server stores for fields left out.
pub fn default(_scc: &mut Scc) {}

/// Every reason to reject an SCC, in the server's words; empty means it is accepted.
pub fn validate(_scc: &Scc) -> Vec<String> {
    Vec::new()
}
