//! A publication that is broken off at each of its requests, and gone on with.

use crate::bench::Bench;
use crate::stand_in::{At, Fault, When};
use serde_json::Value;
use std::sync::OnceLock;
use std::time::Duration;

const VERSION: &str = "1.2.3";

/// What is there after an undisturbed publication, and its requests.
fn undisturbed() -> &'static (Value, Vec<String>) {
    static ONCE: OnceLock<(Value, Vec<String>)> = OnceLock::new();
    ONCE.get_or_init(|| {
        let bench = Bench::new(VERSION);
        bench.run(VERSION, &[]).fine();
        (bench.dump(), bench.stand_in.log())
    })
}

/// Breaks a publication off at every request, runs it again, and compares.
fn at_every_request(fault: impl Fn() -> Fault, may_go_on: bool) {
    let (expected, requests) = undisturbed();
    assert!(requests.len() > 40, "{requests:#?}");
    for (at, request) in requests.iter().enumerate() {
        let bench = Bench::new(VERSION);
        bench.stand_in.fault(At::Nth(at + 1), fault());
        let first = bench.run(VERSION, &[]);
        if !may_go_on {
            assert!(!first.is_fine, "{request}: {}", first.said);
        }
        if !first.is_fine {
            assert!(first.said.contains("run this again"), "{request}: {}", first.said);
            bench.stand_in.restore();
            let second = bench.run(VERSION, &[]);
            assert!(second.is_fine, "{} {request}:\n{}\nthen\n{}", at + 1, first.said, second.said);
        }
        let found = bench.dump();
        assert!(found == *expected, "{} {request}: {}\n{found:#}\n{expected:#}", at + 1, first.said);
        assert_eq!(bench.stand_in.leaks(), [""; 0]);
    }
}

/// Fails if: a publication that is broken off before a request was carried out ends otherwise when it is run again.
#[test]
fn before_any_request() {
    at_every_request(|| Fault::Cut(When::Before), false);
}

/// Fails if: one that is broken off in the middle of a request does; of an upload, half has arrived.
#[test]
fn in_the_middle_of_any_request() {
    at_every_request(|| Fault::Cut(When::Half), false);
}

/// Fails if: one that is broken off after a request was carried out does.
#[test]
fn after_any_request() {
    at_every_request(|| Fault::Cut(When::After), false);
}

/// Fails if: one lost answer, or one that only says that GitHub is in trouble, changes what comes of it.
#[test]
fn by_one_answer_that_is_lost_or_says_nothing() {
    at_every_request(|| Fault::Lose(When::After), true);
    at_every_request(|| Fault::Answer(502, vec![], "Server Error"), true);
}

/// Fails if: a publisher that was killed leaves what the next run does not mend.
#[test]
fn by_killing_the_publisher() {
    let (expected, requests) = undisturbed();
    for (at, request) in requests.iter().enumerate().step_by(3) {
        let bench = Bench::new(VERSION);
        let when = [When::Before, When::Half, When::After][at % 2 + at / 2 % 2];
        bench.stand_in.fault(At::Nth(at + 1), Fault::Hang(when));
        let mut publisher = bench.command(VERSION, &[]).spawn().unwrap();
        assert!(bench.stand_in.wait_until_hanging(Duration::from_secs(60)), "{request}");
        publisher.kill().unwrap();
        publisher.wait().unwrap();
        bench.stand_in.restore();
        bench.run(VERSION, &[]).fine();
        assert!(bench.dump() == *expected, "{} {request} {when:?}", at + 1);
    }
}
