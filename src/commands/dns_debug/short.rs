//! The short form: from this machine, one name, the first round. For a check that met a name which does not resolve.

use std::time::Duration;

use crate::dns::chain::{Chain, Kind, Place, PlaceKind, Target};
use crate::dns::classify::{Confidence, Finding};
use crate::dns::evidence::Evidence;
use crate::dns::vantage::Session;
use crate::dns::walk::{Depth, Walk};
use crate::finding::code;
use crate::printable::printable;
use crate::smoke::ServiceResult;

/// The whole of it may take so long.
const WHOLE: Duration = Duration::from_secs(3);
/// How long a question waits.
const TIMEOUT_MS: u64 = 1000;

/// Adds to checks that failed at `resolve` what is wrong with the first of their names, where that shows within seconds.
pub(crate) async fn explain_unresolved(results: &mut [ServiceResult], run_id: &str, apps_domain: Option<&str>) {
    // A router or a proxy may be what does not resolve.
    let is_unresolved = |result: &ServiceResult| {
        let said = result.finding.as_ref().filter(|finding| finding.code == code::NAME_UNRESOLVED);
        said.zip(host(&result.url)).is_some_and(|(finding, host)| finding.message.contains(&host))
    };
    let first = results.iter().find(|result| is_unresolved(result));
    let Some(host) = first.and_then(|result| host(&result.url)) else { return };
    let looked = look(&host, run_id, apps_domain.map(str::to_owned));
    let Ok(Some(line)) = tokio::time::timeout(WHOLE, looked).await else { return };
    for result in results.iter_mut().filter(|result| is_unresolved(result)) {
        if let Some(finding) = &mut result.finding {
            finding.hint = format!("{line}\n{}", finding.hint);
        }
    }
}

fn host(url: &str) -> Option<String> {
    Some(url.parse::<http::Uri>().ok()?.host()?.to_owned())
}

/// The first finding, in one line; none where nothing shows.
async fn look(host: &str, run_id: &str, apps_domain: Option<String>) -> Option<String> {
    let place = Place {
        name: "workstation".to_owned(),
        kind: PlaceKind::Workstation,
        how: "this machine".to_owned(),
        pod: None,
        node: None,
    };
    let kind = if apps_domain.is_some() { Kind::Route } else { Kind::External };
    let mut walk = Walk::new(vec![Session::here(place)]);
    let mut evidence = Evidence { label: format!("lsdeploy-{run_id}"), timeout_ms: TIMEOUT_MS, ..Evidence::default() };
    // The C library waits longer than this may take, and it has said already that it does not know the name.
    walk.survey(&mut evidence).await;
    evidence.targets = vec![Target { name: host.to_owned(), kind, expected: Vec::new(), because: None }];
    Walk::discover(&mut evidence, None);
    evidence.chain.apps_domain = evidence.chain.apps_domain.take().or(apps_domain);
    let findings = walk.ask(&mut evidence, Depth::Short, &mut |_| ()).await;
    walk.close().await;
    findings
        .into_iter()
        .find(|finding| finding.confidence > Confidence::Possible)
        .map(|finding| line(&finding, &evidence.chain))
}

/// `DNS: what was seen, at which hop; what to do`.
fn line(finding: &Finding, chain: &Chain) -> String {
    let address = chain.hop(&finding.hop).and_then(|hop| hop.address).map(|address| format!(" ({address})"));
    let Finding { id, code, hop, confidence, message, fix, .. } = finding;
    let text = format!("DNS at {hop}{}: {message} ({confidence}: {id} {code}); {fix}", address.unwrap_or_default());
    printable(&text.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let finding = Finding {
            code: "upstream-silent".to_owned(),
            id: "F36".to_owned(),
            hop: "upstream-1".to_owned(),
            names: Vec::new(),
            confidence: Confidence::Likely,
            message: "no answer".to_owned(),
            evidence: Vec::new(),
            fix: "ask\nanother".to_owned(),
            follows_from: None,
        };
        let said = line(&finding, &Chain::default());
        assert_eq!(said, "DNS at upstream-1: no answer (likely: F36 upstream-silent); ask another");
    }
}
