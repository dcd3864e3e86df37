//! Whatever the server answers, no report is lost and each ends in the right place.

use crate::station::{PATIENCE, Station, report, server, submissions};
use rustix::process::Signal;
use std::time::Duration;
use wats_test_server::{Answer, Kind};

/// How many reports are sent at once.
const AT_ONCE: [u64; 2] = [1, 4];

/// Fails if: a report that the server refuses with words is not put into `failed/` with what the server said, is
/// sent again, or holds up the next one.
#[test]
fn refused_reports_are_put_aside_with_the_reason() {
    for at_once in AT_ONCE {
        let server = server();
        let station = Station::sending(&server, at_once);
        for code in [400, 409, 422] {
            server.script([Answer::status_with_json(code, r#"{"message":"the part number is unknown"}"#)]);
            let name = format!("refused-{code}.json");
            station.put(&name, report("REFUSED"));
            station.wait_for_failed(&name);
            let reason = station.reason(&name);
            assert_eq!(reason["server_status"], code);
            assert_eq!(reason["stage"], "upload");
            assert_eq!(reason["attempts"], 1);
            assert!(reason["reason"].as_str().unwrap().contains("the part number is unknown"), "{reason}");
            assert!(!reason["what_to_do"].as_str().unwrap().is_empty());
            let (_, id) = submissions(&server).pop().unwrap();
            assert_eq!(reason["id"], id.as_str());
        }
        station.put("next.json", report("NEXT"));
        station.wait_for_done(&["next.json"]);
        assert_eq!(submissions(&server).len(), 4);
        assert_eq!(Station::names(&station.failed()).len(), 6);
        let details = station.get("/health/details").json();
        assert_eq!(details["details"]["failed_count"], 3, "{details}");
    }
}

/// Fails if: an answer that proves nothing, or trouble that may pass, loses a report, puts it into `failed/`, leaves
/// the service calling itself ready, does not name the setting, or makes it send a report under another identifier
/// when the server has recovered. All requests meet it, or reports only.
#[test]
fn trouble_of_the_server_costs_no_report() {
    // The answer, and what readiness says of it.
    let cases = [
        (Answer::status(401), "server.token"),
        (Answer::status(403), "server.token"),
        (Answer::status(404), "server.url"),
        (Answer::status(407), "server.proxy"),
        (Answer::status(408), "408"),
        (Answer::status(413), "413"),
        (Answer::busy("0"), "429"),
        (Answer::status(500), "500"),
        (Answer::status(502), "502"),
        (Answer::status_with_header(503, "Retry-After", "1"), "503"),
        (Answer::status_with_header(302, "Location", "http://127.0.0.1:1/login"), "server.url"),
        (Answer::Html, "server.url"),
        (Answer::Empty, "server.url"),
        (Answer::Garbage, "server.url"),
        (Answer::Close, "reports stay queued"),
        (Answer::Reset, "reports stay queued"),
        (Answer::Hang, "reports stay queued"),
    ];
    std::thread::scope(|scope| {
        for (answer, complaint) in &cases {
            for at_once in AT_ONCE {
                scope.spawn(move || recovers(answer, complaint, at_once));
            }
        }
    });
}

fn recovers(answer: &Answer, complaint: &str, at_once: u64) {
    let server = server();
    // With one at once, something stands between; with four, the server itself has trouble with all reports.
    let kind = (at_once > 1).then_some(Kind::Submission);
    match kind {
        Some(kind) => server.set_for(kind, answer.clone()),
        None => server.set_default(answer.clone()),
    }
    let station = Station::sending(&server, at_once);
    let names = ["a.json", "b.json", "c.json", "d.json"];
    for name in names {
        station.put(name, report(name));
    }
    station.wait(&format!("{answer:?} was met"), |_| !submissions(&server).is_empty());
    station.wait_for_reason(complaint);
    assert_eq!(Station::names(&station.done()), [""; 0], "{answer:?}");
    assert_eq!(Station::names(&station.failed()), [""; 0], "{answer:?}");
    assert_eq!(station.get("/health").status, 200, "trouble of the server is not trouble of the service");
    server.set_default(Answer::Accept);
    server.set_for(Kind::Submission, None);
    station.signal(Signal::HUP);
    station.wait_for_done(&names);
    station.wait_until_ready();
    server.each_once(names).unwrap_or_else(|error| panic!("{answer:?}: {error}"));
}

/// Fails if: an answer with another identifier is not read back, a report that is there is sent again, or one that
/// is not there is taken for delivered; or `upload.proof` does not help where the server cannot be asked.
#[test]
fn another_identifier_is_read_back() {
    for at_once in AT_ONCE {
        let server = server();
        server.always("THERE", Answer::OtherId);
        server.always("NOT-THERE", Answer::KeptUnderOtherId);
        let station = Station::sending(&server, at_once);
        for name in ["THERE", "NOT-THERE", "GOOD"] {
            station.put(format!("{name}.json"), report(name));
        }
        station.wait_for_done(&["THERE.json", "GOOD.json"]);
        station.wait_for_reason("NOT-THERE.json");
        assert_eq!(submissions(&server).iter().filter(|(sn, _)| sn == "THERE").count(), 1);
        assert!(!Station::names(&station.done()).contains(&"NOT-THERE.json".to_owned()));
        server.set_for(Kind::ReadBack, Answer::status(403));
        for name in ["1", "2", "3"] {
            server.always(name, Answer::OtherId);
            station.put(format!("{name}.json"), report(name));
        }
        station.wait_for_reason("upload.proof");
        let mut settings = station.settings(&server);
        settings["upload"]["proof"] = "answer".into();
        station.configure(&settings);
        station.signal(Signal::HUP);
        station.wait_for_done(&["1.json", "2.json", "3.json", "NOT-THERE.json"]);
        station.wait_until_ready();
    }
}

/// Fails if: what one report alone meets while others pass holds them up, is blamed on a setting, or its fate is
/// not shown: parked, or suspect.
#[test]
fn one_report_alone_meets_it() {
    // The answer, and whether it is parked (else readiness names it).
    let cases = [
        (Answer::Html, true),
        (Answer::Empty, true),
        (Answer::status(401), true),
        (Answer::status_with_header(302, "Location", "http://127.0.0.1:1/login"), true),
        (Answer::status(500), false),
        (Answer::Reset, false),
    ];
    std::thread::scope(|scope| {
        for (answer, parks) in &cases {
            for at_once in AT_ONCE {
                scope.spawn(move || met_alone(answer, *parks, at_once));
            }
        }
    });
}

fn met_alone(answer: &Answer, parks: bool, at_once: u64) {
    let server = server();
    server.always("ODD", answer.clone());
    let mut station = Station::sending(&server, at_once);
    station.wait_until_ready();
    station.put("odd.json", report("ODD"));
    station.wait("it was met", |_| !submissions(&server).is_empty());
    for number in 0..5 {
        let name = format!("good{number}.json");
        station.put(&name, report(&name));
        station.wait_for_done(&[&name]);
    }
    let is_parked = |station: &Station| {
        let details = station.get("/health/details").json();
        let parked = &details["details"]["parked"];
        parked["count"] == 1 && parked["newest"].as_str().unwrap_or_default().contains("odd.json")
    };
    if parks {
        station.wait(&format!("{answer:?}: parked"), is_parked);
        station.wait_until_ready();
        station.stop();
        station.start();
        station.wait(&format!("{answer:?}: parked after a restart"), is_parked);
    } else {
        station.wait_for_reason("odd.json");
        let reason = station.get("/health/ready").json()["reason"].to_string();
        assert!(!reason.contains("server.url") && !reason.contains("server.token"), "{reason}");
    }
    assert_eq!(Station::names(&station.failed()), [""; 0], "{answer:?}");
    server.forgive("ODD");
    station.signal(Signal::HUP);
    station.wait_for_done(&["odd.json"]);
    station.wait_until_ready();
}

/// Fails if: a report that the server alone refuses without words goes to `failed/` at once, or never, or without
/// its size and name.
#[test]
fn refused_without_words_twice() {
    let server = server();
    server.always("LARGE", Answer::status_with_body(413, "text/html", "<html>too large</html>"));
    let station = Station::sending(&server, 4);
    station.put("large.json", report("LARGE"));
    station.wait("it was met", |_| !submissions(&server).is_empty());
    station.put("good.json", report("GOOD"));
    station.wait_for_done(&["good.json"]);
    assert_eq!(Station::names(&station.failed()), [""; 0], "it is tried once more, a minute later");
    let limit = Duration::from_secs(60) + PATIENCE;
    station.wait_within(limit, "large.json in failed", |station| {
        Station::names(&station.failed()).iter().any(|there| there == "large.json")
    });
    let reason = station.reason("large.json");
    let text = reason["reason"].as_str().unwrap();
    let size = report("LARGE").len();
    assert!(
        text.contains("413") && text.contains("large.json") && text.contains(&size.to_string()),
        "{reason}"
    );
    assert_eq!(reason["attempts"], 2);
}

/// Fails if: a server that says 429 with `Retry-After: 0` is hammered.
#[test]
fn a_server_that_says_not_to_wait_is_not_hammered() {
    let server = server();
    server.set_for(Kind::Submission, Answer::busy("0"));
    let station = Station::sending(&server, 4);
    for number in 0..20 {
        station.put(format!("{number}.json"), report(&format!("SN{number}")));
    }
    station.wait_for_reason("429");
    std::thread::sleep(Duration::from_secs(5));
    let sent = submissions(&server).len();
    assert!(sent <= 20, "{sent} in 5 s");
}

/// Fails if: a server that was down for a moment, and says so with 503 and `Retry-After`, is sent less for long.
#[test]
fn a_moment_of_503_sets_no_pace() {
    let server = server();
    let station = Station::sending(&server, 4);
    let names: Vec<String> = (0..30).map(|number| format!("{number}.json")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for name in &names[..4] {
        station.put(name, report(name));
        station.wait_for_done(&[name]);
    }
    server.script([Answer::status_with_header(503, "Retry-After", "1")]);
    for name in &names[4..] {
        station.put(name, report(name));
    }
    station.wait_for_done(&names);
    let details = station.get("/health/details").json();
    assert!(details["details"]["pace_per_minute"].is_null(), "{details}");
    assert!(station.get("/metrics").body.contains("pywats_learnt_reports_per_second 0\n"));
}

/// Fails if: in an outage one report that the server does not take comes after a good one, and the good one is
/// never sent, the other again and again, or people are told that the server is not there when it is.
#[test]
fn a_good_and_a_bad_report_in_an_outage() {
    let bad = [
        Answer::status(500),
        Answer::status_with_body(413, "text/html", "<html>too large</html>"),
        Answer::Reset,
    ];
    std::thread::scope(|scope| {
        for answer in bad {
            scope.spawn(move || {
                let server = server();
                server.set_default(Answer::Close);
                server.always("BAD", Answer::Close);
                let station = Station::sending(&server, 4);
                station.put("good.json", report("GOOD"));
                station.wait("it was tried", |_| !submissions(&server).is_empty());
                station.put("bad.json", report("BAD"));
                std::thread::sleep(Duration::from_secs(3));
                let before = submissions(&server).len();
                server.always("BAD", answer.clone());
                server.set_default(Answer::Accept);
                station.wait_for_done(&["good.json"]);
                std::thread::sleep(Duration::from_secs(10));
                let sent = submissions(&server).len() - before;
                assert!(sent <= 12, "{answer:?}: {sent} in some seconds");
                let details = station.get("/health/details").json();
                assert_eq!(details["details"]["api_status"], "Online", "{details}");
            });
        }
    });
}

/// Fails if: a report whose acceptance was lost on the way back is sent under another identifier, or
/// not again.
#[test]
fn a_lost_answer_makes_the_same_report_again() {
    let server = server();
    server.script([Answer::AcceptThenClose, Answer::AcceptThenClose]);
    let station = Station::running(&server);
    station.put("a.json", report("AGAIN"));
    station.wait_for_done(&["a.json"]);
    let sent = submissions(&server);
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|one| *one == sent[0]), "{sent:?}");
    assert_eq!(server.stored().len(), 1, "the server has it once");
}

/// Fails if: a report on which the server always fails keeps the others from passing.
#[test]
fn one_bad_report_does_not_hold_up_the_others() {
    let server = server();
    let mut station = Station::new();
    let mut settings = station.settings(&server);
    // The others are there before it would be tried again, however slow the machine is.
    settings["upload"]["retry_initial_seconds"] = 10.into();
    settings["upload"]["retry_max_seconds"] = 20.into();
    station.configure(&settings);
    station.start();
    station.wait_until_ready();
    server.script([Answer::status(500)]);
    station.put("a-poison.json", report("POISON"));
    station.wait("the poison was met", |_| !submissions(&server).is_empty());
    for number in 0..2 {
        station.put(format!("b{number}.json"), report(&format!("GOOD{number}")));
    }
    station.wait_for_done(&["b0.json", "b1.json", "a-poison.json"]);
    let order: Vec<String> = submissions(&server).into_iter().map(|(sn, _)| sn).collect();
    assert_eq!(order[0], "POISON");
    assert!(
        order[1].starts_with("GOOD"),
        "another one finds out about the server: {order:?} {}",
        station.log()
    );
}

/// Fails if: the token shows in log, health endpoints or reason files, at the most talkative level.
#[test]
fn the_token_shows_nowhere() {
    let server = server();
    let mut station = Station::new();
    station.set_env("PYWATS_LOG", "trace");
    station.configure(&station.settings(&server));
    let refused = Answer::status_with_json(400, r#"{"message":"no"}"#);
    server.script([Answer::status(500), refused]);
    station.start();
    station.put("a.json", report("SECRET"));
    station.wait_for_failed("a.json");
    server.set_default(Answer::status(401));
    station.put("b.json", report("SECRET"));
    station.wait_for_reason("401");
    let token = crate::station::TOKEN;
    let everything = [
        station.log(),
        station.get("/health/details").body,
        station.get("/metrics").body,
        station.reason("a.json").to_string(),
    ];
    for text in everything {
        assert!(!text.contains(token) && !text.contains("password"), "{text}");
    }
}
