//! The path and what is known around it, as they are written and read. Pure.

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::dns::chain;

#[derive(Serialize, Deserialize)]
pub(super) struct Hop {
    id: String,
    role: chain::Role,
    vantage: String,
    address: Option<SocketAddr>,
    software: Option<String>,
    asked_from: Vec<String>,
    forwards: Vec<Forward>,
    node: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Forward {
    zones: Vec<String>,
    to: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Target {
    name: String,
    kind: chain::Kind,
    expected: Vec<IpAddr>,
    because: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Place {
    name: String,
    kind: chain::PlaceKind,
    how: String,
    pod: Option<String>,
    node: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Surroundings {
    pub(super) cluster_domain: String,
    pub(super) apps_domain: Option<String>,
    pub(super) router: Vec<IpAddr>,
}

impl From<&chain::Hop> for Hop {
    fn from(hop: &chain::Hop) -> Self {
        let chain::Hop { id, role, vantage, address, software, asked_from, forwards, node } = hop.clone();
        let forwards = forwards.into_iter().map(|chain::Forward { zones, to }| Forward { zones, to }).collect();
        Self { id, role, vantage, address, software, asked_from, forwards, node }
    }
}

impl From<Hop> for chain::Hop {
    fn from(hop: Hop) -> Self {
        let Hop { id, role, vantage, address, software, asked_from, forwards, node } = hop;
        let forwards = forwards.into_iter().map(|Forward { zones, to }| chain::Forward { zones, to }).collect();
        Self { id, role, vantage, address, software, asked_from, forwards, node }
    }
}

impl From<&chain::Target> for Target {
    fn from(target: &chain::Target) -> Self {
        let chain::Target { name, kind, expected, because } = target.clone();
        Self { name, kind, expected, because }
    }
}

impl From<Target> for chain::Target {
    fn from(target: Target) -> Self {
        let Target { name, kind, expected, because } = target;
        Self { name, kind, expected, because }
    }
}

impl From<&chain::Place> for Place {
    fn from(place: &chain::Place) -> Self {
        let chain::Place { name, kind, how, pod, node } = place.clone();
        Self { name, kind, how: super::super::mask::masked(&how), pod, node }
    }
}

impl From<Place> for chain::Place {
    fn from(place: Place) -> Self {
        let Place { name, kind, how, pod, node } = place;
        Self { name, kind, how, pod, node }
    }
}

impl From<&chain::Chain> for Surroundings {
    fn from(chain: &chain::Chain) -> Self {
        Self {
            cluster_domain: chain.cluster_domain.clone(),
            apps_domain: chain.apps_domain.clone(),
            router: chain.router.clone(),
        }
    }
}
