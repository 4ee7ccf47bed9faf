//! F10: too many queries wait in dnsmasq, and it refuses more.

use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::{outcome, own_refusal};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F10",
    code: "dnsmasq-table-full",
    title: "dnsmasq refuses queries because too many wait for upstream servers",
    shows: "bursts of REFUSED with `ra` below a millisecond, for names outside only and while others wait; it has upstream servers; \
            its log says `Maximum number of concurrent DNS queries reached`",
    mend: "find out why answers take long (`upstream-silent`, a dead server first), then raise `dns-forward-max` and `cache-size` \
           (10000 each) in /etc/dnsmasq.d/origin-dns.conf and `systemctl restart dnsmasq`",
    stage: Stage::Server,
    explains: &["no-outside-dns", "search-suffix-fails", "aaaa-broken", "pod-resolv-conf-wrong"],
    find,
    ask,
};

/// Milliseconds within which dnsmasq refuses by itself, also on a busy node; what waits in its table waits longer.
const AT_ONCE: f64 = 250.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| is_full(seen, hop)).collect()
}

fn is_full(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let refused = refused(seen, hop);
    let shown = *refused.first()?;
    let outside = seen.outside(hop);
    let others: Vec<At<'_>> = outside.iter().copied().filter(|at| !at.said("REFUSED")).collect();
    let counted = seen.outside_servers(hop);
    let confidence = match (&counted, others.is_empty()) {
        (Some((_, servers)), _) if servers.is_empty() => return None,
        // A table full of questions to the dead is an effect.
        (_, false) if nobody_answers(seen, hop) => Confidence::Likely,
        (_, false) => Confidence::Certain,
        (Some(_), true) => Confidence::Likely,
        (None, true) => Confidence::Possible,
    };
    let limit = seen.conf_of(hop).and_then(|(_, conf)| conf.number("dns-forward-max"));
    let limit = limit.map_or(String::new(), |limit| format!(" (`dns-forward-max={limit}`)"));
    let waiting = others.iter().filter(|at| at.silent() || at.ms > 100.0).count();
    let message = format!(
        "dnsmasq itself refused {} of {} queries for names outside (`{}`: {}), although it has servers for them; {waiting} \
         others waited: its table of waiting queries is full{limit}",
        refused.len(),
        outside.len(),
        shown.name,
        outcome(&shown)
    );
    let names =
        seen.outside_names().into_iter().filter(|name| refused.iter().any(|at| at.name.eq_ignore_ascii_case(name)));
    let rests = indexes(refused.iter().copied().chain(others)).into_iter().chain(counted.map(|(at, _)| at.index));
    Some(Sign::new(&hop.id, confidence, message).about(names).resting_on(rests))
}

/// None of its upstreams answered anything, to anybody.
fn nobody_answers(seen: &Seen<'_>, hop: &Hop) -> bool {
    let upstreams = seen.upstreams(hop);
    !upstreams.is_empty() && upstreams.iter().all(|next| seen.answers_somewhere(&next.id).is_none())
}

/// Refusals in dnsmasq's own words, where no upstream refuses when it is asked itself.
fn refused<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<At<'a>> {
    if seen.upstreams(hop).iter().any(|next| seen.asked(&next.id).any(|reply| reply.said("REFUSED"))) {
        return Vec::new();
    }
    let says_no_server = |at: &At<'_>| at.ede.iter().any(|error| error.code == 14);
    let mut all = seen.outside(hop);
    all.retain(|at| own_refusal(at) && at.ms < AT_ONCE && !says_no_server(at));
    all
}

/// The same again, when what waited is done: a full table empties, a missing server stays missing.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let again = |hop: &Hop| {
        let all = refused(seen, hop);
        let server = hop.address?;
        let of = |at: &At<'_>| (at.vantage.clone(), Question::new(&hop.id, server, &at.name, &at.kind).after(1500));
        Some(all.iter().take(2).map(of).collect::<Vec<_>>())
    };
    seen.dnsmasqs().filter_map(again).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift3};
    use crate::dns::observation::Observation;

    fn refusing(fits: impl Fn(&Observation) -> bool) -> Evidence {
        let mut evidence = openshift3();
        let outside = |at: &Observation| !at.chaos && !at.name.contains("cluster.local") && !at.name.contains("arpa");
        evidence.change("dnsmasq", |at| outside(at) && fits(at), |at| at.set_rcode("REFUSED", flags("ra")));
        evidence
    }

    #[test]
    fn refusals_beside_answers_are_a_full_table() {
        let evidence = refusing(|at| at.name != OUTSIDE);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F10", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("dns-forward-max=10000"), "{}", findings[0].message);
        assert_eq!(refusing(|_| true).signs("F10")[0].confidence, Confidence::Likely);
        assert_eq!(ask(&Seen::new(&evidence))[0].1.after_ms, 1500);
    }

    #[test]
    fn a_missing_server_and_an_upstream_that_refuses_are_no_full_table() {
        let mut evidence = refusing(|_| true);
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "servers.bind", &["127.0.0.1#53 9 0"]);
        }
        assert_eq!(evidence.signs("F10"), [], "no server");
        let mut evidence = refusing(|_| true);
        evidence.change("upstream-1", |at| !at.chaos, |at| at.set_rcode("REFUSED", flags("ra")));
        assert_eq!(evidence.signs("F10"), [], "the upstream refuses");
    }
}
