//! How old a server is, and what follows from it. Pure: the version comes from the server, the rest is known of each.

use std::fmt::{self, Display};

/// The version of a server's Kubernetes API: 1.`minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    minor: u32,
}

impl Level {
    /// A server of today; also one that does not say what it is.
    pub const NEWEST: Self = Self { minor: u32::MAX };
    /// OpenShift 3.11.
    pub const OPENSHIFT_3: Self = Self { minor: 11 };

    /// Reads a version such as `v1.11.0+d4cacc0`. What cannot be read is taken for new.
    pub fn of(version: &str) -> Self {
        let mut numbers =
            version.trim_start_matches('v').split(['.', '-', '+']).map_while(|part| part.parse::<u32>().ok());
        match (numbers.next(), numbers.next()) {
            (Some(1), Some(minor)) => Self { minor },
            _ => Self::NEWEST,
        }
    }

    /// Whether the server applies objects itself.
    pub fn server_side_apply(self) -> ServerSideApply {
        match self.minor {
            // Alpha since 1.14, on since 1.16; before 1.18 it forgets who set a field when an object is updated otherwise.
            ..18 => ServerSideApply::No,
            18..22 => ServerSideApply::IfServed,
            _ => ServerSideApply::Yes,
        }
    }

    /// Whether `dryRun` is obeyed: before 1.13 the object may be written.
    pub fn obeys_dry_run(self) -> bool {
        self.minor >= 13
    }

    /// Whether containers have a `startupProbe`.
    pub fn has_startup_probes(self) -> bool {
        self.minor >= 18
    }

    /// Whether pods have a `seccompProfile`; before, an annotation says it.
    pub fn has_seccomp_profiles(self) -> bool {
        self.minor >= 19
    }

    /// Whether the router of its OpenShift reads lists of IPv6: Kubernetes 1.22 is part of OpenShift 4.9, whose router does; that of
    /// OpenShift 3 does not.
    pub fn router_reads_ipv6(self) -> bool {
        self.minor >= 22
    }

    /// The N of 1.N; `None` where the server does not say it.
    pub fn minor(self) -> Option<u32> {
        (self != Self::NEWEST).then_some(self.minor)
    }

    /// Whether pods have `enableServiceLinks`.
    pub fn has_service_links(self) -> bool {
        self.minor >= 13
    }
}

/// Whether a server has server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerSideApply {
    /// Always.
    Yes,
    /// A beta that an administrator may have switched off: its `OpenAPI` document says so.
    IfServed,
    /// No, or not to be relied on.
    No,
}

/// How objects are written. It is known before anything is sent: a server that refuses an apply though its version has it
/// is no reason to write in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writing {
    /// The server merges (server-side apply).
    #[default]
    Applied,
    /// lsdeploy merges what it applied last, what is live and what is wanted, and sends the difference.
    Merged,
}

impl Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEWEST { f.write_str("of today") } else { write!(f, "1.{}", self.minor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_every_kind_are_read() {
        assert_eq!(Level::of("v1.11.0+d4cacc0"), Level::OPENSHIFT_3);
        assert_eq!(Level::of("v1.20.2").to_string(), "1.20");
        assert_eq!(Level::of("v1.20+").minor(), Some(20));
        assert_eq!(Level::of("v1.34.4-rc.1+k3s1").to_string(), "1.34");
        assert_eq!(Level::of("unknown"), Level::NEWEST);
        assert_eq!(Level::of(""), Level::NEWEST);
    }

    #[test]
    fn openshift_3_has_none_of_what_came_later() {
        let old = Level::OPENSHIFT_3;
        assert_eq!(old.server_side_apply(), ServerSideApply::No);
        assert!(!old.obeys_dry_run() && !old.has_startup_probes() && !old.has_seccomp_profiles());
        assert!(!old.has_service_links());
        let new = Level::of("v1.22.1");
        assert_eq!(new.server_side_apply(), ServerSideApply::Yes);
        assert!(new.obeys_dry_run() && new.has_startup_probes() && new.has_seccomp_profiles());
        assert_eq!(Level::of("v1.20.2").server_side_apply(), ServerSideApply::IfServed);
    }
}
