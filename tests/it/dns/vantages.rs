//! A whole run from every vantage, on a healthy cluster.

use std::fs;

use serde_json::{Value, json};

use super::harness::{SERVICE, debug, namespace, on_the_workstation, running_pod, with_probe};
use crate::acceptance::apply::audited_writes;
use crate::lab::{Lab, lab_variable, run};

#[test]
fn a_healthy_path_is_walked_from_workstation_pod_and_node_and_nobody_is_blamed() {
    let Some(lab) = Lab::shared() else { return };
    let Some(audit) = lab_variable("AUDIT_LOG") else { return };
    let _clean = lab.clean(&[], &["dns-walk"]);
    namespace(&lab, "dns-walk");
    running_pod(&lab, "dns-walk", "client", &json!({}));
    let places = ["--vantage", "workstation", "--vantage", "pod=dns-walk/client", "--vantage", "node=lab"];
    let Some(debugged) = debug(&lab, &[&[SERVICE, "any.apps.lab.test"], places.as_slice()].concat()) else { return };
    debugged.expect_ok();
    assert_eq!(debugged.run["platform"], "openshift-4", "{}", debugged.story());
    for vantage in ["workstation", "pod", "node"] {
        let asked = |seen: &Value| seen["vantage"] == vantage && seen["rcode"] == "NOERROR";
        assert!(!debugged.seen(asked).is_empty(), "{vantage} asked nobody\n{}", debugged.story());
    }
    let hops: Vec<&str> =
        debugged.run["hops"].as_array().unwrap().iter().filter_map(|hop| hop["id"].as_str()).collect();
    assert!(hops.contains(&"coredns") && hops.iter().any(|hop| hop.starts_with("coredns/dns-default-")), "{hops:?}");
    // CoreDNS itself answers, and says in which pod it runs.
    let said = debugged.seen(|seen| seen["name"] == "hostname.bind" && seen["rcode"] == "NOERROR");
    assert!(said[0]["answers"][0]["data"].as_str().unwrap().contains("dns-default-"), "{said:?}");
    // What the container's own C library says.
    let libc = debugged.seen(|seen| seen["vantage"] == "pod" && seen["transport"] == "libc" && seen["name"] == SERVICE);
    assert_eq!(libc[0]["answers"][0]["data"], "172.30.0.1", "{libc:?}");
    assert_eq!(
        debugged.object("kubelet/lab"),
        json!({"clusterDNS": ["172.30.0.10"], "clusterDomain": "cluster.local",
        "resolvConf": "/etc/resolv.conf"})
    );

    let left = lab.kubectl(&[
        "exec",
        "--namespace",
        "dns-walk",
        "client",
        "--",
        "sh",
        "-c",
        "ls -A /tmp /dev/shm; ps ax || true",
    ]);
    assert!(!left.contains("lsdeploy"), "{left}");
    let label = debugged.run["label"].as_str().unwrap();
    assert_eq!(audited_writes(&audit, label.trim_start_matches("lsdeploy-")), Vec::<String>::new());
}

#[test]
fn a_saved_run_is_judged_alike_without_a_cluster_and_damage_is_said_with_its_place() {
    let Some(lab) = Lab::shared() else { return };
    let Some(debugged) = debug(&lab, &["nothing.example"]) else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("run.json");
    fs::write(&file, &debugged.ran.stdout).unwrap();
    let again = |file: &str| {
        let arguments = ["dns-debug", "--from", file, "--output", "json"];
        run(&mut crate::lab::lsdeploy(std::path::Path::new("/nonexistent"), &arguments))
    };
    let ran = again(file.to_str().unwrap());
    assert_eq!(ran.code, debugged.ran.code, "{ran:?}");
    let judged: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&judged["findings"], &judged["verdict"]), (&debugged.run["findings"], &debugged.run["verdict"]));

    fs::write(&file, &debugged.ran.stdout[..debugged.ran.stdout.len() / 2]).unwrap();
    let ran = again(file.to_str().unwrap());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("is damaged: line "), "{ran:?}");
}

#[test]
fn without_names_the_environments_own_are_looked_into_and_the_reports_are_written() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["dnsenv"], &[]);
    let ran = lab.lsdeploy(&["up", "--env", "dnsenv", "--emulator", "moto", "--services", "sqs", "--no-smoke"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let directory = tempfile::tempdir().unwrap();
    let [html, json] = ["html", "json"].map(|kind| directory.path().join(kind).display().to_string());
    let reports = [format!("html={html}"), format!("json={json}")];
    let arguments = ["dns-debug", "--env", "dnsenv", "--report", &reports[0], "--report", &reports[1]];
    let Some(mut command) = on_the_workstation(&with_probe(lab.command(&arguments))) else { return };
    let ran = run(&mut command);
    assert_eq!(ran.code, 0, "{ran:?}");
    let saved: Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    let names: Vec<&str> = saved["names"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(names[0], "sqs-localstack-dnsenv.apps.lab.test");
    assert!(names[1].starts_with("lsdeploy-") && names[1].ends_with(".apps.lab.test"), "{names:?}");
    assert_eq!(names[2], SERVICE);
    let places: Vec<&str> =
        saved["places"].as_array().unwrap().iter().filter_map(|place| place["name"].as_str()).collect();
    assert_eq!(places, ["workstation", "pod"]);
    assert!(fs::read_to_string(html).unwrap().contains("<svg"));
    assert!(ran.stdout.contains("sqs-localstack-dnsenv.apps.lab.test"), "{}", ran.stdout);
    assert!(ran.stderr.contains("the path has"), "{}", ran.stderr);
}
