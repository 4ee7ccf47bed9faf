//! An SCC in words: what it allows and why, where it sorts, which pods it takes, who may use it. Pure.

use serde_json::Value;

use super::rbac::{Holder, HolderKind, Rbac};
use super::types::items;
use super::{NamespaceFacts, Release, Request, Scc, Subject, admit, points, sorted};

/// Who creates the pods of a Deployment. It may use no SCC itself.
const REPLICA_SETS: (&str, &str) = ("kube-system", "replicaset-controller");

/// Everything that an explanation rests on. What the caller may not read is `None`.
pub struct Material<'a> {
    /// The SCC to explain.
    pub scc: &'a Scc,
    /// The environment's pod, before admission.
    pub pod: &'a Value,
    /// Its namespace.
    pub namespace: &'a str,
    /// The SCC that the running pod was given.
    pub actual: Option<String>,
    /// All SCCs of the cluster.
    pub sccs: Option<Vec<Scc>>,
    /// Who may use what.
    pub rbac: Option<Rbac>,
    /// All pods, as they are stored.
    pub pods: Option<Vec<Value>>,
    /// All namespaces.
    pub namespaces: Option<Vec<NamespaceFacts>>,
    /// The platform's release.
    pub release: Release,
    /// Where the SCC says something else than lsdeploy wrote.
    pub differs: Vec<String>,
}

/// One field of the SCC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name in the API.
    pub name: &'static str,
    /// Its value, as a word or two.
    pub value: String,
    /// Why it is so.
    pub why: String,
}

/// One SCC in the order of admission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// Its name.
    pub name: String,
    /// Tried earlier when higher.
    pub priority: i32,
    /// Tried earlier when fewer.
    pub points: u32,
}

/// A pod elsewhere that this SCC would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Where it is.
    pub namespace: String,
    /// Its name.
    pub pod: String,
    /// The SCC that it would get otherwise.
    pub instead_of: String,
}

/// An SCC in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Its name.
    pub scc: String,
    /// Its fields, and why they are so.
    pub fields: Vec<Field>,
    /// All SCCs in the order in which they are tried.
    pub order: Option<Vec<Ranked>>,
    /// The SCC that the running pod was given.
    pub actual: Option<String>,
    /// The SCC that a pod of the environment gets now, or why it gets none.
    pub gets: Option<Decision>,
    /// The one that it would get if this one were gone, or why it would get none.
    pub without: Option<Decision>,
    /// Pods elsewhere that it would take from another SCC.
    pub captured: Option<Vec<Captured>>,
    /// Who may use it.
    pub holders: Option<Vec<Holder>>,
    /// Where it says something else than lsdeploy wrote: somebody changed it by hand.
    pub differs: Vec<String>,
}

/// The name of an SCC, or the server's words of refusal.
pub type Decision = Result<String, String>;

/// Explains an SCC.
pub fn explain(material: &Material<'_>) -> Explanation {
    let name = material.scc.name();
    let others: Option<Vec<Scc>> =
        material.sccs.as_ref().map(|sccs| sccs.iter().filter(|scc| scc.name() != name).cloned().collect());
    let all: Option<Vec<Scc>> = others.as_ref().map(|others| others.iter().chain([material.scc]).cloned().collect());
    let namespace =
        material.namespaces.as_ref().and_then(|all| all.iter().find(|facts| facts.name == material.namespace));
    let decide = |pod: &Value, sccs: Option<&Vec<Scc>>| decide(material, pod, namespace?, sccs?);
    Explanation {
        scc: name.to_owned(),
        fields: fields(material.scc),
        order: all.as_ref().map(|all| sorted(all).into_iter().map(ranked).collect()),
        actual: material.actual.clone(),
        gets: decide(material.pod, all.as_ref()),
        without: decide(&unpinned(material.pod), others.as_ref()),
        captured: others.as_ref().zip(all.as_ref()).and_then(|(others, all)| captured(material, others, all)),
        holders: material.rbac.as_ref().map(|rbac| holders(material.scc, rbac)),
        differs: material.differs.clone(),
    }
}

impl Explanation {
    /// True when the SCC is as lsdeploy wrote it, the environment's pod gets it and no pod elsewhere does, as far as it can be seen.
    pub fn is_as_meant(&self) -> bool {
        let ours = |scc: &str| scc == self.scc;
        self.actual.as_deref().is_none_or(ours)
            && self.gets.as_ref().is_none_or(|decision| decision.as_deref().is_ok_and(ours))
            && self.captured.as_ref().is_none_or(Vec::is_empty)
            && self.differs.is_empty()
    }
}

/// The same pod without the annotation that pins it to one SCC.
fn unpinned(pod: &Value) -> Value {
    let mut pod = pod.clone();
    if let Some(annotations) = pod.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.remove("openshift.io/required-scc");
    }
    pod
}

fn ranked(scc: &Scc) -> Ranked {
    Ranked { name: scc.name().to_owned(), priority: scc.priority.unwrap_or_default(), points: points(scc) }
}

/// What admission says to a pod; `None` where the bindings cannot be read.
fn decide(material: &Material<'_>, pod: &Value, namespace: &NamespaceFacts, sccs: &[Scc]) -> Option<Decision> {
    let rbac = material.rbac.as_ref()?;
    let requester = Subject::service_account(REPLICA_SETS.0, REPLICA_SETS.1);
    let may_use = |subject: &Subject, scc: &str| rbac.may_use(subject, scc, &namespace.name);
    let request = Request { pod, namespace, requester: &requester, sccs, may_use: &may_use, release: material.release };
    Some(match admit(&request) {
        Ok(admitted) => Ok(admitted.scc.unwrap_or_else(|| "none (the namespace is exempt from SCCs)".to_owned())),
        Err(refusal) => Err(refusal.message),
    })
}

/// Pods elsewhere that would be given this SCC. A stored pod asks for what admission wrote into it, so one that keeps its SCC
/// is told from one that would change.
fn captured(material: &Material<'_>, others: &[Scc], all: &[Scc]) -> Option<Vec<Captured>> {
    let namespaces = material.namespaces.as_ref()?;
    let of = |pod: &Value| {
        let field = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
        let namespace = namespaces.iter().find(|facts| facts.name == field("namespace"))?;
        if namespace.name == material.namespace {
            return None;
        }
        let then = decide(material, pod, namespace, all)?;
        (then.as_deref() == Ok(material.scc.name())).then(|| Captured {
            namespace: field("namespace").to_owned(),
            pod: field("name").to_owned(),
            instead_of: decide(material, pod, namespace, others)
                .and_then(Result::ok)
                .unwrap_or_else(|| "none".to_owned()),
        })
    };
    material.rbac.as_ref()?;
    Some(material.pods.as_ref()?.iter().filter_map(of).collect())
}

fn holders(scc: &Scc, rbac: &Rbac) -> Vec<Holder> {
    let listed = |kind: HolderKind, names: &[String], list: &str| -> Vec<Holder> {
        let holder = |name: &String| Holder {
            kind,
            name: name.clone(),
            inside: None,
            through: format!("the SCC's list `{list}`"),
            to_all: false,
        };
        names.iter().map(holder).collect()
    };
    let mut holders = listed(HolderKind::User, items(scc.users.as_ref()), "users");
    holders.extend(listed(HolderKind::Group, items(scc.groups.as_ref()), "groups"));
    holders.extend(rbac.holders(scc.name()));
    holders
}

/// Why an emulator needs a capability.
fn reason(capability: &str) -> &'static str {
    match capability {
        "SETUID" => "the emulator starts as root and drops to another user by `su`, which sets its uid",
        "SETGID" => "the same `su` sets the groups of that user",
        "CHOWN" => "files are given to another user at start",
        "NET_BIND_SERVICE" => "a port below 1024 is bound",
        _ => "a container may ask for it; no emulator of lsdeploy does",
    }
}

/// Every field that decides what a pod may do.
fn fields(scc: &Scc) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    let mut field = |name, value: String, why: &str| fields.push(Field { name, value, why: why.to_owned() });
    field(
        "priority",
        scc.priority.map_or_else(|| "null".to_owned(), |priority| priority.to_string()),
        match scc.priority {
            None | Some(0) => "it is tried after the platform's own SCCs, so it takes no pod that these fit",
            Some(_) => "it is tried before SCCs without a priority: it takes pods that these would fit",
        },
    );
    let user = &scc.run_as_user.strategy;
    field(
        "runAsUser",
        user.clone(),
        match user.as_str() {
            "RunAsAny" => {
                "the pod names its uid itself; with a fixed uid here it would be tried before `restricted-v2`"
            }
            "MustRunAsRange" => "uids of the namespace's range only",
            "MustRunAsNonRoot" => "any uid but 0",
            _ => "exactly one uid",
        },
    );
    for capability in scc.allowed_capabilities() {
        field("allowedCapabilities", capability.clone(), reason(capability));
    }
    if scc.allowed_capabilities().is_empty() {
        field("allowedCapabilities", "none".to_owned(), "the emulator needs none");
    }
    let list = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    field("defaultAddCapabilities", list(scc.default_add_capabilities()), "what a container gets without asking");
    field(
        "requiredDropCapabilities",
        list(scc.required_drop_capabilities()),
        "every capability goes that is not allowed by name",
    );
    field(
        "volumes",
        list(scc.volumes()),
        "kinds of volumes of the pod's own namespace; a claim makes the SCC sort after the restricted ones",
    );
    field(
        "seccompProfiles",
        list(items(scc.seccomp_profiles.as_ref())),
        "the container runtime's own filter of system calls",
    );
    field(
        "seLinuxContext",
        scc.se_linux_context.strategy.clone(),
        "the namespace's own label keeps it from other tenants' files",
    );
    field("fsGroup", scc.fs_group.strategy.clone(), "volumes belong to a group of the namespace");
    field("supplementalGroups", scc.supplemental_groups.strategy.clone(), "groups of the namespace");
    field(
        "allowPrivilegeEscalation",
        scc.allow_privilege_escalation.unwrap_or(true).to_string(),
        "no process gets more rights than it was started with",
    );
    field(
        "readOnlyRootFilesystem",
        scc.read_only_root_filesystem.to_string(),
        "the emulator writes below / in its container",
    );
    let (on, off): (Vec<_>, Vec<_>) = host_features(scc).into_iter().partition(|(_, on)| *on);
    let names =
        |features: &[(&'static str, bool)]| features.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if !on.is_empty() {
        field("true", names(&on), "it reaches into the node");
    }
    if !off.is_empty() {
        field("false", names(&off), "nothing of these is in reach");
    }
    fields
}

fn host_features(scc: &Scc) -> [(&'static str, bool); 6] {
    [
        ("allowPrivilegedContainer", scc.allow_privileged_container),
        ("allowHostDirVolumePlugin", scc.allow_host_dir_volume_plugin),
        ("allowHostNetwork", scc.allow_host_network),
        ("allowHostPorts", scc.allow_host_ports),
        ("allowHostPID", scc.allow_host_pid),
        ("allowHostIPC", scc.allow_host_ipc),
    ]
}

#[cfg(test)]
mod tests;
