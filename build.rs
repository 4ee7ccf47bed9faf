//! Has the linker of a release fold functions whose code is the same: the 35 SDK crates are generated, and a tenth of the
//! binary stands in it twice. A link argument here rebuilds no dependency, as flags of the compiler would.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // Where Rust links with its own lld; GNU ld does not know the flag.
    if is("PROFILE", "release") && is("TARGET", "x86_64-unknown-linux-gnu") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
