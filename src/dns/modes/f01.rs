//! F1: nothing listens where dnsmasq should.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Role;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Trouble;
use crate::dns::seen::{Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F1",
    code: "dnsmasq-not-running",
    title: "dnsmasq on the node is not running",
    shows: "every query to the node's address is refused at once (ICMP port unreachable, TCP reset), from pods and from the \
            node; the node process on 127.0.0.1:53 still answers",
    mend: "start it and keep it: `systemctl enable --now dnsmasq` on the node; `journalctl -u dnsmasq` says why it ended",
    stage: Stage::Reach,
    explains: &[],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let refused = |hop: &str| -> Option<Vec<usize>> {
        let places = &seen.hop(hop)?.asked_from;
        let all: Vec<_> = places.iter().filter_map(|place| seen.always(place, hop, Trouble::Refused)).collect();
        (!all.is_empty() && seen.answers_somewhere(hop).is_none()).then(|| indexes(all.into_iter().flatten()))
    };
    let stands_elsewhere = |node: Option<&str>| node.is_some_and(|node| seen.process(node, "dnsmasq").is_some());
    seen.role(Role::Dnsmasq)
        .filter(|hop| !stands_elsewhere(hop.node.as_deref()))
        .filter_map(|hop| {
            let evidence = refused(&hop.id)?;
            let address = hop.address.map(|address| address.to_string()).unwrap_or_default();
            let message = format!("nothing listens on {address}, where pods ask for every name");
            Some(Sign::new(&hop.id, Confidence::Certain, message).resting_on(evidence))
        })
        .collect()
}
