//! F41: a node does not ask its own resolver first.

use crate::scene::{Four, SERVICE};

const API_INT: &str = "api-int.example.com";
/// As the machine-config operator renders it for platforms without DNS of their own.
const ON_PREM: &str = ". {
    errors
    bufsize 512
    forward . 10.9.0.1 {
        policy sequential
    }
    cache 30
    reload
    template IN A example.com {
        match ^api-int.example.com
        answer \"{{ .Name }} 60 in A 10.0.2.100\"
        fallthrough
    }
    template IN AAAA example.com {
        match ^api-int.example.com
        fallthrough
    }
}
";

#[test]
fn the_prepender_did_not_run() {
    let Some(world) = Four::healthy().start() else { return };
    world.coredns("node1", 53, ON_PREM);
    world.expects(API_INT, "10.0.2.100");
    let run = world.debug(&[API_INT, SERVICE]);
    run.prove("F41", "node-resolver-not-first", "node1", "CoreDNS of the node, left out of the node's resolv.conf");
    run.expect_alone();
}

#[test]
fn a_node_whose_own_resolver_stands_first_is_fine() {
    let resolv = "search example.com\nnameserver 10.0.2.15\nnameserver 10.9.0.1\n";
    let Some(world) = (Four { node_resolv: resolv, ..Four::healthy() }).start() else { return };
    world.coredns("node1", 53, ON_PREM);
    world.expects(API_INT, "10.0.2.100");
    world.debug(&[API_INT, SERVICE]).prove_healthy("on-prem node: its own CoreDNS before the corporate resolver");
}
