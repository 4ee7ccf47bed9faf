//! Desired objects: what `render` returns and every later step works on.

use serde_json::Value;

/// The kinds that lsdeploy writes, in the order in which they are applied: what later ones refer to comes first.
/// The Deployment is last, so that its pod finds its ServiceAccount, the right to its SCC and its Routes' hosts in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// core/v1
    Namespace,
    /// security.openshift.io/v1
    SecurityContextConstraints,
    /// core/v1
    ServiceAccount,
    /// rbac.authorization.k8s.io/v1
    Role,
    /// rbac.authorization.k8s.io/v1
    RoleBinding,
    /// core/v1
    Secret,
    /// core/v1
    ConfigMap,
    /// core/v1
    PersistentVolumeClaim,
    /// core/v1
    ResourceQuota,
    /// core/v1
    LimitRange,
    /// networking.k8s.io/v1
    NetworkPolicy,
    /// core/v1
    Service,
    /// route.openshift.io/v1
    Route,
    /// apps/v1
    Deployment,
}

impl Kind {
    /// Every kind, in apply order.
    pub const ALL: [Self; 14] = [
        Self::Namespace,
        Self::SecurityContextConstraints,
        Self::ServiceAccount,
        Self::Role,
        Self::RoleBinding,
        Self::Secret,
        Self::ConfigMap,
        Self::PersistentVolumeClaim,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::NetworkPolicy,
        Self::Service,
        Self::Route,
        Self::Deployment,
    ];

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::SecurityContextConstraints => "SecurityContextConstraints",
            Self::ServiceAccount => "ServiceAccount",
            Self::Role => "Role",
            Self::RoleBinding => "RoleBinding",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::PersistentVolumeClaim => "PersistentVolumeClaim",
            Self::ResourceQuota => "ResourceQuota",
            Self::LimitRange => "LimitRange",
            Self::NetworkPolicy => "NetworkPolicy",
            Self::Service => "Service",
            Self::Route => "Route",
            Self::Deployment => "Deployment",
        }
    }

    /// API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Self::SecurityContextConstraints => "security.openshift.io",
            Self::Role | Self::RoleBinding => "rbac.authorization.k8s.io",
            Self::NetworkPolicy => "networking.k8s.io",
            Self::Route => "route.openshift.io",
            Self::Deployment => "apps",
            _ => "",
        }
    }

    /// The name of the collection in the API's paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::SecurityContextConstraints => "securitycontextconstraints",
            Self::ServiceAccount => "serviceaccounts",
            Self::Role => "roles",
            Self::RoleBinding => "rolebindings",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
            Self::PersistentVolumeClaim => "persistentvolumeclaims",
            Self::ResourceQuota => "resourcequotas",
            Self::LimitRange => "limitranges",
            Self::NetworkPolicy => "networkpolicies",
            Self::Service => "services",
            Self::Route => "routes",
            Self::Deployment => "deployments",
        }
    }

    /// Kinds of one wave are written side by side, started in apply order: all that the middle wave needs is the
    /// namespace, and the pod needs all of the middle wave.
    pub fn wave(self) -> Wave {
        match self {
            Self::Namespace => Wave::Place,
            Self::Deployment => Wave::Workload,
            _ => Wave::Surroundings,
        }
    }

    /// Whether objects of this kind live in a namespace.
    pub fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::SecurityContextConstraints)
    }

    /// The kind of an object as written, if it is one of ours.
    pub fn of(object: &Value) -> Option<Self> {
        let name = object.get("kind")?.as_str()?;
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// See [`Kind::wave`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wave {
    /// Where everything else lives.
    Place,
    /// What the pod is to find.
    Surroundings,
    /// The pod.
    Workload,
}

impl Wave {
    /// Every wave, in apply order.
    pub const ALL: [Self; 3] = [Self::Place, Self::Surroundings, Self::Workload];
}

/// Which object: its kind and name. The namespace is the environment's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl ObjectId {
    /// `kind` and `name` together.
    pub fn new(kind: Kind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl std::fmt::Display for ObjectId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.name)
    }
}

/// One desired object.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Which object it is.
    pub id: ObjectId,
    /// The object as it is sent.
    pub object: Value,
}

/// All desired objects of one environment, in apply order.
#[derive(Debug, Clone, PartialEq)]
pub struct ManifestSet {
    /// The objects.
    pub manifests: Vec<Manifest>,
}

impl ManifestSet {
    /// The object of that kind, for kinds of which an environment has one.
    pub fn find(&self, kind: Kind) -> Option<&Manifest> {
        self.manifests.iter().find(|manifest| manifest.id.kind == kind)
    }
}
