//! A finalizer that nobody removes: it is named, and left alone.

use crate::lab::Lab;

const SMALL: [&str; 5] = ["--emulator", "moto", "--services", "sqs", "--no-wait"];

fn hold(lab: &Lab, namespace: &str, object: &str, finalizers: &str) {
    let patch = format!("{{\"metadata\": {{\"finalizers\": {finalizers}}}}}");
    lab.kubectl(&["--namespace", namespace, "patch", object, "--type=merge", "--patch", &patch]);
}

/// Lets go what a failed test holds.
struct Hold<'a>(&'a Lab, &'a str, &'a str);

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        let Self(lab, namespace, object) = self;
        let patch = r#"{"metadata": {"finalizers": null}}"#;
        lab.try_kubectl(&["--namespace", namespace, "patch", object, "--type=merge", "--patch", patch], "");
    }
}

#[test]
fn a_finalizer_in_the_namespace_is_named_and_not_removed() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockheld"], &[]);
    let namespace = "localstack-lockheld";
    assert_eq!(lab.lsdeploy(&[&["up", "--env", "lockheld"], &SMALL[..]].concat()).code, 0);
    let _hold = Hold(&lab, namespace, "configmap/lsdeploy-inventory");
    hold(&lab, namespace, "configmap/lsdeploy-inventory", r#"["example.com/hold"]"#);
    let down = lab.lsdeploy(&["down", "--env", "lockheld", "--timeout", "25s"]);
    assert_eq!(down.code, 2, "{down:?}");
    for words in [
        "Namespace/localstack-lockheld is still there after 25 s",
        "NamespaceContentRemaining",
        "NamespaceFinalizersRemaining",
        "ConfigMap/lsdeploy-inventory in it is held by finalizer example.com/hold",
        "the controller of `example.com` removes it",
        "hint: it is marked for deletion",
    ] {
        assert!(down.stderr.contains(words), "no `{words}` in {down:?}");
    }
    assert!(
        lab.kubectl(&["--namespace", namespace, "get", "configmap", "lsdeploy-inventory", "--output", "yaml"])
            .contains("example.com/hold")
    );
    let up = lab.lsdeploy(&["up", "--env", "lockheld"]);
    assert!(up.code == 2 && up.stderr.contains("is being deleted"), "{up:?}");
    hold(&lab, namespace, "configmap/lsdeploy-inventory", "null");
    assert_eq!(lab.lsdeploy(&["down", "--env", "lockheld"]).code, 0);
    assert_eq!(lab.leftovers("lockheld"), "");
}

#[test]
fn a_finalizer_in_a_namespace_that_stays_is_named_and_the_environment_is_found_again() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockclaim"], &["lockclaim-home"]);
    let namespace = "lockclaim-home";
    lab.kubectl(&["create", "namespace", namespace]);
    // The emulator that keeps its state; it need not run for this.
    let settings = ["--services", "sqs", "--persistence", "16Mi", "--no-wait"];
    let up = lab.lsdeploy(&[&["up", "--env", "lockclaim", "--namespace", namespace], &settings[..]].concat());
    assert_eq!(up.code, 0, "{up:?}");
    let _hold = Hold(&lab, namespace, "pvc/emulator-data");
    hold(&lab, namespace, "pvc/emulator-data", r#"["example.com/backup"]"#);
    let down = lab.lsdeploy(&["down", "--env", "lockclaim", "--timeout", "20s"]);
    assert_eq!(down.code, 2, "{down:?}");
    let words = "PersistentVolumeClaim/emulator-data is still there after 20 s: finalizer example.com/backup (the controller of";
    assert!(down.stderr.contains(words), "{down:?}");
    // The inventory stays until everything else is gone: the next `down` needs no namespace.
    hold(&lab, namespace, "pvc/emulator-data", "null");
    assert_eq!(lab.lsdeploy(&["down", "--env", "lockclaim"]).code, 0);
    assert_eq!(lab.leftovers("lockclaim") + &lab.locks("lockclaim"), "");
}
