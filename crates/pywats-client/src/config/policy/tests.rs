//! Policies without a registry and without a Mac: what they do to the other sources, and what becomes of wrong ones.

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
    let values = policies.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let policies = Policies { values, ..Policies::none() };
    Sources::with(
        Some(file.to_path_buf()),
        move |name| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
        move || policies.clone(),
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
    let registry = move || {
        let value = shared.lock().unwrap().clone().map(|value| ("ServerUrl".to_owned(), value));
        Policies { values: value.into_iter().collect(), ..Policies::none() }
    };
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

/// Two policies and what profiles leave beside them, in the binary form. Written by `plistlib` of Python.
const BINARY: &str = concat!(
    "62706c6973743030d30102030405065a4865616c7468506f72745b5061796c6f6164555549445953657276657255726c111f",
    "9a5f102435463141324233432d303030302d343030302d383030302d3030303030303030303030316f101500680074007400",
    "700073003a002f002f006d0064006d002e006500780061006d0070006c0065002f00e5080f1a2630335a0000000000000101",
    "000000000000000700000000000000000000000000000087",
);
/// The same in XML.
const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>HealthPort</key>
	<integer>8090</integer>
	<key>PayloadUUID</key>
	<string>5F1A2B3C-0000-4000-8000-000000000001</string>
	<key>ServerUrl</key>
	<string>https://mdm.example/å</string>
</dict>
</plist>
"#;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// The sources of a Mac with these managed preferences, whose configuration file says nothing.
fn managed_sources(preferences: PathBuf) -> Sources {
    let file = preferences.with_file_name("config.json");
    Sources::with(Some(file), |_| None, move || managed::read_all(&preferences))
}

/// Fails if: a form of property lists is not read, a missing file is an error, a type or a name passes that is none, or
/// the error does not name file and key and say what to do.
#[test]
fn managed_preferences_are_policies() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("com.virinco.pywats-client.plist");
    let xml = |content: &str| format!("<plist version=\"1.0\">{content}</plist>").into_bytes();
    let key = |name: &str, value: &str| xml(&format!("<dict><key>{name}</key>{value}</dict>"));
    let shown = |loaded: &Loaded| {
        let of_policy = loaded.settings_of(Origin::Policy);
        (of_policy.join(" "), loaded.config.server.url.clone(), loaded.config.health.port)
    };
    let both = ("server.url health.port".to_owned(), Some("https://mdm.example/å".to_owned()), 8090);
    let none = (String::new(), None, 8080);
    // The file, what is in force, and parts of the one error or warning.
    let cases: [(Option<Vec<u8>>, _, &[&str]); 12] = [
        (None, &none, &[]),
        (Some(hex(BINARY)), &both, &[]),
        (Some(XML.as_bytes().to_vec()), &both, &[]),
        (Some(xml("<dict/>")), &none, &[]),
        (Some(key("HealthPort", "<string>8090</string>")), &none, &["HealthPort: not usable", "an integer"]),
        (Some(key("HealthPort", "<integer>-1</integer>")), &none, &["HealthPort: not usable", "-1"]),
        (Some(key("HealthPort", "<integer>70000</integer>")), &none, &["HealthPort: not usable", "TCP port"]),
        (Some(key("ServerUrl", "<true/>")), &none, &["ServerUrl: not usable", "true or false"]),
        (Some(key("ServerUrl", "<integer>1</integer>")), &none, &["ServerUrl: not usable", "a string"]),
        (Some(key("ServerURL", "<string>x</string>")), &none, &["ServerURL: unknown", "mean ServerUrl?"]),
        (Some(xml("<array/>")), &none, &["ignored: the file is a property list, but not of keys"]),
        (Some(b"{ \"ServerUrl\": 1 }".to_vec()), &none, &["ignored: the file is not a property list"]),
    ];
    for (content, expected, parts) in cases {
        match &content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => drop(fs::remove_file(&path)),
        }
        let loaded = managed_sources(path.clone()).load();
        let text = content.map(|content| String::from_utf8_lossy(&content).into_owned());
        assert_eq!(&shown(&loaded), expected, "{text:?}");
        let told: Vec<&String> = loaded.errors.iter().chain(&loaded.warnings).collect();
        assert_eq!(told.len(), usize::from(!parts.is_empty()), "{text:?} {told:?}");
        for part in parts {
            assert!(
                told[0].contains(part) && told[0].contains(&path.display().to_string()),
                "{part}: {told:?}"
            );
        }
    }
}

/// Fails if: a cut or changed property list ends the program, or one that cannot be read is not told.
#[test]
fn damaged_preferences_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("com.virinco.pywats-client.plist");
    let whole = hex(BINARY);
    let nested = format!("<plist>{}", "<array>".repeat(100_000)).into_bytes();
    let cut = (0..whole.len()).map(|length| whole[..length].to_vec());
    for content in cut.chain([nested, vec![b' '; (1 << 20) + 1]]) {
        fs::write(&path, &content).unwrap();
        let errors = managed_sources(path.clone()).load().errors;
        assert_eq!(errors.len(), 1, "{}: {errors:?}", content.len());
        assert!(errors[0].contains("install the profile again"), "{}: {errors:?}", content.len());
    }
    // Changed ones may still be property lists; what counts is that reading them comes to an end.
    for at in 0..whole.len() {
        for value in [0, 0x7f, 0xff, whole[at] ^ 1] {
            let mut changed = whole.clone();
            changed[at] = value;
            fs::write(&path, changed).unwrap();
            managed::read_all(&path);
        }
    }
}

/// Fails if: a running service does not learn that device management sets, changes or removes a profile.
#[test]
fn profiles_come_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("com.virinco.pywats-client.plist");
    let mut follower = Follower::new(managed_sources(path.clone()));
    assert_eq!(follower.current().config.health.port, 8080);
    for (content, port) in
        [(Some(hex(BINARY)), 8090), (Some(XML.replace("8090", "8091").into()), 8091), (None, 8080)]
    {
        match content {
            Some(content) => fs::write(&path, content).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        assert_eq!((follower.look(), follower.current().config.health.port), (News::Changed, port));
    }
}

/// Fails if: the profile that administrators take as an example sets what the client does not read, or more than one
/// setting; or what it leaves to them is no policy, or of another type than the client reads. On Windows its paths are
/// none.
#[cfg(unix)]
#[test]
fn the_example_profile_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/macos/managed");
    let text = fs::read_to_string(folder.join("pywats-client.mobileconfig")).unwrap();
    let all = SETTINGS.iter().filter(|setting| setting.policy.is_some()).count();
    // As it is, and with all that is left to administrators switched on.
    let is_comment = |line: &&str| line.trim().starts_with("<!--") || line.trim() == "-->";
    let switched_on: Vec<&str> = text.lines().filter(|line| !is_comment(line)).collect();
    for (text, count) in [(text.clone(), 1), (switched_on.join("\n"), all)] {
        let profile = plist::Value::from_reader_xml(text.as_bytes()).unwrap();
        let payloads = profile.as_dictionary().unwrap()["PayloadContent"].as_array().unwrap();
        let [payload] = &payloads[..] else { panic!("{payloads:?}") };
        assert_eq!(payload.as_dictionary().unwrap()["PayloadType"].as_string(), Some(DOMAIN));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("com.virinco.pywats-client.plist");
        payload.to_file_binary(&path).unwrap();
        let loaded = managed_sources(path).load();
        assert_eq!((&loaded.errors, &loaded.warnings), (&vec![], &vec![]));
        let enforced = loaded.settings_of(Origin::Policy);
        // The token comes from where the policy says.
        assert_eq!(enforced.iter().filter(|name| *name != "server.token").count(), count, "{enforced:?}");
    }
    assert_eq!(Path::new(MANAGED).file_name().unwrap().to_str().unwrap(), format!("{DOMAIN}.plist"));
}
