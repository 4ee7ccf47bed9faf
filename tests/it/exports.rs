//! What `env` prints, read by the clients it is for, against a moto server. `tests/clients` installs them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lsdeploy::cli::EnvFormat;
use lsdeploy::endpoints::Endpoint;
use lsdeploy::environment::{EDGE, EnvName, Environment, Place, Tenure};
use lsdeploy::exports::{self, Access};
use lsdeploy::level::Level;
use lsdeploy::settings::Choices;
use serde_json::Value;

use crate::lab::{Ran, run, skip};
use crate::smoke::emulator::Moto;

/// The programs of `tests/clients`, and a directory for their files.
struct Clients {
    programs: PathBuf,
    home: tempfile::TempDir,
}

impl Clients {
    fn installed() -> Option<Self> {
        let Some(programs) = env::var_os("LSDEPLOY_TEST_CLIENTS") else {
            skip("LSDEPLOY_TEST_CLIENTS does not name the programs that `tests/clients` installs");
            return None;
        };
        Some(Self { programs: programs.into(), home: tempfile::tempdir().unwrap() })
    }

    /// A program with nothing of this machine's AWS configuration.
    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let path = env::join_paths(
            [self.programs.clone()].into_iter().chain(env::split_paths(&env::var_os("PATH").unwrap_or_default())),
        );
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", self.home.path())
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    #[track_caller]
    fn output(&self, program: &str, arguments: &[&str], file: &str) -> String {
        let ran = run(self.command(program, arguments).env("AWS_CONFIG_FILE", self.home.path().join(file)));
        assert_eq!(ran.code, 0, "{program} {arguments:?}: {ran:?}");
        ran.stdout
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).unwrap();
    }
}

fn environment() -> Environment {
    let choices = Choices { emulator: Some("moto".to_owned()), ..Choices::default() };
    let domain = Some("apps.lab.test".to_owned());
    let place =
        Place { namespace: None, tenure: Tenure::Own, cluster_domain: domain, has_sccs: true, level: Level::NEWEST };
    Environment::validate(&EnvName::parse("team1").unwrap(), choices, place).unwrap()
}

/// sqs, sns, s3 and dynamodb lead to moto; every other service, and the gateway, to a host of its own that does not
/// exist: a client that takes another endpoint than its own fails.
fn endpoints(environment: &Environment, port: u16) -> Vec<Endpoint> {
    let url = |service: &str| match service {
        "sqs" | "sns" | "s3" | "dynamodb" => format!("http://127.0.0.1:{port}"),
        other => format!("http://{other}.invalid"),
    };
    environment.routes().into_iter().map(|service| Endpoint { url: url(&service), service }).collect()
}

fn written(format: EnvFormat, port: u16, ca_bundle: Option<&Path>) -> String {
    let environment = environment();
    let endpoints = endpoints(&environment, port);
    exports::write(format, &Access::of(&environment, &endpoints, ca_bundle)).unwrap()
}

fn variables(port: u16) -> BTreeMap<String, String> {
    serde_json::from_str(&written(EnvFormat::Json, port, None)).unwrap()
}

/// Uses a table, a bucket and a topic with the AWS CLI, and a queue with version 2. Version 1, the one of `PyPI`, has a
/// table of SQS hosts that it prefers to every endpoint but `--endpoint-url`.
#[track_caller]
fn use_services(mut aws: impl FnMut(&[&str]) -> String) {
    if aws(&["--version"]).starts_with("aws-cli/2") {
        aws(&["sqs", "create-queue", "--queue-name", "jobs"]);
        assert!(aws(&["sqs", "list-queues"]).contains("/jobs"));
    }
    assert!(aws(&["dynamodb", "list-tables"]).contains("TableNames"));
    aws(&["s3", "mb", "s3://papers"]);
    aws(&["s3", "cp", "here.txt", "s3://papers/here.txt"]);
    assert_eq!(aws(&["s3", "cp", "s3://papers/here.txt", "-"]), "as it was");
    assert!(aws(&["sns", "create-topic", "--name", "news"]).contains("us-east-1:123456789012:news"));
}

/// Makes a queue with boto3 and prints its URL.
const QUEUE_OF_BOTO3: &str = "
import boto3, sys
print(boto3.Session(profile_name=sys.argv[1]).client('sqs').create_queue(QueueName='jobs')['QueueUrl'])
";

/// Prints what endpoint boto3 takes for every service.
const ENDPOINTS_OF_BOTO3: &str = "
import boto3, json, sys
session = boto3.Session(profile_name=sys.argv[1] or None)
print(json.dumps({name: session.client(name).meta.endpoint_url for name in sys.argv[2:]}))
";

#[track_caller]
fn assert_endpoints(printed: &str, port: u16) {
    let seen: BTreeMap<String, String> = serde_json::from_str(printed).unwrap();
    let wanted = endpoints(&environment(), port).into_iter().filter(|endpoint| endpoint.service != EDGE);
    assert_eq!(seen, wanted.map(|endpoint| (endpoint.service, endpoint.url)).collect());
}

#[test]
fn the_aws_cli_and_boto3_use_the_profile() {
    let (Some(clients), Some(moto)) = (Clients::installed(), Moto::start()) else { return };
    clients.write("config", &written(EnvFormat::AwsConfig, moto.port, None));
    clients.write("here.txt", "as it was");
    use_services(|arguments| clients.output("aws", &[&["--profile", "team1"], arguments].concat(), "config"));
    let services = environment().services;
    let services: Vec<&str> = services.iter().map(String::as_str).collect();
    let script = [&["-c", ENDPOINTS_OF_BOTO3, "team1"], services.as_slice()].concat();
    assert_endpoints(&clients.output("python3", &script, "config"), moto.port);
    assert!(clients.output("python3", &["-c", QUEUE_OF_BOTO3, "team1"], "config").ends_with("/jobs\n"));
}

#[test]
fn a_profile_trusts_the_certificates_it_names() {
    let Some(clients) = Clients::installed() else { return };
    clients.write("config", &written(EnvFormat::AwsConfig, 1, Some(Path::new("/my certificates/ca.pem"))));
    let script = "import botocore.session as s; print(s.Session(profile='team1').get_config_variable('ca_bundle'))";
    assert_eq!(clients.output("python3", &["-c", script], "config"), "/my certificates/ca.pem\n");
}

#[test]
fn a_shell_that_evaluates_the_exports_uses_every_service() {
    let (Some(clients), Some(moto)) = (Clients::installed(), Moto::start()) else { return };
    clients.write("exports", &written(EnvFormat::Shell, moto.port, None));
    clients.write("here.txt", "as it was");
    use_services(|arguments| {
        let script = ["-euc", "eval \"$(cat exports)\"; exec aws \"$@\"", "bash"];
        clients.output("bash", &[&script, arguments].concat(), "none")
    });
    let services = environment().services;
    let script = ["-euc", "eval \"$(cat exports)\"; exec python3 \"$@\"", "bash", "-c", ENDPOINTS_OF_BOTO3, ""];
    let services: Vec<&str> = script.into_iter().chain(services.iter().map(String::as_str)).collect();
    assert_endpoints(&clients.output("bash", &services, "none"), moto.port);
}

/// Reads an env file as `docker run --env-file` does: no quotes, no expansion, a `#` only at the start of a line.
fn read_as_docker(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn docker_dotenv_and_a_shell_read_the_same_from_an_env_file() {
    let (Some(clients), Some(moto)) = (Clients::installed(), Moto::start()) else { return };
    let text = written(EnvFormat::Dotenv, moto.port, None);
    let wanted = variables(moto.port);
    clients.write("aws.env", &text);
    assert_eq!(read_as_docker(&text), wanted);
    let script = "import dotenv, json; print(json.dumps(dotenv.dotenv_values('aws.env')))";
    let by_dotenv: BTreeMap<String, String> =
        serde_json::from_str(&clients.output("python3", &["-c", script], "none")).unwrap();
    assert_eq!(by_dotenv, wanted);
    let by_shell = clients.output("sh", &["-euc", "set -a; . ./aws.env; env"], "none");
    let by_shell = read_as_docker(&by_shell);
    assert!(wanted.iter().all(|(name, value)| by_shell.get(name) == Some(value)), "{by_shell:?}");
    clients.write("here.txt", "as it was");
    use_services(|arguments| {
        let mut aws = clients.command("aws", arguments);
        let ran = run(aws.envs(read_as_docker(&text)).env("AWS_CONFIG_FILE", "/dev/null"));
        assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
        ran.stdout
    });
}

#[test]
fn github_env_holds_the_same_variables() {
    assert_eq!(read_as_docker(&written(EnvFormat::Github, 1, None)), variables(1));
}

#[test]
fn terraform_reads_the_provider_block() {
    let Some(clients) = Clients::installed() else { return };
    let text = written(EnvFormat::Terraform, 4566, Some(Path::new("/a \"b\"/${c}.pem")));
    clients.write("provider.tf", &text);
    let script = "import hcl2, json; print(json.dumps(hcl2.load(open('provider.tf'))))";
    let read: Value = serde_json::from_str(&clients.output("python3", &["-c", script], "none")).unwrap();
    let shown = read.to_string();
    assert!(shown.contains("endpoints") && shown.contains("http://127.0.0.1:4566"), "{shown}");
    if let Some(terraform) = terraform() {
        let ran = run(clients.command("sh", &["-c", "exec \"$0\" fmt -check -diff - <provider.tf"]).arg(terraform));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

/// The S3 backend is built into Terraform and reads profiles with the code of its AWS provider.
#[test]
fn terraform_keeps_its_state_in_a_bucket_by_the_profile() {
    let (Some(clients), Some(moto), Some(terraform)) = (Clients::installed(), Moto::start(), terraform()) else {
        return;
    };
    clients.write("config", &written(EnvFormat::AwsConfig, moto.port, None));
    clients.output("aws", &["--profile", "team1", "s3", "mb", "s3://state"], "config");
    clients.write(
        "main.tf",
        "terraform {\n  backend \"s3\" {\n    bucket = \"state\"\n    key = \"t\"\n    profile = \"team1\"\n    \
         region = \"us-east-1\"\n    use_path_style = true\n    skip_credentials_validation = true\n    skip_requesting_account_id = true\n  }\n}\n\
         output \"word\" {\n  value = \"kept\"\n}\n",
    );
    let terraform = terraform.to_string_lossy().into_owned();
    clients.output(&terraform, &["init", "-no-color", "-input=false"], "config");
    clients.output(&terraform, &["apply", "-no-color", "-auto-approve"], "config");
    let state = clients.output("aws", &["--profile", "team1", "s3", "cp", "s3://state/t", "-"], "config");
    assert!(state.contains("\"kept\""), "{state}");
}

/// Terraform is no package of Debian: where it is missing, HCL is read by a library alone.
fn terraform() -> Option<PathBuf> {
    let found =
        env::split_paths(&env::var_os("PATH")?).map(|directory| directory.join("terraform")).find(|p| p.exists());
    if found.is_none() {
        println!("SKIPPED: there is no terraform on PATH");
    }
    found
}

#[test]
fn a_client_in_a_pod_is_sent_to_the_service() {
    let environment = environment();
    let endpoints = lsdeploy::endpoints::in_cluster(&environment);
    let text = exports::write(EnvFormat::Dotenv, &Access::of(&environment, &endpoints, None)).unwrap();
    assert!(text.contains("\nAWS_ENDPOINT_URL_SQS=http://emulator.localstack-team1.svc:5000\n"), "{text}");
    assert!(text.contains("\nAWS_ENDPOINT_URL=http://emulator.localstack-team1.svc:5000\n"), "{text}");
}

#[test]
fn a_pod_is_not_led_through_the_router() {
    let kubeconfig = Path::new("/nonexistent");
    let mut command =
        crate::lab::lsdeploy(kubeconfig, &["env", "--env", "x", "--from", "pod", "--router", "192.0.2.1"]);
    let Ran { code, stderr, .. } = run(&mut command);
    assert!(code == 2 && stderr.contains("--from pod leads past the router"), "{code} {stderr}");
}
