//! A UDP socket that tells everything: who sent what, and which ICMP errors came back. Does input and output.
//!
//! It is not connected, so that a reply from another address is seen, and the kernel reports ICMP errors all the same
//! (`IP_RECVERR`), those that a connected socket hides too.

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, RawFd};

use nix::cmsg_space;
use nix::libc::{sock_extended_err, sockaddr_in6};
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrStorage, bind,
    recvmsg, sendto, setsockopt, socket, sockopt,
};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// The largest a UDP message can be.
const LARGEST: usize = 65_535;

/// Something that came in.
pub(super) enum Event {
    /// A message.
    Message { from: SocketAddr, bytes: Vec<u8> },
    /// An error about a message that was sent.
    Undelivered(Undelivered),
}

/// Why a message did not arrive, and which.
pub(super) struct Undelivered {
    pub(super) error: io::Error,
    /// Where it was sent.
    pub(super) to: Option<SocketAddr>,
    /// Its first two bytes, which are the id.
    pub(super) id: Option<u16>,
    /// What was reported, and by whom.
    pub(super) words: String,
}

/// The socket.
pub(super) struct Socket(UdpSocket);

impl Socket {
    /// A socket for servers of one address family, on this port if one is given.
    pub(super) fn open(ipv6: bool, port: Option<u16>) -> io::Result<Self> {
        let family = if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let descriptor = socket(family, SockType::Datagram, flags, None)?;
        let port = port.unwrap_or(0);
        if ipv6 {
            setsockopt(&descriptor, sockopt::Ipv6V6Only, &true)?;
            setsockopt(&descriptor, sockopt::Ipv6RecvErr, &true)?;
            let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
            bind(descriptor.as_raw_fd(), &SockaddrStorage::from(any))?;
        } else {
            setsockopt(&descriptor, sockopt::Ipv4RecvErr, &true)?;
            let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            bind(descriptor.as_raw_fd(), &SockaddrStorage::from(any))?;
        }
        UdpSocket::from_std(descriptor.into()).map(Self)
    }

    /// The port it has.
    pub(super) fn port(&self) -> Option<u16> {
        self.0.local_addr().ok().map(|address| address.port())
    }

    /// Sends at once.
    pub(super) fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<()> {
        sendto(self.0.as_raw_fd(), bytes, &SockaddrStorage::from(to), MsgFlags::MSG_DONTWAIT)?;
        Ok(())
    }

    /// Waits for the next thing that comes in.
    pub(super) async fn next(&self) -> io::Result<Event> {
        self.0.async_io(Interest::READABLE | Interest::ERROR, || now(self.0.as_raw_fd())).await
    }

    /// An error that has been reported already.
    pub(super) fn undelivered(&self) -> Option<Undelivered> {
        undelivered(self.0.as_raw_fd()).ok()
    }
}

/// What has come in: errors first.
fn now(socket: RawFd) -> io::Result<Event> {
    match undelivered(socket) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        other => return other.map(Event::Undelivered),
    }
    let mut bytes = vec![0; LARGEST];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<SockaddrStorage>(socket, &mut parts, None, MsgFlags::MSG_DONTWAIT)?;
    let (size, from) = (message.bytes, message.address.as_ref().and_then(address));
    let from = from.ok_or_else(|| io::Error::other("a message came without an address"))?;
    bytes.truncate(size);
    Ok(Event::Message { from, bytes })
}

/// Takes one report off the socket's queue of errors.
fn undelivered(socket: RawFd) -> io::Result<Undelivered> {
    let mut id = [0; 2];
    let mut room = cmsg_space!(sock_extended_err, sockaddr_in6);
    let mut parts = [IoSliceMut::new(&mut id)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let report = recvmsg::<SockaddrStorage>(socket, &mut parts, Some(&mut room), flags)?;
    let (size, to) = (report.bytes, report.address.as_ref().and_then(address));
    let mut error = io::Error::other("an error was reported without its cause");
    let mut words = String::new();
    for message in report.cmsgs()? {
        let (cause, by) = match message {
            ControlMessageOwned::Ipv4RecvErr(cause, by) => {
                (cause, by.map(|by| SocketAddr::from(SockaddrIn::from(by)).ip()))
            }
            ControlMessageOwned::Ipv6RecvErr(cause, by) => {
                (cause, by.map(|by| SocketAddr::from(SockaddrIn6::from(by)).ip()))
            }
            _ => continue,
        };
        error = io::Error::from_raw_os_error(i32::try_from(cause.ee_errno).unwrap_or(0));
        words = meaning(&cause);
        if let Some(by) = by.filter(|by| !by.is_unspecified()) {
            words = format!("{words} from {by}");
        }
    }
    Ok(Undelivered { error, to, id: (size >= 2).then(|| u16::from_be_bytes(id)), words })
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let ipv4 = storage.as_sockaddr_in().map(|address| SocketAddr::from(*address));
    ipv4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddr::from(*address)))
}

/// An ICMP error in words.
fn meaning(cause: &sock_extended_err) -> String {
    // The origins 2 and 3 are ICMP and ICMPv6; others are this machine itself.
    let words = match (cause.ee_origin, cause.ee_type, cause.ee_code) {
        (2, 3, 0) | (3, 1, 0) => "network unreachable",
        (2, 3, 1) | (3, 1, 3) => "host unreachable",
        (2, 3, 2) => "protocol unreachable",
        (2, 3, 3) | (3, 1, 4) => "port unreachable",
        (2, 3, 9 | 10 | 13) | (3, 1, 1) => "administratively prohibited",
        (3, 1, 5) => "rejected by a policy",
        (3, 1, 6) => "rejected by a route",
        (2, 11, _) | (3, 3, _) => "time to live exceeded: a loop of routes",
        (2 | 3, kind, code) => return format!("ICMP type {kind} code {code}"),
        _ => return "reported by this machine".to_owned(),
    };
    format!("ICMP {words}")
}
