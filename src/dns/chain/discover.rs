//! From what the survey saw to a chain. Takes files, processes and objects as observations; returns hops. Pure.
//!
//! Objects of the API say most, files of the vantages say the rest; what neither says is named in `unseen`.

mod builder;
mod coredns;
mod facts;
mod node;

use super::{Chain, Place, PlaceKind, Platform, Target};
use crate::dns::evidence::Evidence;
use crate::dns::seen::Seen;
use builder::Builder;

/// Finds the chain in what the survey saw.
pub fn discover(evidence: &Evidence) -> Chain {
    let seen = Seen::new(evidence);
    let mut builder = Builder::new(Seen::new(evidence));
    let mut chain = Chain {
        platform: facts::platform(&seen),
        cluster_domain: facts::cluster_domain(&seen),
        apps_domain: facts::apps_domain(&seen),
        router: facts::router(&seen),
        ..Chain::default()
    };
    for place in &evidence.places {
        builder.client(&chain, place);
    }
    match chain.platform {
        Platform::OpenShift3 => node::openshift3(&mut builder, &chain),
        Platform::OpenShift4 | Platform::Crc | Platform::MicroShift | Platform::Kubernetes => {
            coredns::cluster(&mut builder, &chain);
        }
        Platform::Minishift => node::minishift(&mut builder, &chain),
        Platform::None => {}
    }
    for place in evidence.places.iter().filter(|place| place.kind == PlaceKind::Workstation) {
        node::workstation(&mut builder, place, &evidence.targets);
    }
    (chain.hops, chain.unseen) = builder.finish();
    chain
}

/// Fills in the addresses that names should have, where the cluster says them.
pub fn expect(evidence: &mut Evidence) {
    let expected: Vec<Option<(Vec<std::net::IpAddr>, String)>> = {
        let seen = Seen::new(evidence);
        evidence.targets.iter().map(|target| facts::expected(&seen, target)).collect()
    };
    for (target, expected) in evidence.targets.iter_mut().zip(expected) {
        if let (true, Some((addresses, because))) = (target.expected.is_empty(), expected) {
            target.expected = addresses;
            target.because = Some(because);
        }
    }
}

fn is_target_below(targets: &[Target], zone: &str) -> bool {
    targets.iter().any(|target| super::is_below(&target.name, zone))
}

fn node_place<'a>(places: &'a [Place], node: Option<&str>) -> Option<&'a Place> {
    let mut nodes = places.iter().filter(|place| place.kind == PlaceKind::Node);
    match node {
        Some(node) => {
            let mut same = nodes.clone().filter(|place| place.node.as_deref() == Some(node) || place.name == node);
            same.next().or_else(|| nodes.find(|place| place.node.is_none()))
        }
        None => nodes.next(),
    }
}
