//! What `tests/bench/dns` measures: the rounds of a walk on real resolvers, against its own slowest answer and against `dig`.
//! Numbers only, a line each; the script judges them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lsdeploy::dns::observation::Transport;
use lsdeploy::dns::plan::{ProbePlan, Question};
use lsdeploy::dns::rounds;

use crate::harness::{Run, probe};
use crate::scene::{OUTSIDE, ROUTE, SERVICE, Three};
use crate::world::{Spec, World, Zone};

/// The names that are looked into.
const NAMES: [&str; 3] = [SERVICE, ROUTE, OUTSIDE];
/// How often a healthy path is walked; the median counts.
const RUNS: usize = 9;

/// pod, dnsmasq, SkyDNS, and two upstreams that are 20 ms away.
fn path() -> Option<World> {
    let far = [("up1", "far1", "10.9.1.1"), ("up2", "far2", "10.9.1.2")];
    let more = far.iter().map(|(_, name, address)| Spec::machine(name, &[&format!("{address}/24")])).collect();
    let world = (Three { up1: Vec::new(), up2: Vec::new(), more, ..Three::healthy() }).start()?;
    for (near, name, address) in far {
        world.recursor(name, &Zone::outside());
        let delay = "addAction(AllRule(), DelayAction(20))";
        world.dnsdist(near, &format!("setLocal('0.0.0.0:53')\nsetACL('0.0.0.0/0')\nnewServer('{address}')\n{delay}"));
    }
    Some(world)
}

#[test]
#[ignore = "a benchmark: `make bench-dns`"]
fn rounds_are_as_fast_as_their_slowest_answer() {
    let file = env::var_os("LSDEPLOY_DNS_BENCH").expect("`make bench-dns` names a file for the numbers");
    let Some(world) = path() else { return };
    let runs: Vec<Run> = (0..RUNS).map(|_| world.debug(&NAMES)).collect();
    for run in &runs {
        run.expect_ok();
    }
    let plans = rounds::first(&runs[0].evidence);
    let mut lines = format!("questions {}\n", plans.iter().map(|plan| plan.questions.len()).sum::<usize>());
    let mut tell = |name: &str, time: Duration| writeln!(lines, "{name} {:.3}", time.as_secs_f64() * 1000.0).unwrap();
    let typical = typical(&runs);
    tell("first", typical.times.first);
    tell("slowest", slowest_answer(typical));
    tell("start-up", median((0..50).map(|_| start_up())));
    tell("dig", median((0..3).map(|_| digs(&world, &plans))));
    let memory = plans.iter().map(|plan| peak_memory(&world, plan)).max().unwrap();
    world.silence("up2");
    let dead = world.debug(&NAMES);
    tell("dead-first", dead.times.first);
    tell("dead-second", dead.times.second.unwrap_or_default());
    writeln!(lines, "memory {memory}").unwrap();
    fs::write(file, lines).unwrap();
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort();
    times[times.len() / 2]
}

/// The run in the middle, by what a round takes beside its slowest answer.
fn typical(runs: &[Run]) -> &Run {
    let mut runs: Vec<&Run> = runs.iter().collect();
    let share = |run: &Run| run.times.first.as_secs_f64() / slowest_answer(run).as_secs_f64();
    runs.sort_by(|one, other| share(one).total_cmp(&share(other)));
    runs[runs.len() / 2]
}

/// The longest that one answer of the first round took.
fn slowest_answer(run: &Run) -> Duration {
    let first = run.evidence.observations.iter().filter(|seen| seen.round == 1 && seen.is_dns());
    Duration::from_secs_f64(first.map(|seen| seen.ms).fold(0.0, f64::max) / 1000.0)
}

/// From the start of the probe until it has carried out an empty plan.
fn start_up() -> Duration {
    let start = Instant::now();
    let mut child = Command::new(probe()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let plan = serde_json::to_string(&ProbePlan::default()).unwrap();
    writeln!(child.stdin.as_ref().unwrap(), "{plan}").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let took = start.elapsed();
    assert!(line.contains("done"), "{line}");
    drop(child.stdin.take());
    child.wait().unwrap();
    took
}

/// The same questions, one `dig` after the other, at each vantage.
fn digs(world: &World, plans: &[ProbePlan]) -> Duration {
    let scripts: Vec<(&str, String)> =
        plans.iter().map(|plan| (plan.vantage.as_str(), plan.questions.iter().map(dig).collect())).collect();
    let start = Instant::now();
    for (vantage, script) in scripts {
        world.run(vantage, &["sh", "-c", &script]);
    }
    start.elapsed()
}

fn dig(question: &Question) -> String {
    let Question { server, name, kind, .. } = question;
    let class = if question.chaos { "CH" } else { "IN" };
    let edns = question.edns.map_or_else(|| "+noedns".to_owned(), |size| format!("+bufsize={size}"));
    let transport = if question.transport == Transport::Tcp { "+tcp" } else { "+ignore" };
    let options = format!("+tries=1 +time=2 +nocookie {edns} {transport}");
    format!("dig @{} -p {} -c {class} -t {kind} {name}. {options} >/dev/null\n", server.ip(), server.port())
}

/// Kilobytes that the probe had at most while it carried out a plan.
fn peak_memory(world: &World, plan: &ProbePlan) -> u64 {
    world.write(&plan.vantage, "/run/plan", &(serde_json::to_string(plan).unwrap() + "\n"));
    let command = format!("/usr/bin/time -f %M -o /run/memory {} </run/plan >/dev/null", probe().display());
    world.run(&plan.vantage, &["sh", "-c", &command]);
    world.run(&plan.vantage, &["cat", "/run/memory"]).trim().parse().unwrap()
}
