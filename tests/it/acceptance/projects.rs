//! A plain user who may not make namespaces but may request projects, as on OpenShift everybody may.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::apply::audited_writes;
use crate::lab::{Lab, Ran, lab_variable, lsdeploy, run};

const REQUESTS: &str = "/apis/project.openshift.io/v1/projectrequests";

/// The user, and the way to the Routes.
struct Requester {
    kubeconfig: String,
    router: String,
}

impl Requester {
    /// `None` where the cluster has no such user.
    fn new() -> Option<Self> {
        Some(Self { kubeconfig: lab_variable("LAB_KUBECONFIG_REQUESTER")?, router: lab_variable("ROUTER_ADDRESS")? })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = lsdeploy(Path::new(&self.kubeconfig), arguments);
        if ["up", "status", "smoke", "env"].contains(&arguments[0]) {
            command.args(["--router", &self.router]);
        }
        command
    }

    fn lsdeploy(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> (Ran, Value) {
        let ran = self.lsdeploy(&[arguments, &["--output", "json"]].concat());
        let value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        (ran, value)
    }

    fn kubectl(&self, arguments: &[&str]) -> Ran {
        run(Command::new("kubectl").args(["--kubeconfig", &self.kubeconfig]).args(arguments))
    }
}

fn up<'a>(env: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["up", "--env", env, "--emulator", "moto", "--scc", "none"], more].concat()
}

/// Another user's project.
fn request_as_another(lab: &Lab, name: &str) {
    let body = json!({"apiVersion": "project.openshift.io/v1", "kind": "ProjectRequest", "metadata": {"name": name}});
    let groups = ["--as-group=system:authenticated:oauth", "--as-group=system:authenticated"];
    let arguments = [["--as=another"].as_slice(), &groups, &["create", "--raw", REQUESTS, "-f", "-"]].concat();
    let made = lab.try_kubectl(&arguments, &body.to_string());
    assert_eq!(made.code, 0, "{made:?}");
}

#[test]
fn an_environment_lives_in_a_project_from_request_to_removal() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(requester), Some(audit)) = (Requester::new(), lab_variable("AUDIT_LOG")) else { return };
    let [env, namespace] = ["projects-mine", "localstack-projects-mine"];
    let _clean = lab.clean(&["projects-mine"], &["localstack-projects-mine"]);

    let (ran, report) = requester.json(&up(env, &[]));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(report["scc"], lab.restricted());
    assert_eq!(report["objects"][0], json!({"kind": "Namespace", "name": namespace, "action": "create"}));
    let smoke = &report["smoke"];
    assert!(smoke["failed"] == 0 && smoke["passed"].as_u64() >= Some(15), "{smoke:#}");
    let place: Value = serde_json::from_str(&lab.kubectl(&["get", "namespace", namespace, "-o", "json"])).unwrap();
    assert_eq!(place["metadata"]["annotations"]["openshift.io/requester"], "requester", "{place:#}");
    assert_eq!(place["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted", "{place:#}");

    let mut writes = audited_writes(&audit, report["run_id"].as_str().unwrap());
    writes.retain(|write| !write.contains("dryRun=All"));
    assert!(writes[0].contains(REQUESTS), "{writes:#?}");
    // The namespace itself is the platform's.
    assert!(!writes.iter().any(|write| write.contains(&format!("/api/v1/namespaces/{namespace}?"))), "{writes:#?}");
    let kept = ["-n", namespace, "get", "configmap", "lsdeploy-inventory", "-o", "jsonpath={.data.namespace}"];
    assert_eq!(lab.kubectl(&kept), "project");

    let (second, report) = requester.json(&up(env, &["--no-smoke"]));
    assert_eq!(second.code, 0, "{second:?}");
    assert_eq!(audited_writes(&audit, report["run_id"].as_str().unwrap()), [""; 0]);

    assert_others_see_it(&requester, env, lab.restricted());

    let lodger = requester.lsdeploy(&["up", "--env", "projects-lodger", "--scc", "none", "--namespace", namespace]);
    let owner = format!("the namespace {namespace} belongs to the environment `{env}`");
    assert!(lodger.code == 2 && lodger.stderr.contains(&owner), "{lodger:?}");

    // `down` goes on with a deletion that others began, and `up` does not build on what goes.
    assert_eq!(requester.kubectl(&["delete", "project", namespace, "--wait=false"]).code, 0);
    let late = requester.lsdeploy(&up(env, &["--no-wait"]));
    assert!(late.code == 2 && late.stderr.contains("hint: "), "{late:?}");
    let down = requester.lsdeploy(&["down", "--env", env]);
    assert_eq!((down.code, down.stdout.as_str()), (0, "projects-mine is gone\n"), "{down:?}");
    let left = lab.try_kubectl(&["get", "namespace", namespace], "");
    assert!(left.stderr.contains("NotFound"), "{left:?}");
    assert_eq!(lab.leftovers(env), "");
    let again = requester.lsdeploy(&["down", "--env", env]);
    let words = format!("{env} is gone, or was never yours: you have no project {namespace}\n");
    assert_eq!((again.code, again.stdout), (0, words), "{}", again.stderr);
    let status = requester.lsdeploy(&["status", "--env", env]);
    assert!(status.code == 2 && status.stderr.contains("there is no environment projects-mine"), "{status:?}");
}

/// The other commands work for this user too.
#[track_caller]
fn assert_others_see_it(requester: &Requester, env: &str, scc: &str) {
    let (status, report) = requester.json(&["status", "--env", env]);
    assert_eq!((status.code, report["scc"].as_str()), (0, Some(scc)), "{status:?}");
    let (list, listed) = requester.json(&["list"]);
    assert!(listed["envs"].as_array().unwrap().iter().any(|one| one["env"] == env), "{list:?}");
    assert!(list.stderr.contains("only your projects were searched"), "{list:?}");
    let variables = requester.lsdeploy(&["env", "--env", env]);
    assert!(variables.stdout.contains("AWS_ENDPOINT_URL_SQS='http://sqs-localstack-projects-mine."), "{variables:?}");
    let log = requester.lsdeploy(&["logs", "--env", env]);
    assert!(log.code == 0 && log.stdout.contains("Running on"), "{log:?}");
    let (smoke, checked) = requester.json(&["smoke", "--env", env, "--service", "sqs"]);
    assert!(smoke.code == 0 && checked["passed"] == 1, "{smoke:?}");
}

#[test]
fn a_project_of_somebody_else_is_neither_used_nor_touched() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(requester), Some(audit)) = (Requester::new(), lab_variable("AUDIT_LOG")) else { return };
    let [env, namespace] = ["projects-theirs", "localstack-projects-theirs"];
    let _clean = lab.clean(&["projects-theirs"], &["localstack-projects-theirs"]);
    request_as_another(&lab, namespace);

    let (ran, report) = requester.json(&up(env, &[]));
    assert_eq!(ran.code, 2, "{ran:?}");
    for word in ["nothing was written", "the project localstack-projects-theirs exists", "hint: choose another"] {
        assert!(ran.stderr.contains(word), "{ran:?}");
    }
    assert_eq!(report["objects"], json!([]));
    // Asking is the only way to learn that the name is taken; a dry run learns the domain of Routes.
    let writes = audited_writes(&audit, report["run_id"].as_str().unwrap());
    let asks = |write: &String| write.contains(REQUESTS) || write.contains("dryRun=All");
    assert!(!writes.is_empty() && writes.iter().all(asks), "{writes:#?}");

    let down = requester.lsdeploy(&["down", "--env", env]);
    assert_eq!(down.code, 0, "{down:?}");
    assert!(down.stdout.contains("you have no project"), "{down:?}");
    let path = format!("/apis/project.openshift.io/v1/projects/{namespace}");
    for verb in ["get", "delete"] {
        let refused = requester.kubectl(&[verb, "--raw", &path]);
        assert!(refused.code != 0 && refused.stderr.contains("is forbidden"), "{verb}: {refused:?}");
    }
    assert!(!requester.kubectl(&["get", "projects"]).stdout.contains(namespace));
    lab.kubectl(&["get", "namespace", namespace]);
}

/// Starts `up` and kills it as soon as its project is there.
fn kill_after_request(lab: &Lab, requester: &Requester, env: &str) {
    let mut child = requester
        .command(&up(env, &["--services", "sqs"]))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let namespace = format!("localstack-{env}");
    lab.kubectl(&["wait", "--for=create", &format!("namespace/{namespace}"), "--timeout=60s"]);
    child.kill().unwrap();
    child.wait().unwrap();
    // The project alone is left, also where the run got a little further.
    lab.kubectl(&["-n", &namespace, "delete", "configmap", "lsdeploy-inventory", "--ignore-not-found"]);
}

#[test]
fn a_run_killed_after_its_request_is_taken_up_by_up_and_by_down() {
    let Some(lab) = Lab::shared() else { return };
    let Some(requester) = Requester::new() else { return };
    let [env, namespace] = ["projects-cut", "localstack-projects-cut"];
    let _clean = lab.clean(&["projects-cut"], &["localstack-projects-cut"]);
    for command in ["up", "down"] {
        kill_after_request(&lab, &requester, env);
        if command == "up" {
            let ran = requester.lsdeploy(&up(env, &["--services", "sqs"]));
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        let down = requester.lsdeploy(&["down", "--env", env]);
        assert_eq!((down.code, down.stdout.as_str()), (0, "projects-cut is gone\n"), "{down:?}");
        let left = lab.try_kubectl(&["get", "namespace", namespace], "");
        assert!(left.stderr.contains("NotFound"), "after {command}: {left:?}");
    }
}

#[test]
fn no_project_is_requested_where_the_rights_to_an_scc_are_missing() {
    let Some(lab) = Lab::shared() else { return };
    let Some(requester) = Requester::new() else { return };
    let _clean = lab.clean(&[], &["localstack-projects-scc"]);
    let ran = requester.lsdeploy(&["up", "--env", "projects-scc"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    let missing = format!("{} securitycontextconstraints", lab.verbs_of_making());
    for word in ["nothing was written", &missing, "--scc none"] {
        assert!(ran.stderr.contains(word), "{ran:?}");
    }
    let there = lab.try_kubectl(&["get", "namespace", "localstack-projects-scc"], "");
    assert!(there.stderr.contains("NotFound"), "{there:?}");
}

#[test]
fn the_project_api_believes_nobody_but_the_api_server() {
    let (Some(_), Some(authority)) = (lab_variable("LAB_STATE"), lab_variable("LAB_CA")) else { return };
    let Some(port) = lab_variable("LAB_PROJECTS_PORT") else { return };
    let curl = |more: &[&str]| {
        let url = format!("https://api.openshift-apiserver.svc:{port}/apis/project.openshift.io/v1/projects");
        let resolve = format!("api.openshift-apiserver.svc:{port}:127.0.0.1");
        let claims = ["--header", "X-Remote-User: admin", "--header", "X-Remote-Group: system:masters"];
        let common = ["--silent", "--show-error", "--cacert", &authority, "--resolve", &resolve];
        run(Command::new("curl").args(common).args(claims).args(more).arg(url))
    };
    let stranger = curl(&[]);
    assert!(stranger.code != 0 && stranger.stderr.contains("certificate required"), "{stranger:?}");
    let keys = Path::new(&authority).parent().unwrap();
    let file = |name: &str| keys.join(name).display().to_string();
    let proxy = curl(&["--cert", &file("front-proxy.crt"), "--key", &file("front-proxy.key")]);
    assert!(proxy.code == 0 && proxy.stdout.contains("ProjectList"), "{proxy:?}");
    let other = curl(&["--cert", &file("kubelet.crt"), "--key", &file("kubelet.key")]);
    assert!(other.code != 0, "{other:?}");
}
