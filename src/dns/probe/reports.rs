//! Understands silence by what else is known. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};

/// What is known of servers from this round and those before, to understand silence.
///
/// A kernel sends only about six ICMP errors at once to one asker, and one a second from then on: of many questions to a
/// port where nothing listens, the first few are refused, and the rest hears nothing.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    /// The ICMP error that stands for a server; `None` once it has replied to anything.
    by_server: BTreeMap<SocketAddr, Option<ProbeError>>,
}

impl Reports {
    pub(super) fn complete(&mut self, mut observation: Observation) -> Observation {
        let (Some(server), Transport::Udp) = (observation.server, observation.transport) else { return observation };
        let own_port = observation.source_port.is_some() && observation.group.is_none();
        match &observation.error {
            None => {
                self.by_server.insert(server, None);
            }
            Some(error) if error.kind == Trouble::Timeout => {
                if let Some(Some(known)) = self.by_server.get(&server) {
                    let detail = format!("nothing came, as others were answered with: {}", known.detail);
                    observation.error = Some(ProbeError { kind: known.kind, detail });
                }
            }
            Some(error) if error.detail.starts_with("ICMP") && !own_port => {
                self.by_server.entry(server).or_insert_with(|| Some(error.clone()));
            }
            Some(_) => {}
        }
        observation
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(error: Option<(Trouble, &str)>) -> Observation {
        let mut observation = Observation::blank("here", "a.test", "A", Transport::Udp);
        observation.server = "10.0.0.1:53".parse().ok();
        observation.error = error.map(|(kind, detail)| ProbeError { kind, detail: detail.to_owned() });
        observation
    }

    #[test]
    fn silence_beside_errors_is_the_same_error_unless_the_server_answers() {
        let (refused, silent) = ((Trouble::Refused, "ICMP port unreachable"), (Trouble::Timeout, "nothing came"));
        let mut reports = Reports::default();
        assert!(reports.complete(observation(Some(silent))).silent());
        reports.complete(observation(Some(refused)));
        assert!(reports.complete(observation(Some(silent))).met(Trouble::Refused));
        reports.complete(observation(None));
        assert!(reports.complete(observation(Some(silent))).silent());
        reports.complete(observation(Some(refused)));
        assert!(reports.complete(observation(Some(silent))).silent());
    }

    #[test]
    fn an_error_to_a_chosen_port_says_nothing_of_others() {
        let mut reports = Reports::default();
        let chosen =
            Observation { source_port: Some(900), ..observation(Some((Trouble::Refused, "ICMP port unreachable"))) };
        reports.complete(chosen);
        assert!(reports.complete(observation(Some((Trouble::Timeout, "nothing came")))).silent());
    }
}
