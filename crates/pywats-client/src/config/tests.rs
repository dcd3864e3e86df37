//! What is written into a configuration, and what the installer writes there, is judged in the same way: see
//! `crates/wats-settings/tests`.

use super::policy::Policies;
use super::{Loaded, Origin, Sources};
use crate::upload;
use serde_json::{Value, json};
use std::fs;

/// Fails if: the client refuses what the installer accepts, or the other way round, or says something else of it.
#[test]
fn judges_as_the_installer_does() {
    let cases: Value = serde_json::from_str(include_str!("../../../wats-settings/tests/cases.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, token) = (folder.path().join("config.json"), folder.path().join("token"));
    let mut judged = 0;
    for case in cases.as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap_or_default();
        let given = text("given");
        let mut configuration = json!({
            "server": { "url": "https://wats.example", "token_file": token },
            "client": {},
        });
        fs::write(&token, "c3RhdGlvbjpzZWNyZXQ=").unwrap();
        match text("kind") {
            "url" => configuration["server"]["url"] = given.into(),
            "token" => fs::write(&token, saved(given, text("encoding"))).unwrap(),
            // Those are folders of Windows.
            "folder" if !cfg!(windows) => continue,
            "folder" => {
                configuration["client"] = json!({
                    "watch_folder": given,
                    "data_dir": r"C:\ProgramData\pyWATS",
                });
            }
            other => panic!("unknown kind {other}"),
        }
        fs::write(&file, configuration.to_string()).unwrap();
        let problems = problems(&Sources::with(Some(file.clone()), |_| None, Policies::none).load());
        match case["refused"].as_str() {
            None => assert_eq!(problems, [""; 0], "{case}"),
            Some(refused) => {
                assert!(problems.iter().any(|problem| problem.contains(refused)), "{case}: {problems:?}");
            }
        }
        judged += 1;
    }
    assert!(judged > 30, "{judged} cases");
}

fn saved(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "" => text.into(),
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "latin-1" => text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
        other => panic!("unknown encoding {other}"),
    }
}

/// What `pywats-client check` calls problems.
fn problems(loaded: &Loaded) -> Vec<String> {
    let unusable = upload::client(&loaded.config).err().map(|failure| failure.to_string());
    loaded.errors.iter().chain(&loaded.missing).cloned().chain(unusable).collect()
}

/// Fails if: a package lets an upgrade begin whose new process could not read the file, or stops one because of a value that
/// the next version may know.
#[test]
fn upgrades_are_stopped_by_what_is_damaged() {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/upgrade/before");
    let script = fs::read_to_string(script).unwrap();
    let words = script.lines().find_map(|line| line.strip_prefix("damaged='")?.strip_suffix('\'')).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let ends = |file: &std::path::Path| {
        let loaded = Sources::with(Some(file.to_owned()), |_| None, Policies::none).load();
        assert_ne!(loaded.errors, [""; 0], "{}", file.display());
        let begin = format!("configuration {}: ", file.display());
        let told = loaded.errors.iter().filter_map(|error| error.strip_prefix(&begin));
        told.into_iter().any(|told| words.split('|').any(|word| told.contains(word)))
    };
    assert!(ends(folder.path()), "a folder");
    let long = " ".repeat(2 << 20);
    for (text, expected) in [
        ("{", true),
        ("[]", true),
        (r#"{ "server": { "url": "https://a", "url": "https://b" } }"#, true),
        (&long, true),
        (r#"{ "server": { "timeout_seconds": "soon" } }"#, false),
    ] {
        fs::write(&file, text).unwrap();
        assert_eq!(ends(&file), expected, "{}", &text[..text.len().min(60)]);
    }
}

/// Fails if: a token that systemd hands over and that may not even be looked at passes for one that nobody has set.
#[cfg(unix)]
#[test]
fn a_credential_that_cannot_be_looked_at_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (file, other) = (folder.path().join("config.json"), folder.path().join("no-folder"));
    for path in [&file, &other] {
        fs::write(path, "{}").unwrap();
    }
    let missing = |handed: &std::path::Path| {
        let handed = handed.display().to_string();
        let env = move |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| handed.clone().into());
        Sources::with(Some(file.clone()), env, Policies::none).load().missing.join("; ")
    };
    let said = missing(&other);
    assert!(said.contains("no-folder/token: cannot be opened"), "{said}");
    let said = missing(folder.path());
    assert!(said.contains("no token: set server.token"), "{said}");
}

/// Fails if: a configuration is refused because of how Windows PowerShell 5.1 saves it.
#[test]
fn reads_a_configuration_in_utf_16() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    fs::write(&file, saved("\u{feff}{ \"health\": { \"port\": 1 } }\r\n", "utf-16le")).unwrap();
    let loaded = Sources::with(Some(file), |_| None, Policies::none).load();
    assert_eq!((loaded.config.health.port, loaded.errors), (1, Vec::new()));
}

/// Fails if: a folder of the service's own can be watched for reports.
#[test]
fn watches_no_folder_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let data = folder.path().join("data");
    for (watched, other) in [
        (data.clone(), "client.data_dir"),
        (data.join("."), "client.data_dir"),
        (data.join("done"), "client.done_folder"),
        (data.join("failed"), "client.failed_folder"),
        (data.join("logs"), "the folder logs in client.data_dir"),
    ] {
        let settings = json!({ "client": { "data_dir": data, "watch_folder": watched } });
        fs::write(&file, settings.to_string()).unwrap();
        let errors = Sources::with(Some(file.clone()), |_| None, Policies::none).load().errors;
        let expected = format!("client.watch_folder and {other} are the same folder; write different ones");
        assert!(errors.len() == 1 && errors[0].ends_with(&expected), "{}: {errors:?}", watched.display());
    }
}

/// Fails if: a setting has no environment variable, two share one, or a variable does not override.
#[test]
fn every_setting_has_a_variable() {
    use super::settings::SETTINGS;
    let mut names = std::collections::BTreeSet::new();
    for (at, setting) in SETTINGS.iter().enumerate() {
        let name = setting.env_name();
        assert!(name.starts_with("PYWATS_") && names.insert(name.clone()), "{name}");
        let full = if cfg!(windows) { r"C:\somewhere\else" } else { "/somewhere/else" };
        let folders = format!(r#"[{{ "name": "a", "path": {} }}]"#, serde_json::json!(full));
        let words = [
            "https://a.example",
            full,
            "3",
            "60",
            "debug",
            "new_id",
            "content",
            "archive",
            "answer",
            "127.0.0.2",
            "text",
            "true",
            "local",
            "+01:00",
            folders.as_str(),
            "dXNlcjpwYXNzd29yZA==",
        ];
        // One of them is what the setting expects; it must come from there.
        let read = words.iter().any(|word| {
            let (name, word) = (name.clone(), (*word).to_owned());
            let env = move |asked: &str| (asked == name).then(|| word.clone().into());
            let missing = std::env::temp_dir().join("no-such-configuration").join("config.json");
            let loaded = Sources::with(Some(missing), env, Policies::none).load();
            loaded.origins[at] == Origin::Environment && loaded.errors.is_empty()
        });
        assert!(read, "{} does not override {}", setting.env_name(), setting.name());
    }
}
