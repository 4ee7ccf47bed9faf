//! A loopback server that answers each connection with prepared bytes: for answers that no emulator gives on purpose.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

/// How the server treats each connection after the request's header has come.
#[derive(Clone)]
pub(super) enum Script {
    /// Sends these bytes and hangs up.
    Say(Vec<u8>),
    /// Sends the first to so many connections, the second from then on.
    SayThen(usize, Vec<u8>, Vec<u8>),
    /// Sends the first and keeps the connection, hangs up on the next request, and sends the second to later connections.
    HangUp(Vec<u8>, Vec<u8>),
    /// Keeps the connection open and says nothing.
    Silence,
}

/// Starts the server and returns its port; it lives as long as the test program.
pub(super) fn serve(script: Script) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (place, stream) in listener.incoming().enumerate() {
            let script = script.clone();
            thread::spawn(move || answer(&script, place, stream.unwrap()));
        }
    });
    port
}

/// An HTTP answer with its length.
pub(super) fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

fn answer(script: &Script, place: usize, mut stream: TcpStream) {
    let mut request = [0; 16 * 1024];
    let _ = stream.read(&mut request);
    let said = match script {
        Script::Say(said) => said,
        Script::SayThen(count, first, _) if place < *count => first,
        Script::HangUp(first, _) if place == 0 => {
            let _ = stream.write_all(first);
            let _ = stream.read(&mut request);
            return;
        }
        Script::SayThen(_, _, then) | Script::HangUp(_, then) => then,
        Script::Silence => {
            thread::sleep(Duration::from_secs(30));
            return;
        }
    };
    let _ = stream.write_all(said);
}
