//! Carries out a plan at the place where it runs: the only part of `dns` that opens sockets and files.

use std::process::ExitCode;

/// The program `lsdeploy-dns-probe`.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
