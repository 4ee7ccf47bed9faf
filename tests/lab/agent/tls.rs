//! HTTPS for the API server: handshakes run beside each other, so that a slow one holds up nobody.

use crate::failure::{Attempt as _, Failure};
use crate::log;
use axum::Router;
use axum::serve::Listener;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

const HINT: &str = "`tests/lab/lab up` writes this file; start the lab again";

/// Reads the certificate and its key. With `client_ca`, only who has a certificate of that authority is let in.
pub(crate) fn acceptor(cert: &Path, key: &Path, client_ca: Option<&Path>) -> Result<TlsAcceptor, Failure> {
    let chain = certificates(cert)?;
    let secret = PrivateKeyDer::from_pem_file(key).attempting(format!("read the key {}", key.display()), HINT)?;
    // No ALPN: the API server then speaks HTTP/1.1 and keeps its connections.
    let config = ServerConfig::builder()
        .with_client_cert_verifier(clients(client_ca)?)
        .with_single_cert(chain, secret)
        .attempting(format!("use the certificate {}", cert.display()), HINT)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .attempting(format!("read the certificate {}", file.display()), HINT)
}

/// Who is let in: everybody, or who has a certificate of the authority.
fn clients(authority: Option<&Path>) -> Result<Arc<dyn ClientCertVerifier>, Failure> {
    let Some(file) = authority else { return Ok(WebPkiClientVerifier::no_client_auth()) };
    let attempt = format!("trust the authority {}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).attempting(&attempt, HINT)?;
    }
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
    verifier.attempting(attempt, HINT)
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn serve(listener: Handshaken, app: Router) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate()).attempting("listen for SIGTERM", "report this as a bug")?;
    let mut interrupt = signal(SignalKind::interrupt()).attempting("listen for SIGINT", "report this as a bug")?;
    tokio::select! {
        served = axum::serve(listener, app).into_future() => {
            served.attempting("serve the API server", "see the line above for the cause")
        }
        // Nothing is lost by stopping in the middle: the API server asks again or refuses the write.
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
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
                    log::line("tls-accept", &[("why", &error.to_string())]);
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
        Ok(Err(error)) => log::line("tls-handshake", &[("peer", &peer.to_string()), ("why", &error.to_string())]),
        Err(_) => log::line("tls-handshake", &[("peer", &peer.to_string()), ("why", "took over 10 s")]),
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
