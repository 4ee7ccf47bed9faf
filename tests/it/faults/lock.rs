//! Two runs on one environment: one wins, the other says who holds it; and nobody waits for the dead.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::killed::{SETTINGS, up};
use super::proxy::{Fault, Proxy, When};
use crate::lab::{Lab, Ran, lsdeploy, ran, run};

fn start(lab: &Lab, arguments: &[&str]) -> Child {
    lab.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[track_caller]
fn assert_refused(ran: &Ran, holder: &str) {
    assert_eq!(ran.code, 2, "{ran:?}");
    for words in
        ["error:", "another run is changing the environment", holder, ", since 20", "hint: wait until it is done"]
    {
        assert!(ran.stderr.contains(words), "no `{words}` in {ran:?}");
    }
}

#[test]
fn of_two_runs_that_begin_a_new_environment_together_one_wins() {
    let Some(lab) = Lab::shared() else { return };
    for round in 0..3 {
        let _clean = lab.clean(&["locktwo"], &[]);
        let runs = [start(&lab, &up("locktwo")), start(&lab, &up("locktwo"))];
        let pids = runs.iter().map(Child::id).collect::<Vec<_>>();
        let ended: Vec<Ran> = runs.into_iter().map(|child| ran(&child.wait_with_output().unwrap())).collect();
        let winner = ended.iter().position(|ran| ran.code == 0).unwrap_or_else(|| panic!("nobody won: {ended:?}"));
        assert_refused(&ended[1 - winner], &format!(" pid {} run ", pids[winner]));
        println!("round {round}: process {} won; the other: {}", pids[winner], ended[1 - winner].stderr);
        assert_eq!(lab.locks("locktwo"), "");
        assert_eq!(lab.lsdeploy(&["diff", "--env", "locktwo"]).code, 0);
    }
}

#[test]
fn a_run_and_a_removal_keep_out_of_each_others_way() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockboth"], &[]);
    let first = start(&lab, &up("lockboth"));
    lab.kubectl(&["wait", "--for=create", "lease/lsdeploy", "--namespace=localstack-lockboth", "--timeout=60s"]);
    let down = lab.lsdeploy(&["down", "--env", "lockboth"]);
    assert_refused(&down, &format!(" pid {} run ", first.id()));
    let first = ran(&first.wait_with_output().unwrap());
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(lab.lsdeploy(&["down", "--env", "lockboth"]).code, 0);
    assert_eq!(lab.locks("lockboth"), "");
}

/// A Lease as a run on another machine writes it.
fn foreign_lease(lab: &Lab, env: &str, renewed: &str) {
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "lsdeploy", "namespace": format!("localstack-{env}"), "labels": {
            "app.kubernetes.io/managed-by": "lsdeploy", "app.kubernetes.io/instance": env}},
        "spec": {"holderIdentity": "ci@elsewhere pid 7 run 0a", "leaseDurationSeconds": 15,
            "acquireTime": "2026-01-01T00:00:00.000000Z", "renewTime": renewed}});
    lab.apply(&lease.to_string());
}

#[test]
fn a_run_elsewhere_lives_while_it_renews_whatever_its_clock_says() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockfar"], &[]);
    assert_eq!(lab.lsdeploy(&[&up("lockfar")[..], &["--no-wait"]].concat()).code, 0);
    let more = ["up", "--env", "lockfar", "--services", "sqs,s3", "--no-wait"];
    foreign_lease(&lab, "lockfar", "2030-01-01T00:00:00.000000Z");
    thread::scope(|scope| {
        let renewing = scope.spawn(|| {
            thread::sleep(Duration::from_secs(2));
            foreign_lease(&lab, "lockfar", "2026-01-01T00:00:05.000000Z");
        });
        assert_refused(&lab.lsdeploy(&more), "ci@elsewhere pid 7 run 0a, since 2026-01-01T00:00:00");
        renewing.join().unwrap();
    });
    // From here on nobody renews it, though it says that it was renewed in the year 2030.
    foreign_lease(&lab, "lockfar", "2030-01-01T00:00:00.000000Z");
    let begin = Instant::now();
    let ran = lab.lsdeploy(&more);
    let took = begin.elapsed();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("taken over from ci@elsewhere pid 7 run 0a: it was not renewed for 15 s"), "{ran:?}");
    assert!(took > Duration::from_secs(14) && took < Duration::from_secs(30), "{took:?}");
    assert_eq!(lab.locks("lockfar"), "");
}

#[test]
fn a_run_whose_process_is_gone_is_not_waited_for() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockdead"], &[]);
    let mut first = start(&lab, &up("lockdead"));
    lab.kubectl(&["wait", "--for=create", "lease/lsdeploy", "--namespace=localstack-lockdead", "--timeout=60s"]);
    first.kill().unwrap();
    first.wait().unwrap();
    assert_ne!(lab.locks("lockdead"), "");
    let begin = Instant::now();
    let down = lab.lsdeploy(&["down", "--env", "lockdead"]);
    assert_eq!(down.code, 0, "{down:?}");
    assert!(down.stderr.contains(&format!("pid {} run ", first.id())) && down.stderr.contains("its process is gone"));
    assert!(begin.elapsed() < Duration::from_secs(14), "it was waited for: {:?}", begin.elapsed());
}

#[test]
fn a_clock_that_jumps_neither_loses_a_lock_nor_gives_it_away() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockclock"], &[]);
    let directory = tempfile::tempdir().unwrap();
    let clock = directory.path().join("clock");
    std::fs::write(&clock, "+0").unwrap();
    let library =
        ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];
    let Some(library) = library.into_iter().find(|path| Path::new(path).exists()) else {
        crate::lab::skip("libfaketime is not installed");
        return;
    };
    let first = lab
        .command(&[&up("lockclock")[..], &["--no-smoke"]].concat())
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    lab.kubectl(&["wait", "--for=create", "lease/lsdeploy", "--namespace=localstack-lockclock", "--timeout=60s"]);
    std::fs::write(&clock, "-3h").unwrap();
    let second = lab.lsdeploy(&["up", "--env", "lockclock", "--services", "sqs,s3"]);
    assert_refused(&second, &format!(" pid {} run ", first.id()));
    let first = ran(&first.wait_with_output().unwrap());
    assert_eq!(first.code, 0, "{first:?}");
}

#[test]
fn a_lock_that_is_taken_away_ends_the_run_before_it_writes_more() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["locklost"], &[]);
    let proxy = Proxy::start(&lab);
    // The run is held up between its lock and its last object.
    proxy.arm(Some((When::Kind("PATCH deployments".to_owned(), 1), Fault::Delay(Duration::from_secs(12)))));
    let child = proxy.spawn(&up("locklost"));
    lab.kubectl(&["wait", "--for=create", "lease/lsdeploy", "--namespace=localstack-locklost", "--timeout=60s"]);
    lab.kubectl(&["delete", "lease", "lsdeploy", "--namespace", "localstack-locklost"]);
    let ended = ran(&child.wait_with_output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("lost the lock of the environment: somebody has deleted it"), "{ended:?}");
}

/// A user who may do everything in a namespace but write Leases.
fn without_leases(lab: &Lab, namespace: &str, directory: &Path) -> PathBuf {
    let rules = json!([{"apiGroups": ["", "apps", "route.openshift.io", "rbac.authorization.k8s.io", "networking.k8s.io"],
        "resources": ["*"], "verbs": ["*"]}]);
    let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "no-leases", "namespace": namespace}, "rules": rules});
    lab.apply(&role.to_string());
    let binding = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "no-leases", "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "no-leases"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "lock-plain"}]});
    lab.apply(&binding.to_string());
    let view = ["config", "view", "--raw", "--minify", "--output", "json"];
    let mut kubeconfig: Value = serde_json::from_str(&lab.kubectl(&view)).unwrap();
    kubeconfig["users"][0]["user"]["as"] = "lock-plain".into();
    let path = directory.join("kubeconfig");
    std::fs::write(&path, kubeconfig.to_string()).unwrap();
    path
}

#[test]
fn where_leases_may_not_be_written_the_inventory_is_the_lock() {
    let Some(lab) = Lab::shared() else { return };
    let namespace = "lockplain-home";
    let namespaces = [namespace];
    let _clean = lab.clean(&["lockplain"], &namespaces);
    lab.kubectl(&["create", "namespace", namespace]);
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = without_leases(&lab, namespace, directory.path());
    let router = std::env::var("ROUTER_ADDRESS").unwrap();
    let place = ["--env", "lockplain", "--namespace", namespace];
    let domain = std::env::var("APPS_DOMAIN").unwrap();
    let arguments =
        [&["up"], &place[..], &SETTINGS, &["--scc", "none", "--router", &router, "--apps-domain", &domain]].concat();
    let spawn = || lsdeploy(&kubeconfig, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let runs = [spawn(), spawn()];
    let pids = runs.iter().map(Child::id).collect::<Vec<_>>();
    let ended: Vec<Ran> = runs.into_iter().map(|child| ran(&child.wait_with_output().unwrap())).collect();
    let winner = ended.iter().position(|ran| ran.code == 0).unwrap_or_else(|| panic!("nobody won: {ended:?}"));
    assert_refused(&ended[1 - winner], "lock-plain@");
    assert_refused(&ended[1 - winner], &format!(" pid {} run ", pids[winner]));
    let inventory = ["get", "configmap", "lsdeploy-inventory", "--namespace", namespace, "--output", "yaml"];
    let text = lab.kubectl(&inventory);
    assert!(!text.contains("lsdeploy.dev/lock"), "{text}");
    // A run that is killed leaves it, and the next one takes it over; an administrator heeds it too.
    let more = [&arguments[..], &["--services", "sqs,s3"]].concat();
    let mut killed = lsdeploy(&kubeconfig, &more).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while !lab.kubectl(&inventory).contains("lsdeploy.dev/lock") {
        assert!(begin.elapsed() < Duration::from_secs(20), "no lock appears");
    }
    let as_admin = lab.lsdeploy(&["up", "--env", "lockplain", "--services", "sqs,sns", "--no-wait"]);
    let still = killed.try_wait().unwrap().is_none();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(still, "the run that holds the lock has ended too early to be met");
    assert_refused(&as_admin, &format!(" pid {} run ", killed.id()));
    let down = run(&mut lsdeploy(&kubeconfig, &[&["down"], &place[..]].concat()));
    assert_eq!(down.code, 0, "{down:?}");
    assert_eq!(lab.leftovers("lockplain") + &lab.locks("lockplain"), "");
}

#[test]
fn a_guest_leaves_no_lock_and_a_killed_one_is_found() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockguest"], &["lockguest-home"]);
    lab.kubectl(&["create", "namespace", "lockguest-home"]);
    let proxy = Proxy::start(&lab);
    let arguments = [&up("lockguest")[..], &["--namespace", "lockguest-home", "--no-wait"]].concat();
    proxy.arm(Some((When::Kind("POST leases".to_owned(), 1), Fault::KillAfter)));
    proxy.run(&arguments);
    assert_ne!(lab.locks("lockguest"), "");
    let orphans = lab.lsdeploy(&["list", "--orphans"]);
    assert!(orphans.stdout.contains("lsdeploy down --env lockguest --namespace lockguest-home"), "{orphans:?}");
    let down = lab.lsdeploy(&["down", "--env", "lockguest", "--namespace", "lockguest-home"]);
    assert_eq!((down.code, down.stdout.as_str()), (0, "lockguest is gone\n"), "{down:?}");
    assert_eq!(lab.locks("lockguest"), "");
    assert_eq!(lab.lsdeploy(&arguments).code, 0);
    assert_eq!(lab.lsdeploy(&["down", "--env", "lockguest"]).code, 0);
    assert_eq!(lab.leftovers("lockguest") + &lab.locks("lockguest"), "");
}

#[test]
fn a_plan_that_another_run_made_stale_is_made_anew() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockstale"], &[]);
    let proxy = Proxy::start(&lab);
    // It is to make a whole LocalStack, and is held up on its way to the lock.
    proxy.arm(Some((When::Kind("POST leases".to_owned(), 1), Fault::Delay(Duration::from_secs(8)))));
    let late = proxy.spawn(&["up", "--env", "lockstale", "--no-wait"]);
    lab.kubectl(&["wait", "--for=create", "namespace/localstack-lockstale", "--timeout=60s"]);
    let early = lab.lsdeploy(&[&up("lockstale")[..], &["--no-wait"]].concat());
    assert_eq!(early.code, 0, "{early:?}");
    let late = ran(&late.wait_with_output().unwrap());
    assert_eq!(late.code, 0, "{late:?}");
    assert!(late.stdout.contains("moto in namespace localstack-lockstale"), "{late:?}");
    let routes = lab.kubectl(&["--namespace", "localstack-lockstale", "get", "routes", "--output", "name"]);
    assert_eq!(routes.lines().count(), 2, "{routes}");
    assert_eq!(lab.lsdeploy(&["diff", "--env", "lockstale"]).code, 0);
    assert_eq!(lab.locks("lockstale"), "");
}

#[test]
fn a_run_that_cannot_go_on_once_it_has_the_lock_gives_it_back_while_others_go_on() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockback", "lockon"], &[]);
    assert_eq!(lab.lsdeploy(&[&up("lockback")[..], &["--no-wait"]].concat()).code, 0);
    let proxy = Proxy::start(&lab);
    // Both are held up on their way to the lock. Meanwhile somebody takes the name of a Route that the one is to make.
    proxy.arm(Some((When::All("POST leases".to_owned()), Fault::Delay(Duration::from_secs(8)))));
    let begin = Instant::now();
    let mut both = proxy.spawn(&["up", "--env", "lockback,lockon", "--emulator", "moto", "--services", "sqs,s3"]);
    lab.kubectl(&["wait", "--for=create", "namespace/localstack-lockon", "--timeout=60s"]);
    let early = lab.lsdeploy(&["up", "--env", "lockback", "--services", "sqs,sns", "--no-wait"]);
    assert_eq!(early.code, 0, "{early:?}");
    let route = json!({"apiVersion": "route.openshift.io/v1", "kind": "Route",
        "metadata": {"name": "s3", "namespace": "localstack-lockback"}, "spec": {"to": {"kind": "Service", "name": "mine"}}});
    lab.apply(&route.to_string());
    let refused = |text: &str| text.contains("error:") && text.contains("Route/s3 (owned by somebody else");
    let mut given_back = false;
    while both.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_mins(2), "it does not end");
        let under_way = !lab.locks("lockon").is_empty();
        given_back |= under_way && lab.locks("lockback").is_empty() && begin.elapsed() > Duration::from_secs(9);
        thread::sleep(Duration::from_millis(200));
    }
    let ended = ran(&both.wait_with_output().unwrap());
    assert!(ended.code == 2 && refused(&ended.stderr), "{ended:?}");
    assert!(ended.stdout.contains("lockon"), "{ended:?}");
    assert!(given_back, "the lock of lockback was kept until the end of lockon");
}

/// A Lease of somebody else's program, which happens to be called lsdeploy too.
fn somebody_elses_lease(lab: &Lab, namespace: &str) {
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "lsdeploy", "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "somebody"}},
        "spec": {"holderIdentity": "their-controller-0", "leaseDurationSeconds": 15}});
    lab.apply(&lease.to_string());
}

#[test]
fn a_lease_of_somebody_else_is_neither_taken_nor_deleted() {
    let Some(lab) = Lab::shared() else { return };
    let namespace = "locktheirs-home";
    let namespaces = [namespace];
    let _clean = lab.clean(&["locktheirs"], &namespaces);
    lab.kubectl(&["create", "namespace", namespace]);
    somebody_elses_lease(&lab, namespace);
    let lease =
        ["get", "lease", "lsdeploy", "--namespace", namespace, "--output", "jsonpath={.metadata.resourceVersion}"];
    let before = lab.kubectl(&lease);
    let arguments = [&up("locktheirs")[..], &["--namespace", namespace, "--no-wait"]].concat();
    let ran = lab.lsdeploy(&arguments);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(lab.kubectl(&lease), before, "it was written to");
    let down = lab.lsdeploy(&["down", "--env", "locktheirs"]);
    assert_eq!((down.code, down.stdout.as_str()), (0, "locktheirs is gone\n"), "{down:?}");
    assert_eq!(lab.kubectl(&lease), before, "it was written to or deleted");
}

#[test]
fn a_server_that_calls_everything_a_conflict_is_not_asked_for_ever() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockconflict"], &[]);
    let proxy = Proxy::start(&lab);
    proxy.arm(Some((When::All("POST leases".to_owned()), Fault::Answer(409, None))));
    let begin = Instant::now();
    let ran = proxy.run(&[&up("lockconflict")[..], &["--no-wait", "--timeout", "5s"]].concat());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("cannot take the lock of the environment lockconflict"), "{ran:?}");
    assert!(ran.stderr.contains("(HTTP 409)"), "{ran:?}");
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}
