//! A chain that a person wrote down (`--chain FILE`, `docs/chain-file.md`): is it one? Takes what the file says, each part
//! with its place in the text; returns a chain, vantages and names, or the first fault. Pure.

mod hops;
mod written;

use std::collections::BTreeSet;

use self::hops::{client, server};
pub use self::written::{At, Spot, Written, WrittenHop, WrittenName, WrittenVantage};
use super::{Chain, Hop, Kind, Place, PlaceKind, Platform, Role, Target, is_below};

/// The most hops a file may have.
const MOST: usize = 500;

/// A chain as it was written down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// The path.
    pub chain: Chain,
    /// The places, each with the words of `--vantage` that lead there.
    pub vantages: Vec<(Place, String)>,
    /// The names, with the addresses they should have.
    pub targets: Vec<Target>,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: Spot,
    /// What.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Makes a chain of what was written down.
///
/// # Errors
/// The first fault.
pub fn check(written: &Written) -> Result<Given, Fault> {
    let vantages = written.vantages.iter().map(vantage).collect::<Result<Vec<_>, _>>()?;
    ids(written)?;
    let clients = written.vantages.iter().map(|vantage| client(written, &vantage.value));
    let clients = clients.collect::<Result<Vec<_>, _>>()?;
    let servers = written.hops.iter().map(|hop| server(written, hop)).collect::<Result<Vec<_>, _>>()?;
    let hops: Vec<Hop> = clients.into_iter().chain(servers).collect();
    addresses(written, &hops)?;
    circles(written, &hops)?;
    roles(written)?;
    let chain = Chain {
        platform: written.platform,
        cluster_domain: written.cluster_domain.clone(),
        apps_domain: written.apps_domain.clone(),
        router: written.router.clone(),
        hops,
        unseen: Vec::new(),
    };
    let targets = written.names.iter().map(|name| target(written, name)).collect::<Result<Vec<_>, _>>()?;
    Ok(Given { chain, vantages, targets })
}

fn fault<T>(at: Spot, message: impl Into<String>, hint: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { at, message: message.into(), hint: hint.into() })
}

/// A vantage, and how `--vantage` would name it.
fn vantage(written: &At<WrittenVantage>) -> Result<(Place, String), Fault> {
    let At { value, at } = written;
    let WrittenVantage { name, kind, exec, pod, node, asks } = value;
    if asks.is_empty() {
        return fault(
            *at,
            format!("vantage `{name}` asks nobody"),
            "name the hops of its resolv.conf: `asks: [ID, ...]`",
        );
    }
    let how = match (exec, pod, kind) {
        (Some(_), Some(_), _) => {
            return fault(*at, format!("vantage `{name}` has both `exec` and `pod`"), "leave one of them out");
        }
        (Some(command), None, _) => format!("{name}=exec:{command}"),
        (None, Some(pod), PlaceKind::Pod) if name == "pod" => format!("pod={pod}"),
        (None, None, PlaceKind::Node) if name == "node" && node.is_some() => {
            format!("node={}", node.as_deref().unwrap_or_default())
        }
        (None, None, PlaceKind::Workstation) if name == "workstation" => name.clone(),
        _ => {
            let hint = "say `exec: COMMAND`; without it there are the names `workstation`, `pod` (with `pod: \
                        NAMESPACE/POD`) and `node` (with `node: NODE`)";
            return fault(*at, format!("there is no way to vantage `{name}`"), hint);
        }
    };
    let pod = pod.as_ref().map(|pod| pod.splitn(3, '/').take(2).collect::<Vec<_>>().join("/"));
    let shown = exec.clone().unwrap_or_else(|| how.clone());
    Ok((Place { name: name.clone(), kind: *kind, how: shown, pod, node: node.clone() }, how))
}

/// Names of vantages and hops stand once, and are names.
fn ids(written: &Written) -> Result<(), Fault> {
    let vantages = written.vantages.iter().map(|vantage| (&vantage.value.name, vantage.at));
    let all = vantages.chain(written.hops.iter().map(|hop| (&hop.value.id, hop.at)));
    let mut known = BTreeSet::new();
    for (id, at) in all {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.@/".contains(c);
        if id.is_empty() || id.len() > 253 || !id.chars().all(fits) {
            let id: String = id.chars().take(40).collect();
            return fault(
                at,
                format!("`{}` is no id", id.escape_debug()),
                "use letters, digits, `-`, `_`, `.`, `@` and `/`",
            );
        }
        if !known.insert(id) {
            return fault(at, format!("the id `{id}` stands twice"), "vantages and hops need different ids");
        }
    }
    if written.vantages.is_empty() {
        return fault((1, 1), "there are no vantages", "say from where is asked: `vantages:`");
    }
    match written.hops.get(MOST) {
        Some(hop) => fault(hop.at, format!("there are more than {MOST} hops"), "write down one path"),
        None => Ok(()),
    }
}

/// Two hops at one address would be one.
fn addresses(written: &Written, hops: &[Hop]) -> Result<(), Fault> {
    for (place, hop) in written.hops.iter().enumerate() {
        let own = &hops[written.vantages.len() + place];
        let before = &hops[written.vantages.len()..written.vantages.len() + place];
        let shared = |other: &&Hop| {
            other.address == own.address && other.asked_from.iter().any(|from| own.asked_from.contains(from))
        };
        if let Some(other) = before.iter().find(shared) {
            let message = format!("hops `{}` and `{}` have the same address", other.id, own.id);
            return fault(hop.value.address.at, message, "one server is one hop; its rules can name several zones");
        }
    }
    Ok(())
}

/// A path that leads back to where it came from.
fn circles(written: &Written, hops: &[Hop]) -> Result<(), Fault> {
    for hop in &written.hops {
        let mut path = vec![hop.value.id.clone()];
        if leads_back(hops, &mut path, &mut BTreeSet::new()) {
            let hint = "write down the path as it ought to be; whether it leads in a circle is found out by asking";
            return fault(hop.at, format!("the path leads in a circle: {}", path.join(" -> ")), hint);
        }
    }
    Ok(())
}

/// Walks from the last hop of the path; true with the whole circle in the path.
fn leads_back(hops: &[Hop], path: &mut Vec<String>, seen: &mut BTreeSet<String>) -> bool {
    let Some(hop) = path.last().and_then(|last| hops.iter().find(|hop| hop.id == *last)) else { return false };
    for next in hop.forwards.iter().flat_map(|forward| &forward.to) {
        if *next == path[0] {
            path.push(next.clone());
            return true;
        }
        if seen.insert(next.clone()) {
            path.push(next.clone());
            if leads_back(hops, path, seen) {
                return true;
            }
            path.pop();
        }
    }
    false
}

/// What a platform cannot be without.
fn roles(written: &Written) -> Result<(), Fault> {
    let (name, needed): (&str, &[Role]) = match written.platform {
        Platform::OpenShift3 => ("openshift-3", &[Role::Dnsmasq]),
        Platform::Minishift => ("minishift", &[Role::Node]),
        Platform::OpenShift4 => ("openshift-4", &[Role::Coredns]),
        Platform::Crc => ("crc", &[Role::Coredns]),
        Platform::MicroShift => ("micro-shift", &[Role::Coredns]),
        Platform::Kubernetes | Platform::None => ("", &[]),
    };
    let has = |role: &Role| written.hops.iter().any(|hop| hop.value.role == *role);
    match needed.iter().find(|role| !has(role)) {
        Some(role) => {
            let message = format!("platform `{name}` needs a hop with the role `{}`", role.word());
            fault((1, 1), message, "add it, or leave `platform` out")
        }
        None => Ok(()),
    }
}

fn target(written: &Written, name: &At<WrittenName>) -> Result<Target, Fault> {
    let text = name.value.name.strip_suffix('.').unwrap_or(&name.value.name);
    let is_label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    if text.is_empty() || text.len() > 253 || !text.split('.').all(is_label) {
        let shown: String = text.chars().take(80).collect();
        let hint = "labels of up to 63 letters, digits, `-` and `_`, 253 characters together";
        return fault(name.at, format!("`{}` is no name of a host", shown.escape_debug()), hint);
    }
    let below = |domain: &str| is_below(text, domain);
    let kind = name.value.kind.unwrap_or_else(|| match text {
        _ if !text.contains('.') => Kind::Bare,
        _ if below("in-addr.arpa") || below("ip6.arpa") => Kind::Reverse,
        _ if below(&written.cluster_domain) => Kind::Service,
        _ if written.apps_domain.as_deref().is_some_and(below) => Kind::Route,
        _ => Kind::External,
    });
    let expected = name.value.expected.clone();
    let because = (!expected.is_empty()).then(|| "the chain file".to_owned());
    Ok(Target { name: text.to_owned(), kind, expected, because })
}
