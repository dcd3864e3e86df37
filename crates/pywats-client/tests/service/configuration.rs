//! The configuration appears, changes and breaks while the service runs.

use crate::station::{Station, TOKEN, report, server};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use wats_test_server::{Options, Server};

/// Fails if: a service without a configuration does not run, does not say what is missing, does not
/// take reports, or does not deliver them when the file appears, with a byte order mark as Windows
/// writes it, with a misspelt key, and without a restart.
#[test]
fn the_configuration_may_come_later() {
    let server = server();
    let mut station = Station::new();
    station.start();
    station.wait_for_reason("server.url");
    assert_eq!(station.get("/health").status, 200);
    assert_eq!(station.get("/health/live").status, 200);
    station.put("a.json", report("EARLY"));
    station.wait("queued", |station| station.get("/health/details").json()["details"]["pending_count"] == 1);
    let mut settings = station.settings(&server);
    settings["server"]["timout_seconds"] = json!(3);
    settings["servr"] = json!({});
    station.configure_text(format!("\u{feff}{settings}"));
    station.wait_for_done(&["a.json"]);
    station.wait_until_ready();
    for hint in ["did you mean server.timeout_seconds?", "did you mean server?"] {
        assert!(station.log().contains(hint), "{}", station.log());
    }
    let details = station.get("/health/details").json();
    assert_eq!(details["details"]["config_path"], station.config().to_str().unwrap());
}

/// Fails if: a file that is broken at the start or later stops the service, is not complained of with
/// the place and what to write, shows a token, or changes what is in force.
#[test]
fn broken_files_are_explained_and_survived() {
    let server = server();
    let mut station = Station::new();
    station.configure_text(r#"{ "server": { "url": "C:\data" } }"#);
    station.start();
    station.wait_for_reason("a backslash is written twice");
    station.configure(&station.settings(&server));
    station.wait_until_ready();
    // The text, and what is said about it.
    let cases = [
        (r#"{ "server": "#.to_owned(), "line 1"),
        ("[]".to_owned(), "must be a JSON object"),
        (json!({ "server": TOKEN }).to_string(), "server: must be an object"),
        (json!({ "server": { "token": [TOKEN] } }).to_string(), "server.token: not usable; write the token"),
        (json!({ "health": { "port": 70000 } }).to_string(), "health.port: not usable; write a TCP port"),
        (
            json!({ "client": { "watch_folder": "reports" } }).to_string(),
            "client.watch_folder: not usable; write the full path",
        ),
        (json!({ "client": { "watch_folder": "/a", "done_folder": "/a" } }).to_string(), "the same folder"),
        (
            json!({ "upload": { "retry_initial_seconds": 9, "retry_max_seconds": 2 } }).to_string(),
            "more than",
        ),
    ];
    for (number, (text, complaint)) in cases.into_iter().enumerate() {
        station.configure_text(text);
        station.wait_for_reason(complaint);
        let name = format!("{number}.json");
        station.put(&name, report(&name));
        station.wait_for_done(&[&name]);
    }
    fs::remove_file(station.config()).unwrap();
    station.wait_for_reason("has disappeared");
    station.put("gone.json", report("GONE"));
    station.wait_for_done(&["gone.json"]);
    assert!(!station.log().contains(TOKEN), "{}", station.log());
    station.configure(&station.settings(&server));
    station.wait_until_ready();
}

/// Fails if: another server, or a token that was wrong, is not taken over by the running service.
#[test]
fn server_settings_change_without_a_restart() {
    let (first, second) = (server(), server());
    let mut station = Station::new();
    let mut settings = station.settings(&first);
    settings["server"]["token"] = json!("d3Jvbmc6d3Jvbmc=");
    station.configure(&settings);
    station.start();
    station.wait_for_reason("401");
    station.put("a.json", report("A"));
    let token_file = station.dir().join("token");
    fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
    settings["server"]["token"] = json!(null);
    settings["server"]["token_file"] = json!(token_file);
    station.configure(&settings);
    station.wait_for_done(&["a.json"]);
    settings["server"]["url"] = json!(format!("{}/api/", second.url()));
    station.configure(&settings);
    station.wait("the new address is used", |_| asked_for_version(&second));
    station.put("b.json", report("B"));
    station.wait_for_done(&["b.json"]);
    assert_eq!((first.reports().len(), second.reports().len()), (1, 1));
}

/// Fails if: a CA file or a token file whose content changes under its name is not used until somebody asks.
#[test]
fn named_files_are_followed() {
    let options = Options { tls: true, token: Some(TOKEN.to_owned()), ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let other = Server::start_with(Options { tls: true, ..Options::default() }).unwrap();
    let mut station = Station::new();
    let (ca_file, token_file) = (station.dir().join("ca.pem"), station.dir().join("token"));
    let mut settings = station.settings(&server);
    settings["server"]["ca_file"] = json!(ca_file);
    settings["server"]["token_file"] = json!(token_file);
    settings["server"]["token"] = json!(null);
    fs::write(&ca_file, other.ca_pem().unwrap()).unwrap();
    fs::write(&token_file, "b3RoZXI6dG9rZW4=").unwrap();
    station.configure(&settings);
    station.start();
    station.wait_for_reason("is not accepted");
    fs::write(&ca_file, server.ca_pem().unwrap()).unwrap();
    station.wait_for_reason("401");
    fs::write(&token_file, TOKEN).unwrap();
    station.wait_until_ready();
}

fn asked_for_version(server: &Server) -> bool {
    server.received().iter().any(|request| request.path == "/api/App/Version")
}

/// Fails if: other folders are not used without a restart, or a report that waits in the queue is lost
/// by the change.
#[test]
fn folders_change_without_a_restart() {
    let server = server();
    let mut station = Station::new();
    station.start();
    station.put("before.json", report("BEFORE"));
    station.wait("queued", |station| station.get("/health/details").json()["details"]["pending_count"] == 1);
    let other = station.dir().join("other");
    let mut settings = station.settings(&server);
    settings["client"] = json!({ "watch_folder": other.join("in"), "done_folder": other.join("out") });
    station.configure(&settings);
    station.wait("the new folder is watched", |station| station.log().contains("other/in"));
    fs::write(other.join("in/after.json"), report("AFTER")).unwrap();
    station.wait("both arrive", |_| Station::names(&other.join("out")) == ["after.json", "before.json"]);
    assert_eq!(Station::names(&station.watch()), [""; 0]);
    assert!(station.is_running());
}

/// Fails if: the environment does not override the file, or a variable that cannot be used is not
/// complained of.
#[test]
fn the_environment_wins() {
    let (in_file, in_env) = (server(), server());
    let mut station = Station::new();
    station.configure(&station.settings(&in_file));
    station.set_env("PYWATS_SERVER_URL", in_env.url());
    station.set_env("PYWATS_LOG", "shouting");
    station.start();
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
    assert_eq!((in_file.reports().len(), in_env.reports().len()), (0, 1));
    station.wait_for_reason("PYWATS_LOG");
}

/// Fails if: a token that systemd hands over as a credential is not used.
#[test]
fn a_systemd_credential_is_the_token() {
    let server = server();
    let mut station = Station::new();
    let credentials = station.dir().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("token"), format!("{TOKEN}\n")).unwrap();
    station.set_env("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap());
    let mut settings = station.settings(&server);
    settings["server"]["token"] = json!("");
    station.configure(&settings);
    station.start();
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
}

/// Fails if: SIGHUP ends the service, or does not make it try the server at once.
#[test]
fn sighup_reloads() {
    let server = server();
    server.set_default(wats_test_server::Answer::status(401));
    let mut station = Station::new();
    let mut settings = station.settings(&server);
    settings["upload"]["retry_max_seconds"] = json!(3600);
    station.configure(&settings);
    station.start();
    station.put("a.json", report("A"));
    station.wait_for_reason("401");
    server.set_default(wats_test_server::Answer::Accept);
    station.signal(Signal::HUP);
    station.wait_for_done(&["a.json"]);
    assert!(station.is_running());
}

/// Fails if: two names of one folder are taken for two folders, at the start, by `check` or in a reload, and
/// a report is sent again and again because of it.
#[test]
fn folders_are_compared_and_not_their_names() {
    let server = server();
    let mut station = Station::new();
    let (real, alias) = (station.dir().join("reports"), station.dir().join("alias"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &alias).unwrap();
    let mut settings = station.settings(&server);
    let with = |settings: &mut Value, watch: &Path, done: &Path| {
        settings["client"] = json!({ "watch_folder": watch, "done_folder": done });
    };
    // By a link on the way, by the data folder that the environment says, and in the spool.
    for (watch, done) in [
        (real.join("in"), alias.join("in")),
        (station.done(), station.data().join("done")),
        (station.data().join("spool"), real.join("out")),
    ] {
        with(&mut settings, &watch, &done);
        station.configure(&settings);
        let check = station.command(&["check"]).output().unwrap();
        let said = String::from_utf8_lossy(&check.stdout) + String::from_utf8_lossy(&check.stderr);
        assert!(
            !check.status.success() && said.contains("client.watch_folder"),
            "{watch:?} {done:?}: {said}"
        );
        let diagnosis = station.command(&["diagnose"]).output().unwrap();
        let said = String::from_utf8_lossy(&diagnosis.stdout).into_owned();
        assert!(
            said.contains("client.watch_folder and") || said.contains("client.watch_folder is"),
            "{said}"
        );
    }
    with(&mut settings, &real.join("in"), &real.join("out"));
    station.configure(&settings);
    station.start();
    fs::write(real.join("in/a.json"), report("A")).unwrap();
    station.wait("delivered", |_| Station::names(&real.join("out")) == ["a.json"]);
    with(&mut settings, &real.join("in"), &alias.join("in"));
    station.configure(&settings);
    station.wait_for_reason("client.watch_folder and client.done_folder are the same folder");
    fs::write(real.join("in/b.json"), report("B")).unwrap();
    station.wait("the last good folders are used", |_| {
        Station::names(&real.join("out")) == ["a.json", "b.json"]
    });
    assert_eq!(server.reports().len(), 2);
}
