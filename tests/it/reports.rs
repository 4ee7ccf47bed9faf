//! The reports of real runs, read by what reads them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lsdeploy::environment::{EnvName, Environment, Place, Tenure};
use lsdeploy::error::CommandError;
use lsdeploy::exit::ExitStatus;
use lsdeploy::finding::Finding;
use lsdeploy::level::Level;
use lsdeploy::report::files::Files;
use lsdeploy::report::{EnvReport, Run, github};
use lsdeploy::settings::Choices;
use lsdeploy::smoke::{self, Limit, Status, Target};
use serde_json::Value;

use crate::lab::{Ran, lsdeploy, run, skip};
use crate::smoke::emulator::Moto;
use crate::smoke::{limit, options, target};

/// A port on which nothing listens.
const CLOSED: &str = "http://127.0.0.1:9";

fn smoke_of(url: &str, arguments: &[&str]) -> Command {
    lsdeploy(Path::new("/nonexistent"), &[&["smoke", "--endpoint", url], arguments].concat())
}

/// Runs one of the readers beside this file; gives what it prints.
#[track_caller]
fn read_by(reader: &str, file: &Path) -> Option<String> {
    if Command::new("python3").arg("--version").output().is_err() {
        skip("there is no python3 on PATH");
        return None;
    }
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/reports").join(reader);
    let Ran { code, stdout, stderr } = run(Command::new("python3").arg(reader).arg(file));
    assert_eq!(code, 0, "{}: {stderr}", file.display());
    Some(stdout)
}

#[track_caller]
fn assert_case(file: &Path, case: &str, verdict: &str) {
    let Some(cases) = read_by("junit.py", file) else { return };
    let cases: Value = serde_json::from_str(&cases).unwrap();
    assert_eq!(cases[case], verdict, "{case} in {cases:#}");
}

fn json(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn a_run_that_passes_is_reported_in_every_format() {
    let Some(moto) = Moto::start() else { return };
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let url = format!("http://127.0.0.1:{}", moto.port);
    let named = |kind: &str| format!("{kind}={}", file(kind).display());
    let reports = ["junit", "html", "json"].map(named);
    let reports = reports.iter().flat_map(|report| ["--report", report]).collect::<Vec<_>>();
    let ran = run(smoke_of(&url, &["--service", "sqs,kinesis", "--output", "json"]).args(reports));
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(fs::read_to_string(file("json")).unwrap(), ran.stdout, "the report is what standard output says");
    assert_case(&file("junit"), &format!("{url}/kinesis"), "passed");
    let ids = read_by("page.py", &file("html"));
    assert!(ids.is_none_or(|ids| !ids.contains("wrong")), "nothing is wrong");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3, "no drafts are left");
}

#[test]
fn a_run_that_fails_is_reported_and_annotated() {
    let directory = tempfile::tempdir().unwrap();
    let (junit, summary) = (directory.path().join("junit.xml"), directory.path().join("summary.md"));
    let mut command = smoke_of(CLOSED, &["--service", "sqs,sns", "--report", &format!("junit={}", junit.display())]);
    let ran = run(command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_case(&junit, &format!("{CLOSED}/sqs"), "failure");
    let annotation = "::error title=http%3A//127.0.0.1%3A9%3A sns%2C sqs failed at phase connect (connect-refused)::";
    let lines: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("::error")).collect();
    assert!(lines.len() == 1 && lines[0].replace("sqs%2C sns", "sns%2C sqs").starts_with(annotation), "{ran:?}");
    let summary = fs::read_to_string(summary).unwrap();
    assert!(summary.contains("\n| sqs | ❌ connect-refused |\n"), "{summary}");
}

#[test]
fn a_run_that_ends_early_says_so_in_its_reports() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let reports = ["junit", "json", "html"].map(|kind| format!("--report={kind}={}", file(kind).display()));
    let ran = run(lsdeploy(Path::new("/nonexistent"), &["up", "--env", "early"]).args(reports));
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_case(&file("junit"), "lsdeploy/up", "error");
    let json = json(&file("json"));
    assert_eq!((json["schema"].as_str(), json["status"].as_str()), (Some("lsdeploy/v1"), Some("error")));
    assert!(json["error"]["message"].as_str().unwrap().contains("kubeconfig"), "{json}");
    read_by("page.py", &file("html"));
}

#[test]
fn a_report_that_cannot_be_written_stops_the_run_before_it_begins() {
    let Some(moto) = Moto::start() else { return };
    let url = format!("http://127.0.0.1:{}", moto.port);
    for (report, why) in [
        ("junit=/nowhere/at/all.xml", "No such file or directory"),
        ("junit=/dev/null", "it is not a regular file"),
        ("svg=picture.svg", "there is no such kind of report"),
        ("html=", "the name of the file is empty"),
    ] {
        let ran = run(&mut smoke_of(&url, &["--service", "sqs", "--report", report]));
        assert!(ran.code == 2 && ran.stdout.is_empty() && ran.stderr.contains(why), "{report}: {ran:?}");
        assert!(ran.stderr.contains("hint: "), "{report}: {ran:?}");
    }
}

/// A limit on the size of files stands for a disk that fills up while the run goes on.
#[test]
fn a_report_that_does_not_fit_leaves_the_one_before_and_the_results() {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("page.html");
    fs::write(&page, "before").unwrap();
    let smoke = smoke_of(CLOSED, &["--service", "sqs", "--report", &format!("html={}", page.display())]);
    let mut limited = Command::new("bash");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""])
        .arg(smoke.get_program())
        .args(smoke.get_args());
    let ran = run(&mut limited);
    assert!(ran.code == 2 && ran.stdout.contains("1 service checked: 0 passed, 1 failed"), "{ran:?}");
    assert!(
        ran.stderr.contains(&format!("error: cannot write --report {}: File too large", page.display())),
        "{ran:?}"
    );
    assert_eq!(fs::read_to_string(&page).unwrap(), "before");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no draft is left");
}

/// An environment of moto as a report of it begins.
fn report_of(env: &str) -> EnvReport {
    let choices = Choices { emulator: Some("moto".to_owned()), ..Choices::default() };
    let domain = Some("apps.lab.test".to_owned());
    let place =
        Place { namespace: None, tenure: Tenure::Own, cluster_domain: domain, has_sccs: true, level: Level::NEWEST };
    let environment = Environment::validate(&EnvName::parse(env).unwrap(), choices, place).unwrap();
    EnvReport::of(&environment, "reported")
}

/// Words as a hostile tenant would choose them.
const HOSTILE: &str =
    "</td><script>alert(1)</script>]]>&amp;\" \u{1b}[31m\u{0}\u{202e}\u{fffe}\n::set-env name=A::b | `x` ![](http://e)";

#[test]
fn an_environment_that_is_stuck_is_a_failure_and_one_that_was_not_applied_an_error() {
    let mut stuck = report_of("stuck");
    let finding = Finding { code: "image-missing", message: HOSTILE.to_owned(), hint: HOSTILE.to_owned() };
    stuck.stuck = Some((finding, vec![HOSTILE.to_owned(); 2]));
    stuck.phases.done = vec![("apply", Duration::from_millis(1200)), ("wait", Duration::from_mins(5))];
    stuck.notes = vec![HOSTILE.to_owned()];
    stuck.status = ExitStatus::Failure;
    let mut refused = report_of("refused");
    refused.phases.done = vec![("apply", Duration::from_millis(3))];
    refused.fail(CommandError::new(HOSTILE).hint(HOSTILE));
    let reports = [stuck, refused];
    let began = jiff::Timestamp::now();
    let run = Run { command: "up", reports: &reports, error: None, began, took: Duration::from_secs(301) };
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = |name: &str| directory.join(format!("stuck.{name}"));
    let files = Files::check(&["junit", "html"].map(|kind| format!("{kind}={}", file(kind).display()))).unwrap();
    assert_eq!(files.write(&run, None), []);
    for (case, verdict) in [("stuck/applied", "passed"), ("stuck/ready", "failure"), ("refused/applied", "error")] {
        assert_case(&file("junit"), case, verdict);
    }
    read_by("page.py", &file("html"));
    let annotations = github::annotations(&run);
    assert_eq!(annotations.lines().count(), 2, "{annotations}");
    assert!(annotations.lines().all(|line| line.starts_with("::error title=")), "{annotations}");
    let summary = github::summary(&run);
    assert!(!summary.contains("<script") && !summary.contains("\n::"), "{summary}");
}

async fn checked(env: &str, targets: &[Target], limits: Vec<Limit>) -> EnvReport {
    let mut report = report_of(env);
    let mut options = options(&format!("reports{env}"));
    options.limits = limits;
    let started = std::time::Instant::now();
    let results = smoke::run(targets, &options, |_, _| ()).await.unwrap();
    report.phases.done = vec![("smoke", started.elapsed())];
    report.endpoints = targets
        .iter()
        .map(|target| lsdeploy::endpoints::Endpoint { service: target.service.clone(), url: target.url.clone() })
        .collect();
    if results.iter().any(|result| result.status == Status::Failed) {
        report.status = ExitStatus::Failure;
    }
    report.smoke = Some(results);
    report
}

/// The page stays in the target directory, to be looked at.
#[tokio::test]
async fn passed_failed_and_skipped_services_of_two_environments_stand_side_by_side() {
    let Some(moto) = Moto::start() else { return };
    let url = format!("http://127.0.0.1:{}", moto.port);
    let lacks = lsdeploy::emulator::profile("moto").unwrap().lacks;
    let limits: Vec<Limit> = lacks.iter().map(|lack| limit(&lack.service, &lack.operation, &lack.reason)).collect();
    let well: Vec<Target> = smoke::services().map(|service| target(service, &url)).collect();
    let broken: Vec<Target> = smoke::services()
        .map(|service| match service {
            "sns" | "ses" | "s3" => target(service, CLOSED),
            "es" => target(service, "http://es-localstack-team2.apps.invalid"),
            // The emulator answers, and not as AWS would.
            "route53" => target(service, &format!("{url}/moto-api")),
            _ => target(service, &url),
        })
        .collect();
    let off = [limits.clone(), vec![limit("redshift", "*", "switched off in this environment")]].concat();
    let reports = [checked("team1", &well, limits).await, checked("team2", &broken, off).await];
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = |name: &str| directory.join(format!("report.{name}"));
    let files =
        Files::check(&["junit", "html", "json"].map(|kind| format!("{kind}={}", file(kind).display()))).unwrap();
    let began = jiff::Timestamp::now();
    let run = Run { command: "smoke", reports: &reports, error: None, began, took: Duration::from_secs(9) };
    assert_eq!(files.write(&run, None), []);

    assert_case(&file("junit"), "team1/sqs", "passed");
    assert_case(&file("junit"), "team2/s3", "failure");
    assert_case(&file("junit"), "team2/redshift", "skipped");
    let envs = json(&file("json"));
    assert_eq!(envs["envs"][1]["smoke"]["skipped"], 1);
    let ids = read_by("page.py", &file("html")).unwrap_or_default();
    assert!(ids.contains("e1-") && !ids.contains("e0-"), "only team2 has failures: {ids}");
    let page = fs::read_to_string(file("html")).unwrap();
    assert!(page.contains("switched off in this environment") && page.contains("connect-refused"));
    assert!(github::annotations(&run).lines().all(|line| line.starts_with("::error title=team2")));
}
