//! F52: the Corefile is not what the DNS operator would write.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Role, is_below};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::files::corefile::{Block, Corefile, ForwardTo, Upstream};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F52",
    code: "corefile-drifted",
    title: "The Corefile is not what the DNS operator's spec says",
    shows: "servers or upstreams stand in dns.operator/default and not in ConfigMap openshift-dns/dns-default, or the other way \
            round: managementState is Unmanaged and somebody edited, or the operator does not get to write",
    mend: "put the change into `oc edit dns.operator/default` (spec.servers, spec.upstreamResolvers) and set its \
           managementState to Managed; a Corefile edited by hand is overwritten then",
    stage: Stage::Next,
    explains: &["zone-forward-fails", "upstream-silent"],
    find,
    ask: nothing_more,
};

/// What the operator writes into its blocks.
const PLUGINS: [&str; 12] = [
    "bufsize",
    "errors",
    "log",
    "health",
    "ready",
    "kubernetes",
    "prometheus",
    "forward",
    "cache",
    "reload",
    "proxy",
    "chaos",
];
/// The node's own servers.
const NODE_FILE: &str = "/etc/resolv.conf";

/// Whom a zone's names are sent to: addresses, or the node's file.
type Rules = BTreeMap<String, BTreeSet<String>>;

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    judge(seen).into_iter().collect()
}

fn judge(seen: &Seen<'_>) -> Option<Sign> {
    let (operator, spec) = seen.object("dnses.operator.openshift.io/default")?;
    let (map, config) = seen.object("configmaps/openshift-dns/dns-default")?;
    let corefile = Corefile::parse(config["data"]["Corefile"].as_str()?);
    let (drift, zones) = drift(&spec["spec"], &corefile);
    if drift.is_empty() {
        return None;
    }
    let unmanaged = spec["spec"]["managementState"] == "Unmanaged";
    let lost: Vec<At<'_>> = failing(seen, &zones);
    // A Corefile that was changed on purpose and works is nobody's fault.
    let confidence = match unmanaged {
        _ if lost.is_empty() => Confidence::Possible,
        true => Confidence::Certain,
        false => Confidence::Likely,
    };
    let state = if unmanaged { "Unmanaged" } else { "Managed" };
    let message = format!("the DNS operator is {state}, and the Corefile differs from its spec: {}", drift.join("; "));
    let hop = seen.role(Role::Coredns).next()?;
    let sign = Sign::new(&hop.id, confidence, message).about(lost.iter().map(|at| at.name.clone()));
    Some(sign.resting_on([operator.index, map.index]).resting_on(indexes(lost)))
}

/// Names of these zones that CoreDNS does not answer.
fn failing<'a>(seen: &Seen<'a>, zones: &BTreeSet<String>) -> Vec<At<'a>> {
    let names = seen.outside_names().into_iter().filter(|name| zones.iter().any(|zone| is_below(name, zone)));
    let hops: Vec<&str> = seen.role(Role::Coredns).map(|hop| hop.id.as_str()).collect();
    let asked = names.flat_map(|name| hops.iter().filter_map(move |hop| seen.reply(hop, name, "A")));
    asked.filter(|at| !seen.is_right(at)).collect()
}

/// In how far they differ, in words, and in which zones.
fn drift(spec: &Value, corefile: &Corefile) -> (Vec<String>, BTreeSet<String>) {
    let (wanted, real) = (wanted(spec), real(corefile));
    let mut words = Vec::new();
    let mut zones = BTreeSet::new();
    for zone in wanted.keys().chain(real.keys()).collect::<BTreeSet<_>>() {
        let told = match (wanted.get(zone), real.get(zone)) {
            (Some(wanted), None) => format!("`{zone}` is to go to {} and has no block", list(wanted)),
            (None, Some(real)) => format!("`{zone}` goes to {} and is not in the spec", list(real)),
            (Some(wanted), Some(real)) if wanted != real => {
                format!("`{zone}` goes to {}, and the spec says {}", list(real), list(wanted))
            }
            _ => continue,
        };
        words.push(told);
        zones.insert(zone.clone());
    }
    for block in &corefile.blocks {
        let foreign = block.plugins.iter().filter(|plugin| !PLUGINS.contains(&plugin.name.as_str()));
        for plugin in foreign {
            words.push(format!(
                "line {} has the plugin `{}`, which the operator does not write",
                plugin.line, plugin.name
            ));
            zones.extend(block.zones.iter().map(|zone| zone.name.clone()));
        }
    }
    (words, zones)
}

/// What the spec says.
fn wanted(spec: &Value) -> Rules {
    let mut rules = Rules::new();
    for server in items(&spec["servers"]) {
        let forward = &server["forwardPlugin"];
        let tls = forward["transportConfig"]["transport"] == "TLS";
        let to: BTreeSet<String> =
            items(&forward["upstreams"]).filter_map(|to| Some(with_port(to.as_str()?, tls))).collect();
        let zones = items(&server["zones"]).filter_map(Value::as_str);
        rules.extend(zones.map(|zone| (trimmed(zone), to.clone())));
    }
    let resolvers = &spec["upstreamResolvers"];
    let tls = resolvers["transportConfig"]["transport"] == "TLS";
    let upstream = |one: &Value| match one["address"].as_str() {
        Some(address) => {
            let port =
                one["port"].as_u64().filter(|port| *port != 0).map(|port| format!(":{port}")).unwrap_or_default();
            with_port(&format!("{}{port}", bracketed(address)), tls)
        }
        None => NODE_FILE.to_owned(),
    };
    let mut to: BTreeSet<String> = items(&resolvers["upstreams"]).map(upstream).collect();
    if to.is_empty() {
        to.insert(NODE_FILE.to_owned());
    }
    rules.entry(".".to_owned()).or_insert(to);
    rules
}

/// What the Corefile says.
fn real(corefile: &Corefile) -> Rules {
    let mut rules = Rules::new();
    for block in &corefile.blocks {
        for forward in block.forwards() {
            let to: BTreeSet<String> = forward.to.iter().map(word).collect();
            rules.extend(zones(block, &forward).into_iter().map(|zone| (trimmed(&zone), to.clone())));
        }
        // Up to 4.1 it was called `proxy`.
        for proxy in block.plugins.iter().filter(|plugin| plugin.name == "proxy") {
            let to = proxy
                .arguments
                .iter()
                .skip(1)
                .map(|to| if to.starts_with('/') { to.clone() } else { with_port(to, false) });
            rules.insert(trimmed(proxy.arguments.first().map_or(".", String::as_str)), to.collect());
        }
    }
    rules
}

fn zones(block: &Block, forward: &ForwardTo) -> Vec<String> {
    if forward.zone == "." {
        block.zones.iter().map(|zone| zone.name.clone()).collect()
    } else {
        vec![forward.zone.clone()]
    }
}

fn word(upstream: &Upstream) -> String {
    match upstream {
        Upstream::Server { address, .. } => address.to_string(),
        Upstream::File(text) | Upstream::Unknown(text) => text.clone(),
    }
}

/// An address and its port, as a socket address is written.
fn with_port(text: &str, tls: bool) -> String {
    let port = if tls { 853 } else { 53 };
    match text.parse::<std::net::IpAddr>() {
        Ok(address) => std::net::SocketAddr::new(address, port).to_string(),
        Err(_) if text.starts_with('[') && text.ends_with(']') => format!("{text}:{port}"),
        Err(_) => text.to_owned(),
    }
}

fn bracketed(address: &str) -> String {
    if address.contains(':') { format!("[{address}]") } else { address.to_owned() }
}

fn trimmed(zone: &str) -> String {
    let trimmed = zone.trim_matches('.').to_ascii_lowercase();
    if trimmed.is_empty() { ".".to_owned() } else { trimmed }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn list(words: &BTreeSet<String>) -> String {
    words.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixtures::{OUTSIDE, flags, openshift4};
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;

    const COREFILE: &str = "corp.example:5353 {\n    prometheus 127.0.0.1:9153\n    forward . 10.1.1.1:53 10.1.1.2 {\n        policy random\n    }\n\
        errors\n    bufsize 1232\n    cache 900 {\n        denial 9984 30\n    }\n}\n\
        .:5353 {\n    bufsize 1232\n    errors\n    log . {\n        class error\n    }\n    health {\n        lameduck 20s\n    }\n    ready\n    \
        kubernetes cluster.local in-addr.arpa ip6.arpa {\n        pods insecure\n        fallthrough in-addr.arpa ip6.arpa\n    }\n    \
        prometheus 127.0.0.1:9153\n    forward . /etc/resolv.conf {\n        policy sequential\n    }\n    cache 900 {\n        denial 9984 30\n    }\n    reload\n}\n\
        hostname.bind:5353 {\n    chaos\n}\n";

    fn evidence(spec: &Value, corefile: &str) -> Evidence {
        let mut evidence = openshift4();
        evidence.object("dnses.operator.openshift.io/default", &json!({ "spec": spec }));
        evidence.object("configmaps/openshift-dns/dns-default", &json!({ "data": { "Corefile": corefile } }));
        evidence
    }

    fn spec(state: &str) -> Value {
        let upstreams = ["10.1.1.2", "10.1.1.1:53"];
        let server = json!({ "name": "corp", "zones": ["corp.example."], "forwardPlugin": { "upstreams": upstreams } });
        json!({ "managementState": state, "servers": [server], "upstreamResolvers": { "upstreams": [{ "type": "SystemResolvConf", "port": 53 }] } })
    }

    #[test]
    fn what_the_operator_writes_is_no_drift() {
        assert_eq!(evidence(&spec("Managed"), COREFILE).signs("F52"), []);
        assert_eq!(evidence(&spec("Unmanaged"), COREFILE).signs("F52"), []);
    }

    #[test]
    fn an_edited_corefile_under_which_names_fail_is_blamed() {
        let edited = COREFILE.replace("/etc/resolv.conf", "10.7.7.7");
        let mut evidence = evidence(&spec("Unmanaged"), &edited);
        let signs = evidence.signs("F52");
        assert_eq!((signs.len(), signs[0].confidence), (1, Confidence::Possible), "it works");
        evidence.change_all("coredns", |at| {
            if at.name == OUTSIDE {
                at.set_rcode("SERVFAIL", flags(""));
            }
        });
        let sign = &evidence.signs("F52")[0];
        assert_eq!((sign.hop.as_str(), sign.confidence), ("coredns", Confidence::Certain));
        assert!(sign.message.contains("10.7.7.7:53, and the spec says /etc/resolv.conf"), "{}", sign.message);
    }

    #[test]
    fn a_zone_that_never_came_into_the_corefile_is_told() {
        let blocks = COREFILE.split_once(".:5353").unwrap().1;
        let sign = &evidence(&spec("Managed"), &format!(".:5353{blocks}")).signs("F52")[0];
        assert!(
            sign.message.contains("`corp.example` is to go to 10.1.1.1:53, 10.1.1.2:53 and has no block"),
            "{}",
            sign.message
        );
        let extra = COREFILE.replace("    ready\n", "    ready\n    hosts {\n        10.0.0.1 a.example\n    }\n");
        assert!(evidence(&spec("Managed"), &extra).signs("F52")[0].message.contains("the plugin `hosts`"));
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut failing = evidence(&spec("Unmanaged"), COREFILE);
        failing.change_all("coredns", |at| {
            if at.name == OUTSIDE {
                at.set_rcode("SERVFAIL", flags(""));
            }
        });
        assert_eq!(failing.signs("F52"), [], "F36, F42: the Corefile is as it should be");
        let plain = evidence(&json!({}), &COREFILE[COREFILE.find(".:5353").unwrap()..]);
        assert_eq!(plain.signs("F52"), [], "an empty spec means the node's servers");
    }
}
