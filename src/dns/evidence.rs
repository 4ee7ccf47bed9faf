//! All that one run knows: the path, the names, and everything that was asked. This is what is judged, and what is saved. Pure.

use serde::{Deserialize, Serialize};

use super::chain::{Chain, Place, Target};
use super::observation::Observation;

/// The evidence of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The path.
    pub chain: Chain,
    /// The names that were asked for.
    pub targets: Vec<Target>,
    /// From where.
    pub places: Vec<Place>,
    /// A label that exists nowhere, new for each run: `lsdeploy-` and random letters.
    pub label: String,
    /// Milliseconds that a question waited for its answer.
    pub timeout_ms: u64,
    /// Everything that was asked, in the order in which it came back.
    pub observations: Vec<Observation>,
}

impl Evidence {
    /// The Service that every cluster has.
    pub fn known_service(&self) -> String {
        format!("kubernetes.default.svc.{}", self.chain.cluster_domain)
    }

    /// A Service that does not exist.
    pub fn missing_service(&self) -> String {
        format!("{}.default.svc.{}", self.label, self.chain.cluster_domain)
    }

    /// A name under a top-level domain that does not exist: whoever answers it answers anything.
    pub fn nowhere(&self) -> String {
        format!("{}.invalid-tld", self.label)
    }

    /// A host under the apps domain that no Route has: the wildcard record must answer it.
    pub fn any_route(&self) -> Option<String> {
        self.chain.apps_domain.as_ref().map(|domain| format!("{}.{domain}", self.label))
    }

    /// A name that does not exist below a suffix of a search list.
    pub fn below(&self, suffix: &str) -> String {
        format!("{}.{}", self.label, suffix.trim_matches('.'))
    }
}
