//! `service`, `health` and `support-bundle`, as far as no service manager is needed: what needs one is in the acceptance
//! bench.

use crate::station::{NOBODY, Station, TOKEN, report, server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};
use wats_test_server::Answer;

fn run(station: &Station, arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } = station.command(arguments).output().unwrap();
    (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

/// Fails if: a container's probe is told the opposite of what the service says, waits for ever, or gets no reason.
#[test]
fn health_is_an_exit_code() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    let (code, text) = run(&station, &["health"]);
    assert!(code == 1 && text.contains("does not answer"), "{code} {text}");

    station.start();
    station.wait_until_ready();
    for arguments in [&["health"][..], &["health", "--ready"]] {
        let (code, text) = run(&station, arguments);
        assert_eq!((code, text.lines().count()), (0, 1), "{text}");
    }
    server.set_default(Answer::status(503));
    station.put("one.json", report("1"));
    station.wait_for_reason("503");
    assert_eq!(run(&station, &["health"]), (0, "alive\n".to_owned()));
    let (code, text) = run(&station, &["health", "--ready"]);
    assert!(code == 1 && text.contains("not ready: ") && text.contains("503"), "{code} {text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    // A damaged file does not end the service, and must not have it ended by who probes it.
    let settings = fs::read_to_string(station.config()).unwrap();
    station.configure_text("{broken");
    assert_eq!(run(&station, &["health"]), (0, "alive\n".to_owned()));
    station.configure_text(&settings);
    station.stop();

    // Somebody who takes the connection and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", station.port())).unwrap();
    let (code, text) = run(&station, &["health"]);
    assert!(code == 1 && text.contains("within 2 s"), "{code} {text}");
    drop(silent);
    station.set_env("PYWATS_HEALTH_PORT", "0");
    let (code, text) = run(&station, &["health"]);
    assert!(code == 1 && text.contains("switched off"), "{code} {text}");
    station.start();
    station.wait("alive by the socket", |station| run(station, &["health"]) == (0, "alive\n".to_owned()));
    station.wait("ready by the socket, or why not", |station| {
        let (code, text) = run(station, &["health", "--ready"]);
        code == 0 || text.contains("503")
    });
}

/// What a bundle holds, in its order.
fn unpacked(bundle: &Path) -> Vec<(String, String)> {
    let mut zip = zip::ZipArchive::new(fs::File::open(bundle).unwrap()).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut file = zip.by_index(at).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().into_owned(), text)
        })
        .collect()
}

/// Fails if: a token or password is in the bundle, wherever this station has one and in whatever way it is written
/// there, or what support needs is missing.
#[test]
fn a_bundle_holds_no_secret() {
    let server = server();
    server.set_default(Answer::status(503));
    let mut station = Station::new();
    let token_file = station.dir().join("token");
    fs::write(&token_file, "c3RhdGlvbjpmaWxlLXNlY3JldA==\n").unwrap();
    let mut settings = station.settings(&server);
    settings["server"]["token_file"] = json!(token_file);
    settings["server"]["proxy"] = json!("http://proxyuser:proxy%2Dsecret@127.0.0.1:1");
    settings["server"]["url"] = json!("http://urluser:url-secret@127.0.0.1:1");
    // What nobody knows is looked through as well.
    settings["other"] = json!({ "list": [{ "api_token": "nested-secret", "password": ["array-secret"] }] });
    settings["note"] = json!("see https://someone:note-secret@example/");
    station.configure(&settings);
    station.set_env("HTTPS_PROXY", "http://user:env-secret@127.0.0.1:1");
    station.set_env("PYWATS_API_TOKEN", "ZW52OnRva2VuLXNlY3JldA==");
    fs::create_dir_all(station.data().join("logs")).unwrap();
    let said = format!(
        "sent with {TOKEN}\nuser:password\nc3RhdGlvbjpmaWxlLXNlY3JldA==\nproxy-secret nested-secret url-secret\n"
    );
    fs::write(station.data().join("logs/pywats-client.log"), said).unwrap();
    station.start();
    station.put("waits.json", report("SERIAL-7"));
    station.put("bad.json", "no report");
    station.wait_for_failed("bad.json");
    station.wait_for_pending(1);

    let bundle = station.dir().join("bundle.zip");
    let output = bundle.display().to_string();
    let (code, text) = run(&station, &["support-bundle", "-o", &output]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(&output) && text.contains("look through it"), "{text}");
    assert_eq!(fs::metadata(&bundle).unwrap().permissions().mode() & 0o7777, 0o600);
    let files = unpacked(&bundle);
    for secret in [
        TOKEN,
        "c3RhdGlvbjpmaWxlLXNlY3JldA==",
        "file-secret",
        "proxy%2Dsecret",
        "proxy-secret",
        "url-secret",
        "nested-secret",
        "array-secret",
        "note-secret",
        "env-secret",
        "ZW52OnRva2VuLXNlY3JldA==",
        "token-secret",
        "user:password",
    ] {
        for (name, text) in &files {
            assert!(!text.contains(secret), "{secret} is in {name}: {text}");
        }
    }

    let by_name: BTreeMap<&str, &str> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    let json = |name: &str| -> Value { serde_json::from_str(by_name[name]).unwrap() };
    assert_eq!(files[0].0, "README.txt");
    assert!(by_name["README.txt"].contains("serial numbers"));
    assert!(by_name["diagnose.txt"].contains("CONFIGURATION"));
    assert_eq!(json("diagnose.json")["configuration"]["server.token"]["value"], "****");
    let configuration = json("configuration.json");
    assert_eq!(configuration["server"]["token_file"], json!(token_file));
    assert_eq!(configuration["server"]["url"], "http://****@127.0.0.1:1");
    assert!(by_name["configuration.txt"].contains("server.timeout_seconds"), "{by_name:?}");
    assert!(by_name["environment.txt"].contains("PYWATS_API_TOKEN=****"), "{by_name:?}");
    assert_eq!(json("health.json")["details"]["pending_count"], 1);
    let queue = json("queue.json");
    assert_eq!(queue["spool"]["count"], 1);
    assert_eq!(queue["reports"]["entries"].as_array().map(Vec::len), Some(1), "{queue}");
    assert!(queue["spool"]["newest"][0]["bytes"].as_u64().unwrap() > 10);
    let failed = &json("failed.json")[0]["files"]["newest"];
    assert_eq!(failed[0]["file"], "bad.json");
    assert!(failed[0]["reason"]["reason"].as_str().is_some_and(|why| !why.is_empty()), "{failed}");
    assert_eq!(json("versions.json")["pywats_client"], env!("CARGO_PKG_VERSION"));
    assert!(by_name["logs/pywats-client.log"].contains("sent with ****"), "{by_name:?}");
    assert!(!files.iter().any(|(_, text)| text.contains("SERIAL-7")), "a report's content is in it");

    // The order is always the same, and nothing is overwritten.
    let again = station.dir().join("again.zip");
    run(&station, &["support-bundle", "-o", &again.display().to_string()]);
    let names = |files: &[(String, String)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&files), names(&unpacked(&again)));
    // Where no file can be made, it goes out by itself.
    let output_only = station.command(&["support-bundle", "-o", "-"]).output().unwrap();
    assert!(output_only.status.success(), "{output_only:?}");
    fs::write(&again, &output_only.stdout).unwrap();
    assert_eq!(names(&files), names(&unpacked(&again)));
    let (code, text) = run(&station, &["support-bundle", "-o", "-", "--json"]);
    assert!(code == 1 && text.contains("support-bundle -o - > FILE"), "{text}");
    let before = fs::read(&bundle).unwrap();
    let (code, text) = run(&station, &["support-bundle", "-o", &output]);
    assert!(code == 1 && text.contains("exists and is not overwritten"), "{text}");
    assert_eq!(fs::read(&bundle).unwrap(), before);
}

/// Fails if: a bundle is written into a folder of the service, follows a link, leaves half a file, or a configuration
/// that cannot be read stops it or is copied as it is.
#[test]
fn a_bundle_goes_where_it_harms_nothing() {
    let mut station = Station::new();
    station.configure_text("{ \"server\": { \"token\": \"broken-secret\" ");
    for folder in [station.data(), station.watch(), station.failed()] {
        fs::create_dir_all(&folder).unwrap();
        let (code, text) =
            run(&station, &["support-bundle", "-o", &folder.join("x.zip").display().to_string()]);
        assert!(code == 1 && text.contains("belongs to the service"), "{text}");
        assert!(!folder.join("x.zip").exists());
    }
    let link = station.dir().join("link.zip");
    std::os::unix::fs::symlink(station.dir().join("target"), &link).unwrap();
    let (code, text) = run(&station, &["support-bundle", "-o", &link.display().to_string()]);
    assert!(code == 1 && text.contains("not overwritten"), "{text}");
    assert!(!station.dir().join("target").exists());

    // A reason that is a link to what only root may read.
    fs::write(station.failed().join("a.json"), "x").unwrap();
    let reason = station.failed().join("a.json.reason.json");
    std::os::unix::fs::symlink(station.config(), &reason).unwrap();
    let place = station.dir().join("place");
    fs::create_dir(&place).unwrap();
    station.set_env("TMPDIR", place.display().to_string());
    let mut command = station.command(&["support-bundle"]);
    let Output { status, stdout, .. } = command.current_dir(&place).output().unwrap();
    assert_eq!(status.code(), Some(0));
    let names = Station::names(&place);
    assert!(
        names.len() == 1 && names[0].starts_with("pywats-support-") && names[0].ends_with(".zip"),
        "{names:?}"
    );
    assert!(String::from_utf8(stdout).unwrap().contains(&names[0]));
    let files = unpacked(&place.join(&names[0]));
    assert!(files.iter().all(|(_, text)| !text.contains("broken-secret")), "{files:?}");
    assert!(files.iter().all(|(name, _)| name != "configuration.json"));
    assert!(files[0].1.contains("the configuration file"), "{}", files[0].1);
    let failed = files.iter().find(|(name, _)| name == "failed.json").unwrap();
    let failed: Value = serde_json::from_str(&failed.1).unwrap();
    assert_eq!(failed[0]["files"]["newest"][0]["reason"], Value::Null);
}

/// Fails if: an account without rights, or a program in a place from which the service cannot be run, is not refused
/// with its exit code and a sentence that says what to do; or a dry run changes anything.
#[test]
fn the_service_is_not_installed_by_just_anybody() {
    let run = |arguments: &[&str], account: Option<u32>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pywats-client"));
        command.arg("service").args(arguments);
        if let Some(account) = account.filter(|_| rustix::process::geteuid().is_root()) {
            command.uid(account).gid(account);
        }
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code().unwrap(), String::from_utf8([stdout, stderr].concat()).unwrap())
    };
    let unit = Path::new("/etc/systemd/system/pywats-client.service");
    let before = unit.exists();
    for verb in ["install", "uninstall", "start", "stop"] {
        let (code, text) = run(&[verb], Some(NOBODY));
        assert!(code == 14 && text.contains("root"), "{verb}: {code} {text}");
    }
    // Whether systemd runs here, and whether a package has installed the service, is as it is.
    let (code, text) = run(&["install", "--dry-run"], None);
    match code {
        2 => assert!(text.contains("let what runs it") && text.contains("pywats-client run"), "{text}"),
        10 => assert!(text.contains("installed"), "{text}"),
        12 => assert!(text.contains("--copy-to /usr/local/bin"), "{text}"),
        other => panic!("{other}: {text}"),
    }
    let (code, text) = run(&["status", "--json"], None);
    assert!([0, 2, 11, 32].contains(&code), "{code} {text}");
    assert_eq!(unit.exists(), before);
}
