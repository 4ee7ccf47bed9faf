//! The cluster under test, and the program under test pointed at it.
//!
//! `LSDEPLOY_TEST_KUBECONFIG` names the cluster; the current context is never used. On the lab, `tests/lab/lab env` sets
//! it and the rest. Tests share the cluster ([`Lab::shared`]); those that break it for everybody take it for themselves
//! ([`Lab::alone`]).

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use lsdeploy::level::Level;
use serde_json::Value;

static CLUSTER: RwLock<()> = RwLock::new(());

/// A cluster to test on.
pub(crate) struct Lab {
    kubeconfig: PathBuf,
    /// The router's address, where DNS does not know the hosts.
    pub(crate) router: Option<String>,
    _guard: Guard,
}

enum Guard {
    Shared { _held: RwLockReadGuard<'static, ()> },
    Alone { _held: RwLockWriteGuard<'static, ()> },
}

/// What not every cluster has.
pub(crate) struct Need {
    what: &'static str,
    since: &'static str,
}

/// Objects that the server applies itself.
pub(crate) const SERVER_SIDE_APPLY: Need = Need { what: "server-side apply", since: "v1.18" };
/// `CronJob`s in the version that `render --gc` writes.
pub(crate) const CRON_JOBS: Need = Need { what: "a CronJob of batch/v1", since: "v1.21" };
/// SCCs that take a pod with the platform's seccomp profile and without root.
pub(crate) const HARDENED_SCCS: Need = Need { what: "the SCC nonroot-v2", since: "v1.24" };
/// Pod security admission.
pub(crate) const POD_SECURITY: Need = Need { what: "pod security admission", since: "v1.23" };

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Lab {
    /// The cluster, beside other tests. `None` where there is none: the test is then skipped, loudly.
    pub(crate) fn shared() -> Option<Self> {
        Self::new(|| Guard::Shared { _held: CLUSTER.read().unwrap_or_else(std::sync::PoisonError::into_inner) })
    }

    /// The cluster for one test alone.
    pub(crate) fn alone() -> Option<Self> {
        Self::new(|| Guard::Alone { _held: CLUSTER.write().unwrap_or_else(std::sync::PoisonError::into_inner) })
    }

    fn new(guard: impl FnOnce() -> Guard) -> Option<Self> {
        let Some(kubeconfig) = env::var_os("LSDEPLOY_TEST_KUBECONFIG") else {
            skip("LSDEPLOY_TEST_KUBECONFIG names no cluster (`make test` starts the lab)");
            return None;
        };
        Some(Self { kubeconfig: kubeconfig.into(), router: env::var("ROUTER_ADDRESS").ok(), _guard: guard() })
    }

    /// The kubeconfig of its administrator.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The locks of an environment that are left.
    pub(crate) fn locks(&self, env: &str) -> String {
        let selector = format!("app.kubernetes.io/managed-by=lsdeploy,app.kubernetes.io/instance={env}");
        // A server without Leases has none.
        self.try_kubectl(&["get", "leases", "--all-namespaces", "--selector", &selector, "--output", "name"], "").stdout
    }

    /// `lsdeploy` with the cluster's flags, and a clean environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = lsdeploy(&self.kubeconfig, arguments);
        let reaches = ["up", "status", "smoke", "env"].contains(&arguments.first().copied().unwrap_or_default());
        if let Some(router) = self.router.as_deref().filter(|_| reaches && !arguments.contains(&"--router")) {
            command.args(["--router", router]);
        }
        command
    }

    /// Runs `lsdeploy`.
    pub(crate) fn lsdeploy(&self, arguments: &[&str]) -> Ran {
        run(&mut self.command(arguments))
    }

    /// Runs `lsdeploy` with `--output json` and reads what it prints.
    #[track_caller]
    pub(crate) fn json(&self, arguments: &[&str]) -> (Ran, Value) {
        let ran = self.lsdeploy(&[arguments, &["--output", "json"]].concat());
        let value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
        (ran, value)
    }

    /// Runs kubectl; panics where it fails.
    #[track_caller]
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        let ran = self.try_kubectl(arguments, "");
        assert_eq!(ran.code, 0, "kubectl {arguments:?}: {}", ran.stderr);
        ran.stdout
    }

    /// Applies objects given as YAML.
    #[track_caller]
    pub(crate) fn apply(&self, yaml: &str) {
        // A leading brace would make kubectl take it for JSON.
        let ran = self.try_kubectl(&["apply", "-f", "-"], &format!("---\n{yaml}"));
        assert_eq!(ran.code, 0, "kubectl apply: {}\n{yaml}", ran.stderr);
    }

    /// Runs kubectl with `input` on its standard input.
    pub(crate) fn try_kubectl(&self, arguments: &[&str], input: &str) -> Ran {
        use std::io::Write as _;
        use std::process::Stdio;
        let mut child = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl is on PATH");
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        ran(&child.wait_with_output().unwrap())
    }

    /// Removes environments and namespaces of an earlier run of a test, and again when it ends, passed or not.
    pub(crate) fn clean<'a>(&'a self, envs: &'a [&'a str], namespaces: &'a [&'a str]) -> Cleaner<'a> {
        let cleaner = Cleaner { lab: self, envs, namespaces };
        cleaner.clean();
        cleaner
    }

    /// How old the cluster is.
    pub(crate) fn level(&self) -> Level {
        let version: Value = serde_json::from_str(&self.kubectl(&["get", "--raw", "/version"])).unwrap();
        Level::of(version["gitVersion"].as_str().unwrap())
    }

    /// Whether the cluster has what a test is about. Where it has not, that is said loudly: a cluster is as it is.
    pub(crate) fn has(&self, need: &Need) -> bool {
        let level = self.level();
        let has = level >= Level::of(need.since);
        if !has {
            eprintln!("SKIPPED: {} needs Kubernetes {}, this cluster is {level}", need.what, need.since);
        }
        has
    }

    /// Whether the server applies objects itself.
    pub(crate) fn applies(&self) -> bool {
        self.level() >= Level::of(SERVER_SIDE_APPLY.since)
    }

    /// What `up` needs to make an object: an old server is not asked to apply it.
    pub(crate) fn verbs_of_making(&self) -> &'static str {
        if self.applies() { "create, patch" } else { "create" }
    }

    /// Whether the router's namespace has its label, which OpenShift 3.11 does not set: without it no NetworkPolicy can let the
    /// router in.
    pub(crate) fn labels_router(&self) -> bool {
        let label = "network.openshift.io/policy-group=ingress";
        !self.kubectl(&["get", "namespaces", "--selector", label, "--output", "name"]).is_empty()
    }

    /// The platform's SCC for everybody: `restricted-v2` since OpenShift 4.11.
    pub(crate) fn restricted(&self) -> &'static str {
        let found = self.try_kubectl(&["get", "securitycontextconstraints", "restricted-v2"], "");
        if found.code == 0 { "restricted-v2" } else { "restricted" }
    }

    /// Whatever of an environment is left in the cluster, cluster-scoped objects included.
    pub(crate) fn leftovers(&self, env: &str) -> String {
        let kinds = "namespaces,securitycontextconstraints,serviceaccounts,roles,rolebindings,secrets,configmaps,\
                     persistentvolumeclaims,resourcequotas,limitranges,networkpolicies,services,routes,deployments,pods";
        let selector = format!("app.kubernetes.io/managed-by=lsdeploy,app.kubernetes.io/instance={env}");
        self.kubectl(&["get", kinds, "--all-namespaces", "--selector", &selector, "--output", "name"])
    }
}

/// Cleans up after a test.
pub(crate) struct Cleaner<'a> {
    lab: &'a Lab,
    envs: &'a [&'a str],
    namespaces: &'a [&'a str],
}

impl Cleaner<'_> {
    fn clean(&self) {
        for env in self.envs {
            self.lab.lsdeploy(&["down", "--env", env, "--quiet"]);
        }
        for namespace in self.namespaces {
            self.lab.try_kubectl(&["delete", "namespace", namespace, "--ignore-not-found"], "");
        }
    }
}

impl Drop for Cleaner<'_> {
    fn drop(&mut self) {
        self.clean();
    }
}

/// Stops or starts one program of the lab.
#[track_caller]
pub(crate) fn supervise(state: &str, verb: &str, program: &str) {
    let configuration = format!("{state}/supervisord.conf");
    let done = Command::new("supervisorctl").args(["-c", &configuration, verb, program]).output().unwrap();
    assert!(done.status.success(), "supervisorctl {verb} {program}: {done:?}");
}

/// `lsdeploy` against a kubeconfig, with an environment that holds nothing but PATH and HOME.
pub(crate) fn lsdeploy(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("lsdeploy"));
    command.env_clear().args(arguments).arg("--kubeconfig").arg(kubeconfig);
    for name in ["PATH", "HOME"] {
        command.envs(env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    ran(&command.output().unwrap())
}

pub(crate) fn ran(output: &Output) -> Ran {
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Says loudly that a test did not run; where the lab is promised (CI), that is a failure.
pub(crate) fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
    let promised = env::var_os("CI").is_some() || env::var_os("LSDEPLOY_REQUIRE_LAB").is_some();
    assert!(!promised, "a test was skipped where everything must run: {reason}");
}

/// A variable that `tests/lab/lab env` sets; tests of the lab's own parts need it.
pub(crate) fn lab_variable(name: &str) -> Option<String> {
    let value = env::var(name).ok();
    if value.is_none() {
        skip(&format!("{name} is not set: this is not the lab"));
    }
    value
}

/// One test of `gc` at a time: it removes whatever environment's time is over, that of the test beside it too.
pub(crate) fn gc_alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}
