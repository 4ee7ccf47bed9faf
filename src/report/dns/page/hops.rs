//! Hop by hop, everything that was seen there: what it is, what it was asked, the files of clients. Pure.

use super::boxes::blame;
use super::edges::proofs;
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::observation::{Observation, Transport};
use crate::report::dns::mask::masked;
use crate::report::dns::words;
use crate::report::markup::{Element, element};
use crate::report::page::{column, scrolling, titled};

/// The most of a file or object that is shown, in characters.
const LONGEST: usize = 6000;

/// One block per hop, in the order of the path.
pub(super) fn section(evidence: &Evidence, found: &[Finding]) -> Element {
    let blocks = evidence.chain.hops.iter().enumerate().map(|(place, hop)| block(evidence, found, place, hop));
    titled("hops", "Hop by hop").children(blocks)
}

/// What the API said; `None` without a cluster.
pub(super) fn api(evidence: &Evidence, found: &[Finding]) -> Option<Element> {
    let proofs = proofs(found);
    let objects = evidence.observations.iter().enumerate().filter(|(_, seen)| seen.transport == Transport::Api);
    let blocks: Vec<Element> = objects.map(|(index, seen)| document(seen, proofs.contains(&index))).collect();
    let count = blocks.len();
    let head = element("summary").text(if count == 1 {
        "1 object or list".to_owned()
    } else {
        format!("{count} objects and lists")
    });
    (count > 0).then(|| {
        titled("api", "What the cluster's API says")
            .child(element("details").class("card more").child(head).children(blocks))
    })
}

fn block(evidence: &Evidence, found: &[Finding], place: usize, hop: &Hop) -> Element {
    let blame = blame(found, &hop.id);
    let is_guilty = blame.is_some_and(|finding| finding.confidence > Confidence::Possible);
    let told = blame.map(|finding| {
        let word = if is_guilty { "wrong" } else { "perhaps wrong" };
        let class = if is_guilty { "verdict bad" } else { "verdict" };
        element("span").class(class).text(format!("{word}: {} {}", finding.id, finding.code))
    });
    let details = element("details")
        .class(if is_guilty { "card hop guilty" } else { "card hop" })
        .attribute("id", format!("hop-{place}"));
    let details = if is_guilty { details.attribute("open", "") } else { details };
    let (class, shape) = if is_guilty { ("mark bad", "✗") } else { ("mark none", "○") };
    let head = element("summary")
        .child(element("span").class(class).attribute("aria-hidden", "true").text(shape))
        .child(element("span").class("what").text(words::hop(hop)))
        .children(told);
    details.child(head).child(facts(hop)).children(questions(evidence, found, hop)).children(own(evidence, found, hop))
}

fn facts(hop: &Hop) -> Element {
    let mut rows = vec![("Role", hop.role.word().to_owned())];
    if !hop.asked_from.is_empty() {
        rows.push(("Asked from", hop.asked_from.join(", ")));
    }
    rows.extend(hop.node.as_ref().map(|node| ("Node", node.clone())));
    for forward in hop.forwards.iter().filter(|forward| !forward.to.is_empty()) {
        rows.push(("Asks", format!("for {}: {}", words::zones(&forward.zones), forward.to.join(", then "))));
    }
    let pairs = rows.into_iter().flat_map(|(name, value)| [element("dt").text(name), element("dd").text(value)]);
    element("dl").children(pairs)
}

/// Every query to this hop.
fn questions(evidence: &Evidence, found: &[Finding], hop: &Hop) -> Option<Element> {
    let proofs = proofs(found);
    let asked = evidence.observations.iter().enumerate().filter(|(_, seen)| seen.is_dns() && seen.hop == hop.id);
    let rows: Vec<Element> = asked.map(|(index, seen)| question(index, seen, proofs.contains(&index))).collect();
    let heads = ["No.", "From", "Asked for", "What came back"].map(column);
    let table = |rows: Vec<Element>| {
        element("table")
            .class("asked")
            .child(element("caption").text("Every question, in the order in which answers came"))
            .child(element("thead").child(element("tr").children(heads)))
            .child(element("tbody").children(rows))
    };
    (!rows.is_empty()).then(|| scrolling(&format!("Questions to {}", hop.id), table(rows)))
}

fn question(index: usize, seen: &Observation, is_evidence: bool) -> Element {
    let is_bad = is_evidence && !words::is_good(seen);
    let mark = is_evidence.then(|| element("span").class("verdict").text("evidence"));
    let class = if seen.chaos { "CH ".to_owned() } else { String::new() };
    element("tr")
        .class(if is_bad { "bad" } else { "" })
        .child(element("td").class("number").text(index.to_string()))
        .child(element("td").text(&seen.vantage))
        .child(element("td").class("name").text(format!("{class}{} {}", words::asked(seen), seen.name)))
        .child(element("td").child(element("span").text(words::reply(seen))).children(mark))
}

/// The files, processes and look-ups of a client's place.
fn own(evidence: &Evidence, found: &[Finding], hop: &Hop) -> Vec<Element> {
    if hop.role != Role::Client {
        return Vec::new();
    }
    let proofs = proofs(found);
    let here = evidence
        .observations
        .iter()
        .enumerate()
        .filter(|(_, seen)| !seen.is_dns() && seen.transport != Transport::Api && seen.vantage == hop.vantage);
    let (there, absent): (Vec<_>, Vec<_>) =
        here.partition(|(_, seen)| seen.error.is_none() || seen.transport == Transport::Libc);
    let mut blocks: Vec<Element> = there.iter().map(|(index, seen)| document(seen, proofs.contains(index))).collect();
    if !absent.is_empty() {
        let names: Vec<String> =
            absent.iter().map(|(_, seen)| format!("{} ({})", seen.name, words::result(seen))).collect();
        blocks.push(element("p").class("legend").text(format!("Not there: {}", names.join(", "))));
    }
    blocks
}

/// A text that was read: shown when it is opened, at once where a finding rests on it.
fn document(seen: &Observation, is_evidence: bool) -> Element {
    let text = masked(seen.text.as_deref().unwrap_or_default());
    let shown: String = text.chars().take(LONGEST).collect();
    let cut = (shown.len() < text.len()).then(|| element("p").class("legend").text("cut here; JSON has all of it"));
    let mark = is_evidence.then(|| element("span").class("verdict").text("evidence"));
    let told = format!("{}: {}", words::question(seen), words::result(seen));
    if text.is_empty() {
        return element("p").class("document").text(told).children(mark);
    }
    let details = element("details").class("document");
    let details = if is_evidence { details.attribute("open", "") } else { details };
    details.child(element("summary").text(told).children(mark)).child(element("pre").text(shown)).children(cut)
}
