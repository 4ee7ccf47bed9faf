//! Ports of loopback: which are free, and who has the others. Binds for a moment, reads `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use super::processes;

/// The first port that is tried: the one that everybody knows LocalStack by.
pub const FIRST: u16 = 4566;

/// The addresses that names below `localhost` mean.
pub fn loopback(port: u16) -> [SocketAddr; 2] {
    [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]
}

/// Whether both addresses of loopback can be listened on; a machine without IPv6 has one.
///
/// # Errors
/// What the operating system says, if not.
pub fn check(port: u16) -> io::Result<()> {
    let [v4, v6] = loopback(port);
    TcpListener::bind(v4)?;
    match TcpListener::bind(v6) {
        Err(error) if !is_missing(&error) => Err(error),
        _ => Ok(()),
    }
}

/// Whether it is the address that is missing, not the port that is taken.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrNotAvailable | ErrorKind::Unsupported)
        || error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

/// The first port from [`FIRST`] on that is free and not in `kept`.
pub fn first_free(kept: &[u16]) -> Option<u16> {
    (FIRST..FIRST + 1000).find(|port| !kept.contains(port) && check(*port).is_ok())
}

/// Who listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// A process of this user.
    Process(u32),
    /// Somebody whose processes may not be looked at.
    User(u32),
}

/// Who listens on `port`, on any address; `None` where nobody does.
pub fn owner(port: u16) -> Option<Owner> {
    let read = |table: &str| fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
    let mut listening = listeners(&read("tcp"), port);
    listening.extend(listeners(&read("tcp6"), port));
    let holds = |pid: u32| {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok()).any(|link| {
            let link = link.to_string_lossy();
            let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
            inode.is_some_and(|inode: u64| listening.contains_key(&inode))
        })
    };
    let user = *listening.values().next()?;
    Some(processes::numbers().find(|pid| holds(*pid)).map_or(Owner::User(user), Owner::Process))
}

/// The sockets that listen on `port`, and whose they are.
fn listeners(table: &str, port: u16) -> BTreeMap<u64, u32> {
    let ending = format!(":{port:04X}");
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let listens = fields.get(1)?.ends_with(&ending) && *fields.get(3)? == "0A";
        listens.then_some((fields.get(9)?.parse().ok()?, fields.get(7)?.parse().ok()?))
    };
    table.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_that_listen_on_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             \x20  0: 0100007F:11D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100\n\
             \x20  1: 0100007F:11D6 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100\n\
             \x20  2: 0100007F:11D7 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100\n";
        assert_eq!(listeners(table, 4566), BTreeMap::from([(4711, 1000)]));
    }

    #[test]
    fn a_port_that_is_listened_on_is_not_free_and_its_owner_is_known() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(check(port).unwrap_err().kind(), ErrorKind::AddrInUse);
        assert_eq!(owner(port), Some(Owner::Process(std::process::id())));
        drop(listener);
        assert!(check(port).is_ok());
    }
}
