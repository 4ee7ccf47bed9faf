//! What was chosen for an environment: by flags now, or by flags of an earlier run, which the inventory keeps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What runs where nobody chose.
const DEFAULT_EMULATOR: &str = "localstack";

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
    /// Who may change what is in the namespace: `USER`, `group:G` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Address ranges that the Routes let in, or `none` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_from: Option<Vec<String>>,
    /// Labels of the Routes, `KEY=VALUE`, or `none` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_labels: Option<Vec<String>>,
    /// The registry that images are pulled from in place of their own, or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_registry: Option<String>,
    /// The only registries that images may come from, or `none` alone for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_registries: Option<Vec<String>>,
    /// Secrets with which images are pulled, or `none` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_secrets: Option<Vec<String>>,
    /// Where the emulator's token is, never what it is: `secret:NAME[/KEY]`, `own` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_token: Option<String>,
}

impl Choices {
    /// These choices, and the recorded ones where none was made now. Another emulator drops the recorded image and
    /// services, and where its token is: they belonged to the emulator before.
    #[must_use]
    pub fn over(self, recorded: Self) -> Self {
        let of_emulator = if self.changes_emulator(&recorded) { Self::default() } else { recorded.clone() };
        Self {
            emulator: self.emulator.or(recorded.emulator),
            image: self.image.or(of_emulator.image),
            services: self.services.or(of_emulator.services),
            scc: self.scc.or(recorded.scc),
            apps_domain: self.apps_domain.or(recorded.apps_domain),
            tls: self.tls.or(recorded.tls),
            persistence: self.persistence.or(recorded.persistence),
            init: self.init.or(recorded.init),
            ttl: self.ttl.or(recorded.ttl),
            account: self.account.or(recorded.account),
            region: self.region.or(recorded.region),
            owner: self.owner.or(recorded.owner),
            allow_from: self.allow_from.or(recorded.allow_from),
            route_labels: self.route_labels.or(recorded.route_labels),
            image_registry: self.image_registry.or(recorded.image_registry),
            allowed_registries: self.allowed_registries.or(recorded.allowed_registries),
            pull_secrets: self.pull_secrets.or(recorded.pull_secrets),
            auth_token: self.auth_token.or(of_emulator.auth_token),
        }
    }

    /// The emulator that these choices ask for; the default one where they say nothing.
    pub fn emulator(&self) -> &str {
        self.emulator.as_deref().unwrap_or(DEFAULT_EMULATOR)
    }

    /// What was recorded and is dropped because it belonged to another emulator, as flags; none where nothing is.
    pub fn dropped(&self, recorded: &Self) -> Vec<&'static str> {
        let changes = self.changes_emulator(recorded);
        let drops = [
            ("--image", self.image.is_none() && recorded.image.is_some()),
            ("--services", self.services.is_none() && recorded.services.is_some()),
            ("--auth-token-secret", self.auth_token.is_none() && recorded.auth_token.is_some()),
        ];
        drops.into_iter().filter(|(_, drops)| changes && *drops).map(|(flag, _)| flag).collect()
    }

    fn changes_emulator(&self, recorded: &Self) -> bool {
        self.emulator.is_some() && self.emulator() != recorded.emulator()
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
    fn the_default_emulator_named_is_no_other_one_and_another_says_what_it_drops() {
        let recorded = Choices { services: Some(vec!["sqs".into()]), ..Choices::default() };
        let of = |emulator: &str| Choices { emulator: Some(emulator.into()), ..Choices::default() };
        assert_eq!(of(DEFAULT_EMULATOR).dropped(&recorded), [""; 0]);
        assert_eq!(of(DEFAULT_EMULATOR).over(recorded.clone()).services, recorded.services);
        assert_eq!(of("moto").dropped(&recorded), ["--services"]);
        assert_eq!(of("moto").over(recorded).services, None);
    }

    #[test]
    fn another_emulator_drops_the_image_of_the_one_before() {
        let recorded = Choices {
            image: Some("x:1".into()),
            tls: Some("none".into()),
            auth_token: Some("own".into()),
            ..Choices::default()
        };
        let both = Choices { emulator: Some("moto".into()), ..Choices::default() }.over(recorded);
        assert_eq!((both.image, both.auth_token, both.tls.as_deref()), (None, None, Some("none")));
    }
}
