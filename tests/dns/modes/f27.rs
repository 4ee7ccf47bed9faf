//! F27: resolv.conf says more than is read.

use crate::scene::{Four, KNOWN, OUTSIDE, SERVICE};
use crate::world::{Api, Spec};

/// More than 255 characters, the cluster's own domain at the end.
const LONG: &str = "search one.of.many.subsidiaries.of.a.large.company.example.com two.of.many.subsidiaries.of.a.large.company.example.com \
                    three.of.many.subsidiaries.of.a.large.company.example.com four.of.many.subsidiaries.of.a.large.company.example.com \
                    five.of.many.subsidiaries.of.a.large.company.example.com six.of.the.same.example.com cluster.local\n\
                    nameserver 172.30.0.10\noptions ndots:5\n";
const SHORT: &str = "docker-registry.default.svc";

fn with_registry(resolv: &'static str) -> Four {
    let api = Api::new().with("docker-registry.default", "172.30.8.8", &["10.128.0.72"]);
    Four { pod_resolv: resolv, api: Some(api), ..Four::healthy() }
}

#[test]
fn musl_drops_a_search_list_that_is_too_long() {
    let Some(world) = with_registry(LONG).start() else { return };
    if !world.musl("pod") {
        return;
    }
    let run = world.debug(&[SHORT, KNOWN]);
    run.prove("F27", "resolv-conf-limits", "pod", "resolv.conf of 7 suffixes read by musl 1.2");
}

#[test]
fn glibc_of_today_reads_it_all() {
    let Some(world) = with_registry(LONG).start() else { return };
    world.debug(&[SHORT, KNOWN]).expect_ok();
}

#[test]
fn only_the_fourth_server_answers() {
    let resolv =
        "search cluster.local\nnameserver 10.9.0.3\nnameserver 10.9.0.4\nnameserver 10.9.0.5\nnameserver 172.30.0.10\n";
    let dead = Spec::dead().and("10.9.0.4/24").and("10.9.0.5/24");
    let Some(world) = (Four { pod_resolv: resolv, more: vec![dead], ..Four::healthy() }).start() else { return };
    world.time_out(1000);
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.expect_also("resolv-conf-limits", "pod", lsdeploy::dns::classify::Confidence::Likely);
}
