//! Who may reach an environment, who may change it, and how much it may take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lsdeploy::level::Level;
use serde_json::{Value, json};

use super::apply::audited_writes;
use crate::lab::{Lab, lab_variable, lsdeploy, run};

const SMALL: [&str; 5] = ["--emulator", "moto", "--services", "sqs,s3", "--no-smoke"];

fn up<'a>(env: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["up", "--env", env], SMALL.as_slice(), more].concat()
}

#[track_caller]
fn object(lab: &Lab, namespace: &str, kind: &str, name: &str) -> Value {
    let text = lab.kubectl(&["--namespace", namespace, "get", kind, name, "--output", "json"]);
    serde_json::from_str(&text).unwrap()
}

#[track_caller]
fn assert_nothing_written(lab: &Lab, audit: &str, arguments: &[&str]) {
    let (ran, report) = lab.json(arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(audited_writes(audit, report["run_id"].as_str().unwrap()), [""; 0], "{report:#}");
}

/// Its own pods and the router come in, by the labels that routers have had.
#[track_caller]
fn assert_fenced(policy: &Value) {
    assert_eq!(policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/instance"], "tenancy");
    let from = policy["spec"]["ingress"][0]["from"].as_array().unwrap();
    let labels: Vec<&Value> = from[1..].iter().map(|peer| &peer["namespaceSelector"]["matchLabels"]).collect();
    assert_eq!((from.len(), &from[0]), (4, &json!({"podSelector": {}})));
    assert_eq!(*labels[0], json!({"policy-group.network.openshift.io/ingress": ""}));
    assert_eq!(*labels[1], json!({"network.openshift.io/policy-group": "ingress"}));
    assert_eq!(*labels[2], json!({"policy-group.network.openshift.io/host-network": ""}));
}

#[test]
fn an_environment_is_fenced_limited_and_owned() {
    let Some(lab) = Lab::shared() else { return };
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let _clean = lab.clean(&["tenancy"], &[]);
    let home = "localstack-tenancy";
    let (ran, report) = lab.json(&up("tenancy", &["--owner", "alice"]));
    assert_eq!((ran.code, report["owner"].as_str()), (0, Some("alice")), "{ran:?}");
    assert!(report["access"]["summary"].as_str().unwrap().contains("no authentication"), "{report:#}");
    if lab.labels_router() {
        assert_eq!(report["notes"], json!([]), "an administrator lacks nothing");
        assert_fenced(&object(&lab, home, "networkpolicy", "emulator"));
    } else {
        assert!(
            report["notes"].to_string().contains("no NetworkPolicy: no namespace has the router's label"),
            "{report:#}"
        );
    }

    let pod = &object(&lab, home, "deployment", "emulator")["spec"]["template"]["spec"];
    let links = if lab.level().has_service_links() { json!(false) } else { Value::Null };
    assert_eq!((&pod["automountServiceAccountToken"], &pod["enableServiceLinks"]), (&json!(false), &links));
    assert_eq!(object(&lab, home, "serviceaccount", "emulator")["automountServiceAccountToken"], false);
    let place = object(&lab, home, "namespace", home);
    for mode in ["enforce", "audit", "warn"] {
        assert_eq!(place["metadata"]["labels"][format!("pod-security.kubernetes.io/{mode}")], "restricted");
    }

    let can = |who: &str, namespace: &str, verb: &str, what: &str| {
        let asked = ["auth", "can-i", verb, what, "--namespace", namespace, "--as", who];
        lab.try_kubectl(&asked, "").stdout.trim() == "yes"
    };
    assert!(can("alice", home, "create", "deployments") && can("alice", home, "delete", "pods"));
    assert!(!can("alice", home, "create", "rolebindings") && !can("alice", home, "delete", "resourcequotas"));
    assert!(!can("alice", "default", "get", "pods") && !can("bob", home, "get", "pods"));
    let listed = lab.lsdeploy(&["list"]).stdout;
    assert!(listed.lines().any(|line| line.starts_with("tenancy ") && line.contains(" alice ")), "{listed}");

    assert_nothing_written(&lab, &audit, &up("tenancy", &[]));
    let (_, status) = lab.json(&["status", "--env", "tenancy"]);
    assert_eq!((&status["owner"], &status["access"]["open"]), (&json!("alice"), &json!(true)));
    let group = lab.lsdeploy(&up("tenancy", &["--owner", "group:team-a"]));
    assert_eq!(group.code, 0, "{group:?}");
    assert_eq!(object(&lab, home, "rolebinding", "lsdeploy-owner")["subjects"][0]["kind"], "Group");
    assert!(!can("alice", home, "get", "pods"));
    assert_eq!(lab.lsdeploy(&up("tenancy", &["--owner", "none"])).code, 0);
    let gone = lab.try_kubectl(&["--namespace", home, "get", "rolebinding", "lsdeploy-owner"], "");
    assert!(gone.stderr.contains("NotFound"), "{gone:?}");

    assert_eq!(lab.lsdeploy(&["down", "--env", "tenancy"]).code, 0);
    assert_eq!(lab.leftovers("tenancy"), "");
}

#[test]
fn a_network_policy_that_was_opened_or_shut_by_hand_is_shown_and_put_right() {
    let Some(lab) = Lab::shared() else { return };
    if !lab.labels_router() {
        eprintln!("SKIPPED: a NetworkPolicy needs the router's label, which no namespace of this cluster has");
        return;
    }
    let _clean = lab.clean(&["tenancy-hole"], &[]);
    let home = "localstack-tenancy-hole";
    let up = up("tenancy-hole", &[]);
    assert_eq!(lab.lsdeploy(&up).code, 0);
    let rules = || object(&lab, home, "networkpolicy", "emulator")["spec"]["ingress"].clone();
    let before = rules();
    for (path, value, shown) in [
        ("/spec/ingress/0/from/0/namespaceSelector", "{}", "namespaceSelector: {}"),
        ("/spec/ingress/0/ports", r#"[{"port": 1}]"#, "port: 1"),
    ] {
        let patch = format!(r#"[{{"op": "add", "path": "{path}", "value": {value}}}]"#);
        lab.kubectl(&["-n", home, "patch", "networkpolicy", "emulator", "--type=json", "-p", &patch]);
        let diff = lab.lsdeploy(&["diff", "--env", "tenancy-hole"]);
        let is_shown = diff.stdout.lines().any(|line| line.trim_start().starts_with('-') && line.contains(shown));
        assert!(diff.code == 1 && is_shown && diff.stdout.contains("update NetworkPolicy/emulator"), "{diff:?}");
        assert_eq!(lab.lsdeploy(&up).code, 0);
        assert_eq!(rules(), before);
    }
    assert_eq!(lab.lsdeploy(&["diff", "--env", "tenancy-hole"]).code, 0);
}

#[test]
fn the_quota_has_room_for_another_pod_and_for_scripts() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["tenancy-room"], &[]);
    let home = "localstack-tenancy-room";
    let scripts = tempfile::tempdir().unwrap();
    fs::write(scripts.path().join("10.sh"), "true\n").unwrap();
    let init = scripts.path().to_str().unwrap();
    assert_eq!(lab.lsdeploy(&up("tenancy-room", &[])).code, 0);
    let with = lab.lsdeploy(&up("tenancy-room", &["--init", init]));
    assert_eq!(with.code, 0, "{with:?}");
    let quota = object(&lab, home, "resourcequota", "lsdeploy");
    assert_eq!((&quota["status"]["used"]["pods"], &quota["status"]["hard"]["pods"]), (&json!("1"), &json!("10")));
    // A pod that names no limits gets those of the LimitRange, and has room.
    let bare = "apiVersion: v1\nkind: Pod\nmetadata: {name: bare, namespace: localstack-tenancy-room}\nspec:\n  \
                securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}\n  \
                containers:\n  - name: a\n    image: docker.io/motoserver/moto:5.2.5\n    command: [sleep, '60']\n    \
                securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}\n";
    let made = lab.try_kubectl(&["create", "--dry-run=server", "-f", "-"], bare);
    assert_eq!(made.code, 0, "{made:?}");
    // No port past the router.
    let node_port = ["--namespace", home, "create", "service", "nodeport", "past", "--tcp=80"];
    let refused = lab.try_kubectl(&node_port, "");
    assert!(refused.stderr.contains("exceeded quota: lsdeploy"), "{refused:?}");
}

/// A plain user that may `edit` one namespace and write Routes in it: a ServiceAccount and its token.
fn editor(lab: &Lab, namespace: &str, directory: &Path) -> PathBuf {
    lab.kubectl(&["create", "namespace", namespace]);
    lab.apply(&format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: editor, namespace: {namespace}}}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: routes, namespace: {namespace}}}\n\
         rules: [{{apiGroups: [route.openshift.io], resources: ['*'], verbs: ['*']}}]\n"
    ));
    let account = format!("--serviceaccount={namespace}:editor");
    lab.kubectl(&["create", "rolebinding", "e", "--namespace", namespace, "--clusterrole=edit", &account]);
    lab.kubectl(&["create", "rolebinding", "r", "--namespace", namespace, "--role=routes", &account]);
    let token = lab.kubectl(&["create", "token", "editor", "--namespace", namespace]);
    let mut config: Value =
        serde_json::from_str(&lab.kubectl(&["config", "view", "--raw", "--minify", "--output", "json"])).unwrap();
    config["users"][0]["user"] = json!({"token": token.trim()});
    let path = directory.join("kubeconfig");
    fs::write(&path, config.to_string()).unwrap();
    path
}

#[test]
fn who_may_less_gets_less_and_is_told() {
    let Some(lab) = Lab::shared() else { return };
    let Some(router) = lab_variable("ROUTER_ADDRESS") else { return };
    let place = ["--env", "tenancy-less", "--namespace", "tenancy-guest"];
    let _clean = lab.clean(&["tenancy-less"], &["tenancy-guest"]);
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = editor(&lab, "tenancy-guest", directory.path());
    let as_editor = |more: &[&str]| {
        let arguments = [&["up"], &place[..], &SMALL, &["--scc", "none", "--router", &router], more].concat();
        run(&mut lsdeploy(&kubeconfig, &arguments))
    };
    let refused = as_editor(&["--owner", "alice"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("nothing was written") && refused.stderr.contains("rolebindings"), "{refused:?}");
    assert_eq!(lab.leftovers("tenancy-less"), "");

    let ran = as_editor(&[]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("note: no NetworkPolicy: you may not"), "{ran:?}");
    // The namespace is not ours to limit.
    let limits = lab.kubectl(&["--namespace", "tenancy-guest", "get", "resourcequota,limitrange", "--output", "name"]);
    assert_eq!(limits, "");

    // What an administrator adds is left alone by who may not change it.
    let admin = lab.lsdeploy(&[&["up"], &place[..], &["--no-smoke", "--owner", "alice"]].concat());
    assert_eq!(admin.code, 0, "{admin:?}");
    let fence = if lab.labels_router() { "networkpolicy/emulator" } else { "route/sqs" };
    lab.kubectl(&["--namespace", "tenancy-guest", "get", fence, "rolebinding/lsdeploy-owner"]);
    lab.kubectl(&["--namespace", "tenancy-guest", "delete", "rolebinding/lsdeploy-owner"]);
    let again = as_editor(&[]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.stdout.contains("alice gets no rights: you may not create rolebindings"), "{again:?}");
    assert_eq!(again.stdout.contains("NetworkPolicy"), !lab.labels_router(), "{again:?}");
    lab.kubectl(&["--namespace", "tenancy-guest", "get", fence]);
    assert_eq!(lab.lsdeploy(&[&["down"], &place[..]].concat()).code, 0);
    assert_eq!(lab.leftovers("tenancy-less"), "");
}

/// What a client gets from a Route, by the network namespace it stands in; 0 where the router hangs up.
fn asked(namespace: Option<&str>, router: &str, host: &str) -> u16 {
    let connect = format!("::{router}:80");
    let curl = ["curl", "--silent", "--max-time", "5", "--output", "/dev/null", "--write-out", "%{http_code}"];
    let url = format!("http://{host}/moto-api/");
    let rest = ["--connect-to", &connect, &url];
    let words: Vec<&str> = match namespace {
        Some(namespace) => [&["ip", "netns", "exec", namespace], &curl[..], &rest].concat(),
        None => [&curl[..], &rest].concat(),
    };
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap_or(0)
}

/// The router takes changes up within seconds.
#[track_caller]
fn assert_becomes(wanted: (u16, u16), seen: impl Fn() -> (u16, u16)) {
    let begin = Instant::now();
    while seen() != wanted {
        assert!(begin.elapsed() < Duration::from_secs(30), "{:?} in place of {wanted:?}", seen());
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn an_allow_list_lets_in_its_addresses_and_nobody_else() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(router), Some(elsewhere), Some(audit)) =
        (lab_variable("ROUTER_ADDRESS"), lab_variable("LAB_WORKSTATION"), lab_variable("AUDIT_LOG"))
    else {
        return;
    };
    let _clean = lab.clean(&["tenancy-open"], &[]);
    let ran = lab.lsdeploy(&up("tenancy-open", &[]));
    assert!(ran.stdout.contains("open to everybody who reaches the router at"), "{ran:?}");
    let host = lab.kubectl(&["-n", "localstack-tenancy-open", "get", "route", "sqs", "-o", "jsonpath={.spec.host}"]);
    let seen = || (asked(None, &router, &host), asked(Some(&elsewhere), &router, &host));
    assert_becomes((200, 200), seen);

    // The machine itself reaches the router by the router's own address.
    let machine = format!("{}.1", router.rsplit_once('.').unwrap().0);
    // Older routers read no such range, and would leave the Route open.
    let others = if lab.level() >= Level::of("v1.22") { Some("2001:db8::/32") } else { None };
    let ranges: Vec<String> =
        [format!("{machine}/32"), format!("{router}/32")].into_iter().chain(others.map(str::to_owned)).collect();
    let mine = format!("{router},{}", ranges.join(","));
    let narrow = ["--allow-from", &mine, "--route-label", "shard=team", "--route-label", "example.com/tier=dev"];
    let narrowed = lab.lsdeploy(&up("tenancy-open", &narrow));
    assert_eq!(narrowed.code, 0, "{narrowed:?}");
    let words = format!("open to {} only, at a router that serves example.com/tier=dev, shard=team", ranges.join(", "));
    assert!(narrowed.stdout.contains(&words), "{words}: {narrowed:?}");
    let route = object(&lab, "localstack-tenancy-open", "route", "sqs");
    let list = ranges.join(" ");
    for name in ["ip_allowlist", "ip_whitelist"] {
        assert_eq!(route["metadata"]["annotations"][format!("haproxy.router.openshift.io/{name}")], list);
    }
    assert_eq!(route["metadata"]["labels"]["shard"], "team");
    assert_becomes((200, 0), seen);
    assert_nothing_written(&lab, &audit, &up("tenancy-open", &[]));

    assert_eq!(lab.lsdeploy(&up("tenancy-open", &["--allow-from", "none", "--route-label", "none"])).code, 0);
    let route = object(&lab, "localstack-tenancy-open", "route", "sqs");
    assert!(route["metadata"]["annotations"].get("haproxy.router.openshift.io/ip_allowlist").is_none(), "{route:#}");
    assert!(route["metadata"]["labels"].get("shard").is_none(), "{route:#}");
    assert_becomes((200, 200), seen);
}

#[test]
fn what_cannot_narrow_a_route_is_refused_before_a_cluster_is_asked() {
    for (flag, value, word) in [
        ("--allow-from", "10.0.0.1/8", "`10.0.0.0/8` is that range"),
        ("--allow-from", "10.0.0.0/8;10.1.0.0/16", "use ranges such as"),
        ("--allow-from", "10.0.0.0/8 10.1.0.0/16", "use ranges such as"),
        ("--allow-from", "0.0.0.0/0", "that is everybody"),
        ("--route-label", "app.kubernetes.io/instance=b", "lsdeploy keeps that key"),
        ("--route-label", "a", "use KEY=VALUE"),
        ("--owner", "group:system:authenticated", "that is everybody"),
        ("--owner", "", "use a user's name"),
    ] {
        let ran = run(&mut lsdeploy(Path::new("/nonexistent"), &["up", "--env", "a", flag, value]));
        assert!(ran.code == 2 && ran.stderr.contains(word), "{flag} {value}: {ran:?}");
    }
}
