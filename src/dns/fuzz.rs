//! Everything that reads what others wrote, fed with nonsense: seeds of the right form, changed at random. A panic or a hang is
//! a failure. A short sample runs with the other tests; `make fuzz-dns MINUTES=10` runs for long.

mod change;
mod readers;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use self::change::{Random, changed};
use self::readers::READERS;
use self::watch::Watch;

/// One reading may not take longer, even in a debug build on a busy machine.
const SLOW: Duration = Duration::from_secs(2);
/// So many failures are shown.
const SHOWN: usize = 5;

/// Feeds every reader in turn, until the time is over. Returns the number of runs, and what went wrong.
fn feed(time: Duration, start: u64) -> (u64, Vec<String>) {
    let seeds: Vec<Vec<Vec<u8>>> = READERS.iter().map(|reader| (reader.seeds)()).collect();
    let (mut random, watch, began) = (Random::new(start), Watch::start(), Instant::now());
    let (mut runs, mut failures) = (0, Vec::new());
    for turn in 0_u64.. {
        if began.elapsed() >= time || failures.len() >= SHOWN {
            break;
        }
        for (reader, seeds) in READERS.iter().zip(&seeds).filter(|(reader, _)| turn % reader.every == 0) {
            let input = changed(&mut random, seeds, reader.words);
            watch.reading(reader.name, &input);
            let started = Instant::now();
            let read = catch_unwind(AssertUnwindSafe(|| (reader.read)(&input)));
            let took = started.elapsed();
            let shown = || format!("{}: {:?}", reader.name, String::from_utf8_lossy(&input));
            if read.is_err() {
                failures.push(format!("panic in {}\n  as bytes: {input:?}", shown()));
            } else if took > SLOW {
                failures.push(format!("{took:?} in {}", shown()));
            }
            runs += 1;
        }
    }
    (runs, failures)
}

#[test]
fn the_seeds_are_right() {
    for reader in READERS {
        for seed in (reader.seeds)() {
            assert!((reader.read)(&seed), "{} does not read {:?}", reader.name, String::from_utf8_lossy(&seed));
        }
    }
}

#[test]
fn nonsense_is_read_without_a_panic_or_a_hang() {
    let (runs, failures) = feed(Duration::from_secs(2), 1);
    assert!(failures.is_empty(), "after {runs} runs:\n{}", failures.join("\n"));
    assert!(runs > 100);
}

#[cfg(test)]
mod long {
    use super::*;

    fn number(name: &str) -> Option<u64> {
        std::env::var(name).ok()?.parse().ok()
    }

    #[test]
    #[ignore = "runs as long as FUZZ_MINUTES says; `make fuzz-dns` runs it"]
    fn nonsense_is_read_for_minutes() {
        let clock = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let start = number("FUZZ_START").unwrap_or(clock);
        let minutes = number("FUZZ_MINUTES").unwrap_or(10);
        let (runs, failures) = feed(Duration::from_secs(minutes * 60), start);
        println!("{runs} runs of {} readers in {minutes} min, FUZZ_START={start}", READERS.len());
        println!("{} failures", failures.len());
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}
