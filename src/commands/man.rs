//! `man`: the manual page of the program or of one command, for `man -l -`. Pure.

use clap_mangen::Man;

use crate::error::{CommandError, Result};

/// What holds for every command.
const MORE: &str = r#".SH "EXIT STATUS"
.TP
\fB0\fR
all is well
.TP
\fB1\fR
applied, but not serving, or a check failed; changes or findings, for commands that look for some
.TP
\fB2\fR
the command could not do its job
.TP
\fB130\fR, \fB143\fR
ended by SIGINT, by SIGTERM
.SH FILES
.TP
\fI~/.kube/config\fR
the cluster, unless \fB\-\-kubeconfig\fR or \fIKUBECONFIG\fR names another file
.TP
\fI$XDG_STATE_HOME/lsdeploy\fR
environments of this machine (\fB\-\-target local\fR)
.SH NOTES
Results go to standard output, everything else to standard error; \fB\-\-output json\fR writes results for programs.
"#;

/// The page of `all`, or of the command of it that is named.
///
/// # Errors
/// There is no such command.
pub(super) fn page(mut all: clap::Command, command: Option<&str>) -> Result<String> {
    all.build();
    let page = match command {
        None => all,
        Some(name) => {
            let known: Vec<&str> = all.get_subcommands().map(clap::Command::get_name).collect();
            let found = all.find_subcommand(name).filter(|found| !found.is_hide_set());
            let found = found.ok_or_else(|| {
                CommandError::new(format!("there is no command `{}`", name.escape_default()))
                    .hint(format!("commands are {}", known.join(", ")))
            })?;
            found.clone()
        }
    };
    let mut text = Vec::new();
    Man::new(page)
        .manual("lsdeploy")
        .source(concat!("lsdeploy ", env!("CARGO_PKG_VERSION")))
        .render(&mut text)
        .map_err(|error| CommandError::new(format!("cannot write the manual page: {error}")))?;
    Ok(String::from_utf8_lossy(&text).into_owned() + MORE)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_command_has_a_page_and_what_is_hidden_has_none() {
        let all = || super::super::shown(&Cli::command());
        let whole = page(all(), None).unwrap();
        assert!(whole.contains(".TH lsdeploy 1") && whole.contains("admin\\-bundle") && whole.contains("EXIT STATUS"));
        assert!(!whole.contains("supervisor"), "{whole}");
        for command in all().get_subcommands() {
            let name = command.get_name();
            assert!(
                page(all(), Some(name)).unwrap().contains(&format!("lsdeploy\\-{}", name.replace('-', "\\-"))),
                "{name}"
            );
        }
        assert!(page(all(), Some("nothing")).is_err());
        assert!(page(all(), Some("local-supervisor")).is_err());
    }
}
