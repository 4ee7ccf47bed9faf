//! One run for programs, and read back: frozen shapes (`lsdeploy/v1`). Keys may be added, none renamed. Pure.
//!
//! What is read back is evidence; findings are judged anew, by the same function as in the run itself.

mod observation;
mod path;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use self::observation::Observed;
use self::path::{Hop, Place, Surroundings, Target};
use crate::dns::chain::{Chain, Platform};
use crate::dns::classify::{self, Confidence, Verdict};
use crate::dns::evidence::Evidence;
use crate::error::{CommandError, Result};

const SCHEMA: &str = "lsdeploy/v1";

/// A whole run.
#[derive(Serialize)]
struct Run {
    #[serde(flatten)]
    saved: Saved,
    findings: Vec<Finding>,
    verdict: Verdict,
}

/// What is read back of a run.
#[derive(Serialize, Deserialize)]
struct Saved {
    schema: Schema,
    platform: Platform,
    names: Vec<String>,
    hops: Vec<Hop>,
    observations: Vec<Observed>,
    targets: Vec<Target>,
    chain: Surroundings,
    places: Vec<Place>,
    label: String,
    timeout_ms: u64,
    unseen: Vec<String>,
}

#[derive(Serialize)]
struct Finding {
    code: String,
    id: String,
    hop: String,
    names: Vec<String>,
    confidence: Confidence,
    message: String,
    evidence: Vec<usize>,
    fix: String,
    follows_from: Option<String>,
}

/// The name of the schema; another one is refused where it stands.
struct Schema;

impl Serialize for Schema {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(SCHEMA)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let found = String::deserialize(deserializer)?;
        let refuse = |found: &str| serde::de::Error::custom(format!("its schema is `{}`", found.escape_debug()));
        if found == SCHEMA { Ok(Self) } else { Err(refuse(&found)) }
    }
}

/// The run as one JSON object.
pub fn json(evidence: &Evidence, findings: &[classify::Finding]) -> String {
    let run = Run {
        saved: save(evidence),
        findings: findings.iter().map(Finding::from).collect(),
        verdict: classify::verdict(findings),
    };
    let value = serde_json::to_value(&run).unwrap_or_default();
    format!("{value:#}\n")
}

/// Reads what [`json`] wrote; `name` is the file's, for the error.
///
/// # Errors
/// What is no saved run, with line and column.
pub fn read(text: &str, name: &str) -> Result<Evidence> {
    serde_json::from_str::<Saved>(text).map(Evidence::from).map_err(|error| {
        let told = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let told = told.strip_suffix(&place).unwrap_or(&told);
        let what = if error.is_data() { "is no saved run of `dns-debug`" } else { "is damaged" };
        CommandError::new(format!("{name} {what}: line {}, column {}: {told}", error.line(), error.column()))
            .hint("save a run with `--output json` or `--report json=FILE`, and hand the file over as it is")
    })
}

fn save(evidence: &Evidence) -> Saved {
    let chain = &evidence.chain;
    Saved {
        schema: Schema,
        platform: chain.platform,
        names: evidence.targets.iter().map(|target| target.name.clone()).collect(),
        hops: chain.hops.iter().map(Hop::from).collect(),
        observations: evidence.observations.iter().map(Observed::from).collect(),
        targets: evidence.targets.iter().map(Target::from).collect(),
        chain: Surroundings::from(chain),
        places: evidence.places.iter().map(Place::from).collect(),
        label: evidence.label.clone(),
        timeout_ms: evidence.timeout_ms,
        unseen: chain.unseen.clone(),
    }
}

impl From<Saved> for Evidence {
    fn from(saved: Saved) -> Self {
        let Surroundings { cluster_domain, apps_domain, router } = saved.chain;
        let hops = saved.hops.into_iter().map(Into::into).collect();
        let unseen = saved.unseen;
        Self {
            chain: Chain { platform: saved.platform, cluster_domain, apps_domain, router, hops, unseen },
            targets: saved.targets.into_iter().map(Into::into).collect(),
            places: saved.places.into_iter().map(Into::into).collect(),
            label: saved.label,
            timeout_ms: saved.timeout_ms,
            observations: saved.observations.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<&classify::Finding> for Finding {
    fn from(finding: &classify::Finding) -> Self {
        let classify::Finding { code, id, hop, names, confidence, message, evidence, fix, follows_from } =
            finding.clone();
        Self { code, id, hop, names, confidence, message, evidence, fix, follows_from }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(SCHEMA)
    }
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;

    #[test]
    fn a_saved_run_is_judged_as_the_run_itself() {
        let (broken, _) = examples::broken();
        for evidence in [broken, examples::healthy()] {
            let findings = classify::classify(&evidence);
            let again = read(&json(&evidence, &findings), "run.json").unwrap();
            assert_eq!(again, evidence);
            assert_eq!(classify::classify(&again), findings);
        }
    }

    #[test]
    fn the_keys_are_frozen() {
        let (evidence, findings) = examples::broken();
        let value: serde_json::Value = serde_json::from_str(&json(&evidence, &findings)).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(
            keys(&value),
            "chain findings hops label names observations places platform schema targets timeout_ms unseen verdict"
        );
        assert_eq!(keys(&value["hops"][0]), "address asked_from forwards id node role software vantage");
        let finding = "code confidence evidence fix follows_from hop id message names";
        assert_eq!(keys(&value["findings"][0]), finding);
        let observation = "answers at authority chaos checking_disabled dnssec ede edns error flags group hop ms name \
                           rcode reply_edns round server size source source_port text transport type vantage";
        assert_eq!(keys(&value["observations"][1]), observation);
        assert_eq!((&value["verdict"], &value["names"][0]), (&"broken".into(), &examples::SERVICE.into()));
    }

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let error = read(text, "run.json").unwrap_err();
        assert!(error.message.starts_with(words), "{}", error.message);
        assert!(!error.hints.is_empty());
    }

    #[test]
    fn damaged_and_foreign_files_are_refused_with_line_and_column() {
        let (evidence, findings) = examples::broken();
        let text = json(&evidence, &findings);
        refused(&text[..text.len() / 2], "run.json is damaged: line ");
        refused("", "run.json is damaged: line 1, column 0: EOF");
        let other = "{\n  \"schema\": \"other/v2\"\n}";
        refused(other, "run.json is no saved run of `dns-debug`: line 3, column 1: its schema is `other/v2`");
        let smoke = r#"{"schema": "lsdeploy/v1", "env": "team1", "passed": 3}"#;
        refused(smoke, "run.json is no saved run of `dns-debug`: line 1, column 54: missing field `platform`");
        let wrong = text.replacen("\"udp\"", "\"carrier-pigeon\"", 1);
        refused(&wrong, "run.json is no saved run of `dns-debug`: line ");
        refused("\u{0}\u{1}", "run.json is damaged: line 1, column 1: expected value");
    }

    #[test]
    fn a_later_version_may_say_more() {
        let (evidence, findings) = examples::broken();
        let text = json(&evidence, &findings).replacen('{', "{\"more\": [1],", 1);
        assert_eq!(read(&text, "run.json").unwrap(), evidence);
    }

    #[test]
    fn secrets_do_not_travel() {
        let (mut evidence, _) = examples::broken();
        evidence.observations[0].text =
            Some("nameserver 10.0.2.15\n# password: hunter2\npassword: hunter2\n".to_owned());
        assert!(!json(&evidence, &[]).contains("\npassword: hunter2"));
    }
}
