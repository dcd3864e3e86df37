//! The program around the test server.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use support::{WAIT, request, submit};

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
