//! Policies without a registry: what they do to the other sources, and what becomes of wrong ones.

use super::super::watch::{Follower, News};
use super::super::{Loaded, Origin, Secret, Sources};
use super::*;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A complete path of this system.
fn full(path: &str) -> String {
    if cfg!(windows) { format!("C:{}", path.replace('/', "\\")) } else { path.to_owned() }
}

fn text(text: &str) -> PolicyValue {
    PolicyValue::Text(text.to_owned())
}

/// An environment: names and values.
type Env<'a> = &'a [(&'a str, &'a str)];

/// Policies: names and values.
type Given<'a> = &'a [(&'a str, PolicyValue)];

/// The sources of a machine with this file, environment and policies.
fn sources(file: &Path, env: Env<'_>, policies: Given<'_>) -> Sources {
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, OsString)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect()
    };
    let env = owned(env);
    let policies: Vec<_> = policies.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Sources::with(
        Some(file.to_path_buf()),
        move |name| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
        move |name| policies.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    )
}

fn shown(loaded: &Loaded, name: &str) -> (Option<String>, Origin) {
    let at = SETTINGS.iter().position(|setting| setting.name() == name).unwrap();
    ((SETTINGS[at].show)(&loaded.config), loaded.origins[at])
}

/// Fails if: a policy does not override file and environment, an environment variable not the file, or
/// the wrong origin is told.
#[test]
fn the_order_of_the_sources() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.json");
    let in_file = r#"{ "server": { "url": "https://file.example" }, "health": { "port": 1 } }"#;
    let in_env = ("PYWATS_SERVER_URL", "https://env.example");
    let in_policy = ("ServerUrl", text("https://policy.example"));
    let nothing = ("ServerUrl", text(" "));
    // File, environment, policies, and the address with its origin.
    let cases: [(&str, Env<'_>, Given<'_>, Option<&str>, Origin); 6] = [
        ("{}", &[], &[], None, Origin::Default),
        (in_file, &[], &[], Some("https://file.example"), Origin::File),
        (in_file, &[in_env], &[], Some("https://env.example"), Origin::Environment),
        (
            in_file,
            &[in_env],
            std::slice::from_ref(&in_policy),
            Some("https://policy.example"),
            Origin::Policy,
        ),
        ("{", &[], std::slice::from_ref(&in_policy), Some("https://policy.example"), Origin::Policy),
        (in_file, &[], &[nothing], Some("https://file.example"), Origin::File),
    ];
    for (content, env, policies, url, origin) in cases {
        fs::write(&file, content).unwrap();
        let loaded = sources(&file, env, policies).load();
        let found = shown(&loaded, "server.url");
        assert_eq!(found, (url.map(str::to_owned), origin), "{content} {env:?} {policies:?}");
    }
}

/// Fails if: a policy of the table is not read, or not into the setting that it belongs to.
#[test]
fn every_policy_reaches_its_setting() {
    let dir = tempfile::tempdir().unwrap();
    let folder = full("/somewhere");
    let mut read = 0;
    for setting in SETTINGS {
        let Some(policy) = &setting.policy else { continue };
        let (value, expected) = match policy.input {
            Input::Number { most, .. } => (PolicyValue::Number(most), most.to_string()),
            Input::Choice(words) => (text(words[0]), words[0].to_owned()),
            Input::Text => (text(&folder), folder.clone()),
        };
        let loaded = sources(&dir.path().join("none"), &[], &[(policy.value, value)]).load();
        assert_eq!(loaded.errors, Vec::<String>::new(), "{}", policy.value);
        assert_eq!(shown(&loaded, &setting.name()), (Some(expected), Origin::Policy), "{}", policy.value);
        assert!(loaded.settings_of(Origin::Policy).contains(&setting.name()), "{}", policy.value);
        read += 1;
    }
    assert!(read > 0, "no setting has a policy");
}

/// Fails if: a policy that cannot be used is taken over, or the error does not name key and value and say
/// what to do.
#[test]
fn unusable_policies_are_explained() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.json");
    let done = full("/done");
    fs::write(&file, serde_json::json!({ "client": { "done_folder": done } }).to_string()).unwrap();
    let binary = PolicyValue::Unusable("has the type 3".to_owned());
    for (value, content, part) in [
        ("HealthPort", PolicyValue::Number(65_536), "write a TCP port"),
        ("HealthPort", text("8080"), "it must be a REG_DWORD"),
        ("LogLevel", text("loud"), "\"error\", \"warn\""),
        ("LogLevel", PolicyValue::Number(1), "it must be a REG_SZ"),
        ("WatchFolder", text("watch"), "the full path of a folder"),
        ("WatchFolder", text(&done), "are the same folder"),
        ("ServerUrl", binary, "it has the type 3"),
    ] {
        let loaded = sources(&file, &[], &[(value, content)]).load();
        let named =
            format!(r"policy HKLM\SOFTWARE\Policies\Virinco\pyWATS Client: {value}: not usable and ignored");
        assert_eq!(loaded.errors.len(), 1, "{value}: {:?}", loaded.errors);
        assert!(loaded.errors[0].starts_with(&named), "{}", loaded.errors[0]);
        assert!(loaded.errors[0].contains(part), "{}", loaded.errors[0]);
        assert!(loaded.settings_of(Origin::Policy).is_empty(), "{value}");
    }
}

/// Fails if: a token of another origin is used although a policy names the file that holds it, or a token
/// file of the configuration wins over a token beside it.
#[test]
fn a_policy_decides_where_the_token_is() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| -> PathBuf { dir.path().join(name) };
    for (name, token) in [("policy.token", "cG9saWN5Ong="), ("file.token", "ZmlsZTp4")] {
        fs::write(at(name), token).unwrap();
    }
    let (file, missing) = (at("config.json"), at("missing").to_string_lossy().into_owned());
    let of_policy = at("policy.token").to_string_lossy().into_owned();
    let settings = serde_json::json!({ "server": { "token": "dG9rZW4=", "token_file": at("file.token") } });
    fs::write(&file, settings.to_string()).unwrap();
    let env: Env<'_> = &[("PYWATS_API_TOKEN", "ZW52")];
    // Environment, the policy, and the token with its origin.
    let cases: [(Env<'_>, Option<&str>, Option<&str>, Origin); 4] = [
        (&[], None, Some("dG9rZW4="), Origin::File),
        (env, None, Some("ZW52"), Origin::Environment),
        (env, Some(&of_policy), Some("cG9saWN5Ong="), Origin::Policy),
        (env, Some(&missing), None, Origin::Policy),
    ];
    for (env, policy, token, origin) in cases {
        let policies: Vec<_> = policy.map(|path| ("TokenFile", text(path))).into_iter().collect();
        let loaded = sources(&file, env, &policies).load();
        let found = loaded.config.server.token.as_ref().map(Secret::reveal);
        assert_eq!((found, shown(&loaded, "server.token").1), (token, origin), "{env:?} {policy:?}");
        let complained = loaded.missing.iter().any(|text| text.starts_with("token file"));
        assert_eq!(complained, token.is_none(), "{:?}", loaded.missing);
    }
}

/// Fails if: a running service does not learn that a policy appears, changes or goes away, also while its
/// file cannot be used, or loses what the file said before.
#[test]
fn changes_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.json");
    let usable = r#"{ "server": { "url": "https://file.example" }, "upload": { "retry_max_seconds": 9 } }"#;
    let policy: Arc<Mutex<Option<PolicyValue>>> = Arc::default();
    let shared = Arc::clone(&policy);
    let registry = move |name: &str| (name == "ServerUrl").then(|| shared.lock().unwrap().clone()).flatten();
    fs::write(&file, usable).unwrap();
    let mut follower = Follower::new(Sources::with(Some(file.clone()), |_| None, registry));
    // The file, the policy, whether anything changes that the service uses, and the address then.
    for (content, value, changes, url) in [
        (usable, None, false, "https://file.example"),
        (usable, Some("https://one.example"), true, "https://one.example"),
        (usable, Some("https://two.example"), true, "https://two.example"),
        ("{", Some("https://two.example"), false, "https://two.example"),
        ("{", Some("https://three.example"), true, "https://three.example"),
        ("{", None, true, "https://file.example"),
        (usable, Some("https://four.example"), true, "https://four.example"),
        (usable, None, true, "https://file.example"),
    ] {
        fs::write(&file, content).unwrap();
        *policy.lock().unwrap() = value.map(text);
        let news = follower.look();
        assert_eq!(news == News::Changed, changes, "{content} {value:?}: {news:?}");
        let current = follower.current();
        assert_eq!(current.config.server.url.as_deref(), Some(url), "{content} {value:?}");
        assert_eq!(current.config.upload.retry_max.as_secs(), 9, "{content} {value:?}");
        let told = matches!(&news, News::Broken(errors) if !errors.is_empty()) || !current.errors.is_empty();
        assert_eq!(told, content == "{", "{content} {value:?}: {news:?} {:?}", current.errors);
    }
}
