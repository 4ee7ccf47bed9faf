//! The emulator's token: in its Secret, in the emulator's environment, and nowhere else.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use super::apply::audited_writes;
use crate::lab::{Lab, Ran, lab_variable, lsdeploy, run};

/// The pro image cannot be had without a licence: the free one stands in its place.
const IMAGE: &str = "docker.io/localstack/localstack:4.14.0";
const HOME: &str = "localstack-tenant-pro";

fn base64(text: &str) -> String {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap().as_str().unwrap().to_owned()
}

/// Everything that commands print and write, searched for tokens.
struct Canary<'a> {
    lab: &'a Lab,
    markers: Vec<String>,
    directory: tempfile::TempDir,
    commands: std::cell::Cell<usize>,
}

impl Canary<'_> {
    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    #[track_caller]
    fn assert_absent(&self, place: &str, text: &str) {
        for marker in self.markers.iter().flat_map(|marker| [marker.clone(), base64(marker)]) {
            assert!(!text.contains(&marker), "a token is in {place}");
        }
    }

    #[track_caller]
    fn ran(&self, command: &mut std::process::Command, code: i32) -> Ran {
        let shown = format!("{:?}", command.get_args().collect::<Vec<_>>());
        let ran = run(command);
        self.assert_absent(&format!("standard output of {shown}"), &ran.stdout);
        self.assert_absent(&format!("standard error of {shown}"), &ran.stderr);
        assert_eq!(ran.code, code, "{shown}: {ran:?}");
        self.commands.set(self.commands.get() + 1);
        ran
    }

    /// Runs a command at its most talkative.
    #[track_caller]
    fn run(&self, arguments: &[&str], code: i32) -> Ran {
        let mut command = self.lab.command(&[arguments, &["--verbose"]].concat());
        self.ran(command.env("TENANT_TOKEN", &self.markers[0]).env("RUST_LOG", "trace"), code)
    }
}

fn with<'a>(settings: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [settings, more].concat()
}

#[test]
fn a_token_is_in_its_secret_and_nowhere_else() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(audit), Some(nobody), Some(domain)) =
        (lab_variable("AUDIT_LOG"), lab_variable("LAB_KUBECONFIG_NOBODY"), lab_variable("APPS_DOMAIN"))
    else {
        return;
    };
    let _clean = lab.clean(&["tenant-pro"], &[]);
    let canary = Canary {
        lab: &lab,
        markers: ["Canary1", "Canary2"].map(|word| format!("ls-{word}-{:x}", std::process::id())).to_vec(),
        directory: tempfile::tempdir().unwrap(),
        commands: std::cell::Cell::new(0),
    };
    let secret = |name: &str, text: &str| {
        fs::write(canary.path(name), text).unwrap();
        format!("file:{}", canary.path(name))
    };
    let renewed = secret("renewed", &format!("{}\n", canary.markers[1]));
    let scripts = canary.path("init");
    fs::create_dir(&scripts).unwrap();
    fs::write(Path::new(&scripts).join("10.sh"), "env | sort\n").unwrap();
    let reports =
        ["junit", "html", "json"].map(|kind| format!("--report={kind}={}", canary.path(&format!("report.{kind}"))));
    let reports: Vec<&str> = reports.iter().map(String::as_str).collect();
    let pro = ["--env", "tenant-pro", "--emulator", "localstack-pro", "--services", "sqs", "--image", IMAGE];
    let of_variable = ["--auth-token-from", "env:TENANT_TOKEN"];
    let settings = [&["up"], &pro[..], &reports].concat();

    // Without a token, with a wrong one, without rights: refused before anything is written.
    let refused = canary.run(&with(&settings, &[]), 2);
    assert!(refused.stderr.contains("does not start without a token"), "{refused:?}");
    let two_words = secret("two", &format!("{} x", canary.markers[0]));
    canary.run(&with(&settings, &["--auth-token-from", &two_words]), 2);
    canary.run(&with(&settings, &["--auth-token-from", &canary.markers[0]]), 2);
    canary.run(&with(&settings, &["--auth-token-from", "file:/nonexistent"]), 2);
    let mut without_rights = lsdeploy(Path::new(&nobody), &[&["up"], &pro[..], &of_variable].concat());
    canary.ran(without_rights.env("TENANT_TOKEN", &canary.markers[0]), 2);
    assert_eq!(lab.leftovers("tenant-pro"), "");

    let diff = [&["diff"], &pro[..], &of_variable, &["--apps-domain", &domain]].concat();
    assert!(canary.run(&diff, 1).stdout.contains("(masked, new)"));
    canary.run(&with(&settings, &[&of_variable[..], &["--persistence", "1Gi", "--init", &scripts]].concat()), 0);
    let inside = lab.kubectl(&[
        "-n",
        HOME,
        "exec",
        "deploy/emulator",
        "-c",
        "emulator",
        "--",
        "printenv",
        "LOCALSTACK_AUTH_TOKEN",
    ]);
    assert_eq!(inside.trim(), canary.markers[0]);
    canary.run(&[&["diff"], &pro[..], &of_variable].concat(), 0);

    // An omitted flag keeps the token, and nothing is written.
    let second = canary.run(&[&["up"], &pro[..], &["--no-smoke", "--output", "json"]].concat(), 0);
    let report: Value = serde_json::from_str(&second.stdout).unwrap();
    assert_eq!(audited_writes(&audit, report["run_id"].as_str().unwrap()), [""; 0]);

    // Another token is one update of one object, masked.
    let change = ["--auth-token-from", renewed.as_str()];
    let diff = canary.run(&[&["diff", "--output", "json"], &pro[..], &change].concat(), 1);
    let changes: Value = serde_json::from_str(&diff.stdout).unwrap();
    let differing: Vec<&Value> = changes["changes"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!((differing, &changes["changes"][0]["paths"]), (vec![&json!("Secret")], &json!(["/data/auth-token"])));
    let updated = canary.run(&[&["up", "--output", "json", "--no-smoke"], &pro[..], &change].concat(), 0);
    let report: Value = serde_json::from_str(&updated.stdout).unwrap();
    let written = report["objects"].as_array().unwrap().iter().filter(|object| object["action"] == "update");
    let mut kinds: Vec<&str> = written.map(|object| object["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["ConfigMap", "Secret"], "the record of the run, and the token");
    assert!(report["notes"].to_string().contains("rollout restart"), "{report:#}");

    let mut from_input =
        lab.command(&[&["up", "--no-smoke", "--verbose"], &pro[..], &["--auth-token-from", "-"]].concat());
    from_input.stdin(Stdio::from(fs::File::open(canary.path("renewed")).unwrap()));
    canary.ran(&mut from_input, 0);

    assert_other_commands_say_nothing(&canary, &pro, &of_variable);
    assert_the_cluster_holds_it_once(&canary, &audit);
    canary.run(&["down", "--env", "tenant-pro"], 0);
    assert_eq!(lab.leftovers("tenant-pro"), "");
    assert!(canary.commands.get() >= 25, "{} commands", canary.commands.get());
}

#[track_caller]
fn assert_other_commands_say_nothing(canary: &Canary<'_>, pro: &[&str], token: &[&str]) {
    let domain = ["--apps-domain", "apps.example.com"];
    let rendered = canary.run(&[&["render"], pro, token, &domain].concat(), 0);
    assert!(rendered.stdout.starts_with("# needs the Secret emulator-auth with the emulator's token"), "{rendered:?}");
    assert!(!rendered.stdout.contains("kind: Secret\n"), "{rendered:?}");
    let directory = canary.path("rendered");
    canary.run(&[&["render", "--output-dir", &directory], pro, token, &domain].concat(), 0);
    let env = ["--env", "tenant-pro"];
    for command in [
        &["status"][..],
        &["status", "--output", "json"],
        &["history"],
        &["history", "--output", "json"],
        &["diff"],
        &["smoke"],
        &["env"],
        &["env", "--format", "json"],
        &["logs"],
        &["logs", "--init"],
        &["scc", "explain"],
    ] {
        if command.contains(&"--init") {
            // The script prints its whole environment: the token is not in it.
            assert!(canary.run(&[command, &env].concat(), 0).stdout.contains("AWS_ENDPOINT_URL"));
            continue;
        }
        canary.run(&[command, &env].concat(), 0);
    }
    canary.run(&["list", "--output", "json"], 0);
    canary.run(&["up", "--env", "tenant-pro", "--scc", "existing:nosuchscc"], 2);
    canary.run(&["up", "--env", "tenant-pro", "--emulator", "moto", "--auth-token-secret", "x"], 2);
    let mut found = vec![canary.directory.path().to_owned()];
    let mut files = 0;
    while let Some(directory) = found.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                found.push(entry.path());
            } else if !["two", "renewed"].iter().any(|own| entry.file_name() == *own) {
                canary.assert_absent(&entry.path().display().to_string(), &fs::read_to_string(entry.path()).unwrap());
                files += 1;
            }
        }
    }
    assert!(files > 10, "{files} files");
}

/// Every object of the namespace but the Secret, and what the server wrote of the requests.
#[track_caller]
fn assert_the_cluster_holds_it_once(canary: &Canary<'_>, audit: &str) {
    let kinds = "all,configmaps,serviceaccounts,roles,rolebindings,routes,events,networkpolicies,resourcequotas,\
                 persistentvolumeclaims,replicasets";
    let held = canary.lab.kubectl(&["-n", HOME, "get", kinds, "--output", "yaml", "--show-managed-fields"]);
    assert!(held.contains("lsdeploy-inventory"));
    canary.assert_absent("an object", &held);
    canary.assert_absent("the audit log", &fs::read_to_string(audit).unwrap());
    let secret = canary.lab.kubectl(&["-n", HOME, "get", "secret", "emulator-auth", "--output", "json"]);
    assert_eq!(secret.matches(&base64(&canary.markers[1])).count(), 1, "no annotation repeats it");
}

#[test]
fn a_secret_that_somebody_made_is_used_and_stays() {
    let Some(lab) = Lab::shared() else { return };
    let place = ["--env", "tenant-licensed", "--namespace", "tenant-licence"];
    let _clean = lab.clean(&["tenant-licensed"], &["tenant-licence"]);
    lab.kubectl(&["create", "namespace", "tenant-licence"]);
    let up = |secret: &str| {
        let flags =
            ["--emulator", "localstack-pro", "--image", IMAGE, "--services", "sqs", "--no-wait", "--auth-token-secret"];
        lab.lsdeploy(&[&["up"], &place[..], &flags, &[secret]].concat())
    };
    let missing = up("licence/token");
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stderr.contains("there is no Secret licence in tenant-licence"), "{missing:?}");
    lab.kubectl(&["-n", "tenant-licence", "create", "secret", "generic", "licence", "--from-literal=other=x"]);
    assert!(up("licence/token").stderr.contains("has no key token"));
    lab.kubectl(&["-n", "tenant-licence", "patch", "secret", "licence", "-p", r#"{"stringData": {"token": "ls-y"}}"#]);
    let ran = up("licence/token");
    assert_eq!(ran.code, 0, "{ran:?}");
    let path = "jsonpath={.spec.template.spec.containers[0].env[?(@.name=='LOCALSTACK_AUTH_TOKEN')].valueFrom}";
    let variable: Value =
        serde_json::from_str(&lab.kubectl(&["-n", "tenant-licence", "get", "deploy", "emulator", "-o", path])).unwrap();
    assert_eq!(variable["secretKeyRef"], json!({"name": "licence", "key": "token"}));
    assert_eq!(lab.lsdeploy(&[&["down"], &place[..]].concat()).code, 0);
    lab.kubectl(&["-n", "tenant-licence", "get", "secret", "licence"]);
}
