//! `lsdeploy`: see the library's documentation.

use std::process::ExitCode;

fn main() -> ExitCode {
    lsdeploy::commands::main(&std::env::args_os().collect::<Vec<_>>()).into()
}
