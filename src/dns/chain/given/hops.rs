//! Hops of a chain file: clients and servers, whom they ask, from where they are asked. Pure.

use std::net::{IpAddr, SocketAddr};

use super::{At, Fault, Written, WrittenHop, WrittenVantage, fault};
use crate::dns::chain::{Forward, Hop, PlaceKind, Role};

/// A vantage as the start of a path.
pub(super) fn client(written: &Written, vantage: &WrittenVantage) -> Result<Hop, Fault> {
    Ok(Hop {
        id: vantage.name.clone(),
        role: Role::Client,
        vantage: vantage.name.clone(),
        address: None,
        software: None,
        asked_from: Vec::new(),
        forwards: vec![Forward { zones: vec![".".to_owned()], to: known(written, &vantage.asks)? }],
        node: vantage.node.clone(),
    })
}

/// A resolver.
pub(super) fn server(written: &Written, hop: &At<WrittenHop>) -> Result<Hop, Fault> {
    let At { value, at } = hop;
    if value.role == Role::Client {
        let hint = "a vantage is a client already: say there whom it `asks`";
        return fault(*at, format!("hop `{}` cannot be a client", value.id), hint);
    }
    let address = address(&value.address)?;
    let mut forwards = Vec::new();
    for (zones, to) in &value.forwards {
        if zones.is_empty() || to.is_empty() {
            let hint = "a rule is `zones: [ZONE, ...]` and `to: [ID, ...]`; `.` is every zone";
            return fault(*at, format!("a rule of hop `{}` is empty", value.id), hint);
        }
        forwards.push(Forward { zones: zones.clone(), to: known(written, to)? });
    }
    let asked_from = asked_from(written, hop, address)?;
    Ok(Hop {
        id: value.id.clone(),
        role: value.role,
        vantage: asked_from.first().cloned().unwrap_or_default(),
        address: Some(address),
        software: value.software.clone(),
        asked_from,
        forwards,
        node: value.node.clone(),
    })
}

fn address(given: &At<String>) -> Result<SocketAddr, Fault> {
    let text = given.value.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let read = text.parse().ok().or_else(|| bare.parse().ok().map(|ip: IpAddr| SocketAddr::new(ip, 53)));
    match read {
        Some(address) if address.port() != 0 && !address.ip().is_unspecified() => Ok(address),
        _ => fault(
            given.at,
            format!("`{}` is no address of a server", text.chars().take(80).collect::<String>().escape_debug()),
            "write 10.0.2.15, 10.128.0.5:5353, fd00::1 or [fd00::1]:5353",
        ),
    }
}

/// The vantages that can ask a hop: as it is said, else all; a loopback address can be asked on its own machine only.
fn asked_from(written: &Written, hop: &At<WrittenHop>, address: SocketAddr) -> Result<Vec<String>, Fault> {
    let vantages = || written.vantages.iter().map(|vantage| &vantage.value);
    if let Some(given) = &hop.value.asked_from {
        for At { value, at } in given {
            if !vantages().any(|vantage| vantage.name == *value) {
                let hint =
                    format!("the vantages are {}", vantages().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", "));
                return fault(*at, format!("there is no vantage `{}`", value.escape_debug()), hint);
            }
        }
        return Ok(given.iter().map(|name| name.value.clone()).collect());
    }
    let asks = |vantage: &WrittenVantage| vantage.asks.iter().any(|id| id.value == hop.value.id);
    let is_there = |vantage: &WrittenVantage| match &hop.value.node {
        Some(node) => vantage.node.as_ref() == Some(node) || vantage.name == *node,
        None => vantage.kind == PlaceKind::Node,
    };
    let near = |vantage: &&WrittenVantage| {
        !address.ip().is_loopback() || asks(vantage) || (vantage.kind != PlaceKind::Pod && is_there(vantage))
    };
    let found: Vec<String> = vantages().filter(near).map(|vantage| vantage.name.clone()).collect();
    if found.is_empty() {
        let hint = "say it: `asked-from: [VANTAGE]`, or `asked-from: []` where nobody can";
        let message = format!("hop `{}` has a loopback address, and no vantage is on its machine", hop.value.id);
        return fault(hop.at, message, hint);
    }
    Ok(found)
}

/// The hops of these ids.
fn known(written: &Written, ids: &[At<String>]) -> Result<Vec<String>, Fault> {
    let all = || written.hops.iter().map(|hop| hop.value.id.as_str());
    for At { value, at } in ids {
        if !all().any(|id| id == value) {
            let hint = format!("the hops are {}", all().collect::<Vec<_>>().join(", "));
            return fault(*at, format!("there is no hop `{}`", value.escape_debug()), hint);
        }
    }
    Ok(ids.iter().map(|id| id.value.clone()).collect())
}
