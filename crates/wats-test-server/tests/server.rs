//! The test server itself, spoken to without any HTTP library.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wats_test_server::{Answer, Options, Server, VERSION};

const WAIT: Duration = Duration::from_secs(10);
const ID: &str = "33a2d408-3fc8-480b-b554-6866c77fd91c";

/// Sends a request and returns the whole answer, which is empty where the connection just ends.
fn request(url: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn submit(url: &str, body: &str) -> String {
    request(url, "POST", "/api/Report/WSJF", "", body)
}

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

/// The program, ended with the test whatever happens.
struct Program {
    child: Child,
    first_line: String,
}

impl Program {
    fn start(arguments: &[&str]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wats-test-server"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first_line).unwrap();
        Program { child, first_line }
    }

    fn url(&self) -> &str {
        self.first_line.strip_prefix("listening on ").expect("the promised first line").trim_end()
    }

    /// Whether the program ends by itself, well, within `wait`.
    fn ends(&mut self, wait: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < wait {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Fails if: the program does not say where it listens, loses or renumbers reports, overwrites those
/// of an earlier run, or does not end with its standard input.
#[test]
fn the_program_records_reports() {
    let directory = tempfile::tempdir().unwrap();
    let record = directory.path().join("new/reports");
    let arguments = ["--token", "dDpw", "--record", record.to_str().unwrap()];
    for run in [1, 3] {
        let mut program = Program::start(&arguments);
        for body in ["{\"sn\":\"1\"}", "{\"sn\":\"2\"}"] {
            let right = "Authorization: Basic dDpw\r\n";
            let answer = request(program.url(), "POST", "/api/Report/WSJF", right, body);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        assert!(submit(program.url(), "{}").starts_with("HTTP/1.1 401 "));
        drop(program.child.stdin.take());
        assert!(program.ends(WAIT));
        let content = |number: i32| fs::read_to_string(record.join(format!("{number:04}.json"))).unwrap();
        assert_eq!((content(run), content(run + 1)), ("{\"sn\":\"1\"}".into(), "{\"sn\":\"2\"}".into()));
        assert_eq!(fs::read_dir(&record).unwrap().count(), usize::try_from(run).unwrap() + 1);
    }
}

/// Fails if: the program cannot be stopped as a service is stopped, or ends with standard input
/// although it was told not to.
#[cfg(unix)]
#[test]
fn the_program_runs_as_a_service() {
    let mut program = Program::start(&["--ignore-stdin"]);
    drop(program.child.stdin.take());
    assert!(!program.ends(Duration::from_millis(300)));
    assert!(submit(program.url(), "{}").starts_with("HTTP/1.1 200 "));
    let killed = Command::new("kill").args(["-TERM", &program.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(program.ends(WAIT));
}

/// Fails if: the program speaks no TLS, or does not hand out its authority.
#[test]
fn the_program_speaks_https() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    let program = Program::start(&["--tls-ca", ca.to_str().unwrap()]);
    assert!(program.url().starts_with("https://127.0.0.1:"));
    assert!(fs::read_to_string(&ca).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}
