//! Runs `dns-debug` from the lab's workstation, and reads what it says.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs};

use serde_json::Value;

use crate::lab::{Lab, Ran, lab_variable, run};

/// The image that a pod of a test runs: Debian with a shell and getent, and CoreDNS.
pub(super) const IMAGE: &str = "lab.test/coredns:1.11.3";
/// A Service that every cluster has.
pub(super) const SERVICE: &str = "kubernetes.default.svc.cluster.local";

/// A program as run on the workstation: in its network, with its resolver. `None` where this is not the lab.
pub(super) fn on_the_workstation(program: &Command) -> Option<Command> {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &lab_variable("LAB_WORKSTATION")?]).arg(program.get_program());
    command.args(program.get_args()).env_clear();
    for name in ["PATH", "HOME"] {
        command.envs(env::var_os(name).map(|value| (name, value)));
    }
    Some(command)
}

/// The same command with the static probe, where `LSDEPLOY_TEST_PROBE` names it: the one beside the program under test is big,
/// and needs a C library.
pub(super) fn with_probe(mut command: Command) -> Command {
    if let Some(probe) = env::var_os("LSDEPLOY_TEST_PROBE") {
        command.arg("--probe").arg(probe);
    }
    command
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Debugged {
    pub(super) ran: Ran,
    pub(super) run: Value,
}

/// Runs `dns-debug` on the workstation. `None` where this is not the lab.
#[track_caller]
pub(super) fn debug(lab: &Lab, arguments: &[&str]) -> Option<Debugged> {
    let arguments = [&["dns-debug"], arguments, &["--output", "json"]].concat();
    let ran = run(&mut on_the_workstation(&with_probe(lab.command(&arguments)))?);
    let run = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    Some(Debugged { ran, run })
}

impl Debugged {
    /// The findings that are more than possible.
    pub(super) fn findings(&self) -> Vec<&Value> {
        let all = self.run["findings"].as_array().into_iter().flatten();
        all.filter(|finding| finding["confidence"] != "possible").collect()
    }

    /// Nothing is wrong.
    #[track_caller]
    pub(super) fn expect_ok(&self) {
        assert!(self.ran.code == 0 && self.run["verdict"] == "ok", "{}", self.story());
    }

    /// This is the root cause. It gets its line in the table of modes.
    #[track_caller]
    pub(super) fn prove(&self, id: &str, code: &str, hop: &str, how: &str) -> &Value {
        let root = &self.run["findings"][0];
        assert!(
            root["code"] == code && root["hop"] == hop && root["id"] == id,
            "expected {code} at {hop}\n{}",
            self.story()
        );
        let possible = root["confidence"] == "possible";
        assert_eq!(self.ran.code, i32::from(!possible), "{}", self.story());
        self.record(root, how);
        root
    }

    /// A line for `tests/dns-table`, where `LSDEPLOY_DNS_TABLE` names a directory.
    fn record(&self, root: &Value, how: &str) {
        let Some(directory) = env::var_os("LSDEPLOY_DNS_TABLE").map(PathBuf::from) else { return };
        let word = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let others: Vec<String> = self
            .findings()
            .into_iter()
            .filter(|finding| !std::ptr::eq(*finding, root))
            .map(|finding| {
                format!("{} at {} ({})", word(finding, "code"), word(finding, "hop"), word(finding, "confidence"))
            })
            .collect();
        let others = if others.is_empty() { "-".to_owned() } else { others.join(", ") };
        let line =
            [&word(root, "id"), &word(root, "code"), how, &word(root, "hop"), &word(root, "confidence"), &others]
                .join("\t");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("mode-lab-{}", word(root, "id"))), format!("{line}\n")).unwrap();
    }

    /// Observations that fit.
    pub(super) fn seen(&self, fits: impl Fn(&Value) -> bool) -> Vec<&Value> {
        self.run["observations"].as_array().into_iter().flatten().filter(|seen| fits(seen)).collect()
    }

    /// The object of the API of this name.
    #[track_caller]
    pub(super) fn object(&self, name: &str) -> Value {
        let seen = self.seen(|seen| seen["name"] == name && seen["vantage"] == "api");
        let text = seen.first().and_then(|seen| seen["text"].as_str());
        serde_json::from_str(text.unwrap_or_else(|| panic!("no object {name}: {seen:?}"))).unwrap()
    }

    /// Everything a reader of a failed test wants to know.
    pub(super) fn story(&self) -> String {
        let mut text = format!("exit {}\n{}\n", self.ran.code, self.ran.stderr);
        for hop in self.run["hops"].as_array().into_iter().flatten() {
            writeln!(text, "hop {} {} from {}", hop["id"], hop["address"], hop["vantage"]).unwrap();
        }
        for seen in
            self.seen(|seen| seen["vantage"] != "api" && (seen["hop"] != "" || seen["name"] == "/etc/resolv.conf"))
        {
            let answers = seen["answers"].as_array().map_or(0, Vec::len);
            writeln!(
                text,
                "{} -> {} {} {}: {} {} answers, {} {}",
                seen["vantage"],
                seen["hop"],
                seen["type"],
                seen["name"],
                seen["rcode"],
                answers,
                seen["error"],
                seen["text"]
            )
            .unwrap();
        }
        writeln!(text, "findings: {:#}\nunseen: {:#}", self.run["findings"], self.run["unseen"]).unwrap();
        text
    }
}

/// A namespace in which any pod is let in.
pub(super) fn namespace(lab: &Lab, name: &str) {
    lab.apply(&format!(
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n  labels:\n    pod-security.kubernetes.io/enforce: privileged\n"
    ));
}

/// A pod that sleeps, with this added to its spec.
#[track_caller]
pub(super) fn pod(lab: &Lab, namespace: &str, name: &str, more: &Value) {
    let mut pod = serde_json::json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": IMAGE, "command": ["sleep", "600"]}],
        },
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        pod["spec"][key] = value.clone();
    }
    lab.apply(&pod.to_string());
}

/// The same, until it is ready.
#[track_caller]
pub(super) fn running_pod(lab: &Lab, namespace: &str, name: &str, more: &Value) {
    pod(lab, namespace, name, more);
    lab.kubectl(&["wait", "--namespace", namespace, &format!("pod/{name}"), "--for=condition=Ready", "--timeout=60s"]);
}

/// Tests that change what all pods share take turns.
pub(super) static SHARED: Mutex<()> = Mutex::new(());
