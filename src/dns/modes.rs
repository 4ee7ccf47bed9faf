//! The failure modes F1 to F60: one file per mode, one small rule each. Pure.
//!
//! A rule is a function of what was seen. It says where the mode is, how sure it is, and what it rests on; it says nothing when
//! what was seen has another explanation. A mode may also name the questions that would make it sure: those are the second
//! round.

mod coredns;
mod embedded;
mod f01;
mod f02;
mod f03;
mod f04;
mod f05;
mod f06;
mod f07;
mod f08;
mod f09;
mod f10;
mod f11;
mod f12;
mod f13;
mod f14;
mod f15;
mod f16;
mod f17;
mod f18;
mod f19;
mod f20;
mod f21;
mod f22;
mod f23;
mod f24;
mod f25;
mod f26;
mod f27;
mod f28;
mod f29;
mod f30;
mod f31;
mod f32;
mod f33;
mod f34;
mod f35;
mod f36;
mod f37;
mod f38;
mod f39;
mod f40;
mod f41;
mod f42;
mod f43;
mod f44;
mod f45;
mod f46;
mod f47;
mod f48;
mod f49;
mod f50;
mod f51;
mod f52;
mod f53;
mod f54;
mod f55;
mod f56;
mod f57;
mod f58;
mod f59;
mod f60;
#[cfg(test)]
pub(in crate::dns) mod fixtures;
mod lookups;
mod places;

use super::classify::Sign;
use super::plan::Question;
use super::seen::Seen;

/// One failure mode: what it is, and the rule that finds it.
#[derive(Debug)]
pub struct Mode {
    /// `F3`, the number in the literature of this project (`docs/dns-modes.md`).
    pub id: &'static str,
    /// Stable slug.
    pub code: &'static str,
    /// What is wrong, in one sentence.
    pub title: &'static str,
    /// How it shows, and what tells it from its neighbours.
    pub shows: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// Where in the order of looking it stands: files first, then reach, then the answers.
    pub stage: Stage,
    /// Codes of modes that are effects of this one.
    pub explains: &'static [&'static str],
    /// The rule.
    pub find: fn(&Seen<'_>) -> Vec<Sign>,
    /// The questions of the second round, each with the vantage that is to ask it.
    pub ask: fn(&Seen<'_>) -> Vec<(String, Question)>,
}

/// The order in which a path is looked at. What stands earlier explains more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Files and objects of the asking side.
    Files,
    /// The way to the first server.
    Reach,
    /// What a server is and runs with.
    Server,
    /// Whom a server asks.
    Next,
    /// What sibling servers say.
    Siblings,
    /// Search lists.
    Search,
    /// One type, one transport, one size, one port.
    Special,
}

impl Mode {
    /// For sorting: the stage, then the number.
    pub fn rank(&self) -> (Stage, usize) {
        (self.stage, MODES.iter().position(|mode| std::ptr::eq(*mode, self)).unwrap_or(usize::MAX))
    }
}

/// For modes that need no second round.
pub fn nothing_more(_: &Seen<'_>) -> Vec<(String, Question)> {
    Vec::new()
}

/// Every mode, in the order of their numbers.
pub static MODES: &[&Mode] = &[
    &f01::MODE,
    &f02::MODE,
    &f03::MODE,
    &f04::MODE,
    &f05::MODE,
    &f06::MODE,
    &f07::MODE,
    &f08::MODE,
    &f09::MODE,
    &f10::MODE,
    &f11::MODE,
    &f12::MODE,
    &f13::MODE,
    &f14::MODE,
    &f15::MODE,
    &f16::MODE,
    &f17::MODE,
    &f18::MODE,
    &f19::MODE,
    &f20::MODE,
    &f21::MODE,
    &f22::MODE,
    &f23::MODE,
    &f24::MODE,
    &f25::MODE,
    &f26::MODE,
    &f27::MODE,
    &f28::MODE,
    &f29::MODE,
    &f30::MODE,
    &f31::MODE,
    &f32::MODE,
    &f33::MODE,
    &f34::MODE,
    &f35::MODE,
    &f36::MODE,
    &f37::MODE,
    &f38::MODE,
    &f39::MODE,
    &f40::MODE,
    &f41::MODE,
    &f42::MODE,
    &f43::MODE,
    &f44::MODE,
    &f45::MODE,
    &f46::MODE,
    &f47::MODE,
    &f48::MODE,
    &f49::MODE,
    &f50::MODE,
    &f51::MODE,
    &f52::MODE,
    &f53::MODE,
    &f54::MODE,
    &f55::MODE,
    &f56::MODE,
    &f57::MODE,
    &f58::MODE,
    &f59::MODE,
    &f60::MODE,
];

/// The mode of this code or number.
pub fn mode(code: &str) -> Option<&'static Mode> {
    MODES.iter().copied().find(|mode| mode.code == code || mode.id.eq_ignore_ascii_case(code))
}
