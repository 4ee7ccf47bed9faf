//! Do all endpoints of a run lead to one environment? A queue made at the gateway is asked for through each of them:
//! emulators route by signature, so every endpoint of a gateway knows it. Does network IO.

use std::time::Instant;

use aws_sdk_sqs::Client;
use tokio::time::timeout;

use super::{
    cause::Cause,
    clients::settings,
    connector::Connector,
    diagnose::Failure,
    options::{Companions, host_of},
    result::{Operation, millis},
    run::Run,
    shared::Shared,
};
use crate::finding::{Phase, code};

/// The queue that every endpoint must know.
pub(super) struct Marker {
    name: String,
    url: String,
    sqs: Client,
}

impl Marker {
    /// Makes the queue; where that does not work, nothing can be compared, and the check of `sqs` says why.
    async fn make(shared: &Shared, edge: &str) -> Option<Self> {
        let connector = Connector::new(shared.network.clone(), shared.reached.clone());
        let sqs = Client::new(&settings(edge, &shared.options, connector));
        let name = format!("lsdeploy-{}-edge", shared.options.run_id);
        let create = Box::pin(sqs.create_queue().queue_name(&name).send());
        let created = timeout(shared.options.deadlines.connect, create).await.ok()?.ok()?;
        Some(Self { name, url: created.queue_url?, sqs })
    }

    /// Takes it back. A queue that stays is found by its name.
    pub(super) async fn remove(&self, shared: &Shared) {
        let delete = Box::pin(self.sqs.delete_queue().queue_url(&self.url).send());
        if !timeout(shared.options.deadlines.connect, delete).await.is_ok_and(|deleted| deleted.is_ok()) {
            shared.options.stop.leave(&self.name);
        }
    }
}

/// Whether the endpoint under test leads to the environment of the gateway.
pub(super) async fn same_environment(run: &mut Run) -> Result<(), Failure> {
    let shared = run.shared.clone();
    let Some(edge) = shared.options.edge.as_deref() else { return Ok(()) };
    let is_gateway = host_of(edge) == host_of(run.url());
    // A process of its own for each service knows nothing of another's queues.
    if is_gateway || shared.options.companions == Companions::Own || shared.options.stop.is_asked() {
        return Ok(());
    }
    let made = shared.marker.get_or_init(|| Marker::make(&shared, edge)).await;
    let Some(marker) = made else { return Ok(()) };
    let started = Instant::now();
    let sqs = Client::new(&run.sdk());
    let asked = Box::pin(sqs.get_queue_url().queue_name(&marker.name).send()).await.map_err(Cause::from);
    let is_unknown = |cause: &Cause| cause.code().is_some_and(|code| UNKNOWN.iter().any(|words| code.contains(words)));
    let ok = !asked.as_ref().is_err_and(is_unknown);
    // Another answer is about sqs, not about the environment.
    if ok && asked.is_err() {
        return Ok(());
    }
    run.add(Operation { name: "same_environment".to_owned(), ms: millis(started), ok, skipped: None });
    if ok {
        return Ok(());
    }
    Err(Failure::new(
        Phase::Data,
        code::DIFFERENT_ENVIRONMENT,
        format!("{} leads to another environment: a queue made at {edge} is unknown there", run.url()),
        "`lsdeploy status` shows who has the Route's host; does its name lead to another cluster or emulator?",
    ))
}

const UNKNOWN: [&str; 2] = ["NonExistentQueue", "QueueDoesNotExist"];
