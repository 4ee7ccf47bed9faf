use super::*;
use crate::router::config::tests::backend as example;

fn with(name: &str, value: &str) -> String {
    let mut route = example("n:a", "a.test");
    route.annotations.insert(format!("{PREFIX}{name}"), value.into());
    backend(&route)
}

#[test]
fn a_plain_route_reads_like_the_real_router() {
    let text = backend(&example("n:a", "a.test"));
    assert!(text.starts_with("backend be_http:n:a\n  mode http\n  balance random\n"), "{text}");
    assert!(text.contains("\n  http-request add-header X-Forwarded-Proto https if { ssl_fc }\n"), "{text}");
    assert!(text.contains("\n  server pod:p 10.0.0.1:4566 cookie c00c1e weight 256\n"), "{text}");
    assert!(text.contains(" insert indirect nocache httponly\n"), "{text}");
}

#[test]
fn valid_annotations_are_honoured() {
    assert!(with("timeout", "300s").contains("\n  timeout server 300s\n"));
    assert!(with("timeout", "100d").contains("\n  timeout server 2147483647ms\n"));
    assert!(with("ip_whitelist", "10.0.0.0/8 ::1").contains("\n  acl allowlist src 10.0.0.0/8 ::1\n"));
    assert!(!with("disable_cookies", "true").contains("\n  cookie "));
    assert!(with("pod-concurrent-connections", "7").contains(" maxconn 7\n"));
    let if_none = with("set-forwarded-headers", "if-none");
    let line = "\n  http-request set-header X-Forwarded-Port %[dst_port] if !{ req.hdr(X-Forwarded-Port) -m found }\n";
    assert!(if_none.contains(line), "{if_none}");
}

#[test]
fn malformed_annotations_are_ignored() {
    for value in ["0s", "5 s", "5w", "", "5s\n  http-request deny"] {
        assert!(!with("timeout", value).contains("timeout server"), "{value:?}");
    }
    for value in ["10.0.0.0/33", " 10.0.0.1", "10.0.0.1,10.0.0.2", "all"] {
        assert!(!with("ip_allowlist", value).contains("allowlist"), "{value:?}");
    }
    assert!(with("balance", "best\n  x").contains("balance random"));
}

#[test]
fn reencrypt_checks_the_pod_if_it_can() {
    let mut route = example("n:a", "a.test");
    route.termination = Termination::Reencrypt;
    assert!(backend(&route).contains(" ssl verify none\n"));
    route.destination_ca = Some("PEM".into());
    assert!(backend(&route).contains(" ssl verify required ca-file n:a.ca.pem\n"));
}
