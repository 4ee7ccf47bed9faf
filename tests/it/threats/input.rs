//! What a hostile file or name could do, and what the manifests grant. Needs no cluster.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{assert_refused, offline};
use crate::lab::{lsdeploy, run};

/// The manifests of an environment, each read as what its template says.
fn rendered(more: &[&str]) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let render =
        ["render", "--env", "team1", "--apps-domain", "apps.example.com", "--output-dir", path.to_str().unwrap()];
    let ran = offline(&[&render[..], more].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut files: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| lsdeploy::yaml::parse(&fs::read_to_string(file).unwrap()).unwrap()).collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let found: Vec<_> = objects.iter().filter(|object| object["kind"] == kind).collect();
    assert!(!found.is_empty(), "no {kind}");
    found
}

#[test]
fn the_scc_is_granted_to_one_service_account_of_one_namespace() {
    let objects = rendered(&[]);
    let scc = of_kind(&objects, "SecurityContextConstraints")[0];
    assert_eq!((&scc["users"], &scc["groups"]), (&serde_json::json!([]), &serde_json::json!([])));
    let role = of_kind(&objects, "Role")[0];
    let rules = serde_json::json!([{"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"],
        "resourceNames": ["lsdeploy-team1"], "verbs": ["use"]}]);
    assert_eq!(role["rules"], rules);
    let bindings = of_kind(&objects, "RoleBinding");
    let grant = bindings.iter().find(|binding| binding["roleRef"]["name"] == role["metadata"]["name"]).unwrap();
    let subjects = serde_json::json!([{"kind": "ServiceAccount", "name": "emulator", "namespace": "localstack-team1"}]);
    assert_eq!(grant["subjects"], subjects);
    assert!(objects.iter().all(|object| object["kind"] != "ClusterRoleBinding" && object["kind"] != "ClusterRole"));
}

#[test]
fn the_pod_holds_no_key_to_the_cluster() {
    let objects = rendered(&[]);
    assert_eq!(of_kind(&objects, "ServiceAccount")[0]["automountServiceAccountToken"], false);
    let pod = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"];
    assert_eq!((&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]), (&false.into(), &false.into()));
}

#[test]
fn routes_claim_no_host_beside_their_own() {
    for route in of_kind(&rendered(&[]), "Route") {
        assert_eq!(route["spec"]["wildcardPolicy"], "None", "{route}");
        let host = route["spec"]["host"].as_str().unwrap_or_default();
        assert!(host.is_empty() || host.ends_with("-localstack-team1.apps.example.com"), "{route}");
    }
    let wildcard = offline(&["render", "--env", "a", "--apps-domain", "*.example.com"]);
    assert_refused(&wildcard, "`*.example.com` cannot be used as apps domain");
}

#[test]
fn every_container_has_bounds() {
    let scripts = tempfile::tempdir().unwrap();
    fs::write(scripts.path().join("a.sh"), "true\n").unwrap();
    for more in [&[][..], &["--emulator", "moto"], &["--init", scripts.path().to_str().unwrap()]] {
        let objects = rendered(more);
        let pod = &of_kind(&objects, "Deployment")[0]["spec"]["template"]["spec"];
        for container in pod["containers"].as_array().unwrap() {
            for bound in ["requests", "limits"] {
                assert!(container["resources"][bound]["memory"].is_string(), "{container}");
            }
        }
    }
}

#[test]
fn files_that_explode_are_refused_soon() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("team.yaml");
    let laughs: String = (1..40).fold("a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned(), |text, level| {
        let below = vec![format!("*a{}", level - 1); 8].join(", ");
        format!("{text}a{level}: &a{level} [{below}]\n")
    });
    let deep = format!("env: {}", "[".repeat(200_000));
    let long = "# \n".repeat(1 << 20);
    let texts = [laughs.as_str(), &deep, &long, "env: a\nenv: b\n", "\u{0}\u{1}"];
    for text in texts {
        fs::write(&path, text).unwrap();
        let started = Instant::now();
        let ran = offline(&["up", "-f", path.to_str().unwrap()]);
        assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
        assert_refused(&ran, "cannot read the file");
        assert!(ran.stderr.len() < 4000, "{}", ran.stderr.len());
    }
}

#[test]
fn manifests_are_written_into_an_empty_directory_only() {
    let directory = tempfile::tempdir().unwrap();
    let victim = directory.path().join("victim");
    let out = directory.path().join("out");
    fs::create_dir(&out).unwrap();
    std::os::unix::fs::symlink(&victim, out.join("00-namespace-localstack-team1.yaml")).unwrap();
    let render =
        ["render", "--env", "team1", "--apps-domain", "apps.example.com", "--output-dir", out.to_str().unwrap()];
    assert_refused(&offline(&render), "is not empty");
    assert!(!victim.exists());
    assert_refused(&offline(&["render", "--env", "../x", "--apps-domain", "a.example"]), "cannot be the name");
}

#[test]
fn what_destroys_needs_a_name_and_asks_nothing() {
    for arguments in [&["down"][..], &["down", "--env", ""], &["down", "--env", "*"]] {
        let ran = offline(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(ran.stderr.starts_with("error:"), "{ran:?}");
    }
}

#[test]
fn a_kubeconfig_of_nonsense_is_an_error_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let cluster =
        "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n";
    for text in [
        "",
        "\u{0}",
        "{",
        "[]",
        "apiVersion: v1\nkind: Config\n",
        &format!(
            "{cluster}clusters: [{{name: a, cluster: {{server: 'nonsense'}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
        ),
        &format!(
            "{cluster}clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:1', certificate-authority-data: '%%'}}}}]\nusers: [{{name: a, user: {{}}}}]\n"
        ),
        &format!(
            "{cluster}clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:1'}}}}]\nusers: [{{name: a, user: {{client-certificate-data: aGk=, client-key-data: aGk=}}}}]\n"
        ),
    ] {
        fs::write(&path, text).unwrap();
        let ran = run(&mut lsdeploy(&path, &["list", "--timeout", "5s"]));
        assert_refused(&ran, "kubeconfig");
        assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    }
}

#[test]
fn a_credential_plugin_that_hangs_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config");
    let user = |command: &str| {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             clusters: [{{name: a, cluster: {{server: 'https://127.0.0.1:1'}}}}]\nusers: [{{name: a, user: {{exec: {{apiVersion: \
             client.authentication.k8s.io/v1, interactiveMode: Never, {command}}}}}}}]\n"
        )
    };
    fs::write(&path, user("command: sleep, args: ['600']")).unwrap();
    let started = Instant::now();
    let ran = run(&mut lsdeploy(&path, &["list", "--timeout", "3s"]));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_refused(&ran, "sleep");
    // What a plugin prints or is given may be a credential.
    fs::write(&path, user("command: sh, args: ['-c', 'echo canary-7f; exit 3'], env: [{name: A, value: canary-8f}]"))
        .unwrap();
    let ran = run(&mut lsdeploy(&path, &["list", "--verbose"]));
    assert_refused(&ran, "sh");
    assert!(!ran.stderr.contains("canary"), "{ran:?}");
}
