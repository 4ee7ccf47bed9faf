//! F17: dnsmasq answers from its cache what the node process no longer says.

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::{bare_denial, outcome};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F17",
    code: "dnsmasq-stale-answer",
    title: "dnsmasq keeps cluster names in its cache after they changed",
    shows: "for some 30 s a name has the addresses of pods that are gone; the node process already has the new ones; dnsmasq's time \
            to live runs down, and its files lack `max-cache-ttl=1`",
    mend: "`max-cache-ttl=1` and `no-negcache` in /etc/dnsmasq.d/origin-dns.conf, then `systemctl restart dnsmasq`; at once: \
           `pkill -HUP dnsmasq` empties the cache",
    stage: Stage::Next,
    explains: &[],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| remembers(seen, hop)).collect()
}

fn remembers(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let old = stale(seen, hop);
    let (target, through, fresh) = old.first()?;
    let runs_down = old.iter().any(|(target, first, _)| {
        let later = seen.for_name(&hop.id, &target.name, "A").filter(|at| at.round > first.round && at.has_answer());
        later.filter(|at| at.addresses() == first.addresses()).any(|at| at.ttl() < first.ttl())
    });
    let conf = seen.conf_of(hop);
    let short = conf.as_ref().and_then(|(_, conf)| conf.number("max-cache-ttl")).is_some_and(|seconds| seconds <= 5);
    let confidence = match (runs_down, short) {
        (true, _) => Confidence::Certain,
        (false, false) => Confidence::Likely,
        (false, true) => Confidence::Possible,
    };
    let ttl = through.ttl().map_or(String::new(), |ttl| format!(" with {ttl} s to live"));
    let message = format!(
        "dnsmasq says {}{ttl} for `{}`, and the node process says {}",
        outcome(through),
        target.name,
        outcome(fresh)
    );
    let files = conf.map(|(read, _)| read).unwrap_or_default();
    let names = old.iter().map(|(target, ..)| target.name.as_str());
    let rests = indexes(old.iter().flat_map(|(_, through, fresh)| [*through, *fresh])).into_iter().chain(files);
    Some(Sign::new(&hop.id, confidence, message).about(names).resting_on(rests))
}

/// Names for which dnsmasq and the node process share no address, although the node process is right.
fn stale<'a>(seen: &Seen<'a>, hop: &Hop) -> Vec<(&'a Target, At<'a>, At<'a>)> {
    let Some(process) = seen.node_process(hop) else { return Vec::new() };
    let of_target = |target: &'a Target| {
        let through = seen.for_name(&hop.id, &target.name, "A").find(|at| at.replied())?;
        let fresh = seen.for_name(&process.id, &target.name, "A").find(|at| at.replied())?;
        let differs = !through.addresses().iter().any(|address| fresh.addresses().contains(address));
        // What dnsmasq has from its own files it answers with `aa`, and it forwards no SOA from its cache.
        let cached = (through.has_answer() && !through.flag(|flags| flags.aa)) || bare_denial(&through);
        let wrong = target.expected.is_empty() || !seen.is_right(&through);
        (seen.is_right(&fresh) && differs && cached && wrong).then_some((target, through, fresh))
    };
    seen.targets().filter(|target| seen.is_cluster_name(&target.name)).filter_map(of_target).collect()
}

/// The same again, later: does its time to live run down?
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.dnsmasqs() {
        let Some(server) = hop.address else { continue };
        let again = |(target, through, _): (&Target, At<'_>, At<'_>)| {
            (through.vantage.clone(), Question::new(&hop.id, server, &target.name, "A").after(2100))
        };
        questions.extend(stale(seen, hop).into_iter().map(again));
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{SERVICE, flags, openshift3};
    use crate::dns::observation::Observation;

    fn asks_for_service(at: &Observation) -> bool {
        at.name == SERVICE && at.kind == "A"
    }

    fn remembering() -> Evidence {
        let mut evidence = openshift3();
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\nno-negcache\n");
        evidence.change("dnsmasq", asks_for_service, |at| at.set_answer(&["172.30.99.9"], 24, flags("ra")));
        evidence
    }

    #[test]
    fn an_address_that_only_dnsmasq_has_is_found() {
        let mut evidence = remembering();
        assert_eq!(evidence.signs("F17")[0].confidence, Confidence::Likely);
        assert_eq!(ask(&Seen::new(&evidence))[0].1.after_ms, 2100);
        let mut again =
            evidence.observations.iter().find(|at| at.hop == "dnsmasq" && asks_for_service(at)).unwrap().again();
        again.answers[0].ttl = 22;
        evidence.put(again);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F17", "dnsmasq"));
        assert_eq!((findings[0].confidence, findings[0].names[0].as_str()), (Confidence::Certain, SERVICE));
    }

    #[test]
    fn a_remembered_denial_is_found() {
        let mut evidence = remembering();
        evidence.change("dnsmasq", asks_for_service, |at| at.set_negative("NXDOMAIN", None, flags("ra")));
        assert_eq!(evidence.signs("F17")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn a_stale_node_process_and_an_entry_of_the_hosts_file_are_no_cache() {
        let mut evidence = remembering();
        evidence.change("node", asks_for_service, |at| at.set_answer(&["172.30.99.9"], 30, flags("aa ra")));
        assert_eq!(evidence.signs("F17"), [], "both say the same");
        let mut evidence = remembering();
        evidence.change("dnsmasq", asks_for_service, |at| at.set_answer(&["172.30.99.9"], 0, flags("aa ra")));
        assert_eq!(evidence.signs("F17"), []);
        let mut evidence = remembering();
        evidence.change("dnsmasq", asks_for_service, Observation::set_unknown_in_the_world);
        assert_eq!(evidence.signs("F17"), [], "the name left the cluster");
    }
}
