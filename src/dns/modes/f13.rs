//! F13: dnsmasq asks a dead server first, each time.

use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::address;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F13",
    code: "dead-server-first",
    title: "dnsmasq asks its servers strictly in order, and the first one is dead",
    shows: "the first lookup of each name outside takes seconds or fails, a repeated one works; the first upstream does not answer, \
            the next one does; `strict-order` is set, and `servers.bind` counts every query at the dead one",
    mend: "take the dead server out of /etc/dnsmasq.d/origin-upstream-dns.conf, and `strict-order` out of /etc/dnsmasq.conf and \
           /etc/dnsmasq.d/; then `systemctl restart dnsmasq`",
    stage: Stage::Next,
    explains: &["upstream-silent", "no-outside-dns", "search-suffix-fails", "aaaa-broken"],
    find,
    ask,
};

/// A query that waited for a retry took longer than this, in milliseconds.
const SLOW: f64 = 900.0;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| waits_for_the_dead(seen, hop)).collect()
}

fn waits_for_the_dead(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let (dead, unheard, alive) = dead_first(seen, hop)?;
    let outside = seen.outside(hop);
    let slow: Vec<At<'_>> = outside.iter().copied().filter(|at| at.silent() || at.ms > SLOW).collect();
    let conf = seen.conf_of(hop);
    let strict = conf.as_ref().is_some_and(|(_, conf)| conf.has("strict-order"));
    let confidence = match (strict, slow.is_empty()) {
        (true, false) => Confidence::Certain,
        (false, false) if conf.is_none() || slow.len() == outside.len() => Confidence::Likely,
        (_, true) | (false, false) => Confidence::Possible,
    };
    let why = if strict { "`strict-order` lets dnsmasq ask it first each time" } else { "dnsmasq has it first" };
    let message = format!(
        "the first upstream server {} does not answer ({} queries), {} does, and {why}: {} of {} queries for names outside were \
         slow or failed",
        address(dead),
        unheard.len(),
        address(alive),
        slow.len(),
        outside.len()
    );
    let files = conf.map(|(read, _)| read).unwrap_or_default();
    let counted = seen.dnsmasq_servers(&hop.id).map(|(at, _)| at.index);
    let rests = indexes(unheard.into_iter().chain(slow)).into_iter().chain(files).chain(counted);
    Some(Sign::new(&hop.id, confidence, message).about(seen.outside_names()).resting_on(rests))
}

/// The first server, the queries it left unanswered, and one after it that answers.
fn dead_first<'a>(seen: &Seen<'a>, hop: &Hop) -> Option<(&'a Hop, Vec<At<'a>>, &'a Hop)> {
    let upstreams = seen.upstreams(hop);
    let (first, rest) = upstreams.split_first()?;
    let asked: Vec<At<'a>> = seen.asked(&first.id).collect();
    let dead = !asked.is_empty() && asked.iter().all(|at| !at.replied());
    let alive = rest.iter().find(|next| seen.answers_somewhere(&next.id).is_some())?;
    dead.then_some((*first, asked, *alive))
}

/// The same names again, as a client does after a time-out.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let again = |hop: &Hop| {
        dead_first(seen, hop)?;
        let name = *seen.outside_names().first()?;
        Some((hop.vantage.clone(), Question::new(&hop.id, hop.address?, name, "A")))
    };
    seen.dnsmasqs().filter_map(again).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Observation;

    fn outside(at: &Observation) -> bool {
        !at.chaos && !at.name.ends_with("cluster.local") && !at.name.ends_with("arpa")
    }

    fn first_is_dead() -> Evidence {
        let mut evidence = openshift3();
        evidence.change_all("upstream-1", Observation::set_silent);
        evidence.change("dnsmasq", outside, Observation::set_silent);
        evidence
    }

    #[test]
    fn a_dead_first_server_is_found() {
        let mut evidence = first_is_dead();
        assert_eq!(evidence.signs("F13")[0].confidence, Confidence::Likely, "strict-order is not in sight");
        evidence.file("node1", "/etc/dnsmasq.d/order.conf", "strict-order\n");
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F13", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("10.9.0.1:53") && findings[0].message.contains("10.9.0.2:53"));
    }

    #[test]
    fn a_dead_server_that_nobody_waits_for_breaks_nothing() {
        let mut evidence = openshift3();
        evidence.change_all("upstream-1", Observation::set_silent);
        assert_eq!(evidence.signs("F13")[0].confidence, Confidence::Possible);
        let mut evidence = first_is_dead();
        evidence.change_all("upstream-2", Observation::set_silent);
        assert_eq!(evidence.signs("F13"), [], "all are dead: the order is not to blame");
    }

    #[test]
    fn a_dead_second_server_is_not_the_first() {
        let mut evidence = openshift3();
        evidence.change_all("upstream-2", Observation::set_silent);
        assert_eq!(evidence.signs("F13"), []);
    }
}
