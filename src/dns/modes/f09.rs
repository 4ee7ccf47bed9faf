//! F9: dnsmasq, or the node process, asks dnsmasq itself.

use std::net::{IpAddr, SocketAddr};

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::resolv::ResolvConf;
use crate::dns::seen::node::outcome;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F9",
    code: "dnsmasq-asks-itself",
    title: "dnsmasq has its own address among its upstream servers",
    shows: "names outside time out, are refused (dnsmasq may ignore such a server) or get SERVFAIL while dnsmasq burns a \
            processor; its servers (`servers.bind`, \
            /etc/dnsmasq.d/origin-upstream-dns.conf) hold the node's own address, or /etc/origin/node/resolv.conf does",
    mend: "take the node's own address out of /etc/dnsmasq.d/origin-upstream-dns.conf and /etc/origin/node/resolv.conf, put the \
           company's servers there, and `systemctl restart dnsmasq atomic-openshift-node`",
    stage: Stage::Server,
    explains: &[
        "dnsmasq-no-upstream",
        "dnsmasq-table-full",
        "dnsmasq-out-of-files",
        "upstream-servfail",
        "upstream-is-loopback",
        "no-outside-dns",
        "reverse-silent",
        "search-suffix-fails",
        "aaaa-broken",
    ],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().flat_map(|hop| asks_itself(seen, hop).into_iter().chain(is_asked_back(seen, hop))).collect()
}

fn asks_itself(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let own = own(seen, hop);
    let counted = seen.dnsmasq_servers(&hop.id);
    let listed = counted.iter().flat_map(|(_, servers)| servers).filter_map(|server| server.address);
    let conf = seen.conf_of(hop);
    let told = conf.iter().flat_map(|(_, conf)| conf.upstreams());
    let itself: SocketAddr = listed.chain(told).find(|address| address.port() == 53 && own.contains(&address.ip()))?;
    let outside = seen.outside(hop);
    let failed: Vec<At<'_>> = outside.iter().copied().filter(|at| fails(at)).collect();
    let confidence = if failed.is_empty() { Confidence::Possible } else { Confidence::Certain };
    let shown = failed.first().map_or(String::new(), |at| format!(" (`{}`: {})", at.name, outcome(at)));
    let message = format!(
        "dnsmasq's upstream server {itself} is its own address: what it sends there comes back, or it ignores that server: {} of {} queries for names outside \
         failed{shown}",
        failed.len(),
        outside.len()
    );
    let files = conf.map(|(read, _)| read).unwrap_or_default();
    let rests = indexes(failed).into_iter().chain(counted.map(|(at, _)| at.index)).chain(files);
    Some(Sign::new(&hop.id, confidence, message).about(seen.outside_names()).resting_on(rests))
}

/// The node process asks dnsmasq for what it does not know, and dnsmasq asks it for reverse names: these go round.
fn is_asked_back(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let process = seen.node_process(hop)?;
    let (at, text) = seen.file(&seen.node_of(hop)?.name, "/etc/origin/node/resolv.conf")?;
    let own = own(seen, hop);
    let itself = ResolvConf::parse(text).nameservers.into_iter().find(|server| own.contains(server))?;
    let failed: Vec<At<'_>> =
        seen.asked(&process.id).filter(|at| fails(at) && !seen.is_cluster_name(&at.name)).collect();
    let confidence = if failed.is_empty() { Confidence::Possible } else { Confidence::Likely };
    let message = format!(
        "the node process takes {itself} from /etc/origin/node/resolv.conf, which is dnsmasq, and dnsmasq asks the node process: \
         {} of its queries failed",
        failed.len()
    );
    Some(Sign::new(&process.id, confidence, message).resting_on(indexes(failed).into_iter().chain([at.index])))
}

/// The addresses under which dnsmasq is asked. On loopback stands the node process.
fn own(seen: &Seen<'_>, hop: &Hop) -> Vec<IpAddr> {
    let mut own = seen.node_of(hop).map(|node| seen.own_addresses(&node.name)).unwrap_or_default();
    own.retain(|address| !address.is_loopback());
    own.extend(hop.address.map(|address| address.ip()));
    own
}

fn fails(at: &At<'_>) -> bool {
    !at.replied() || at.said("SERVFAIL") || at.said("REFUSED")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Observation;

    fn outside(at: &Observation) -> bool {
        !at.chaos && !at.name.contains("cluster.local") && !at.name.contains("arpa")
    }

    #[test]
    fn a_dnsmasq_that_asks_itself_is_found() {
        let mut evidence = openshift3();
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "servers.bind", &["127.0.0.1#53 9 0", "10.0.2.15#53 900 0"]);
        }
        assert_eq!(evidence.signs("F9")[0].confidence, Confidence::Possible, "it does no harm yet");
        evidence.change("dnsmasq", outside, Observation::set_silent);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F9", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_file_that_names_another_address_of_the_node_is_enough() {
        let mut evidence = openshift3();
        evidence.kernel("node1", &["127.0.0.1", "10.0.2.15", "192.168.33.220"], &["10.0.2.15"]);
        evidence.file("node1", "/etc/dnsmasq.d/origin-upstream-dns.conf", "server=192.168.33.220\n");
        evidence.change("dnsmasq", outside, Observation::set_silent);
        assert_eq!(evidence.signs("F9")[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_node_process_that_asks_dnsmasq_is_found() {
        let mut evidence = openshift3();
        evidence.file("node1", "/etc/origin/node/resolv.conf", "nameserver 10.0.2.15\n");
        evidence.change("node", outside, Observation::set_silent);
        let signs = evidence.signs("F9");
        assert_eq!((signs[0].hop.as_str(), signs[0].confidence), ("node", Confidence::Likely));
    }

    #[test]
    fn silent_upstreams_of_others_are_no_loop() {
        let mut evidence = openshift3();
        evidence.change("dnsmasq", outside, Observation::set_silent);
        assert_eq!(evidence.signs("F9"), []);
    }
}
