//! F49: no endpoint of a headless Service is ready.

use serde_json::{Value, json};

use crate::scene::{Four, OUTSIDE};
use crate::world::{Api, World};

const NAME: &str = "db.shop.svc.cluster.local";

fn objects(world: &World, ready: bool) {
    world.object("services/shop/db", json!({ "spec": { "clusterIP": "None" } }));
    let slice: Value = json!({
        "metadata": { "labels": { "kubernetes.io/service-name": "db" } },
        "endpoints": [{ "addresses": ["10.128.0.9"], "conditions": { "ready": ready } }],
    });
    world.object("endpointslices/shop/db-x7b2p", slice);
}

#[test]
fn its_only_pod_still_starts() {
    let api = Some(Api::new().with("db.shop", "None", &["!10.128.0.9"]));
    let Some(world) = (Four { api, ..Four::healthy() }).start() else { return };
    objects(&world, false);
    let run = world.debug(&[NAME, OUTSIDE]);
    run.prove("F49", "service-without-endpoints", "coredns", "CoreDNS 1.11.3 with an EndpointSlice that is not ready");
    run.expect_alone();
}

#[test]
fn with_a_ready_pod_it_has_an_address() {
    let api = Some(Api::new().with("db.shop", "None", &["10.128.0.9", "10.128.0.10", "!10.128.0.11"]));
    let Some(world) = (Four { api, ..Four::healthy() }).start() else { return };
    objects(&world, true);
    world.debug(&[NAME, OUTSIDE]).prove_healthy("a headless Service with endpoints, one of them not ready");
}
