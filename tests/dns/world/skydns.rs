//! SkyDNS of OpenShift 3 and the resolver of OpenShift Local's user mode: neither can be had here, so both are scripted, with the
//! flags, times to live and SOA records that the real ones are known by.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::op::ResponseCode;

use super::World;
use super::script::{Ask, Reply};

const DOMAIN: &str = "cluster.local";

/// What a SkyDNS knows of the cluster: its own copy, which may be old.
#[derive(Debug, Clone)]
pub(crate) struct SkyDns {
    services: Arc<Mutex<BTreeMap<String, IpAddr>>>,
}

impl SkyDns {
    /// With the Services that every cluster has.
    pub(crate) fn new() -> Self {
        let sky = Self { services: Arc::default() };
        sky.set("kubernetes.default", "172.30.0.1");
        sky.set("docker-registry.default", "172.30.91.7");
        sky
    }

    /// The same with one more Service (`NAME.NAMESPACE`).
    #[must_use]
    pub(crate) fn with(self, service: &str, address: &str) -> Self {
        self.set(service, address);
        self
    }

    /// Changes the address of a Service; the next query sees it.
    pub(crate) fn set(&self, service: &str, address: &str) {
        let name = format!("{service}.svc.{DOMAIN}");
        self.services.lock().unwrap().insert(name, address.parse().unwrap());
    }

    /// The reply of a real one.
    pub(crate) fn reply(&self, ask: &Ask) -> Reply {
        if ask.chaos {
            return about(ask);
        }
        if ask.kind == "ANY" {
            return ask.refused().flags(false, false);
        }
        if let Some(address) = reversed(&ask.name) {
            return self.reverse(ask, address);
        }
        if !ask.below(DOMAIN) {
            // With fewer than two labels it gives up; the rest it would forward.
            return ask.servfail();
        }
        let services = self.services.lock().unwrap();
        match services.get(&ask.name) {
            Some(address) if ask.kind == "A" => ask.noerror().flags(true, true).answer("A", &address.to_string(), 30),
            Some(_) => no_such(ask.noerror().flags(true, true)),
            None if services.keys().any(|name| name.ends_with(&format!(".{}", ask.name))) => {
                no_such(ask.noerror().flags(true, true))
            }
            None => no_such(ask.nxdomain().flags(false, false)),
        }
    }

    fn reverse(&self, ask: &Ask, address: IpAddr) -> Reply {
        let services = self.services.lock().unwrap();
        match services.iter().find(|(_, known)| **known == address) {
            Some((name, _)) if ask.kind == "PTR" => ask.noerror().flags(true, true).answer("PTR", name, 30),
            _ => Reply::silence(),
        }
    }
}

fn about(ask: &Ask) -> Reply {
    match ask.name.as_str() {
        "hostname.bind" => ask.noerror().flags(true, true).answer("TXT", "localhost", 0),
        "version.bind" => ask.noerror().flags(true, true).answer("TXT", "2.5.3a", 0),
        _ => ask.servfail(),
    }
}

/// Its SOA counts hours.
fn no_such(reply: Reply) -> Reply {
    let hour = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 3600 * 3600;
    let soa = format!("ns.dns.{DOMAIN} hostmaster.{DOMAIN} {hour} 28800 7200 604800 60");
    reply.soa(DOMAIN, &soa, 60)
}

/// The address in a name of the reverse tree.
fn reversed(name: &str) -> Option<IpAddr> {
    let labels: Vec<&str> = name.strip_suffix(".in-addr.arpa")?.rsplit('.').collect();
    labels.join(".").parse().ok()
}

/// The resolver of OpenShift Local's user mode, 192.168.127.1: zones of its own; any trouble upstream is NXDOMAIN without a SOA.
pub(crate) fn crc_user_mode(ask: &Ask, upstream: impl Fn(&Ask) -> Option<IpAddr>) -> Reply {
    let reply = |code| ask.reply(code).flags(false, true).without_opt();
    if ask.kind == "AAAA" || ask.kind == "PTR" {
        return reply(ResponseCode::NoError);
    }
    let own = match ask.name.as_str() {
        "host.crc.testing" => Some("192.168.127.254"),
        "gateway.crc.testing" => Some("192.168.127.1"),
        _ if ask.below("crc.testing") || ask.below("apps-crc.testing") => Some("192.168.127.2"),
        _ => None,
    };
    let address = own.map(|address| address.parse().unwrap()).or_else(|| upstream(ask));
    address.map_or_else(
        || reply(ResponseCode::NXDomain),
        |address| reply(ResponseCode::NoError).answer("A", &address.to_string(), 0),
    )
}

impl World {
    /// SkyDNS of a node's process, on 127.0.0.1:53 of that member.
    #[track_caller]
    pub(crate) fn skydns(&self, member: &str, sky: &SkyDns) {
        let sky = sky.clone();
        self.serve(member, "127.0.0.1:53", move |ask| sky.reply(ask));
    }
}
