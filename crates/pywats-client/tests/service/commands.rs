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
        (Some(json!({ "server": complete }).to_string()), 0, " ****\n"),
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

/// Fails if: `help` does not work, or the help does not name the files.
#[test]
fn helps() {
    let help = |arguments: &[&str]| {
        let command =
            std::process::Command::new(env!("CARGO_BIN_EXE_pywats-client")).args(arguments).output();
        let Output { status, stdout, .. } = command.unwrap();
        (status.code(), String::from_utf8(stdout).unwrap())
    };
    for arguments in [&["help"][..], &["--help"], &["-h"]] {
        let (code, text) = help(arguments);
        assert_eq!(code, Some(0), "{arguments:?}");
        let config = pywats_client::config::default_path().display().to_string();
        let data = pywats_client::config::Config::new().client.data_dir.display().to_string();
        for part in ["test-connection", "diagnose", &config, &data, "log"] {
            assert!(text.contains(part), "{arguments:?} {part}: {text}");
        }
    }
    let (code, text) = help(&["help", "test-connection"]);
    assert!(code == Some(0) && text.contains("--config"), "{text}");
}

/// Fails if: a file that this account may not read is called missing, or what to do is not said.
#[test]
fn a_file_that_may_not_be_read_is_told_as_such() {
    use std::os::unix::fs::PermissionsExt;
    let mut station = Station::new();
    station.without_rights();
    station.configure_text("{}");
    std::fs::set_permissions(station.config(), std::fs::Permissions::from_mode(0o000)).unwrap();
    let (code, text) = run(&station, "check");
    assert_eq!(code, 22, "{text}");
    for part in ["it is there but this account may not read it", "chmod 640", "(which cannot be used)"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("does not exist"), "{text}");
}

/// Fails if: `check` or `diagnose` as root say nothing of what hinders the service's account and its unit, or speak
/// of a configuration that is not the service's.
#[cfg(target_os = "linux")]
#[test]
fn root_hears_what_hinders_the_service() {
    use std::os::unix::fs::PermissionsExt;
    if !rustix::process::geteuid().is_root() {
        return; // anybody else hears what hinders himself
    }
    let server = server();
    let mut station = Station::new();
    let folder = |name: &str| {
        let path = station.dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        path
    };
    let (bin, watched) = (folder("bin"), folder("watched"));
    std::fs::set_permissions(station.dir(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut settings = station.settings(&server);
    settings["client"] = json!({ "watch_folder": watched });
    station.configure(&settings);
    std::fs::set_permissions(station.config(), std::fs::Permissions::from_mode(0o600)).unwrap();
    let systemctl = bin.join("systemctl");
    let script = || {
        let properties = format!(
            "LoadState=loaded\nUser=65534\nGroup=65534\nProtectSystem=strict\nEnvironment=PYWATS_CONFIG={}\n\
             ReadWritePaths={}\n",
            station.config().display(),
            station.data().display(),
        );
        std::fs::write(&systemctl, format!("#!/bin/sh\ncat <<'END'\n{properties}END\n")).unwrap();
        std::fs::set_permissions(&systemctl, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    script();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let data = station.data();
    station.set_env("PATH", path);
    for command in ["check", "diagnose"] {
        let (code, text) = run(&station, command);
        assert_eq!(code, if command == "check" { 20 } else { 50 }, "{text}");
        for part in [
            format!("{}: the account 65534 of the service may not read it", station.config().display()),
            format!(
                "watch folder {}: is read-only for the service by ProtectSystem=strict",
                watched.display()
            ),
            format!("'[Service]' ReadWritePaths=-{}", watched.display()),
            format!("data folder {}: does not exist, and the account 65534", data.display()),
        ] {
            assert!(text.contains(&part), "{part}: {text}");
        }
    }
    std::fs::write(
        &systemctl,
        "#!/bin/sh\necho LoadState=loaded\necho Environment=PYWATS_CONFIG=/other.json\n",
    )
    .unwrap();
    let (code, text) = run(&station, "check");
    assert_eq!(code, 0, "{text}");
}

/// Fails if: a command promises that the service takes a file over that it may not read.
#[cfg(target_os = "linux")]
#[test]
fn what_was_written_and_cannot_be_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    if !rustix::process::geteuid().is_root() {
        return; // nobody else knows of the service's account
    }
    let mut station = Station::new();
    station.configure(&json!({ "station": { "name": "A" } }));
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(station.dir(), 0o755);
    let bin = station.dir().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let properties =
        format!("LoadState=loaded\nUser=65534\nEnvironment=PYWATS_CONFIG={}\n", station.config().display());
    std::fs::write(bin.join("systemctl"), format!("#!/bin/sh\ncat <<'END'\n{properties}END\n")).unwrap();
    mode(&bin.join("systemctl"), 0o755);
    station.set_env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
    for (rights, part) in [(0o644, "takes it over within seconds"), (0o600, "cannot take it over yet")] {
        mode(&station.config(), rights);
        let Output { status, stdout, stderr } =
            station.command(&["config", "set", "station.name", "B"]).output().unwrap();
        let text = String::from_utf8([stdout, stderr].concat()).unwrap();
        assert!(status.success() && text.contains(part), "{rights:o}: {text}");
        assert_eq!(
            text.contains("the account 65534 of the service may not read it"),
            rights == 0o600,
            "{text}"
        );
    }
}

/// Fails if: a pipe where a file is expected keeps a command, or the service, waiting for ever.
#[test]
fn a_pipe_is_no_file() {
    let server = server();
    let mut station = Station::new();
    let pipe = station.dir().join("pipe");
    let name = std::ffi::CString::new(pipe.display().to_string()).unwrap();
    // SAFETY: the name ends with NUL, and lives until the call returns.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o644) }, 0);
    for key in ["token_file", "ca_file"] {
        let mut settings = station.settings(&server);
        if key == "token_file" {
            settings["server"]["token"] = json!(null);
        }
        settings["server"][key] = json!(pipe);
        station.configure(&settings);
        for command in ["check", "test-connection"] {
            let (code, text) = run(&station, command);
            assert!(code != 0 && text.contains("is no file"), "{key} {command}: {text}");
        }
    }
    station.configure(&station.settings(&server));
    station.start();
    station.wait_until_ready();
    std::fs::remove_file(station.config()).unwrap();
    std::fs::rename(&pipe, station.config()).unwrap();
    station.wait_for_reason("is no file");
    let (code, text) = run(&station, "check");
    assert!(code == 22 && text.contains("is no file"), "{text}");
    std::fs::remove_file(station.config()).unwrap();
    station.configure(&station.settings(&server));
    station.wait_until_ready();
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
    server.set_default(Answer::Accept);
    let station = Station::new();
    let mut settings = station.settings(&server);
    settings["server"]["tokn"] = json!("x");
    station.configure(&settings);
    let (status, text) = run(&station, "test-connection");
    assert!(
        status == 0 && text.contains("warning: ") && text.contains("did you mean server.token?"),
        "{text}"
    );
    let dated = |date: &str| {
        let headers = vec![("Date".to_owned(), date.to_owned())];
        Answer::Status { code: 200, headers, body: "\"2025.3.9.824\"".to_owned() }
    };
    for (date, warning) in [
        ("Sun, 06 Nov 1994 08:49:37 GMT", "hours ahead of the server's: correct it"),
        ("Tue, 31 Dec 2999 23:59:59 GMT", "hours behind the server's: correct it"),
    ] {
        server.set_default(dated(date));
        let (status, text) = run(&station, "test-connection");
        assert!(status == 0 && text.contains("warning: ") && text.contains(warning), "{text}");
    }
    let station = Station::new();
    let (status, text) = run(&station, "test-connection");
    assert_eq!(status, 21, "{text}");
}

/// Fails if: a command prints no JSON for programs, or with it anything else.
#[test]
fn every_command_prints_json() {
    fn ends(command: &clap::Command, path: &[String], without: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            ends(sub, &path, without);
            let is_end = sub.get_subcommands().next().is_none();
            if is_end && !sub.get_arguments().any(|argument| argument.get_long() == Some("json")) {
                without.push(path.join(" "));
            }
        }
    }
    let mut command = pywats_client::cli::command();
    command.build();
    let mut without = Vec::new();
    ends(&command, &[], &mut without);
    // The service itself logs as its configuration says.
    assert_eq!(without, ["run"]);

    let server = server();
    let station = Station::new();
    station.configure(&station.settings(&server));
    let bundle = station.dir().join("bundle.zip");
    let bundle = bundle.to_str().unwrap();
    for (arguments, keys) in [
        (&["health", "--json"][..], &["healthy", "said"][..]),
        (&["test-connection", "--json"], &["url", "version", "warnings", "problems"]),
        (&["support-bundle", "--json", "--output", bundle], &["file", "bytes", "incomplete"]),
        // It is there already.
        (&["support-bundle", "--json", "--output", bundle], &["error"]),
        (&["service", "install", "--dry-run", "--json"], &["done", "error"]),
        (&["service", "--json", "uninstall", "--dry-run"], &["done", "error"]),
    ] {
        // The service of the machine has no other configuration.
        let mut command = station.command(arguments);
        if arguments[0] == "service" {
            command = station.program();
            command.args(arguments);
        }
        let Output { stdout, stderr, .. } = command.output().unwrap();
        let text = String::from_utf8(stdout).unwrap();
        let value: serde_json::Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"));
        for key in keys {
            assert!(value.get(key).is_some(), "{arguments:?}: {text}");
        }
        assert_eq!(String::from_utf8_lossy(&stderr), "", "{arguments:?}");
    }
}

/// Fails if: a wrong command line, or a service manager that is not there, is not refused clearly.
#[test]
fn wrong_command_lines_are_refused() {
    let station = Station::new();
    for (arguments, part) in [
        #[cfg(target_os = "linux")]
        (&["run", "--service"][..], "--service is for Windows and macOS"),
        (&["services"][..], "unrecognized subcommand"),
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
