//! The verbs about the configuration file, by the built program: `config`, `check FILE`, `folders add --dry-run`.

use crate::station::{Station, TOKEN, report};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

/// Runs the program with this on standard input; gives the exit code and everything it printed.
fn run(station: &Station, arguments: &[&str], input: &str) -> (i32, String) {
    let mut command = station.command(arguments);
    command.env("HOME", station.dir()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that reads nothing may have ended.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = String::from_utf8([stdout, stderr].concat()).unwrap();
    assert!(!text.contains(TOKEN), "{arguments:?}: {text}");
    (status.code().unwrap(), text)
}

fn file(station: &Station) -> Value {
    serde_json::from_str(&fs::read_to_string(station.config()).unwrap()).unwrap()
}

/// Fails if: a verb of `config` does not do what it says, has another exit code, or shows a secret.
#[test]
fn the_file_is_made_shown_and_changed() {
    let station = Station::new();
    let init = ["config", "init", "--server-url", "https://a.example", "--token-file", "-"];
    // The arguments, standard input, the exit code, and what is printed.
    let steps: &[(&[&str], &str, i32, &str)] = &[
        (&["config", "get", "server.url"], "", 1, ""),
        (&["config", "get", "station.operator"], "", 1, "station.operator: is not set, and has no default"),
        (&init, TOKEN, 0, "written"),
        (&init, TOKEN, 1, "exists already"),
        (&["config", "get", "server.url"], "", 0, "https://a.example\n"),
        (&["config", "get", "server.token"], "", 0, "****"),
        (&["config", "get", "server.urll"], "", 2, "did you mean server.url?"),
        (&["config", "set", "server.token", TOKEN], "", 2, "standard input"),
        (&["config", "set", "health.port", "many"], "", 2, "TCP port"),
        (&["config", "set", "server.url", r"C:\x"], "", 2, "https://"),
        (&["config", "set", "folders", "nonsense"], "", 2, "write a list of folders, as [ {"),
        (&["config", "set", "station.location", "Hall 2"], "", 0, "written"),
        (&["config", "set", "upload.retry_initial_seconds", "900"], "", 22, "nothing was written"),
        (&["config", "set", "station.location", "--unset"], "", 0, "written"),
        (&["config", "show", "--json"], "", 0, "\"environment\": \"PYWATS_SERVER_URL\""),
        (&["config", "path"], "", 0, "config.json"),
        (&["config", "check"], "", 0, "https://a.example"),
    ];
    for (arguments, input, code, part) in steps {
        let (status, text) = run(&station, arguments, input);
        assert_eq!(status, *code, "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
    assert_eq!(file(&station), json!({ "server": { "url": "https://a.example", "token": TOKEN } }));
}

/// Fails if: an account that may not read or write the file is told something else, or gets another exit code.
#[test]
fn who_may_not_change_the_file_is_told_so() {
    use std::os::unix::fs::PermissionsExt;
    let mut station = Station::new();
    station.without_rights();
    station.configure_text("{}");
    let closed = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    let set = ["config", "set", "station.location", "Hall"];
    let add = ["folders", "add", "/srv/ict", "--name", "ict"];
    let folder = station.config().parent().unwrap().to_owned();
    for (file, mode, part) in [(0o000, 0o755, "may not read it"), (0o644, 0o555, "cannot be written")] {
        closed(&station.config(), file);
        closed(&folder, mode);
        for command in [&set[..], &add] {
            let (code, text) = run(&station, command, "");
            assert!(code == 14 && text.contains(part), "{command:?}: {code} {text}");
            assert!(text.contains("run this as an administrator"), "{text}");
        }
    }
    closed(&folder, 0o755);
    assert_eq!(file(&station), json!({}));
}

/// Fails if: a good report is refused by `check FILE`, or a bad one passes.
#[test]
fn reports_are_checked() {
    let station = Station::new();
    station.configure_text("{}");
    let mut good: Value = serde_json::from_str(&report("A")).unwrap();
    good["uut"] = json!({ "user": "anna" });
    let mut bad = good.clone();
    bad.as_object_mut().unwrap().remove("sn");
    for (name, content, code) in [("good.json", good.to_string(), 0), ("bad.json", bad.to_string(), 51)] {
        let path = station.dir().join(name);
        fs::write(&path, content).unwrap();
        let (status, text) = run(&station, &["check", path.to_str().unwrap()], "");
        assert_eq!(status, code, "{name}: {text}");
    }
}

/// Fails if: `folders add --dry-run` changes something, or takes a folder that cannot be used.
#[test]
fn folders_are_tried() {
    let station = Station::new();
    station.configure_text("{}");
    let add =
        |path: &str, name: &str| run(&station, &["folders", "add", path, "--name", name, "--dry-run"], "");
    let (code, text) = add(station.dir().join("ict").to_str().unwrap(), "ict");
    assert!(code == 0 && text.contains("would be changed"), "{text}");
    let (code, text) = add("relative", "ict");
    assert!(code == 2 && text.contains("the path relative: not usable; write the full path"), "{text}");
    let (code, text) = add("/srv/ict", "ICT");
    assert!(code == 2 && text.contains("the name ICT: not usable; write 1 to 32"), "{text}");
    let (code, text) = add("/srv/ict", "default");
    assert!(code == 2 && text.contains("the name default: another folder has it"), "{text}");
    assert_eq!(file(&station), json!({}));
}

/// Fails if: the Python client's file is not found, not taken over, or overwrites what is set; or the token is shown.
#[test]
fn the_python_clients_file_is_taken_over() {
    let station = Station::new();
    let old = station.dir().join(".pywats_client/config.json");
    fs::create_dir_all(old.parent().unwrap()).unwrap();
    let text = json!({ "service_address": "https://a.example", "api_token": TOKEN, "yield_monitor_enabled": true,
        "converters": [{ "name": "WSJF", "module_path": "x", "watch_folder": station.dir().join("in") },
                       { "name": "CSV", "module_path": "y", "watch_folder": "/csv", "file_patterns": ["*.csv"] }] });
    fs::write(&old, text.to_string()).unwrap();
    let named = old.to_str().unwrap();
    let (code, text) = run(&station, &["config", "migrate", "--dry-run", named], "");
    assert!(code == 0 && text.contains("would be written") && !station.config().exists(), "{text}");
    let (code, text) = run(&station, &["config", "migrate", named, "--json"], "");
    assert_eq!(code, 0, "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&told["written"], &told["source"]), (&json!(true), &json!(old)));
    for part in ["yield_monitor_enabled", "converters[1] (CSV)", "****"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let written = file(&station);
    assert_eq!(written["server"], json!({ "url": "https://a.example", "token": TOKEN }));
    assert_eq!(written["folders"][0]["name"], "wsjf");
    let (code, text) = run(&station, &["config", "migrate", named], "");
    assert!(code == 1 && text.contains("--merge"), "{text}");
    let (code, text) = run(&station, &["config", "migrate", named, "--merge"], "");
    assert!(code == 0 && text.contains("nothing to write"), "{text}");
    assert_eq!(file(&station), written);
    for (name, content, code) in [("missing", None, 21), ("broken", Some("{"), 22)] {
        let path = station.dir().join(name);
        content.into_iter().for_each(|content| fs::write(&path, content).unwrap());
        let (status, text) = run(&station, &["config", "migrate", path.to_str().unwrap(), "--merge"], "");
        assert_eq!(status, code, "{text}");
    }
    let own = station.config();
    let (code, text) = run(&station, &["config", "migrate", own.to_str().unwrap(), "--merge"], "");
    assert!(code == 2 && text.contains("is the configuration of this client"), "{text}");
}
