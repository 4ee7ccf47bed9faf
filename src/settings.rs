//! What was chosen for an environment: by flags now, or by flags of an earlier run, which the inventory keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Choices for one environment, as given; `None` was never chosen. Recorded in the inventory, so only what describes
/// the environment itself stands here, not what describes the caller (kubeconfig, router address, time-outs).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// Name of the emulator's profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emulator: Option<String>,
    /// Image in place of the profile's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Services in place of all that the emulator has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
    /// `custom`, `none` or `existing:NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scc: Option<String>,
    /// Domain of the Routes in place of the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apps_domain: Option<String>,
    /// `edge`, `edge-only` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    /// Size of the volume, or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<String>,
    /// Scripts that fill a fresh emulator, by name; an empty map runs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<BTreeMap<String, String>>,
    /// How long it is to stay, or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<String>,
    /// AWS account, 12 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// AWS region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

impl Choices {
    /// These choices, and the recorded ones where none was made now. Another emulator drops the recorded image and
    /// services: they belonged to the emulator before.
    #[must_use]
    pub fn over(self, recorded: Self) -> Self {
        let Self { emulator, image, services, scc, apps_domain, tls, persistence, init, ttl, account, region } = self;
        let same_emulator = emulator.is_none() || emulator == recorded.emulator;
        let of_emulator = if same_emulator { recorded.clone() } else { Self::default() };
        Self {
            emulator: emulator.or(recorded.emulator),
            image: image.or(of_emulator.image),
            services: services.or(of_emulator.services),
            scc: scc.or(recorded.scc),
            apps_domain: apps_domain.or(recorded.apps_domain),
            tls: tls.or(recorded.tls),
            persistence: persistence.or(recorded.persistence),
            init: init.or(recorded.init),
            ttl: ttl.or(recorded.ttl),
            account: account.or(recorded.account),
            region: region.or(recorded.region),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_omitted_flag_keeps_the_recorded_value() {
        let recorded = Choices { tls: Some("none".into()), region: Some("eu-west-1".into()), ..Choices::default() };
        let now = Choices { tls: Some("edge".into()), ..Choices::default() };
        let both = now.over(recorded);
        assert_eq!((both.tls.as_deref(), both.region.as_deref()), (Some("edge"), Some("eu-west-1")));
    }

    #[test]
    fn another_emulator_drops_the_image_of_the_one_before() {
        let recorded = Choices { image: Some("x:1".into()), tls: Some("none".into()), ..Choices::default() };
        let both = Choices { emulator: Some("moto".into()), ..Choices::default() }.over(recorded);
        assert_eq!((both.image, both.tls.as_deref()), (None, Some("none")));
    }
}
