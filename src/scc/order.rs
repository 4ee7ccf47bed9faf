//! In which order SCCs are tried.

use std::cmp::{Ordering, Reverse};

use super::{Scc, points};

/// Sorts SCCs into the order admission tries them: priority falling, points rising, names by their bytes.
pub fn order(sccs: &mut [Scc]) {
    sccs.sort_by(compare);
}

/// The SCCs in the order admission tries them.
pub fn sorted(sccs: &[Scc]) -> Vec<&Scc> {
    let mut sorted: Vec<&Scc> = sccs.iter().collect();
    sorted.sort_by(|one, other| compare(one, other));
    sorted
}

fn compare(one: &Scc, other: &Scc) -> Ordering {
    let rank = |scc: &Scc| (Reverse(scc.priority.unwrap_or_default()), points(scc));
    rank(one).cmp(&rank(other)).then_with(|| one.name().cmp(other.name()))
}
