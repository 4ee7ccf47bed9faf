//! F50: an upstream drops the names of private addresses.

use crate::scene::{Four, OUTSIDE, SERVICE};
use crate::world::Zone;

#[test]
fn an_upstream_drops_them() {
    let Some(world) = (Four { up1: Vec::new(), ..Four::healthy() }).start() else { return };
    world.named_on("up1", 5300, "recursion no;", &Zone::outside());
    let lua = "setLocal('10.9.0.1:53')\nsetACL('0.0.0.0/0')\nnewServer({address='127.0.0.1:5300', checkInterval=5})\n\
               addAction('10.in-addr.arpa', DropAction())\n";
    world.dnsdist("up1", lua);
    let run = world.debug(&["5.0.128.10.in-addr.arpa", OUTSIDE, SERVICE]);
    run.prove("F50", "reverse-silent", "upstream-1", "dnsdist 1.7 that drops 10.in-addr.arpa");
    run.expect_alone();
}
