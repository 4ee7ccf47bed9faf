//! Which hop of a DNS path is wrong: what is asked, from where, what came back, and what it means.
//!
//! ```text
//! survey (files, processes, API) -> chain -> first round -> suspects -> second round -> classify -> diagnosis
//! ```
//!
//! Input and output happen in `probe` and `vantage` only; `walk` drives them. All else is pure, and compiles without the rest
//! of the crate: the program `lsdeploy-dns-probe` is made of it.

// What is asked, and what came back: data.
pub mod observation;
pub mod plan;

// What files say: pure.
pub mod files;
pub mod search;

// Who is on the path, and what to ask them: pure.
pub mod chain;
pub mod evidence;
pub mod rounds;

// What it means: pure.
pub mod classify;
pub mod missing;
pub mod modes;
pub mod seen;

// Asking: input and output.
pub mod probe;
pub mod vantage;
pub mod walk;

#[cfg(test)]
mod fuzz;
