//! What the kernel says of a place in `/proc/net`: who listens on port 53, which addresses and routes there are. Pure.
//!
//! These files print words in the byte order of the machine; it is taken for little-endian.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// States of sockets: a TCP socket that listens, a UDP socket without a peer.
const TCP_LISTEN: &str = "0A";
const UDP_UNCONNECTED: &str = "07";
/// Flag of a route that leads nowhere (`RTF_REJECT`).
const REJECT: u32 = 0x0200;
/// Bits of the network of one link.
const LINK: u8 = 64;

/// Where UDP sockets wait on a port; of `/proc/net/udp` or `udp6`.
pub fn udp_listeners(text: &str, port: u16) -> Vec<SocketAddr> {
    listeners(text, UDP_UNCONNECTED, port)
}

/// Where TCP sockets listen on a port; of `/proc/net/tcp` or `tcp6`.
pub fn tcp_listeners(text: &str, port: u16) -> Vec<SocketAddr> {
    listeners(text, TCP_LISTEN, port)
}

fn listeners(text: &str, state: &str, port: u16) -> Vec<SocketAddr> {
    let local = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (address, local_port) = words.get(1)?.split_once(':')?;
        let fits = *words.get(3)? == state && u16::from_str_radix(local_port, 16).ok()? == port;
        fits.then_some(SocketAddr::new(address_of(address)?, port))
    };
    let mut found: Vec<SocketAddr> = text.lines().filter_map(local).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The addresses of this machine, of `/proc/net/fib_trie`; 127.0.0.1 is one of them.
pub fn ipv4_addresses(fib_trie: &str) -> Vec<Ipv4Addr> {
    let mut found = Vec::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in fib_trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|--") {
            last = address.trim().parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            found.extend(last);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The addresses of this machine, of `/proc/net/if_inet6`; `::1` is one of them.
pub fn ipv6_addresses(if_inet6: &str) -> Vec<Ipv6Addr> {
    let first = |line: &str| u128::from_str_radix(line.split_whitespace().next()?, 16).ok().map(Ipv6Addr::from);
    if_inet6.lines().filter_map(first).collect()
}

/// True when IPv6 packets can leave this machine: `/proc/net/ipv6_route` has a default route that is no refusal.
pub fn has_default_ipv6(ipv6_route: &str) -> bool {
    ipv6_routes(ipv6_route).any(|(_, prefix)| prefix == 0)
}

/// True when an address stands on a network of this machine, no larger than a link: it is reached without a router.
pub fn has_near_ipv6(ipv6_route: &str, address: Ipv6Addr) -> bool {
    let holds = |(network, prefix): (Ipv6Addr, u8)| {
        let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
        prefix >= LINK && (network.to_bits() ^ address.to_bits()) & mask == 0
    };
    ipv6_routes(ipv6_route).any(holds)
}

/// Networks that routes lead to, other than refusals and what stays on the machine.
fn ipv6_routes(text: &str) -> impl Iterator<Item = (Ipv6Addr, u8)> {
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [destination, prefix, .., flags, device] = words[..] else { return None };
        let flags = u32::from_str_radix(flags, 16).ok()?;
        let network = u128::from_str_radix(destination, 16).ok().filter(|_| destination.len() == 32)?;
        let prefix = u8::from_str_radix(prefix, 16).ok().filter(|prefix| *prefix <= 128)?;
        (device != "lo" && flags & REJECT == 0).then_some((Ipv6Addr::from_bits(network), prefix))
    };
    text.lines().filter_map(route)
}

/// An IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    pub address: Ipv4Addr,
    /// How many bits it has.
    pub prefix: u8,
}

impl Network {
    /// Reads `172.30.0.0/16`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.trim().split_once('/')?;
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        Some(Self { address: address.parse().ok()?, prefix })
    }

    /// True when the address lies in it.
    pub fn holds(self, address: Ipv4Addr) -> bool {
        (self.address.to_bits() ^ address.to_bits()) & self.mask() == 0
    }

    /// True when they have an address in common: one then holds the other.
    pub fn overlaps(self, other: Self) -> bool {
        if self.prefix < other.prefix { self.holds(other.address) } else { other.holds(self.address) }
    }

    fn mask(self) -> u32 {
        u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

/// A way to an IPv4 network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Through which device.
    pub device: String,
    /// Where to.
    pub network: Network,
    /// Through which machine; `0.0.0.0`: none, it is reached directly.
    pub gateway: Ipv4Addr,
}

/// The routes of `/proc/net/route`.
pub fn ipv4_routes(text: &str) -> Vec<Route> {
    let word = |text: Option<&&str>| u32::from_str_radix(text?, 16).ok().map(u32::swap_bytes);
    let route = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let prefix = u8::try_from(word(words.get(7))?.count_ones()).ok()?;
        let network = Network { address: Ipv4Addr::from_bits(word(words.get(1))?), prefix };
        let gateway = Ipv4Addr::from_bits(word(words.get(2))?);
        Some(Route { device: (*words.first()?).to_owned(), network, gateway })
    };
    text.lines().filter_map(route).collect()
}

/// The routes that lead into a network; the default route leads everywhere and is none of them.
pub fn overlapping(text: &str, network: Network) -> Vec<Route> {
    let mut routes = ipv4_routes(text);
    routes.retain(|route| route.network.prefix > 0 && route.network.overlaps(network));
    routes
}

/// `0100007F`, or four such words for IPv6.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::swap_bytes);
    match hex.len() {
        8 => word(0).map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bits = words.iter().fold(0, |bits: u128, word| bits << 32 | u128::from(*word));
            Some(IpAddr::V6(Ipv6Addr::from_bits(bits)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UDP: &str = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n\
        19731: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 19251 2 00000000a4b8b0e1 0         \n\
        19732: 0F02000A:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 19252 2 00000000a4b8b0e2 0         \n\
        28011: 0F02000A:DC3A 0100090A:0035 01 00000000:00000000 00:00000000 00000000     0        0 19300 2 00000000a4b8b0e3 0         \n";
    const TCP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
        0: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1322667 1 000000001cb83ed5 100 0 0 10 0\n   \
        1: 00000000000000000000000001000000:0035 00000000000000000000000001000000:9C40 01 00000000:00000000 00:00000000 00000000     0        0 1322668 1 000000001cb83ed5 100 0 0 10 0\n   \
        2: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1322669 1 000000001cb83ed5 100 0 0 10 0\n";
    const FIB_TRIE: &str = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     +-- 192.0.2.0/24 2 0 2\n\
        \x20       +-- 192.0.2.0/30 2 0 2\n           |-- 192.0.2.0\n              /24 link UNICAST\n           |-- 192.0.2.2\n\
        \x20             /32 host LOCAL\n        |-- 192.0.2.255\n           /32 link BROADCAST\nLocal:\n     +-- 127.0.0.0/8 2 0 2\n\
        \x20          |-- 127.0.0.0\n              /8 host LOCAL\n           |-- 127.0.0.1\n              /32 host LOCAL\n\
        \x20          |-- 192.0.2.2\n              /32 host LOCAL\n";
    const ROUTE: &str = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
        eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
        eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n\
        vpn0\t000010AC\t010200C0\t0003\t0\t0\t0\t0000F0FF\t0\t0\t0\n";
    const IPV6_ROUTE: &str = "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0\n";
    const IPV6_NO_WAY: &str = "00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000003 00000000 80200001       lo\n\
        00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n";

    fn texts<T: ToString>(values: impl IntoIterator<Item = T>) -> Vec<String> {
        values.into_iter().map(|value| value.to_string()).collect()
    }

    #[test]
    fn who_waits_on_a_port_is_read_and_who_asks_one_is_not() {
        assert_eq!(texts(udp_listeners(UDP, 53)), ["10.0.2.15:53", "127.0.0.1:53"]);
        assert_eq!(texts(tcp_listeners(TCP6, 53)), ["[::]:53", "[2001:db8::1]:53"]);
        assert!(udp_listeners(UDP, 5353).is_empty() && tcp_listeners(UDP, 53).is_empty());
    }

    #[test]
    fn own_addresses_are_those_the_kernel_calls_local() {
        assert_eq!(texts(ipv4_addresses(FIB_TRIE)), ["127.0.0.1", "192.0.2.2"]);
        let if_inet6 = "fd000000000000000000000000000002 04 40 00 82     eth0\n00000000000000000000000000000001 01 80 10 80       lo\n";
        assert_eq!(texts(ipv6_addresses(if_inet6)), ["fd00::2", "::1"]);
    }

    #[test]
    fn a_refusal_is_no_default_route() {
        assert!(has_default_ipv6(IPV6_ROUTE));
        assert!(has_near_ipv6(IPV6_ROUTE, "fd00::7".parse().unwrap()));
        assert!(!has_near_ipv6(IPV6_ROUTE, "fd00:0:0:1::7".parse().unwrap()));
        assert!(!has_default_ipv6(IPV6_NO_WAY) && !has_default_ipv6("") && !has_default_ipv6("x y z"));
    }

    #[test]
    fn a_route_into_a_network_overlaps_it_and_the_default_route_does_not() {
        let services = Network::parse("172.30.0.0/16").unwrap();
        let found = overlapping(ROUTE, services);
        assert_eq!((found.len(), found[0].device.as_str()), (1, "vpn0"));
        assert_eq!(
            (found[0].network.to_string(), found[0].gateway.to_string()),
            ("172.16.0.0/12".into(), "192.0.2.1".into())
        );
        assert!(overlapping(ROUTE, Network::parse("10.128.0.0/14").unwrap()).is_empty());
        assert!(Network::parse("192.0.2.128/25").unwrap().overlaps(Network::parse("192.0.2.0/24").unwrap()));
        assert_eq!((Network::parse("1.2.3.4"), Network::parse("1.2.3.4/33")), (None, None));
        assert!(Network::parse("0.0.0.0/0").unwrap().holds(Ipv4Addr::BROADCAST));
    }

    #[test]
    fn nonsense_is_no_error() {
        for text in ["", "a b c d e f g h", "0: ZZ:0035 0 07", "1: é100007F:0035 0 07", "|--\n/32 host LOCAL"] {
            assert!(
                udp_listeners(text, 53).is_empty() && ipv4_routes(text).is_empty() && ipv4_addresses(text).is_empty()
            );
        }
    }
}
