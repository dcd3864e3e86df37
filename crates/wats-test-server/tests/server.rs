//! The test server itself, spoken to without any HTTP library.
//!
//! No test of this file starts a program: between its fork and its exec, the child of one test holds
//! the listening sockets of all others, and a server that was dropped still takes connections.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use support::{WAIT, request, submit};
use wats_test_server::{Answer, Options, Server, VERSION};

const ID: &str = "33a2d408-3fc8-480b-b554-6866c77fd91c";

/// Fails if: the server does not behave as a WATS server does towards right and wrong requests.
#[test]
fn behaves_like_a_wats_server() {
    let options = Options { token: Some("dDpw".to_owned()), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let right = "Authorization: Basic dDpw\r\n";
    let report = format!(r#"{{"id":"{ID}"}}"#);
    let answer = format!(r#"[{{"ID":"{ID}"}}]"#);
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
