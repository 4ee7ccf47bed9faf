//! Names that carry their own address, as `app.192.168.64.2.nip.io` does. Pure.

use std::net::{IpAddr, Ipv4Addr};

use crate::dns::chain::{Hop, Role};
use crate::dns::plan::Question;
use crate::dns::seen::{At, Seen};

/// A private and a public address: a server that blocks private answers gives the second and not the first.
const PRIVATE: &str = "10.0.0.1";
const PUBLIC: &str = "8.8.8.8";

/// The address in a name, and the domain that makes names of addresses: `192.168.64.2` and `nip.io`.
pub(super) fn embedded(name: &str) -> Option<(Ipv4Addr, &str)> {
    let starts = std::iter::once(0).chain(name.match_indices('.').map(|(at, _)| at + 1));
    starts
        .filter_map(|start| dotted(&name[start..]).or_else(|| dashed(&name[start..])))
        .find(|(_, rest)| rest.contains('.'))
}

fn dotted(text: &str) -> Option<(Ipv4Addr, &str)> {
    let (end, _) = text.match_indices('.').nth(3)?;
    Some((text[..end].parse().ok()?, &text[end + 1..]))
}

/// `10-0-0-1` is a label, or the end of one: `app-10-0-0-1`.
fn dashed(text: &str) -> Option<(Ipv4Addr, &str)> {
    let (label, rest) = text.split_once('.')?;
    let start = label.rmatch_indices('-').nth(3).map_or(0, |(at, _)| at + 1);
    Some((label[start..].replace('-', ".").parse().ok()?, rest))
}

/// What rebind protection takes for an attack.
pub(super) fn is_private(address: Ipv4Addr) -> bool {
    address.is_private() || address.is_loopback() || address.is_link_local()
}

/// The targets that carry a private address, each with its domain.
pub(super) fn private_targets<'a>(seen: &Seen<'a>) -> Vec<(&'a str, &'a str)> {
    let names = seen.targets().map(|target| target.name.as_str());
    names
        .filter_map(|name| embedded(name).filter(|(address, _)| is_private(*address)).map(|(_, domain)| (name, domain)))
        .collect()
}

/// Resolvers outside of the cluster that somebody asks; one that stands beside the path gets no name of the world.
pub(super) fn outside_hops<'a>(seen: &Seen<'a>) -> impl Iterator<Item = &'a Hop> {
    let is_asked = |hop: &&Hop| seen.askers(&hop.id).next().is_some();
    seen.hops().filter(|hop| matches!(hop.role, Role::Upstream | Role::Workstation)).filter(is_asked)
}

/// What a hop says to the private and to the public name of a domain.
pub(super) fn controls<'a>(seen: &Seen<'a>, hop: &str, domain: &str) -> (Option<At<'a>>, Option<At<'a>>) {
    let said = |address: &str| seen.reply(hop, &format!("{address}.{domain}"), "A");
    (said(PRIVATE), said(PUBLIC))
}

/// A reply without an address, or with one that stands for "no".
pub(super) fn denies(at: &At<'_>) -> bool {
    at.replied() && at.addresses().iter().all(IpAddr::is_unspecified)
}

/// Both are asked of every hop outside that gave a private target no address.
pub(super) fn ask(seen: &Seen<'_>) -> Vec<(String, Question)> {
    let mut questions = Vec::new();
    for (name, domain) in private_targets(seen) {
        for hop in outside_hops(seen).filter(|hop| seen.reply(&hop.id, name, "A").is_some_and(|at| denies(&at))) {
            let question =
                |address: &str| Some(Question::new(&hop.id, hop.address?, &format!("{address}.{domain}"), "A"));
            questions
                .extend([PRIVATE, PUBLIC].iter().filter_map(|address| Some((hop.vantage.clone(), question(address)?))));
        }
    }
    questions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: Option<(&str, &str)>) {
        let expected = expected.map(|(address, domain)| (address.parse::<Ipv4Addr>().unwrap(), domain));
        assert_eq!(embedded(name), expected, "{name}");
    }

    #[test]
    fn the_address_in_a_name_is_found() {
        check("kinesis-team1.192.168.64.2.nip.io", Some(("192.168.64.2", "nip.io")));
        check("10.0.0.1.nip.io", Some(("10.0.0.1", "nip.io")));
        check("app-10-0-0-1.sslip.io", Some(("10.0.0.1", "sslip.io")));
        check("10-0-0-1.sslip.io", Some(("10.0.0.1", "sslip.io")));
        check("v1.2.3.example.com", None);
        check("5.0.128.10.in-addr.arpa", Some(("5.0.128.10", "in-addr.arpa")));
        check("1.2.3.4.com", None);
        check("github.com", None);
    }
}
