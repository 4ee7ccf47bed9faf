//! `scc explain`: the SCC of an environment in words. Reads only.

use serde_json::{Value, json};

use super::{Context, Outcome, target};
use crate::cli::OutputFormat;
use crate::cli::scc::{SccArgs, SccCommand, SccExplainArgs};
use crate::cluster::sccs::{self, Surroundings};
use crate::cluster::{Cluster, discover};
use crate::environment::{EnvName, Environment, SccChoice};
use crate::error::{CommandError, Result};
use crate::exit::ExitStatus;
use crate::manifest::{Kind, ManifestSet, ObjectId};
use crate::plan::{self, LiveState};
use crate::render;
use crate::report::scc as report;
use crate::scc::explain::{Material, explain};
use crate::scc::rbac::{Lists, Rbac};
use crate::scc::{NamespaceFacts, Scc};
use crate::settings::Choices;

pub(super) async fn run(args: &SccArgs, context: Context) -> Result<Outcome> {
    let SccCommand::Explain(args) = &args.command;
    explain_env(args, context).await
}

async fn explain_env(args: &SccExplainArgs, context: Context) -> Result<Outcome> {
    let name = EnvName::parse(&args.env.env)?;
    let cluster = context.connect().await?;
    let facts = discover::discover(&cluster).await?;
    if !facts.has_sccs {
        return Err(CommandError::new(format!("{} has no SCCs (security.openshift.io is not served)", cluster.server))
            .hint("what its pods may do is said by Pod Security Admission: labels of the namespace"));
    }
    let target = target::find(&cluster, &facts, &name, args.env.namespace.as_deref(), Choices::default()).await?;
    let (environment, live) = (&target.environment, &target.live);
    let Surroundings { sccs, mut rbac, pods, mut namespaces, mut unseen } = sccs::surroundings(&cluster).await?;
    let actual = actual(&cluster, environment).await?;
    let set = render::render(environment)?;
    let namespace = ObjectId::new(Kind::Namespace, environment.namespace.as_str());
    if !live.objects.contains_key(&namespace) {
        let (home, up) = (&environment.namespace, format!("`lsdeploy up --env {name}`"));
        unseen.push(if live.hidden.contains(&namespace) {
            format!("you may not see {home}: if it is there, it may be otherwise than this, which {up} would make anew")
        } else {
            format!("{home} is not there yet: this is what {up} would make")
        });
        namespaces = namespaces.map(|all| all.into_iter().chain([new_namespace(environment)]).collect());
        rbac = rbac.map(|rbac| rbac.and(granted(&set)));
    }
    let own = ObjectId::new(Kind::SecurityContextConstraints, name.scc());
    if live.hidden.contains(&own) && environment.scc == SccChoice::Custom {
        unseen.push(format!("you may not read the SCC {}: this is what lsdeploy writes, not what is there", own.name));
    }
    let scc = chosen(environment, &set, live, sccs.as_deref(), actual.as_deref())?;
    let pod = pod(&set, environment.namespace.as_str());
    let material = Material {
        scc: &scc,
        pod: &pod,
        namespace: environment.namespace.as_str(),
        actual,
        sccs,
        rbac,
        pods,
        namespaces,
        release: sccs::release(facts.level),
        differs: plan::scc_differs(&set, live),
    };
    let explanation = explain(&material);
    let text = match context.output {
        OutputFormat::Text => report::text(name.as_str(), &explanation, &unseen),
        OutputFormat::Json => report::json(name.as_str(), &explanation, &unseen),
    };
    let status = if explanation.is_as_meant() { ExitStatus::Success } else { ExitStatus::Failure };
    Ok(Outcome { status, ..Outcome::success(text) })
}

/// The SCC that the environment has or is to have; where it has none of its own, the one that its pod was given.
fn chosen(
    environment: &Environment,
    set: &ManifestSet,
    live: &LiveState,
    sccs: Option<&[Scc]>,
    actual: Option<&str>,
) -> Result<Scc> {
    let unreadable = |error: serde_json::Error| CommandError::new(format!("cannot read the SCC: {error}"));
    let name = match &environment.scc {
        SccChoice::Custom => {
            let id = ObjectId::new(Kind::SecurityContextConstraints, environment.name.scc());
            let rendered = set.find(Kind::SecurityContextConstraints).map(|manifest| &manifest.object);
            let object = live.objects.get(&id).or(rendered);
            return Scc::from_value(object.unwrap_or(&Value::Null)).map_err(unreadable);
        }
        SccChoice::Existing(name) => name.as_str(),
        SccChoice::None => actual.ok_or_else(|| {
            CommandError::new(format!("{} has no SCC of its own, and no pod yet", environment.name)).hint(format!(
                "`lsdeploy up --env {}` makes the pod; then this says which SCC it was given",
                environment.name
            ))
        })?,
    };
    sccs.into_iter().flatten().find(|scc| scc.name() == name).cloned().ok_or_else(|| {
        CommandError::new(format!("cannot explain the SCC {name}: it is not there, or you may not read it"))
            .hint("ask for the right to get and list securitycontextconstraints, e.g. the role cluster-reader")
    })
}

/// A namespace as the platform would make it; which range of uids it gets makes no difference here.
fn new_namespace(environment: &Environment) -> NamespaceFacts {
    let annotations = [
        ("openshift.io/sa.scc.uid-range", "1000700000/10000"),
        ("openshift.io/sa.scc.mcs", "s0:c27,c4"),
        ("openshift.io/sa.scc.supplemental-groups", "1000700000/10000"),
    ];
    NamespaceFacts {
        name: environment.namespace.to_string(),
        annotations: annotations.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        ..NamespaceFacts::default()
    }
}

/// The grant that would be made.
fn granted(set: &ManifestSet) -> Rbac {
    let of = |kind: Kind| set.find(kind).map(|manifest| manifest.object.clone()).into_iter().collect::<Vec<_>>();
    let (roles, role_bindings) = (of(Kind::Role), of(Kind::RoleBinding));
    Rbac::read(Lists { roles: &roles, cluster_roles: &[], role_bindings: &role_bindings, cluster_role_bindings: &[] })
}

/// The pod of the Deployment, as the ReplicaSet controller sends it.
fn pod(set: &ManifestSet, namespace: &str) -> Value {
    let template = set.find(Kind::Deployment).map(|manifest| manifest.object["spec"]["template"].clone());
    let mut pod = template.unwrap_or_default();
    pod["metadata"]["namespace"] = json!(namespace);
    pod["metadata"]["generateName"] = json!("emulator-");
    pod
}

/// The SCC that the newest running pod says it was given.
async fn actual(cluster: &Cluster, environment: &Environment) -> Result<Option<String>> {
    let pods = match cluster.pods(environment.namespace.as_str(), &environment.name).await {
        Ok(pods) => pods,
        Err(fault) if fault.code() == Some(403) => return Ok(None),
        Err(fault) => return Err(fault.explain("read the environment's pod")),
    };
    let newest = pods.iter().max_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str());
    Ok(newest.and_then(|pod| Some(pod.pointer("/metadata/annotations/openshift.io~1scc")?.as_str()?.to_owned())))
}
