//! An API server for CoreDNS, with the Services of a small cluster: lists, and watches that tell of changes. The lab has a real
//! one; here each world needs its own, within a few milliseconds.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use super::serve::{Stop, inside};

/// How often a watch looks for changes.
const TICK: Duration = Duration::from_millis(20);

/// What the API server knows.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    services: Vec<Service>,
    /// Grows with each change.
    version: u64,
}

#[derive(Debug, Clone)]
struct Service {
    name: String,
    namespace: String,
    cluster_ip: String,
    endpoints: Vec<(String, bool)>,
}

impl Api {
    /// With the Services that every cluster has.
    pub(crate) fn new() -> Self {
        let api = Self { state: Arc::default() };
        api.set("kubernetes.default", "172.30.0.1", &["10.0.2.15"]);
        api.set("image-registry.openshift-image-registry", "172.30.91.7", &["10.128.0.70"]);
        api.set("kinesis.team1", "172.30.5.6", &["10.128.0.71"]);
        api
    }

    /// The same with one more Service (`NAME.NAMESPACE`); `None` as address is headless, `name:HOST` is another name. A `!` before an endpoint: not ready.
    #[must_use]
    pub(crate) fn with(self, service: &str, cluster_ip: &str, endpoints: &[&str]) -> Self {
        self.set(service, cluster_ip, endpoints);
        self
    }

    /// Adds or changes a Service.
    pub(crate) fn set(&self, service: &str, cluster_ip: &str, endpoints: &[&str]) {
        let (name, namespace) = service.split_once('.').unwrap();
        let endpoints =
            endpoints.iter().map(|endpoint| (endpoint.trim_start_matches('!').to_owned(), !endpoint.starts_with('!')));
        let new = Service {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            cluster_ip: cluster_ip.to_owned(),
            endpoints: endpoints.collect(),
        };
        let mut state = self.state.lock().unwrap();
        state.services.retain(|old| (&old.name, &old.namespace) != (&new.name, &new.namespace));
        state.services.push(new);
        state.version += 1;
    }

    fn version(&self) -> u64 {
        self.state.lock().unwrap().version
    }

    /// The objects below a path, and their kind.
    fn objects(&self, path: &str) -> Option<(Value, Vec<Value>)> {
        let state = self.state.lock().unwrap();
        let version = state.version.to_string();
        let of = |service: &Service| json!({ "name": service.name, "namespace": service.namespace, "uid": service.name, "resourceVersion": version });
        let services = state.services.iter();
        Some(match path {
            "/api/v1/services" => (
                json!({ "kind": "ServiceList", "apiVersion": "v1", "metadata": { "resourceVersion": version } }),
                services.map(|service| service.object(&of(service))).collect(),
            ),
            "/apis/discovery.k8s.io/v1/endpointslices" => (
                json!({ "kind": "EndpointSliceList", "apiVersion": "discovery.k8s.io/v1", "metadata": { "resourceVersion": version } }),
                services.map(|service| service.slice(&of(service))).collect(),
            ),
            "/api/v1/namespaces" => {
                let mut names: Vec<&str> = services.map(|service| service.namespace.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                let object = |name| json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": { "name": name, "uid": name, "resourceVersion": version } });
                (
                    json!({ "kind": "NamespaceList", "apiVersion": "v1", "metadata": { "resourceVersion": version } }),
                    names.into_iter().map(object).collect(),
                )
            }
            _ => return None,
        })
    }
}

impl Service {
    fn object(&self, metadata: &Value) -> Value {
        if let Some(target) = self.cluster_ip.strip_prefix("name:") {
            let spec = json!({ "type": "ExternalName", "externalName": target });
            return json!({ "kind": "Service", "apiVersion": "v1", "metadata": metadata, "spec": spec });
        }
        json!({ "kind": "Service", "apiVersion": "v1", "metadata": metadata, "spec": {
            "type": "ClusterIP", "clusterIP": self.cluster_ip, "clusterIPs": [self.cluster_ip], "ipFamilies": ["IPv4"],
            "ports": [{ "name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080 }] } })
    }

    fn slice(&self, metadata: &Value) -> Value {
        let mut metadata = metadata.clone();
        metadata["name"] = json!(format!("{}-abcde", self.name));
        metadata["labels"] = json!({ "kubernetes.io/service-name": self.name });
        let endpoints: Vec<Value> = self
            .endpoints
            .iter()
            .map(|(address, ready)| json!({ "addresses": [address], "conditions": { "ready": ready, "serving": ready } }))
            .collect();
        json!({ "kind": "EndpointSlice", "apiVersion": "discovery.k8s.io/v1", "metadata": metadata, "addressType": "IPv4",
            "endpoints": endpoints, "ports": [{ "name": "http", "port": 8080, "protocol": "TCP" }] })
    }
}

impl World {
    /// Serves the API at an address of a member, without TLS: `kubernetes { endpoint http://ADDRESS }` in a Corefile.
    #[track_caller]
    pub(crate) fn api(&self, member: &str, address: &str, api: &Api) {
        let address: SocketAddr = address.parse().unwrap();
        let listener = inside(self.member(member).pid, move || TcpListener::bind(address).unwrap());
        listener.set_nonblocking(true).unwrap();
        let flag = Arc::new(AtomicBool::new(false));
        let (api, over) = (api.clone(), Arc::clone(&flag));
        let accept = move || {
            while !over.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    thread::sleep(TICK / 4);
                    continue;
                };
                let (api, over) = (api.clone(), Arc::clone(&over));
                thread::spawn(move || connection(&stream, &api, &over));
            }
        };
        self.servers.borrow_mut().push(Stop::new(flag, vec![thread::spawn(accept)]));
    }
}

fn connection(stream: &TcpStream, api: &Api, over: &AtomicBool) -> Option<()> {
    stream.set_nonblocking(false).ok()?;
    let mut lines = BufReader::new(stream).lines();
    while !over.load(Ordering::Relaxed) {
        let request = lines.next()?.ok()?;
        while !lines.next()?.ok()?.is_empty() {}
        let (path, query) = request.split(' ').nth(1)?.split_once('?').unwrap_or((request.split(' ').nth(1)?, ""));
        match api.objects(path) {
            None => respond(stream, "404 Not Found", &json!({ "kind": "Status", "apiVersion": "v1", "code": 404 }))?,
            Some(_) if query.contains("watch=") => return watch(stream, api, path, over),
            Some((mut list, items)) => {
                list["items"] = json!(items);
                respond(stream, "200 OK", &list)?;
            }
        }
    }
    None
}

fn respond(mut stream: &TcpStream, status: &str, body: &Value) -> Option<()> {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).ok()
}

/// Every object again after each change, as modified.
fn watch(mut stream: &TcpStream, api: &Api, path: &str, over: &AtomicBool) -> Option<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).ok()?;
    let mut seen = api.version();
    while !over.load(Ordering::Relaxed) {
        thread::sleep(TICK);
        if api.version() == seen {
            continue;
        }
        seen = api.version();
        for object in api.objects(path)?.1 {
            let event = format!("{}\n", json!({ "type": "MODIFIED", "object": object }));
            stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).ok()?;
        }
    }
    None
}
