//! The section of one Route, with the annotations that the real router honours. A malformed value is ignored, as there.

use crate::router::plan::{Backend, Insecure, Termination, digest};
use std::net::IpAddr;

const PREFIX: &str = "haproxy.router.openshift.io/";
/// `HAProxy` counts milliseconds in 31 bits.
const LONGEST: &str = "2147483647ms";

pub(crate) fn ca_file(backend: &Backend) -> String {
    format!("{}.ca.pem", backend.key)
}

pub(crate) fn backend(backend: &Backend) -> String {
    let http = backend.termination != Termination::Passthrough;
    let mut lines = vec![format!("  mode {}", if http { "http" } else { "tcp" })];
    lines.push(format!("  balance {}", balance(backend, http)));
    if let Some(list) = allowed(backend) {
        lines.push(format!("  acl allowlist src {list}"));
        lines.push("  tcp-request content reject if !allowlist".into());
    }
    let timeout = |name: &str| annotation(backend, name).and_then(time);
    if http {
        lines.push("  option redispatch".into());
        lines.extend(timeout("timeout").map(|time| format!("  timeout server {time}")));
        lines.extend(timeout("timeout-tunnel").map(|time| format!("  timeout tunnel {time}")));
        lines.extend(rate_limit(backend));
        lines.extend(forwarded(annotation(backend, "set-forwarded-headers").unwrap_or("append")));
        lines.extend(cookie(backend));
    } else {
        let tunnel = timeout("timeout-tunnel").or_else(|| timeout("timeout"));
        lines.extend(tunnel.map(|time| format!("  timeout tunnel {time}")));
        lines.push("  hash-type consistent".into());
    }
    lines.push("  timeout check 5000ms".into());
    lines.extend(servers(backend, http));
    format!("backend {}\n{}\n\n", backend.name(), lines.join("\n"))
}

fn annotation<'a>(backend: &'a Backend, name: &str) -> Option<&'a str> {
    backend.annotations.get(&format!("{PREFIX}{name}")).map(String::as_str)
}

fn truth(backend: &Backend, name: &str) -> bool {
    annotation(backend, name).is_some_and(|value| matches!(value, "true" | "True" | "TRUE" | "1" | "t" | "T"))
}

fn balance(backend: &Backend, http: bool) -> &str {
    let known = ["roundrobin", "leastconn", "source", "random"];
    let chosen = annotation(backend, "balance").filter(|value| known.contains(value));
    chosen.unwrap_or(match (backend.services > 1, http) {
        (true, _) => "roundrobin",
        (false, true) => "random",
        (false, false) => "source",
    })
}

/// Addresses that may connect; a list without any valid entry is no list, and the Route is open.
fn allowed(backend: &Backend) -> Option<String> {
    let list = annotation(backend, "ip_allowlist").filter(|list| !list.is_empty());
    let list = list.or_else(|| annotation(backend, "ip_whitelist"))?;
    let address = |text: &&str| match text.split_once('/') {
        None => text.parse::<IpAddr>().is_ok(),
        Some((ip, bits)) => {
            let most = ip.parse().map(|ip: IpAddr| if ip.is_ipv4() { 32 } else { 128 });
            most.is_ok_and(|most| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
        }
    };
    if list.trim() != list {
        return None;
    }
    let valid: Vec<&str> = list.split_whitespace().filter(address).collect();
    (!valid.is_empty()).then(|| valid.join(" "))
}

/// `[1-9][0-9]*(us|ms|s|m|h|d)?`, cut to the longest time that `HAProxy` can count.
fn time(text: &str) -> Option<String> {
    let unit = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit);
    if number.is_empty() || number.starts_with('0') {
        return None;
    }
    let microseconds: u128 = match unit {
        "us" => 1,
        "" | "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    let fits = number.parse::<u128>().ok().and_then(|number| number.checked_mul(microseconds));
    let fits = fits.is_some_and(|total| total <= u128::from(i32::MAX.unsigned_abs()) * 1_000);
    Some(if fits { text.to_owned() } else { LONGEST.to_owned() })
}

fn rate_limit(backend: &Backend) -> Vec<String> {
    if !truth(backend, "rate-limit-connections") {
        return Vec::new();
    }
    let mut lines = vec![
        "  stick-table type ip size 100k expire 30s store conn_cur,conn_rate(3s),http_req_rate(10s)".to_owned(),
        "  tcp-request content track-sc2 src".to_owned(),
    ];
    let counts =
        [("concurrent-tcp", "src_conn_cur"), ("rate-tcp", "src_conn_rate"), ("rate-http", "src_http_req_rate")];
    for (name, count) in counts {
        let limit = annotation(backend, &format!("rate-limit-connections.{name}"));
        if let Some(limit) = limit.and_then(|limit| limit.parse::<u32>().ok()) {
            lines.push(format!("  tcp-request content reject if {{ {count} ge {limit} }}"));
        }
    }
    lines
}

/// Who asked, for whom, by which scheme: added, replaced, only where missing, or never.
fn forwarded(policy: &str) -> Vec<String> {
    let (verb, found): (&str, fn(&str) -> String) = match policy {
        "never" => return Vec::new(),
        "replace" => ("set-header", |_| String::new()),
        "if-none" => ("set-header", |header| format!(" !{{ req.hdr({header}) -m found }}")),
        _ => ("add-header", |_| String::new()),
    };
    let line = |header: &str, value: &str, condition: &str| {
        let condition = format!("{condition}{}", found(header));
        let condition = if condition.is_empty() { String::new() } else { format!(" if {}", condition.trim_start()) };
        format!("  http-request {verb} {header} {value}{condition}")
    };
    let mut lines = match policy {
        "replace" => vec!["  http-request set-header X-Forwarded-For %[src]".to_owned()],
        "if-none" => vec!["  option forwardfor if-none".to_owned()],
        _ => vec!["  option forwardfor".to_owned()],
    };
    lines.push(line("X-Forwarded-Host", "%[req.hdr(host)]", ""));
    lines.push(line("X-Forwarded-Port", "%[dst_port]", ""));
    lines.push(line("X-Forwarded-Proto", "http", "!{ ssl_fc }"));
    lines.push(line("X-Forwarded-Proto", "https", "{ ssl_fc }"));
    let rest = "host=%[req.hdr(host)];proto=%[req.hdr(X-Forwarded-Proto)]";
    lines.push(line("Forwarded", &format!("for=%[src];{rest}"), "!{ src -m sub : }"));
    lines.push(line("Forwarded", &format!("for=\\\"[%[src]]\\\";{rest}"), "{ src -m sub : }"));
    lines
}

/// The cookie that keeps a client with its pod.
fn cookie(backend: &Backend) -> Option<String> {
    if truth(backend, "disable_cookies") {
        return None;
    }
    let plain = |name: &&String| name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-');
    let name = backend.annotations.get("router.openshift.io/cookie_name").filter(plain).filter(|name| !name.is_empty());
    let name = name.cloned().unwrap_or_else(|| digest(&backend.key));
    let mut line = format!("  cookie {name} insert indirect nocache httponly");
    if backend.termination != Termination::Plain && backend.insecure != Insecure::Allow {
        line += " secure attr SameSite=None";
    }
    Some(line)
}

fn servers(backend: &Backend, http: bool) -> Vec<String> {
    let most = annotation(backend, "pod-concurrent-connections").and_then(|most| most.parse::<u32>().ok());
    let tls = match (backend.termination, &backend.destination_ca) {
        (Termination::Reencrypt, Some(_)) => format!(" ssl verify required ca-file {}", ca_file(backend)),
        (Termination::Reencrypt, None) => " ssl verify none".into(),
        _ => String::new(),
    };
    // With one pod a check could only take the last resort away.
    let check = if backend.servers.len() > 1 { " check inter 5000ms" } else { "" };
    let most = most.map(|most| format!(" maxconn {most}")).unwrap_or_default();
    // Passthrough has no cookie, so weight 0 must not be listed at all.
    let listed = backend.servers.iter().filter(|server| http || server.weight > 0);
    let line = |server: &crate::router::plan::Server| {
        let cookie = if http { format!(" cookie {}", server.cookie) } else { String::new() };
        format!("  server {} {}{cookie} weight {}{tls}{check}{most}", server.id, server.address, server.weight)
    };
    listed.map(line).collect()
}

#[cfg(test)]
mod tests;
