//! F8: dnsmasq has nobody to ask for names outside of the cluster.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::node::{outcome, own_refusal};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F8",
    code: "dnsmasq-no-upstream",
    title: "dnsmasq has no upstream server",
    shows: "names outside are refused at once (REFUSED with `ra`, no records, below a millisecond; extended error 14 from dnsmasq \
            2.86 on), cluster names work; `servers.bind` lists nothing but the node process",
    mend: "write the upstream servers into /etc/dnsmasq.d/origin-upstream-dns.conf, one `server=ADDRESS` a line, and `systemctl \
           restart dnsmasq`; to let the dispatcher write it again, take its watermark out of /etc/resolv.conf and `nmcli \
           connection up CONNECTION`",
    stage: Stage::Next,
    explains: &["no-outside-dns", "search-suffix-fails"],
    find,
    ask: nothing_more,
};

/// RFC 8914 `Not Ready`: dnsmasq says it when no server is configured, and not when its table is full.
const NOT_READY: u16 = 14;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| asks_nobody(seen, hop)).collect()
}

fn asks_nobody(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let outside = seen.outside(hop);
    let refused: Vec<At<'_>> = outside.iter().copied().filter(|at| own_refusal(at)).collect();
    let shown = *refused.first()?;
    if refused.len() < outside.len() {
        return None;
    }
    let not_ready = refused.iter().any(|at| at.ede.iter().any(|error| error.code == NOT_READY));
    let counted = seen.outside_servers(hop);
    let conf = seen.conf_of(hop);
    let (confidence, also) = match (&counted, &conf) {
        (Some((_, servers)), _) if !servers.is_empty() => return None,
        (Some(_), _) => (Confidence::Certain, "; its own list of servers (`servers.bind`) has none for them"),
        (None, _) if not_ready => (Confidence::Certain, "; it says itself that it is not ready"),
        (None, Some((_, conf))) if conf.upstreams().next().is_some() => return None,
        (None, Some((_, conf))) if conf.has("no-resolv") => (Confidence::Likely, "; its files name none"),
        (None, _) => (Confidence::Possible, ""),
    };
    let message = format!(
        "dnsmasq itself refuses names outside of the cluster, all {} queries (`{}`: {}): it has no upstream server{also}",
        refused.len(),
        shown.name,
        outcome(&shown)
    );
    let names = seen.outside_names();
    let files = conf.map(|(read, _)| read).unwrap_or_default();
    let rests = indexes(refused).into_iter().chain(counted.map(|(at, _)| at.index)).chain(files);
    Some(Sign::new(&hop.id, confidence, message).about(names).resting_on(rests))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::evidence::Evidence;
    use crate::dns::modes::fixtures::{flags, openshift3};
    use crate::dns::observation::Observation;

    fn refusing() -> Evidence {
        let mut evidence = openshift3();
        let outside = |at: &Observation| !at.chaos && !at.name.contains("cluster.local") && !at.name.contains("arpa");
        evidence.change("dnsmasq", outside, |at| at.set_rcode("REFUSED", flags("ra")));
        evidence
    }

    #[test]
    fn an_empty_list_of_servers_is_found() {
        let mut evidence = refusing();
        for vantage in ["pod", "node1"] {
            evidence.says(vantage, "dnsmasq", "servers.bind", &["127.0.0.1#53 9 0"]);
        }
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F8", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        evidence.forget(|at| at.name == "servers.bind");
        evidence.file("node1", "/etc/dnsmasq.d/origin-upstream-dns.conf", "");
        assert_eq!(evidence.signs("F8")[0].confidence, Confidence::Likely);
        evidence.change("dnsmasq", own_refusal, |at| at.set_ede(NOT_READY));
        assert_eq!(evidence.signs("F8")[0].confidence, Confidence::Certain);
    }

    #[test]
    fn a_full_table_and_an_upstream_that_refuses_are_no_missing_server() {
        assert_eq!(refusing().signs("F8"), [], "it has servers");
        let mut evidence = refusing();
        evidence.says("pod", "dnsmasq", "servers.bind", &["127.0.0.1#53 9 0"]);
        evidence.says("node1", "dnsmasq", "servers.bind", &["127.0.0.1#53 9 0"]);
        evidence.change("dnsmasq", own_refusal, |at| at.set_rcode("REFUSED", flags("")));
        assert_eq!(evidence.signs("F8"), [], "passed on from an upstream");
    }
}
