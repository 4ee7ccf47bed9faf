//! The simulators of search lists against the C libraries themselves: what glibc and musl really ask for, and how it ends.

use std::process::Command;
use std::sync::{Arc, Mutex};

use lsdeploy::dns::files::resolv::ResolvConf;
use lsdeploy::dns::search::{End, Library, Lookup, Reply as Said};

use crate::world::{Ask, Reply, Spec, World};

/// Search lists and names: every reply of a suffix in the middle of a list, enough dots and too few, a last dot.
const CASES: [(&str, &str); 16] = [
    ("search a.example denied.example b.example\noptions ndots:5", "www.example.org"),
    ("search a.example empty.example b.example\noptions ndots:5", "www.example.org"),
    ("search a.example failing.example b.example\noptions ndots:5", "www.example.org"),
    ("search a.example refusing.example b.example\noptions ndots:5", "www.example.org"),
    ("search a.example silent.example b.example\noptions ndots:5", "www.example.org"),
    ("search a.example wild.example b.example\noptions ndots:5", "www.example.org"),
    ("search a.example failing.example b.example\noptions ndots:5", "nowhere.example.org"),
    ("search a.example empty.example b.example\noptions ndots:5", "nowhere.example.org"),
    ("search a.example denied.example\noptions ndots:5", "www.example.org."),
    ("search a.example denied.example\noptions ndots:1", "www.example.org"),
    ("search a.example wild.example\noptions ndots:1", "nowhere.example.org"),
    ("search a.example wild.example\noptions ndots:1", "db"),
    ("search a.example\noptions ndots:1", "host.failing.example"),
    ("search a.x b.x c.x d.x e.x f.x g.x h.x", "db"),
    ("options ndots:5", "db"),
    (LONG, "db"),
];
/// A line that does not fit into musl's buffer.
const LONG: &str = "search one.of.many.subsidiaries.of.a.large.company.example two.of.many.subsidiaries.of.a.large.company.example \
                    three.of.many.subsidiaries.of.a.large.company.example four.of.many.subsidiaries.of.a.large.company.example \
                    five.of.many.subsidiaries.of.a.large.company.example";

/// What the zones of the server say.
fn said(name: &str) -> Said {
    let below = |zone: &str| name.ends_with(zone);
    match name {
        "www.example.org" => Said::Answer,
        _ if below(".wild.example") => Said::Answer,
        _ if below(".empty.example") => Said::NoData,
        _ if below(".failing.example") => Said::ServFail,
        _ if below(".refusing.example") => Said::Refused,
        _ if below(".silent.example") => Said::Silent,
        _ => Said::NxDomain,
    }
}

fn reply(ask: &Ask) -> Reply {
    match said(&ask.name) {
        Said::Answer if ask.kind == "A" => ask.noerror().answer("A", "192.0.2.80", 60),
        Said::Answer | Said::NoData => ask.noerror().soa("example", "ns.example host.example 1 600 600 600 60", 60),
        Said::ServFail => ask.servfail(),
        Said::Refused => ask.refused(),
        Said::Silent | Said::Closed => Reply::silence(),
        Said::NxDomain => ask.nxdomain().soa("example", "ns.example host.example 1 600 600 600 60", 60),
    }
}

/// A machine that asks, and a server that remembers what it was asked for.
fn start() -> Option<(World, Arc<Mutex<Vec<String>>>)> {
    let world = World::new([Spec::machine("client", &["10.9.0.50/24"]), Spec::up1()])?;
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = Arc::clone(&asked);
    world.serve("up1", "10.9.0.1:53", move |ask| {
        let mut list = list.lock().unwrap();
        if !list.contains(&ask.name) {
            list.push(ask.name.clone());
        }
        reply(ask)
    });
    Some((world, asked))
}

#[track_caller]
fn check(library: Library, gives: impl Fn(&World) -> bool) {
    let Some((world, asked)) = start() else { return };
    if !gives(&world) {
        return;
    }
    for (list, name) in CASES {
        let conf = format!("nameserver 10.9.0.1\n{list}\noptions timeout:1 attempts:1\n");
        world.write("client", "/etc/resolv.conf", &conf);
        asked.lock().unwrap().clear();
        let end = look_up(&world, name);
        let Lookup { asked: foretold, end: expected } = library.look_up(&ResolvConf::parse(&conf), name, said);
        let foretold: Vec<&str> = foretold.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(*asked.lock().unwrap(), foretold, "{library:?} asks for other names: `{name}` with {list}");
        assert_eq!(end, expected, "{library:?} ends otherwise: `{name}` with {list}");
    }
}

fn look_up(world: &World, name: &str) -> End {
    let enter = world.enter("client");
    let output = Command::new(&enter[0]).args(&enter[1..]).args(["getent", "ahosts", name]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => End::Found,
        _ if said.contains("emporary failure") || said.contains("Try again") => End::TryAgain,
        _ if said.contains("not known") || said.contains("does not resolve") || said.contains("has no") => {
            End::NotFound
        }
        _ if said.contains("No address") || said.contains("no usable") => End::NotFound,
        code => panic!("getent ended with {code:?}: {said}"),
    }
}

#[test]
fn glibc_asks_for_what_was_foretold() {
    check(Library::Glibc, |world| world.glibc("client"));
}

#[test]
fn musl_asks_for_what_was_foretold() {
    check(Library::Musl, |world| world.musl("client"));
}

/// Four servers, of which the first is silent and only the fourth knows the name; the second denies it late.
#[test]
fn musl_asks_three_servers_at_once_and_glibc_one_after_the_other() {
    let addresses = ["10.9.0.1/24", "10.9.0.2/24", "10.9.0.3/24", "10.9.0.4/24"];
    let Some(world) = World::new([Spec::machine("client", &["10.9.0.50/24"]), Spec::machine("up1", &addresses)]) else {
        return;
    };
    let asked: Arc<Mutex<Vec<u8>>> = Arc::default();
    for server in 1..=4_u8 {
        let list = Arc::clone(&asked);
        world.serve("up1", &format!("10.9.0.{server}:53"), move |ask| {
            list.lock().unwrap().push(server);
            match server {
                1 => Reply::silence(),
                2 => ask.nxdomain().soa("example", "ns.example host.example 1 600 600 600 60", 60).after(400),
                _ if ask.kind == "A" => ask.noerror().answer("A", "192.0.2.80", 60).after(150),
                _ => ask.noerror(),
            }
        });
    }
    let servers = [1, 2, 3, 4].map(|server| format!("nameserver 10.9.0.{server}\n")).concat();
    world.write("client", "/etc/resolv.conf", &format!("{servers}options timeout:1 attempts:1\n"));
    let ask = |end| {
        asked.lock().unwrap().clear();
        assert_eq!(look_up(&world, "git.corp.example."), end);
        let mut servers = asked.lock().unwrap().clone();
        servers.sort_unstable();
        servers.dedup();
        servers
    };
    if world.musl("client") {
        assert_eq!(ask(End::Found), [1, 2, 3], "the third answers before the second denies");
    }
    if world.glibc("client") {
        assert_eq!(ask(End::NotFound), [1, 2], "a denial is taken, the third is never asked");
    }
}
