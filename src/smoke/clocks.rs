//! What a difference of clocks makes of a result. Pure.

use super::diagnose::Failure;
use crate::finding::{Phase, code};

/// A difference, in seconds, that real AWS refuses.
const LARGEST_SKEW: i64 = 5 * 60;

/// Emulators accept any date; real clients and servers do not, so a wrong clock fails what else went well.
/// `ahead` is how many seconds the emulator's clock is ahead of this machine's.
pub(super) fn with_clocks(outcome: Result<(), Failure>, ahead: i64) -> Result<(), Failure> {
    if ahead.abs() <= LARGEST_SKEW || outcome.as_ref().is_err_and(|failure| failure.phase < Phase::Api) {
        return outcome;
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let clocks = format!("the emulator's clock is {} s {side} this machine's", ahead.abs());
    let message = match outcome {
        Ok(()) => clocks,
        Err(failure) => format!("{clocks}; {}", failure.finding.message),
    };
    let hint = "set the clocks of this machine and of the cluster's nodes (NTP): AWS refuses requests 5 minutes off";
    Err(Failure::new(Phase::Api, code::CLOCK_SKEW, message, hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_five_minutes_apart_are_the_finding_even_where_the_emulator_does_not_mind() {
        assert_eq!(with_clocks(Ok(()), 300), Ok(()));
        let failure = with_clocks(Ok(()), -3600).unwrap_err();
        assert_eq!(failure.finding.code, "clock-skew");
        assert_eq!(failure.finding.message, "the emulator's clock is 3600 s behind this machine's");
        let unseen = Failure::new(Phase::Data, code::DATA_MISMATCH, "no datapoint".to_owned(), "");
        let unseen = with_clocks(Err(unseen), 900).unwrap_err();
        assert_eq!(unseen.finding.message, "the emulator's clock is 900 s ahead of this machine's; no datapoint");
        let unreached = Failure::new(Phase::Route, code::ROUTE_UNKNOWN, String::new(), "");
        assert_eq!(with_clocks(Err(unreached.clone()), 900), Err(unreached));
    }
}
