//! A `getent` whose C library is musl, as in an Alpine container: compiled once, for musl, which brings its own resolver.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

use super::World;

/// `getent ahosts NAME`: every address on a line; ends with 2 where there is none.
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
        static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
        let Some(program) = PROGRAM.get_or_init(compile) else { return false };
        let place = self.member(member).path("/run/own/getent");
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::copy(program, place).unwrap();
        true
    }
}

fn compile() -> Option<PathBuf> {
    let directory = env::temp_dir().join(format!("lsdeploy-dns-{}-musl", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let (source, program) = (directory.join("getent.rs"), directory.join("getent"));
    fs::write(&source, GETENT).unwrap();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    let built = rustc.args(["--edition=2024", "--target", &target, "-o"]).args([&program, &source]).output().unwrap();
    if built.status.success() {
        return Some(program);
    }
    assert!(
        env::var_os("CI").is_none(),
        "rustc makes no program for {target}: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    eprintln!("SKIPPED: rustc makes no program for {target} here (`rustup target add {target}`)");
    None
}
