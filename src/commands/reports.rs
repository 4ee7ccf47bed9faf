//! The reports of a run: asked for before it, written after it, however it ended.

use std::path::PathBuf;
use std::time::Instant;

use crate::cli::{Cli, Command};
use crate::error::{CommandError, Result};
use crate::exit::ExitStatus;
use crate::report::files::{self, Files};
use crate::report::{self, DnsRun, EnvReport, Run};

/// What the surroundings ask for without a flag.
pub(super) struct Actions {
    /// Where GitHub Actions wants the job summary.
    pub(super) summary: Option<PathBuf>,
}

/// Reports that are to be written.
pub(super) struct Reports {
    command: &'static str,
    files: Files,
    actions: Option<Actions>,
    began: jiff::Timestamp,
    started: Instant,
}

impl Reports {
    /// Checks `--report` before anything is done. `actions` is there under GitHub Actions.
    pub(super) fn prepare(cli: &Cli, actions: Option<Actions>) -> Result<Self> {
        let (command, asked) = match &cli.command {
            Command::Up(args) => ("up", &args.report.reports[..]),
            Command::Smoke(args) => ("smoke", &args.report.reports[..]),
            Command::Status(args) => ("status", &args.report.reports[..]),
            Command::DnsDebug(args) => ("dns-debug", &args.report.reports[..]),
            _ => ("", &[][..]),
        };
        Ok(Self {
            command,
            files: Files::check(asked)?,
            actions: actions.filter(|_| !command.is_empty()),
            began: jiff::Timestamp::now(),
            started: Instant::now(),
        })
    }

    /// Writes them. A report that was asked for and cannot be written is an error; what nobody asked for is not.
    pub(super) fn write(
        &self,
        reports: &[EnvReport],
        dns: Option<&DnsRun>,
        error: Option<&CommandError>,
        colour: bool,
    ) -> ExitStatus {
        let run = Run { command: self.command, reports, error, began: self.began, took: self.started.elapsed() };
        if let (Some(actions), None) = (&self.actions, dns) {
            report::print_problems(&report::github::annotations(&run));
            let written = actions.summary.as_ref().map(|path| (path, files::append_summary(path, &run)));
            if let Some((path, Err(error))) = written {
                report::print_problems(&format!("note: cannot write the job summary {}: {error}\n", path.display()));
            }
        }
        let failed = self.files.write(&run, dns);
        for error in &failed {
            report::print_error(error, colour);
        }
        if failed.is_empty() { ExitStatus::Success } else { ExitStatus::Error }
    }
}
