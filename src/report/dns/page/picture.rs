//! The path as a picture (SVG), once for wide screens and once for narrow ones. Takes evidence and findings. Pure.
//!
//! The guilty hop differs in shape, in words and in colour; lines differ in dashes and in marks too.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::edges::{Said, State, proofs, said};
use super::layout::{Layout, Link, Place, layout};
use crate::dns::chain::{Hop, PlaceKind, Role};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::report::dns::words;
use crate::report::markup::{Element, element};

/// Sizes, in pixels. `along` is the way from clients to upstreams, `across` the way between siblings.
#[derive(Clone, Copy)]
struct Form {
    class: &'static str,
    is_wide: bool,
    width: f64,
    height: f64,
    /// From one layer to the next.
    along: f64,
    /// From one sibling to the next.
    across: f64,
    /// Characters that fit into a box.
    letters: usize,
}

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

/// What is told of a hop in a word or two: the surest cause at it.
pub(super) fn blame<'a>(findings: &'a [Finding], hop: &str) -> Option<&'a Finding> {
    let causes = || findings.iter().filter(|finding| finding.hop == hop && finding.follows_from.is_none());
    causes().find(|finding| finding.confidence > Confidence::Possible).or_else(|| causes().next())
}

struct Picture<'a> {
    evidence: &'a Evidence,
    findings: &'a [Finding],
    layout: &'a Layout,
    links: &'a [(&'a Link, Said)],
    form: Form,
}

/// A point.
type Point = (f64, f64);

impl Picture<'_> {
    fn draw(&self) -> Element {
        let Form { class, is_wide, width, height, along, across, .. } = self.form;
        let layers = number(self.layout.layers.saturating_sub(1));
        let (long, broad) = (layers * along, (self.layout.rows - 1.0) * across);
        let (w, h) = if is_wide { (long + width, broad + height) } else { (broad + width, long + height) };
        let (w, h) = (w + 2.0 * MARGIN, h + 2.0 * MARGIN);
        let hops = self.evidence.chain.hops.iter().enumerate().map(|(index, hop)| self.hop(index, hop));
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
            .children(hops.collect::<Vec<_>>())
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

    fn hop(&self, index: usize, hop: &Hop) -> Element {
        let Form { width, height, letters, .. } = self.form;
        let (x, y) = self.middle(self.layout.hops[index]);
        let blame = blame(self.findings, &hop.id);
        let is_guilty = blame.is_some_and(|finding| finding.confidence > Confidence::Possible);
        let (left, top) = (x - width / 2.0, y - height / 2.0);
        let outline = match (is_guilty, hop.role) {
            (true, _) => element("polygon").attribute("points", octagon(left, top, width, height)),
            (false, role) => element("rect")
                .attribute("x", format!("{left:.0}"))
                .attribute("y", format!("{top:.0}"))
                .attribute("width", format!("{width:.0}"))
                .attribute("height", format!("{height:.0}"))
                .attribute("rx", if role == Role::Client { "38" } else { "8" }),
        };
        let class = match (is_guilty, blame.is_some(), hop.role == Role::Client) {
            (true, ..) => "hop guilty",
            (false, true, _) => "hop doubtful",
            (false, false, true) => "hop client",
            (false, false, false) => "hop",
        };
        let lines = [("id", hop.id.clone()), ("address", second(self.evidence, hop)), ("role", third(hop))];
        let lines = lines.into_iter().filter(|(_, text)| !text.is_empty()).collect::<Vec<_>>();
        // Below a tag there is less room.
        let shift = if blame.is_some() { 5.0 } else { 0.0 };
        let first = y + 5.0 + shift - (number(lines.len()) - 1.0) * 9.0;
        let lines = lines.iter().enumerate().map(|(place, (class, text))| {
            // Bold letters are wider, and those of the last line smaller.
            let letters = match *class {
                "id" => letters - 2,
                "role" => letters + 4,
                _ => letters,
            };
            centred(class, x, first + number(place) * 18.0, &fit(text, letters))
        });
        let full = element("title").text(words::hop(hop));
        let tag = blame.map(|finding| tag(x, top, finding));
        element("g").class(class).child(full).child(outline).children(lines.collect::<Vec<_>>()).children(tag)
    }
}

/// Says in a word on the upper edge what is wrong.
fn tag(x: f64, top: f64, finding: &Finding) -> Element {
    let is_sure = finding.confidence > Confidence::Possible;
    let text = if is_sure { format!("✗ WRONG: {}", finding.id) } else { format!("? possible: {}", finding.id) };
    let width = 30.0 + 7.6 * number(text.chars().count());
    let back = element("rect")
        .attribute("x", format!("{:.0}", x - width / 2.0))
        .attribute("y", format!("{:.0}", top - 12.0))
        .attribute("width", format!("{width:.0}"))
        .attribute("height", "22")
        .attribute("rx", if is_sure { "0" } else { "11" });
    element("g").class("tag").child(back).child(centred("word", x, top + 4.0, &text))
}

/// A finding in a few words.
fn verdict(finding: &Finding) -> String {
    let word = if finding.confidence > Confidence::Possible { "wrong" } else { "perhaps wrong" };
    format!("{word}: {} {}, {}", finding.id, finding.code, finding.confidence)
}

/// The address; of a client, where it is.
fn second(evidence: &Evidence, hop: &Hop) -> String {
    let place = || evidence.places.iter().find(|place| place.name == hop.vantage);
    match (hop.address, hop.role) {
        (Some(address), _) => words::address(address),
        (None, Role::Client) => match place().map(|place| (place.kind, &place.pod, &place.node)) {
            Some((PlaceKind::Pod, Some(pod), _)) => pod.clone(),
            Some((PlaceKind::Workstation, ..)) => "this machine".to_owned(),
            Some((PlaceKind::Node, ..)) => "the node itself".to_owned(),
            Some((_, _, Some(node))) => node.clone(),
            _ => String::new(),
        },
        (None, _) => String::new(),
    }
}

/// What runs there, else what it does.
fn third(hop: &Hop) -> String {
    let role = match hop.role {
        Role::Client => "asks",
        Role::Dnsmasq => "dnsmasq",
        Role::Node => "node process",
        Role::Master => "master",
        Role::Coredns if hop.id.contains('/') => "CoreDNS pod",
        Role::Coredns => "CoreDNS Service",
        Role::Upstream => "upstream",
        Role::Workstation => "this machine's resolver",
    };
    hop.software.clone().unwrap_or_else(|| role.to_owned())
}

fn octagon(left: f64, top: f64, width: f64, height: f64) -> String {
    let (right, bottom, cut) = (left + width, top + height, 18.0);
    let corners = [
        (left + cut, top),
        (right - cut, top),
        (right, top + cut),
        (right, bottom - cut),
        (right - cut, bottom),
        (left + cut, bottom),
        (left, bottom - cut),
        (left, top + cut),
    ];
    corners.map(|(x, y)| format!("{x:.0},{y:.0}")).join(" ")
}

fn centred(class: &str, x: f64, y: f64, text: &str) -> Element {
    element("text")
        .class(class)
        .attribute("x", format!("{x:.0}"))
        .attribute("y", format!("{y:.0}"))
        .attribute("text-anchor", "middle")
        .text(text)
}

/// Text that fits: of what is too long, the start and the end.
fn fit(text: &str, letters: usize) -> String {
    let all: Vec<char> = text.chars().collect();
    if all.len() <= letters {
        return text.to_owned();
    }
    let end = letters / 2;
    let start = letters - end - 1;
    all[..start].iter().chain(&['…']).chain(&all[all.len() - end..]).collect()
}

/// A small count as a length.
fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
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
