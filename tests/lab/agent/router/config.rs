//! `HAProxy`'s configuration as text: the parts that are the same for every cluster, and the tables of hosts.

use super::maps;
use super::plan::{Backend, Termination};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

mod section;

/// Every file of one configuration, by its name in the configuration's folder.
pub(crate) type Files = BTreeMap<String, String>;

pub(crate) const MAIN: &str = "haproxy.cfg";

/// What does not change while the router runs.
pub(crate) struct Frame {
    pub(crate) bind: IpAddr,
    /// The folder of sockets and files.
    pub(crate) state: PathBuf,
}

const PAGE_503: &str = "HTTP/1.0 503 Service Unavailable\r\n\
Pragma: no-cache\r\n\
Cache-Control: private, max-age=0, no-cache, no-store\r\n\
Connection: close\r\n\
Content-Type: text/html\r\n\
\r\n\
<html>\n  <head><title>503 Service Unavailable</title></head>\n  <body>\n    <h1>Application is not available</h1>\n    \
<p>The application is currently not serving requests at this endpoint. It may not have been started or is still \
starting.</p>\n    <p>Possible reasons: the host does not exist, it exists without a matching path, or all pods are \
down.</p>\n  </body>\n</html>\n";

/// What the router does with every request before a backend is looked up.
const EVERY_REQUEST: &str = "  http-request deny if { hdr_len(content-length) 0 }
  http-request del-header Proxy
  http-request set-header Host %[req.hdr(Host),lower]
  http-request set-var(txn.host) req.hdr(Host),field(1,:),regsub(\\.$,)
";

pub(crate) fn render(frame: &Frame, backends: &[Backend]) -> Files {
    let mut files = Files::new();
    let (http, https) = (maps::http(backends), maps::https(backends));
    files.insert("http-hosts.map".into(), http.hosts);
    files.insert("http-paths.map".into(), http.paths);
    files.insert("https-hosts.map".into(), https.hosts);
    files.insert("https-paths.map".into(), https.paths);
    files.insert("passthrough.map".into(), maps::passthrough(backends));
    files.insert("503.http".into(), PAGE_503.into());
    let mut own = String::new();
    for backend in backends {
        if let Some(pem) = &backend.certificate {
            let name = format!("{}.pem", backend.key);
            own.extend([&name, " ", &backend.host, "\n"]);
            files.insert(name, format!("{pem}\n"));
        }
        if let Some(pem) = &backend.destination_ca {
            files.insert(section::ca_file(backend), pem.clone());
        }
    }
    let tls = if own.is_empty() { "" } else { " crt-list own-certificates.list" };
    let mut text = global(frame) + &plain(frame) + &encrypted(frame, backends, tls);
    if !own.is_empty() {
        files.insert("own-certificates.list".into(), own);
    }
    for backend in backends {
        text += &section::backend(backend);
    }
    files.insert(MAIN.into(), text);
    files
}

/// Limits and timeouts of the real router, but for the connections: this machine has file descriptors for 4000.
fn global(frame: &Frame) -> String {
    format!(
        "# Written by lsdeploy-lab; changes are lost.
global
  default-path config
  maxconn 4000
  no strict-limits
  # another HAProxy on these ports is a mistake, not a helper; reloads hand their sockets over
  noreuseport
  hard-stop-after 5m
  stats socket {state}/haproxy.sock mode 600 level admin expose-fd listeners
  tune.maxrewrite 8192
  tune.bufsize 32768
  tune.ssl.default-dh-param 2048
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
  mode http
  maxconn 4000
  errorfile 503 503.http
  timeout connect 5s
  timeout client 30s
  timeout client-fin 1s
  timeout server 30s
  timeout server-fin 1s
  timeout http-request 10s
  timeout http-keep-alive 300s
  timeout tunnel 1h

",
        state = frame.state.display()
    )
}

fn plain(frame: &Frame) -> String {
    let redirect = maps::REDIRECT;
    format!(
        "frontend public
  bind {bind}
{EVERY_REQUEST}{lookup}  http-request redirect location https://%[var(txn.host)]%[url] code 302 if {{ var(txn.backend) -m str {redirect} }}
  use_backend %[var(txn.backend)] if {{ var(txn.backend) -m found }}
  default_backend openshift_default

",
        bind = socket(frame.bind, 80),
        lookup = lookup("http"),
    )
}

/// HTTPS: terminated at once, unless a passthrough Route needs a look at the SNI first, which costs a second hop.
fn encrypted(frame: &Frame, backends: &[Backend], own: &str) -> String {
    let state = frame.state.display();
    let public = socket(frame.bind, 443);
    let certificate = format!("ssl crt {state}/default.pem{own}");
    let passthrough = backends.iter().any(|backend| backend.termination == Termination::Passthrough);
    let (first, bind) = if passthrough {
        let sni = "req.ssl_sni,lower,map_str(passthrough.map)";
        let first = format!(
            "frontend public_ssl
  mode tcp
  bind {public}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req_ssl_hello_type 1 }}
  use_backend %[{sni}] if {{ {sni} -m found }}
  default_backend terminate

backend terminate
  mode tcp
  server terminate unix@{state}/tls.sock send-proxy-v2

"
        );
        (first, format!("unix@{state}/tls.sock mode 600 accept-proxy {certificate}"))
    } else {
        (String::new(), format!("{public} {certificate}"))
    };
    format!(
        "{first}frontend terminated
  bind {bind}
{EVERY_REQUEST}{lookup}  use_backend %[var(txn.backend)] if {{ var(txn.backend) -m found }}
  default_backend openshift_default

backend openshift_default

",
        lookup = lookup("https"),
    )
}

fn lookup(scheme: &str) -> String {
    format!(
        "  http-request set-var(txn.backend) base,map_reg({scheme}-paths.map)
  http-request set-var(txn.backend) var(txn.host),map_str({scheme}-hosts.map) unless {{ var(txn.backend) -m found }}
"
    )
}

fn socket(address: IpAddr, port: u16) -> String {
    match address {
        IpAddr::V4(v4) => format!("{v4}:{port}"),
        IpAddr::V6(v6) => format!("[{v6}]:{port}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::router::plan::{Insecure, Server};
    use std::net::Ipv4Addr;

    pub(crate) fn backend(key: &str, host: &str) -> Backend {
        Backend {
            key: key.into(),
            host: host.into(),
            path: String::new(),
            termination: Termination::Plain,
            insecure: Insecure::Refuse,
            servers: vec![Server {
                id: "pod:p".into(),
                address: "10.0.0.1:4566".into(),
                weight: 256,
                cookie: "c00c1e".into(),
            }],
            services: 1,
            annotations: BTreeMap::new(),
            certificate: None,
            destination_ca: None,
        }
    }

    fn frame() -> Frame {
        Frame { bind: Ipv4Addr::LOCALHOST.into(), state: "/run/lab".into() }
    }

    #[test]
    fn one_hop_unless_a_route_passes_tls_through() {
        let plain = backend("n:a", "a.test");
        assert!(render(&frame(), std::slice::from_ref(&plain))[MAIN].contains("bind 127.0.0.1:443 ssl crt"));
        let mut through = plain;
        through.termination = Termination::Passthrough;
        let files = render(&frame(), &[through]);
        assert!(files[MAIN].contains("bind unix@/run/lab/tls.sock mode 600 accept-proxy ssl crt"));
        assert_eq!(files["passthrough.map"], "a.test be_tcp:n:a\n");
    }

    #[test]
    fn a_route_brings_its_own_certificate() {
        let mut own = backend("n:a", "a.test");
        own.termination = Termination::Edge;
        own.certificate = Some("PEM".into());
        let files = render(&frame(), &[own]);
        assert_eq!(files["own-certificates.list"], "n:a.pem a.test\n");
        assert_eq!(files["n:a.pem"], "PEM\n");
    }
}
