//! F53: a resolver outside of the cluster throws private addresses away, so names like `app.192.168.64.2.nip.io` have none.

use super::embedded::{ask, controls, denies, outside_hops, private_targets};
use super::{Mode, Stage};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::{At, Seen};

pub(super) static MODE: Mode = Mode {
    id: "F53",
    code: "nip-io-blocked",
    title: "A resolver throws away answers that hold private addresses, so nip.io names of this cluster have none",
    shows: "names with a private address in them (192.168.64.2.nip.io) get NOERROR without records, NXDOMAIN or REFUSED from \
            the router or a filter, while 8.8.8.8.nip.io resolves there, and other resolvers give both (DNS rebind protection)",
    mend: "except the domain on the router (dnsmasq `rebind-domain-ok=/nip.io/`, unbound `private-domain: nip.io`), ask \
           another resolver, write the names into /etc/hosts, or choose another suffix (`minishift start --routing-suffix`)",
    stage: Stage::Next,
    explains: &["rebind-blocked"],
    find,
    ask,
};

/// Extended errors: blocked, censored, filtered, prohibited.
const BLOCKED: [u16; 4] = [15, 16, 17, 18];

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    let mut signs = Vec::new();
    for (name, domain) in private_targets(seen) {
        let lost = |hop: &Hop| seen.reply(&hop.id, name, "A").filter(denies);
        // Who asks a resolver that blocks has nothing to give either: the last one on the path is to blame.
        let is_last = |hop: &&Hop| !seen.asks_for(hop, name).iter().any(|next| lost(next).is_some());
        let guilty = outside_hops(seen).filter(|hop| lost(hop).is_some()).filter(is_last);
        signs.extend(guilty.filter_map(|hop| judge(seen, hop, name, domain, lost(hop)?)));
    }
    signs
}

fn judge(seen: &Seen<'_>, hop: &Hop, name: &str, domain: &str, lost: At<'_>) -> Option<Sign> {
    let (private, public) = controls(seen, &hop.id, domain);
    let said_so = lost.ede.iter().any(|error| BLOCKED.contains(&error.code));
    let emptied = lost.no_data() && lost.soa().is_none();
    let (confidence, beside) = match (private, public) {
        (Some(private), Some(public)) if public.has_answer() && denies(&private) => {
            (Confidence::Certain, format!(", nor for {}, while {} resolves there", private.name, public.name))
        }
        (_, Some(public)) if public.replied() => return None,
        _ if said_so || emptied => (Confidence::Likely, String::new()),
        _ => (Confidence::Possible, String::new()),
    };
    let code = match lost.rcode.as_deref() {
        Some("NOERROR") => "NOERROR without a record".to_owned(),
        code => code.unwrap_or_default().to_owned(),
    };
    let error = lost.ede.first().map(|error| format!(", extended error {}", error.code)).unwrap_or_default();
    let address = hop.address.map(|address| format!(" ({address})")).unwrap_or_default();
    let message = format!("{}{address} gives no address for {name} ({code}{error}){beside}", hop.id);
    let rests = [Some(lost), private, public].into_iter().flatten().map(|at| at.index);
    Some(Sign::new(&hop.id, confidence, message).about([name]).resting_on(rests))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{
        flags,
        workstations::{NIP, minishift},
    };
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;
    use crate::dns::observation::Observation;
    use crate::dns::seen::Seen;

    /// stub -> router; the router empties private answers.
    fn blocked() -> Evidence {
        let mut evidence = minishift();
        for hop in ["workstation-dns", "upstream-1"] {
            evidence.change(
                hop,
                |at| at.name == NIP && at.kind == "A",
                |at| {
                    at.set_negative("NOERROR", None, flags("ra"));
                    at.set_ede(15);
                },
            );
        }
        evidence
    }

    fn control(evidence: &mut Evidence, address: &str, change: impl Fn(&mut Observation)) {
        let mut reply = evidence.question("workstation", "upstream-1", &format!("{address}.nip.io"), "A").again();
        change(&mut reply);
        evidence.put(reply);
    }

    #[test]
    fn the_router_that_empties_private_answers_is_blamed() {
        let mut evidence = blocked();
        let signs = evidence.signs("F53");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "upstream-1", Confidence::Likely));
        assert!((super::MODE.ask)(&Seen::new(&evidence)).iter().any(|(_, asked)| asked.name == "8.8.8.8.nip.io"));
        control(&mut evidence, "8.8.8.8", |at| at.set_answer(&["8.8.8.8"], 60, flags("ra")));
        control(&mut evidence, "10.0.0.1", |at| at.set_negative("NOERROR", None, flags("ra")));
        let sign = &evidence.signs("F53")[0];
        assert_eq!(sign.confidence, Confidence::Certain);
        assert!(sign.message.contains("nor for 10.0.0.1.nip.io, while 8.8.8.8.nip.io resolves"), "{}", sign.message);
    }

    #[test]
    fn the_stub_is_blamed_where_the_router_answers() {
        let mut evidence = blocked();
        evidence.change(
            "upstream-1",
            |at| at.name == NIP && at.kind == "A",
            |at| at.set_answer(&["192.168.64.2"], 60, flags("ra")),
        );
        assert_eq!(evidence.signs("F53")[0].hop, "workstation-dns");
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut filtered = blocked();
        for address in ["8.8.8.8", "10.0.0.1"] {
            control(&mut filtered, address, |at| at.set_negative("NOERROR", None, flags("ra")));
        }
        assert_eq!(filtered.signs("F53"), [], "F54: the whole domain is filtered");
        let mut silent = minishift();
        silent.change_all("upstream-1", Observation::set_silent);
        silent.change_all("workstation-dns", Observation::set_silent);
        assert_eq!(silent.signs("F53"), [], "F54: offline");
    }
}
