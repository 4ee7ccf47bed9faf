//! F57: OpenShift Local in network mode `user`: a Route that nobody wrote into the hosts file, or a gateway that hides failures.

use std::net::IpAddr;

use super::places::first_hops;
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Place, PlaceKind, Role, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::hosts::HostsFile;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F57",
    code: "crc-user-mode",
    title: "OpenShift Local in network mode `user`: a new Route is in no hosts file, or its gateway hides why names fail",
    shows: "on the host only the names of the section `Added by CRC` in /etc/hosts resolve, there is no wildcard; in the VM \
            192.168.127.1 turns every failure of the host's DNS into NXDOMAIN without SOA, and answers AAAA with nothing",
    mend: "add the host to /etc/hosts (`sudo crc-admin-helper add 127.0.0.1 HOST`), or run a local dnsmasq with \
           `address=/apps-crc.testing/127.0.0.1`; when everything is NXDOMAIN in the VM, mend the host's own DNS",
    stage: Stage::Next,
    explains: &["split-dns-missing"],
    find,
    ask: nothing_more,
};

/// Its domains.
const DOMAINS: [&str; 2] = ["apps-crc.testing", "crc.testing"];
const API: &str = "api.crc.testing";

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs: Vec<Sign> =
        seen.places(PlaceKind::Workstation).filter_map(|place| not_in_hosts(seen, place)).collect();
    let gateways = seen.hops().filter(|hop| matches!(hop.role, Role::Upstream | Role::Node | Role::Workstation));
    signs.extend(gateways.filter_map(|hop| hides(seen, hop)));
    signs
}

/// The hosts file has OpenShift Local's own names, and not these.
fn not_in_hosts(seen: &Seen<'_>, place: &Place) -> Option<Sign> {
    let (file, text) = seen.file(&place.name, "/etc/hosts")?;
    let hosts = HostsFile::parse(text);
    if !hosts.addresses(API).iter().any(IpAddr::is_loopback) {
        return None;
    }
    let hops = first_hops(seen, &place.name);
    let asked = |name: &str| -> Vec<At<'_>> {
        hops.iter().filter_map(|hop| seen.reply_at(&place.name, &hop.id, name, "A")).collect()
    };
    let lost: Vec<(&str, Vec<At<'_>>)> = seen
        .targets()
        .map(|target| target.name.as_str())
        .filter(|name| DOMAINS.iter().any(|domain| is_below(name, domain)) && hosts.naming(name).next().is_none())
        .map(|name| (name, asked(name)))
        .filter(|(_, replies)| !replies.is_empty() && replies.iter().all(|at| at.replied() && !at.has_answer()))
        .collect();
    let names: Vec<&str> = lost.iter().map(|(name, _)| *name).collect();
    let message = format!(
        "{} is in none of the lines that OpenShift Local (network mode user) wrote into /etc/hosts of {}, and no server knows it",
        names.first()?,
        place.name,
    );
    let sign =
        Sign::new(&seen.client(&place.name)?.id, Confidence::Certain, message).about(names).resting_on([file.index]);
    Some(sign.resting_on(indexes(lost.into_iter().flat_map(|(_, replies)| replies))))
}

/// The gateway of the VM says NXDOMAIN without SOA to names that exist: it failed to ask the host.
fn hides(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let names = seen.outside_names();
    let outside = names.iter().filter(|name| !DOMAINS.iter().any(|domain| is_below(name, domain)));
    let denied: Vec<(At<'_>, At<'_>)> = outside.filter_map(|name| is_gateway(seen, hop, name)).collect();
    let answers = |at: &At<'_>| at.has_answer() && !DOMAINS.iter().any(|domain| is_below(&at.name, domain));
    if denied.is_empty() || seen.asked(&hop.id).any(|at| answers(&at)) {
        return None;
    }
    let elsewhere = seen.queries().find(|at| {
        at.hop != hop.id && at.kind == "A" && denied.iter().any(|(a, _)| a.name == at.name) && at.has_answer()
    });
    let confidence = match elsewhere {
        Some(_) => Confidence::Certain,
        None if denied.len() > 1 => Confidence::Likely,
        // One name alone may really not exist.
        None => Confidence::Possible,
    };
    let message = format!(
        "{} says NXDOMAIN without a SOA to {} and nothing to its AAAA: so the gateway of OpenShift Local (network mode user) \
         reports every failure of the host's own DNS{}",
        hop.id,
        denied[0].0.name,
        elsewhere.map(|at| format!("; {} does resolve it", at.hop)).unwrap_or_default(),
    );
    let rests = indexes(denied.iter().flat_map(|(a, aaaa)| [*a, *aaaa]));
    let sign = Sign::new(&hop.id, confidence, message).about(denied.iter().map(|(at, _)| at.name.clone()));
    Some(sign.resting_on(rests).resting_on(elsewhere.map(|at| at.index)))
}

/// The replies that only this gateway gives: NXDOMAIN for A and NOERROR for AAAA of one name, both without SOA and OPT.
fn is_gateway<'a>(seen: &Seen<'a>, hop: &Hop, name: &str) -> Option<(At<'a>, At<'a>)> {
    let (a, aaaa) = (seen.reply(&hop.id, name, "A")?, seen.reply(&hop.id, name, "AAAA")?);
    let bare = |at: &At<'a>| at.soa().is_none() && at.reply_edns.is_none() && !at.flag(|flags| flags.aa);
    (a.said("NXDOMAIN") && aaaa.no_data() && bare(&a) && bare(&aaaa)).then_some((a, aaaa))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::workstations::{CRC, CRC_HOSTS, crc_system, crc_user};
    use super::super::fixtures::{OUTSIDE, flags, openshift3};
    use crate::dns::classify::Confidence;
    use crate::dns::observation::Observation;

    #[test]
    fn a_route_that_is_in_no_hosts_file_is_told() {
        let mut evidence = crc_user();
        evidence.file("workstation", "/etc/hosts", &CRC_HOSTS.replace(CRC, ""));
        evidence.change("upstream-1", |at| at.name == CRC, Observation::set_unknown_in_the_world);
        let signs = evidence.signs("F57");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "workstation", Confidence::Certain));
        assert_eq!(signs[0].names, [CRC]);
    }

    #[test]
    fn a_gateway_that_hides_a_failure_is_told() {
        let mut evidence = crc_user();
        let lost = |at: &Observation| at.name == OUTSIDE && at.kind == "A";
        evidence.change("upstream-2", lost, |at| at.set_negative("NXDOMAIN", None, flags("ra")));
        let signs = evidence.signs("F57");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "upstream-2", Confidence::Certain));
        evidence.forget(|at| at.hop == "upstream-1");
        assert_eq!(evidence.signs("F57")[0].confidence, Confidence::Possible);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut rule_missing = openshift3();
        rule_missing.change("dnsmasq", |at| at.name.ends_with("cluster.local"), Observation::set_unknown_in_the_world);
        assert_eq!(rule_missing.signs("F57"), [], "F3: the SOA tells who said so");
        let mut system = crc_system();
        system.change("workstation-dns", |at| at.name == CRC, Observation::set_unknown_in_the_world);
        assert_eq!(system.signs("F57"), [], "F56: network mode system");
    }
}
