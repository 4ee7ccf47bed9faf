//! The kernel's table of connections, `/proc/net/nf_conntrack`: whom it leads where. Text in, entries out. Pure.

use std::net::{IpAddr, SocketAddr};

/// One UDP conversation with a DNS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Who asks.
    pub source: SocketAddr,
    /// Whom it means to ask.
    pub destination: SocketAddr,
    /// Who is to answer: another one where the destination is translated.
    pub answers_from: SocketAddr,
    /// Nothing ever came back.
    pub unreplied: bool,
}

/// True for a line about UDP to port 53: of the whole table only these are read.
pub fn is_about_dns(line: &str) -> bool {
    line.contains(" udp ") && line.split_whitespace().find(|word| word.starts_with("dport=")) == Some("dport=53")
}

/// The UDP conversations with port 53.
pub fn tracked(text: &str) -> Vec<Tracked> {
    text.lines().filter(|line| is_about_dns(line)).filter_map(entry).collect()
}

/// `... src=A dst=B sport=1 dport=2 [UNREPLIED] src=C dst=D sport=3 dport=4 ...`
fn entry(line: &str) -> Option<Tracked> {
    let words = |key: &str| {
        let prefix = format!("{key}=");
        let values = line.split_whitespace().filter_map(|word| word.strip_prefix(&prefix)).map(str::to_owned);
        values.collect::<Vec<_>>()
    };
    let (sources, destinations) = (words("src"), words("dst"));
    let (from, to) = (words("sport"), words("dport"));
    let at = |addresses: &[String], ports: &[String], index: usize| {
        Some(SocketAddr::new(addresses.get(index)?.parse::<IpAddr>().ok()?, ports.get(index)?.parse().ok()?))
    };
    Some(Tracked {
        source: at(&sources, &from, 0)?,
        destination: at(&destinations, &to, 0)?,
        answers_from: at(&sources, &from, 1)?,
        unreplied: line.contains("[UNREPLIED]"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_tells_whom_dns_queries_are_led_to() {
        let text = "ipv4     2 tcp      6 431999 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=4 dport=53 src=10.0.0.2 dst=10.0.0.1 \
                    sport=53 dport=4 [ASSURED] mark=0 use=2\n\
                    ipv4     2 udp      17 101 src=10.128.0.9 dst=172.30.0.10 sport=40123 dport=53 src=10.129.0.5 dst=10.128.0.9 \
                    sport=5353 dport=40123 [ASSURED] mark=0 zone=0 use=2\n\
                    ipv6     10 udp      17 20 src=fd00::1 dst=fd00::53 sport=5 dport=53 [UNREPLIED] src=fd00::7 dst=fd00::1 \
                    sport=5353 dport=5 use=2\n\
                    ipv4     2 udp      17 9 src=10.0.0.1 dst=10.0.0.2 sport=53 dport=999 src=10.0.0.2 dst=10.0.0.1 sport=999 \
                    dport=53 use=2\nipv4 2 udp 17 9 src=10.0.0.1 dport=53\n";
        let entries = tracked(text);
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].source.to_string(), "10.128.0.9:40123");
        assert_eq!(entries[0].destination.to_string(), "172.30.0.10:53");
        assert_eq!(entries[0].answers_from.to_string(), "10.129.0.5:5353");
        assert_eq!((entries[0].unreplied, entries[1].unreplied), (false, true));
    }
}
