//! The walk itself, by the probe in each member.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use lsdeploy::dns::chain::discover;
use lsdeploy::dns::classify::{Finding, classify};
use lsdeploy::dns::evidence::Evidence;
use lsdeploy::dns::observation::Observation;
use lsdeploy::dns::plan::ProbePlan;
use lsdeploy::dns::rounds;

use crate::world::World;

/// Fills the evidence and judges it.
pub(super) fn drive(world: &World, evidence: &mut Evidence) -> Vec<Finding> {
    let timeout = evidence.timeout_ms;
    let plans = evidence.places.iter().map(|place| rounds::survey(place, &evidence.targets, timeout)).collect();
    round(world, plans, evidence);
    evidence.chain = discover::discover(evidence);
    discover::expect(evidence);
    round(world, rounds::first(evidence), evidence);
    round(world, rounds::second(evidence), evidence);
    classify(evidence)
}

fn round(world: &World, plans: Vec<ProbePlan>, evidence: &mut Evidence) {
    let start = |plan: ProbePlan| -> Child {
        let enter = world.enter(&plan.vantage);
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).arg(env!("CARGO_BIN_EXE_lsdeploy-dns-probe"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", serde_json::to_string(&plan).unwrap()).unwrap();
        child
    };
    let running: Vec<Child> = plans.into_iter().map(start).collect();
    for mut child in running {
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Ok(seen) = serde_json::from_str::<Observation>(&line) {
                evidence.observations.push(seen);
            }
        }
        child.wait().unwrap();
    }
}
