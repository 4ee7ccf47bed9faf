//! What a run needs and the caller has: the table before the first write, the ways out, and what may not be trusted.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{HARDENED_SCCS, Lab, Ran, lab_variable, lsdeploy, run};

const SMALL: [&str; 4] = ["--emulator", "moto", "--services", "sqs,s3"];

/// A user of the lab who is no cluster-admin, and the way to the Routes.
pub(crate) struct User {
    kubeconfig: PathBuf,
    router: String,
}

impl User {
    /// `None` where the cluster has no such user.
    pub(crate) fn new(variable: &str) -> Option<Self> {
        Some(Self { kubeconfig: lab_variable(variable)?.into(), router: lab_variable("ROUTER_ADDRESS")? })
    }

    pub(crate) fn lsdeploy(&self, arguments: &[&str]) -> Ran {
        let mut command = lsdeploy(&self.kubeconfig, arguments);
        if ["up", "status", "smoke", "env"].contains(&arguments[0]) {
            command.args(["--router", &self.router]);
        }
        run(&mut command)
    }

    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> (Ran, Value) {
        let ran = self.lsdeploy(&[arguments, &["--output", "json"]].concat());
        let value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        (ran, value)
    }
}

/// A namespace that `dev` administers, as a cluster-admin gives one.
pub(crate) fn guest_house(lab: &Lab, namespace: &str) {
    lab.kubectl(&["create", "namespace", namespace]);
    lab.kubectl(&["-n", namespace, "create", "rolebinding", "dev", "--clusterrole=admin", "--user=dev"]);
}

/// The commands in backticks of the hints that begin so.
fn commands(stderr: &str, begin: &str) -> Vec<String> {
    let hints = stderr.lines().filter(|line| line.starts_with("hint:"));
    let quoted = hints.flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|command| command.starts_with(begin)).map(str::to_owned).collect()
}

/// Runs a command as it would be pasted into a shell.
pub(crate) fn pasted(command: &str) -> Ran {
    let directory = Path::new(assert_cmd::cargo::cargo_bin!("lsdeploy")).parent().unwrap().to_owned();
    let path: OsString =
        std::env::join_paths([directory].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())))
            .unwrap();
    run(Command::new("sh").args(["-c", command]).env("PATH", path))
}

#[track_caller]
fn row<'a>(preflight: &'a Value, verb: &str, resource: &str) -> &'a Value {
    let rows = preflight.as_array().unwrap();
    rows.iter()
        .find(|row| row["verb"] == verb && row["resource"] == resource)
        .unwrap_or_else(|| panic!("{preflight:#}"))
}

#[test]
fn a_plain_user_is_told_what_is_missing_and_every_way_out_works() {
    let Some(lab) = Lab::shared() else { return };
    let Some(dev) = User::new("LAB_KUBECONFIG_DEV") else { return };
    let _clean = lab.clean(&["rights-out"], &["rights-out"]);
    guest_house(&lab, "rights-out");
    let up = [&["up", "--env", "rights-out", "--namespace", "rights-out"][..], &SMALL].concat();

    let (ran, report) = dev.json(&up);
    assert_eq!(ran.code, 2, "{ran:?}");
    let preflight = &report["preflight"];
    let scc = row(preflight, "create", "securitycontextconstraints");
    assert_eq!((&scc["allowed"], &scc["namespace"]), (&json!(false), &Value::Null));
    assert_eq!(scc["needed_for"], json!(["SecurityContextConstraints/lsdeploy-rights-out"]));
    let routes = row(preflight, "create", "routes");
    assert_eq!((&routes["allowed"], &routes["namespace"]), (&json!(true), &json!("rights-out")));
    assert_eq!(row(preflight, "use", "securitycontextconstraints")["name"], "lsdeploy-rights-out");
    assert_eq!(lab.leftovers("rights-out"), "", "something was written");

    let refused = dev.lsdeploy(&up);
    for words in ["nothing was written: dev may not", "RIGHT", "NEEDED FOR", "3 Routes", "as user dev"] {
        assert!(refused.stderr.contains(words), "no `{words}` in {}", refused.stderr);
    }
    let [none, existing] = &commands(&refused.stderr, "lsdeploy up --env")[..] else { panic!("{}", refused.stderr) };
    assert!(existing.contains("--scc existing:NAME --router"), "{existing}");
    let [bundle] = &commands(&refused.stderr, "lsdeploy admin-bundle")[..] else { panic!("{}", refused.stderr) };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("for-admin.yaml").display().to_string();
    let made = pasted(&bundle.replace("for-admin.yaml", &file));
    assert_eq!(made.code, 0, "{bundle}: {made:?}");
    // An old server would really write it.
    if lab.level().obeys_dry_run() {
        let applied = lab.try_kubectl(&["apply", "--dry-run=server", "-f", &file], "");
        assert_eq!(applied.code, 0, "{applied:?}");
    }
    let up = pasted(none);
    assert!(up.code == 0 && up.stdout.contains(lab.restricted()), "{none}: {up:?}");
    let down = dev.lsdeploy(&["down", "--env", "rights-out", "--namespace", "rights-out"]);
    assert_eq!((down.code, lab.leftovers("rights-out").as_str()), (0, ""), "{down:?}");
}

#[test]
fn only_ways_that_help_are_offered() {
    let Some(_lab) = Lab::shared() else { return };
    let (Some(nobody), Some(requester)) = (User::new("LAB_KUBECONFIG_NOBODY"), User::new("LAB_KUBECONFIG_REQUESTER"))
    else {
        return;
    };
    let up = [&["up", "--env", "rights-few"][..], &SMALL].concat();
    let refused = nobody.lsdeploy(&up);
    assert_eq!(refused.code, 2, "{refused:?}");
    let bundles = commands(&refused.stderr, "lsdeploy admin-bundle");
    assert!(bundles.len() == 1 && bundles[0].contains("--for nobody"), "{refused:?}");
    assert!(!refused.stderr.contains("--scc none"), "{}", refused.stderr);

    let (ran, report) = requester.json(&up);
    assert_eq!(ran.code, 2, "{ran:?}");
    let routes = row(&report["preflight"], "create", "routes");
    assert_eq!((&routes["allowed"], &routes["verdict"]), (&Value::Null, &json!("comes with the project")));
    assert!(commands(&ran.stderr, "lsdeploy admin-bundle")[0].contains("--for requester"), "{ran:?}");
    assert_eq!(commands(&ran.stderr, "lsdeploy up --env").len(), 2, "{ran:?}");
}

#[test]
fn who_may_everything_is_asked_once_and_sees_the_table_when_asking_for_all() {
    let Some(lab) = Lab::shared() else { return };
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let _clean = lab.clean(&["rights-all"], &[]);
    let ran = lab
        .lsdeploy(&[&["up", "--env", "rights-all", "--no-wait", "--verbose", "--output", "json"][..], &SMALL].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let routes = format!("{} routes", lab.verbs_of_making());
    for words in ["server https://", "as user admin, who may do everything", &routes, "3 Routes"] {
        assert!(ran.stderr.contains(words), "no `{words}` in {}", ran.stderr);
    }
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(report["preflight"].as_array().unwrap().iter().all(|row| row["allowed"] == true), "{report:#}");
    let log = std::fs::read_to_string(audit).unwrap();
    let run = report["run_id"].as_str().unwrap();
    let asked = log.lines().filter(|line| line.contains(run) && line.contains("/selfsubjectaccessreviews")).count();
    assert_eq!(asked, 1, "a cluster-admin is asked one question");
}

#[test]
fn a_named_scc_must_be_there_and_granted_or_it_is_said_who_grants_it() {
    let Some(lab) = Lab::shared() else { return };
    if !lab.has(&HARDENED_SCCS) {
        return;
    }
    let Some(dev) = User::new("LAB_KUBECONFIG_DEV") else { return };
    let _clean = lab.clean(&["rights-named"], &["rights-named"]);
    guest_house(&lab, "rights-named");
    let place = ["--env", "rights-named", "--namespace", "rights-named"];
    let absent = lab.lsdeploy(&[&["up", "--scc", "existing:rights-nowhere"][..], &place, &SMALL].concat());
    assert!(absent.code == 2 && absent.stderr.contains("the cluster has no SCC of that name"), "{absent:?}");

    let up = [&["up", "--scc", "existing:nonroot-v2"][..], &place, &SMALL].concat();
    let refused = dev.lsdeploy(&up);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.stderr.contains("oc adm policy add-scc-to-user nonroot-v2 -z emulator -n rights-named"),
        "{refused:?}"
    );
    assert_eq!(lab.leftovers("rights-named"), "");

    // As a cluster-admin grants it, by objects of another name.
    let may_use = json!({"apiGroups": ["security.openshift.io"], "resources": ["securitycontextconstraints"],
        "resourceNames": ["nonroot-v2"], "verbs": ["use"]});
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": [may_use],
        "metadata": {"name": "theirs", "namespace": "rights-named"}});
    lab.apply(&role.to_string());
    let to = "--serviceaccount=rights-named:emulator";
    lab.kubectl(&["-n", "rights-named", "create", "rolebinding", "theirs", "--role=theirs", to]);
    // moto's image wants to be root, which this SCC does not let it: the pod gets the SCC, and stays where it is.
    let (ran, report) = dev.json(&[&up[..], &["--no-smoke"]].concat());
    assert_eq!((ran.code, &report["finding"]["code"]), (1, &json!("container-refused")), "{ran:?}");
    let got = "jsonpath={.items[0].metadata.annotations.openshift\\.io/scc}";
    assert_eq!(lab.kubectl(&["-n", "rights-named", "get", "pods", "-o", got]), "nonroot-v2");
    let roles = lab.kubectl(&["-n", "rights-named", "get", "roles", "-o", "name"]);
    assert_eq!(roles.trim(), "role.rbac.authorization.k8s.io/theirs");
    let (second, report) = dev.json(&[&up[..], &["--no-smoke"]].concat());
    assert_eq!(second.code, 1, "it still waits: {second:?}");
    assert!(report["objects"].as_array().unwrap().iter().all(|object| object["action"] == "unchanged"), "{report:#}");
}

#[test]
fn what_was_widened_behind_our_back_is_shown_and_put_right() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["rights-wide"], &[]);
    let up = [&["up", "--env", "rights-wide", "--no-smoke"][..], &SMALL].concat();
    assert_eq!(lab.lsdeploy(&up).code, 0);
    let patch = |more: &[&str], patch: &Value| {
        lab.kubectl(&[&["patch", "--type=merge", "-p", &patch.to_string()][..], more].concat());
    };
    let scc = ["securitycontextconstraints", "lsdeploy-rights-wide"];
    patch(&scc, &json!({"users": ["system:serviceaccount:default:default"], "groups": ["everybody"]}));
    patch(&scc, &json!({"allowPrivilegedContainer": true, "allowedUnsafeSysctls": ["kernel.*"]}));
    patch(&scc, &json!({"seLinuxContext": {"seLinuxOptions": {"type": "spc_t"}}}));
    let namespace = "localstack-rights-wide";
    let rules = json!({"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]});
    patch(&["-n", namespace, "role", "lsdeploy-scc"], &rules);
    let subjects = json!({"subjects": [{"kind": "Group", "name": "system:serviceaccounts",
        "apiGroup": "rbac.authorization.k8s.io"}]});
    patch(&["-n", namespace, "rolebinding", "lsdeploy-scc"], &subjects);

    let diff = lab.lsdeploy(&["diff", "--env", "rights-wide"]);
    assert_eq!(diff.code, 1, "{diff:?}");
    for words in
        ["- users:", "- allowPrivilegedContainer: true", "/allowedUnsafeSysctls", "/seLinuxContext/seLinuxOptions"]
    {
        assert!(diff.stdout.contains(words), "no `{words}` in {}", diff.stdout);
    }
    assert!(
        diff.stdout.contains("update Role/lsdeploy-scc") && diff.stdout.contains("update RoleBinding/lsdeploy-scc")
    );
    let mended = lab.lsdeploy(&up);
    assert!(mended.code == 0 && mended.stdout.contains("is put right: SecurityContextConstraints/"), "{mended:?}");
    let live: Value = serde_json::from_str(&lab.kubectl(&[&["get", "-o", "json"][..], &scc].concat())).unwrap();
    assert_eq!(
        (&live["users"], &live["groups"], &live["allowPrivilegedContainer"]),
        (&json!([]), &json!([]), &json!(false))
    );
    assert_eq!((&live["seLinuxContext"], live.get("allowedUnsafeSysctls")), (&json!({"type": "MustRunAs"}), None));
    assert_eq!(lab.lsdeploy(&["diff", "--env", "rights-wide"]).code, 0);
}

#[test]
fn an_scc_of_our_name_that_is_not_ours_is_refused() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["rights-fake"], &[]);
    let fake = |name: &str, labels: &Value, home: &str| {
        let mut scc: Value =
            serde_json::from_str(&lab.kubectl(&["get", "securitycontextconstraints", "privileged", "-o", "json"]))
                .unwrap();
        scc["metadata"] = json!({"name": name, "labels": labels, "annotations": {"lsdeploy.dev/namespace": home}});
        scc["users"] = json!([]);
        scc["groups"] = json!([]);
        lab.apply(&scc.to_string());
    };
    let name = "lsdeploy-rights-fake";
    let remove = || lab.try_kubectl(&["delete", "securitycontextconstraints", name, "--ignore-not-found"], "");
    let up = || lab.lsdeploy(&[&["up", "--env", "rights-fake", "--no-smoke"][..], &SMALL].concat());
    for (labels, home, owner) in [
        (json!({}), "", "somebody else"),
        (json!({"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "other"}), "x", "`other`"),
        (
            json!({"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "rights-fake"}),
            "x",
            "namespace x",
        ),
    ] {
        fake(name, &labels, home);
        let refused = up();
        assert!(refused.code == 2 && refused.stderr.contains(owner), "{owner}: {refused:?}");
        assert!(refused.stderr.contains("nothing was written") && refused.stderr.contains("hint:"), "{refused:?}");
        remove();
    }
    // Our labels to the letter, and privileged: put right before a pod can use it.
    let ours = json!({"app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": "rights-fake"});
    fake(name, &ours, "localstack-rights-fake");
    let mended = up();
    assert!(mended.code == 0 && mended.stdout.contains("is put right"), "{mended:?}");
    let live: Value =
        serde_json::from_str(&lab.kubectl(&["get", "securitycontextconstraints", name, "-o", "json"])).unwrap();
    assert_eq!(
        (&live["allowPrivilegedContainer"], &live["allowHostNetwork"]),
        (&json!(false), &json!(false)),
        "{live:#}"
    );
    assert_eq!((&live["allowedCapabilities"], live["allowedUnsafeSysctls"].as_array()), (&json!([]), None), "{live:#}");
}
