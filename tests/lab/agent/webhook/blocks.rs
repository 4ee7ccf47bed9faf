//! Which uids a namespace gets: one block of 10,000 each, unique among the namespaces that exist.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const FIRST_UID: u64 = 1_000_000_000;
const SIZE: u64 = 10_000;
/// OpenShift's range ends at 1,999,999,999.
const BLOCKS: u64 = 100_000;
/// OpenShift leaves room for five labels in each namespace.
const LABELS_EACH: u64 = 5;

/// Blocks given to namespaces that the watch has not shown yet.
#[derive(Default)]
pub(crate) struct Blocks(Mutex<HashMap<u64, Instant>>);

/// What a namespace is told about its uids.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// `1000120000/10000`, for uids and for supplemental groups
    pub(crate) range: String,
    /// `s0:c11,c5`, the SELinux level
    pub(crate) mcs: String,
}

impl Blocks {
    /// The lowest free block. `taken` are the uid ranges of live namespaces. A block handed out is kept back for a
    /// minute: by then its namespace is live, or was never created (a dry run, a refusal).
    pub(crate) fn take(&self, taken: impl Iterator<Item = String>) -> Block {
        let taken: BTreeSet<u64> = taken.filter_map(|range| index(&range)).collect();
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pending.retain(|index, given| !taken.contains(index) && given.elapsed() < Duration::from_mins(1));
        let free = (0..BLOCKS).find(|index| !taken.contains(index) && !pending.contains_key(index));
        // With 100,000 live namespaces one is shared: no lab gets there.
        let free = free.unwrap_or_default();
        pending.insert(free, Instant::now());
        block(free)
    }
}

fn block(index: u64) -> Block {
    Block { range: format!("{}/{SIZE}", FIRST_UID + index * SIZE), mcs: level(index * LABELS_EACH) }
}

/// The block that a range of ours stands for; ranges set by hand are somewhere else.
fn index(range: &str) -> Option<u64> {
    let start: u64 = range.split(['/', '-']).next()?.parse().ok()?;
    start.checked_sub(FIRST_UID).map(|offset| offset / SIZE)
}

/// The n-th pair of different categories in OpenShift's order: (1,0) (2,0) (2,1) (3,0) ...
fn level(n: u64) -> String {
    let mut high = 1;
    let mut before = 0;
    while before + high <= n {
        before += high;
        high += 1;
    }
    format!("s0:c{high},c{}", n - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_free_block_is_taken_and_kept_back() {
        let blocks = Blocks::default();
        let live = || ["1000000000/10000", "1000020000-1000029999", "garbage"].into_iter().map(String::from);
        assert_eq!(blocks.take(live()).range, "1000010000/10000");
        assert_eq!(blocks.take(live()).range, "1000030000/10000");
    }

    #[test]
    fn levels_follow_the_blocks() {
        assert_eq!(block(0).mcs, "s0:c1,c0");
        assert_eq!(block(12), Block { range: "1000120000/10000".into(), mcs: "s0:c11,c5".into() });
    }
}
