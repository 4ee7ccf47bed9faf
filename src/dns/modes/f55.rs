//! F55: another program holds port 53, so the resolver that should stand there could not start.

use std::net::SocketAddr;

use serde_json::Value;

use super::places::first_hops;
use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Hop, Place, PlaceKind, Role};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::proc;
use crate::dns::observation::Transport;
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F55",
    code: "port-53-taken",
    title: "Another program holds port 53, and the resolver that should stand there does not run",
    shows: "NetworkManager is told `dns=dnsmasq`, or the node should run dnsmasq, and it does not run, while somebody else \
            listens on that address and does not know the rules: `failed to create listening socket: Address already in use` \
            in the journal; `ss -lnup sport = :53` names the other one",
    mend: "stop the other program (`systemctl disable --now dnsmasq` of the distribution, libvirt's, named), then \
           `systemctl restart NetworkManager`, or dnsmasq on a node",
    stage: Stage::Reach,
    explains: &["split-dns-missing", "cluster-rule-missing"],
    find,
    ask: nothing_more,
};

/// Programs that the survey looks for.
const PROGRAMS: [&str; 6] = ["dnsmasq", "named", "unbound", "coredns", "systemd-resolved", "openshift"];

/// Who should stand at an address.
struct Wanted<'a> {
    who: &'static str,
    hop: &'a Hop,
    address: SocketAddr,
    /// Where it says so.
    rests: Vec<usize>,
}

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let machines = seen.evidence.places.iter().filter(|place| place.kind != PlaceKind::Pod);
    machines.filter_map(|place| judge(seen, place, wanted(seen, place)?)).collect()
}

fn wanted<'a>(seen: &Seen<'a>, place: &Place) -> Option<Wanted<'a>> {
    let tells = |text: &str| text.lines().any(|line| line.replace(' ', "").trim() == "dns=dnsmasq");
    let told = seen.files_below(&place.name, "/etc/NetworkManager/conf.d/").find(|(_, text)| tells(text));
    let (who, hop, rests) = if let Some((file, _)) = told {
        let here = |hop: &&Hop| hop.address.is_some_and(|address| address.ip().is_loopback());
        let hop = first_hops(seen, &place.name).into_iter().find(here)?;
        ("dnsmasq of NetworkManager", hop, vec![file.index])
    } else {
        let here = |hop: &&Hop| hop.node.is_some() && hop.node == place.node;
        let hop = seen.role(Role::Dnsmasq).find(here).filter(|_| place.kind == PlaceKind::Node)?;
        ("dnsmasq", hop, Vec::new())
    };
    Some(Wanted { who, hop, address: hop.address?, rests })
}

fn judge(seen: &Seen<'_>, place: &Place, wanted: Wanted<'_>) -> Option<Sign> {
    let processes: Vec<At<'_>> =
        seen.all().filter(|at| at.transport == Transport::Process && at.vantage == place.name).collect();
    let (runs, absent): (Vec<At<'_>>, Vec<At<'_>>) = processes.into_iter().partition(|at| at.error.is_none());
    let looked_for = runs.iter().chain(&absent).any(|at| at.name == "dnsmasq");
    let is_wanted = |at: &At<'_>| {
        at.name == "dnsmasq"
            && (wanted.rests.is_empty() || at.text.as_deref().is_some_and(|text| text.contains("NetworkManager")))
    };
    if !looked_for || runs.iter().any(is_wanted) {
        return None;
    }
    let (file, listener) = listener(seen, place, wanted.address)?;
    // The node process has its own place on loopback.
    let suspects = runs.iter().filter(|at| at.name != "openshift" || listener.ip() == wanted.address.ip());
    let named: Vec<String> = suspects.clone().filter_map(describe).collect();
    let lost = lost(seen, place, wanted.hop);
    let confidence = match named.len() {
        _ if lost.is_empty() => Confidence::Possible,
        1 => Confidence::Certain,
        _ => Confidence::Likely,
    };
    let who = if named.is_empty() { "a program that was not looked for".to_owned() } else { named.join(" or ") };
    let message = format!(
        "{} does not run on {}, and {listener} is taken by {who}, which does not know every name",
        wanted.who, place.name
    );
    let sign = Sign::new(&wanted.hop.id, confidence, message).resting_on(wanted.rests).resting_on([file]);
    let sign = sign.about(lost.iter().map(|at| at.name.clone())).resting_on(indexes(lost));
    Some(
        sign.resting_on(indexes(absent.into_iter().filter(|at| at.name == "dnsmasq")))
            .resting_on(indexes(suspects.copied())),
    )
}

/// Who listens where the resolver should.
fn listener(seen: &Seen<'_>, place: &Place, address: SocketAddr) -> Option<(usize, SocketAddr)> {
    let takes = |listener: &SocketAddr| *listener == address || listener.ip().is_unspecified();
    ["/proc/net/udp", "/proc/net/udp6"].iter().find_map(|path| {
        let (file, text) = seen.file(&place.name, path)?;
        Some((file.index, proc::udp_listeners(text, address.port()).into_iter().find(takes)?))
    })
}

/// Names that this hop does not answer as it should: somebody else knows them, or it says nothing at all.
fn lost<'a>(seen: &Seen<'a>, place: &Place, hop: &Hop) -> Vec<At<'a>> {
    let known = |at: &At<'a>| {
        let mut others =
            seen.queries().filter(|other| other.hop != hop.id && other.kind == "A" && other.name == at.name);
        others.any(|other| seen.is_right(&other))
    };
    let replies = seen.targets().filter_map(|target| seen.reply_at(&place.name, &hop.id, &target.name, "A"));
    replies.filter(|at| !seen.is_right(at) && (!at.replied() || known(at))).collect()
}

/// `dnsmasq (pid 812: dnsmasq -k)`.
fn describe(process: &At<'_>) -> Option<String> {
    let facts: Value = serde_json::from_str(process.text.as_deref()?).ok()?;
    let arguments: Vec<&str> = facts["arguments"].as_array()?.iter().filter_map(Value::as_str).collect();
    PROGRAMS
        .contains(&process.name.as_str())
        .then(|| format!("{} (pid {}: {})", process.name, facts["pid"], arguments.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::workstations::{CRC, CRC_API, crc_system};
    use super::super::fixtures::{OUTSIDE, openshift3};
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::{Observation, Trouble};

    /// The distribution's own dnsmasq has 127.0.0.1:53, and asks the router for everything.
    fn taken() -> Evidence {
        let mut evidence = crc_system();
        evidence.process("workstation", "dnsmasq", &["/usr/sbin/dnsmasq", "-k", "--conf-file=/etc/dnsmasq.conf"]);
        let crc = |at: &Observation| at.name == CRC || at.name == CRC_API;
        evidence.change("workstation-dns", crc, Observation::set_unknown_in_the_world);
        evidence
    }

    #[test]
    fn another_dnsmasq_on_the_port_is_blamed() {
        let signs = taken().signs("F55");
        assert_eq!(
            (signs.len(), signs[0].hop.as_str(), signs[0].confidence),
            (1, "workstation-dns", Confidence::Certain)
        );
        assert!(signs[0].message.contains("--conf-file=/etc/dnsmasq.conf"), "{}", signs[0].message);
        assert_eq!(taken().findings()[0].id, "F55");
    }

    #[test]
    fn another_program_on_a_node_is_blamed() {
        let mut evidence = openshift3();
        evidence.no_process("node1", "dnsmasq");
        evidence.process("node1", "named", &["/usr/sbin/named"]);
        evidence.change("dnsmasq", |at| at.name.ends_with("cluster.local"), Observation::set_unknown_in_the_world);
        let sign = &evidence.signs("F55")[0];
        assert_eq!(sign.hop, "dnsmasq");
        assert!(sign.message.contains("named (pid"), "{}", sign.message);
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut down = openshift3();
        down.no_process("node1", "dnsmasq");
        down.kernel("node1", &["127.0.0.1", "10.0.2.15"], &["127.0.0.1"]);
        down.change_all("dnsmasq", |at| at.set_trouble(Trouble::Refused));
        assert_eq!(down.signs("F55"), [], "F1: nobody listens");
        let mut without_rule = crc_system();
        without_rule.change("workstation-dns", |at| at.name == CRC, Observation::set_unknown_in_the_world);
        assert_eq!(without_rule.signs("F55"), [], "F56: the right dnsmasq runs");
        let mut works = crc_system();
        works.process("workstation", "dnsmasq", &["/usr/sbin/dnsmasq", "-k"]);
        for hop in ["workstation-dns", "upstream-1"] {
            works.change(hop, |at| at.name == OUTSIDE, Observation::set_unknown_in_the_world);
        }
        assert_eq!(works.signs("F55")[0].confidence, Confidence::Possible, "every name that there is is right");
    }
}
