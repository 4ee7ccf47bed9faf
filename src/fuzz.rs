//! Everything that reads what others wrote, fed with nonsense: seeds of the right form, changed at random. A panic or a hang is
//! a failure. Short samples run with the other tests; `make fuzz MINUTES=10` and `make fuzz-dns MINUTES=10` run for long.

pub(crate) mod change;
#[cfg(feature = "full")]
mod trust;
mod watch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use self::change::{Random, changed};
use self::watch::Watch;

/// One reading may not take longer, even in a debug build on a busy machine.
const SLOW: Duration = Duration::from_secs(2);
/// So many failures are shown.
const SHOWN: usize = 5;

/// Something that reads.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Words of its language.
    pub(crate) words: &'static [&'static str],
    /// Reads; false when it is refused. Panics where something was read that must not be.
    pub(crate) read: fn(&[u8]) -> bool,
    /// It is slow, and has a turn among so many only.
    pub(crate) every: u64,
}

/// Feeds every reader in turn, until the time is over. Returns the number of runs, and what went wrong.
fn feed(readers: &[Reader], time: Duration, start: u64) -> (u64, Vec<String>) {
    let seeds: Vec<Vec<Vec<u8>>> = readers.iter().map(|reader| (reader.seeds)()).collect();
    let (mut random, watch, began) = (Random::new(start), Watch::start(), Instant::now());
    let (mut runs, mut failures) = (0, Vec::new());
    for turn in 0_u64.. {
        if began.elapsed() >= time || failures.len() >= SHOWN {
            break;
        }
        for (reader, seeds) in readers.iter().zip(&seeds).filter(|(reader, _)| turn % reader.every == 0) {
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

/// Seeds that are not of the right form would only test the way to a refusal.
pub(crate) fn assert_seeds_are_read(readers: &[Reader]) {
    for reader in readers {
        for seed in (reader.seeds)() {
            assert!((reader.read)(&seed), "{} does not read {:?}", reader.name, String::from_utf8_lossy(&seed));
        }
    }
}

/// Two seconds of nonsense.
pub(crate) fn assert_nonsense_is_read(readers: &[Reader]) {
    let (runs, failures) = feed(readers, Duration::from_secs(2), 1);
    assert!(failures.is_empty(), "after {runs} runs:\n{}", failures.join("\n"));
    assert!(runs > 100);
}

/// As many minutes of nonsense as `FUZZ_MINUTES` says.
pub(crate) fn assert_nonsense_is_read_for_minutes(readers: &[Reader]) {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let clock = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let start = number("FUZZ_START").unwrap_or(clock);
    let minutes = number("FUZZ_MINUTES").unwrap_or(10);
    let (runs, failures) = feed(readers, Duration::from_secs(minutes * 60), start);
    println!("{runs} runs of {} readers in {minutes} min, FUZZ_START={start}", readers.len());
    println!("{} failures", failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
