//! SIGINT and SIGTERM at request k: the status, what was written, and nothing that keeps the next run waiting.

use nix::sys::signal::Signal;

use super::killed::up;
use super::proxy::{Fault, Proxy, When};
use crate::lab::{Lab, ran};

#[test]
fn a_signal_ends_a_run_that_says_what_it_has_written() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["locksignal1"], &[]);
    let proxy = Proxy::start(&lab);
    proxy.arm(None);
    assert_eq!(proxy.run(&up("locksignal1")).code, 0);
    let seen = proxy.seen();
    assert_eq!(lab.lsdeploy(&["down", "--env", "locksignal1"]).code, 0);
    let of = |kind: &str| seen.iter().position(|seen| seen == kind).unwrap() + 1;
    let cases = [
        (3, Signal::SIGINT, 130),
        (of("PATCH namespaces"), Signal::SIGTERM, 143),
        (of("POST leases"), Signal::SIGINT, 130),
        (of("PATCH configmaps"), Signal::SIGINT, 130),
        (of("PATCH deployments"), Signal::SIGTERM, 143),
        (of("WATCH pods"), Signal::SIGINT, 130),
    ];
    for (number, signal, code) in cases {
        proxy.arm(Some((When::Number(number), Fault::SignalBefore(signal))));
        let ended = ran(&proxy.spawn(&up("locksignal1")).wait_with_output().unwrap());
        assert_eq!(ended.code, code, "{number} {signal}: {ended:?}");
        assert!(ended.stderr.contains(&format!("error: ended by {signal}: ")), "{ended:?}");
        let there = lab.leftovers("locksignal1");
        // The Deployment makes pods by itself.
        let written = there.lines().filter(|line| !line.starts_with("pod/")).count();
        let said = match written {
            0 => "nothing was written".to_owned(),
            1 => "1 object was written".to_owned(),
            many => format!("{many} objects were written"),
        };
        assert!(ended.stderr.contains(&said), "{number} {signal}: {there}\n{ended:?}");
        assert_eq!(lab.locks("locksignal1"), "", "the lock is left behind");
        println!("{signal} at request {number} ({}): {code}, {said}", seen[number - 1]);
        assert_eq!(lab.lsdeploy(&["down", "--env", "locksignal1"]).code, 0);
        assert_eq!(lab.leftovers("locksignal1"), "");
    }
}

#[test]
fn a_signal_ends_down_and_the_next_one_goes_on() {
    let Some(lab) = Lab::shared() else { return };
    let _clean = lab.clean(&["locksignal2"], &[]);
    let proxy = Proxy::start(&lab);
    for kind in ["DELETE deployments", "DELETE securitycontextconstraints", "DELETE namespaces"] {
        assert_eq!(lab.lsdeploy(&[&up("locksignal2")[..], &["--no-wait"]].concat()).code, 0);
        proxy.arm(Some((When::Kind(kind.to_owned(), 1), Fault::SignalBefore(Signal::SIGTERM))));
        let ended = proxy.run(&["down", "--env", "locksignal2"]);
        assert_eq!(ended.code, 143, "{kind}: {ended:?}");
        assert!(
            ended.stderr.contains("error: ended by SIGTERM") && ended.stderr.contains("hint: run the same"),
            "{ended:?}"
        );
        let again = lab.lsdeploy(&["down", "--env", "locksignal2"]);
        assert_eq!(again.code, 0, "{again:?}");
        assert_eq!(lab.leftovers("locksignal2") + &lab.locks("locksignal2"), "");
    }
}
