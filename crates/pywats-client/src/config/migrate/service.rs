//! The configuration that the service of the Python client writes: one flat object (schema 2.0), and its converters.

use super::{Item, converters, left, level, said, setting};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

/// The keys by which the form is known.
pub(super) const KEYS: [&str; 6] =
    ["service_address", "api_token", "schema_version", "instance_id", "station_name", "converters"];

/// Keys that have no counterpart: what they are by themselves, and what to do where they are something else.
const LEFT: &[(&str, Default, &str)] = &[
    (
        "registration_enabled",
        Default::False,
        "with the token of a registered client, set server.report_status",
    ),
    ("auto_detect_location", Default::False, "set station.location"),
    (
        "sn_type_name",
        Default::Empty,
        "serial numbers are not handed out; the test program must ask the server",
    ),
    (
        "sw_prefetch_enabled",
        Default::False,
        "software is not distributed; the Python client can go on with it",
    ),
    ("yield_monitor_enabled", Default::False, "yield is not watched; the server does"),
    (
        "proxy_bypass",
        Default::Empty,
        "set NO_PROXY in the environment of the service, which holds with proxy \"system\"",
    ),
    ("offline_queue_enabled", Default::True, "reports are always queued"),
    ("max_retry_attempts", Default::Number(5), "what cannot be sent is tried without end"),
    ("retry_interval_seconds", Default::Number(60), "set upload.retry_max_seconds, if the waits matter"),
    ("max_queue_size", Default::Number(10_000), "the queue is as large as the disk allows"),
    ("service_auto_start", Default::True, "the service manager decides whether the service starts by itself"),
    ("converters_folder", Default::Text("converters"), "converters of your own are not run"),
    (
        "log_file",
        Default::Text("client.log"),
        "the journal or the event log has the log; set logging.file for a file",
    ),
];

/// What these keys change nothing here; the user interface of the Python client and its own notes.
const OF_NO_USE: &[&str] = &[
    "schema_version",
    "instance_id",
    "instance_name",
    "client_id",
    "station_description",
    "active_station_key",
    "multi_station_enabled",
    "station_presets",
    "station_name_source",
    "station_name",
    "location",
    "purpose",
    "include_station_in_reports",
    "service_address",
    "api_token",
    "proxy_mode",
    "proxy_host",
    "proxy_port",
    "proxy_auth",
    "proxy_username",
    "proxy_password",
    "proxy",
    "sync_interval_seconds",
    "process_sync_enabled",
    "reports_folder",
    "max_concurrent_uploads",
    "converters",
    "converters_enabled",
    "yield_threshold",
    "auto_connect",
    "was_connected",
    "log_level",
];

/// What a key is where nobody has changed it.
enum Default {
    False,
    True,
    Empty,
    Number(u64),
    Text(&'static str),
}

impl Default {
    fn is(&self, value: &Value) -> bool {
        match self {
            Default::False => value == &Value::Bool(false),
            Default::True => value == &Value::Bool(true),
            Default::Empty => value.as_str().is_some_and(|text| text.trim().is_empty()),
            Default::Number(number) => value.as_u64() == Some(*number),
            Default::Text(text) => value.as_str() == Some(text),
        }
    }
}

/// What the file in `folder` says.
pub(super) fn items(root: &Map<String, Value>, folder: &Path) -> Vec<Item> {
    let mut items = Vec::new();
    items.extend(said(root, "service_address").map(|text| setting("service_address", "server.url", text)));
    items.extend(said(root, "api_token").map(|text| setting("api_token", "server.token", text)));
    items.extend(proxy(root));
    items.extend(station(root));
    if let Some(number) = root.get("max_concurrent_uploads").filter(|number| !number.is_null()) {
        items.push(setting("max_concurrent_uploads", "upload.concurrency", number.clone()));
    }
    items.extend(said(root, "log_level").map(|word| level("log_level", word)));
    let list = root.get("converters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if root.get("converters_enabled") == Some(&Value::Bool(false)) {
        if !list.is_empty() {
            items.push(left("converters", "are switched off; add folders with pywats-client folders add"));
        }
    } else {
        items.extend(list.iter().enumerate().flat_map(|(at, converter)| converters::items(at, converter)));
    }
    items.extend(waiting(root, folder));
    for (key, value) in root {
        match LEFT.iter().find(|(known, ..)| known == key) {
            Some((_, default, _)) if value.is_null() || default.is(value) => {}
            Some((.., advice)) => items.push(left(key, *advice)),
            // The many that go with one of those that are told.
            None if OF_NO_USE.contains(&key.as_str()) || key.starts_with("sn_") || key.starts_with("sw_") => {
            }
            None => items.push(left(key, "is not known; nothing to do")),
        }
    }
    items
}

/// The way to the server, from one of two forms.
fn proxy(root: &Map<String, Value>) -> Option<Item> {
    let nested = root.get("proxy").and_then(Value::as_object);
    let nested = nested.filter(|proxy| proxy.get("enabled") == Some(&Value::Bool(true)));
    let (from, object, prefix) = match (said(root, "proxy_mode"), nested) {
        (Some("none"), _) => return Some(setting("proxy_mode", "server.proxy", "none")),
        (Some("manual"), _) => ("proxy_host", root, "proxy_"),
        (_, Some(proxy)) => ("proxy", proxy, ""),
        (Some("system"), None) => return Some(setting("proxy_mode", "server.proxy", "system")),
        (_, None) => return None,
    };
    let key = |name: &str| format!("{prefix}{name}");
    let Some(host) = said(object, &key("host")) else {
        return Some(left(from, "names no proxy; set server.proxy"));
    };
    let host = host.trim_start_matches("http://").trim_end_matches('/');
    let port = object.get(&key("port")).and_then(Value::as_u64).unwrap_or(8080);
    let user = said(object, &key("username")).map(|user| {
        let encoded = |text: &str| {
            form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
        };
        let password = object.get(&key("password")).and_then(Value::as_str).unwrap_or_default();
        format!("{}:{}@", encoded(user), encoded(password))
    });
    // It was kept for later.
    let is_used = object.get(&key("auth")) != Some(&Value::Bool(false));
    let user = user.filter(|_| is_used).unwrap_or_default();
    Some(setting(from, "server.proxy", format!("http://{user}{host}:{port}")))
}

/// Which station it is: the one that was chosen of several, or the only one.
fn station(root: &Map<String, Value>) -> Vec<Item> {
    if root.get("include_station_in_reports") == Some(&Value::Bool(false)) {
        // Empty: reports stay as they are.
        return vec![setting("include_station_in_reports", "station.name", "")];
    }
    let mut items = Vec::new();
    let several = root.get("multi_station_enabled") == Some(&Value::Bool(true));
    let presets = root.get("station_presets").and_then(Value::as_array).filter(|_| several);
    let presets = presets.map(Vec::as_slice).unwrap_or_default();
    let active = said(root, "active_station_key");
    let chosen = presets.iter().filter_map(Value::as_object).find(|preset| match active {
        Some(key) => said(preset, "key") == Some(key),
        None => preset.get("is_default") == Some(&json!(true)),
    });
    if presets.len() > 1 {
        items.push(left("station_presets", "this client is one station: the one that was in use is taken"));
    }
    let (place, name, object) = match chosen {
        Some(preset) => ("station_presets.", "name", preset),
        None => ("", "station_name", root),
    };
    let of_host =
        chosen.is_none() && said(root, "station_name_source").is_none_or(|source| source == "hostname");
    if of_host {
        items.push(left(
            "station_name_source",
            "the Python client wrote the host's name in capitals, this one as it is; set station.name to keep the name",
        ));
    } else {
        items.extend(said(object, name).map(|text| setting(format!("{place}{name}"), "station.name", text)));
    }
    for (key, here) in [("location", "station.location"), ("purpose", "station.purpose")] {
        items.extend(said(object, key).map(|text| setting(format!("{place}{key}"), here, text)));
    }
    items
}

/// Reports that the Python client has not sent yet: this client knows nothing of them.
fn waiting(root: &Map<String, Value>, folder: &Path) -> Option<Item> {
    let folder = folder.join(said(root, "reports_folder").unwrap_or("reports"));
    let entries = fs::read_dir(&folder).ok()?.flatten();
    let waits = |name: &str| {
        [".queued", ".processing", ".error", ".pending.wsjf", ".processing.wsjf", ".failed.wsjf"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let count = entries.filter(|entry| waits(&entry.file_name().to_string_lossy())).count();
    (count > 0).then(|| {
        let place = folder.display();
        left(
            "reports_folder",
            format!(
                "{count} reports wait in {place}: stop the Python client, then copy each into the watch folder under \
                 a name that ends in .json"
            ),
        )
    })
}
