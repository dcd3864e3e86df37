//! What others see of a station: its page, who is shown what, its clock, its log as JSON, and what the server is told.

use crate::station::{Station, report, server};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use wats_test_server::{Answer, Kind, Server};

impl Station {
    /// Asks with these headers, and returns the answer as text.
    fn ask(&self, path: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n";

/// Fails if: a browser does not get the page with its policy, a probe gets it, or a name of somebody else reaches page
/// or details; or if a request that was passed on sees a file.
#[test]
fn the_page_is_for_browsers_on_this_machine() {
    let server = server();
    let station = Station::running(&server);
    station.put("<script>.json", report("SERIAL-1"));
    station.wait_for_done(&["<script>.json"]);
    station.wait_until_ready();
    let page = station.ask("/", &format!("Host: localhost:{}\r\n{BROWSER}", station.port()));
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    for part in [
        "content-type: text/html; charset=utf-8",
        "content-security-policy: default-src 'none'; style-src 'sha256-",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "vary: Accept",
        "&lt;script&gt;.json",
        "SERIAL-1",
        "All is well",
    ] {
        assert!(page.contains(part), "{part:?} is not in {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    // Path, headers, start of the answer, and whether it names the file.
    for (path, headers, start, named) in [
        ("/", "Host: localhost\r\nAccept: */*\r\n".to_owned(), "HTTP/1.1 200", false),
        ("/", format!("Host: 127.0.0.1\r\n{BROWSER}"), "HTTP/1.1 200", true),
        ("/", format!("Host: evil.example\r\n{BROWSER}"), "HTTP/1.1 421", false),
        ("/health/details", "Host: evil.example\r\n".to_owned(), "HTTP/1.1 421", false),
        ("/health/ready", "Host: evil.example\r\n".to_owned(), "HTTP/1.1 200", false),
        ("/metrics", "Host: evil.example\r\n".to_owned(), "HTTP/1.1 200", false),
        ("/health/details", "Host: localhost\r\n".to_owned(), "HTTP/1.1 200", true),
        (
            "/health/details",
            "Host: localhost\r\nX-Forwarded-For: 192.0.2.1\r\n".to_owned(),
            "HTTP/1.1 200",
            false,
        ),
    ] {
        let answer = station.ask(path, &headers);
        assert!(answer.starts_with(start), "{path} {headers}: {answer}");
        assert_eq!(answer.contains("script"), named, "{path} {headers}: {answer}");
    }
}

/// Fails if: what happens to reports is not counted and remembered, or the oldest one that waits has no age.
#[test]
fn reports_leave_numbers() {
    let server = server();
    let station = Station::running(&server);
    station.put("a.json", report("SERIAL-1"));
    station.wait_for_done(&["a.json"]);
    station.put("b.json", "{}");
    station.wait_for_failed("b.json");
    let details = station.get("/health/details").json()["details"].clone();
    let last: Vec<(&str, &str)> = details["last_reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|report| (report["file"].as_str().unwrap(), report["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(last, [("b.json", "refused"), ("a.json", "delivered")]);
    assert_eq!(details["last_reports"][1]["serial_number"], "SERIAL-1");
    assert!(details["last_reports"][0]["what_to_do"].as_str().unwrap().contains("Correct"), "{details:#}");
    assert!(
        details["last_delivery"].is_string() && details["answers"]["200"].as_u64() >= Some(1),
        "{details:#}"
    );
    assert!(
        details["oldest_waiting_seconds"].is_null() && details["free_bytes"].as_u64() > Some(0),
        "{details:#}"
    );
    server.set_default(Answer::status(503));
    station.put("c.json", report("C"));
    station.wait_for_pending(1);
    station.wait("the oldest has an age", |station| {
        let details = station.get("/health/details").json()["details"].clone();
        details["oldest_waiting_seconds"].as_u64().is_some_and(|age| (1..60).contains(&age))
    });
    let metrics = station.get("/metrics").body;
    assert!(metrics.contains("pywats_server_answers_total{status=\"503\"} "), "{metrics}");
}

/// Fails if: a clock that is off is not noted, or stays noted when it is right again.
#[test]
fn a_clock_that_is_off_is_noted() {
    let server = server();
    let station = Station::running(&server);
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    for kind in [Kind::Version, Kind::Submission] {
        let headers = vec![("date".to_owned(), date.to_owned())];
        let body = if kind == Kind::Version { "\"1.0\"" } else { "" };
        server.set_for(kind, Answer::Status { code: 200, headers, body: body.into() });
    }
    for number in 0..3 {
        station.put(format!("{number}.json"), report(&format!("{number}")));
    }
    let note = |station: &Station| {
        station.get("/health/details").json()["details"]["notes"]["clock"].as_str().map(str::to_owned)
    };
    station.wait("the clock is noted", |station| note(station).is_some_and(|note| note.contains("ahead")));
    assert!(station.get("/metrics").body.contains("pywats_clock_offset_seconds 1"), "no gauge");
    for kind in [Kind::Version, Kind::Submission] {
        server.set_for(kind, None);
    }
    for number in 3..8 {
        station.put(format!("{number}.json"), report(&format!("{number}")));
    }
    station.wait("the clock is right", |station| note(station).is_none());
}

/// Fails if: the log is no JSON after a change of the settings, does not go to the file, or a file that cannot be
/// opened is not noted.
#[test]
fn the_log_follows_the_settings() {
    let server = server();
    let station = Station::running(&server);
    let file = station.dir().join("logs").join("station.log");
    let mut settings = station.settings(&server);
    settings["logging"] = json!({ "format": "json", "file": file, "files": 1 });
    station.configure(&settings);
    let read = || std::fs::read_to_string(&file).unwrap_or_default();
    station.wait("the file is there", |_| file.exists());
    station.put("a.json", report("A"));
    station.wait("the delivery is in the file", |_| read().contains("accepted by the server"));
    for line in read().lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(
            ["timestamp", "level", "target", "message"].iter().all(|key| event[key].is_string()),
            "{line}"
        );
    }
    settings["logging"]["file"] = json!(station.dir());
    station.configure(&settings);
    station.wait("that is noted", |station| {
        station.get("/health/details").json()["details"]["notes"]["log"].is_string()
    });
}

/// What the server was told, in order: the status, and how many reports wait.
fn told(server: &Server) -> Vec<String> {
    let updates = server.received().into_iter().filter(|request| request.method == "PUT");
    let bodies = updates.map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
    bodies.map(|body| body["status"].as_str().unwrap().to_owned()).collect()
}

/// Fails if: a server that wants it is not told that the station comes and goes, one that does not know it makes a
/// problem, or one is told that was not to be.
#[test]
fn the_server_is_told_if_it_wants_to() {
    for (wanted, answer, expected) in [
        (true, None, &["Online", "Offline"][..]),
        (true, Some(Answer::status(404)), &["Online", "Offline"]),
        (false, None, &[]),
    ] {
        let server = server();
        server.set_for(Kind::Status, answer.clone());
        let mut station = Station::new();
        let mut settings = station.settings(&server);
        settings["server"]["report_status"] = wanted.into();
        station.configure(&settings);
        station.start();
        station.put("a.json", report("A"));
        station.wait_for_done(&["a.json"]);
        station.wait_until_ready();
        if wanted {
            station.wait("the server is told", |_| !told(&server).is_empty());
        }
        if answer.is_some() {
            station.wait("that is logged", |station| station.log().contains("told again in a day"));
        }
        assert!(station.stop().success());
        assert_eq!(told(&server), expected, "{wanted} {answer:?}");
    }
}
