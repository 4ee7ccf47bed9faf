//! Scripted servers: threads of the test that live in a member's network namespace. For what no real server can be made to say.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::World;
use super::script::{Ask, Reply};

/// How often a server looks whether it is to end.
const TICK: Duration = Duration::from_millis(20);

/// Ends a server when it is dropped.
pub(super) struct Stop {
    flag: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl Stop {
    pub(super) fn new(flag: Arc<AtomicBool>, threads: Vec<JoinHandle<()>>) -> Self {
        Self { flag, threads }
    }
}

/// Runs something in a thread that has moved into a member's network, and returns what it returned.
pub(super) fn inside<T: Send + 'static>(pid: u32, act: impl FnOnce() -> T + Send + 'static) -> T {
    let enter = move || {
        let namespace = File::open(format!("/proc/{pid}/ns/net")).unwrap();
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        act()
    };
    // A socket belongs to the namespace in which it was made, whoever uses it later.
    thread::spawn(enter).join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl World {
    /// A scripted server at this address of a member (`10.9.0.1:53`), by UDP and TCP. It ends with the world.
    #[track_caller]
    pub(crate) fn serve(&self, member: &str, address: &str, script: impl Fn(&Ask) -> Reply + Send + Sync + 'static) {
        let address: SocketAddr = address.parse().unwrap();
        let bind = move || {
            let listener = TcpListener::bind(address).unwrap_or_else(|error| panic!("{address}: {error}"));
            (UdpSocket::bind(address).unwrap_or_else(|error| panic!("{address}: {error}")), listener)
        };
        let (socket, listener) = inside(self.member(member).pid, bind);
        let flag = Arc::new(AtomicBool::new(false));
        let server = Arc::new(Server { script: Box::new(script), count: AtomicUsize::new(0), flag: Arc::clone(&flag) });
        let other = Arc::clone(&server);
        let threads = vec![thread::spawn(move || server.udp(socket)), thread::spawn(move || other.tcp(&listener))];
        self.servers.borrow_mut().push(Stop::new(flag, threads));
    }
}

struct Server {
    script: Box<dyn Fn(&Ask) -> Reply + Send + Sync>,
    count: AtomicUsize,
    flag: Arc<AtomicBool>,
}

impl Server {
    fn is_over(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }

    fn reply(&self, bytes: &[u8], from: SocketAddr, tcp: bool) -> Option<Reply> {
        let nth = self.count.fetch_add(1, Ordering::Relaxed);
        Some((self.script)(&Ask::parse(bytes, from, tcp, nth)?))
    }

    fn udp(&self, socket: UdpSocket) {
        let socket = Arc::new(socket);
        socket.set_read_timeout(Some(TICK)).unwrap();
        let mut buffer = [0; 4096];
        while !self.is_over() {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
            let Some(reply) = self.reply(&buffer[..length], from, false) else { continue };
            let Some(bytes) = reply.to_bytes() else { continue };
            if reply.after.is_zero() {
                drop(socket.send_to(&bytes, from));
                continue;
            }
            let socket = Arc::clone(&socket);
            thread::spawn(move || {
                thread::sleep(reply.after);
                drop(socket.send_to(&bytes, from));
            });
        }
    }

    fn tcp(self: &Arc<Self>, listener: &TcpListener) {
        listener.set_nonblocking(true).unwrap();
        while !self.is_over() {
            match listener.accept() {
                Ok((stream, from)) => {
                    let server = Arc::clone(self);
                    thread::spawn(move || server.connection(stream, from));
                }
                Err(_) => thread::sleep(TICK / 4),
            }
        }
    }

    fn connection(&self, mut stream: TcpStream, from: SocketAddr) -> Option<()> {
        stream.set_nonblocking(false).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        while !self.is_over() {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            let mut bytes = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut bytes).ok()?;
            let reply = self.reply(&bytes, from, true)?;
            let bytes = reply.to_bytes()?;
            thread::sleep(reply.after);
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            stream.write_all(&[&length[..], &bytes[..]].concat()).ok()?;
        }
        None
    }
}
