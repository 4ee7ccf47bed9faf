//! The invariants of `docs/architecture.md` that a compiler cannot hold.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that never do input or output.
const PURE: [&str; 14] = [
    "environment",
    "environment.rs",
    "render",
    "render.rs",
    "plan",
    "plan.rs",
    "scc",
    "scc.rs",
    "manifest.rs",
    "endpoints.rs",
    "settings.rs",
    "emulator.rs",
    "printable.rs",
    "yaml.rs",
];
/// The longest a source file may be.
const LINES: usize = 400;

pub(crate) fn sources(top: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut directories = vec![root().join(top)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The part of a file before its unit tests.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap_or(text)
}

#[track_caller]
fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn offenders(words: &[&str], applies: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        let path = path.to_string_lossy().into_owned();
        if applies(&path) {
            let hits = code(&text).lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
            let hits = hits.filter(|(_, line)| words.iter().any(|word| line.contains(word)));
            found.extend(hits.map(|(number, line)| format!("{path}:{}: {}", number + 1, line.trim())));
        }
    }
    found
}

#[test]
fn pure_modules_do_no_input_or_output() {
    let is_pure =
        |path: &str| PURE.iter().any(|pure| path == format!("src/{pure}") || path.starts_with(&format!("src/{pure}/")));
    let words =
        ["async fn", "tokio::", "std::fs", "std::net", "std::env", "kube::", "aws_", "SystemTime", "Instant::now"];
    assert_none(&offenders(&words, is_pure));
}

#[test]
fn only_the_cluster_module_names_the_kubernetes_client() {
    // `logs` streams straight from the API, and its answer is not a value that could pass through a module.
    assert_none(&offenders(&["kube::"], |path| !path.starts_with("src/cluster") && path != "src/commands/logs.rs"));
}

#[test]
fn only_the_smoke_module_names_the_aws_sdk() {
    assert_none(&offenders(&["aws_sdk_", "aws_smithy", "aws_types"], |path| !path.starts_with("src/smoke")));
}

#[test]
fn only_one_file_names_the_yaml_crate() {
    assert_none(&offenders(&["serde_saphyr"], |path| path != "src/yaml.rs"));
}

#[test]
fn only_the_report_writes_to_standard_output_and_error() {
    // The probe's own lines are a protocol between programs; what fuzzes readers is compiled for tests only.
    let protocol = "src/dns/probe.rs";
    assert_none(&offenders(&["io::stdout()", "io::stderr()", "println!", "eprintln!"], |path| {
        let own = ["src/report", "src/fuzz"].iter().any(|room| path.starts_with(room));
        !own && path != "src/commands.rs" && path != protocol
    }));
}

#[test]
fn only_the_rim_reads_the_process_environment() {
    // What fuzzes readers is compiled for tests only.
    let rim = ["src/exports.rs", "src/commands.rs", "src/commands/local/surroundings.rs", "src/fuzz.rs"];
    assert_none(&offenders(&["env::var"], |path| !rim.contains(&path)));
}

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let long = sources("src").into_iter().chain(sources("tests")).filter(|(_, text)| text.lines().count() > LINES);
    assert_none(
        &long.map(|(path, text)| format!("{}: {} lines", path.display(), text.lines().count())).collect::<Vec<_>>(),
    );
}

#[test]
fn cluster_scoped_templates_and_grants_stand_in_scc() {
    for entry in fs::read_dir(root().join("manifests")).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|end| end == "hbs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            assert!(!text.contains("SecurityContextConstraints"), "{}", entry.path().display());
        }
    }
}

#[test]
fn every_file_says_at_its_head_what_it_is() {
    let silent = sources("src").into_iter().filter(|(_, text)| !text.starts_with("//!"));
    assert_none(&silent.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>());
}

#[test]
fn every_finding_is_documented() {
    let page = |name: &str| fs::read_to_string(root().join("docs").join(name)).unwrap();
    let documented = page("findings.md") + &page("dns-modes.md");
    let mut missing = Vec::new();
    for (path, text) in sources("src") {
        for line in code(&text).lines() {
            if let Some(at) = line.find("code: \"") {
                let slug = line[at + 7..].split('"').next().unwrap_or_default();
                if !documented.contains(&format!("`{slug}`")) {
                    missing.push(format!("{}: {slug}", path.display()));
                }
            }
        }
    }
    assert_none(&missing);
}

#[test]
fn the_example_of_a_check_is_the_check() {
    let document = fs::read_to_string(root().join("docs/add-a-check.md")).unwrap();
    let example = fs::read_to_string(root().join("src/smoke/redshift.rs")).unwrap();
    assert!(document.contains(&example), "docs/add-a-check.md shows another src/smoke/redshift.rs");
}

/// The words of every `lsdeploy ...` in backticks, and of every lone flag in backticks.
fn advice() -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (path, text) in sources("src") {
        for (number, line) in code(&text).lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for quoted in line.split('`').skip(1).step_by(2) {
                if quoted.starts_with("lsdeploy ") || quoted.starts_with("--") {
                    let words = quoted.split_whitespace().filter(|word| *word != "lsdeploy").map(str::to_owned);
                    found.push((format!("{path}:{}: {quoted}", number + 1, path = path.display()), words.collect()));
                }
            }
        }
    }
    found
}

#[test]
fn no_hint_names_a_command_or_a_flag_that_does_not_exist() {
    use clap::CommandFactory as _;
    let mut program = lsdeploy::cli::Cli::command();
    program.build();
    let commands: Vec<String> = program.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let flags_of = |command: &clap::Command| {
        command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))).collect::<Vec<_>>()
    };
    let flags: Vec<String> = program.get_subcommands().flat_map(flags_of).collect();
    let is_known = |word: &String| {
        let word = word.split('=').next().unwrap_or_default();
        !word.starts_with("--") || flags.iter().any(|flag| flag == word)
    };
    let wrong = advice().into_iter().filter(|(_, words)| {
        let command = words.first().filter(|word| !word.starts_with("--"));
        !words.iter().all(is_known) || command.is_some_and(|word| !commands.contains(word))
    });
    assert_none(&wrong.map(|(place, _)| place).collect::<Vec<_>>());
}
