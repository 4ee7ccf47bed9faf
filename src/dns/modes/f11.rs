//! F11: dnsmasq has no file descriptor left.

use super::{Mode, Stage, nothing_more};
use crate::dns::chain::Hop;
use crate::dns::classify::{Confidence, Sign};
use crate::dns::seen::{At, Seen, indexes};

pub(super) static MODE: Mode = Mode {
    id: "F11",
    code: "dnsmasq-out-of-files",
    title: "dnsmasq has used up its open files",
    shows: "queries fail after days of work; dnsmasq holds as many open files as its limit allows (`ls /proc/PID/fd`), its log says \
            `Too many open files`",
    mend: "raise the limit: `[Service]` and `LimitNOFILE=65535` in /etc/systemd/system/dnsmasq.service.d/override.conf, then \
           `systemctl daemon-reload && systemctl restart dnsmasq`",
    stage: Stage::Server,
    explains: &[
        "dnsmasq-not-running",
        "dnsmasq-table-full",
        "dnsmasq-local-only",
        "node-firewall",
        "tcp-blocked",
        "upstream-servfail",
        "no-outside-dns",
        "pod-resolv-conf-wrong",
        "search-suffix-fails",
        "reverse-silent",
        "aaaa-broken",
    ],
    find,
    ask: nothing_more,
};

fn find(seen: &Seen<'_>) -> Vec<Sign> {
    seen.dnsmasqs().filter_map(|hop| is_used_up(seen, hop)).collect()
}

fn is_used_up(seen: &Seen<'_>, hop: &Hop) -> Option<Sign> {
    let (process, facts) = seen.process(&seen.node_of(hop)?.name, "dnsmasq")?;
    let (open, limit) = (facts["open_files"].as_u64()?, facts["open_files_limit"].as_u64()?);
    // A few are kept for itself, so it fails before the last one is gone.
    if limit == 0 || open.saturating_mul(20) < limit.saturating_mul(19) {
        return None;
    }
    let all: Vec<At<'_>> = seen.all().filter(|at| at.is_dns() && !at.chaos && at.hop == hop.id).collect();
    let failed: Vec<At<'_>> =
        all.iter().copied().filter(|at| !at.replied() || at.said("SERVFAIL") || at.said("REFUSED")).collect();
    let confidence = if failed.is_empty() { Confidence::Possible } else { Confidence::Certain };
    let message = format!(
        "dnsmasq (process {}) has {open} files open and may have {limit}: {} of {} queries failed",
        facts["pid"],
        failed.len(),
        all.len()
    );
    Some(Sign::new(&hop.id, confidence, message).resting_on(indexes(failed).into_iter().chain([process.index])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::modes::fixtures::openshift3;
    use crate::dns::observation::{Observation, Transport};

    fn with_files(open: u64, limit: u64) -> crate::dns::evidence::Evidence {
        let mut evidence = openshift3();
        let mut process = Observation::blank("node1", "dnsmasq", "PROCESS", Transport::Process);
        let facts = serde_json::json!({ "pid": 812, "arguments": [], "open_files": open, "open_files_limit": limit });
        process.text = Some(facts.to_string());
        evidence.put(process);
        evidence
    }

    #[test]
    fn a_dnsmasq_at_its_limit_is_found() {
        let mut evidence = with_files(1020, 1024);
        assert_eq!(evidence.signs("F11")[0].confidence, Confidence::Possible, "it answers still");
        evidence.change("dnsmasq", |at| at.name == "github.com", Observation::set_silent);
        let findings = evidence.findings();
        assert_eq!((findings[0].id.as_str(), findings[0].hop.as_str()), ("F11", "dnsmasq"));
        assert_eq!(findings[0].confidence, Confidence::Certain);
        assert!(findings[0].message.contains("1020 files open and may have 1024"));
    }

    #[test]
    fn a_dnsmasq_with_files_left_is_silent_for_another_reason() {
        let mut evidence = with_files(40, 1024);
        evidence.change("dnsmasq", |at| at.name == "github.com", Observation::set_silent);
        assert_eq!(evidence.signs("F11"), []);
    }
}
