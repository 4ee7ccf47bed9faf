//! F7: the file from which the node process takes its upstreams is missing, so it does not start.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::observation::Trouble;
use crate::dns::seen::Seen;

pub(super) static MODE: Mode = Mode {
    id: "F7",
    code: "node-resolv-conf-missing",
    title: "the node process cannot start: its own resolv.conf is missing",
    shows: "/etc/origin/node/resolv.conf (`dnsRecursiveResolvConf`) is not there and 127.0.0.1:53 is refused; the node's log says \
            `could not start DNS, unable to read config file`",
    mend: "let NetworkManager's dispatcher write it: `nmcli connection up CONNECTION` with \
           /etc/NetworkManager/dispatcher.d/99-origin-dns.sh in place, or write the upstream nameservers into it; never point \
           `dnsRecursiveResolvConf` at /etc/resolv.conf, that is a loop; then start the node service",
    stage: Stage::Files,
    explains: &["node-resolver-down", "reverse-silent", "search-suffix-fails"],
    find,
    ask: nothing_more,
};

const DEFAULT: &str = "/etc/origin/node/resolv.conf";

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|dnsmasq| cannot_start(seen, dnsmasq)).collect()
}

fn cannot_start(seen: &Seen<'_>, dnsmasq: &Hop) -> Option<Sign> {
    let node = &seen.node_of(dnsmasq)?.name;
    let config = seen.file(node, "/etc/origin/node/node-config.yaml");
    let path = config.map_or(Some(DEFAULT), |(_, text)| configured(text))?;
    let absent = seen.file_asked(node, path).filter(|at| at.met(Trouble::Absent))?;
    let process = seen.node_process(dnsmasq)?;
    let unreached = seen.unreached(node, &process.id);
    let confidence = match (&unreached, seen.runs(node, "openshift")) {
        (Some(_), Some(false)) if config.is_some() => Confidence::Certain,
        (Some(_), _) => Confidence::Likely,
        // It read the file when it started, or was started without one.
        (None, _) => Confidence::Possible,
    };
    let state = match &unreached {
        Some(all) => format!("it does not answer ({} queries)", all.len()),
        None => "it still answers, but will not start again".to_owned(),
    };
    let message = format!("{path}, from which the node process takes its upstream servers, is not there: {state}");
    let rests = unreached.into_iter().flatten().map(|at| at.index);
    let rests = rests.chain(config.map(|(at, _)| at.index)).chain([absent.index]);
    Some(Sign::new(&process.id, confidence, message).resting_on(rests))
}

/// The path in `dnsRecursiveResolvConf:`; `None` when it is set to nothing.
fn configured(text: &str) -> Option<&str> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix("dnsRecursiveResolvConf:"));
    let path = value.map_or(DEFAULT, |value| value.trim().trim_matches(['"', '\'']));
    (!path.is_empty()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::Observation;

    #[test]
    fn a_missing_file_is_the_cause_of_a_missing_process() {
        let mut evidence = openshift3();
        evidence.no_file("node1", DEFAULT);
        assert_eq!(evidence.signs("F7")[0].confidence, Confidence::Possible, "it answers still");
        evidence.change_all("node", |at| at.set_trouble(Trouble::Refused));
        evidence.change("dnsmasq", |at| at.name.ends_with("cluster.local"), Observation::set_silent);
        evidence.no_process("node1", "openshift");
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F7", "node"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert_eq!(
            (findings[1].id.as_str(), findings[1].follows_from.as_deref()),
            ("F4", Some("node-resolv-conf-missing"))
        );
    }

    #[test]
    fn a_process_that_is_down_with_its_file_in_place_is_another_mode() {
        let mut evidence = openshift3();
        evidence.change_all("node", |at| at.set_trouble(Trouble::Refused));
        assert_eq!(evidence.signs("F7"), []);
        evidence.no_file("node1", DEFAULT);
        evidence.file("node1", "/etc/origin/node/node-config.yaml", "dnsRecursiveResolvConf: \"\"\n");
        assert_eq!(evidence.signs("F7"), [], "no file is wanted");
    }
}
