//! Answers that are hostile, late or never end: each run comes to its own end, in time, and says why.

use std::time::{Duration, Instant};

use super::killed::up;
use super::proxy::{Fault, Proxy, When};
use crate::lab::{Lab, Ran};

/// Runs `up` with a fault in every request of a kind, within so many seconds.
#[track_caller]
fn ended(lab: &Lab, env: &str, kind: &str, fault: Fault, more: &[&str], within: u64) -> Ran {
    let proxy = Proxy::start(lab);
    proxy.arm(Some((When::All(kind.to_owned()), fault)));
    let begin = Instant::now();
    let ran = proxy.run(&[&up(env)[..], more].concat());
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(within), "{kind} {fault:?}: it took {took:?}: {ran:?}");
    println!("{kind} {fault:?}: {} after {:.1} s\n{}", ran.code, took.as_secs_f64(), ran.stderr);
    ran
}

#[track_caller]
fn assert_said(ran: &Ran, words: &[&str]) {
    assert!(matches!(ran.code, 1 | 2), "{ran:?}");
    for word in ["error:", "hint:"].iter().chain(words) {
        assert!(ran.stderr.contains(word), "no `{word}` in {ran:?}");
    }
}

#[test]
fn a_server_that_asks_to_wait_for_a_day_is_told_and_not_obeyed() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockanswer1"], &[]);
    let day = Fault::Answer(429, Some(86_400));
    let ran = ended(&lab, "lockanswer1", "PATCH services", day, &["--timeout", "25s"], 40);
    assert_said(&ran, &["asks to wait 86400 s: trying again in 10 s", "HTTP 429", "it was tried again for a while"]);
    let again = lab.lsdeploy(&up("lockanswer1"));
    assert_eq!(again.code, 0, "{again:?}");
}

#[test]
fn a_server_that_is_busy_for_a_moment_is_waited_for_and_that_is_told() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockanswer2"], &[]);
    let proxy = Proxy::start(&lab);
    proxy.arm(Some((When::Kind("PATCH configmaps".to_owned(), 1), Fault::Answer(503, Some(2)))));
    let ran = proxy.run(&[&up("lockanswer2")[..], &["--no-wait"]].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("503 Service Unavailable and asks to wait 2 s: trying again in 2 s"), "{ran:?}");
}

#[test]
fn an_answer_that_never_ends_is_cut_off() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockanswer3"], &[]);
    let ran = ended(&lab, "lockanswer3", "GET securitycontextconstraints", Fault::Endless, &[], 60);
    assert_said(&ran, &["its answer is larger than 256 MiB"]);
    assert_eq!(lab.leftovers("lockanswer3"), "");
}

#[test]
fn credentials_that_expire_half_way_are_named() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockanswer4"], &[]);
    let expired = Fault::Answer(401, None);
    let ran = ended(&lab, "lockanswer4", "PATCH deployments", expired, &[], 60);
    assert_said(&ran, &["HTTP 401", "have expired: log in again", "objects were written before"]);
    let ran = ended(&lab, "lockanswer4", "GET deployments", expired, &["--timeout", "20s"], 40);
    assert_said(&ran, &["HTTP 401", "have expired: log in again"]);
    for kind in ["WATCH pods", "LIST pods"] {
        let ran = ended(&lab, "lockanswer4", kind, expired, &["--timeout", "60s"], 30);
        assert_said(&ran, &["have expired: log in again"]);
        assert_eq!(lab.lsdeploy(&["down", "--env", "lockanswer4"]).code, 0);
    }
}

#[test]
fn watches_that_end_all_the_time_delay_and_hide_nothing() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["lockanswer5"], &[]);
    let proxy = Proxy::start(&lab);
    for fault in [Fault::Gone, Fault::CutBefore, Fault::Answer(410, None)] {
        for kind in ["WATCH pods", "WATCH routes"] {
            proxy.arm(Some((When::Kind(kind.to_owned(), 3), fault)));
            let ran = proxy.run(&[&up("lockanswer5")[..], &["--no-smoke"]].concat());
            assert_eq!(ran.code, 0, "{kind} {fault:?}: {ran:?}");
            assert!(!proxy.hit().is_empty());
            proxy.arm(Some((When::Kind("WATCH namespaces".to_owned(), 3), fault)));
            let ran = proxy.run(&["down", "--env", "lockanswer5"]);
            assert_eq!(ran.code, 0, "{fault:?}: {ran:?}");
        }
    }
}

#[test]
fn a_server_that_never_answers_is_named_at_once() {
    let Some(lab) = Lab::shared() else { return };
    let ran = ended(&lab, "lockanswer6", "", Fault::CutBefore, &[], 10);
    assert_said(&ran, &["no answer from http://127.0.0.1"]);
}
