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
    shows: "api.crc.testing, a Route's host or another name is NXDOMAIN with the SOA of the root (or of the public zone, \
            or without one) from the router, while the VM's dnsmasq, or the servers that pods and nodes ask, have it; \
            often after a VPN came up or NetworkManager restarted",
    mend: "`crc setup` writes the rule anew (/etc/NetworkManager/dnsmasq.d/crc.conf, or 99-crc.sh with systemd-resolved); \
           elsewhere `resolvectl domain LINK '~DOMAIN'` or `server=/DOMAIN/ADDRESS` in the local dnsmasq, or the VPN's own setting",
    stage: Stage::Next,
    explains: &[],
    find,
    ask: nothing_more,
};

/// A domain that never stands in the world (RFC 6761); OpenShift Local has its names there.
const TESTING: &str = "testing";

/// A name that the workstation's servers deny.
struct Lost<'a> {
    name: &'a str,
    replies: Vec<At<'a>>,
    /// Who does know it.
    knows: Option<At<'a>>,
    /// The denials come from a zone above the cluster's, and the name is one of its hosts.
    is_foreign: bool,
}

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let judged = seen.places(PlaceKind::Workstation).filter_map(|place| {
        let found: Vec<Lost<'_>> = seen.targets().filter_map(|target| lost(seen, place, target)).collect();
        judge(seen, place, &found)
    });
    judged.collect()
}

/// A host of the cluster is denied by a zone above its own; or any name is denied that pods or nodes get from their
/// servers.
fn lost<'a>(seen: &Seen<'a>, place: &Place, target: &'a Target) -> Option<Lost<'a>> {
    let replies = denied(seen, place, &target.name)?;
    let of_zone_above = |at: &At<'a>| at.soa().is_some_and(|soa| is_foreign(seen, &soa.name));
    let is_foreign = is_cluster_host(seen, target) && replies.iter().all(of_zone_above);
    let knows = knows(seen, target, &replies, is_foreign);
    let shows = is_foreign || (knows.is_some() && !has_a_rule(seen, place, target));
    shows.then_some(Lost { name: &target.name, replies, knows, is_foreign })
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
    // The C library may have other ways than these servers.
    let works = seen.libc(&place.name, name).is_some_and(|at| at.found());
    // A server that was asked for the domain and failed is no missing rule.
    (!by_user_mode && !in_hosts && !works && replies.iter().all(|at| at.said("NXDOMAIN"))).then_some(replies)
}

/// A zone above the cluster's: the domain itself is not known there. A server of the domain itself may rightly not know
/// the name.
fn is_foreign(seen: &Seen<'_>, zone: &str) -> bool {
    !is_below(zone, TESTING) && seen.evidence.chain.apps_domain.as_ref().is_none_or(|apps| !is_below(zone, apps))
        || zone.trim_matches('.').is_empty()
}

/// Who has an address for the name: of a host of the cluster any other server, else one of the cluster's or one that
/// answers a pod or a node, and that does not answer whatever it is asked. Names of Services are for pods only.
fn knows<'a>(seen: &Seen<'a>, target: &Target, replies: &[At<'a>], is_foreign: bool) -> Option<At<'a>> {
    let for_pods =
        matches!(target.kind, Kind::Service | Kind::Bare | Kind::Reverse) || seen.is_cluster_name(&target.name);
    let is_inside = |at: &At<'a>| {
        let roles = [Role::Coredns, Role::Dnsmasq, Role::Node, Role::Master];
        let mut places = seen.evidence.places.iter().filter(|place| place.name == at.vantage);
        seen.hop(&at.hop).is_some_and(|hop| roles.contains(&hop.role))
            || places.any(|place| matches!(place.kind, PlaceKind::Pod | PlaceKind::Node))
    };
    let invents =
        |at: &At<'a>| seen.reply(&at.hop, &seen.evidence.nowhere(), "A").is_some_and(|nowhere| nowhere.has_answer());
    let others = seen.queries().filter(|at| at.kind == "A" && at.name.eq_ignore_ascii_case(&target.name));
    let mut others = others.filter(|at| !replies.iter().any(|reply| reply.hop == at.hop) && seen.is_right(at));
    others.find(|at| is_foreign || (!for_pods && is_inside(at) && !invents(at)))
}

/// A server that the workstation asks first sends the name elsewhere than all others: what comes back is that
/// server's word.
fn has_a_rule(seen: &Seen<'_>, place: &Place, target: &Target) -> bool {
    let is_rule = |zone: &String| !zone.trim_matches('.').is_empty() && is_below(&target.name, zone);
    let hops = first_hops(seen, &place.name);
    hops.iter().flat_map(|hop| &hop.forwards).flat_map(|forward| &forward.zones).any(is_rule)
}

fn judge(seen: &Seen<'_>, place: &Place, found: &[Lost<'_>]) -> Option<Sign> {
    let first = found.iter().find(|lost| lost.knows.is_some()).or_else(|| found.first())?;
    let crc = seen.evidence.chain.platform == Platform::Crc || found.iter().all(|lost| is_below(lost.name, TESTING));
    let confidence = match first.knows {
        Some(_) if crc && first.is_foreign => Confidence::Certain,
        Some(_) => Confidence::Likely,
        None if crc => Confidence::Likely,
        None => return None,
    };
    let zone = first.replies[0].soa().map(|soa| format!("with the SOA of `{}`", soa.name));
    let beside = match first.knows {
        Some(at) => format!("; {} says {}", at.hop, at.addresses().first()?),
        None => String::new(),
    };
    let message = format!(
        "{} asks {} for {}, which says NXDOMAIN {}: no rule sends this domain to the cluster's servers{beside}",
        place.name,
        nameservers(seen, &place.name),
        first.name,
        zone.as_deref().unwrap_or("without a SOA"),
    );
    let stub = first_hops(seen, &place.name).into_iter().find(|hop: &&Hop| hop.role == Role::Workstation);
    let hop = stub.or_else(|| seen.client(&place.name))?;
    let rests = indexes(found.iter().flat_map(|lost| lost.replies.iter().copied().chain(lost.knows)));
    Some(Sign::new(&hop.id, confidence, message).about(found.iter().map(|lost| lost.name)).resting_on(rests))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::workstations::{CRC, CRC_API, crc_system, crc_user, microshift};
    use super::super::fixtures::{SERVICE, flags, forward};
    use crate::dns::chain::{Kind, Role, Target};
    use crate::dns::classify::{Confidence, Verdict, verdict};
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::Observation;

    /// A name that the cluster's servers know.
    const HOST: &str = "sqs.apps.lab.test";

    fn without_rule() -> Evidence {
        let mut evidence = crc_system();
        let crc = |at: &Observation| at.name == CRC || at.name == CRC_API;
        evidence.change("workstation-dns", crc, Observation::set_unknown_in_the_world);
        evidence.getent("workstation", CRC, &[]);
        evidence
    }

    /// pod -> CoreDNS, which knows the name; the workstation asks a router that denies it.
    fn inside_only(kind: Kind, zone: Option<(&str, &str)>) -> Evidence {
        let mut evidence = microshift();
        evidence.change_hop("coredns", |hop| hop.forwards = vec![forward(&["."], &["node"])]);
        evidence.targets.push(Target { name: HOST.to_owned(), kind, expected: Vec::new(), because: None });
        evidence.chain.apps_domain = (kind == Kind::Route).then(|| "apps.lab.test".to_owned());
        for kind in ["A", "AAAA"] {
            let mut answered = evidence.question("pod", "coredns", HOST, kind);
            answered.set_rcode("REFUSED", flags("ra"));
            if kind == "A" {
                answered.set_answer(&["10.213.0.2"], 5, flags("aa ra"));
            }
            let mut denied = evidence.question("workstation", "upstream-1", HOST, kind);
            denied.set_negative("NXDOMAIN", zone, flags("ra"));
            evidence.put(answered);
            evidence.put(denied);
        }
        evidence.getent("workstation", HOST, &[]);
        evidence.getent("pod", HOST, &["10.213.0.2"]);
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
    fn a_denial_without_a_soa_is_one_where_pods_get_an_address() {
        let soa = Some((".", "a.root-servers.net nstld.verisign-grs.com 1 1800 900 604800 86400"));
        for kind in [Kind::Route, Kind::External] {
            for zone in [None, soa] {
                let evidence = inside_only(kind, zone);
                let signs = evidence.signs("F56");
                assert_eq!(
                    (signs.len(), signs[0].hop.as_str(), signs[0].confidence),
                    (1, "workstation", Confidence::Likely)
                );
                assert_eq!(signs[0].names, [HOST]);
                assert!(signs[0].message.contains("coredns says 10.213.0.2"), "{}", signs[0].message);
                let says = if zone.is_none() { "NXDOMAIN without a SOA" } else { "NXDOMAIN with the SOA of `.`" };
                assert!(signs[0].message.contains(says), "{}", signs[0].message);
                let findings = evidence.findings();
                assert_eq!((findings[0].id.as_str(), verdict(&findings)), ("F56", Verdict::Broken));
                assert_eq!(findings.len(), 1, "{findings:?}");
            }
        }
    }

    #[test]
    fn without_anybody_who_knows_the_name_nobody_is_blamed() {
        let mut evidence = inside_only(Kind::External, None);
        evidence.change("coredns", |at| at.name == HOST, |at| at.set_negative("NXDOMAIN", None, flags("ra")));
        assert_eq!(evidence.signs("F56"), []);
        let mut invents = inside_only(Kind::External, None);
        let nowhere = invents.nowhere();
        invents.change("coredns", |at| at.name == nowhere, |at| at.set_answer(&["192.0.2.1"], 60, flags("ra")));
        assert_eq!(invents.signs("F56"), [], "F25: it answers whatever it is asked");
        let mut outside = inside_only(Kind::External, None);
        outside.change_hop("coredns", |hop| hop.role = Role::Upstream);
        assert_eq!(outside.signs("F56").len(), 1, "whoever answers pods");
        outside.change("coredns", |at| at.name == HOST, |at| at.vantage = "workstation".to_owned());
        assert_eq!(outside.signs("F56"), [], "no pod and no node has it");
    }

    #[test]
    fn a_name_that_works_and_a_name_for_pods_are_left_alone() {
        let mut works = inside_only(Kind::Route, None);
        works.getent("workstation", HOST, &["10.213.0.2"]);
        assert_eq!(works.signs("F56"), [], "by the C library's other ways");
        let mut failed = inside_only(Kind::Route, None);
        failed.change("upstream-1", |at| at.name == HOST, Observation::set_silent);
        assert_eq!(failed.signs("F56"), [], "the server says nothing at all");
        let mut for_pods = inside_only(Kind::Route, None);
        let mut denied = for_pods.question("workstation", "upstream-1", SERVICE, "A");
        denied.set_negative("NXDOMAIN", None, flags("ra"));
        for_pods.put(denied);
        assert_eq!(for_pods.signs("F56")[0].names, [HOST]);
        let mut by_rule = inside_only(Kind::Route, None);
        by_rule.change_hop("upstream-1", |hop| {
            hop.forwards = vec![forward(&["lab.test"], &["upstream-2"])];
        });
        assert_eq!(by_rule.signs("F56"), [], "the rule is there, and who is asked does not know the name");
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
