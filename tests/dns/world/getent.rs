//! A `getent` with the C library of one's choice: glibc's, or musl's as in an Alpine container. Compiled once each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use super::World;

/// `getent ahosts NAME`: every address on a line; else what the library says, and an exit status of 2.
const GETENT: &str = r#"
use std::net::ToSocketAddrs;
fn main() {
    let name = std::env::args().nth(2).expect("getent ahosts NAME");
    match (name.as_str(), 0).to_socket_addrs() {
        Ok(addresses) => addresses.for_each(|address| println!("{:15} STREAM {name}", address.ip())),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(2);
        }
    }
}
"#;

impl World {
    /// Gives a member a `getent` with musl's resolver. False where none can be compiled: the test is then skipped, loudly.
    #[must_use]
    pub(crate) fn musl(&self, member: &str) -> bool {
        self.getent(member, musl())
    }

    /// The same with glibc's.
    #[must_use]
    pub(crate) fn glibc(&self, member: &str) -> bool {
        self.getent(member, glibc())
    }

    fn getent(&self, member: &str, program: Option<&Path>) -> bool {
        let Some(program) = program else { return false };
        let place = self.member(member).path("/run/own/getent");
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        // Not over the old one, which may be running.
        drop(fs::remove_file(&place));
        fs::copy(program, place).unwrap();
        true
    }
}

fn musl() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("musl")).as_deref()
}

fn glibc() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("gnu")).as_deref()
}

fn compile(library: &str) -> Option<PathBuf> {
    let directory = env::temp_dir().join(format!("lsdeploy-dns-{}-{library}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let (source, program) = (directory.join("getent.rs"), directory.join("getent"));
    fs::write(&source, GETENT).unwrap();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let target = format!("{}-unknown-linux-{library}", env::consts::ARCH);
    let built = rustc.args(["--edition=2024", "--target", &target, "-o"]).args([&program, &source]).output().unwrap();
    if built.status.success() {
        return Some(program);
    }
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(env::var_os("CI").is_none(), "rustc makes no program for {target}: {said}");
    eprintln!("SKIPPED: rustc makes no program for {target} here (`rustup target add {target}`)");
    None
}
