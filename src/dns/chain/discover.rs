//! From what the survey saw to a chain. Pure.
