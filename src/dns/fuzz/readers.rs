//! What is read, and seeds of the right form for it.

mod judged;

use std::net::Ipv6Addr;

use super::super::files::{
    conntrack, corefile::Corefile, dnsmasq::DnsmasqConf, hosts::HostsFile, nsswitch, proc, resolv,
};
use super::super::search::Library;
use crate::dns::{probe, vantage};
use crate::fuzz::Reader;

/// All of them.
pub(super) const READERS: [Reader; 11] = [
    Reader {
        name: "a DNS message",
        seeds: probe::tests::messages,
        words: &[],
        read: probe::tests::reads_message,
        every: 1,
    },
    Reader { name: "a plan", seeds: probe::tests::plans, words: JSON, read: probe::tests::reads_plan, every: 2 },
    Reader {
        name: "a line of the probe",
        seeds: probe::tests::lines,
        words: JSON,
        read: probe::tests::reads_line,
        every: 2,
    },
    Reader {
        name: "what dig prints",
        seeds: vantage::tests::digs,
        words: DIG,
        read: vantage::tests::reads_dig,
        every: 1,
    },
    Reader {
        name: "what getent prints",
        seeds: getents,
        words: &["STREAM", "fe80::1%eth0"],
        read: reads_getent,
        every: 1,
    },
    Reader { name: "resolv.conf", seeds: resolvs, words: RESOLV, read: reads_resolv, every: 1 },
    Reader {
        name: "dnsmasq.conf",
        seeds: dnsmasqs,
        words: &["server=", "/", "#53", "@eth0"],
        read: reads_dnsmasq,
        every: 1,
    },
    Reader { name: "a Corefile", seeds: corefiles, words: COREFILE, read: reads_corefile, every: 1 },
    Reader {
        name: "hosts and nsswitch.conf",
        seeds: hosts,
        words: &["[NOTFOUND=return]", "hosts:"],
        read: reads_hosts,
        every: 1,
    },
    Reader {
        name: "/proc/net",
        seeds: procs,
        words: &["0A", "07", ":0035", "|--", "/32 host LOCAL"],
        read: reads_proc,
        every: 1,
    },
    judged::SAVED,
];

const JSON: &[&str] = &["null", "[]", "{}", "true", "\"udp\"", "\"\\ud800\"", "[[[["];
const DIG: &[&str] =
    &[";; ", "; EDE: ", "; OPT=15: 00 0f", " SECTION:", "->>HEADER<<-", "status: ", "udp: ", "\\1", "\"\""];
const RESOLV: &[&str] = &["nameserver", "search", "options ndots:", "options attempts:", "sortlist", "domain"];
const COREFILE: &[&str] =
    &["{", "}", "forward . ", "cache", "kubernetes", ":5353", "template", "\"", "policy sequential"];

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// What cannot be understood is kept by these readers, never refused.
fn read(bytes: &[u8], read: impl FnOnce(&str)) -> bool {
    read(&String::from_utf8_lossy(bytes));
    true
}

fn getents() -> Vec<Vec<u8>> {
    texts(&["10.0.2.15      STREAM node1\n10.0.2.15      DGRAM\nfe80::1%eth0 RAW\n", "::1 STREAM localhost\n", ""])
}

fn reads_getent(bytes: &[u8]) -> bool {
    read(bytes, |text| drop(probe::addresses("a.test", text)))
}

fn resolvs() -> Vec<Vec<u8>> {
    texts(&[
        "# watermark\nnameserver 10.0.2.15\nnameserver fe80::1%eth0\nsearch a.test b.test\noptions ndots:5 timeout:2 rotate\n",
        "domain example.com\nsortlist 10.0.0.0/8\nlookup file bind\nfamily inet4\noptions edns0 trust-ad\n",
    ])
}

fn reads_resolv(bytes: &[u8]) -> bool {
    read(bytes, |text| {
        let conf = resolv::ResolvConf::parse(text);
        for library in [Library::Glibc, Library::OldGlibc, Library::Musl] {
            for name in ["a", "a.b.c.d.e.f", "", ".", "a..b", text.lines().next().unwrap_or_default()] {
                let _ = library.candidates(&conf, name);
            }
        }
    })
}

fn dnsmasqs() -> Vec<Vec<u8>> {
    texts(&[
        "no-resolv # nothing\nserver=10.9.0.1#5353@eth0\nserver=/in-addr.arpa/cluster.local/127.0.0.1\nlocal=/crc.testing/\n",
        "address=/apps.example/192.0.2.7\naddress=/#/\nmax-cache-ttl=1\nlisten-address=127.0.0.1,::1\nmin-port=1024\n",
    ])
}

fn reads_dnsmasq(bytes: &[u8]) -> bool {
    read(bytes, |text| {
        let mut conf = DnsmasqConf::parse([text]);
        conf.add_arguments(text.split_whitespace());
        let _ = (conf.upstreams().count(), conf.has("no-resolv"), conf.number("max-cache-ttl"));
    })
}

fn corefiles() -> Vec<Vec<u8>> {
    texts(&[
        ".:5353 {\n  bufsize 1232\n  errors\n  health {\n    lameduck 20s\n  }\n  kubernetes cluster.local in-addr.arpa ip6.arpa {\n    \
         pods insecure\n    fallthrough in-addr.arpa ip6.arpa\n  }\n  forward . /etc/resolv.conf {\n    policy sequential\n  }\n  \
         cache 900 {\n    denial 9984 30\n  }\n}\nhostname.bind:5353 {\n  chaos\n}\n",
        "example.com corp.test:53 tls://a.test {\n  forward . 10.9.0.1 tls://10.9.0.2:853 { force_tcp }\n}\n",
    ])
}

fn reads_corefile(bytes: &[u8]) -> bool {
    read(bytes, |text| {
        let file = Corefile::parse(text);
        for name in ["a.test", "", ".", "x.corp.test"] {
            if let Some(block) = file.block_for(name, 5353) {
                let _ = (file.port(), block.forwards(), block.kubernetes_zones(), block.cache());
            }
        }
    })
}

fn hosts() -> Vec<Vec<u8>> {
    texts(&[
        "127.0.0.1 localhost localhost.localdomain # here\n::1 localhost\n172.30.4.9 \
         image-registry.openshift-image-registry.svc # openshift-generated-node-resolver\n;; connection timed out\n",
        "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns myhostname\n",
    ])
}

fn reads_hosts(bytes: &[u8]) -> bool {
    read(bytes, |text| {
        let hosts = HostsFile::parse(text);
        let _ = (hosts.addresses("localhost"), hosts.generated().count(), hosts.generated_problems().count());
        let order = nsswitch::Nsswitch::parse(text);
        let _ = (order.place("dns"), order.ends_before_dns("NOTFOUND"));
    })
}

fn procs() -> Vec<Vec<u8>> {
    texts(&[
        "  sl  local_address rem_address   st tx_queue rx_queue\n   0: 0100007F:0035 00000000:0000 07 00000000:00000000\n",
        "   1: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000\n",
        "Local:\n  +-- 127.0.0.0/8 2 0 2\n     |-- 127.0.0.1\n        /32 host LOCAL\n",
        "00000000000000000000000000000001 01 80 10 80       lo\nfe80000000000000021122fffe334455 02 40 20 80 eth0\n",
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 1 0 \
         00000003 eth0\n",
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\neth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\n",
        "udp 17 29 src=10.0.0.1 dst=10.0.0.2 sport=900 dport=53 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=53 dport=900\n",
    ])
}

fn reads_proc(bytes: &[u8]) -> bool {
    read(bytes, |text| {
        let _ = (proc::udp_listeners(text, 53), proc::tcp_listeners(text, 53), proc::ipv4_addresses(text));
        let _ = (proc::ipv6_addresses(text), proc::has_default_ipv6(text), proc::ipv4_routes(text));
        let _ = (proc::has_near_ipv6(text, Ipv6Addr::LOCALHOST), probe::open_files_limit(text));
        let _ = (conntrack::tracked(text), text.lines().filter(|line| conntrack::is_about_dns(line)).count());
        for word in text.split_whitespace() {
            if let Some(network) = proc::Network::parse(word) {
                let _ = (network.overlaps(network), proc::overlapping(text, network));
            }
        }
    })
}
