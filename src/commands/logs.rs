//! `logs`: the emulator's log, straight to standard output.

use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, LogParams};

use super::{Context, Outcome};
use crate::cli::LogsArgs;
use crate::cluster::{Fault, inventory};
use crate::environment::EnvName;
use crate::error::{CommandError, Result};
use crate::printable::printable;
use crate::render::{instance_selector, names};
use crate::report::{self, Reader};

pub(super) async fn run(args: &LogsArgs, context: Context) -> Result<Outcome> {
    let name = EnvName::parse(&args.env.env)?;
    let cluster = context.connect().await?;
    let found = inventory::find(&cluster, &name, args.env.namespace.as_deref()).await?.existing(&name)?;
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), &found.namespace);
    let listed = pods.list(&ListParams::default().labels(&instance_selector(name.as_str()))).await;
    let listed = listed.map_err(|error| Fault::from(error).explain(&format!("list the pods of {name}")))?;
    let newest = listed.items.into_iter().max_by_key(|pod| pod.metadata.creation_timestamp.clone().map(|time| time.0));
    let pod = newest.and_then(|pod| pod.metadata.name).ok_or_else(|| {
        CommandError::new(format!("{name} has no pod")).hint(format!("`lsdeploy status --env {name}` says why"))
    })?;
    let parameters = LogParams {
        follow: args.follow,
        tail_lines: args.tail.map(i64::from),
        previous: args.previous,
        container: Some(if args.init { names::INIT_CONTAINER } else { names::EMULATOR }.to_owned()),
        ..LogParams::default()
    };
    let stream = pods.log_stream(&pod, &parameters).await;
    let mut lines = stream.map_err(|error| explain(&Fault::from(error), &pod, args))?.lines();
    while let Some(line) =
        lines.try_next().await.map_err(|error| CommandError::new(format!("the log of {pod} broke off: {error}")))?
    {
        if report::print(&format!("{}\n", printable(&line)))? == Reader::Gone {
            break;
        }
    }
    Ok(Outcome::success(String::new()))
}

/// The API server answers 400 for a container that has no log.
fn explain(fault: &Fault, pod: &str, args: &LogsArgs) -> CommandError {
    match fault.code() {
        Some(400) if args.previous => {
            CommandError::new(format!("there is no earlier container in pod {pod}: it was not restarted"))
                .hint("`lsdeploy logs` shows the one that runs")
        }
        Some(400) if args.init => {
            CommandError::new(format!("no scripts ran in pod {pod}: it has no container for them"))
                .hint("`lsdeploy up --init DIR` runs scripts when the emulator is ready")
        }
        Some(400) => {
            fault.explain(&format!("read the log of {pod}")).hint("`lsdeploy status` says why it does not run")
        }
        _ => fault.explain(&format!("read the log of {pod}")),
    }
}
