//! Where an environment's image comes from, and that it is the one that was meant.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::apply::audited_writes;
use crate::lab::{Lab, Ran, lab_variable, lsdeploy, run};

const MOTO: &str = "docker.io/motoserver/moto";
const SMALL: [&str; 5] = ["--emulator", "moto", "--services", "sqs", "--no-smoke"];

fn up<'a>(env: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["up", "--env", env], SMALL.as_slice(), more].concat()
}

fn offline(arguments: &[&str]) -> Ran {
    run(&mut lsdeploy(Path::new("/nonexistent"), arguments))
}

/// The node's images, as its runtime keeps them.
fn ctr(state: &str, arguments: &[&str]) -> String {
    let socket = format!("{state}/containerd/containerd.sock");
    let done = Command::new("ctr").args(["--address", &socket, "--namespace", "k8s.io"]).args(arguments).output();
    let done = done.unwrap();
    assert!(done.status.success(), "ctr {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Another name for an image of the node, for as long as a test runs.
struct Tagged<'a>(&'a str, String);

impl<'a> Tagged<'a> {
    fn new(state: &'a str, name: String) -> Self {
        ctr(state, &["images", "tag", "--force", &format!("{MOTO}:5.2.5"), &name]);
        Self(state, name)
    }
}

impl Drop for Tagged<'_> {
    fn drop(&mut self) {
        ctr(self.0, &["images", "rm", &self.1]);
    }
}

#[test]
fn an_image_of_another_registry_is_refused_before_anything_is_written() {
    let render = |more: &[&str]| {
        offline(&[&["render", "--env", "a", "--apps-domain", "apps.example.com", "--emulator", "moto"], more].concat())
    };
    let look_alike = ["--image", "registry.acme.com.evil.io/moto:1", "--allowed-registries", "registry.acme.com"];
    let refused = render(&look_alike);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("is of no allowed registry: it is registry.acme.com.evil.io/moto"), "{refused:?}");
    let mirrored =
        render(&["--image-registry", "registry.acme.com/hub", "--allowed-registries", "registry.acme.com/hub"]);
    assert!(mirrored.stdout.contains("image: registry.acme.com/hub/motoserver/moto:5.2.5"), "{mirrored:?}");
    for (flag, value) in [("--allowed-registries", "acme"), ("--image-registry", "http://x"), ("--pull-secret", "A_b")]
    {
        let ran = offline(&["up", "--env", "a", flag, value]);
        assert!(ran.code == 2 && ran.stderr.contains(&format!("{flag} cannot be")), "{ran:?}");
    }

    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["tenant-images"], &[]);
    let ran = lab.lsdeploy(&up("tenant-images", &["--allowed-registries", "quay.io,docker.io/localstack"]));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("it is docker.io/motoserver/moto") && ran.stderr.contains("hint:"), "{ran:?}");
    assert_eq!(lab.leftovers("tenant-images"), "");
}

#[test]
fn a_mirror_and_pull_secrets_are_used_and_what_openshift_injects_stays() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(state), Some(audit)) = (lab_variable("LAB_STATE"), lab_variable("AUDIT_LOG")) else { return };
    let _mirrored = Tagged::new(&state, "tenant.lab.test/hub/motoserver/moto:5.2.5".to_owned());
    let _clean = lab.clean(&["tenant-mirror"], &[]);
    let home = "localstack-tenant-mirror";
    let flags = ["--image-registry", "tenant.lab.test/hub", "--pull-secret", "hub", "--pull-secret", "spare"];
    let (ran, report) = lab.json(&up("tenant-mirror", &flags));
    assert_eq!((ran.code, &report["image"]), (0, &json!("tenant.lab.test/hub/motoserver/moto:5.2.5")), "{ran:?}");
    assert!(report["notes"][0].as_str().unwrap().contains("--pull-secret hub: there is no such Secret"), "{report:#}");
    let pulls = || {
        let names = "jsonpath={.imagePullSecrets[*].name}";
        let listed = lab.kubectl(&["-n", home, "get", "serviceaccount", "emulator", "-o", names]);
        let mut names: Vec<String> = listed.split_whitespace().map(str::to_owned).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(pulls(), ["hub", "spare"]);

    // As OpenShift's controller does.
    let injected = json!([{"op": "add", "path": "/imagePullSecrets/0", "value": {"name": "emulator-dockercfg-x7k2p"}}])
        .to_string();
    lab.kubectl(&["-n", home, "patch", "serviceaccount", "emulator", "--type=json", "--patch", &injected]);
    assert_eq!(pulls(), ["emulator-dockercfg-x7k2p", "hub", "spare"]);
    let again = |more: &[&str]| lab.json(&up("tenant-mirror", more));
    let (ran, report) = again(&[]);
    assert_eq!(audited_writes(&audit, report["run_id"].as_str().unwrap()), [""; 0], "{ran:?}");
    assert_eq!(again(&["--pull-secret", "hub"]).0.code, 0);
    assert_eq!(pulls(), ["emulator-dockercfg-x7k2p", "hub"]);
    assert_eq!(again(&["--pull-secret", "none"]).0.code, 0);
    assert_eq!(pulls(), ["emulator-dockercfg-x7k2p"]);
    let (ran, report) = again(&[]);
    assert_eq!(audited_writes(&audit, report["run_id"].as_str().unwrap()), [""; 0], "{ran:?}");
}

#[test]
fn a_mirror_that_lacks_the_image_is_named_with_the_ways_out() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["tenant-lacks"], &[]);
    let (ran, report) = lab.json(&up("tenant-lacks", &["--image-registry", "127.0.0.1:9/hub"]));
    assert_eq!((ran.code, &report["finding"]["code"]), (1, &json!("image-unreachable")), "{ran:?}");
    let hint = report["finding"]["hint"].as_str().unwrap();
    assert!(hint.contains("--image-registry") && hint.contains("ImageDigestMirrorSet"), "{hint}");
}

#[test]
fn the_digest_that_runs_is_held_against_the_pin() {
    let Some(lab) = Lab::shared() else { return };
    let Some(state) = lab_variable("LAB_STATE") else { return };
    let listed = ctr(&state, &["images", "ls", &format!("name=={MOTO}:5.2.5")]);
    let digest = listed.split_whitespace().find(|word| word.starts_with("sha256:")).unwrap().to_owned();
    let pinned = format!("{MOTO}@{digest}");
    let other = format!("{MOTO}@sha256:{}", "0".repeat(64));
    let _pinned = Tagged::new(&state, pinned.clone());
    let _clean = lab.clean(&["tenant-pin"], &[]);
    let digest_of = |report: &Value| report["digest"].as_str().unwrap_or_default().to_owned();
    let (ran, report) = lab.json(&up("tenant-pin", &["--image", &pinned]));
    assert_eq!((ran.code, digest_of(&report)), (0, digest.clone()), "{ran:?}");
    let (_, status) = lab.json(&["status", "--env", "tenant-pin"]);
    assert_eq!(digest_of(&status), digest);

    // Another digest for the same image, as a registry that lies would have it: the node names that one from now on.
    let _other = Tagged::new(&state, other);
    lab.kubectl(&["-n", "localstack-tenant-pin", "delete", "pod", "--all"]);
    let (ran, report) = lab.json(&up("tenant-pin", &[]));
    assert_eq!((ran.code, &report["finding"]["code"]), (1, &json!("digest-differs")), "{ran:?}");
    assert!(report["finding"]["message"].as_str().unwrap().contains(&digest), "{report:#}");
    let (ran, status) = lab.json(&["status", "--env", "tenant-pin"]);
    assert_eq!((ran.code, &status["finding"]["code"]), (1, &json!("digest-differs")));
}
