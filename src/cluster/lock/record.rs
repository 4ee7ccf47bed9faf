//! What a lock says: who holds it, since when, and when it was renewed last. Pure, but for [`Process::of`].

use std::fs;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::local::processes;

/// The annotation of a Lease that names the holder's process.
pub(super) const PROCESS: &str = "lsdeploy.dev/process";

/// Who asks for a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// `user@host pid N run ID`.
    pub identity: String,
    process: Option<Process>,
}

impl Holder {
    /// This process, run as `user` on `host`.
    pub fn new(user: Option<&str>, host: &str, run_id: &str) -> Self {
        let pid = std::process::id();
        let user = user.unwrap_or("unknown");
        Self { identity: format!("{user}@{host} pid {pid} run {run_id}"), process: Process::of(pid) }
    }

    /// What the lock is to say from now on.
    pub(super) fn record(&self, since: Option<&str>) -> Record {
        let now = micro_time(Timestamp::now());
        Record {
            holder: self.identity.clone(),
            since: since.unwrap_or(&now).to_owned(),
            renewed: now,
            seconds: super::DURATION.as_secs(),
            process: self.process.clone(),
        }
    }
}

/// A process on one machine, as only that machine can judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// The boot of the machine, and the process namespace: in a pod the same numbers are others.
    place: String,
    pid: u32,
    started: String,
}

impl Process {
    fn of(pid: u32) -> Option<Self> {
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let started = processes::Process::of(pid)?.started;
        Some(Self { place: format!("{} {}", boot.trim(), namespace.display()), pid, started })
    }

    /// It ran on this machine, where its number is now nobody's or somebody else's.
    fn is_gone(&self, here: Option<&Self>) -> bool {
        let process = processes::Process { pid: self.pid, started: self.started.clone() };
        here.is_some_and(|here| here.place == self.place) && process.has_ended()
    }
}

/// What a lock says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) holder: String,
    pub(super) since: String,
    pub(super) renewed: String,
    pub(super) seconds: u64,
    pub(super) process: Option<Process>,
}

impl Record {
    pub(super) fn is_of(&self, holder: &Holder) -> bool {
        self.holder == holder.identity
    }

    /// Its process ran on this machine and has ended.
    pub(super) fn is_orphan(&self, holder: &Holder) -> bool {
        self.process.as_ref().is_some_and(|process| process.is_gone(holder.process.as_ref()))
    }

    /// Its process runs on this machine and has renewed the lock lately: nobody needs to watch it. A clock that jumps makes
    /// this `false` at worst.
    pub(super) fn is_alive_here(&self, holder: &Holder) -> bool {
        let (Some(process), Some(here)) = (&self.process, &holder.process) else { return false };
        let renewed: Option<Timestamp> = self.renewed.parse().ok();
        let age = renewed.map(|renewed| Timestamp::now().duration_since(renewed).as_secs());
        process.place == here.place && !process.is_gone(Some(here)) && age.is_some_and(|age| (0..=15).contains(&age))
    }

    /// It was renewed within a minute, by whichever clock is ahead.
    pub(super) fn was_renewed_lately(&self) -> bool {
        let renewed: Option<Timestamp> = self.renewed.parse().ok();
        renewed.is_some_and(|renewed| Timestamp::now().duration_since(renewed).as_secs().abs() <= 60)
    }

    /// As the `spec` of a Lease.
    pub(super) fn spec(&self) -> Value {
        json!({"holderIdentity": self.holder, "acquireTime": self.since, "renewTime": self.renewed,
            "leaseDurationSeconds": self.seconds})
    }

    /// The process, as an annotation.
    pub(super) fn process(&self) -> Value {
        let text = self.process.as_ref().and_then(|process| serde_json::to_string(process).ok());
        text.map_or(Value::Null, Value::from)
    }

    /// From a Lease; none where nobody holds it.
    pub(super) fn of_lease(lease: &Value) -> Option<Self> {
        let spec = |key: &str| lease.pointer("/spec")?.get(key);
        let text = |key: &str| Some(spec(key)?.as_str()?.to_owned());
        let process = lease.pointer("/metadata/annotations").and_then(|annotations| annotations.get(PROCESS));
        Some(Self {
            holder: text("holderIdentity").filter(|holder| !holder.is_empty())?,
            since: text("acquireTime").unwrap_or_else(|| "an unknown time".to_owned()),
            renewed: text("renewTime").unwrap_or_default(),
            seconds: spec("leaseDurationSeconds").and_then(Value::as_u64).unwrap_or(super::DURATION.as_secs()),
            process: process.and_then(|text| serde_json::from_str(text.as_str()?).ok()),
        })
    }
}

/// A time as Leases have it.
fn micro_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_its_way_through_a_lease() {
        let record = Holder::new(Some("alice"), "laptop", "1a2b").record(None);
        let lease = json!({"metadata": {"annotations": {PROCESS: record.process()}}, "spec": record.spec()});
        assert_eq!(Record::of_lease(&lease), Some(record.clone()));
        assert!(record.holder.starts_with("alice@laptop pid ") && record.holder.ends_with(" run 1a2b"));
        assert!(record.renewed.ends_with('Z') && record.renewed.len() == 27, "{}", record.renewed);
        assert_eq!(Record::of_lease(&json!({"spec": {}})), None);
    }

    #[test]
    fn only_a_process_of_this_machine_is_known_to_be_gone() {
        let holder = Holder::new(None, "laptop", "1");
        let mine = holder.record(None);
        assert!(!mine.is_orphan(&holder) && mine.is_alive_here(&holder), "this process lives");
        assert!(mine.was_renewed_lately());
        let old = Record { renewed: "2020-01-01T00:00:00.000000Z".to_owned(), ..mine.clone() };
        assert!(!old.is_orphan(&holder) && !old.is_alive_here(&holder), "this process hangs");
        assert!(!old.was_renewed_lately());
        let process = mine.process.clone().unwrap();
        let with = |process: Process| Record { process: Some(process), ..mine.clone() };
        assert!(with(Process { started: "another".to_owned(), ..process.clone() }).is_orphan(&holder), "another start");
        let elsewhere = Process { place: "another boot".to_owned(), started: "another".to_owned(), ..process };
        assert!(!with(elsewhere).is_orphan(&holder));
        assert!(!Record { process: None, ..mine.clone() }.is_orphan(&holder));
    }
}
