//! Asks by TCP: one connection per question, one try. Does input and output.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout_at;

use super::asked::{Asked, trouble};
use super::message::{self, Reply};
use crate::dns::observation::Trouble;

/// What came of it.
enum Outcome {
    Reply(Box<Reply>, usize),
    Trouble(Trouble, String),
}

/// Asks, and tells what came.
pub(super) async fn ask(mut asked: Asked, port: Option<u16>) {
    asked.observation.source_port = port;
    asked.starts();
    let deadline = asked.deadline();
    let mut progress = "not connected".to_owned();
    match timeout_at(deadline, exchange(&mut asked, port, &mut progress)).await {
        Ok(Outcome::Reply(reply, size)) => asked.answered(*reply, size),
        // What came and did not fit says more than how it ended.
        _ if asked.suspicion.is_some() => asked.expired(),
        Ok(Outcome::Trouble(kind, detail)) => asked.ends(kind, &detail),
        Err(_) => {
            let detail = format!("{progress} after {} ms", asked.wait.as_millis());
            asked.ends(Trouble::Timeout, &detail);
        }
    }
}

async fn exchange(asked: &mut Asked, port: Option<u16>, progress: &mut String) -> Outcome {
    let mut stream = match connect(asked.question.server, port).await {
        Ok(stream) => stream,
        Err(error) => return Outcome::Trouble(trouble(&error), format!("not connected: {error}")),
    };
    "connected, and nothing came".clone_into(progress);
    let Ok(length) = u16::try_from(asked.packet.len()) else {
        return Outcome::Trouble(Trouble::Other, "the question is too long".to_owned());
    };
    let mut packet = length.to_be_bytes().to_vec();
    packet.extend(&asked.packet);
    if let Err(error) = stream.write_all(&packet).await {
        return Outcome::Trouble(trouble(&error), format!("connected, and the question was not taken: {error}"));
    }
    loop {
        let bytes = match message(&mut stream, progress).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Outcome::Trouble(Trouble::Closed, format!("closed: {progress}"));
            }
            Err(error) => return Outcome::Trouble(trouble(&error), format!("{progress}: {error}")),
        };
        asked.observation.size = Some(bytes.len());
        match message::decode(&bytes) {
            Err(words) => return Outcome::Trouble(Trouble::Garbage, words),
            Ok(reply) if reply.id != asked.id => {
                let detail = format!("the reply has the id {} instead of {}", reply.id, asked.id);
                asked.suspect(Trouble::Mismatch, detail);
            }
            Ok(reply) if reply.asks => {
                return Outcome::Trouble(Trouble::Garbage, "the question itself came back".to_owned());
            }
            Ok(reply) if !reply.fits(&asked.question) => {
                asked.suspect(Trouble::Mismatch, format!("the reply is about {}", reply.topic()));
            }
            Ok(reply) => return Outcome::Reply(Box::new(reply), bytes.len()),
        }
    }
}

async fn connect(server: SocketAddr, port: Option<u16>) -> io::Result<TcpStream> {
    let Some(port) = port else { return TcpStream::connect(server).await };
    let (socket, any) = match server {
        SocketAddr::V4(_) => (TcpSocket::new_v4()?, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
        SocketAddr::V6(_) => (TcpSocket::new_v6()?, SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))),
    };
    socket.set_reuseaddr(true)?;
    socket.bind(any)?;
    socket.connect(server).await
}

/// One message: two bytes of length, then as many bytes. `progress` says how far it got.
async fn message(stream: &mut TcpStream, progress: &mut String) -> io::Result<Vec<u8>> {
    let mut length = [0; 2];
    fill(stream, &mut length, |got| format!("{got} of 2 bytes of the length came"), progress).await?;
    let length = usize::from(u16::from_be_bytes(length));
    let mut bytes = vec![0; length];
    fill(stream, &mut bytes, |got| format!("{got} of {length} bytes came"), progress).await?;
    Ok(bytes)
}

async fn fill(
    stream: &mut TcpStream,
    room: &mut [u8],
    words: impl Fn(usize) -> String,
    progress: &mut String,
) -> io::Result<()> {
    let mut got = 0;
    while got < room.len() {
        *progress = words(got);
        match stream.read(&mut room[got..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => got += more,
        }
    }
    Ok(())
}
