//! A run for GitHub Actions: annotations, which the runner reads from the log, and a job summary in Markdown. Pure.

use std::fmt::Write as _;

use super::EnvReport;
use super::run::{Run, causes, duration, facts, hinted, results, state, with_hints};
use crate::exit::ExitStatus;
use crate::printable::printable;
use crate::smoke::{ServiceResult, Status};

/// GitHub shows no more annotations of one step than these; the last one counts the rest.
const MOST: usize = 10;

/// One `::error` line for everything that is wrong.
pub fn annotations(run: &Run<'_>) -> String {
    let mut all: Vec<(String, String)> = run.reports.iter().flat_map(problems).collect();
    all.extend(run.error.map(|error| (format!("lsdeploy {}", run.command), with_hints(error))));
    let rest = all.len().saturating_sub(MOST);
    if rest > 0 {
        all.truncate(MOST - 1);
        all.push(("lsdeploy".to_owned(), format!("{} more problems: see the log and the job summary", rest + 1)));
    }
    all.iter().fold(String::new(), |mut lines, (title, text)| {
        let _ = writeln!(lines, "::error title={}::{}", property(title), data(text));
        lines
    })
}

/// The job summary.
pub fn summary(run: &Run<'_>) -> String {
    let mark = if run.is_well() { "✅" } else { "❌" };
    let mut text = format!("## {mark} lsdeploy {}: {}\n\n", run.command, markdown(&run.verdict()));
    if let Some(error) = run.error {
        let _ = writeln!(text, "> {}\n", markdown(&with_hints(error)));
    }
    for report in run.reports {
        let known = facts(report).into_iter().filter(|(name, _)| ["emulator", "image", "SCC"].contains(name));
        let known: Vec<String> = known.map(|(name, value)| format!("{name} {}", markdown(&value))).collect();
        let _ = writeln!(text, "**{}** {}. {}\n", markdown(&report.env), state(report), known.join(", "));
    }
    text.push_str(&grid(run.reports));
    for (title, what) in run.reports.iter().flat_map(problems) {
        let lines: Vec<String> = what.lines().map(markdown).collect();
        let _ = writeln!(text, "- **{}**<br>{}", markdown(&title), lines.join("<br>"));
    }
    let _ = writeln!(
        text,
        "\n<sub>lsdeploy {}, {}, took {}</sub>\n",
        env!("CARGO_PKG_VERSION"),
        run.began.strftime("%Y-%m-%d %H:%M UTC"),
        duration(run.took)
    );
    text
}

/// Services in rows, environments in columns.
fn grid(reports: &[EnvReport]) -> String {
    let reports: Vec<&EnvReport> = reports.iter().filter(|report| !results(report).is_empty()).collect();
    let mut services: Vec<&str> =
        reports.iter().flat_map(|report| results(report)).map(|result| result.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    if services.is_empty() {
        return String::new();
    }
    let names: Vec<String> = reports.iter().map(|report| markdown(&report.env)).collect();
    let mut text = format!("| Service | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for service in services {
        let cell = |report: &&EnvReport| {
            results(report).iter().find(|result| result.service == service).map_or_else(String::new, cell)
        };
        let cells: Vec<String> = reports.iter().map(cell).collect();
        let _ = writeln!(text, "| {} | {} |", markdown(service), cells.join(" | "));
    }
    text.push('\n');
    text
}

fn cell(result: &ServiceResult) -> String {
    let left_out = result.operations.iter().filter(|operation| operation.skipped.is_some()).count();
    match (result.status, &result.finding) {
        (Status::Passed, _) if left_out > 0 => format!("✅ {} ms, {left_out} skipped", result.ms),
        (Status::Passed, _) => format!("✅ {} ms", result.ms),
        (Status::Failed, Some(finding)) => format!("❌ {}", finding.code),
        (Status::Failed, None) => "❌ failed".to_owned(),
        (Status::Skipped, _) => "➖ skipped".to_owned(),
    }
}

/// Title and text of what is wrong with one environment.
fn problems(report: &EnvReport) -> Vec<(String, String)> {
    let env = &report.env;
    let mut all = Vec::new();
    if let Some(error) = &report.error {
        let what = if report.status == ExitStatus::Error { "was not applied" } else { "is out of sight" };
        all.push((format!("{env} {what}"), with_hints(error)));
    }
    if let Some((finding, evidence)) = &report.stuck {
        let text = [&finding.message].into_iter().chain(evidence).cloned().collect::<Vec<_>>().join("\n");
        all.push((format!("{env} is not ready: {}", finding.code), hinted(&text, &finding.hint)));
    }
    all.extend(causes(results(report)).iter().map(|cause| {
        let title = format!("{env}: {} failed{} ({})", cause.services.join(", "), cause.at_phase(), cause.finding.code);
        (title, hinted(&cause.finding.message, &cause.finding.hint))
    }));
    all
}

/// The text of a workflow command: its end is the end of the line.
fn data(text: &str) -> String {
    // A carriage return is written out by `printable`.
    printable(text).replace('%', "%25").replace('\n', "%0A")
}

/// A property of a workflow command: it also ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text that Markdown shows as it is, in one line.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '{' | '}' | '#' | '|' | '~' | '!' | '$' => out.extend(['\\', c]),
            // Not a mention.
            '@' => out.push_str("@<!-- -->"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(escape: fn(&str) -> String, text: &str, wanted: &str) {
        assert_eq!(escape(text), wanted);
    }

    #[test]
    fn workflow_commands_are_escaped_as_actions_reads_them() {
        check(data, "100% of a,b: c\nd", "100%25 of a,b: c%0Ad");
        check(data, "a\r\n::set-output name=x::y", "a\\u{d}%0A::set-output name=x::y");
        check(property, "team1: sqs, 5%", "team1%3A sqs%2C 5%25");
    }

    #[test]
    fn markdown_shows_text_as_it_is() {
        check(markdown, "a|b *c* <img src=x> `d`\n# e", "a\\|b \\*c\\* &lt;img src=x&gt; \\`d\\` \\# e");
        check(markdown, "http://x @all", "http://x @<!-- -->all");
    }
}
