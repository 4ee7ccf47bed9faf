//! What a world needs on the machine: root, and programs. Where something is missing, tests are skipped, loudly; under CI they
//! fail.

use std::env;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

const NEEDED: [&str; 10] =
    ["unshare", "nsenter", "ip", "iptables", "getent", "dnsmasq", "named", "unbound", "dnsdist", "dbus-daemon"];

/// True where worlds can be made.
pub(super) fn able() -> bool {
    static ABLE: OnceLock<bool> = OnceLock::new();
    *ABLE.get_or_init(|| {
        super::sweep();
        match obstacle() {
            None => true,
            Some(why) => {
                eprintln!("SKIPPED: {why} (`make test` installs what is missing)");
                let required = ["CI", "LSDEPLOY_REQUIRE_LAB"].iter().any(|name| env::var_os(name).is_some());
                assert!(!required, "skipped under CI: {why}");
                false
            }
        }
    })
}

fn obstacle() -> Option<String> {
    if std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() != 0) {
        return Some("worlds of network namespaces need root".to_owned());
    }
    if !coredns().is_file() {
        return Some(format!("there is no CoreDNS at {} (`tests/coredns` builds it)", coredns().display()));
    }
    let missing: Vec<&str> = NEEDED.into_iter().filter(|name| find(name).is_none()).collect();
    (!missing.is_empty()).then(|| format!("missing on PATH: {}", missing.join(", ")))
}

/// A program on PATH, or where system programs are.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    directories.map(|directory| directory.join(name)).find(|path| path.is_file())
}

/// CoreDNS, as `tests/coredns` leaves it.
pub(super) fn coredns() -> PathBuf {
    env::var_os("LSDEPLOY_TEST_COREDNS").map_or_else(
        || {
            let home = || env::var_os("XDG_CACHE_HOME").map_or_else(|| home().join(".cache"), PathBuf::from);
            let cache = env::var_os("LSDEPLOY_CACHE").map_or_else(|| home().join("lsdeploy"), PathBuf::from);
            cache.join("coredns-1.11.3/coredns")
        },
        PathBuf::from,
    )
}

fn home() -> PathBuf {
    env::var_os("HOME").map(PathBuf::from).unwrap_or_default()
}
