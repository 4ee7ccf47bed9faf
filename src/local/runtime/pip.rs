//! Runs pip, tells what it is at, and says what its failure means.

use std::collections::VecDeque;
use std::process::{Output, Stdio};

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use super::python::Python;
use crate::error::{CommandError, Result};
use crate::events::{Events, What};
use crate::printable::printable;

/// How many of the last lines an error repeats.
const LINES: usize = 8;

/// Runs `pip install` to its end.
pub(super) async fn run(title: &str, mut command: Command, events: &Events) -> Result<()> {
    let failed = |why: String| CommandError::new(format!("cannot install {title}: {why}"));
    let spawned = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| failed(format!("pip does not start: {error}")))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let told = async {
        let Some(stdout) = stdout else { return };
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            events.send(What::Waiting(format!("pip: {}", line.trim())));
        }
    };
    let last = async {
        let mut last = VecDeque::new();
        let Some(stderr) = stderr else { return last };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            last.push_back(line);
            if last.len() > LINES {
                last.pop_front();
            }
        }
        last
    };
    let ((), last, status) = tokio::join!(told, last, child.wait());
    let status = status.map_err(|error| failed(format!("pip got lost: {error}")))?;
    if status.success() {
        return Ok(());
    }
    let last: Vec<String> = last.into();
    Err(explain(failed(format!("pip ended with {status}\n{}", quoted(&last))), &last.join("\n")))
}

/// Whether a virtual environment lacks only pip, as Debian's Python has it without the package `python3-venv`.
pub(super) fn is_missing(made: &Output) -> bool {
    !made.status.success() && said(made).contains("ensurepip")
}

/// pip is missing, and could not be had.
pub(super) fn no_pip(python: &Python, got: &Output) -> CommandError {
    let said = said(got);
    let error = CommandError::new(format!("{python} comes without pip, and it cannot be had\n{}", last(&said)));
    explain(
        error.hint(format!(
            "on Debian and Ubuntu `apt install python3-venv` (or python{}.{}-venv) brings it",
            python.version.0, python.version.1
        )),
        &said,
    )
}

/// `python -m venv` failed.
pub(super) fn no_venv(python: &Python, made: &Output) -> CommandError {
    let said = said(made);
    let error = CommandError::new(format!("{python} cannot make a virtual environment\n{}", last(&said)));
    if said.contains("No module named venv") {
        return error.hint("its venv module is missing: install the Python of the distribution, or python.org's");
    }
    explain(error, &said)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The last lines that say something.
fn last(said: &str) -> String {
    let lines: Vec<String> = said.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect();
    quoted(&lines[lines.len().saturating_sub(LINES)..])
}

fn quoted(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  | {}", printable(line.trim_end()))).collect::<Vec<_>>().join("\n")
}

fn explain(error: CommandError, said: &str) -> CommandError {
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["No space left", "Disk quota"]) {
        return error.hint("make room, or name another place with XDG_CACHE_HOME");
    }
    if has(&["CERTIFICATE_VERIFY_FAILED", "SSLError"]) {
        return error.hint("a proxy or mirror shows a certificate that pip does not trust: name its CA with PIP_CERT");
    }
    let unreachable = [
        "NewConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ProxyError",
        "Max retries exceeded",
        "Connection refused",
        "name resolution",
        "No matching distribution found",
    ];
    if has(&unreachable) {
        return error
            .hint("pip cannot reach PyPI from here: HTTPS_PROXY, PIP_INDEX_URL (a mirror) and pip.conf are pip's own")
            .hint("without any: use an emulator that runs already with `--emulator-url http://127.0.0.1:5000`");
    }
    error.hint("the lines above are pip's; running it again begins anew")
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn a_python_without_pip_is_known_and_has_a_hint() {
        let output = |said: &str| Output {
            status: ExitStatus::from_raw(256),
            stdout: said.as_bytes().to_vec(),
            stderr: Vec::new(),
        };
        // What Debian's own Python says.
        let made = "The virtual environment was not created successfully because ensurepip is not\navailable.  On \
             Debian/Ubuntu systems, you need to install the python3-venv\npackage using the following command.\n\n    \
             apt install python3.11-venv\n";
        assert!(is_missing(&output(made)) && !is_missing(&output("No module named venv")));
        let python = Python { program: "/usr/bin/python3".into(), version: (3, 11) };
        let got = "urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>\n";
        let error = no_pip(&python, &output(got));
        assert!(error.message.contains("  | urllib.error.URLError"), "{error}");
        assert!(error.hints[0].contains("apt install python3-venv"), "{error:?}");
        assert!(error.hints[1].starts_with("pip cannot reach PyPI"), "{error:?}");
    }

    #[test]
    fn the_usual_failures_of_pip_have_their_hints() {
        let hint = |said: &str| explain(CommandError::new(""), said).hints[0].clone();
        let offline = "WARNING: Retrying (Retry(total=1)) after connection broken by 'NewConnectionError('...: Failed to \
             establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/moto/\n\
             ERROR: No matching distribution found for moto==5.2.5";
        assert!(hint(offline).starts_with("pip cannot reach PyPI"));
        assert!(hint("[SSL: CERTIFICATE_VERIFY_FAILED]").contains("PIP_CERT"));
        assert!(hint("OSError: [Errno 28] No space left on device").starts_with("make room"));
        assert!(hint("error: subprocess-exited-with-error").contains("begins anew"));
    }
}
