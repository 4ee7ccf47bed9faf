//! What is wrong, on the page: each cause with its evidence, its remedy, and what follows from it. Pure.

use super::effects;
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::modes::mode;
use crate::report::dns::findings::{names, proofs};
use crate::report::markup::{Element, element};
use crate::report::page::{prose, titled};

/// Lines of evidence that a finding shows at once; all stand below the hops.
const LINES: usize = 8;

/// `None` where nothing was found.
pub(super) fn section(evidence: &Evidence, found: &[Finding]) -> Option<Element> {
    let causes = || found.iter().filter(|finding| finding.follows_from.is_none());
    let sure = causes().filter(|finding| finding.confidence > Confidence::Possible).count();
    let blocks = causes().enumerate().map(|(place, cause)| block(evidence, found, cause, place));
    let title = if sure > 0 { "What is wrong" } else { "Odd, and perhaps harmless" };
    (!found.is_empty()).then(|| titled("wrong", title).children(blocks))
}

fn block(evidence: &Evidence, found: &[Finding], cause: &Finding, place: usize) -> Element {
    let is_sure = cause.confidence > Confidence::Possible;
    let (class, shape) = if is_sure { ("failure", "✗") } else { ("failure doubtful", "?") };
    let title = mode(&cause.code).map_or_else(String::new, |mode| format!(": {}", mode.title));
    let mark = element("span").class(if is_sure { "mark bad" } else { "mark none" });
    let details = element("details").class(class).attribute("id", format!("finding-{place}"));
    let details = if is_sure { details.attribute("open", "") } else { details };
    let heads = element("summary")
        .child(mark.attribute("aria-hidden", "true").text(shape))
        .child(element("span").class("what").text(format!("{}{title}", cause.hop)))
        .child(element("code").text(format!("{} {}", cause.id, cause.code)))
        .child(element("span").class("sure").text(cause.confidence.to_string()));
    details.child(heads).child(body(evidence, cause)).children(follows(found, cause))
}

fn body(evidence: &Evidence, finding: &Finding) -> Element {
    let lines = proofs(evidence, finding, LINES).into_iter().map(|line| element("li").text(line));
    let row = |name: &str, value: Element| [element("dt").text(name), value];
    let proofs = element("ul").class("proofs").children(lines);
    let has_proofs = !finding.evidence.is_empty();
    element("dl")
        .children(row("Seen", prose("dd", &finding.message).class("said")))
        .children(row("Names", element("dd").text(names(finding))))
        .children(has_proofs.then(|| row("Evidence", element("dd").child(proofs))).into_iter().flatten())
        .children(row("Fix", prose("dd", &finding.fix).class("said next")))
}

fn follows(found: &[Finding], cause: &Finding) -> Option<Element> {
    let effects: Vec<Element> = effects(found, cause)
        .map(|effect| {
            let code = element("code").text(format!("{} {}", effect.id, effect.code));
            let told = format!(" at {}, {}: ", effect.hop, effect.confidence);
            let fix = prose("span", &format!("If it stays: {}", effect.fix)).class("stays");
            element("li").child(code).text(told).child(prose("span", &effect.message)).child(fix)
        })
        .collect();
    let title = element("h3").text("Follows from it");
    (!effects.is_empty()).then(|| element("div").class("follows").child(title).child(element("ul").children(effects)))
}
