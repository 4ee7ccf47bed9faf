//! A relay of datagrams with delay and loss, where the kernel has no queueing discipline for it.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::World;
use super::serve::{Stop, inside};

/// What a relay does to each datagram.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Relay {
    /// Milliseconds until a query goes on.
    pub(crate) delay: u64,
    /// Every so-manieth query is lost; 0: none.
    pub(crate) lose_every: usize,
}

impl World {
    /// Carries datagrams from an address of a member to a server, and answers back.
    #[track_caller]
    pub(crate) fn relay(&self, member: &str, from: &str, to: &str, relay: Relay) {
        let (from, to): (SocketAddr, SocketAddr) = (from.parse().unwrap(), to.parse().unwrap());
        let pid = self.member(member).pid;
        let front = Arc::new(inside(pid, move || UdpSocket::bind(from).unwrap()));
        front.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&flag);
        let carry = move || {
            let mut backs: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
            let (mut buffer, mut count) = ([0; 4096], 0);
            while !over.load(Ordering::Relaxed) {
                let Ok((length, client)) = front.recv_from(&mut buffer) else { continue };
                count += 1;
                if relay.lose_every != 0 && count % relay.lose_every == 0 {
                    continue;
                }
                let back = backs.entry(client).or_insert_with(|| answers(pid, to, client, &front, &over));
                let (back, bytes) = (Arc::clone(back), buffer[..length].to_vec());
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(relay.delay));
                    drop(back.send(&bytes));
                });
            }
        };
        self.servers.borrow_mut().push(Stop::new(flag, vec![thread::spawn(carry)]));
    }
}

/// A socket towards the server, whose answers go back to one client.
fn answers(
    pid: u32,
    to: SocketAddr,
    client: SocketAddr,
    front: &Arc<UdpSocket>,
    over: &Arc<AtomicBool>,
) -> Arc<UdpSocket> {
    let connect = move || {
        let any = if to.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        Arc::new(socket)
    };
    let back = inside(pid, connect);
    let (reader, front, over) = (Arc::clone(&back), Arc::clone(front), Arc::clone(over));
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while !over.load(Ordering::Relaxed) {
            let Ok(length) = reader.recv(&mut buffer) else { continue };
            drop(front.send_to(&buffer[..length], client));
        }
    });
    back
}
