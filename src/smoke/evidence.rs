//! A second look at what stopped a check before the emulator was reached. Does network IO.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use futures::future::join_all;
use http::{Request, Uri, uri::Scheme};
use hyper::body::Bytes;

use super::{
    diagnose::{Failure, ask_dns, is_router_page},
    dial::Origin,
    options::host_of,
    run::Run,
    shared::Shared,
};
use crate::finding::{Phase, code};

/// The failure, or a better one where a second look explains it.
pub(super) async fn look_closer(run: &Run, failure: Failure) -> Failure {
    let is_page = [code::ROUTE_UNKNOWN, code::ROUTE_NO_ENDPOINTS].contains(&failure.finding.code);
    if is_page && let Some(better) = other_scheme(run).await {
        return better;
    }
    let is_before = failure.phase > Phase::Resolve && failure.phase <= Phase::Route;
    let is_foreign = is_before || failure.finding.code == code::BAD_ANSWER;
    if is_foreign && let Some(better) = other_address(run, &failure).await {
        return better;
    }
    doubt_address(run, failure)
}

/// Nobody at the address that DNS gave: perhaps it is not the router's.
fn doubt_address(run: &Run, mut failure: Failure) -> Failure {
    let nobody = [code::CONNECT_REFUSED, code::CONNECT_TIMEOUT, code::CONNECT_FAILED].contains(&failure.finding.code);
    let host = host_of(run.url()).filter(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_err());
    if let Some(host) = host.filter(|_| nobody && run.shared.network.asks_names()) {
        failure.finding.hint =
            format!("{}; {}", failure.finding.hint, ask_dns(&host, run.shared.options.env.as_deref()));
    }
    failure
}

/// A router shows the page for unknown hosts also to http where a Route speaks https only, and the other way round.
async fn other_scheme(run: &Run) -> Option<Failure> {
    let mut parts = run.url().parse::<Uri>().ok()?.into_parts();
    let is_https = parts.scheme == Some(Scheme::HTTPS);
    let (asked, other) = if is_https { ("https", "http") } else { ("http", "https") };
    parts.scheme = Some(if is_https { Scheme::HTTP } else { Scheme::HTTPS });
    let url = Uri::from_parts(parts).ok()?;
    let host = url.host()?.to_owned();
    let answer = run.connector.look(Request::get(url).body(Bytes::new()).ok()?).await.ok()?;
    let status = answer.status().as_u16();
    if is_router_page(status, answer.body()) {
        return None;
    }
    let hint = if is_https {
        "the Route has no TLS: use the http endpoint, or `lsdeploy up --tls edge`"
    } else {
        "use the https endpoint, or let the Route take http too: `lsdeploy up --tls edge`"
    };
    Some(Failure::new(
        Phase::Route,
        code::ROUTE_SCHEME,
        format!(
            "the router knows {host} by {other} only: {asked} shows its 503 page, {other} is answered (HTTP {status})"
        ),
        hint,
    ))
}

/// Routes of one router share its addresses: a name that leads elsewhere than all the others is wrong.
async fn other_address(run: &Run, failure: &Failure) -> Option<Failure> {
    let origin = Origin::of(&run.url().parse().ok()?).ok()?;
    let network = &run.shared.network;
    if !network.asks_names() || network.proxy(&origin).is_some() {
        return None;
    }
    let known = run.shared.addresses.get_or_init(|| look_up(&run.shared)).await;
    let host = host_of(run.url())?;
    let own = known.get(&host)?;
    let others: Vec<_> = known.iter().filter(|(other, _)| **other != host).map(|(_, addresses)| addresses).collect();
    let agreed = others.first().filter(|first| others.len() > 1 && others.iter().all(|other| other == *first))?;
    if !own.is_disjoint(agreed) {
        return None;
    }
    Some(Failure::new(
        failure.phase,
        code::WRONG_ADDRESS,
        format!(
            "{host} leads to {}, while the other {} hosts of this run lead to {}: {}",
            list(own),
            others.len(),
            list(agreed),
            failure.finding.message
        ),
        format!("the name has a wrong address here; {}", ask_dns(&host, run.shared.options.env.as_deref())),
    ))
}

async fn look_up(shared: &Shared) -> BTreeMap<String, BTreeSet<IpAddr>> {
    let hosts: BTreeSet<String> = shared.hosts().collect();
    let found = join_all(hosts.into_iter().map(|host| async {
        let addresses = shared.network.addresses(&host).await.ok()?;
        Some((host, addresses.into_iter().collect()))
    }));
    found.await.into_iter().flatten().collect()
}

fn list(addresses: &BTreeSet<IpAddr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
}
