//! One hop in the picture: its outline, its words, and what is wrong with it. Takes evidence and findings. Pure.

use crate::dns::chain::{Hop, PlaceKind, Role};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::report::dns::words;
use crate::report::markup::{Element, element};

/// A point.
pub(super) type Point = (f64, f64);

/// Sizes, in pixels. `along` is the way from clients to upstreams, `across` the way between siblings.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) class: &'static str,
    pub(super) is_wide: bool,
    pub(super) width: f64,
    pub(super) height: f64,
    /// From one layer to the next.
    pub(super) along: f64,
    /// From one sibling to the next.
    pub(super) across: f64,
    /// Characters that fit into a box.
    pub(super) letters: usize,
}

/// What is told of a hop in a word or two: the surest cause at it.
pub(super) fn blame<'a>(findings: &'a [Finding], hop: &str) -> Option<&'a Finding> {
    let causes = || findings.iter().filter(|finding| finding.hop == hop && finding.follows_from.is_none());
    causes().find(|finding| finding.confidence > Confidence::Possible).or_else(|| causes().next())
}

/// Where a hop stands.
pub(super) struct Seat {
    pub(super) middle: Point,
    pub(super) form: Form,
}

/// One hop, and what is wrong with it.
pub(super) fn hop(evidence: &Evidence, hop: &Hop, blame: Option<&Finding>, seat: &Seat) -> Element {
    let Seat { middle: (x, y), form: Form { width, height, letters, .. } } = *seat;
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
    let lines = [("id", hop.id.clone()), ("address", second(evidence, hop)), ("role", third(hop))];
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
pub(super) fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
