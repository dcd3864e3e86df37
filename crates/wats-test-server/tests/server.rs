//! The test server itself, spoken to without any HTTP library.
//!
//! No test of this file starts a program: between its fork and its exec, the child of one test holds
//! the listening sockets of all others, and a server that was dropped still takes connections.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use support::{WAIT, request, submit};
use wats_test_server::{Answer, Format, Kind, Options, Server, VERSION, pages};

const ID: &str = "33a2d408-3fc8-480b-b554-6866c77fd91c";

/// Fails if: the server does not behave as a WATS server does towards right and wrong requests.
#[test]
fn behaves_like_a_wats_server() {
    let options = Options { token: Some("dDpw".to_owned()), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let right = "Authorization: Basic dDpw\r\n";
    let report = format!(r#"{{"id":"{ID}"}}"#);
    let answer = format!(r#"[{{"ID":"{ID}","uuid":""#);
    let read_back = format!("/api/Report/Wsjf/{ID}?detailLevel=7");
    let unknown = "/api/Report/Wsjf/00000000-0000-4000-8000-000000000000";
    let cases = [
        ("POST", "/api/Report/WSJF", right, report.as_str(), 200, answer.as_str()),
        ("POST", "/api/Report/WSJF", right, "{\"sn\":\"1\"}", 200, "[{\"ID\":\""),
        ("POST", "/api/Report/WSJF", right, "{\"id\":null}", 200, "[{\"ID\":\""),
        ("POST", "/api/Report/WSJF", right, "{\"id\":\"x\"}", 400, "not a UUID"),
        ("POST", "/api/Report/WSJF", right, "[]", 400, "not a JSON object"),
        ("POST", "/api/Report/WSJF", right, "{", 400, "Invalid JSON"),
        ("POST", "/api/Report/WSJF", "", report.as_str(), 401, "denied"),
        ("POST", "/api/Report/WSJF", "Authorization: Basic eDp5\r\n", report.as_str(), 401, "denied"),
        ("GET", "/api/Report/WSJF", right, "", 405, "method"),
        ("GET", "/api/App/Version", right, "", 200, VERSION),
        ("GET", "/api/App/Version", "", "", 401, "denied"),
        ("GET", "/api/Other", right, "", 404, "No HTTP resource"),
        ("GET", &read_back, right, "", 200, report.as_str()),
        ("GET", &read_back, "", "", 401, "denied"),
        ("GET", unknown, right, "", 404, "not found"),
        ("GET", "/api/report/wsjf/x", right, "", 404, "not found"),
    ];
    for (method, path, headers, body, code, content) in cases {
        let answer = request(server.url(), method, path, headers, body);
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{method} {path} {body}: {answer}");
        assert!(answer.contains(content), "{method} {path} {body}: {answer}");
    }
    assert_eq!(server.received().len(), cases.len());
    assert_eq!(server.reports(), [report.as_bytes(), b"{\"sn\":\"1\"}", b"{\"id\":null}"]);
    assert_eq!(server.stored().len(), 3);
}

/// Fails if: a scripted answer is not given, given to the wrong request, or keeps a report that it
/// should lose.
#[test]
fn answers_as_scripted() {
    let server = Server::start().unwrap();
    server.script([
        Answer::status_with_header(429, "Retry-After", "7"),
        Answer::Close,
        Answer::AcceptThenClose,
        Answer::Html,
        Answer::status(1000),
    ]);
    let version = || request(server.url(), "GET", "/api/App/Version", "", "");
    assert!(version().contains(VERSION), "a script is for submissions only");
    assert!(submit(server.url(), "{}").contains("\r\nretry-after: 7\r\n"));
    assert_eq!(submit(server.url(), "{}"), "");
    assert!(server.reports().is_empty());
    assert_eq!(submit(server.url(), "{}"), "");
    assert_eq!(server.reports().len(), 1);
    assert!(submit(server.url(), "{}").contains("<!DOCTYPE html>"));
    assert!(submit(server.url(), "{}").contains("impossible answer"));
    assert!(submit(server.url(), "{}").starts_with("HTTP/1.1 200 "), "behaves again after the script");
    server.set_default(Answer::status(503));
    assert!(version().starts_with("HTTP/1.1 503 "), "a default is for everything");
}

/// Fails if: waiting for reports returns too early, too late, or hides how many came.
#[test]
fn waits_for_reports() {
    let server = Server::start().unwrap();
    let url = server.url().to_owned();
    let sender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        submit(&url, "{\"sn\":\"1\"}");
        submit(&url, "{\"sn\":\"2\"}");
    });
    assert_eq!(server.wait_for_reports_blocking(2, WAIT).unwrap().len(), 2);
    sender.join().unwrap();
    let error = server.wait_for_reports_blocking(3, Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.to_string(), "2 of 3 reports came within 50ms");
}

/// Fails if: a dropped server lives on, or its port cannot be used again for "the server is back".
#[test]
fn stops_and_starts_again_on_the_same_port() {
    let server = Server::start().unwrap();
    server.set_default(Answer::Hang);
    let address = server.url().trim_start_matches("http://").to_owned();
    let mut hanging = TcpStream::connect(&address).unwrap();
    hanging.set_read_timeout(Some(WAIT)).unwrap();
    hanging.write_all(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    while server.received().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(server);
    // The end comes as end of file or as reset.
    assert!(matches!(hanging.read(&mut [0]), Ok(0) | Err(_)));
    assert!(TcpStream::connect(&address).is_err());
    let options = Options { listen: address.parse().unwrap(), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    assert!(submit(server.url(), "{}").starts_with("HTTP/1.1 200 "));
}

/// Fails if: the vendor's rules let through what they refuse, refuse what they let through, or say less than
/// everything at once.
#[test]
fn refuses_by_the_vendors_rules() {
    let server = Server::start_with(Options { strict: true, ..Options::default() }).unwrap();
    let good = serde_json::json!({
        "type": "T", "id": ID, "pn": "P", "sn": "S", "rev": "A", "processCode": 10, "result": "P",
        "machineName": "M", "location": "L", "purpose": "Q", "start": "2026-11-22T12:00:00.5+01:00",
        "uut": {}, "root": { "name": "Main", "status": "P", "steps": [
            { "name": "A", "status": "P", "loop": { "num": 3, "endingIndex": 2 } }
        ] },
    });
    let repair = serde_json::json!({ "type": "R", "root": null, "uut": null, "uur": {}, "subUnits": [] });
    let nothing = serde_json::Value::Null;
    // Members that differ from those of a good report, and the words of the refusal.
    let cases: &[(serde_json::Value, &[&str])] = &[
        (serde_json::json!({}), &[]),
        (serde_json::json!({ "startUTC": nothing, "result": "E", "start": "2026-11-22T12:00:00Z" }), &[]),
        (serde_json::json!({ "sn": "", "pn": nothing, "rev": 1 }), &["sn is", "pn is", "rev is"]),
        (serde_json::json!({ "result": "D" }), &["result: \"D\""]),
        (serde_json::json!({ "start": "2026-11-22T12:00:00" }), &["start:"]),
        (serde_json::json!({ "start": "2026-11-22T12:00:00+1:00" }), &["start:"]),
        (serde_json::json!({ "processCode": 4711 }), &["4711 does not exist"]),
        (serde_json::json!({ "uut": nothing }), &["uut is required"]),
        (serde_json::json!({ "type": "R" }), &["uur is required", "subUnits is required"]),
        (
            serde_json::json!({ "root": { "status": "P", "steps": [
                { "name": "A", "loop": { "num": 2, "endingIndex": 2 } }
            ] } }),
            &["root -> step A: status is required.", "root -> step A -> loop: num is required"],
        ),
    ];
    for (changes, words) in cases {
        let mut report = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            report[name] = value.clone();
        }
        let answer = submit(server.url(), &report.to_string());
        assert_eq!(answer.starts_with("HTTP/1.1 200 "), words.is_empty(), "{changes}: {answer}");
        assert!(words.iter().all(|word| answer.contains(word)), "{changes}: {answer}");
    }
    let mut report = good.clone();
    for (name, value) in repair.as_object().unwrap() {
        if value.is_null() {
            report.as_object_mut().unwrap().remove(name);
        } else {
            report[name] = value.clone();
        }
    }
    let answer = submit(server.url(), &report.to_string());
    assert!(answer.starts_with("HTTP/1.1 200 "), "a repair report: {answer}");
}

/// Fails if: an order that concerns one report, one kind of request or one size touches another, or a report is kept
/// where it is not to be, or under another id.
#[test]
fn misbehaves_on_order() {
    let server = Server::start().unwrap();
    let other = "44444444-3fc8-480b-b554-6866c77fd91c";
    let report = |id: &str, sn: &str| format!(r#"{{"id":"{id}","sn":"{sn}"}}"#);
    let status = |answer: &str| answer.split(' ').nth(1).unwrap_or_default().to_owned();

    server.always("BAD", Answer::status(500));
    server.always(&ID.to_uppercase(), Answer::status(422));
    server.script_report("ONCE", [Answer::status(503)]);
    for (sn, id, wanted) in [
        ("BAD", other, "500"),
        ("BAD", other, "500"),
        ("GOOD", ID, "422"),
        ("GOOD", other, "200"),
        ("ONCE", other, "503"),
        ("ONCE", other, "200"),
    ] {
        assert_eq!(status(&submit(server.url(), &report(id, sn))), wanted, "{sn} {id}");
    }
    server.forgive(ID);

    let version = || status(&request(server.url(), "GET", "/api/App/Version", "", ""));
    server.set_for(Kind::Version, Answer::status(503));
    assert_eq!((version().as_str(), status(&submit(server.url(), "{}")).as_str()), ("503", "200"));
    server.set_for(Kind::Version, None);
    server.set_for(Kind::Submission, Answer::status(502));
    assert_eq!((version().as_str(), status(&submit(server.url(), "{}")).as_str()), ("200", "502"));
    server.set_for(Kind::Submission, None);

    let there = || status(&request(server.url(), "GET", &format!("/api/Report/Wsjf/{ID}"), "", ""));
    server.script([Answer::KeptUnderOtherId, Answer::OtherId]);
    for kept in ["404", "200"] {
        let answer = submit(server.url(), &report(ID, "OTHER"));
        assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains(ID), "{answer}");
        assert_eq!(there(), kept);
    }

    server.script([Answer::AcceptThenCutOff, Answer::Reset, Answer::AcceptThenReset]);
    let half = submit(server.url(), &report(ID, "CUT"));
    assert!(half.contains("[{\"ID\"") && !half.contains("}]"), "{half}");
    // Each of the three comes with the end of a connection, and two of them were kept.
    assert_eq!(lost(server.url(), &report(ID, "RESET")), "");
    assert_eq!(lost(server.url(), &report(ID, "RESET")), "");

    server.limit_body((100, pages::content_length_too_large()));
    assert!(submit(server.url(), &report(ID, &"x".repeat(100))).contains("404.13"));
    assert_eq!(status(&submit(server.url(), &report(ID, "SMALL"))), "200");

    let kept: Vec<_> = server
        .arrivals()
        .into_iter()
        .filter(|arrival| arrival.stored.is_some())
        .map(|arrival| arrival.serial_number.unwrap_or_default())
        .collect();
    assert_eq!(kept, ["GOOD", "ONCE", "", "OTHER", "OTHER", "CUT", "RESET", "SMALL"]);
    let traffic = server.traffic();
    assert_eq!((traffic.stored, traffic.submissions), (8, 14), "{traffic:?}");
}

/// As [`submit`], where the connection may end in any way.
fn lost(url: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    write!(
        stream,
        "POST /api/Report/WSJF HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Ok(_) => answer,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => String::new(),
        Err(error) => panic!("{error}"),
    }
}

/// Fails if: a page cannot be sent, XML is not given to those who ask for it, or JSON not to all others.
#[test]
fn answers_in_the_form_that_is_asked_for() {
    let server = Server::start().unwrap();
    for (name, page) in pages::all() {
        let Answer::Status { code, .. } = &page else { panic!("{name}") };
        server.script([page.clone()]);
        let answer = submit(server.url(), "{}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{name}: {answer}");
    }
    let ask = |accept: &str| request(server.url(), "POST", "/api/Report/WSJF", accept, "{}");
    for (accept, xml) in [
        ("", false),
        ("Accept: */*\r\n", false),
        ("Accept: application/json, application/xml\r\n", false),
        ("Accept: text/html;q=1, application/xml;q=0.9\r\n", true),
    ] {
        assert_eq!(ask(accept).contains("<InsertReportResult>"), xml, "{accept}");
    }
    server.set_format(Format::Xml);
    assert!(request(server.url(), "GET", "/api/App/Version", "", "").contains("</string>"));
    assert!(ask("Accept: application/json\r\n").contains("<uuid>"));
}

/// Fails if: a rate limit lets too many through or never again any, latency is not kept, or what runs at once is
/// miscounted.
#[test]
fn limits_and_counts() {
    let server = Server::start().unwrap();
    server.limit_rate((2, Duration::from_secs(2)));
    let report = format!(r#"{{"id":"{ID}","sn":"1"}}"#);
    let answers: Vec<String> = (0..3).map(|_| submit(server.url(), &report)).collect();
    assert!(answers[1].starts_with("HTTP/1.1 200 "));
    assert!(answers[2].contains(" 429 ") && answers[2].contains("retry-after: "), "{}", answers[2]);
    let until = Instant::now() + WAIT;
    while !submit(server.url(), &report).starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < until, "the limit never ends");
        std::thread::sleep(Duration::from_millis(100));
    }
    server.limit_rate(None);
    assert_eq!(server.traffic().most_at_once, 1);

    server.set_latency(Duration::from_millis(300));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| submit(server.url(), &report));
        }
        scope.spawn(|| submit(server.url(), r#"{"sn":"2"}"#));
    });
    assert!(started.elapsed() >= Duration::from_millis(300));
    let traffic = server.traffic();
    assert!((2..=4).contains(&traffic.most_at_once), "{traffic:?}");
    assert!((2..=3).contains(&traffic.most_for_one_id), "{traffic:?}");
}

/// Fails if: a report that is missing, or there under two identifiers, passes for one that arrived.
#[test]
fn knows_whether_each_arrived_once() {
    let other = "44444444-3fc8-480b-b554-6866c77fd91c";
    let server = Server::start_with(Options { keep: false, ..Options::default() }).unwrap();
    for (sn, id) in [("A", ID), ("A", ID), ("B", other)] {
        submit(server.url(), &format!(r#"{{"id":"{id}","sn":"{sn}"}}"#));
    }
    assert_eq!(server.each_once(["A", "B"]), Ok(()));
    assert!(server.received().is_empty() && server.reports().is_empty(), "it was told to keep nothing");
    let error = server.each_once(["A", "C"]).unwrap_err();
    assert_eq!(error, "1 of 2 never arrived: C; 1 of 2 were never sent: B");
    submit(server.url(), &format!(r#"{{"id":"{other}","sn":"A"}}"#));
    let error = server.each_once(["A", "B"]).unwrap_err();
    assert!(error.starts_with("1 of 2 arrived under several ids: A ("), "{error}");
}
