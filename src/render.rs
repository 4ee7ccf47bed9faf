//! Environment in, manifests out. Pure: the same environment gives the same bytes, with or without a cluster.
//!
//! Templates (`manifests/`, `scc/`) are rendered strictly, parsed, and read into the kind's own type before use, so that
//! a value can never add a key, and a typing error in a template cannot reach a cluster.

pub mod bundle;
mod context;
pub mod gc;
mod init;
mod limits;
mod pod;
mod templates;
mod typed;

use serde_json::{Value, json};

use crate::environment::token::{KEY, Token};
use crate::environment::{Environment, SccChoice, Tenure};
use crate::error::{CommandError, Result};
use crate::manifest::{Kind, Manifest, ManifestSet, ObjectId};
use crate::yaml;
pub use bundle::is_bundled;
pub use context::{INVENTORY, INVENTORY_LABEL, instance_selector, labels};
pub(crate) use init::RUNNER;
pub(crate) use templates::fill_value;

/// The fixed names of an environment's objects.
pub mod names {
    pub(crate) use super::context::{AUTH, CLAIM, EMULATOR, GRANT, INIT, INIT_CONTAINER, LEASE, LIMITS, OWNER};
}

/// Renders every object of an environment, in apply order.
///
/// # Errors
/// A template that does not fit the objects' types: a fault of this program, never of the user's input.
pub fn render(environment: &Environment) -> Result<ManifestSet> {
    let base = context::of(environment)?;
    let mut manifests = Vec::new();
    let mut add = |template: &'static str, more: Value| -> Result<()> {
        manifests.push(manifest(template, &context::with(&base, more)).map_err(|error| {
            CommandError::new(format!("cannot render {template}: {error}"))
                .hint("this is a fault of lsdeploy: please report it with the command line that led here")
        })?);
        Ok(())
    };
    if environment.tenure == Tenure::Own {
        add("manifests/namespace.yaml.hbs", json!({}))?;
    }
    if environment.scc == SccChoice::Custom {
        add("scc/securitycontextconstraints.yaml.hbs", json!({}))?;
    }
    add("manifests/serviceaccount.yaml.hbs", json!({}))?;
    if environment.scc != SccChoice::None {
        add("scc/role.yaml.hbs", json!({}))?;
        add("scc/rolebinding.yaml.hbs", json!({}))?;
    }
    if environment.owner.is_some() {
        add("manifests/ownerbinding.yaml.hbs", json!({}))?;
    }
    add("manifests/inventory.yaml.hbs", json!({}))?;
    if !environment.scripts.is_empty() {
        add("manifests/init.yaml.hbs", json!({"init_data": init::data(environment)}))?;
    }
    if environment.persistence.is_some() {
        add("manifests/persistentvolumeclaim.yaml.hbs", json!({}))?;
    }
    // What others have in a namespace of theirs is not ours to limit.
    if environment.tenure != Tenure::Guest {
        add("manifests/resourcequota.yaml.hbs", json!({"quota": limits::quota(environment)?}))?;
        add("manifests/limitrange.yaml.hbs", json!({}))?;
    }
    add("manifests/networkpolicy.yaml.hbs", json!({}))?;
    add("manifests/service.yaml.hbs", json!({}))?;
    for route in environment.routes() {
        add("manifests/route.yaml.hbs", context::of_route(environment, &route))?;
    }
    add("manifests/deployment.yaml.hbs", pod::context(environment)?)?;
    Ok(ManifestSet { manifests })
}

/// The Secret that holds the emulator's token. It is no part of [`render`]: what is rendered is for everybody to read.
///
/// # Errors
/// As [`render`].
pub fn token_secret(environment: &Environment, token: &Token) -> Result<Manifest> {
    let data = json!({KEY: k8s_openapi::ByteString(token.expose().as_bytes().to_vec())});
    manifest("manifests/auth.yaml.hbs", &context::with(&context::of(environment)?, json!({"auth_data": data})))
        // The words of the parser might repeat what it read.
        .map_err(|_| CommandError::new("cannot render the emulator's Secret").hint("please report this as a fault"))
}

/// What must be in the namespace besides what is rendered, a line each.
pub fn needs(environment: &Environment) -> Vec<String> {
    let namespace = &environment.namespace;
    let token = environment.token.as_ref().map(|token| {
        format!(
            "needs the Secret {} with the emulator's token: \
             kubectl -n {namespace} create secret generic {} --from-file={}=FILE",
            token.secret, token.secret, token.key
        )
    });
    let pulls = environment.pull_secrets.iter().map(|name| {
        format!(
            "needs the Secret {name} to pull the image: \
             kubectl -n {namespace} create secret docker-registry {name} --from-file=.dockerconfigjson=FILE"
        )
    });
    token.into_iter().chain(pulls).collect()
}

/// One YAML stream of all objects.
pub fn to_yaml(set: &ManifestSet) -> Result<String> {
    let objects: Vec<&Value> = set.manifests.iter().map(|manifest| &manifest.object).collect();
    stream(&objects)
}

/// One YAML stream.
pub fn stream<T: serde::Serialize>(objects: &[T]) -> Result<String> {
    let mut stream = String::new();
    for object in objects {
        let document = yaml::write(object)
            .map_err(|error| CommandError::new(format!("cannot write an object as YAML: {error}")))?;
        stream.push_str("---\n");
        stream.push_str(&document);
    }
    Ok(stream)
}

fn manifest(template: &str, context: &Value) -> std::result::Result<Manifest, String> {
    let text = templates::fill(template, context)?;
    let object: Value = yaml::parse(&text)?;
    let kind = Kind::of(&object).ok_or("it has no known kind")?;
    typed::check(kind, &object)?;
    let name = object.pointer("/metadata/name").and_then(Value::as_str).ok_or("it has no name")?;
    Ok(Manifest { id: ObjectId::new(kind, name), object })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::environment::tests::environment;
    use crate::settings::Choices;

    fn rendered(choices: Choices) -> ManifestSet {
        render(&environment("team1", choices).unwrap()).unwrap()
    }

    fn names(set: &ManifestSet) -> Vec<String> {
        set.manifests.iter().filter(|m| m.id.kind != Kind::Route).map(|m| m.id.to_string()).collect()
    }

    #[test]
    fn the_objects_of_a_default_environment() {
        let set = rendered(Choices::default());
        insta::assert_snapshot!(names(&set).join("\n"), @r"
        Namespace/localstack-team1
        SecurityContextConstraints/lsdeploy-team1
        ServiceAccount/emulator
        Role/lsdeploy-scc
        RoleBinding/lsdeploy-scc
        ConfigMap/lsdeploy-inventory
        ResourceQuota/lsdeploy
        LimitRange/lsdeploy
        NetworkPolicy/emulator
        Service/emulator
        Deployment/emulator
        ");
        assert_eq!(set.manifests.iter().filter(|m| m.id.kind == Kind::Route).count(), 36);
    }

    #[test]
    fn objects_stand_in_apply_order() {
        let kinds: Vec<Kind> = rendered(Choices::default()).manifests.iter().map(|m| m.id.kind).collect();
        assert!(kinds.is_sorted());
    }

    #[test]
    fn without_an_scc_nothing_is_cluster_scoped_but_the_namespace() {
        let set = rendered(Choices { scc: Some("none".into()), ..Choices::default() });
        let cluster: Vec<_> = set.manifests.iter().filter(|m| !m.id.kind.is_namespaced()).map(|m| m.id.kind).collect();
        assert_eq!(cluster, [Kind::Namespace]);
        let pod = set.find(Kind::Deployment).unwrap().object.pointer("/spec/template/spec").unwrap().clone();
        assert_eq!(pod.pointer("/securityContext/runAsNonRoot"), Some(&json!(true)));
        assert_eq!(pod.pointer("/containers/0/securityContext/capabilities"), Some(&json!({"drop": ["ALL"]})));
    }

    #[test]
    fn what_an_emulator_does_after_its_start_is_a_hook_of_its_container() {
        let hook = |emulator: &str| {
            let set = rendered(Choices { emulator: Some(emulator.into()), ..Choices::default() });
            let deployment = &set.find(Kind::Deployment).unwrap().object;
            deployment.pointer("/spec/template/spec/containers/0/lifecycle/postStart/exec/command/0").cloned()
        };
        assert_eq!((hook("moto"), hook("localstack")), (Some(json!("python3")), None));
    }

    #[test]
    fn the_pod_gets_no_access_to_the_cluster_and_its_token_by_reference_only() {
        let set = rendered(Choices {
            emulator: Some("localstack-pro".into()),
            auth_token: Some("own".into()),
            ..Choices::default()
        });
        let pod = set.find(Kind::Deployment).unwrap().object.pointer("/spec/template/spec").unwrap().clone();
        assert_eq!((&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]), (&json!(false), &json!(false)));
        assert_eq!(set.find(Kind::ServiceAccount).unwrap().object["automountServiceAccountToken"], false);
        let variables = pod["containers"][0]["env"].as_array().unwrap();
        let token = variables.iter().find(|variable| variable["name"] == "LOCALSTACK_AUTH_TOKEN").unwrap();
        let reference = json!({"secretKeyRef": {"name": "emulator-auth", "key": "auth-token"}});
        assert_eq!((token.get("value"), &token["valueFrom"]), (None, &reference));
        assert!(set.find(Kind::Secret).is_none());
    }

    #[test]
    fn only_namespaces_of_our_own_are_limited() {
        let mut environment = environment("team1", Choices::default()).unwrap();
        environment.tenure = Tenure::Guest;
        let kinds: Vec<Kind> = render(&environment).unwrap().manifests.iter().map(|m| m.id.kind).collect();
        assert!(!kinds.contains(&Kind::ResourceQuota) && !kinds.contains(&Kind::LimitRange));
        assert!(kinds.contains(&Kind::NetworkPolicy));
    }

    #[test]
    fn every_object_carries_the_labels() {
        let owned = Choices { owner: Some("alice".into()), ..Choices::default() };
        for manifest in rendered(owned).manifests {
            let labels = manifest.object.pointer("/metadata/labels").unwrap();
            assert_eq!(labels["app.kubernetes.io/managed-by"], "lsdeploy", "{}", manifest.id);
            assert_eq!(labels["app.kubernetes.io/instance"], "team1", "{}", manifest.id);
        }
    }

    #[test]
    fn the_legacy_layout_has_a_port_and_a_route_per_service() {
        let set = rendered(Choices { emulator: Some("localstack-legacy".into()), ..Choices::default() });
        let routes: Vec<_> = set.manifests.iter().filter(|m| m.id.kind == Kind::Route).collect();
        assert_eq!(routes.len(), 16);
        for route in routes {
            assert_eq!(route.object.pointer("/spec/port/targetPort"), Some(&json!(route.id.name)));
        }
        let ports = set.find(Kind::Service).unwrap().object.pointer("/spec/ports").unwrap().as_array().unwrap().clone();
        assert_eq!(ports.len(), 16);
    }

    proptest! {
        /// Whatever a user gives as a free value arrives as that one string.
        #[test]
        fn a_template_cannot_be_broken_out_of(text in "\\PC*|[\\x00-\\x7f]*") {
            let filled = templates::fill("manifests/route.yaml.hbs", &json!({
                "route": text, "namespace": "n", "route_labels": {"k": text}, "host": null, "service": text,
                "target_port": text, "tls": "Allow", "allow_from": text,
            })).unwrap();
            let object: Value = yaml::parse(&filled).unwrap();
            prop_assert_eq!(object.pointer("/metadata/name"), Some(&json!(text)));
            prop_assert_eq!(object.pointer("/metadata/labels/k"), Some(&json!(text)));
            prop_assert_eq!(object["metadata"].as_object().unwrap().len(), 4);
            prop_assert_eq!(object["spec"].as_object().unwrap().len(), 4);
        }
    }
}
