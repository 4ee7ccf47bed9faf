//! Broken ground: an API server that goes away half-way, a run that is killed, a cluster without Routes.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{Lab, lab_variable, lsdeploy, run, supervise};

const SMALL: [&str; 7] = ["up", "--env", "half", "--emulator", "moto", "--services", "sqs,s3"];

/// Starts `up` and waits until its first object is there.
fn start_half_way(lab: &Lab) -> Child {
    let arguments = [SMALL.as_slice(), &["--timeout", "8s"]].concat();
    let child = lab.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    lab.kubectl(&["wait", "--for=create", "namespace/localstack-half", "--timeout=60s"]);
    child
}

#[test]
fn a_killed_run_is_taken_up_by_the_next_one() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["half"], &[]);
    let mut child = start_half_way(&lab);
    child.kill().unwrap();
    child.wait().unwrap();
    let again = lab.lsdeploy(&SMALL);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(lab.lsdeploy(&["down", "--env", "half"]).code, 0);
    assert_eq!(lab.leftovers("half"), "");
}

#[test]
fn an_api_server_that_goes_away_is_said_and_the_next_up_converges() {
    let Some(lab) = Lab::alone() else { return };
    let Some(state) = lab_variable("LAB_STATE") else { return };
    let _clean = lab.clean(&["half"], &[]);
    let child = start_half_way(&lab);
    supervise(&state, "stop", "kube-apiserver");
    let ended = child.wait_with_output().unwrap();
    supervise(&state, "start", "kube-apiserver");
    let said = String::from_utf8_lossy(&ended.stderr);
    // The run may have got as far as waiting: then it is not ready rather than not applied.
    assert!(matches!(ended.status.code(), Some(1 | 2)), "{said}");
    assert!(said.contains("error:") && said.contains("hint:"), "{said}");
    let begin = Instant::now();
    while lab.try_kubectl(&["get", "--raw", "/readyz"], "").code != 0 {
        assert!(begin.elapsed() < Duration::from_mins(1), "the API server does not come back");
    }
    let again = lab.lsdeploy(&SMALL);
    assert_eq!(again.code, 0, "{again:?}");
}

/// A Kubernetes without OpenShift's APIs: etcd and an API server of their own.
struct Plain {
    programs: Vec<Child>,
    directory: tempfile::TempDir,
}

impl Plain {
    fn start(kubernetes: &str, keys: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).display().to_string();
        let [store, peer, api] = [free_port(), free_port(), free_port()];
        fs::write(path("tokens.csv"), "secret,admin,admin,system:masters\n").unwrap();
        let quiet = |program: &str, arguments: Vec<String>| {
            Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let etcd = vec![
            format!("--data-dir={}", path("etcd")),
            format!("--listen-client-urls=http://127.0.0.1:{store}"),
            format!("--advertise-client-urls=http://127.0.0.1:{store}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
            "--log-level=error".to_owned(),
        ];
        let server = vec![
            "kube-apiserver".to_owned(),
            format!("--etcd-servers=http://127.0.0.1:{store}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={api}"),
            format!("--cert-dir={}", path("certificates")),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--authorization-mode=RBAC".to_owned(),
            "--service-account-issuer=https://plain".to_owned(),
            format!("--service-account-key-file={keys}/service-accounts.pub"),
            format!("--service-account-signing-key-file={keys}/service-accounts.key"),
        ];
        let programs = vec![quiet("etcd", etcd), quiet(kubernetes, server)];
        fs::write(
            path("kubeconfig"),
            format!(
                "{{apiVersion: v1, kind: Config, current-context: plain, contexts: [{{name: plain, context: {{cluster: \
                 plain, user: admin}}}}], clusters: [{{name: plain, cluster: {{server: 'https://127.0.0.1:{api}', \
                 insecure-skip-tls-verify: true}}}}], users: [{{name: admin, user: {{token: secret}}}}]}}"
            ),
        )
        .unwrap();
        Self { programs, directory }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        for program in &mut self.programs {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn plain_kubernetes_is_told_from_openshift() {
    let (Some(kubernetes), Some(state)) = (lab_variable("LAB_KUBERNETES"), lab_variable("LAB_STATE")) else { return };
    let plain = Plain::start(&kubernetes, &format!("{state}/pki"));
    let kubeconfig = plain.directory.path().join("kubeconfig");
    let begin = Instant::now();
    loop {
        let ran = run(&mut lsdeploy(&kubeconfig, &["up", "--env", "plain"]));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        if ran.stderr.contains("serves no Routes") {
            assert!(ran.stderr.contains("it is plain Kubernetes, not OpenShift"), "{ran:?}");
            return;
        }
        assert!(begin.elapsed() < Duration::from_mins(1), "{ran:?}");
    }
}
