//! F16: nobody remembers denials, and somebody asks for names that do not exist all the time.

use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen};

pub(super) static MODE: Mode = Mode {
    id: "F16",
    code: "negative-answers-uncached",
    title: "dnsmasq forwards every denied name again, and clients ask for such names in a flood",
    shows: "the company's resolvers report floods or limit the rate; `misses.bind` and the counts of `servers.bind` climb by \
            hundreds a second, most of it names that a search list makes (`x.svc.cluster.local`); `no-negcache` is set",
    mend: "let dnsmasq remember denials: `neg-ttl=1` in place of `no-negcache` in /etc/dnsmasq.d/origin-dns.conf \
           (`openshift_node_dnsmasq_no_negcache=false`), `systemctl restart dnsmasq`; give the loudest clients names with a last \
           dot or `ndots:2`",
    stage: Stage::Server,
    explains: &["search-amplification"],
    find,
    ask,
};

/// Misses since the start from which on it is worth a second look.
const MANY: u64 = 1000;
/// Misses a second that no healthy node has: one fluentd was seen to make 300 to 500.
const FLOOD: f64 = 100.0;
/// Milliseconds between the two looks of the second round.
const APART: u64 = 1000;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| is_flooded(seen, hop)).collect()
}

fn is_flooded(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let forgets = forgets(seen, hop);
    if forgets == Some(false) {
        return None;
    }
    let counts: Vec<(At<'_>, u64)> = misses(seen, hop).into_iter().filter(|(at, _)| at.round == 2).collect();
    let (first, before) = counts.first()?;
    let (last, after) = counts.last()?;
    let seconds = (last.at + last.ms - first.at - first.ms) / 1000.0;
    let rate = as_float(after.checked_sub(*before)?) / seconds;
    if seconds < 0.5 || rate < FLOOD {
        return None;
    }
    let confidence = if forgets == Some(true) { Confidence::Likely } else { Confidence::Possible };
    let cause =
        if forgets == Some(true) { "`no-negcache` lets it forget denials, and" } else { "if it forgets denials," };
    let message = format!(
        "dnsmasq forwarded {} queries within {seconds:.1} s ({rate:.0} a second; {after} since it started): {cause} a client \
         floods it",
        after - before
    );
    let files = seen.conf_of(hop).map(|(read, _)| read).unwrap_or_default();
    Some(Sign::new(&hop.id, confidence, message).resting_on([first.index, last.index].into_iter().chain(files)))
}

#[expect(clippy::cast_precision_loss, reason = "a rate that is shown without a fraction")]
fn as_float(count: u64) -> f64 {
    count as f64
}

/// Whether it forgets denials at once; `None` when its files were not seen.
fn forgets(seen: &Seen<'_>, hop: &Hop) -> Option<bool> {
    seen.conf_of(hop).map(|(_, conf)| conf.has("no-negcache") || conf.number("cache-size") == Some(0))
}

/// What `misses.bind` said, in the order in which it was asked.
fn misses<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<(At<'a>, u64)> {
    let number = |at: At<'a>| Some((at, at.answers.first()?.data.trim_matches('"').parse().ok()?));
    let all = seen.all().filter(|at| at.chaos && at.hop == hop.id && at.name == "misses.bind");
    let mut counts: Vec<(At<'a>, u64)> = all.filter_map(number).collect();
    counts.sort_by(|(one, _), (other, _)| {
        (one.round, one.at).partial_cmp(&(other.round, other.at)).unwrap_or(std::cmp::Ordering::Equal)
    });
    counts
}

/// Twice, a second apart.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let of_hop = |hop: &Hop| {
        let server = hop.address?;
        let many = misses(seen, hop).last().is_some_and(|(_, count)| *count >= MANY);
        let again = |after| (hop.vantage.clone(), Question::about(&hop.id, server, "misses.bind").after(after));
        (many && forgets(seen, hop) != Some(false)).then(|| [again(0), again(APART)])
    };
    seen.dnsmasqs().filter_map(of_hop).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::openshift3;

    fn counted(first: &str, second: &str) -> Evidence {
        let mut evidence = openshift3();
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "misses.bind", &["250000"]);
        }
        for (at, count) in [(0.0, first), (1000.0, second)] {
            let mut again = evidence.observations.iter().find(|at| at.name == "misses.bind").unwrap().again();
            (again.at, again.answers[0].data) = (at, count.to_owned());
            evidence.observations.push(again);
        }
        evidence
    }

    #[test]
    fn a_flood_of_denied_names_is_found() {
        let mut evidence = counted("250000", "250420");
        assert_eq!(ask(&Seen::new(&evidence)).len(), 2);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F16", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Likely);
        assert!(findings[0].message.contains("420 queries"), "{}", findings[0].message);
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\nneg-ttl=1\n");
        assert_eq!(evidence.signs("F16"), [], "it remembers denials");
    }

    #[test]
    fn a_busy_node_and_a_young_one_are_not_flooded() {
        assert_eq!(counted("250000", "250030").signs("F16"), []);
        let evidence = openshift3();
        assert_eq!(evidence.signs("F16"), []);
        assert!(ask(&Seen::new(&evidence)).is_empty());
    }
}
