//! F12: somebody drops queries that come from ports below 1024, and dnsmasq uses such ports.

use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::dnsmasq::DnsmasqConf;
use crate::dns::plan::{Question, Source};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F12",
    code: "low-source-port",
    title: "queries that dnsmasq sends from a port below 1024 get lost",
    shows: "random time-outs for names outside; the same server answers a query from a high port and not one from a low port; \
            dnsmasq has no `min-port` (before 2.79 it then takes any port) or a low `query-port`",
    mend: "`min-port=1024` in /etc/dnsmasq.d/origin-dns.conf, no `query-port`, and `systemctl restart dnsmasq`; or let the \
           firewall before the upstream server pass low source ports",
    stage: Stage::Special,
    explains: &["no-outside-dns", "search-suffix-fails", "aaaa-broken"],
    find,
    ask,
};

/// Ports that no well-known service holds.
const LOW: [u16; 3] = [611, 777, 1021];

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| loses_low_ports(seen, hop)).collect()
}

fn loses_low_ports(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let (rests, low) = low_ports(seen, hop)?;
    let (next, lost, heard) = seen.upstreams(hop).into_iter().find_map(|next| {
        let asked: Vec<At<'_>> = seen.asked(&next.id).collect();
        let is_low = |at: &At<'_>| at.source_port.is_some_and(|port| port < 1024);
        let (from_low, others): (Vec<At<'_>>, Vec<At<'_>>) = asked.into_iter().partition(is_low);
        let heard = others.into_iter().find(|at| at.replied())?;
        let lost = !from_low.is_empty() && from_low.iter().all(|at| at.silent());
        lost.then_some((next, from_low, heard))
    })?;
    let failed: Vec<At<'_>> = seen.outside(hop).into_iter().filter(|at| at.silent()).collect();
    let confidence = if failed.is_empty() { Confidence::Likely } else { Confidence::Certain };
    let ports: Vec<String> = lost.iter().filter_map(|at| at.source_port).map(|port| port.to_string()).collect();
    let message = format!(
        "{} does not answer queries from the ports {} and answers from others, and dnsmasq {low}",
        next.id,
        ports.join(", ")
    );
    let rests = rests.into_iter().chain(indexes(lost)).chain([heard.index]).chain(indexes(failed));
    Some(Sign::new(&hop.id, confidence, message).about(seen.outside_names()).resting_on(rests))
}

/// Why dnsmasq may send from a low port, and what says so.
fn low_ports(seen: &Seen<'_>, hop: &Hop) -> Option<(Vec<usize>, String)> {
    let conf = seen.conf_of(hop);
    if let Some((rests, conf)) = &conf {
        if let Some(port) = fixed_port(conf) {
            return (port < 1024).then(|| (rests.clone(), format!("sends from port {port} (`query-port`)")));
        }
        if let Some(port) = conf.number("min-port") {
            return (port < 1024).then(|| (rests.clone(), format!("sends from ports down to {port} (`min-port`)")));
        }
    }
    let version = seen.about(&hop.id, "version.bind")?;
    let old = version.answers.iter().find_map(|record| minor_version(&record.data))? < 79;
    let rests = conf.map(|(rests, _)| rests).unwrap_or_default().into_iter().chain([version.index]).collect();
    old.then(|| (rests, "may send from any port (no `min-port`, and it is older than 2.79)".to_owned()))
}

fn fixed_port(conf: &DnsmasqConf) -> Option<u64> {
    conf.number("query-port").filter(|port| *port > 0)
}

/// The 76 of `dnsmasq-2.76`.
fn minor_version(text: &str) -> Option<u32> {
    let digits = text.trim_matches('"').strip_prefix("dnsmasq-2.")?;
    digits.split(|char: char| !char.is_ascii_digit()).next()?.parse().ok()
}

/// Each upstream from low ports, beside what it was asked from others.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let Some(name) = seen.outside_names().into_iter().next() else { return Vec::new() };
    let of_hop = |hop: &Hop| {
        low_ports(seen, hop)?;
        let node = seen.node_of(hop)?;
        let fixed = seen.conf_of(hop).and_then(|(_, conf)| fixed_port(&conf)).and_then(|port| u16::try_from(port).ok());
        let ports = LOW.into_iter().filter(move |port| Some(*port) != fixed);
        let ports: Vec<u16> = ports.collect();
        let mut questions = Vec::new();
        for next in seen.upstreams(hop).into_iter().filter(|next| next.asked_from.contains(&node.name)) {
            let server = next.address?;
            let from = |port: &u16| Question::new(&next.id, server, name, "A").from(Source::Port(*port));
            questions.extend(ports.iter().map(|port| (node.name.clone(), from(port))));
        }
        Some(questions)
    };
    seen.dnsmasqs().filter_map(of_hop).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{OUTSIDE, flags, openshift3};
    use crate::dns::observation::Observation;

    fn without_min_port() -> Evidence {
        let mut evidence = openshift3();
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\nno-negcache\nmax-cache-ttl=1\n");
        evidence
    }

    fn asked_from_low_ports(evidence: &mut Evidence, change: impl Fn(&mut Observation)) {
        for port in LOW {
            let mut question = evidence.question("node1", "upstream-1", OUTSIDE, "A");
            (question.source_port, question.round) = (Some(port), 2);
            change(&mut question);
            evidence.observations.push(question);
        }
    }

    #[test]
    fn lost_low_ports_are_found() {
        let mut evidence = without_min_port();
        assert_eq!(evidence.signs("F12"), [], "nobody has asked from a low port");
        assert_eq!(ask(&Seen::new(&evidence)).len(), 6, "two servers, three ports");
        asked_from_low_ports(&mut evidence, Observation::set_silent);
        assert_eq!(evidence.signs("F12")[0].confidence, Confidence::Likely);
        evidence.change("dnsmasq", |at| at.name == OUTSIDE && at.kind == "A", Observation::set_silent);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F12", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("611, 777, 1021"), "{}", findings[0].message);
    }

    #[test]
    fn low_ports_that_are_answered_forbidden_or_unused_are_no_fault() {
        let mut evidence = without_min_port();
        asked_from_low_ports(&mut evidence, |at| at.set_answer(&["140.82.112.3"], 60, flags("")));
        assert_eq!(evidence.signs("F12"), []);
        let mut evidence = without_min_port();
        asked_from_low_ports(&mut evidence, |at| at.set_trouble(crate::dns::observation::Trouble::NotPermitted));
        assert_eq!(evidence.signs("F12"), [], "this place may not use them");
        let mut evidence = openshift3();
        asked_from_low_ports(&mut evidence, Observation::set_silent);
        assert_eq!(evidence.signs("F12"), [], "dnsmasq has min-port=1024");
        assert!(ask(&Seen::new(&evidence)).is_empty());
    }

    #[test]
    fn a_low_fixed_port_counts_in_any_version() {
        let mut evidence = without_min_port();
        evidence.says("node1", "dnsmasq", "version.bind", &["dnsmasq-2.90"]);
        evidence.forget(|at| at.chaos && at.vantage == "pod");
        assert!(ask(&Seen::new(&evidence)).is_empty());
        evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\nquery-port=900\n");
        asked_from_low_ports(&mut evidence, Observation::set_silent);
        assert!(evidence.signs("F12")[0].message.contains("port 900"));
    }
}
