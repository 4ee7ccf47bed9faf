//! What the router makes of hosts, bodies and an emulator that is away.

use serde_json::Value;

use super::{User, curl, free_port, port, signal, until};

#[test]
fn environments_side_by_side_have_their_own_data_and_hosts() {
    let user = User::new();
    // Ports of a run that chooses them itself.
    let both = user.json(&["up", "--env", "team1,team2", "--services", "s3,sqs", "--no-smoke"]);
    let envs = both["envs"].as_array().unwrap();
    let (one, two) = (port(&envs[0]), port(&envs[1]));
    assert!(one != two && one >= 4566 && two >= 4566, "{one} {two}");

    let make = |port: u16| format!("http://mine.s3.team1.localhost:{port}/");
    assert_eq!(curl(&["--fail", "--request", "PUT", &make(one)]).code, 0);
    let names = |env: &str| {
        user.boto3(env, "import boto3; print([b['Name'] for b in boto3.client('s3').list_buckets()['Buckets']])")
    };
    assert_eq!((names("team1").trim(), names("team2").trim()), ("['mine']", "[]"));

    // A host of the other environment, a service that was not chosen, and a name of somebody else lead nowhere.
    for host in ["sqs.team1.localhost", "kinesis.team2.localhost", "rebound.example.com"] {
        let page =
            curl(&["--include", "--header", &format!("Host: {host}:{two}"), &format!("http://127.0.0.1:{two}/")]);
        assert!(page.stdout.starts_with("HTTP/1.1 503"), "{host}: {}", page.stdout);
        assert!(page.stdout.contains("Application is not available"), "{host}: {}", page.stdout);
        assert!(page.stdout.contains(&format!("http://sqs.team2.localhost:{two}")), "{host}: {}", page.stdout);
    }
    // The checks know the page.
    let ran = user.run(&["smoke", "--endpoint", &format!("http://sqs.team1.localhost:{two}"), "--service", "sqs"]);
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert!(ran.stderr.contains("at phase route"), "{}", ran.stderr);
    user.succeeds(&["down", "--env", "team1,team2"]);
}

#[test]
fn bodies_pass_whole_in_both_directions_and_buckets_may_stand_in_the_host() {
    let user = User::new();
    let port = port(&user.up("team1", &["--services", "s3"]));
    let said = user.boto3(
        "team1",
        &format!(
            "import boto3, os, socket\n\
             from botocore.config import Config\n\
             know = socket.getaddrinfo\n\
             socket.getaddrinfo = lambda host, *rest, **more: know('127.0.0.1' if str(host).endswith('.localhost') else host, *rest, **more)\n\
             s3 = boto3.client('s3', endpoint_url='http://s3.team1.localhost:{port}', config=Config(s3={{'addressing_style': 'virtual'}}))\n\
             body = os.urandom(30_000_000)\n\
             s3.create_bucket(Bucket='bucket1')\n\
             s3.put_object(Bucket='bucket1', Key='a key/\u{fc}', Body=body, Metadata={{'Colour': 'blue'}})\n\
             got = s3.get_object(Bucket='bucket1', Key='a key/\u{fc}')\n\
             print(got['Body'].read() == body, got['Metadata'], [o['Key'] for o in s3.list_objects_v2(Bucket='bucket1')['Contents']])\n\
             print(s3.generate_presigned_url('get_object', Params={{'Bucket': 'bucket1', 'Key': 'a key/\u{fc}'}}))"
        ),
    );
    let (first, url) = said.trim().split_once('\n').unwrap();
    assert_eq!(first, "True {'colour': 'blue'} ['a key/\u{fc}']");
    assert!(url.starts_with(&format!("http://bucket1.s3.team1.localhost:{port}/")), "{url}");
    let got = curl(&["--fail", "--output", "/dev/null", "--write-out", "%{size_download}", url]);
    assert_eq!((got.code, got.stdout.as_str()), (0, "30000000"), "{got:#?}");
    // Both addresses of this machine, and a body whose length nobody knows beforehand.
    for host in ["127.0.0.1", "localhost"] {
        let answer = curl(&["--fail", "--output", "/dev/null", &format!("http://{host}:{port}/moto-api/")]);
        assert_eq!(answer.code, 0, "{host}: {answer:#?}");
    }
    let put = ["--fail", "--upload-file", "-", "--header", "Transfer-Encoding: chunked"];
    let put = curl(&[&put[..], &[&format!("http://bucket1.s3.team1.localhost:{port}/chunked")]].concat());
    assert_eq!(put.code, 0, "{put:#?}");
}

#[test]
fn while_the_emulator_is_away_the_router_says_so() {
    let user = User::new();
    let wanted = free_port().to_string();
    let up = user.json(&["up", "--env", "team1", "--no-wait", "--port", &wanted, "--services", "sqs"]);
    assert_eq!(up["endpoints"], Value::Array(Vec::new()), "nothing is known of it yet");
    let url = format!("http://localhost:{wanted}/moto-api/");
    let status = || curl(&["--include", &url]).stdout;
    let first = status();
    assert!(first.starts_with("HTTP/1.1 503") && first.contains("it is starting"), "{first}");
    assert!(!first.contains("Application is not available"), "{first}");
    until("it answers", || status().starts_with("HTTP/1.1 200"));
    signal(&user.life("team1")["emulator"]["pid"], rustix::process::Signal::KILL);
    until("the end is seen", || status().contains("it ended with signal 9 and is started again"));
    until("it answers again", || status().starts_with("HTTP/1.1 200"));
}
