//! Understands silence by what else is known. Pure.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::dns::observation::{Observation, ProbeError, Transport, Trouble};

/// What is known of servers in this round, to understand silence.
///
/// A kernel sends only about six ICMP errors at once to one asker, and one a second from then on: of many questions to a
/// port where nothing listens, the first few are refused, and the rest hears nothing.
#[derive(Default)]
pub(super) struct Reports {
    /// The ICMP error that stands for a server; `None` once it has replied to anything.
    by_server: BTreeMap<SocketAddr, Option<ProbeError>>,
}

impl Reports {
    pub(super) fn complete(&mut self, mut observation: Observation) -> Observation {
        let (Some(server), Transport::Udp) = (observation.server, observation.transport) else { return observation };
        let own_port = observation.source_port.is_some();
        match &observation.error {
            None => {
                self.by_server.insert(server, None);
            }
            Some(error) if error.kind == Trouble::Timeout => {
                if let Some(Some(known)) = self.by_server.get(&server).filter(|_| !own_port) {
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
