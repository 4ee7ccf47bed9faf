//! HTTPS for the API server: handshakes run beside each other, so that a slow one holds up nobody.

use crate::failure::{Attempt as _, Failure};
use crate::log;
use axum::serve::Listener;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Reads the certificate and its key.
pub(crate) fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, Failure> {
    let hint = "`tests/lab/lab up` writes both files; start the lab again";
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .attempting(format!("read the certificate {}", cert.display()), hint)?;
    let secret = PrivateKeyDer::from_pem_file(key).attempting(format!("read the key {}", key.display()), hint)?;
    // No ALPN: the API server then speaks HTTP/1.1 and keeps its connections.
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .attempting(format!("use the certificate {}", cert.display()), hint)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Connections whose handshake is done.
pub(crate) struct Handshaken {
    address: SocketAddr,
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
}

pub(crate) async fn listen(address: SocketAddr, acceptor: TlsAcceptor) -> Result<Handshaken, Failure> {
    let listener = TcpListener::bind(address).await.attempting(
        format!("listen on {address}"),
        "another lab may be running: `tests/lab/lab down`, or give another --listen",
    )?;
    let (done, ready) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    tokio::spawn(handshake(acceptor.clone(), stream, peer, done.clone()));
                }
                Err(error) => {
                    log::line("webhook-accept", &[("why", &error.to_string())]);
                    // Out of file descriptors: waiting is all that can be done.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(Handshaken { address, ready })
}

async fn handshake(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    peer: SocketAddr,
    done: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    // Answers are small and waited for.
    let _ = stream.set_nodelay(true);
    match tokio::time::timeout(Duration::from_secs(10), acceptor.accept(stream)).await {
        Ok(Ok(tls)) => {
            // The receiver is gone only when the program ends.
            let _ = done.send((tls, peer)).await;
        }
        Ok(Err(error)) => log::line("webhook-handshake", &[("peer", &peer.to_string()), ("why", &error.to_string())]),
        Err(_) => log::line("webhook-handshake", &[("peer", &peer.to_string()), ("why", "took over 10 s")]),
    }
}

impl Listener for Handshaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The accepting task never ends while the program runs.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
