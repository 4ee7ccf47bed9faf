//! `admin-bundle`: what of an environment a cluster-admin must apply, each object with why. Pure: the same environment gives
//! the same bytes.

use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::context::{self, EMULATOR};
use super::manifest;
use crate::environment::{Environment, Owner, SccChoice, Tenure};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, Manifest, ObjectId};
use crate::rights::is_of_scc;
use crate::yaml;

/// The name of the RoleBinding for who is to work in the namespace.
pub(crate) const BENEFICIARY: &str = "lsdeploy-for";
/// The annotation of what came by way of a bundle.
const MARK: &str = "lsdeploy.dev/admin-bundle";

/// What a cluster-admin is to apply.
pub struct Bundle {
    /// The objects, each with why it is there, in the order in which they are applied.
    pub objects: Vec<(Manifest, String)>,
    /// Lines before the objects, without their comment signs.
    header: Vec<String>,
}

/// The command lines that go with a bundle.
pub struct Commands {
    /// The plain user's `up`, which works once it is applied.
    pub up: String,
    /// What takes everything back.
    pub down: String,
}

/// Whether it takes a cluster-admin to make such an object; what else there is, an administrator of the namespace can make.
pub(crate) fn takes_admin(id: &ObjectId) -> bool {
    is_of_scc(id) || matches!(id.kind, Kind::Namespace | Kind::ResourceQuota | Kind::LimitRange)
}

/// Whether a live object came by way of a bundle.
pub fn is_bundled(object: &Value) -> bool {
    object.pointer("/metadata/annotations").is_some_and(|annotations| annotations.get(MARK).is_some())
}

/// The bundle of an environment; `notes` say what could not be seen.
///
/// # Errors
/// A template that does not fit: a fault of this program.
pub fn bundle(
    environment: &Environment,
    beneficiary: Option<&Owner>,
    commands: &Commands,
    notes: &[String],
) -> Result<Bundle> {
    let set = super::render(environment)?;
    let mut objects: Vec<(Manifest, String)> = Vec::new();
    for mut manifest in set.manifests.into_iter().filter(|manifest| takes_admin(&manifest.id)) {
        mark(&mut manifest.object, environment);
        let why = why(environment, &manifest.id);
        objects.push((manifest, why));
    }
    if let Some(beneficiary) = beneficiary {
        objects.push(binding(environment, beneficiary)?);
    }
    Ok(Bundle { header: header(environment, commands, notes, objects.is_empty()), objects })
}

impl Bundle {
    /// The stream and the digest of its body: everything from the first line of three dashes on.
    pub fn write(&self) -> Result<(String, String)> {
        let mut body = String::new();
        for (manifest, why) in &self.objects {
            let document = yaml::write(&manifest.object)
                .map_err(|error| CommandError::new(format!("cannot write {} as YAML: {error}", manifest.id)))?;
            body.push_str("---\n");
            for line in why.lines() {
                let _ = writeln!(body, "# {line}");
            }
            body.push_str(&document);
        }
        let digest = hex::encode(Sha256::digest(&body));
        let mut text = String::new();
        let digested = [
            format!("sha256 of everything from the first line of three dashes on: {digest}"),
            "check it with: sed -n '/^---$/,$p' FILE | sha256sum".to_owned(),
        ];
        for line in self.header.iter().chain(&digested) {
            let _ = writeln!(text, "# {line}");
        }
        Ok((text + &body, digest))
    }
}

fn header(environment: &Environment, commands: &Commands, notes: &[String], is_empty: bool) -> Vec<String> {
    let Environment { name, namespace, profile, .. } = environment;
    let mut lines = vec![
        format!("What a cluster-admin applies for environment {name} ({}) in namespace {namespace},", profile.name),
        format!("so that this works for who has no rights outside of {namespace}: {}", commands.up),
        format!("Made by lsdeploy {} admin-bundle; apply it with: kubectl apply -f FILE", env!("CARGO_PKG_VERSION")),
        format!("Taken back by: {} (as cluster-admin)", commands.down),
    ];
    if is_empty {
        lines.push("There is nothing to apply: who administers the namespace can do all by themselves.".to_owned());
    }
    lines.extend(notes.iter().map(|note| format!("Note: {}", crate::printable::printable(note))));
    lines
}

/// Why a cluster-admin has to make an object.
fn why(environment: &Environment, id: &ObjectId) -> String {
    let Environment { name, namespace, profile, scc, .. } = environment;
    let account = format!("ServiceAccount {namespace}/{EMULATOR}");
    match id.kind {
        Kind::Namespace => {
            let level = match scc {
                SccChoice::None => "pods of level restricted",
                _ => "what the pod's SCC lets in",
            };
            format!(
                "The environment's own namespace. Its pod-security labels let in {level}, and no more.\n\
                 Whoever may only request projects cannot set them."
            )
        }
        Kind::SecurityContextConstraints => format!(
            "What {} needs of its pod: {}\n\
             No host access, no privileged containers, no users or groups named in it.\n\
             No priority, and it sorts after the restricted and nonroot SCCs of the platform: it takes no other pod.\n\
             `lsdeploy scc explain --env {name}` says every field in words.",
            profile.name,
            needs(environment),
        ),
        Kind::Role => format!("The right to use that one SCC, in {namespace} only. Nobody has it by this alone."),
        Kind::RoleBinding => match scc {
            SccChoice::Existing(scc) => format!("Gives it to {account} and to nobody else: its pod runs under {scc}."),
            _ => format!("Gives it to {account} and to nobody else."),
        },
        _ => "Bounds of the namespace: its administrators may only read them.".to_owned(),
    }
}

fn needs(environment: &Environment) -> String {
    let security = &environment.profile.security;
    let user = if security.run_as_user == 0 { "to run as root" } else { "to run as a user of its own" };
    match &security.capabilities[..] {
        [] => format!("{user}, with no capability."),
        capabilities => format!("{user}, with the capabilities {} and no other.", capabilities.join(", ")),
    }
}

fn binding(environment: &Environment, beneficiary: &Owner) -> Result<(Manifest, String)> {
    let more =
        json!({"beneficiary": BENEFICIARY, "subject_kind": beneficiary.kind(), "subject_name": beneficiary.name()});
    let made = manifest("scc/beneficiary.yaml.hbs", &context::with(&context::of(environment)?, more));
    let mut made =
        made.map_err(|error| CommandError::new(format!("cannot render scc/beneficiary.yaml.hbs: {error}")))?;
    mark(&mut made.object, environment);
    let name = beneficiary.name();
    let more = match environment.tenure {
        Tenure::Guest => format!(
            "\nThis namespace is not the environment's own: it also gives {name} everything else in it, Secrets included."
        ),
        _ => String::new(),
    };
    let why = format!(
        "Lets the {} {} work in {} as the administrator of a project may: what a requested project would give.\n\
         It gives no right to any SCC, and none outside of this namespace.{more}",
        beneficiary.kind().to_lowercase(),
        name,
        environment.namespace
    );
    Ok((made, why))
}

fn mark(object: &mut Value, environment: &Environment) {
    object["metadata"]["annotations"][MARK] = environment.name.as_str().into();
}

#[cfg(test)]
mod tests {
    use super::super::context::GRANT;
    use super::*;
    use crate::environment::tests::environment;
    use crate::settings::Choices;

    fn written(choices: Choices, beneficiary: Option<&str>) -> (Bundle, String, String) {
        let beneficiary = beneficiary.map(|text| Owner::parse_one("--for", text).unwrap());
        let commands = Commands { up: "lsdeploy up --env team1 --scc none".into(), down: "lsdeploy down".into() };
        let bundle = bundle(&environment("team1", choices).unwrap(), beneficiary.as_ref(), &commands, &[]).unwrap();
        let (text, digest) = bundle.write().unwrap();
        (bundle, text, digest)
    }

    fn ids(bundle: &Bundle) -> Vec<String> {
        bundle.objects.iter().map(|(manifest, _)| manifest.id.to_string()).collect()
    }

    #[test]
    fn only_what_a_cluster_admin_must_make_is_in_it() {
        let (bundle, text, digest) = written(Choices::default(), Some("group:team a"));
        let expected = [
            "Namespace/localstack-team1",
            "SecurityContextConstraints/lsdeploy-team1",
            "Role/lsdeploy-scc",
            "RoleBinding/lsdeploy-scc",
            "ResourceQuota/lsdeploy",
            "LimitRange/lsdeploy",
            "RoleBinding/lsdeploy-for",
        ];
        assert_eq!(ids(&bundle), expected);
        assert!(!text.contains("ownerReferences") && text.contains(&digest), "{text}");
        for (manifest, why) in &bundle.objects {
            assert!(!why.is_empty() && is_bundled(&manifest.object), "{}", manifest.id);
        }
        let body = &text[text.find("---\n").unwrap()..];
        assert_eq!(hex::encode(Sha256::digest(body)), digest);
        assert_eq!(written(Choices::default(), Some("group:team a")).1, text);
    }

    #[test]
    fn the_header_has_the_callers_own_commands() {
        let (_, text, _) = written(Choices::default(), None);
        assert!(text.contains("localstack-team1: lsdeploy up --env team1 --scc none\n"), "{text}");
        assert!(text.contains("# Taken back by: lsdeploy down (as cluster-admin)\n"), "{text}");
    }

    #[test]
    fn who_gets_a_namespace_of_others_gets_everything_in_it_and_is_told_so() {
        let mut environment = environment("team1", Choices::default()).unwrap();
        let dev = Owner::parse_one("--for", "dev").unwrap();
        let why = |environment: &Environment| binding(environment, &dev).unwrap().1;
        assert!(!why(&environment).contains("everything else"));
        environment.tenure = Tenure::Guest;
        assert!(why(&environment).ends_with("it also gives dev everything else in it, Secrets included."));
    }

    #[test]
    fn the_grant_is_to_one_service_account_and_one_scc() {
        let (bundle, ..) = written(Choices::default(), None);
        let of = |kind: Kind| &bundle.objects.iter().find(|(m, _)| m.id.kind == kind && m.id.name == GRANT).unwrap().0;
        let rules = &of(Kind::Role).object["rules"];
        assert_eq!(rules[0]["resourceNames"], json!(["lsdeploy-team1"]));
        assert_eq!((&rules[0]["verbs"], rules.as_array().unwrap().len()), (&json!(["use"]), 1));
        let subjects = &of(Kind::RoleBinding).object["subjects"];
        assert_eq!(subjects, &json!([{"kind": "ServiceAccount", "name": EMULATOR, "namespace": "localstack-team1"}]));
    }

    #[test]
    fn without_an_scc_there_is_only_the_namespace_and_with_a_named_one_only_its_grant_besides() {
        let of = |scc: &str| ids(&written(Choices { scc: Some(scc.into()), ..Choices::default() }, None).0);
        let bounds = ["ResourceQuota/lsdeploy", "LimitRange/lsdeploy"];
        assert_eq!(of("none"), [&["Namespace/localstack-team1"][..], &bounds].concat());
        let grant = ["Role/lsdeploy-scc", "RoleBinding/lsdeploy-scc"];
        assert_eq!(of("existing:x"), [&["Namespace/localstack-team1"][..], &grant, &bounds].concat());
    }
}
