//! F56: the workstation asks the wrong servers for the cluster's names: its rule for that domain is missing.

use std::net::IpAddr;

use super::places::{first_hops, nameservers};
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Kind, Place, PlaceKind, Platform, Role, Target, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::hosts::HostsFile;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F56",
    code: "split-dns-missing",
    title: "The workstation asks servers that do not know the cluster's domain: the rule for it is missing",
    shows: "api.crc.testing or a Route's host is NXDOMAIN with the SOA of the root (or of the public zone) from the router, \
            while the VM's dnsmasq, or the servers that nodes ask, have it; often after a VPN came up or NetworkManager restarted",
    mend: "`crc setup` writes the rule anew (/etc/NetworkManager/dnsmasq.d/crc.conf, or 99-crc.sh with systemd-resolved); \
           elsewhere `resolvectl domain LINK '~DOMAIN'` or `server=/DOMAIN/ADDRESS` in the local dnsmasq, or the VPN's own setting",
    stage: Stage::Next,
    explains: &[],
    find,
    ask: nothing_more,
};

/// A domain that never stands in the world (RFC 6761); OpenShift Local has its names there.
const TESTING: &str = "testing";

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs = Vec::new();
    for place in seen.places(PlaceKind::Workstation) {
        let names: Vec<&Target> = seen.targets().filter(|target| is_cluster_host(seen, target)).collect();
        let found: Vec<(&Target, Vec<At<'_>>)> =
            names.into_iter().filter_map(|target| Some((target, denied(seen, place, &target.name)?))).collect();
        if !found.is_empty() {
            signs.extend(judge(seen, place, &found));
        }
    }
    signs
}

fn is_cluster_host(seen: &Seen<'_>, target: &Target) -> bool {
    let below_apps = seen.evidence.chain.apps_domain.as_ref().is_some_and(|apps| is_below(&target.name, apps));
    below_apps || matches!(target.kind, Kind::Route | Kind::Api) || is_below(&target.name, TESTING)
}

/// Every server that the workstation asks says that there is no such name, and names who says so; the hosts file has it not.
fn denied<'a>(seen: &Seen<'a>, place: &Place, name: &str) -> Option<Vec<At<'a>>> {
    let hops = first_hops(seen, &place.name);
    let replies: Option<Vec<At<'a>>> = hops.iter().map(|hop| seen.reply_at(&place.name, &hop.id, name, "A")).collect();
    let replies = replies.filter(|replies| !replies.is_empty())?;
    let hosts = seen.file(&place.name, "/etc/hosts").map(|(_, text)| HostsFile::parse(text)).unwrap_or_default();
    let by_user_mode = hosts.addresses("api.crc.testing").iter().any(IpAddr::is_loopback);
    let in_hosts = hosts.naming(name).next().is_some();
    // A server that was asked for the domain and failed is no missing rule; nor is one that knows the domain and not the name.
    let foreign = |at: &At<'a>| at.said("NXDOMAIN") && at.soa().is_some_and(|soa| is_foreign(seen, &soa.name));
    (!by_user_mode && !in_hosts && replies.iter().all(foreign)).then_some(replies)
}

/// A zone above the cluster's: the domain itself is not known there.
fn is_foreign(seen: &Seen<'_>, zone: &str) -> bool {
    !is_below(zone, TESTING) && seen.evidence.chain.apps_domain.as_ref().is_none_or(|apps| !is_below(zone, apps))
        || zone.trim_matches('.').is_empty()
}

fn judge(seen: &Seen<'_>, place: &Place, found: &[(&Target, Vec<At<'_>>)]) -> Option<Sign> {
    let denies: Vec<&str> = found.iter().flat_map(|(_, replies)| replies).map(|at| at.hop.as_str()).collect();
    let elsewhere = |at: &At<'_>| !denies.contains(&at.hop.as_str()) && at.kind == "A" && seen.is_right(at);
    let knows = found.iter().find_map(|(target, _)| seen.queries().filter(elsewhere).find(|at| at.name == target.name));
    let crc = seen.evidence.chain.platform == Platform::Crc
        || found.iter().all(|(target, _)| is_below(&target.name, TESTING));
    let confidence = match knows {
        Some(_) if crc => Confidence::Certain,
        Some(_) => Confidence::Likely,
        None if crc => Confidence::Likely,
        None => return None,
    };
    let (target, replies) = found.first()?;
    let zone = replies[0].soa().map_or("", |soa| soa.name.as_str());
    let beside = match knows {
        Some(at) => format!("; {} says {}", at.hop, at.addresses().first()?),
        None => String::new(),
    };
    let message = format!(
        "{} asks {} for {}, which says NXDOMAIN with the SOA of `{zone}`: no rule sends this domain to the cluster's servers{beside}",
        place.name,
        nameservers(seen, &place.name),
        target.name,
    );
    let stub = first_hops(seen, &place.name).into_iter().find(|hop: &&Hop| hop.role == Role::Workstation);
    let hop = stub.or_else(|| seen.client(&place.name))?;
    let rests = indexes(found.iter().flat_map(|(_, replies)| replies.iter().copied()));
    let names = found.iter().map(|(target, _)| target.name.as_str());
    Some(Sign::new(&hop.id, confidence, message).about(names).resting_on(rests).resting_on(knows.map(|at| at.index)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::workstations::{CRC, CRC_API, crc_system, crc_user};
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::Observation;

    fn without_rule() -> Evidence {
        let mut evidence = crc_system();
        let crc = |at: &Observation| at.name == CRC || at.name == CRC_API;
        evidence.change("workstation-dns", crc, Observation::set_unknown_in_the_world);
        evidence
    }

    #[test]
    fn the_missing_rule_is_blamed() {
        let mut evidence = without_rule();
        let signs = evidence.signs("F56");
        assert_eq!(
            (signs.len(), signs[0].hop.as_str(), signs[0].confidence),
            (1, "workstation-dns", Confidence::Certain)
        );
        assert!(signs[0].message.contains("crc-vm says 192.168.130.11"), "{}", signs[0].message);
        evidence.change_all("crc-vm", Observation::set_silent);
        assert_eq!(evidence.signs("F56")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut user_mode = crc_user();
        user_mode.file("workstation", "/etc/hosts", "127.0.0.1 localhost api.crc.testing\n");
        assert_eq!(user_mode.signs("F56"), [], "F57");
        let mut vm_down = crc_system();
        let crc = |at: &Observation| at.name == CRC || at.name == CRC_API;
        vm_down.change("workstation-dns", crc, Observation::set_silent);
        vm_down.change_all("crc-vm", Observation::set_silent);
        assert_eq!(vm_down.signs("F56"), [], "the rule is there, the VM is not");
        let mut in_hosts = without_rule();
        in_hosts.file("workstation", "/etc/hosts", &format!("192.168.130.11 {CRC} {CRC_API}\n"));
        assert_eq!(in_hosts.signs("F56"), []);
    }
}
