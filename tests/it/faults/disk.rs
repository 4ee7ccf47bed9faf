//! A disk that is full when the reports are to be written: said, and no half of a report is left.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::lab::{lsdeploy, run, skip};

/// A file system of a few pages, all of which are taken.
struct FullDisk(tempfile::TempDir);

impl FullDisk {
    fn new() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=32k", "tmpfs"]).arg(directory.path()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            skip("only root can mount a small file system");
            return None;
        }
        Some(Self(directory))
    }

    fn fill(&self) {
        // Whatever fits: the last write fails.
        let _ = fs::write(self.0.path().join("ballast"), vec![0; 1 << 20]);
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn reports_that_do_not_fit_are_named_and_leave_nothing_behind() {
    let Some(disk) = FullDisk::new() else { return };
    disk.fill();
    let path = |name: &str| disk.0.path().join(name);
    for kind in ["html", "junit", "json"] {
        let report = format!("{kind}={}", path("report").display());
        let arguments = ["smoke", "--endpoint", "http://127.0.0.1:9", "--service", "sqs", "--report", &report];
        let ran = run(&mut lsdeploy(Path::new("/nonexistent"), &arguments));
        assert_eq!(ran.code, 2, "{ran:?}");
        for words in ["error:", "No space left on device", "hint:"] {
            assert!(ran.stderr.contains(words), "no `{words}` in {ran:?}");
        }
        let left: Vec<_> = fs::read_dir(disk.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["ballast"], "{ran:?}");
    }
}
