//! DNSSEC: zones signed by keys of their own, made by BIND's tools at a member.

use std::fs;

use super::{World, Zone};

impl World {
    /// Signs a zone; `validity` is `-s START -e END` of `dnssec-signzone`, or nothing for now and a month. Returns the signed zone and
    /// the key to trust (a DNSKEY record).
    #[track_caller]
    pub(crate) fn signed(&self, member: &str, zone: &Zone, validity: &str) -> (Zone, String) {
        let origin = zone.origin();
        self.write(member, "/etc/bind/keys/zone", &zone.text());
        let script = format!(
            "cd /etc/bind/keys && key=$(dnssec-keygen -q -K . -a ECDSAP256SHA256 -f KSK {origin}) && \
             dnssec-signzone -q -P -S -z -K . -o {origin} {validity} -f signed zone && grep DNSKEY $key.key"
        );
        let said = self.run(member, &["sh", "-c", &script]);
        let anchor = said.lines().find(|line| !line.starts_with(';') && line.contains("DNSKEY")).unwrap().to_owned();
        let text = fs::read_to_string(self.member(member).path("/etc/bind/keys/signed")).unwrap();
        (zone.clone().with_file(text), anchor)
    }
}
