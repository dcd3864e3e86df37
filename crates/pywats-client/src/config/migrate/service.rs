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
    ("max_retry_attempts", Default::Number(5.0), "what cannot be sent is tried without end"),
    ("retry_interval_seconds", Default::Number(60.0), "set upload.retry_max_seconds, if the waits matter"),
    ("max_queue_size", Default::Number(10_000.0), "the queue is as large as the disk allows"),
    ("service_auto_start", Default::True, "the service manager decides whether the service starts by itself"),
    ("converters_folder", Default::Text("converters"), "converters of your own are not run"),
    (
        "log_file",
        Default::Text("client.log"),
        "the journal or the event log has the log; set logging.file for a file",
    ),
    ("instance_id", Default::Text("default"), HERE_ONE),
    ("instance_name", Default::Text("WATS Client"), HERE_ONE),
    ("client_id", Default::Empty, "is not used; the token says which client this is"),
    ("station_description", Default::Empty, "reports have no place for it"),
    ("sync_interval_seconds", Default::Number(300.0), NO_SYNC),
    ("process_sync_enabled", Default::True, NO_SYNC),
    ("yield_threshold", Default::Number(95.0), "yield is not watched; the server does"),
    ("auto_connect", Default::True, "the service always connects"),
    ("sn_request_type", Default::Text("Take"), NO_NUMBERS),
    ("sn_batch_size", Default::Number(10.0), NO_NUMBERS),
    ("sn_fetch_threshold", Default::Number(3.0), NO_NUMBERS),
    ("sn_only_in_sequence", Default::False, NO_NUMBERS),
    ("sn_start_from", Default::Empty, NO_NUMBERS),
    ("sw_prefetch_interval_seconds", Default::Number(3600.0), NO_SOFTWARE),
    ("sw_prefetch_filter", Default::Empty, NO_SOFTWARE),
    ("sw_prefetch_root_path", Default::Empty, NO_SOFTWARE),
    ("sw_auto_cleanup_revoked", Default::True, NO_SOFTWARE),
];

const HERE_ONE: &str = "is not used; one service runs on a machine";
const NO_SYNC: &str = "is not used; the server is asked when it is needed";
const NO_NUMBERS: &str = "serial numbers are not handed out; the test program must ask the server";
const NO_SOFTWARE: &str = "software is not distributed; the Python client can go on with it";

/// Keys that are looked at one by one below, and two by which the Python client itself remembers something.
const SEEN: &[&str] = &[
    "schema_version",
    "was_connected",
    "service_address",
    "api_token",
    "include_station_in_reports",
    "station_name_source",
    "multi_station_enabled",
    "active_station_key",
    "station_presets",
    "station_name",
    "location",
    "purpose",
    "proxy",
    "proxy_mode",
    "proxy_host",
    "proxy_port",
    "proxy_auth",
    "proxy_username",
    "proxy_password",
    "reports_folder",
    "max_concurrent_uploads",
    "converters",
    "converters_enabled",
    "log_level",
];

/// Those of them that are texts.
const TEXTS: &[&str] = &[
    "service_address",
    "api_token",
    "station_name_source",
    "active_station_key",
    "station_name",
    "location",
    "purpose",
    "proxy_mode",
    "proxy_host",
    "proxy_username",
    "proxy_password",
    "reports_folder",
    "log_level",
];

/// What a key is where nobody has changed it.
pub(super) enum Default {
    False,
    True,
    Empty,
    Number(f64),
    Text(&'static str),
}

impl Default {
    pub(super) fn is(&self, value: &Value) -> bool {
        if is_empty(value) {
            return true;
        }
        match self {
            Default::False => value == &Value::Bool(false),
            Default::True => value == &Value::Bool(true),
            Default::Empty => false,
            Default::Number(number) => {
                value.as_f64().is_some_and(|value| (value - number).abs() < f64::EPSILON)
            }
            Default::Text(text) => value.as_str() == Some(text),
        }
    }
}

/// Whether a value says nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(values) => values.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a key says that is not in use, for the reason `why`.
fn unused(root: &Map<String, Value>, keys: &[(&str, Default)], why: &str) -> Vec<Item> {
    let said = keys.iter().filter(|(key, default)| root.get(*key).is_some_and(|value| !default.is(value)));
    said.map(|(key, _)| left(*key, why)).collect()
}

/// What the file in `folder` says.
pub(super) fn items(root: &Map<String, Value>, folder: &Path) -> Vec<Item> {
    let mut items = Vec::new();
    items.extend(said(root, "service_address").map(|text| setting("service_address", "server.url", text)));
    items.extend(said(root, "api_token").map(|text| setting("api_token", "server.token", text)));
    items.extend(proxy(root));
    items.extend(proxy_not_in_use(root));
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
            None if TEXTS.contains(&key.as_str()) && !value.is_string() && !is_empty(value) => {
                items.push(left(key, "is no text"));
            }
            None if SEEN.contains(&key.as_str()) => {}
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

/// The way to the server that was written down and not in use.
fn proxy_not_in_use(root: &Map<String, Value>) -> Vec<Item> {
    let mode = said(root, "proxy_mode");
    let mut items = Vec::new();
    if mode != Some("manual") {
        let keys = [
            ("proxy_host", Default::Empty),
            ("proxy_port", Default::Number(8080.0)),
            ("proxy_auth", Default::False),
            ("proxy_username", Default::Empty),
            ("proxy_password", Default::Empty),
        ];
        items.extend(unused(root, &keys, "was not in use; set server.proxy if it is wanted"));
    }
    let nested = root.get("proxy").filter(|proxy| said_in(proxy));
    let is_on = nested.is_some_and(|proxy| proxy.get("enabled") == Some(&Value::Bool(true)));
    if nested.is_some() && (!is_on || matches!(mode, Some("none" | "manual"))) {
        items.push(left("proxy", "was not in use; set server.proxy if it is wanted"));
    }
    items
}

/// Whether an object names a proxy.
fn said_in(proxy: &Value) -> bool {
    proxy.as_object().is_none_or(|proxy| said(proxy, "host").is_some())
}

/// Which station it is: the one that was chosen of several, or the only one.
fn station(root: &Map<String, Value>) -> Vec<Item> {
    if root.get("include_station_in_reports") == Some(&Value::Bool(false)) {
        // Empty: reports stay as they are.
        let mut items = vec![setting("include_station_in_reports", "station.name", "")];
        let why = "was not put into reports; set it in the section station if it is wanted";
        let keys =
            ["station_name", "location", "purpose", "station_presets"].map(|key| (key, Default::Empty));
        items.extend(unused(root, &keys, why));
        return items;
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
    if !several {
        let keys = [("station_presets", Default::Empty)];
        items.extend(unused(root, &keys, "were not in use: this client is one station"));
    }
    if let Some(preset) = chosen {
        let keys = ["station_name", "location", "purpose"].map(|key| (key, Default::Empty));
        items.extend(unused(
            root,
            &keys,
            "was not in use: that of the chosen one of station_presets is taken",
        ));
        items.extend(
            said(preset, "description")
                .map(|_| left("station_presets.description", "reports have no place for it")),
        );
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
        items.extend(said(root, "station_name").map(|text| {
            let advice = "was not in use: the name of the host was; to keep this one: pywats-client config set station.name";
            left("station_name", format!("{advice} {text:?}"))
        }));
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
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let waits = |name: &str| {
        [".queued", ".processing", ".error", ".pending.wsjf", ".processing.wsjf", ".failed.wsjf"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let count = entries.filter(|entry| waits(&entry.file_name().to_string_lossy())).count();
    let place = folder.display();
    let advice = match count {
        0 if said(root, "reports_folder").is_none_or(|folder| folder == "reports") => return None,
        0 => format!("no reports were found in {place}; here they wait in the spool of client.data_dir"),
        _ => format!(
            "{count} reports wait in {place}: stop the Python client, then copy each into the watch folder under a \
             name that ends in .json"
        ),
    };
    Some(left("reports_folder", advice))
}
