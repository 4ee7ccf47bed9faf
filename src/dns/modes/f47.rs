//! F47: the C library says something else than the servers: the hosts file, or the order of `nsswitch.conf`.

use std::net::IpAddr;

use super::places::first_hops;
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Place, PlaceKind, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::hosts::{Entry, HostsFile};
use crate::dns::files::nsswitch::{Nsswitch, Service};
use crate::dns::observation::Trouble;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F47",
    code: "libc-differs",
    title: "Programs get another answer than the servers give: /etc/hosts or nsswitch.conf stands before DNS",
    shows: "dig works and the program does not: a line of /etc/hosts (or hostAliases) has another address, `hosts:` in \
            nsswitch.conf does not reach `dns` (`mdns4_minimal [NOTFOUND=return]` ends names in .local, `resolve \
            [!UNAVAIL=return]` never reads resolv.conf), or there is no nsswitch.conf and old C libraries skip /etc/hosts",
    mend: "correct the line of /etc/hosts, or write `hosts: files dns` into /etc/nsswitch.conf of the image or machine",
    stage: Stage::Files,
    explains: &[],
    find,
    ask: nothing_more,
};

/// What the servers and the C library of one place say of one name.
struct Case<'a> {
    place: &'a Place,
    target: &'a Target,
    /// Replies of the first servers, and the addresses in them.
    wire: Vec<At<'a>>,
    wire_addresses: Vec<IpAddr>,
    /// What the C library said, where it could be asked.
    libc: Option<At<'a>>,
}

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs = Vec::new();
    for place in &seen.evidence.places {
        let cases: Vec<Case<'_>> = seen.targets().map(|target| case(seen, place, target)).collect();
        let lines = cases.iter().filter_map(|case| hosts_line(seen, case));
        let orders = cases.iter().filter_map(|case| order(seen, case).or_else(|| no_order(seen, case)));
        signs.extend(lines);
        signs.extend(together(orders));
    }
    signs
}

/// One file is one cause, however many names suffer from it; the first one is told.
fn together(signs: impl Iterator<Item = Sign>) -> Option<Sign> {
    signs.reduce(|first, next| first.about(next.names).resting_on(next.evidence))
}

fn case<'a>(seen: &Seen<'a>, place: &'a Place, target: &'a Target) -> Case<'a> {
    let hops = first_hops(seen, &place.name);
    let asked = hops.iter().flat_map(|hop| ["A", "AAAA"].map(|kind| (hop, kind)));
    let wire: Vec<At<'a>> = asked
        .filter_map(|(hop, kind)| seen.reply_at(&place.name, &hop.id, &target.name, kind))
        .filter(|at| at.has_answer())
        .collect();
    let wire_addresses = wire.iter().flat_map(|at| at.addresses()).collect();
    let libc = seen.libc(&place.name, &target.name).filter(|at| !at.met(Trouble::Absent));
    Case { place, target, wire, wire_addresses, libc }
}

/// A line of the hosts file has another address than the servers.
fn hosts_line(seen: &Seen<'_>, case: &Case<'_>) -> Option<Sign> {
    let (file, text) = seen.file(&case.place.name, "/etc/hosts")?;
    let hosts = HostsFile::parse(text);
    let entries: Vec<&Entry> = hosts.naming(&case.target.name).collect();
    let agrees = |entry: &&Entry| case.wire_addresses.contains(&entry.address);
    let entry = entries.first().filter(|_| !case.wire.is_empty() && !entries.iter().any(agrees))?;
    let used = case.libc.is_none_or(|at| at.addresses().contains(&entry.address));
    let expected = &case.target.expected;
    let known = expected.iter().any(|address| case.wire_addresses.contains(address));
    // Without a word of the cluster on who is right, the line may be there on purpose.
    // On somebody's own machine too, even against the cluster.
    let own_machine = case.place.kind == PlaceKind::Workstation;
    let confidence = match known && used && !expected.contains(&entry.address) {
        true if case.libc.is_some() && !own_machine => Confidence::Certain,
        true => Confidence::Likely,
        false => Confidence::Possible,
    };
    let message = format!(
        "line {} of /etc/hosts of {} says {} for {}; its servers say {}",
        entry.line,
        case.place.name,
        entry.address,
        case.target.name,
        list(&case.wire_addresses),
    );
    Some(sign(seen, case, confidence, message)?.resting_on([file.index]))
}

/// The search of the C library ends before it comes to DNS.
fn order(seen: &Seen<'_>, case: &Case<'_>) -> Option<Sign> {
    let (file, text) = seen.file(&case.place.name, "/etc/nsswitch.conf")?;
    let nsswitch = Nsswitch::parse(text);
    let line = nsswitch.line?;
    let failed = case.libc.filter(|at| at.answers.is_empty() && !at.silent())?;
    if case.wire.is_empty() {
        return None;
    }
    let (confidence, why) =
        match nsswitch.ends_before_dns("NOTFOUND").filter(|service| applies(service, &case.target.name)) {
            Some(service) => (Confidence::Likely, format!("ends at `{}`", service.name)),
            None if nsswitch.place("dns").is_none() && nsswitch.place("resolve").is_none() => {
                (Confidence::Certain, "does not name `dns`".to_owned())
            }
            None => return None,
        };
    let message = format!(
        "line {line} of /etc/nsswitch.conf of {} {why}: the C library finds nothing for {}, while its servers say {}",
        case.place.name,
        case.target.name,
        list(&case.wire_addresses),
    );
    Some(sign(seen, case, confidence, message)?.resting_on([file.index, failed.index]))
}

/// Without `nsswitch.conf` the C library asks DNS first, and `/etc/hosts` only where no server answers at all.
fn no_order(seen: &Seen<'_>, case: &Case<'_>) -> Option<Sign> {
    let absent = seen.file_asked(&case.place.name, "/etc/nsswitch.conf").filter(|at| at.met(Trouble::Absent))?;
    let (file, text) = seen.file(&case.place.name, "/etc/hosts")?;
    let wanted = HostsFile::parse(text).addresses(&case.target.name);
    let libc = case.libc?;
    if wanted.is_empty() || libc.addresses().iter().any(|address| wanted.contains(address)) {
        return None;
    }
    let message = format!(
        "{} has no /etc/nsswitch.conf, and its C library does not take {} for {} from /etc/hosts",
        case.place.name,
        list(&wanted),
        case.target.name,
    );
    Some(sign(seen, case, Confidence::Likely, message)?.resting_on([absent.index, file.index, libc.index]))
}

/// mDNS answers for `.local` only, and leaves other names alone.
fn applies(service: &Service, name: &str) -> bool {
    !service.name.starts_with("mdns") || name.to_ascii_lowercase().ends_with(".local")
}

fn sign(seen: &Seen<'_>, case: &Case<'_>, confidence: Confidence, message: String) -> Option<Sign> {
    let client = seen.client(&case.place.name)?;
    let sign = Sign::new(&client.id, confidence, message).about([case.target.name.as_str()]);
    Some(sign.resting_on(indexes(case.wire.iter().copied())).resting_on(case.libc.map(|at| at.index)))
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{OUTSIDE, SERVICE, openshift4};
    use crate::dns::classify::Confidence;

    #[test]
    fn a_hosts_line_against_the_cluster_is_blamed() {
        let mut evidence = openshift4();
        evidence.file(
            "pod",
            "/etc/hosts",
            &format!("127.0.0.1 localhost\n# Entries added by HostAliases.\n172.30.9.9 {SERVICE}\n"),
        );
        assert_eq!(evidence.signs("F47")[0].confidence, Confidence::Likely);
        evidence.getent("pod", SERVICE, &["172.30.9.9"]);
        let signs = evidence.signs("F47");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "pod", Confidence::Certain));
        assert!(signs[0].message.contains("line 3"), "{}", signs[0].message);
    }

    #[test]
    fn an_order_that_does_not_reach_dns_is_blamed() {
        let mut evidence = openshift4();
        evidence.getent("pod", SERVICE, &[]);
        evidence.getent("pod", OUTSIDE, &["140.82.112.3"]);
        evidence.file("pod", "/etc/nsswitch.conf", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n");
        let signs = evidence.signs("F47");
        assert_eq!((signs.len(), signs[0].confidence), (1, Confidence::Likely));
        assert!(signs[0].message.contains("ends at `mdns4_minimal`"), "{}", signs[0].message);
        evidence.file("pod", "/etc/nsswitch.conf", "hosts: files\n");
        assert_eq!(evidence.signs("F47")[0].confidence, Confidence::Certain);
    }

    #[test]
    fn without_an_order_the_hosts_file_is_skipped() {
        let mut evidence = openshift4();
        evidence.no_file("pod", "/etc/nsswitch.conf");
        evidence.file("pod", "/etc/hosts", "192.0.2.7 build.example.org\n");
        evidence.targets[2].name = "build.example.org".to_owned();
        evidence.getent("pod", "build.example.org", &[]);
        assert_eq!(evidence.signs("F47")[0].confidence, Confidence::Likely);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut rotating = openshift4();
        rotating.getent("pod", OUTSIDE, &["140.82.112.4"]);
        rotating.file("pod", "/etc/nsswitch.conf", "hosts: files dns\n");
        assert_eq!(rotating.signs("F47"), [], "a name with many addresses");
        rotating.getent("pod", SERVICE, &[]);
        assert_eq!(rotating.signs("F47"), [], "the search list, or a server that was away for a moment");
        let mut agreeing = openshift4();
        agreeing.file("pod", "/etc/hosts", &format!("172.30.5.6 {SERVICE}\n10.1.1.1 {OUTSIDE}\n"));
        assert_eq!(agreeing.signs("F47").iter().map(|sign| sign.confidence).max(), Some(Confidence::Possible));
        let mut desktop = openshift4();
        desktop.file("pod", "/etc/nsswitch.conf", "hosts: files mdns4_minimal [NOTFOUND=return] dns\n");
        desktop.getent("pod", OUTSIDE, &[]);
        assert_eq!(desktop.signs("F47"), [], "mDNS leaves github.com alone");
    }
}
