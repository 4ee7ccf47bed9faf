//! `lsdeploy-dns-probe`: plans on standard input, observations on standard output. Travels to where questions are asked.

use std::process::ExitCode;

fn main() -> ExitCode {
    lsdeploy::dns::probe::main()
}
