//! Takes out of saved text what nobody else should read: passwords and keys that stand in objects, files and arguments
//! by mistake. Text in, text out; pure. Nothing that a rule looks at has such a name.

use serde_json::Value;

/// What stands in the place of a secret.
const MASK: &str = "(masked)";
/// What the names of secrets hold.
const NAMES: [&str; 6] = ["password", "token", "secret", "credential", "authorization", "private-key"];
/// What an object's history holds, and no rule reads.
const HISTORY: [&str; 2] = ["managedFields", "kubectl.kubernetes.io/last-applied-configuration"];

/// The text of an observation without secrets.
pub(super) fn masked(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value @ (Value::Object(_) | Value::Array(_))) => {
            let before = value.clone();
            mask_value(&mut value);
            // Untouched text stays as it was, to the byte.
            if value == before { text.to_owned() } else { value.to_string() }
        }
        _ => mask_lines(text),
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    NAMES.iter().any(|secret| name.contains(secret))
}

fn mask_value(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !HISTORY.contains(&name.as_str()));
            let holds_secrets = fields.get("kind").and_then(Value::as_str) == Some("Secret");
            for (name, field) in fields.iter_mut() {
                match field {
                    Value::String(text) if is_secret(name) => MASK.clone_into(text),
                    Value::Object(_) if holds_secrets && name.to_ascii_lowercase().ends_with("data") => {
                        *field = Value::from(MASK);
                    }
                    _ => mask_value(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::String(text) => *text = mask_lines(text),
        _ => {}
    }
}

/// Line by line: `name: value`, `name=value`, users in URLs, and keys in PEM.
fn mask_lines(text: &str) -> String {
    let mut in_key = false;
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let starts = line.contains("-----BEGIN") && line.contains("PRIVATE KEY-----");
        in_key |= starts;
        if in_key {
            if starts {
                out.push_str(MASK);
                out.push('\n');
            }
            in_key = !(line.contains("-----END") && line.contains("PRIVATE KEY-----"));
        } else {
            out.push_str(&mask_line(line));
        }
    }
    out
}

fn mask_line(line: &str) -> String {
    let end = if line.ends_with('\n') { "\n" } else { "" };
    if let Some(at) = line.find(['=', ':']) {
        let (name, value) = line.split_at(at + 1);
        let name_alone = name.trim_end_matches(['=', ':']).trim();
        if is_secret(name_alone) && !value.trim().is_empty() && !name_alone.contains(char::is_whitespace) {
            return format!("{name} {MASK}{end}");
        }
    }
    without_users(line)
}

/// `https://user:password@host` becomes `https://(masked)@host`.
fn without_users(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'')).unwrap_or(after.len());
        rest = after;
        if let Some(user) = after[..end].rfind('@') {
            out.push_str(MASK);
            rest = &after[user..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn masks(text: &str, masked_text: &str) {
        assert_eq!(masked(text), masked_text);
    }

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        masks("user: a\npassword: hunter2\nport: 53\n", "user: a\npassword: (masked)\nport: 53\n");
        masks("API_TOKEN=abc", "API_TOKEN= (masked)");
        masks("proxy http://me:pw@proxy:3128/ on", "proxy http://(masked)@proxy:3128/ on");
        masks("a\n-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\nb\n", "a\n(masked)\nb\n");
        masks(r#"{"data":{"a":"x"},"kind":"Secret"}"#, r#"{"data":"(masked)","kind":"Secret"}"#);
        masks(
            r#"{"arguments":["--token=abc"],"clientSecret":"x"}"#,
            r#"{"arguments":["--token= (masked)"],"clientSecret":"(masked)"}"#,
        );
        masks(r#"{"metadata":{"managedFields":[1],"name":"a"}}"#, r#"{"metadata":{"name":"a"}}"#);
    }

    #[test]
    fn what_dns_is_made_of_stays_as_it_is() {
        for text in [
            "nameserver 10.0.0.2\nsearch a b\noptions ndots:5 timeout:1\n",
            "server=/cluster.local/127.0.0.1\nno-resolv\n",
            ".:5353 {\n    forward . tls://1.2.3.4:853 {\n        tls_servername a\n    }\n}\n",
            r#"{"metadata": {"name": "secret-of-life"}, "spec": {"clusterIP": "172.30.0.10"}}"#,
            "passwd: files\nhosts: files dns myhostname",
        ] {
            masks(text, text);
        }
    }
}
