//! Two environments beside each other: neither sees the other's data, and what killed smoke runs left goes.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::Lab;

#[test]
fn neither_sees_the_others_data_and_what_a_killed_run_left_goes() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["tenant1", "tenant2"], &[]);
    let services = "sqs,s3,kinesis,dynamodb,sns,cloudformation,route53,ses";
    let flags = ["--emulator", "moto", "--no-smoke", "--services", services];
    let up = lab.lsdeploy(&[&["up", "--env", "tenant1,tenant2"][..], &flags].concat());
    assert_eq!(up.code, 0, "{up:?}");

    let (ran, compared) = lab.json(&["smoke", "--isolation", "--env", "tenant1", "--env", "tenant2"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for (env, other) in [(0, "tenant2"), (1, "tenant1")] {
        let results = compared["envs"][env]["results"].as_array().unwrap();
        assert_eq!(results.len(), 8, "{compared:#}");
        let looked = json!(format!("look_through_{other}"));
        let looks = |result: &Value| result["operations"].as_array().unwrap().iter().any(|one| one["name"] == looked);
        assert!(results.iter().all(looks), "{compared:#}");
    }

    let mut removed = 0;
    // A run may be killed before it has made anything, or be over.
    for wait in [200, 300, 400, 600, 900] {
        let mut run = lab.command(&["smoke", "--env", "tenant1"]);
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait));
        run.kill().unwrap();
        run.wait().unwrap();
        removed += cleaned(&lab).len();
    }
    assert!(removed > 0, "no run was killed in the middle");
    assert_eq!(cleaned(&lab), Vec::<Value>::new());
    let after = lab.lsdeploy(&["smoke", "--env", "tenant1"]);
    assert_eq!(after.code, 0, "{after:?}");
}

#[track_caller]
fn cleaned(lab: &Lab) -> Vec<Value> {
    let (ran, cleaned) = lab.json(&["smoke", "--clean", "--env", "tenant1"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    cleaned["removed"].as_array().unwrap().clone()
}
