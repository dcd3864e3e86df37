//! Whatever the server answers, no report is lost and each ends in the right place.

use crate::station::{Station, report, server, submissions};
use rustix::process::Signal;
use std::collections::BTreeSet;
use wats_test_server::Answer;

/// Fails if: a report that the server refuses for good is not put into `failed/` with what the server
/// said, is sent again, or holds up the next one.
#[test]
fn refused_reports_are_put_aside_with_the_reason() {
    let server = server();
    let station = Station::running(&server);
    for code in [400, 413, 422] {
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

/// Fails if: an answer that proves nothing, or trouble that may pass, loses a report, puts it into
/// `failed/`, leaves the service calling itself ready, or makes it send the report under another
/// identifier when the server has recovered.
#[test]
fn trouble_of_the_server_costs_no_report() {
    // The answer, and what readiness says of it.
    let cases = [
        (Answer::status(401), "401"),
        (Answer::status(403), "403"),
        (Answer::status(404), "404"),
        (Answer::status(408), "408"),
        (Answer::status_with_header(429, "Retry-After", "1"), "429"),
        (Answer::status(500), "500"),
        (Answer::status(502), "502"),
        (Answer::status_with_header(503, "Retry-After", "1"), "503"),
        (Answer::status_with_header(302, "Location", "http://127.0.0.1:1/login"), "302"),
        (Answer::Html, "reports stay queued"),
        (Answer::Empty, "reports stay queued"),
        (Answer::Garbage, "reports stay queued"),
        (Answer::Close, "reports stay queued"),
        (Answer::Hang, "reports stay queued"),
    ];
    std::thread::scope(|scope| {
        for (answer, complaint) in cases {
            scope.spawn(move || recovers(&answer, complaint));
        }
    });
}

fn recovers(answer: &Answer, complaint: &str) {
    let server = server();
    server.set_default(answer.clone());
    let station = Station::running(&server);
    station.put("a.json", report("PATIENT"));
    station.wait(&format!("{answer:?} was met"), |_| !submissions(&server).is_empty());
    station.wait_for_reason(complaint);
    assert_eq!(Station::names(&station.watch()), ["a.json"], "{answer:?}");
    assert_eq!(Station::names(&station.failed()), [""; 0], "{answer:?}");
    assert_eq!(station.get("/health").status, 200, "trouble of the server is not trouble of the service");
    server.set_default(Answer::Accept);
    station.signal(Signal::HUP);
    station.wait_for_done(&["a.json"]);
    station.wait_until_ready();
    let sent: BTreeSet<_> = submissions(&server).into_iter().collect();
    assert_eq!(sent.len(), 1, "{answer:?}: one report, one identifier, however often it was sent");
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
    let station = Station::running(&server);
    station.wait_until_ready();
    server.script([Answer::status(500)]);
    station.put("a-poison.json", report("POISON"));
    station.wait("the poison was met", |_| !submissions(&server).is_empty());
    for number in 0..2 {
        station.put(format!("b{number}.json"), report(&format!("GOOD{number}")));
    }
    station.wait_for_done(&["b0.json", "b1.json", "a-poison.json"]);
    let order: Vec<String> = submissions(&server).into_iter().map(|(sn, _)| sn).collect();
    assert_eq!(order[..2], ["POISON", "GOOD0"], "another one finds out about the server; {}", station.log());
}

/// Fails if: the token shows in log, health endpoints or reason files, at the most talkative level.
#[test]
fn the_token_shows_nowhere() {
    let server = server();
    let mut station = Station::new();
    station.set_env("PYWATS_LOG", "trace");
    station.configure(&station.settings(&server));
    server.script([Answer::status(500), Answer::status(400)]);
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
