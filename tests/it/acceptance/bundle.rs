//! `admin-bundle`: what a cluster-admin applies for a plain user, whose `up` and `down` then do the rest.

use std::path::Path;

use serde_json::{Value, json};

use super::apply::audited_writes;
use super::rights::{User, guest_house};
use crate::lab::{Lab, Ran, lab_variable, lsdeploy, run};

const SMALL: [&str; 4] = ["--emulator", "moto", "--services", "sqs,s3"];

fn digest(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bundle.yaml");
    std::fs::write(&file, text).unwrap();
    let check = format!("sed -n '/^---$/,$p' {} | sha256sum", file.display());
    let ran = run(std::process::Command::new("sh").args(["-c", &check]));
    ran.stdout.split(' ').next().unwrap().to_owned()
}

/// What the hints have a cluster-admin run, as a cluster-admin.
#[track_caller]
fn run_as_admin(lab: &Lab, ran: &Ran) {
    let hint = ran.stderr.lines().find(|line| line.contains("`kubectl delete ")).unwrap_or_else(|| panic!("{ran:?}"));
    for command in hint.split('`').skip(1).step_by(2).filter(|command| command.starts_with("kubectl ")) {
        let arguments: Vec<&str> = command.split(' ').skip(1).collect();
        lab.kubectl(&arguments);
    }
}

#[test]
fn a_plain_user_needs_a_cluster_admin_once() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(dev), Some(audit)) = (User::new("LAB_KUBECONFIG_DEV"), lab_variable("AUDIT_LOG")) else { return };
    let [env, namespace, scc] = ["bundled", "localstack-bundled", "lsdeploy-bundled"];
    let _clean = lab.clean(&["bundled"], &["localstack-bundled"]);
    let _scc = Gone(&lab, scc);
    let place = [&["--env", env][..], &SMALL].concat();

    let made = dev.lsdeploy(&[&["admin-bundle", "--for", "dev"][..], &place].concat());
    assert_eq!(made.code, 0, "{made:?}");
    let body = digest(&made.stdout);
    assert!(made.stderr.contains(&body) && made.stdout.contains("# sha256 of everything from"), "{made:?}");
    assert!(made.stdout.contains(&body), "{made:?}");
    let offline = [&["admin-bundle", "--for", "dev", "--apps-domain", "apps.lab.test"][..], &place].concat();
    let offline = run(&mut lsdeploy(Path::new("/nonexistent"), &offline));
    assert_eq!((offline.code, &offline.stdout), (0, &made.stdout), "the same bytes without a cluster");
    lab.apply(&made.stdout);

    let up = [&["up"][..], &place].concat();
    let (ran, report) = dev.json(&up);
    assert_eq!((ran.code, &report["scc"]), (0, &json!(scc)), "{ran:?}");
    let notes = report["notes"].as_array().unwrap();
    assert!(
        notes.iter().any(|note| note.as_str().unwrap().contains("relied upon because the server says")),
        "{report:#}"
    );
    let (second, report) = dev.json(&[&up[..], &["--no-smoke"]].concat());
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(audited_writes(&audit, report["run_id"].as_str().unwrap()), [""; 0]);
    assert_eq!(dev.lsdeploy(&["diff", "--env", env]).code, 0);
    // A cluster-admin sees the router's namespace, and would add the policy that lets it in; the rest is as it should be.
    let (_, seen) = lab.json(&["diff", "--env", env]);
    let changes: Vec<_> =
        seen["changes"].as_array().unwrap().iter().map(|one| (&one["kind"], &one["action"])).collect();
    assert!(changes.iter().all(|one| *one == (&json!("NetworkPolicy"), &json!("create"))), "{seen:#}");

    // Only this account may use the SCC, and it through this grant alone.
    let may = |account: &str| {
        let what = format!("securitycontextconstraints/{scc}");
        let account = format!("--as=system:serviceaccount:{account}");
        lab.try_kubectl(&["auth", "can-i", "use", &what, "-n", namespace, &account], "").stdout.trim().to_owned()
    };
    assert_eq!(
        (may("localstack-bundled:emulator").as_str(), may("localstack-bundled:default").as_str()),
        ("yes", "no")
    );

    let (down, removed) = dev.json(&["down", "--env", env]);
    assert_eq!(down.code, 2, "{down:?}");
    assert!(down.stderr.contains("error:") && down.stderr.contains("hint:"), "{down:?}");
    let one = &removed["envs"][0];
    assert_eq!(one["unseen"], json!([{"kind": "SecurityContextConstraints", "name": scc}]), "{removed:#}");
    assert!(lab.leftovers(env).contains(scc), "{}", lab.leftovers(env));
    run_as_admin(&lab, &down);
    assert_eq!(lab.leftovers(env), "");
    let again = lab.lsdeploy(&["down", "--env", env]);
    assert!(again.code == 0 && again.stdout.contains("nothing was deleted: there is no environment"), "{again:?}");
}

#[test]
fn in_a_namespace_that_stays_only_the_scc_is_left_and_a_cluster_admins_down_removes_it() {
    let Some(lab) = Lab::shared() else { return };
    let Some(dev) = User::new("LAB_KUBECONFIG_DEV") else { return };
    let _clean = lab.clean(&["bundle-guest"], &["bundle-house"]);
    let _scc = Gone(&lab, "lsdeploy-bundle-guest");
    guest_house(&lab, "bundle-house");
    let place = [&["--env", "bundle-guest", "--namespace", "bundle-house"][..], &SMALL].concat();
    let made = dev.lsdeploy(&[&["admin-bundle"][..], &place].concat());
    assert!(made.code == 0 && !made.stdout.contains("kind: Namespace"), "{made:?}");
    lab.apply(&made.stdout);
    let up = dev.lsdeploy(&[&["up", "--no-smoke"][..], &place].concat());
    assert_eq!(up.code, 0, "{up:?}");

    // What lets the pod in was widened: a plain user cannot put it right, and is told what differs.
    let rules = json!([{"op": "replace", "path": "/rules/0/verbs", "value": ["use", "delete"]}]).to_string();
    lab.kubectl(&["-n", "bundle-house", "patch", "role", "lsdeploy-scc", "--type=json", "-p", &rules]);
    let refused = dev.lsdeploy(&[&["up", "--no-smoke"][..], &place].concat());
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("Role/lsdeploy-scc is not as it is to be, at /rules/0/verbs"), "{refused:?}");

    let down = dev.lsdeploy(&["down", "--env", "bundle-guest", "--namespace", "bundle-house"]);
    assert!(down.code == 2 && down.stderr.contains("lsdeploy-bundle-guest"), "{down:?}");
    assert_eq!(
        lab.leftovers("bundle-guest").trim(),
        "securitycontextconstraints.security.openshift.io/lsdeploy-bundle-guest"
    );
    let rest = lab.lsdeploy(&["down", "--env", "bundle-guest"]);
    assert_eq!((rest.code, rest.stdout.as_str()), (0, "bundle-guest is gone\n"), "{rest:?}");
    assert_eq!(lab.leftovers("bundle-guest"), "");
    lab.kubectl(&["get", "namespace", "bundle-house"]);
}

#[test]
fn a_binding_that_a_killed_down_has_left_goes_with_the_next_one() {
    let Some(lab) = Lab::shared() else { return };
    let Some(dev) = User::new("LAB_KUBECONFIG_DEV") else { return };
    let _clean = lab.clean(&["bundle-cut"], &["bundle-cut-house"]);
    guest_house(&lab, "bundle-cut-house");
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "lsdeploy-for", "namespace": "bundle-cut-house", "labels": {
            "app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "bundle-cut"}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "dev"}]});
    lab.apply(&binding.to_string());
    let down = || dev.lsdeploy(&["down", "--env", "bundle-cut", "--namespace", "bundle-cut-house"]);
    let first = down();
    assert_eq!((first.code, first.stdout.as_str()), (0, "bundle-cut is gone\n"), "{first:?}");
    assert_eq!(lab.leftovers("bundle-cut"), "");
    assert!(down().stdout.contains("nothing was deleted"));
}

#[test]
fn what_a_bundle_cannot_be_made_of_is_refused() {
    let offline = |more: &[&str]| {
        let base = ["admin-bundle", "--env", "a", "--apps-domain", "apps.example.com"];
        run(&mut lsdeploy(Path::new("/nonexistent"), &[&base[..], more].concat()))
    };
    for (more, words) in [
        (&["--for", "group:system:authenticated"][..], "that is everybody"),
        (&["--for", "a\nb"][..], "--for cannot be"),
        (&["--scc", "privileged"][..], "use custom, none or existing:NAME"),
    ] {
        let ran = offline(more);
        assert!(ran.code == 2 && ran.stderr.contains(words) && ran.stderr.contains("hint:"), "{more:?}: {ran:?}");
    }
    // A namespace that was named and not seen is never labelled as ours: `down` would remove it.
    let named = offline(&["--namespace", "theirs", "--output", "json"]);
    let bundle: Value = serde_json::from_str(&named.stdout).unwrap();
    let kinds: Vec<&Value> = bundle["objects"].as_array().unwrap().iter().map(|object| &object["kind"]).collect();
    assert_eq!(kinds, ["SecurityContextConstraints", "Role", "RoleBinding"]);
    assert!(bundle["yaml"].as_str().unwrap().contains("Note: the namespace theirs is taken to be there"), "{bundle:#}");
}

/// Removes an SCC that a failed test may have left.
struct Gone<'a>(&'a Lab, &'a str);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.try_kubectl(&["delete", "securitycontextconstraints", self.1, "--ignore-not-found"], "");
    }
}
