//! `dns-debug` in words, for programs and as a page. Takes the evidence of a run and the findings. Pure.

mod explain;
mod findings;
mod json;
mod junit;
mod mask;
mod page;
mod path;
mod rows;
mod text;
mod words;
mod wrap;

pub use explain::{codes, explain, modes_page};
pub use json::{json, read};
pub use junit::junit;
pub use page::{When, html};
pub use text::{Show, chain, text};

#[cfg(test)]
pub(crate) mod examples;
