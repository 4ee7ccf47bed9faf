//! F14: the upstream servers of one resolver do not say the same.

use super::{Mode, Stage};
use crate::dns::chain::{Hop, Role, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::plan::Question;
use crate::dns::seen::node::outcome;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F14",
    code: "upstreams-disagree",
    title: "two upstream servers of one resolver disagree about a name",
    shows: "a name flips between its answer and NXDOMAIN; asked directly, one upstream has it and another denies it (an internal \
            and an external view side by side); dnsmasq takes whichever reply comes first",
    mend: "never mix views: send the zone to the server that has it, `server=/ZONE/ADDRESS` in /etc/dnsmasq.d/ (4.x: \
           `spec.servers` of `dns.operator/default`), and list only servers of one view for the rest",
    stage: Stage::Siblings,
    explains: &["aaaa-broken"],
    find,
    ask,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> =
        seen.hops().filter(|hop| hop.role != Role::Client).filter_map(|hop| disagreement(seen, hop)).collect();
    // Hops that ask the same servers suffer alike: the first on the path stands for all.
    let mut told: Vec<Vec<String>> = Vec::new();
    signs.retain(|sign| {
        let asks = |name: &String| seen.hop(&sign.hop).map(|hop| hop.asks_for(name).to_vec()).unwrap_or_default();
        let mut servers: Vec<String> = sign.names.iter().flat_map(asks).collect();
        servers.sort();
        servers.dedup();
        let is_new = !told.contains(&servers);
        told.push(servers);
        is_new
    });
    signs
}

fn disagreement(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let split: Vec<_> = seen.targets().filter_map(|target| Some((target, views(seen, hop, target)?))).collect();
    let (target, (has, denies)) = split.first()?;
    let through: Vec<At<'_>> = split.iter().flat_map(|(target, _)| seen.for_name(&hop.id, &target.name, "A")).collect();
    let got = |right: bool| through.iter().any(|at| at.replied() && seen.is_right(at) == right);
    let strict = seen.conf_of(hop).is_some_and(|(_, conf)| conf.has("strict-order"));
    let first_has = hop.asks_for(&target.name).first() == Some(&has.hop);
    let confidence = match (hop.role, got(false)) {
        (_, true) if got(true) => Confidence::Certain,
        (Role::Dnsmasq, false) if strict && first_has => Confidence::Possible,
        (_, true) | (Role::Dnsmasq | Role::Workstation, _) => Confidence::Likely,
        // Who asks in the order of a list takes the first that answers: no harm yet.
        _ => Confidence::Possible,
    };
    let message = format!(
        "{} asks servers that disagree about `{}`: {} says {}, {} says {}",
        hop.id,
        target.name,
        has.hop,
        outcome(has),
        denies.hop,
        outcome(denies)
    );
    let rests = split.iter().flat_map(|(_, (has, denies))| [has.index, denies.index]).chain(indexes(through));
    Some(
        Sign::new(&hop.id, confidence, message)
            .about(split.iter().map(|(target, _)| target.name.as_str()))
            .resting_on(rests),
    )
}

/// What two servers of a hop say that cannot both be right: an answer, and a denial or another address than the known one.
fn views<'a>(seen: &Seen<'a>, hop: &Hop, target: &Target) -> Option<(At<'a>, At<'a>)> {
    let next: Vec<&Hop> =
        seen.asks_for(hop, &target.name).into_iter().filter(|next| next.role == Role::Upstream).collect();
    let replies: Vec<At<'a>> = next.iter().filter_map(|next| seen.reply(&next.id, &target.name, "A")).collect();
    let has = replies.iter().find(|at| seen.is_right(at))?;
    let denies = replies.iter().find(|at| {
        let denied = at.said("NXDOMAIN") || at.no_data();
        denied || (at.has_answer() && !seen.is_right(at))
    })?;
    Some((*has, *denies))
}

/// Through the resolver again, a few times and a little apart: does it flip?
fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for hop in seen.hops().filter(|hop| hop.role != Role::Client) {
        let Some(server) = hop.address else { continue };
        for target in seen.targets().filter(|target| views(seen, hop, target).is_some()) {
            let again = (1..=6).map(|number| Question::new(&hop.id, server, &target.name, "A").after(number * 250));
            questions.extend(again.map(|question| (hop.vantage.clone(), question)));
        }
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::{OUTSIDE, ROUTE, flags, openshift3, openshift4};
    use crate::dns::observation::Observation;

    fn asks_for(name: &str) -> impl Fn(&Observation) -> bool + '_ {
        move |at| at.name == name && at.kind == "A"
    }

    #[test]
    fn an_external_view_beside_an_internal_one_is_found() {
        let mut evidence = openshift3();
        evidence.change("upstream-2", asks_for(ROUTE), Observation::set_unknown_in_the_world);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F14", "dnsmasq"));
        assert_eq!((findings[0].confidence, findings[0].names[0].as_str()), (Confidence::Likely, ROUTE));
        let again: Vec<_> =
            ask(&Seen::new(&evidence)).into_iter().filter(|(_, question)| question.hop == "dnsmasq").collect();
        assert_eq!(again.len(), 6);
        evidence.change(
            "dnsmasq",
            |at| asks_for(ROUTE)(at) && at.vantage == "pod",
            Observation::set_unknown_in_the_world,
        );
        assert_eq!(evidence.signs("F14")[0].confidence, Confidence::Certain, "it flips");
    }

    #[test]
    fn another_address_than_the_known_one_disagrees_and_two_addresses_of_a_big_site_do_not() {
        let mut evidence = openshift3();
        evidence.change("upstream-2", asks_for(ROUTE), |at| at.set_answer(&["198.51.100.1"], 60, flags("ra")));
        assert_eq!(evidence.signs("F14").len(), 1, "dnsmasq stands for the node process, which asks the same servers");
        let mut evidence = openshift3();
        evidence.change("upstream-2", asks_for(OUTSIDE), |at| at.set_answer(&["140.82.112.4"], 60, flags("ra")));
        assert_eq!(evidence.signs("F14"), []);
    }

    #[test]
    fn silence_and_a_failure_are_no_other_view() {
        let mut evidence = openshift3();
        evidence.change("upstream-2", asks_for(ROUTE), |at| at.set_rcode("SERVFAIL", flags("ra")));
        assert_eq!(evidence.signs("F14"), []);
        evidence.change_all("upstream-2", Observation::set_silent);
        assert_eq!(evidence.signs("F14"), []);
        assert_eq!(openshift4().signs("F14"), []);
    }
}
