//! The ground itself: what a world promises.

use std::time::{Duration, Instant};

use crate::world::{Part, Relay, Reply, SkyDns, Spec, World, Zone};

/// What `dig` prints at a member.
#[track_caller]
fn dig(world: &World, member: &str, arguments: &str) -> String {
    let command = ["dig", "+tries=1", "+time=2", "+nocookie"];
    world.run(member, &command.into_iter().chain(arguments.split(' ')).collect::<Vec<_>>())
}

#[track_caller]
fn says(world: &World, member: &str, arguments: &str, words: &[&str]) {
    let said = dig(world, member, arguments);
    for word in words {
        assert!(said.contains(word), "`{word}` is not in what {arguments} says to {member}:\n{said}");
    }
}

#[test]
fn a_world_of_six_members_comes_up_at_once_and_goes_without_a_trace() {
    let specs = || [Spec::pod(), Spec::node(), Spec::up1(), Spec::up2(), Spec::dead(), Spec::workstation()];
    // Others may keep the machine busy: the best of some tries is the world's own time.
    let mut times = Vec::new();
    for _ in 0..4 {
        let start = Instant::now();
        let Some(_world) = World::new(specs()) else { return };
        times.push(start.elapsed());
    }
    assert!(times.iter().any(|took| *took < Duration::from_millis(1500)), "{times:?}");
    let Some(world) = World::new(specs()) else { return };
    world.run("pod", &["sh", "-c", "test $(hostname) = pod && test ! -e /etc/resolv.conf"]);
    let directory = world.member("pod").path("/etc/hosts");
    drop(world);
    assert!(!directory.exists());
}

#[test]
fn every_kind_of_part_answers_where_it_was_put() {
    let specs = [Spec::pod(), Spec::node(), Spec::up1(), Spec::up2(), Spec::dead(), Spec::workstation()];
    let Some(world) = World::new(specs) else { return };
    world.write(
        "node1",
        "/etc/dnsmasq.d/a.conf",
        "no-resolv\nserver=10.9.0.1\nenable-dbus\nexcept-interface=lo\nbind-dynamic\n",
    );
    world.message_bus("node1");
    world.dnsmasq("node1", &[]);
    world.skydns("node1", &SkyDns::new());
    world.recursor("up1", &Zone::outside());
    world.named("up2", "recursion no;", &Zone::outside());
    world.dnsdist("dead", "setLocal('10.9.0.3:53')\nsetACL('0.0.0.0/0')\nnewServer('10.9.0.2')\naddAction(AllRule(), RCodeAction(DNSRCode.REFUSED))");
    world.coredns("workstation", 5353, ".:5353 {\n  forward . 10.9.0.1\n}\n");
    world.relay("up2", "10.9.0.2:54", "10.9.0.2:53", Relay { delay: 300, lose_every: 0 });
    world.domain_servers("node1", &["/cluster.local/127.0.0.1"]);
    world.settle();
    says(&world, "pod", "@10.0.2.15 www.example.com", &["NOERROR", "192.0.2.80", "flags: qr rd ra;"]);
    says(&world, "pod", "@10.0.2.15 kubernetes.default.svc.cluster.local", &["172.30.0.1"]);
    says(&world, "pod", "@10.0.2.15 nx.svc.cluster.local", &["NXDOMAIN", "ns.dns.cluster.local"]);
    says(&world, "pod", "@10.9.0.1 nx.invalid-tld", &["NXDOMAIN", "a.root-servers.net", "flags: qr rd ra;"]);
    says(&world, "pod", "@10.9.0.2 www.example.com", &["flags: qr aa rd;"]);
    says(&world, "pod", "@10.9.0.3 www.example.com", &["REFUSED"]);
    says(&world, "node1", "@192.168.1.50 -p 5353 www.example.com", &["192.0.2.80"]);
    let start = Instant::now();
    says(&world, "pod", "@10.9.0.2 -p 54 www.example.com", &["192.0.2.80"]);
    assert!(start.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_scripted_server_says_anything() {
    let Some(world) = World::new([Spec::pod(), Spec::node(), Spec::up1()]) else { return };
    world.serve("up1", "10.9.0.1:53", |ask| match ask.name.as_str() {
        "cut.test" if !ask.tcp => ask.noerror().truncated(),
        "cut.test" => ask.noerror().answer("TXT", "whole", 5),
        "odd.test" if ask.nth % 2 == 0 => Reply::raw([0xff; 7]),
        _ if ask.is("odd.test", "A") => ask.noerror().answer("A", &ask.from.ip().to_string(), 5),
        "late.test" => ask.nxdomain().flags(true, false).after(200),
        _ => Reply::silence(),
    });
    says(&world, "pod", "@10.9.0.1 TXT cut.test", &["whole", "(TCP)"]);
    says(&world, "pod", "@10.9.0.1 late.test", &["NXDOMAIN", "flags: qr aa rd;"]);
    // The fourth question that it is asked, and the fifth.
    says(&world, "pod", "@10.9.0.1 odd.test", &["10.128.0.5"]);
    world.run("pod", &["sh", "-c", "! dig +tries=1 +time=1 @10.9.0.1 odd.test >/dev/null"]);
    world.run("pod", &["sh", "-c", "! dig +tries=1 +time=1 @10.9.0.1 silent.test >/dev/null"]);
}

#[test]
fn a_part_can_be_stopped_and_started_again() {
    let Some(world) = World::new([Spec::up1()]) else { return };
    let first = world.named("up1", "recursion no;", &Zone::outside());
    world.settle();
    says(&world, "up1", "@10.9.0.1 www.example.com", &["192.0.2.80"]);
    first.stop();
    world.run("up1", &["sh", "-c", "! dig +tries=1 +time=1 @10.9.0.1 www.example.com >/dev/null"]);
    let second: std::rc::Rc<Part> = world.named("up1", "recursion no;", &Zone::outside());
    world.settle();
    says(&world, "up1", "@10.9.0.1 www.example.com", &["192.0.2.80"]);
    assert!(second.log().contains("all zones loaded"));
}
