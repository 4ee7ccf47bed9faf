//! `lsdeploy`: see the library's documentation.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    lsdeploy::commands::main(lsdeploy::cli::Cli::parse()).into()
}
