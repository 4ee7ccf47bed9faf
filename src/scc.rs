//! The rules of SecurityContextConstraints, as pure functions.
