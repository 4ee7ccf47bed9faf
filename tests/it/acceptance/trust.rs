//! What a security team asks first: what would change, whose is it, which SCC, who may use it.

use serde_json::{Value, json};

use crate::lab::{Lab, lab_variable, lsdeploy, run};

const SMALL: [&str; 4] = ["--emulator", "moto", "--services", "sqs,s3"];

fn with<'a>(command: &[&'a str], env: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [command, &["--env", env], more].concat()
}

#[test]
fn diff_says_what_up_would_do_and_writes_nothing() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["differs"], &[]);
    let diff = |more: &[&str]| lab.json(&with(&["diff"], "differs", more));
    // A server that takes a dry run for a request tells no domain before there is a Route.
    let domain = lab_variable("APPS_DOMAIN").unwrap_or_default();
    let named = ["--apps-domain", domain.as_str()];
    let first = if lab.level().obeys_dry_run() { SMALL.to_vec() } else { [SMALL.as_slice(), &named].concat() };
    let (ran, before) = diff(&first);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(before["changes"].as_array().unwrap().iter().all(|change| change["action"] == "create"), "{before}");
    assert_eq!(lab.leftovers("differs"), "", "diff wrote something");
    assert_eq!(lab.lsdeploy(&[&with(&["up"], "differs", &SMALL)[..], &["--no-smoke"]].concat()).code, 0);
    let same = lab.lsdeploy(&["diff", "--env", "differs"]);
    assert_eq!((same.code, same.stdout.as_str()), (0, "differs is as it should be: `up` would write nothing\n"));

    // A hand-made change is shown; what others added is not.
    let namespace = "localstack-differs";
    lab.kubectl(&["-n", namespace, "annotate", "route", "sqs", "team.example.com/note=hello"]);
    let patch = json!({"spec": {"selector": {"app.kubernetes.io/instance": "elsewhere"}}}).to_string();
    lab.kubectl(&["-n", namespace, "patch", "service", "emulator", "--type=merge", "-p", &patch]);
    let shown = lab.lsdeploy(&["diff", "--env", "differs"]);
    assert_eq!(shown.code, 1, "{shown:?}");
    for line in [
        "update Service/emulator",
        "-     app.kubernetes.io/instance: elsewhere",
        "+     app.kubernetes.io/instance: differs",
    ] {
        assert!(shown.stdout.contains(line), "no `{line}` in:\n{}", shown.stdout);
    }
    assert!(shown.stdout.ends_with("1 object of differs would change\n"), "{}", shown.stdout);
}

#[test]
fn foreign_objects_are_all_named_and_only_those_named_are_taken_over() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["taken"], &["taken-home"]);
    lab.kubectl(&["create", "namespace", "taken-home"]);
    lab.kubectl(&["-n", "taken-home", "create", "serviceaccount", "emulator"]);
    lab.kubectl(&["-n", "taken-home", "create", "service", "clusterip", "emulator", "--tcp=80:80"]);
    // Its selector is another one, and cannot be changed: it can only be made anew.
    lab.kubectl(&["-n", "taken-home", "create", "deployment", "emulator", "--image=none.test/x:1", "--replicas=0"]);
    let up = |more: &[&str]| {
        let base = with(&["up", "--namespace", "taken-home", "--no-smoke"], "taken", &SMALL);
        lab.lsdeploy(&[&base[..], more].concat())
    };
    let refused = up(&[]);
    assert_eq!(refused.code, 2, "{refused:?}");
    for words in [
        "nothing was written: 3 of the names",
        "ServiceAccount/emulator",
        "Service/emulator",
        "--adopt Service/emulator",
    ] {
        assert!(refused.stderr.contains(words), "no `{words}` in {}", refused.stderr);
    }
    let half = up(&["--adopt", "Service/emulator"]);
    assert!(half.code == 2 && half.stderr.contains("2 of the names"), "{half:?}");
    assert_eq!(lab.leftovers("taken"), "", "something was written");
    let all = ["--adopt", "Service/emulator", "--adopt", "serviceaccount/emulator", "--adopt", "Deployment/emulator"];
    let done = up(&[&all[..], &["--output", "json"]].concat());
    assert_eq!(done.code, 0, "{done:?}");
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let adopted = report["objects"].as_array().unwrap().iter().filter(|object| object["action"] == "adopt").count();
    assert_eq!(adopted, 3, "{report}");
    assert_eq!(up(&[]).code, 0, "the second time they are ours");
}

#[test]
fn what_is_never_taken_over_is_refused_before_a_cluster_is_asked() {
    for (given, words) in [
        ("SecurityContextConstraints/lsdeploy-a", "is never taken over"),
        ("Namespace/a", "is never taken over"),
        ("Pod/a", "is no kind that an environment has"),
        ("emulator", "it is KIND/NAME"),
    ] {
        let mut command =
            lsdeploy(std::path::Path::new("/nonexistent/kubeconfig"), &["up", "--env", "a", "--adopt", given]);
        let ran = run(&mut command);
        assert!(ran.code == 2 && ran.stderr.contains(words) && ran.stderr.contains("hint:"), "{given}: {ran:?}");
    }
}

#[test]
fn an_scc_in_words_before_and_after_it_is_made() {
    let Some(lab) = Lab::shared() else { return };
    let Some(developer) = lab_variable("LAB_KUBECONFIG_DEV") else { return };
    let _clean = lab.clean(&["explained"], &[]);
    let (ran, before) = lab.json(&["scc", "explain", "--env", "explained"]);
    assert_eq!((ran.code, &before["gets"]["scc"]), (0, &json!("lsdeploy-explained")), "{before}");
    assert_eq!(before["captured"], json!([]));
    assert!(before["unseen"][0].as_str().unwrap().contains("is not there yet"), "{before}");

    assert_eq!(lab.lsdeploy(&[&with(&["up"], "explained", &SMALL)[..], &["--no-smoke"]].concat()).code, 0);
    let (ran, after) = lab.json(&["scc", "explain", "--env", "explained"]);
    assert_eq!((ran.code, &after["actual"]), (0, &json!("lsdeploy-explained")), "{after}");
    let names: Vec<_> = after["order"].as_array().unwrap().iter().map(|scc| scc["scc"].as_str().unwrap()).collect();
    let place = |name: &str| names.iter().position(|other| *other == name);
    assert!(place("lsdeploy-explained") > place(lab.restricted()), "{names:?}");
    let own: Vec<&Value> =
        after["holders"].as_array().unwrap().iter().filter(|holder| holder["to_all"] == false).collect();
    assert_eq!(own.len(), 1, "{after}");
    assert_eq!(own[0]["name"], "system:serviceaccount:localstack-explained:emulator");

    // One that somebody widened is not as it is meant to be, and `status` says so too.
    let wide = json!({"allowHostPID": true, "groups": ["system:authenticated"]}).to_string();
    lab.kubectl(&["patch", "securitycontextconstraints", "lsdeploy-explained", "--type=merge", "-p", &wide]);
    let (ran, changed) = lab.json(&["scc", "explain", "--env", "explained"]);
    assert_eq!((ran.code, &changed["as_meant"]), (1, &json!(false)), "{changed}");
    assert_eq!(changed["differs"], json!(["/allowHostPID", "/groups"]));
    let said = lab.lsdeploy(&["scc", "explain", "--env", "explained"]);
    assert!(said.stdout.contains("NOT as meant, somebody changed it"), "{said:?}");
    let status = lab.lsdeploy(&["status", "--env", "explained"]);
    assert!(status.stdout.contains("is not as lsdeploy wrote it, at /allowHostPID, /groups"), "{status:?}");

    // Who may read little is told little, and what was not seen.
    let mut command =
        lsdeploy(developer.as_ref(), &["scc", "explain", "--env", "explained", "--namespace", "localstack-explained"]);
    let ran = run(&mut command);
    assert!(ran.stdout.contains("could not be read") || ran.code == 2, "{ran:?}");
}
