//! One run as a page: what is wrong, the path as a picture, what each hop said. Takes evidence and findings. Pure.
//!
//! Like every page of ours it needs nothing else, and says in words and shapes what its colours say.

mod boxes;
mod edges;
mod findings;
mod hops;
mod layout;
mod names;
mod picture;

use std::time::Duration;

use super::findings::effects;
use super::text::conclusion;
use super::words;
use crate::dns::classify::{Confidence, Finding, Verdict, verdict};
use crate::dns::evidence::Evidence;
use crate::report::markup::{Element, element};
use crate::report::page::{head, prose, sentence, titled};

/// When a run was.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// Its start.
    pub began: jiff::Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// The whole page; `when` the run was, where that is known.
pub fn html(evidence: &Evidence, found: &[Finding], when: Option<When>) -> String {
    let title = format!("lsdeploy dns-debug: {}", headline(found));
    let sections = [
        findings::section(evidence, found),
        Some(path(evidence, found)),
        names::section(evidence, found),
        Some(hops::section(evidence, found)),
        hops::api(evidence, found),
        unseen(evidence),
    ];
    let main = element("main").children(sections.into_iter().flatten());
    let body = element("body").child(summary(evidence, found, when)).child(main);
    let styles = [include_str!("../html/style.css"), include_str!("page/style.css")];
    element("html").attribute("lang", "en").child(head(&title, &styles)).child(body).to_html()
}

/// The verdict in a few words.
fn headline(found: &[Finding]) -> String {
    let sure = |finding: &&Finding| finding.confidence > Confidence::Possible && finding.follows_from.is_none();
    match found.iter().find(sure) {
        Some(first) => format!("{} is wrong: {}", first.hop, first.code),
        None => "No hop is wrong".to_owned(),
    }
}

fn summary(evidence: &Evidence, found: &[Finding], when: Option<When>) -> Element {
    let is_broken = verdict(found) == Verdict::Broken;
    let (class, shape) = if is_broken { ("bad", "✗") } else { ("good", "✓") };
    let mark = element("span").class(format!("mark {class}")).attribute("aria-hidden", "true").text(shape);
    let count = |number: usize, one: &str, many: &str| {
        let word = if number == 1 { one } else { many };
        element("li").child(element("b").text(number.to_string())).text(word)
    };
    let hops = evidence.chain.hops.iter().filter(|hop| hop.address.is_some()).count();
    let questions = evidence.observations.iter().filter(|seen| seen.is_dns()).count();
    let counts = element("ul").class("counts").attribute("aria-label", "What was asked").children([
        count(evidence.targets.len(), "name", "names"),
        count(evidence.places.len(), "vantage", "vantages"),
        count(hops, "hop", "hops"),
        count(questions, "question", "questions"),
    ]);
    let conclusion = conclusion(evidence, found, false);
    let told = match found.first().filter(|_| is_broken) {
        Some(first) => first.message.clone(),
        None => sentence(conclusion.trim_start_matches("ok: ").trim_start_matches("not found: ").trim_end()),
    };
    element("header")
        .class(class)
        .child(element("p").class("tool").text("lsdeploy dns-debug"))
        .child(element("h1").child(mark).child(element("span").text(headline(found))))
        .child(prose("p", &told))
        .child(counts)
        .child(footing(evidence, when))
}

/// When, how long, which cluster, which version.
fn footing(evidence: &Evidence, when: Option<When>) -> Element {
    let platform = words::platform(evidence);
    let version = format!("{platform} · lsdeploy {}", env!("CARGO_PKG_VERSION"));
    let line = element("p").class("when");
    let Some(When { began, took }) = when else { return line.text(version) };
    let day = began.strftime("%-d %B %Y, %H:%M UTC").to_string();
    line.child(element("time").attribute("datetime", began.to_string()).text(day))
        .text(format!(" · took {:.1} s · {version}", took.as_secs_f64()))
}

fn path(evidence: &Evidence, found: &[Finding]) -> Element {
    let legend = picture::legend().map(|(state, words)| {
        let sample = element("svg")
            .class("path sample")
            .attribute("viewBox", "0 0 44 12")
            .attribute("width", "44")
            .attribute("height", "12")
            .attribute("aria-hidden", "true")
            .child(
                element("g")
                    .class(format!("link {}", state.class()))
                    .child(element("path").attribute("d", "M0 6 L34 6"))
                    .child(element("polygon").attribute("points", "44,6 33,0 33,12")),
            );
        element("li").child(sample).text(format!(" {}{words}", state.shape()))
    });
    let [wide, tall] = picture::pictures(evidence, found);
    let region = |picture: Element| {
        element("div")
            .class("scroll canvas")
            .attribute("role", "region")
            .attribute("tabindex", "0")
            .attribute("aria-label", "The path as a picture")
            .child(picture)
    };
    let note = "A line is one question as this place or hop asks it, and what came back. Servers behind a server were asked \
                directly.";
    titled("path", "The path")
        .child(element("div").class("wide").child(region(wide)))
        .child(element("div").class("tall").child(region(tall)))
        .child(element("ul").class("legend lines").attribute("aria-label", "Lines").children(legend))
        .child(element("p").class("legend").text(note))
}

fn unseen(evidence: &Evidence) -> Option<Element> {
    let lines = evidence.chain.unseen.iter().map(|sentence| element("li").text(sentence));
    let list = element("ul").class("card list").children(lines);
    (!evidence.chain.unseen.is_empty()).then(|| titled("unseen", "What could not be seen").child(list))
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;

    fn page(evidence: &Evidence, findings: &[Finding]) -> String {
        let when = When { began: jiff::Timestamp::UNIX_EPOCH, took: Duration::from_millis(2300) };
        html(evidence, findings, Some(when))
    }

    #[test]
    fn the_guilty_hop_is_marked_by_shape_and_word() {
        let (evidence, findings) = examples::broken();
        let page = page(&evidence, &findings);
        assert_eq!(page.matches("✗ WRONG: F3").count(), 2, "once in each picture");
        assert_eq!(page.matches("<g class=\"hop guilty\">").count(), 2);
        assert!(page.contains("dnsmasq is wrong: F3 cluster-rule-missing, certain"), "the text alternative says it");
        assert!(page.contains("udp NXDOMAIN 14 ms"));
    }

    #[test]
    fn a_healthy_path_has_no_mark_of_guilt() {
        let page = page(&examples::healthy(), &[]);
        assert!(!page.contains("WRONG") && !page.contains("class=\"link bad\"><path d=\"M1"), "{page}");
        assert!(page.contains("No hop is wrong"));
    }

    #[test]
    fn what_a_resolver_says_cannot_break_out_of_the_page() {
        let (mut evidence, mut findings) = examples::broken();
        let evil = "</svg><script>alert(1)</script>";
        evidence.chain.hops[2].software = Some(evil.to_owned());
        evidence.observations[1].authority[0].name = evil.to_owned();
        evidence.observations[0].text = Some(evil.to_owned());
        findings[0].message = evil.to_owned();
        assert!(!page(&evidence, &findings).contains("<script"));
    }
}
