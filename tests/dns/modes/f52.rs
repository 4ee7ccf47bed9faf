//! F52: somebody edited the Corefile behind the operator's back.

use serde_json::json;

use crate::scene::{Four, OUTSIDE, SERVICE};

const EDITED: &str = ".:5353 {
    bufsize 1232
    errors
    health :8080
    ready :8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        endpoint http://API
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    forward . 10.9.0.3 {
        policy sequential
    }
    cache 900
    reload
}
hostname.bind:5353 {
    chaos
}
";

#[test]
fn its_upstream_is_not_what_the_spec_says() {
    let Some(world) = (Four { corefile: EDITED, more: vec![crate::world::Spec::dead()], ..Four::healthy() }).start()
    else {
        return;
    };
    world.object("dnses.operator.openshift.io/default", json!({ "spec": { "managementState": "Unmanaged" } }));
    let run = world.debug(&[OUTSIDE, SERVICE]);
    run.prove(
        "F52",
        "corefile-drifted",
        "coredns",
        "CoreDNS 1.11.3 with an edited Corefile, against the operator's spec",
    );
    run.expect_alone();
}
