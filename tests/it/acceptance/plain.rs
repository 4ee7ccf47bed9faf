//! Every command as a plain developer and as a user with no rights: how it ends, and that each failure says what to do.

use std::fmt::Write as _;

use serde_json::json;

use super::rights::{User, guest_house};
use crate::lab::{Lab, Ran, lsdeploy, run};

/// A workstation's own resolvers may be at fault, or not.
const FOUND_OR_NOT: i32 = -1;

/// How each command ends for the developer, who has the environment, and for the user with no rights.
const COMMANDS: [(&str, i32, i32); 18] = [
    ("list", 0, 0),
    ("status --env plain", 0, 2),
    ("status --env ghost", 2, 2),
    ("render --env plain", 2, 2),
    ("render --env plain --apps-domain apps.lab.test", 0, 0),
    ("diff --env plain", 0, 2),
    ("smoke --env plain --service sqs", 0, 2),
    ("env --env plain", 0, 2),
    // dev may not read the SCC that the pod has; to nobody there is no environment, and its SCC to be is explained.
    ("scc explain --env plain", 2, 0),
    ("admin-bundle --env plain", 0, 0),
    ("gc", 0, 0),
    ("history --env plain", 0, 2),
    ("logs --env plain --tail 1", 0, 2),
    ("dns-debug --env plain", FOUND_OR_NOT, 2),
    ("up --env ghost", 2, 2),
    ("up --env plain", 0, 2),
    ("down --env ghost", 0, 0),
    // Who sees nothing cannot tell what is gone from what is not theirs, and is told so.
    ("down --env plain", 0, 0),
];

fn told(ran: &Ran) -> bool {
    ran.stderr.contains("error:") && ran.stderr.contains("hint:")
}

#[test]
fn every_command_ends_as_it_should_and_every_failure_has_a_hint() {
    let Some(lab) = Lab::shared() else { return };
    let (Some(dev), Some(nobody)) = (User::new("LAB_KUBECONFIG_DEV"), User::new("LAB_KUBECONFIG_NOBODY")) else {
        return;
    };
    let _clean = lab.clean(&["plain"], &["plain-house"]);
    guest_house(&lab, "plain-house");
    let small = ["--emulator", "moto", "--services", "sqs", "--scc", "none"];
    let up = dev.lsdeploy(&[&["up", "--env", "plain", "--namespace", "plain-house"][..], &small].concat());
    assert_eq!(up.code, 0, "{up:?}");
    let mut outputs = String::new();
    for (user, name) in [(&nobody, "nobody"), (&dev, "dev")] {
        for (command, as_dev, as_nobody) in COMMANDS {
            let expected = if name == "dev" { as_dev } else { as_nobody };
            let mut arguments: Vec<&str> = command.split(' ').collect();
            if command.contains("--env plain") && !command.starts_with("render") {
                arguments.extend(["--namespace", "plain-house"]);
            }
            let ran = user.lsdeploy(&arguments);
            let _ = write!(outputs, "##### {name}: lsdeploy {}\n{}{}", arguments.join(" "), ran.stdout, ran.stderr);
            let _ = writeln!(outputs, "[exit status {}]\n", ran.code);
            let ends_well = if expected == FOUND_OR_NOT { ran.code < 2 } else { ran.code == expected };
            assert!(ends_well, "{name}: {command}: {ran:?}");
            assert!(ran.code == 0 || command.starts_with("dns-debug") || told(&ran), "{name}: {command}: {ran:?}");
        }
    }
    if let Some(path) = std::env::var_os("LSDEPLOY_OUTPUTS") {
        std::fs::write(path, outputs).unwrap();
    }
}

#[test]
fn an_unchecked_server_is_warned_of_and_credentials_are_not_sent_in_the_clear() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kubeconfig");
    let list = |server: &str| {
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": server, "insecure-skip-tls-verify": true}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": {"token": "very-secret"}}]});
        std::fs::write(&path, config.to_string()).unwrap();
        run(&mut lsdeploy(&path, &["list", "--quiet"]))
    };
    let clear = list("http://192.0.2.1:6443");
    assert!(clear.code == 2 && clear.stderr.contains("in the clear") && told(&clear), "{clear:?}");
    let unchecked = list("https://127.0.0.1:1");
    assert!(unchecked.stderr.contains("warning: the kubeconfig says insecure-skip-tls-verify"), "{unchecked:?}");
    assert!(!format!("{clear:?}{unchecked:?}").contains("very-secret"));
}
