//! F19: the node's search list does not lead into the cluster.

use serde_json::json;

use crate::scene::{OUTSIDE, Three};

const REGISTRY: &str = "docker-registry.default.svc";

#[test]
fn the_registrys_short_name_is_not_found() {
    let node_resolv = "# nameserver updated by /etc/NetworkManager/dispatcher.d/99-origin-dns.sh\nsearch example.com\n\
                       nameserver 10.0.2.15\n";
    let Some(world) = (Three { node_resolv, ..Three::healthy() }).start() else { return };
    world.object("services/default/docker-registry", json!({ "spec": { "clusterIP": "172.30.91.7" } }));
    let run = world.debug(&[REGISTRY, OUTSIDE]);
    let how = "glibc on the node with `search example.com` before dnsmasq 2.90";
    run.expect_alone().prove("F19", "search-without-cluster-domain", "node1", how);
}
