//! F49: a headless Service has no endpoint that is ready, so its name has no address.

use serde_json::Value;

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::{Role, Target};
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F49",
    code: "service-without-endpoints",
    title: "The headless Service has no ready endpoint, so its name has no address",
    shows: "NXDOMAIN or no data with the SOA of the cluster's domain while the Service exists with clusterIP None; its \
            EndpointSlices hold no address that is ready; the answer \"no\" is kept for 5 s (4.x) or 60 s (SkyDNS)",
    mend: "make a pod of the Service ready (`oc get endpointslices`, `oc describe pod`), or set \
           `publishNotReadyAddresses: true` where peers must find each other before they are ready",
    stage: Stage::Server,
    explains: &[],
    find,
    ask: nothing_more,
};

/// Where the negative answer is made, the likeliest first.
const AUTHORITIES: [Role; 4] = [Role::Coredns, Role::Node, Role::Master, Role::Dnsmasq];

/// `[ENDPOINT.]SERVICE.NAMESPACE`.
struct Name<'a> {
    endpoint: Option<&'a str>,
    service: &'a str,
    namespace: &'a str,
}

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.targets().filter_map(|target| of_target(seen, target)).collect()
}

fn of_target(seen: &Seen<'_>, target: &Target) -> Option<Sign> {
    let name = parse(&target.name, &seen.evidence.chain.cluster_domain)?;
    let (service, value) = seen.object(&format!("services/{}/{}", name.namespace, name.service))?;
    if value["spec"]["clusterIP"] != "None" || value["spec"]["publishNotReadyAddresses"] == true {
        return None;
    }
    let (ready, rests) = ready(seen, &name)?;
    if ready > 0 {
        return None;
    }
    let denied = |hop: &str| -> Vec<At<'_>> {
        let replies = seen.for_name(hop, &target.name, "A").filter(|at| at.replied());
        let replies: Vec<At<'_>> = replies.collect();
        if replies.iter().all(|at| at.said("NXDOMAIN") || at.no_data()) { replies } else { Vec::new() }
    };
    let hops = AUTHORITIES.iter().flat_map(|role| seen.role(*role));
    let (hop, replies) = hops.map(|hop| (hop, denied(&hop.id))).find(|(_, replies)| !replies.is_empty())?;
    let message = format!(
        "{} of Service {}/{} is ready, which has no address of its own: {} says {} for {}",
        name.endpoint.map_or_else(|| "no endpoint".to_owned(), |endpoint| format!("no endpoint `{endpoint}`")),
        name.namespace,
        name.service,
        hop.id,
        if replies[0].said("NXDOMAIN") { "NXDOMAIN" } else { "that there is no address" },
        target.name,
    );
    let sign = Sign::new(&hop.id, Confidence::Certain, message).about([target.name.as_str()]);
    Some(sign.resting_on(indexes(replies)).resting_on(rests).resting_on([service.index]))
}

fn parse<'a>(name: &'a str, domain: &str) -> Option<Name<'a>> {
    let labels: Vec<&str> = name.strip_suffix(domain)?.strip_suffix(".svc.")?.split('.').collect();
    match labels[..] {
        [service, namespace] => Some(Name { endpoint: None, service, namespace }),
        [endpoint, service, namespace] => Some(Name { endpoint: Some(endpoint), service, namespace }),
        _ => None,
    }
}

/// How many endpoints of this name are ready, and where that was seen; `None` when nobody looked.
fn ready(seen: &Seen<'_>, name: &Name<'_>) -> Option<(usize, Vec<usize>)> {
    let fits = |endpoint: &&Value| name.endpoint.is_none_or(|wanted| endpoint["hostname"] == wanted);
    let (mut count, mut rests) = (0, Vec::new());
    for (at, slice) in seen.objects(&format!("endpointslices/{}/", name.namespace)) {
        let of = slice.pointer("/metadata/labels/kubernetes.io~1service-name").and_then(Value::as_str);
        if of == Some(name.service) {
            let ready = |endpoint: &&Value| endpoint["conditions"]["ready"] != false;
            count += list(&slice["endpoints"]).filter(fits).filter(ready).count();
            rests.push(at.index);
        }
    }
    if let (true, Some((at, object))) =
        (rests.is_empty(), seen.object(&format!("endpoints/{}/{}", name.namespace, name.service)))
    {
        count = list(&object["subsets"]).flat_map(|subset| list(&subset["addresses"])).filter(fits).count();
        rests.push(at.index);
    }
    (!rests.is_empty()).then_some((count, rests))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::fixtures::{flags, openshift3, openshift4};
    use crate::dns::classify::Confidence;
    use crate::dns::evidence::Evidence;

    const NAME: &str = "db-0.db.shop.svc.cluster.local";
    const SOA: (&str, &str) = ("cluster.local", "ns.dns.cluster.local hostmaster.cluster.local 1 7200 1800 86400 5");

    fn denied(mut evidence: Evidence, hops: &[&str], cluster_ip: &str) -> Evidence {
        evidence.targets[0].name = NAME.to_owned();
        for hop in hops {
            let mut reply = evidence.question("node1", hop, NAME, "A");
            reply.set_negative("NXDOMAIN", Some(SOA), flags("aa"));
            evidence.put(reply);
        }
        evidence.object("services/shop/db", &json!({ "spec": { "clusterIP": cluster_ip } }));
        evidence
    }

    fn slice(evidence: &mut Evidence, ready: bool) {
        let slice: Value = json!({
            "metadata": { "labels": { "kubernetes.io/service-name": "db" } },
            "endpoints": [
                { "hostname": "db-0", "addresses": ["10.128.0.9"], "conditions": { "ready": ready } },
                { "hostname": "db-1", "addresses": ["10.128.0.10"], "conditions": { "ready": true } },
            ],
        });
        evidence.object("endpointslices/shop/db-x7", &slice);
    }

    #[test]
    fn an_endpoint_that_is_not_ready_is_told() {
        let mut evidence = denied(openshift4(), &["coredns"], "None");
        slice(&mut evidence, false);
        let signs = evidence.signs("F49");
        assert_eq!((signs.len(), signs[0].hop.as_str(), signs[0].confidence), (1, "coredns", Confidence::Certain));
        assert!(signs[0].message.contains("no endpoint `db-0`"), "{}", signs[0].message);
    }

    #[test]
    fn old_endpoints_tell_it_too() {
        let mut evidence = denied(openshift3(), &["dnsmasq", "node"], "None");
        let endpoints = json!({ "subsets": [{ "notReadyAddresses": [{ "ip": "10.128.0.9", "hostname": "db-0" }] }] });
        evidence.object("endpoints/shop/db", &endpoints);
        assert_eq!(evidence.signs("F49")[0].hop, "node");
    }

    #[test]
    fn neighbours_are_left_alone() {
        let mut ready = denied(openshift4(), &["coredns"], "None");
        slice(&mut ready, true);
        assert_eq!(ready.signs("F49"), [], "F43, F35: CoreDNS is behind");
        let mut with_address = denied(openshift4(), &["coredns"], "172.30.7.7");
        slice(&mut with_address, false);
        assert_eq!(with_address.signs("F49"), [], "a name with an address of its own needs no endpoint");
        let unknown = denied(openshift4(), &["coredns"], "None");
        assert_eq!(unknown.signs("F49"), [], "nobody saw its endpoints");
    }
}
