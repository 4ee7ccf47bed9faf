//! F23: dnsmasq does not forward names of a single label.

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::{bare_denial, outcome};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F23",
    code: "single-label-blocked",
    title: "dnsmasq answers names of a single label itself (`domain-needed`) although an upstream has them",
    shows: "`foo` comes back empty without a SOA (NOERROR up to dnsmasq 2.85, NXDOMAIN from 2.86 on), its TXT is forwarded; the \
            upstream has an address for it",
    mend: "ask by the full name, or give the search list the suffix that completes it; to forward such names after all, take \
           `domain-needed` out of /etc/dnsmasq.d/origin-dns.conf and `systemctl restart dnsmasq`",
    stage: Stage::Special,
    explains: &[],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let of_hop = |hop| seen.targets().filter_map(|target| keeps_to_itself(seen, hop, target)).collect::<Vec<_>>();
    seen.dnsmasqs().flat_map(of_hop).collect()
}

fn keeps_to_itself(seen: &Seen<'_>, hop: &Hop, target: &Target) -> Option<Sign> {
    let denial = denied(seen, hop, target)?;
    let name = target.name.as_str();
    let replies = seen.upstreams(hop).into_iter().filter_map(|next| seen.reply(&next.id, name, "A"));
    let replies: Vec<At<'_>> = replies.collect();
    let has = replies.iter().copied().find(|at| at.has_answer());
    if has.is_none() && replies.iter().any(|at| at.replied()) {
        return None;
    }
    let prefix = format!("{name}.");
    let completed = |at: &At<'_>| at.kind == "A" && at.name.starts_with(&prefix) && at.has_answer();
    if seen.asked(&hop.id).any(|at| completed(&at)) {
        return None;
    }
    let conf = seen.conf_of(hop);
    let told = conf.as_ref().is_some_and(|(_, conf)| conf.has("domain-needed"));
    let text = seen.for_name(&hop.id, name, "TXT").find(|at| at.replied() && !bare_denial(at));
    let confidence = match has {
        Some(_) if told || text.is_some() => Confidence::Certain,
        Some(_) => Confidence::Likely,
        None => Confidence::Possible,
    };
    let why = if told { " (`domain-needed`)" } else { "" };
    let beside = has.map_or_else(
        || "whether an upstream has it could not be asked".to_owned(),
        |has| format!("{} says {}", has.hop, outcome(&has)),
    );
    let message = format!("dnsmasq answers `{name}` itself{why}: {}; {beside}", outcome(&denial));
    let files = conf.map(|(read, _)| read).unwrap_or_default();
    let rests = indexes([denial].into_iter().chain(has).chain(text)).into_iter().chain(files);
    Some(Sign::new(&hop.id, confidence, message).about([name]).resting_on(rests))
}

fn denied<'a>(seen: &Seen<'a>, hop: &Hop, target: &Target) -> Option<At<'a>> {
    let bare = !target.name.contains('.');
    bare.then(|| seen.reply(&hop.id, &target.name, "A")).flatten().filter(|at| bare_denial(at))
}

/// Its TXT, which `domain-needed` lets through.
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.dnsmasqs() {
        let Some(server) = hop.address else { continue };
        let these = seen.targets().filter(|target| denied(seen, hop, target).is_some());
        questions
            .extend(these.map(|target| (hop.vantage.clone(), Question::new(&hop.id, server, &target.name, "TXT"))));
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::chain::Kind;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{flags, openshift3};
    use crate::dns::observation::Observation;

    fn bare(rcode: &str) -> Evidence {
        let mut evidence = openshift3();
        evidence.targets =
            vec![Target { name: "intranet".into(), kind: Kind::Bare, expected: Vec::new(), because: None }];
        for (vantage, hop) in [("pod", "dnsmasq"), ("node1", "upstream-1")] {
            let mut question = evidence.question(vantage, hop, "intranet", "A");
            match hop {
                "dnsmasq" => question.set_negative(rcode, None, flags("ra")),
                _ => question.set_answer(&["192.0.2.80"], 60, flags("ra")),
            }
            evidence.put(question);
        }
        evidence
    }

    #[test]
    fn a_name_that_dnsmasq_keeps_to_itself_is_found_in_old_and_new_versions() {
        for rcode in ["NOERROR", "NXDOMAIN"] {
            let mut evidence = bare(rcode);
            let findings = evidence.findings();
            assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F23", "dnsmasq"));
            assert_eq!(findings[0].confidence, Confidence::Certain);
            evidence.file("node1", "/etc/dnsmasq.d/origin-dns.conf", "no-resolv\n");
            assert_eq!(evidence.signs("F23")[0].confidence, Confidence::Likely);
            assert_eq!(ask(&Seen::new(&evidence))[0].1.kind, "TXT");
        }
    }

    #[test]
    fn a_name_that_nobody_has_or_that_the_search_list_completes_is_fine() {
        let mut evidence = bare("NXDOMAIN");
        evidence.change("upstream-1", |at| at.name == "intranet", Observation::set_unknown_in_the_world);
        assert_eq!(evidence.signs("F23"), []);
        evidence.forget(|at| at.hop == "upstream-1");
        assert_eq!(evidence.signs("F23")[0].confidence, Confidence::Possible, "no upstream could be asked");
        let mut evidence = bare("NXDOMAIN");
        let mut completed = evidence.question("pod", "dnsmasq", "intranet.example.com", "A");
        completed.set_answer(&["192.0.2.80"], 60, flags("ra"));
        evidence.put(completed);
        assert_eq!(evidence.signs("F23"), []);
    }
}
