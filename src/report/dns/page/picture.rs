//! The path as a picture (SVG), once for wide screens and once for narrow ones. Takes evidence and findings. Pure.
//!
//! The guilty hop differs in shape, in words and in colour; lines differ in dashes and in marks too.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::boxes::{Form, Point, Seat, blame, hop, number};
use super::edges::{Said, State, proofs, said};
use super::layout::{Layout, Link, Place, layout};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::report::markup::{Element, element};

const WIDE: Form =
    Form { class: "wide", is_wide: true, width: 184.0, height: 76.0, along: 364.0, across: 112.0, letters: 21 };
const TALL: Form =
    Form { class: "tall", is_wide: false, width: 152.0, height: 76.0, along: 186.0, across: 166.0, letters: 18 };
/// Around the picture.
const MARGIN: f64 = 20.0;
/// Between lines that end at one hop.
const SPREAD: f64 = 19.0;
/// A line runs straight as long as its words need, on wide screens.
const STRAIGHT: f64 = 132.0;

/// Both pictures.
pub(super) fn pictures(evidence: &Evidence, findings: &[Finding]) -> [Element; 2] {
    let layout = layout(&evidence.chain);
    let proofs = proofs(findings);
    let links: Vec<(&Link, Said)> = layout
        .links
        .iter()
        .map(|link| (link, said(evidence, &proofs, &evidence.chain.hops[link.from], &evidence.chain.hops[link.to])))
        .collect();
    [WIDE, TALL].map(|form| Picture { evidence, findings, layout: &layout, links: &links, form }.draw())
}

struct Picture<'a> {
    evidence: &'a Evidence,
    findings: &'a [Finding],
    layout: &'a Layout,
    links: &'a [(&'a Link, Said)],
    form: Form,
}

impl Picture<'_> {
    fn draw(&self) -> Element {
        let Form { class, is_wide, width, height, along, across, .. } = self.form;
        let layers = number(self.layout.layers.saturating_sub(1));
        let (long, broad) = (layers * along, (self.layout.rows - 1.0) * across);
        let (w, h) = if is_wide { (long + width, broad + height) } else { (broad + width, long + height) };
        let (w, h) = (w + 2.0 * MARGIN, h + 2.0 * MARGIN);
        let hops = self.evidence.chain.hops.iter().zip(&self.layout.hops).map(|(one, place)| {
            let seat = Seat { middle: self.middle(*place), form: self.form };
            hop(self.evidence, one, blame(self.findings, &one.id), &seat)
        });
        let (title, words) = (format!("{class}-title"), format!("{class}-words"));
        element("svg")
            .class(format!("path {class}"))
            .attribute("viewBox", format!("0 0 {w:.0} {h:.0}"))
            .attribute("width", format!("{w:.0}"))
            .attribute("height", format!("{h:.0}"))
            // Smaller than this nobody reads it: it scrolls.
            .attribute("style", format!("min-width:{:.0}px", w * if is_wide { 0.62 } else { 0.85 }))
            .attribute("role", "img")
            .attribute("aria-labelledby", format!("{title} {words}"))
            .child(element("title").attribute("id", title).text("Who asks whom, and what came back"))
            .child(element("desc").attribute("id", words).text(self.spoken()))
            .children(self.links.iter().map(|(link, said)| self.line(link, said)))
            .children(hops)
            .children(self.labels())
    }

    /// The picture in sentences.
    fn spoken(&self) -> String {
        let mut sentences: Vec<String> = self.links.iter().map(|(_, said)| said.spoken.clone()).collect();
        for hop in &self.evidence.chain.hops {
            sentences
                .extend(blame(self.findings, &hop.id).map(|finding| format!("{} is {}", hop.id, verdict(finding))));
        }
        sentences.join(". ")
    }

    /// The middle of a place.
    fn middle(&self, place: Place) -> Point {
        let Form { is_wide, width, height, along, across, .. } = self.form;
        let (long, broad) = (number(place.layer) * along, (place.row - 0.5) * across);
        let (x, y) = if is_wide { (long, broad) } else { (broad, long) };
        (x + MARGIN + width / 2.0, y + MARGIN + height / 2.0)
    }

    /// Where a link leaves its first hop, and where it meets its second.
    fn ends(&self, link: &Link) -> (Point, Point) {
        let Form { is_wide, width, height, .. } = self.form;
        let (from, to) = (self.middle(self.layout.hops[link.from]), self.middle(self.layout.hops[link.to]));
        let (out, into) = (self.turn(link, true), self.turn(link, false));
        if is_wide {
            ((from.0 + width / 2.0, from.1 + out), (to.0 - width / 2.0, to.1 + into))
        } else {
            ((from.0 + out, from.1 + height / 2.0), (to.0 + into, to.1 - height / 2.0))
        }
    }

    /// How far from the middle of a hop's side a link ends, so that links do not end in one point.
    fn turn(&self, link: &Link, leaves: bool) -> f64 {
        let mut same: Vec<&Link> = self.links.iter().map(|(link, _)| *link).collect();
        same.retain(|other| if leaves { other.from == link.from } else { other.to == link.to });
        let row = |one: &Link| {
            let next = if leaves { one.via.first() } else { one.via.last() };
            let far = if leaves { one.to } else { one.from };
            next.map_or(self.layout.hops[far].row, |place| place.row)
        };
        same.sort_by(|one, other| row(one).total_cmp(&row(other)));
        let place = same.iter().position(|other| *other == link).unwrap_or(0);
        let room = if self.form.is_wide { self.form.height } else { self.form.width };
        let step = (room * 0.75 / number(same.len())).min(if self.form.is_wide { SPREAD } else { SPREAD * 1.5 });
        (number(place) - number(same.len().saturating_sub(1)) / 2.0) * step
    }

    fn line(&self, link: &Link, said: &Said) -> Element {
        let (start, end) = self.ends(link);
        let Form { is_wide, width, height, .. } = self.form;
        // The arrow's head covers the last pixels.
        let tip = if is_wide { (end.0 - 8.0, end.1) } else { (end.0, end.1 - 8.0) };
        let (mut at, mut goal) = (start, tip);
        match (is_wide, self.is_told_at_start(link)) {
            (false, _) => {}
            (true, true) => at.0 += STRAIGHT,
            (true, false) => goal.0 -= STRAIGHT,
        }
        let mut d = format!("M{:.0} {:.0} L{:.0} {:.0}", start.0, start.1, at.0, at.1);
        for place in &link.via {
            let (x, y) = self.middle(*place);
            let half = if is_wide { width / 2.0 } else { height / 2.0 };
            let (near, far) = if is_wide { ((x - half, y), (x + half, y)) } else { ((x, y - half), (x, y + half)) };
            d.push_str(&self.curve(at, near));
            let _ = write!(d, " L{:.0} {:.0}", far.0, far.1);
            at = far;
        }
        d.push_str(&self.curve(at, goal));
        let _ = write!(d, " L{:.0} {:.0}", tip.0, tip.1);
        let (along, across) = if is_wide { ((-11.0, 0.0), (0.0, 6.0)) } else { ((0.0, -11.0), (6.0, 0.0)) };
        let corner = |side: f64| (end.0 + along.0 + side * across.0, end.1 + along.1 + side * across.1);
        let points = [end, corner(1.0), corner(-1.0)].map(|(x, y)| format!("{x:.0},{y:.0}"));
        element("g")
            .class(format!("link {}", said.state.class()))
            .child(element("path").attribute("d", d))
            .child(element("polygon").attribute("points", points.join(" ")))
    }

    /// True where the words of a link stand at its first hop: it is the only one that leaves it.
    fn is_told_at_start(&self, link: &Link) -> bool {
        !link.is_back && self.links.iter().filter(|(other, _)| other.from == link.from).count() == 1
    }

    fn curve(&self, from: Point, to: Point) -> String {
        // A link that leads back swings out before it turns.
        if self.form.is_wide {
            let bend = ((to.0 - from.0) / 2.0).abs().max(20.0);
            format!(" C{:.0} {:.0} {:.0} {:.0} {:.0} {:.0}", from.0 + bend, from.1, to.0 - bend, to.1, to.0, to.1)
        } else {
            let bend = ((to.1 - from.1) / 2.0).abs().max(30.0);
            format!(" C{:.0} {:.0} {:.0} {:.0} {:.0} {:.0}", from.0, from.1 + bend, to.0, to.1 - bend, to.0, to.1)
        }
    }

    /// The words beside lines; equal words at one hop stand once.
    fn labels(&self) -> Vec<Element> {
        let mut told: BTreeSet<(usize, &str)> = BTreeSet::new();
        let mut labels = Vec::new();
        for (link, said) in self.links {
            let at_start = self.is_told_at_start(link);
            if at_start || told.insert((link.to, &said.text)) {
                labels.extend(self.label(link, said, at_start));
            }
        }
        labels
    }

    fn label(&self, link: &Link, said: &Said, at_start: bool) -> Vec<Element> {
        let (start, end) = self.ends(link);
        let text = format!("{}{}", said.state.shape(), said.text);
        let words = |x: f64, y: f64, anchor: &str, text: &str| {
            element("text")
                .class(format!("label {}", said.state.class()))
                .attribute("x", format!("{x:.0}"))
                .attribute("y", format!("{y:.0}"))
                .attribute("text-anchor", anchor)
                .text(text)
        };
        if self.form.is_wide {
            let (x, y, anchor) =
                if at_start { (start.0 + 6.0, start.1, "start") } else { (end.0 - 15.0, end.1, "end") };
            return vec![words(x, y - 5.0, anchor, &text)];
        }
        // Two lines beside the way, so that siblings have room beside each other.
        let ((x, _), y) = if at_start { (start, start.1 + 18.0) } else { (end, end.1 - 33.0) };
        let goes_left = !at_start && self.turn(link, false) < 0.0;
        let (x, anchor) = if goes_left { (x - 7.0, "end") } else { (x + 7.0, "start") };
        let second = [&said.transport, &said.took].map(String::as_str).join(" ");
        let first = format!("{}{}", said.state.shape(), said.result);
        let second = Some(second.trim()).filter(|text| !text.is_empty()).map(|text| words(x, y + 15.0, anchor, text));
        std::iter::once(words(x, y, anchor, &first)).chain(second).collect()
    }
}

/// A finding in a few words.
fn verdict(finding: &Finding) -> String {
    let word = if finding.confidence > Confidence::Possible { "wrong" } else { "perhaps wrong" };
    format!("{word}: {} {}, {}", finding.id, finding.code, finding.confidence)
}

/// The words of a state, for the legend.
pub(super) fn legend() -> [(State, &'static str); 4] {
    [
        (State::Good, "answers"),
        (State::Bad, "does not, and a finding rests on it"),
        (State::Odd, "does not, and that may be right"),
        (State::Unasked, "could not be asked"),
    ]
}
