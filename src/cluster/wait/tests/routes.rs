//! Routes that are not served.

use std::time::Duration;

use tokio::time::Instant;

use super::super::assess::assess;
use super::{Cluster, check, list, route, unrouted};

#[test]
fn a_claimed_host_is_told_before_other_refusals() {
    let mut cluster = Cluster::healthy();
    cluster.routes = vec![
        route("s3", "False", "RouteNotAdmitted", "wildcard routes are not allowed"),
        route("sqs", "False", "HostAlreadyClaimed", "route other already exposes sqs-ns1.apps.test and is older"),
    ];
    check(
        &cluster,
        "host-claimed",
        Some(0),
        &["host sqs-ns1.apps.test", "route other already exposes", "2 Routes refused"],
    );
    cluster.routes[1] = route("sqs", "True", "", "");
    check(&cluster, "route-refused", Some(0), &["Route s3", "wildcard routes are not allowed"]);
}

#[test]
fn one_router_that_admits_is_enough() {
    let mut cluster = Cluster::healthy();
    let refusal = route("s3", "False", "HostAlreadyClaimed", "x")["status"]["ingress"][0].clone();
    cluster.routes[0]["status"]["ingress"].as_array_mut().unwrap().insert(0, refusal);
    assert!(cluster.after(60).ready.is_some());
}

#[test]
fn routes_that_no_router_looks_at_are_named_after_15_seconds() {
    let mut cluster = Cluster::healthy();
    cluster.routes = vec![unrouted("s3"), unrouted("sqs")];
    check(&cluster, "no-router", Some(15), &["2 Routes", "none has picked up any"]);
    cluster.routes[0] = route("s3", "True", "", "");
    check(&cluster, "route-not-picked-up", Some(15), &["1 of 2 Routes", "not: sqs"]);
}

#[test]
fn a_router_that_works_its_way_through_the_routes_is_not_stuck() {
    let start = Instant::now();
    let mut cluster = Cluster::healthy();
    cluster.expect.routes = vec!["s3".into(), "sqs".into(), "sns".into()];
    cluster.routes = vec![route("s3", "True", "", ""), unrouted("sqs"), unrouted("sns")];
    let mut seen = cluster.seen();
    let first = assess(&seen, &cluster.expect, start);
    seen.remember(&first, start);
    cluster.routes[1] = route("sqs", "True", "", "");
    list(&mut seen.routes, &cluster.routes);
    assert!(assess(&seen, &cluster.expect, start + Duration::from_secs(16)).verdict().is_none());
}
