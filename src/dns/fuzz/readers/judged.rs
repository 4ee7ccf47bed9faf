//! Saved runs: what `--from FILE` reads and judges.

use serde_json::{Value, json};

use crate::dns::chain::discover;
use crate::dns::classify::{classify, verdict};
use crate::dns::evidence::Evidence;
use crate::dns::modes::fixtures::{self, workstations};
use crate::dns::rounds;
use crate::fuzz::{
    Reader,
    change::{Random, changed},
};

/// An input is either a saved run as JSON, or `CASE NUMBER`: a fixture, whose values are changed as the number says.
pub(super) const SAVED: Reader =
    Reader { name: "a saved run", seeds, words: &["null", "[]", "{}", "-1", "1e308"], read: judges, every: 40 };

const FIXTURES: [fn() -> Evidence; 6] = [
    fixtures::openshift3,
    fixtures::openshift4,
    workstations::minishift,
    workstations::crc_system,
    workstations::crc_user,
    workstations::microshift,
];

fn seeds() -> Vec<Vec<u8>> {
    let whole = FIXTURES.iter().map(|fixture| serde_json::to_vec(&fixture()).unwrap());
    let cases = (0..60).map(|case| format!("{} {case}", case % FIXTURES.len()).into_bytes());
    whole.chain(cases).collect()
}

fn judges(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let case = text.split_once(' ').and_then(|(case, number)| Some((case.parse::<usize>().ok()?, number)));
    let read = match case {
        Some((case, number)) => {
            let mut random = Random::new(number.bytes().fold(7, |sum: u64, byte| sum.rotate_left(7) ^ u64::from(byte)));
            let mut value = serde_json::to_value(FIXTURES[case % FIXTURES.len()]()).unwrap();
            for _ in 0..=random.below(12) {
                alter(&mut value, &mut random);
            }
            serde_json::from_value(value).ok()
        }
        None => serde_json::from_slice(bytes).ok(),
    };
    let Some(mut evidence): Option<Evidence> = read else { return case.is_some() };
    let findings = classify(&evidence);
    let _ = (verdict(&findings), rounds::first(&evidence), rounds::second(&evidence));
    assert!(findings.iter().flat_map(|finding| &finding.evidence).all(|index| *index < evidence.observations.len()));
    evidence.chain = discover::discover(&evidence);
    discover::expect(&mut evidence);
    let _ = (classify(&evidence), rounds::first(&evidence));
    true
}

/// Changes one value somewhere below this one.
fn alter(value: &mut Value, random: &mut Random) {
    match value {
        Value::Object(map) if !map.is_empty() && random.below(20) > 0 => {
            let at = random.below(map.len());
            if let Some(inner) = map.values_mut().nth(at) {
                alter(inner, random);
            }
        }
        Value::Array(list) if !list.is_empty() && random.below(12) > 0 => {
            let at = random.below(list.len());
            alter(&mut list[at], random);
        }
        Value::Array(list) => {
            let (at, to) = (random.below(list.len()), random.below(list.len()));
            match random.below(3) {
                _ if list.is_empty() => {}
                0 => drop(list.remove(at)),
                1 => list.push(list[at].clone()),
                _ => list.swap(at, to),
            }
        }
        Value::String(text) if text.starts_with('{') && random.below(4) > 0 => {
            // An object of the API, or the facts of a process.
            if let Ok(mut inner) = serde_json::from_str(text) {
                alter(&mut inner, random);
                *text = inner.to_string();
            }
        }
        Value::String(text) => {
            let seed = text.clone().into_bytes();
            let other =
                random.pick(&["", ".", "10.0.2.15:53", "NXDOMAIN", "udp", "timeout", "pod", "::1"]).as_bytes().to_vec();
            *text = String::from_utf8_lossy(&changed(random, &[seed.clone(), seed, other], &[])).into_owned();
        }
        Value::Number(_) => {
            *value = random.pick(&[json!(0), json!(1), json!(65535), json!(4_294_967_295_u64), json!(0.5)]).clone();
        }
        Value::Bool(_) | Value::Null => {
            *value = random.pick(&[json!(true), json!(false), Value::Null, json!("x")]).clone();
        }
        Value::Object(_) => *value = random.pick(&[json!({}), json!([]), Value::Null]).clone(),
    }
}
