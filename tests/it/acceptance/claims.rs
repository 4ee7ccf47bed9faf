//! Whoever may write a ConfigMap, or request a project, can claim an environment: what an administrator's run makes of that.

use std::path::Path;

use serde_json::{Value, json};

use crate::lab::{Lab, lab_variable, lsdeploy, run};

const SMALL: [&str; 6] = ["--emulator", "moto", "--services", "sqs", "--no-wait", "--no-smoke"];

/// What an editor of a namespace can write.
fn claim(lab: &Lab, namespace: &str, env: &str, data: &Value) {
    lab.try_kubectl(&["create", "namespace", namespace], "");
    let inventory = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "lsdeploy-inventory",
        "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "lsdeploy",
        "app.kubernetes.io/instance": env, "lsdeploy.dev/inventory": "true"}}, "data": data});
    lab.apply(&inventory.to_string());
}

fn claimed(env: &str, tenure: &str, settings: &Value) -> Value {
    json!({"env": env, "namespace": tenure, "settings": settings.to_string()})
}

#[test]
fn a_claimed_environment_is_granted_nothing_until_the_administrator_names_its_namespace() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["claimone"], &["claimone-evil"]);
    claim(&lab, "claimone-evil", "claimone", &claimed("claimone", "guest", &json!({"emulator": "moto"})));
    let up = |more: &[&str]| lab.lsdeploy(&[&["up", "--env", "claimone"], &SMALL[..], more].concat());
    let refused = up(&[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    for words in [
        "nothing was written: the environment claimone is in the namespace claimone-evil, which is not lsdeploy's",
        "would be granted an SCC there",
        "--namespace claimone-evil",
        "kubectl -n claimone-evil delete configmap lsdeploy-inventory",
    ] {
        assert!(refused.stderr.contains(words), "no `{words}` in {}", refused.stderr);
    }
    assert_eq!(lab.leftovers("claimone"), "configmap/lsdeploy-inventory\n");
    assert_eq!(up(&["--namespace", "claimone-evil"]).code, 0);
    // From then on the SCC says where it is.
    let again = up(&["--owner", "alice"]);
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn an_scc_that_only_the_inventory_names_is_not_granted() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["claimscc"], &[]);
    let up = |more: &[&str]| lab.lsdeploy(&[&["up", "--env", "claimscc"], &SMALL[..], more].concat());
    assert_eq!(up(&["--scc", "none"]).code, 0);
    let settings = json!({"data": {"settings": json!({"emulator": "moto", "scc": "existing:privileged"}).to_string()}});
    let home = ["-n", "localstack-claimscc"];
    let settings = settings.to_string();
    let patch = ["patch", "configmap", "lsdeploy-inventory", "--type=merge", "-p", &settings];
    lab.kubectl(&[&home[..], &patch].concat());
    let refused = up(&[]);
    assert!(refused.code == 2 && refused.stderr.contains("would be granted the SCC privileged"), "{refused:?}");
    let role = lab.try_kubectl(&[&home[..], &["get", "role", "lsdeploy-scc"]].concat(), "");
    assert!(role.stderr.contains("NotFound"), "{role:?}");
}

#[test]
fn a_project_that_somebody_else_requested_for_an_environment_gets_no_scc() {
    let Some(lab) = Lab::shared() else { return };
    let home = "localstack-claimproject";
    let _clean = lab.clean(&["claimproject"], &["localstack-claimproject"]);
    lab.kubectl(&["create", "namespace", home]);
    let description = "openshift.io/description=Environment claimproject, made by lsdeploy";
    lab.kubectl(&["annotate", "namespace", home, description, "openshift.io/requester=mallory"]);
    let refused = lab.lsdeploy(&[&["up", "--env", "claimproject"], &SMALL[..]].concat());
    let words = "a project that `mallory` requested, and would be granted an SCC there";
    assert!(refused.code == 2 && refused.stderr.contains(words), "{refused:?}");
    assert_eq!(lab.leftovers("claimproject"), "");
}

#[test]
fn an_inventory_does_not_have_a_foreign_namespace_deleted() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["claimprod"], &["claimprod-home"]);
    claim(&lab, "claimprod-home", "claimprod", &claimed("claimprod", "project", &json!({})));
    let down = lab.lsdeploy(&["down", "--env", "claimprod"]);
    assert_eq!(down.code, 0, "{down:?}");
    let phase = lab.kubectl(&["get", "namespace", "claimprod-home", "-o", "jsonpath={.status.phase}"]);
    assert_eq!(phase, "Active", "the namespace goes: {down:?}");
    assert_eq!(lab.leftovers("claimprod"), "");
}

#[test]
fn an_inventory_that_cannot_be_read_or_stands_elsewhere_stops_nobody_else() {
    let Some(lab) = Lab::shared() else { return };
    let home = "localstack-claimreal";
    let _clean = lab.clean(&["claimreal"], &["aaa-claimreal", "aab-claimreal"]);
    claim(&lab, "aaa-claimreal", "claimreal", &json!({"env": "claimreal"}));
    claim(&lab, "aab-claimreal", "claimreal", &claimed("claimreal", "guest", &json!({"emulator": "localstack"})));
    let up = |more: &[&str]| lab.lsdeploy(&[&["up", "--env", "claimreal"], &SMALL[..], more].concat());
    let named = up(&["--namespace", home]);
    assert!(named.code == 2 && named.stderr.contains("aab-claimreal already"), "{named:?}");
    lab.kubectl(&["-n", "aab-claimreal", "delete", "configmap", "lsdeploy-inventory"]);
    assert_eq!(up(&[]).code, 0);
    claim(&lab, "aab-claimreal", "claimreal", &claimed("claimreal", "guest", &json!({"emulator": "localstack"})));
    // The namespace that is the environment's counts; a second `up` has nothing to do.
    let (diff, _) = lab.json(&["diff", "--env", "claimreal"]);
    assert_eq!(diff.code, 0, "{diff:?}");
    let list = lab.lsdeploy(&["list"]);
    let words = "the inventory in aaa-claimreal is damaged: it has no settings; it is left out";
    assert!(list.code == 0 && list.stderr.contains(words) && list.stdout.contains(home), "{list:?}");
    let down = lab.lsdeploy(&["down", "--env", "claimreal", "--namespace", home]);
    assert_eq!((down.code, down.stdout.as_str()), (0, "claimreal is gone\n"), "{down:?}");
    let there = lab.try_kubectl(&["get", "namespace", home], "");
    assert!(there.stderr.contains("NotFound"), "{there:?}");
    // Two for which nobody vouches are named, both of them.
    claim(&lab, "aaa-claimreal", "claimreal", &claimed("claimreal", "guest", &json!({})));
    let both = lab.lsdeploy(&["status", "--env", "claimreal"]);
    assert!(
        both.stderr.contains("aaa-claimreal, aab-claimreal") || both.stderr.contains("aab-claimreal, aaa-claimreal"),
        "{both:?}"
    );
    assert_eq!(lab.lsdeploy(&["down", "--env", "claimreal", "--namespace", "aaa-claimreal"]).code, 0);
}

#[test]
fn a_namespace_that_is_there_or_out_of_sight_is_somebody_elses_to_every_command() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(nobody), Some(domain)) = (lab_variable("LAB_KUBECONFIG_NOBODY"), lab_variable("APPS_DOMAIN")) else {
        return;
    };
    let home = "claimshared-home";
    let _clean = lab.clean(&[], &["claimshared-home"]);
    lab.kubectl(&["create", "namespace", home]);
    let there = ["--env", "claimshared", "--namespace", home];
    for command in ["render", "admin-bundle"] {
        // The old server tells no domain before there is a Route.
        let more: &[&str] = if lab.level().obeys_dry_run() { &[] } else { &["--apps-domain", &domain] };
        let ran = lab.lsdeploy(&[&[command], &there[..], more].concat());
        assert!(ran.code == 0 && !ran.stdout.contains("kind: Namespace"), "{command}: {ran:?}");
    }
    let refused = run(&mut lsdeploy(Path::new(&nobody), &[&["up"], &there[..], &["--scc", "none"]].concat()));
    assert!(refused.code == 2 && refused.stderr.contains("nothing was written"), "{refused:?}");
    assert!(
        !refused.stderr.contains("create namespaces") && !refused.stderr.contains("patch namespaces"),
        "{refused:?}"
    );
}

#[test]
fn a_namespace_that_is_named_is_not_rendered_as_our_own() {
    let offline = |more: &[&str]| {
        let render = ["render", "--env", "team1", "--apps-domain", "apps.example.com"];
        run(&mut lsdeploy(Path::new("/nonexistent"), &[&render[..], more].concat())).stdout
    };
    assert!(offline(&[]).contains("kind: Namespace"));
    let guest = offline(&["--namespace", "shared"]);
    for kind in ["kind: Namespace", "kind: ResourceQuota", "kind: LimitRange"] {
        assert!(!guest.contains(kind), "{kind} in:\n{guest}");
    }
    assert!(guest.contains("# the namespace shared is taken to be there already, and not to be made\n"), "{guest}");
}
