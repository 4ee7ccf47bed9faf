//! Drives a run: survey, chain, first round, second round.
