//! A run reads no credentials and asks no metadata service, whatever the process's environment offers.

use std::{
    fs,
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::parts;

#[test]
fn credentials_profiles_and_metadata_services_of_the_environment_are_never_used() {
    let Some((_moto, moto)) = parts::moto([127, 0, 0, 1].into(), &[]) else { return };
    let folder = tempfile::tempdir().unwrap();
    let (metadata, asked) = metadata_service();
    let trace = folder.path().join("a-credential-process-ran");
    let config = folder.path().join("config");
    let process = format!("credential_process = touch {}\nendpoint_url = {metadata}\n", trace.display());
    fs::write(&config, format!("[default]\n{process}[profile real]\n{process}")).unwrap();

    let mut command = Command::new(env!("CARGO_BIN_EXE_lsdeploy"));
    command.args(["smoke", "--endpoint", &format!("http://{moto}"), "--service", "sqs,s3,kinesis", "--output", "json"]);
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_SESSION_TOKEN", "real"),
        ("AWS_PROFILE", "real"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_CONFIG_FILE", config.to_str().unwrap()),
        ("AWS_SHARED_CREDENTIALS_FILE", config.to_str().unwrap()),
        ("AWS_ENDPOINT_URL", &metadata),
        ("AWS_ENDPOINT_URL_SQS", &metadata),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &metadata),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &metadata),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", config.to_str().unwrap()),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/real"),
    ] {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(asked.load(Ordering::Relaxed), 0, "a metadata service or another endpoint was asked");
    assert!(!trace.exists(), "a credential process was run");
}

/// Counts who asks.
fn metadata_service() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    thread::spawn(move || {
        listener.incoming().for_each(|_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    });
    (url, asked)
}
