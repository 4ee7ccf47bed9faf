//! What Corefiles of real clusters say.

use super::*;

/// What the DNS operator of OpenShift 4.14 writes, with one zone of `spec.servers`.
const OPERATOR: &str = r"# corp
corp.example:5353 lan.example:5353 {
    prometheus 127.0.0.1:9153
    forward . 10.9.0.7 tls://10.9.0.8:8853 [2001:db8::1]:5300 {
        tls_servername dns.corp.example
        policy random
    }
    errors
    bufsize 1232
    cache 900 {
        denial 9984 30
    }
}
.:5353 {
    bufsize 1232
    errors
    log . {
        class error
    }
    health {
        lameduck 20s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
    }
    prometheus 127.0.0.1:9153
    forward . /etc/resolv.conf {
        policy sequential
        force_tcp
    }
    cache 900 {
        denial 9984 30
    }
    reload
}
hostname.bind:5353 {
    chaos
}
";

#[test]
fn the_file_of_the_dns_operator_is_read_whole() {
    let file = Corefile::parse(OPERATOR);
    assert_eq!(file.problems, []);
    assert_eq!(file.blocks.len(), 3);
    assert_eq!(file.port(), Some(5353));
    let root = file.block_for("www.example.net", 5353).unwrap();
    assert_eq!(root.kubernetes_zones(), ["cluster.local", "in-addr.arpa", "ip6.arpa"]);
    assert_eq!(root.plugin("kubernetes").unwrap().option("fallthrough").unwrap(), ["in-addr.arpa", "ip6.arpa"]);
    assert_eq!(root.plugin("kubernetes").unwrap().line, 24);
    let forward = &root.forwards()[0];
    assert_eq!((forward.zone.as_str(), forward.policy.as_str(), forward.force_tcp), (".", "sequential", true));
    assert_eq!(forward.to, [Upstream::File("/etc/resolv.conf".to_owned())]);
    assert_eq!(root.plugin("bufsize").unwrap().arguments, ["1232"]);
    assert!(file.block_for("hostname.bind", 5353).unwrap().plugin("chaos").is_some());
}

#[test]
fn the_longest_zone_has_the_name_and_its_servers() {
    let file = Corefile::parse(OPERATOR);
    let block = file.block_for("git.corp.example", 5353).unwrap();
    assert_eq!(block.zones[1], Zone { name: "lan.example".to_owned(), port: 5353 });
    let forward = &block.forwards()[0];
    assert_eq!(forward.tls_server_name.as_deref(), Some("dns.corp.example"));
    let server = |address: &str, tls| Upstream::Server { address: address.parse().unwrap(), tls };
    let expected = [server("10.9.0.7:53", false), server("10.9.0.8:8853", true), server("[2001:db8::1]:5300", false)];
    assert_eq!(forward.to, expected);
    assert_eq!(file.block_for("notcorp.example", 5353).unwrap().zones[0].name, ".");
    assert_eq!(file.block_for("git.corp.example", 53), None);
}

#[test]
fn caches_keep_what_the_numbers_say() {
    let cache = |text: &str| Corefile::parse(&format!(". {{\n{text}\n}}\n")).blocks[0].cache();
    assert_eq!(cache("errors"), None);
    assert_eq!(cache("cache"), Some((3600, 1800)));
    assert_eq!(cache("cache 30"), Some((30, 30)));
    assert_eq!(cache("cache 900 {\n denial 9984 30\n}"), Some((900, 30)));
    assert_eq!(cache("cache {\n success 9984 60 5\n}"), Some((60, 1800)));
}

#[test]
fn quotes_comments_and_commas_are_those_of_caddy() {
    let text = "a.example:1053,\nb.example {\n template IN ANY apps.example { # a comment\n match \".*[.]apps[.]example\"\n \
                answer \"{{ .Name }} 60 IN A 192.0.2.7\"\n fallthrough\n }\n hosts {\n 192.0.2.8 node#1\n }\n}\n";
    let file = Corefile::parse(text);
    let zones: Vec<_> = file.blocks[0].zones.iter().map(|zone| (zone.name.as_str(), zone.port)).collect();
    assert_eq!(zones, [("a.example", 1053), ("b.example", 53)]);
    let template = file.blocks[0].plugin("template").unwrap();
    assert_eq!(template.arguments, ["IN", "ANY", "apps.example"]);
    assert_eq!(template.option("answer").unwrap(), ["{{ .Name }} 60 IN A 192.0.2.7"]);
    assert_eq!(file.blocks[0].plugin("hosts").unwrap().body, [["192.0.2.8", "node#1"]]);
}

#[test]
fn a_file_that_is_cut_is_read_as_far_as_it_goes() {
    let file = Corefile::parse(".:53 {\n forward . 10.9.0.1\n cache {\n success 1");
    assert_eq!(file.problems, [(4, "the file ends inside of a block".to_owned())]);
    assert_eq!(file.blocks[0].forwards().len(), 1);
    assert_eq!(Corefile::parse("}\n").problems[0].0, 1);
    assert_eq!(Corefile::parse(". {\n x \"y\n}").problems[0], (2, "a quotation mark is never closed".to_owned()));
    assert_eq!(Corefile::parse("").blocks, []);
}
