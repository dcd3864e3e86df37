//! `check`, `test-connection` and the command line itself: what is printed, and the exit codes.

use crate::station::{Station, TOKEN, server};
use serde_json::json;
use std::process::Output;
use wats_test_server::Answer;

fn run(station: &Station, subcommand: &str) -> (i32, String) {
    let Output { status, stdout, stderr } = station.command(&[subcommand]).output().unwrap();
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code().unwrap(), text)
}

/// Fails if: `check` has the wrong exit code, does not name the problem, or shows a secret.
#[test]
fn check_says_what_is_wrong() {
    let complete = json!({ "url": "https://company.example", "token": TOKEN });
    let with = |key: &str, value: serde_json::Value| {
        let mut server = complete.clone();
        server[key] = value;
        json!({ "server": server }).to_string()
    };
    // The content of the file, the exit code, and what is printed.
    let cases = [
        (None, 21, "does not exist"),
        (Some(json!({ "server": complete }).to_string()), 0, "https://company.example"),
        (Some(json!({ "server": complete }).to_string()), 0, "dXNl****ZA=="),
        (Some("{}".to_owned()), 20, "no server address"),
        (Some(with("token", json!(""))), 20, "no token"),
        (Some(with("token", json!("not base64!"))), 20, "token"),
        (Some(with("url", json!("ftp://company.example"))), 20, "https://"),
        (Some(with("ca_file", json!("/does/not/exist.pem"))), 20, "/does/not/exist.pem"),
        (
            Some(with("token", json!(null)).replace("null", r#"null, "token_file": "/does/not/exist""#)),
            20,
            "/does/not/exist: does not exist",
        ),
        (Some(with("proxy", json!("http://user:hunter2@proxy:3128"))), 0, "http://****@proxy:3128"),
        (Some(with("timeout_seconds", json!("soon"))), 22, "server.timeout_seconds"),
        (Some("{".to_owned()), 22, "line 1"),
        (Some(with("tokn", json!(1))), 0, "did you mean server.token?"),
    ];
    for (content, code, part) in cases {
        let station = Station::new();
        if let Some(content) = &content {
            station.configure_text(content);
        }
        let (status, text) = run(&station, "check");
        assert_eq!(status, code, "{content:?}: {text}");
        assert!(text.contains(part), "{content:?}: {text}");
        assert!(!text.contains(TOKEN) && !text.contains("hunter2"), "{text}");
        assert!(!station.data().exists(), "check changes nothing");
    }
}

/// Fails if: `test-connection` has the wrong exit code or does not say why.
#[test]
fn connections_are_tested() {
    let server = server();
    // A port that is never handed out as a free one, so that no other test listens there.
    let nobody = "http://127.0.0.1:1";
    // The address, the answer, the exit code, and what is printed.
    let cases = [
        (server.url(), Answer::Accept, 0, wats_test_server::VERSION),
        (server.url(), Answer::status(401), 42, "401"),
        (server.url(), Answer::status(403), 42, "403"),
        (server.url(), Answer::status(500), 40, "500"),
        (server.url(), Answer::status(404), 40, "404"),
        (server.url(), Answer::Html, 40, ""),
        (nobody, Answer::Accept, 41, "no connection"),
        ("", Answer::Accept, 20, "server.url"),
    ];
    for (url, answer, code, part) in cases {
        let station = Station::new();
        let mut settings = station.settings(&server);
        settings["server"]["url"] = json!(url);
        station.configure(&settings);
        server.set_default(answer.clone());
        let (status, text) = run(&station, "test-connection");
        assert_eq!(status, code, "{url} {answer:?}: {text}");
        assert!(text.contains(part), "{text}");
        assert!(!text.contains(TOKEN), "{text}");
    }
    let station = Station::new();
    let (status, text) = run(&station, "test-connection");
    assert_eq!(status, 21, "{text}");
}

/// Fails if: a wrong command line, or a service manager that is not there, is not refused clearly.
#[test]
fn wrong_command_lines_are_refused() {
    let station = Station::new();
    for (arguments, part) in [
        (&["run", "--service"][..], "Windows service manager"),
        (&["service"][..], "unrecognized subcommand"),
        (&["run", "--headless"][..], "unexpected argument"),
    ] {
        let Output { status, stderr, .. } = station.command(arguments).output().unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(stderr).unwrap();
        assert!(text.contains(part), "{text}");
    }
    let version =
        std::process::Command::new(env!("CARGO_BIN_EXE_pywats-client")).arg("--version").output().unwrap();
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        format!("pywats-client {}\n", env!("CARGO_PKG_VERSION"))
    );
}
