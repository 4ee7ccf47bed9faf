//! A run as `JUnit` XML: a suite per name, a case per hop. Takes evidence and findings. Pure.
//!
//! A hop that a finding blames for the name has failed; one that was not asked for it is skipped.

use super::findings::proofs;
use super::page::When;
use super::words;
use crate::dns::chain::{Hop, Role};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::observation::{Observation, Transport};
use crate::report::markup::{Element, element};

/// One case before it is written.
struct Case<'a> {
    hop: &'a Hop,
    seen: Vec<&'a Observation>,
    blame: Vec<&'a Finding>,
}

/// The whole file.
pub fn junit(evidence: &Evidence, found: &[Finding], when: When) -> String {
    let suites: Vec<(&str, Vec<Case<'_>>)> =
        evidence.targets.iter().map(|target| (target.name.as_str(), cases(evidence, found, &target.name))).collect();
    let all: Vec<&Case<'_>> = suites.iter().flat_map(|(_, cases)| cases).collect();
    counted(element("testsuites").attribute("name", "lsdeploy dns-debug"), &all)
        .attribute("time", format!("{:.3}", when.took.as_secs_f64()))
        .children(suites.iter().map(|(name, cases)| suite(evidence, name, cases, when)))
        .to_xml()
}

fn suite(evidence: &Evidence, name: &str, cases: &[Case<'_>], when: When) -> Element {
    let skipped = cases.iter().filter(|case| case.is_skipped()).count().to_string();
    let took: f64 = cases.iter().map(Case::ms).sum();
    counted(element("testsuite").attribute("name", name), &cases.iter().collect::<Vec<_>>())
        .attribute("skipped", skipped)
        .attribute("time", format!("{:.3}", took / 1000.0))
        .attribute("timestamp", when.began.strftime("%Y-%m-%dT%H:%M:%S").to_string())
        .children(cases.iter().map(|case| written(evidence, name, case)))
}

fn cases<'a>(evidence: &'a Evidence, found: &'a [Finding], name: &str) -> Vec<Case<'a>> {
    let is_target = |name: &String| evidence.targets.iter().any(|one| one.name.eq_ignore_ascii_case(name));
    let suffers = |finding: &Finding| {
        finding.names.iter().any(|one| one.eq_ignore_ascii_case(name)) || !finding.names.iter().any(is_target)
    };
    let sure = |finding: &&Finding| finding.confidence > Confidence::Possible && suffers(finding);
    let case = |hop: &'a Hop| {
        let here = |seen: &&Observation| match hop.role {
            Role::Client => seen.transport == Transport::Libc && seen.vantage == hop.vantage,
            _ => seen.is_dns() && !seen.chaos && seen.hop == hop.id,
        };
        let asked = evidence.observations.iter().filter(here).filter(|seen| seen.name.eq_ignore_ascii_case(name));
        Case { hop, seen: asked.collect(), blame: found.iter().filter(sure).filter(|one| one.hop == hop.id).collect() }
    };
    evidence.chain.hops.iter().map(case).collect()
}

impl Case<'_> {
    fn is_skipped(&self) -> bool {
        self.seen.is_empty() && self.blame.is_empty()
    }

    /// The slowest answer, milliseconds.
    fn ms(&self) -> f64 {
        self.seen.iter().map(|seen| seen.ms).fold(0.0, f64::max)
    }
}

fn written(evidence: &Evidence, name: &str, case: &Case<'_>) -> Element {
    let output = case.seen.iter().map(|seen| format!("{} -> {}", words::question(seen), words::reply(seen)));
    let output = output.collect::<Vec<_>>().join("\n");
    let failure = case.blame.first().map(|first| {
        let text: Vec<String> = case.blame.iter().map(|finding| told(evidence, finding)).collect();
        let message = format!("{} {}: {}", first.id, first.code, first.message);
        element("failure").attribute("message", message).attribute("type", &first.code).text(text.join("\n\n"))
    });
    let skipped = case.is_skipped().then(|| element("skipped").attribute("message", "not asked for this name"));
    element("testcase")
        .attribute("classname", format!("lsdeploy.dns-debug.{}", name.replace('.', "_")))
        .attribute("name", &case.hop.id)
        .attribute("time", format!("{:.3}", case.ms() / 1000.0))
        .children(failure)
        .children(skipped)
        .children((!output.is_empty()).then(|| element("system-out").text(output)))
}

fn told(evidence: &Evidence, finding: &Finding) -> String {
    let seen = proofs(evidence, finding, usize::MAX).join("\n");
    format!(
        "{} {} ({})\n{}\n{seen}\nfix: {}",
        finding.id, finding.code, finding.confidence, finding.message, finding.fix
    )
}

fn counted(element: Element, cases: &[&Case<'_>]) -> Element {
    let failed = cases.iter().filter(|case| !case.blame.is_empty()).count();
    element
        .attribute("tests", cases.len().to_string())
        .attribute("failures", failed.to_string())
        .attribute("errors", "0")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::examples;
    use super::*;

    #[test]
    fn a_case_fails_where_its_hop_is_blamed_for_its_name() {
        let (evidence, findings) = examples::broken();
        let when = When { began: jiff::Timestamp::UNIX_EPOCH, took: Duration::from_secs(2) };
        let xml = junit(&evidence, &findings, when);
        assert!(
            xml.contains(r#"<testsuites name="lsdeploy dns-debug" tests="12" failures="2" errors="0" time="2.000">"#)
        );
        let (service, route) = xml.split_once(r#"<testsuite name="kinesis"#).unwrap();
        assert!(service.contains(r#"type="cluster-rule-missing""#) && !route.contains("<failure"), "{xml}");
        assert!(service.contains("fix: send the rule again"), "{xml}");
        assert!(
            route.contains("node1 asks node: A kinesis-localstack-team1.apps.example.com -&gt; NOERROR ra"),
            "{xml}"
        );
    }
}
