//! Applying: idempotent, side by side, mending, removing.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::{Lab, SERVER_SIDE_APPLY, lab_variable, lsdeploy, run};

const SMALL: [&str; 4] = ["--emulator", "moto", "--services", "sqs,s3"];

fn up<'a>(env: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["up", "--env", env], SMALL.as_slice(), more].concat()
}

fn actions(report: &Value) -> Vec<&str> {
    let mut actions: Vec<&str> =
        report["objects"].as_array().unwrap().iter().map(|object| object["action"].as_str().unwrap()).collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

/// Writes in the audit log by the run of that id. Reviews of rights count as questions.
pub(crate) fn audited_writes(log: &str, run_id: &str) -> Vec<String> {
    let text = fs::read_to_string(log).unwrap();
    let events = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events
        .filter(|event| event["userAgent"].as_str().is_some_and(|agent| agent.contains(run_id)))
        .filter(|event| {
            ["create", "update", "patch", "delete", "deletecollection"].iter().any(|verb| event["verb"] == *verb)
        })
        .filter(|event| {
            let resource = event["objectRef"]["resource"].as_str().unwrap_or_default();
            !resource.starts_with("selfsubject") && resource != "localsubjectaccessreviews"
        })
        .map(|event| format!("{} {}", event["verb"], event["requestURI"]))
        .collect()
}

#[test]
fn a_second_up_writes_nothing() {
    let Some(lab) = Lab::shared() else { return };
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let _clean = lab.clean(&["twice"], &[]);
    let (first, first_report) = lab.json(&up("twice", &[]));
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(actions(&first_report), ["create"]);
    let place = "writing to namespace localstack-twice on server https://";
    assert!(first.stderr.contains(place), "it does not say where it writes: {first:?}");
    let (second, report) = lab.json(&up("twice", &["--no-smoke"]));
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(actions(&report), ["unchanged"]);
    let run = |report: &Value| report["run_id"].as_str().unwrap().to_owned();
    let of_first = audited_writes(&audit, &run(&first_report));
    assert!(of_first.len() >= 10, "the audit log does not show the first run: {of_first:?}");
    assert_eq!(audited_writes(&audit, &run(&report)), [""; 0]);
}

#[test]
fn environments_come_up_side_by_side_and_leave_nothing() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["left", "right"], &[]);
    let arguments = [&["up", "--env", "left", "--env", "right"], SMALL.as_slice()].concat();
    let (ran, report) = lab.json(&arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    for env in report["envs"].as_array().unwrap() {
        assert_eq!(env["smoke"]["passed"], 2, "{env}");
    }
    let listed = lab.lsdeploy(&["list"]);
    assert!(listed.stdout.contains("left") && listed.stdout.contains("right"), "{listed:?}");
    let down = lab.lsdeploy(&["down", "--env", "left,right"]);
    assert_eq!((down.code, down.stdout.as_str()), (0, "left is gone\nright is gone\n"), "{down:?}");
    assert_eq!((lab.leftovers("left"), lab.leftovers("right")), (String::new(), String::new()));
    let again = lab.lsdeploy(&["down", "--env", "left"]);
    assert_eq!(again.code, 0);
    assert_eq!(
        again.stdout,
        "nothing was deleted: there is no environment left in namespace localstack-left (any more)\n"
    );
}

#[test]
fn what_was_changed_by_hand_is_mended_and_what_others_added_stays() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["drift"], &[]);
    assert_eq!(lab.lsdeploy(&up("drift", &["--no-smoke"])).code, 0);
    let namespace = "localstack-drift";
    lab.kubectl(&["-n", namespace, "annotate", "route", "sqs", "team.example.com/note=hello"]);
    lab.kubectl(&[
        "-n",
        namespace,
        "patch",
        "service",
        "emulator",
        "--type=merge",
        "-p",
        &json!({"spec": {"selector": {"app.kubernetes.io/instance": "elsewhere"}}}).to_string(),
    ]);
    lab.kubectl(&["-n", namespace, "delete", "route", "s3"]);
    let (ran, report) = lab.json(&up("drift", &["--no-smoke"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    let done = |kind: &str, name: &str| {
        let objects = report["objects"].as_array().unwrap();
        let object = objects.iter().find(|object| object["kind"] == kind && object["name"] == name);
        object.unwrap()["action"].as_str().unwrap().to_owned()
    };
    assert_eq!(done("Service", "emulator"), "update");
    assert_eq!(done("Route", "s3"), "create");
    assert_eq!(done("Route", "sqs"), "unchanged");
    assert!(
        lab.kubectl(&["-n", namespace, "get", "route", "sqs", "-o", "yaml"]).contains("team.example.com/note: hello")
    );
}

#[test]
fn an_omitted_flag_keeps_its_value_and_fewer_services_remove_their_routes() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["keeps"], &[]);
    assert_eq!(lab.lsdeploy(&up("keeps", &["--no-smoke", "--tls", "none"])).code, 0);
    let (ran, report) = lab.json(&["up", "--env", "keeps", "--services", "sqs", "--no-smoke"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(report["emulator"], "moto");
    assert!(report["endpoints"][0]["url"].as_str().unwrap().starts_with("http://"), "{report}");
    let routes = lab.kubectl(&["-n", "localstack-keeps", "get", "routes", "-o", "name"]);
    assert_eq!(routes.lines().count(), 2, "{routes}");
}

#[test]
fn a_setting_taken_back_takes_its_fields_out_and_leaves_those_of_others() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["retract"], &[]);
    let namespace = "localstack-retract";
    assert_eq!(lab.lsdeploy(&up("retract", &["--no-smoke", "--account", "123456789012"])).code, 0);
    let variables = || {
        let path = "jsonpath={.spec.template.spec.containers[0].env[*].name}";
        lab.kubectl(&["-n", namespace, "get", "deployment", "emulator", "-o", path])
    };
    let ours = variables();
    lab.kubectl(&["-n", namespace, "set", "env", "deployment/emulator", "TEAM=theirs"]);
    lab.kubectl(&["-n", namespace, "label", "route", "sqs", "team=theirs"]);
    let (ran, report) = lab.json(&up("retract", &["--no-smoke", "--tls", "none"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(actions(&report).contains(&"update"), "{report}");
    let route = lab.kubectl(&["-n", namespace, "get", "route", "sqs", "-o", "json"]);
    let route: Value = serde_json::from_str(&route).unwrap();
    assert_eq!((route["spec"].get("tls"), &route["metadata"]["labels"]["team"]), (None, &json!("theirs")));
    assert_eq!(variables(), format!("{ours} TEAM"), "an injected variable went");
    let (ran, report) = lab.json(&up("retract", &["--no-smoke"]));
    assert_eq!((ran.code, actions(&report)), (0, vec!["unchanged"]), "{ran:?}");
}

#[test]
fn a_guest_leaves_the_namespace_as_it_was() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["guest"], &["lodge"]);
    lab.kubectl(&["create", "namespace", "lodge"]);
    lab.kubectl(&["-n", "lodge", "create", "configmap", "theirs"]);
    let ran = lab.lsdeploy(&up("guest", &["--namespace", "lodge", "--no-smoke"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(lab.lsdeploy(&["status", "--env", "guest"]).code, 0);
    assert_eq!(lab.lsdeploy(&["down", "--env", "guest"]).code, 0);
    assert_eq!(lab.leftovers("guest"), "");
    assert!(lab.kubectl(&["-n", "lodge", "get", "configmap", "theirs", "-o", "name"]).contains("theirs"));
}

#[test]
fn an_interrupted_up_says_so_and_the_next_one_converges() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["cut"], &[]);
    let arguments = up("cut", &[]);
    let mut child = lab
        .command(&arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The first object of the environment is the sign that the run is half-way.
    let waited = lab.kubectl(&["wait", "--for=create", "namespace/localstack-cut", "--timeout=60s"]);
    assert!(waited.contains("condition met"), "{waited}");
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ended = child.wait().unwrap();
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(ended.code(), Some(130), "{said}");
    assert!(said.contains("error: ended by SIGINT"), "{said}");
    let again = lab.lsdeploy(&arguments);
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn a_plain_developer_needs_no_more_than_a_namespace() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(dev), Some(router)) = (lab_variable("LAB_KUBECONFIG_DEV"), lab_variable("ROUTER_ADDRESS")) else {
        return;
    };
    let as_dev = |arguments: &[&str]| run(&mut lsdeploy(Path::new(&dev), arguments));
    as_dev(&["down", "--env", "mine", "--namespace", "dev-team"]);
    let place = ["--env", "mine", "--namespace", "dev-team"];
    let up = [&["up"], place.as_slice(), &SMALL, &["--scc", "none", "--router", &router]].concat();
    let ran = as_dev(&up);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains(lab.restricted()), "{ran:?}");
    let down = as_dev(&[&["down"], place.as_slice()].concat());
    assert_eq!((down.code, down.stdout.as_str()), (0, "mine is gone\n"), "{down:?}");
    assert_eq!(lab.leftovers("mine"), "");
}

/// Takes a field out of the Routes' schema, as an older server would not know it; the schema is put back at the end.
struct OlderRoutes<'a>(&'a Lab, String);

impl<'a> OlderRoutes<'a> {
    const FIELD: &'static str =
        "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/to/properties/weight";

    fn new(lab: &'a Lab) -> Self {
        let schema: Value =
            serde_json::from_str(&lab.kubectl(&["get", "crd", "routes.route.openshift.io", "--output", "json"]))
                .unwrap();
        let field = schema.pointer(Self::FIELD).unwrap().to_string();
        let older = Self(lab, field);
        older.patch(&format!(r#"{{"op": "remove", "path": "{}"}}"#, Self::FIELD));
        older
    }

    fn patch(&self, operation: &str) {
        let patch = format!("[{operation}]");
        self.0.kubectl(&["patch", "crd", "routes.route.openshift.io", "--type=json", "--patch", &patch]);
    }
}

impl Drop for OlderRoutes<'_> {
    fn drop(&mut self) {
        self.patch(&format!(r#"{{"op": "add", "path": "{}", "value": {}}}"#, Self::FIELD, self.1));
    }
}

#[test]
fn a_field_that_the_server_does_not_know_is_refused_by_its_name() {
    let Some(lab) = Lab::alone() else { return };
    // An older one drops it without a word, which `acceptance::old` is about.
    if !lab.has(&SERVER_SIDE_APPLY) {
        return;
    }
    let _clean = lab.clean(&["older"], &[]);
    let _older = OlderRoutes::new(&lab);
    let begin = Instant::now();
    // The server takes a moment to load the schema; until it has, nothing is amiss.
    loop {
        let ran = lab.lsdeploy(&up("older", &["--no-wait"]));
        if ran.code == 2 {
            assert!(ran.stderr.contains(".spec.to.weight: field not declared in schema"), "{ran:?}");
            return;
        }
        assert!(ran.code == 0 && begin.elapsed() < Duration::from_secs(20), "{ran:?}");
        lab.lsdeploy(&["down", "--env", "older"]);
    }
}
