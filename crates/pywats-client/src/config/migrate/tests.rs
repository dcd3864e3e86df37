//! Files of the Python client, and what becomes of each.

use super::*;
use crate::config::edit::Document;
use crate::config::policy::Policies;
use serde_json::json;

const TOKEN: &str = "dXNlcjpwYXNzd29yZA==";

fn full(path: &str) -> String {
    if cfg!(windows) { format!(r"C:\{path}") } else { format!("/{path}") }
}

/// What becomes of a file, where this client has this one.
fn migrated(own: &Value, file: &Value) -> (Value, Report) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    std::fs::write(&path, own.to_string()).unwrap();
    let mut document = Document::open(&path).unwrap();
    let sources = Sources::with(Some(path), |_| None, Policies::none);
    let report = apply(&mut document, translate(file, dir.path()).unwrap(), &sources).unwrap();
    (serde_json::from_str(&document.text()).unwrap(), report)
}

/// Fails if: something is taken as another setting or not at all, or what cannot be taken is not told with its key.
#[test]
fn settings() {
    // The file of the Python client, what is written, and what is told as not taken.
    let cases = [
        (
            json!({ "service_address": "https://a.example", "api_token": TOKEN, "log_level": "WARNING",
                    "max_concurrent_uploads": 5, "location": "Hall", "purpose": "", "schema_version": "2.0",
                    "station_name": "ICT 3", "station_name_source": "config" }),
            json!({ "server": { "url": "https://a.example", "token": TOKEN },
                    "station": { "name": "ICT 3", "location": "Hall" },
                    "upload": { "concurrency": 5 }, "logging": { "level": "warn" } }),
            &[][..],
        ),
        (
            json!({ "service_address": "a.example", "api_token": "Basic x", "max_concurrent_uploads": 500,
                    "log_level": "LOUD", "station_name": "", "zebra": 1 }),
            json!({}),
            &[
                "service_address",
                "api_token",
                "station_name_source",
                "max_concurrent_uploads",
                "log_level",
                "zebra",
            ],
        ),
        (
            json!({ "api_token": "", "proxy_mode": "manual", "proxy_host": "p.example", "proxy_port": 3128,
                    "proxy_auth": true, "proxy_username": "u", "proxy_password": "p@ s", "proxy_bypass": "x",
                    "station_name": "A", "station_name_source": "manual" }),
            json!({ "server": { "proxy": "http://u:p%40%20s@p.example:3128" }, "station": { "name": "A" } }),
            &["proxy_bypass"],
        ),
        (
            json!({ "api_token": "", "proxy_mode": "none", "include_station_in_reports": false, "location": "x" }),
            json!({ "server": { "proxy": "none" }, "station": { "name": "" } }),
            &["location"],
        ),
        (
            json!({ "multi_station_enabled": true, "active_station_key": "b", "station_name": "no", "location": "no",
                    "station_presets": [{ "key": "a", "name": "A" },
                                        { "key": "b", "name": "B", "location": "L", "purpose": "P" }] }),
            json!({ "station": { "name": "B", "location": "L", "purpose": "P" } }),
            &["station_presets", "station_name", "location"],
        ),
        (
            json!({ "station_name": "ICT ü", "api_token": 7, "proxy_mode": "system", "proxy_host": "p",
                    "proxy_port": 8080, "sn_batch_size": 20, "yield_threshold": 95.0, "instance_id": "default",
                    "auto_connect": false, "station_presets": [{ "key": "a" }] }),
            json!({ "server": { "proxy": "system" } }),
            &[
                "proxy_host",
                "station_presets",
                "station_name_source",
                "station_name",
                "api_token",
                "sn_batch_size",
                "auto_connect",
            ],
        ),
        (
            json!({ "api_token": "", "include_station_in_reports": false, "sn_type_name": "x", "sn_batch_size": 10,
                    "yield_monitor_enabled": true, "max_retry_attempts": 9, "max_queue_size": 10000 }),
            json!({ "station": { "name": "" } }),
            &["sn_type_name", "yield_monitor_enabled", "max_retry_attempts"],
        ),
        (
            json!({ "server": { "url": "https://a.example", "token": TOKEN, "verify_ssl": false },
                    "client": { "watch_folder": full("w"), "archive_folder": full("a"), "failed_folder": full("f") },
                    "logging": { "level": "DEBUG", "file": full("x.log") },
                    "health": { "enabled": true, "port": 8090 } }),
            json!({ "server": { "url": "https://a.example", "token": TOKEN },
                    "client": { "watch_folder": full("w"), "done_folder": full("a"), "failed_folder": full("f") },
                    "logging": { "level": "debug" }, "health": { "port": 8090 } }),
            &["server.verify_ssl", "logging.file"],
        ),
        (
            json!({ "watch": { "directories": [full("srv/ICT"), full("srv/b/ICT"), "relative"],
                               "patterns": ["*.json"] } }),
            json!({ "folders": [{ "name": "ict", "path": full("srv/ICT"), "patterns": ["*.json"] },
                                { "name": "ict-2", "path": full("srv/b/ICT"), "patterns": ["*.json"] }] }),
            &["watch.directories[2]"],
        ),
        (
            json!({ "watch": { "directories": [full("a")], "patterns": ["*.csv"] } }),
            json!({}),
            &["watch.directories[0]"],
        ),
    ];
    for (file, written, left) in cases {
        let (document, report) = migrated(&json!({}), &file);
        assert_eq!(document, written, "{file}");
        let told: Vec<&str> = report.left.iter().map(|(from, _)| from.as_str()).collect();
        assert_eq!(told, left, "{file}");
        let shown = format!("{report:?}");
        assert!(!shown.contains(TOKEN) && !shown.contains("p%40"), "{shown}");
    }
}

/// Fails if: a converter that takes WSJF is no folder, another one is, or its folder has other ways than it had.
#[test]
fn converters() {
    let path = full("in");
    let row = |more: Value| {
        let mut row = json!({ "name": "x", "path": path, "after_delivery": "done" });
        row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        row
    };
    // What a converter has beside name and folder, its row, and what is told as not taken.
    for (more, expected, left) in [
        (json!({ "module_path": "a.WSJFConverter" }), Some(json!({})), &[][..]),
        (
            json!({ "module_path": "a.b", "file_patterns": ["*.json"] }),
            Some(json!({ "patterns": ["*.json"] })),
            &[],
        ),
        (
            json!({ "module_path": "wsjf", "file_patterns": ["*.log"] }),
            Some(json!({ "patterns": ["*.log"] })),
            &[],
        ),
        (json!({ "module_path": "wsjf", "file_patterns": ["*.*"] }), Some(json!({})), &[]),
        (json!({ "module_path": "a.b", "file_patterns": ["*.*"] }), None, &[""]),
        (json!({ "module_path": "a.b", "file_patterns": ["*.json", "*.csv"] }), None, &[""]),
        (json!({ "module_path": "wsjf", "enabled": false }), None, &[""]),
        (json!({ "module_path": "wsjf", "converter_type": "folder" }), None, &[""]),
        (json!({ "module_path": "wsjf", "watch_folder": "relative" }), None, &[""]),
        (json!({ "module_path": "wsjf", "watch_folder": "" }), None, &[""]),
        (
            json!({ "module_path": "wsjf", "done_folder": full("d"), "error_folder": full("f"), "priority": 1,
                    "post_action": "delete" }),
            Some(json!({ "done_folder": full("d"), "failed_folder": full("f"), "priority": 1,
                         "after_delivery": "delete" })),
            &[],
        ),
        (
            json!({ "module_path": "wsjf", "post_action": "zip" }),
            Some(json!({ "after_delivery": "archive" })),
            &[".post_action"],
        ),
        (
            json!({ "module_path": "wsjf", "post_process_action": "zip", "max_retries": 9, "alarm_threshold": 0.5,
                    "folder_patterns": ["*"], "zebra": 1, "pending_folder": "" }),
            Some(json!({ "after_delivery": "archive" })),
            &[".post_process_action", ".max_retries", ".zebra"],
        ),
        (
            json!({ "module_path": "wsjf", "post_action": "keep", "priority": 11, "done_folder": "d",
                    "arguments": { "a": 1 } }),
            Some(json!({})),
            &[".done_folder", ".post_action", ".priority", ".arguments"],
        ),
        (json!({ "module_path": "wsjf", "done_folder": path }), None, &[""]),
    ] {
        let mut converter = json!({ "name": "X", "watch_folder": path });
        converter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let file = json!({ "converters": [converter], "include_station_in_reports": false });
        let (document, report) = migrated(&json!({}), &file);
        assert_eq!(document.get("folders").cloned(), expected.map(|more| json!([row(more)])), "{more}");
        let told: Vec<&str> =
            report.left.iter().map(|(from, _)| &from["converters[0] (X)".len()..]).collect();
        assert_eq!(told, left, "{more}");
    }
}

/// Fails if: what is set already changes, a second time adds something, or a token is put beside a token file.
#[test]
fn what_is_set_stays() {
    let own = json!({ "server": { "url": "https://own.example", "token_file": full("t") }, "zebra": 1 });
    let file = json!({ "service_address": "https://a.example", "api_token": TOKEN, "location": "Hall",
        "converters": [{ "name": "Ü Wsjf / 1", "watch_folder": full("in") }] });
    let (document, report) = migrated(&own, &file);
    assert_eq!((&document["server"], &document["zebra"]), (&own["server"], &json!(1)));
    assert_eq!(document["station"]["location"], "Hall");
    assert_eq!(document["folders"][0]["name"], "wsjf-1");
    let kept: Vec<&str> = report.kept.iter().map(|(from, _)| from.as_str()).collect();
    assert_eq!(kept, ["service_address", "api_token"]);
    let (again, report) = migrated(&document, &file);
    assert_eq!(again, document);
    assert_eq!(report.taken, []);
}

/// Fails if: a name is not valid, too long, or there twice.
#[test]
fn names_are_valid_and_free() {
    let rows = [json!({ "name": "a" }), json!({ "name": "a-2" }), json!({ "name": "x".repeat(32) })];
    for (wanted, name) in [
        ("A", "a-3"),
        ("My  Converter", "my-converter"),
        ("default", "default-2"),
        ("日本", "folder"),
        (&"x".repeat(40), &format!("{}-2", "x".repeat(30))),
    ] {
        assert_eq!(converters::free_name(wanted, &rows), name);
    }
}

/// Fails if: reports that the Python client has not sent are not told of, or another file is taken for its own.
#[test]
fn what_else_there_is() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("reports")).unwrap();
    std::fs::write(dir.path().join("reports/1.queued"), "{}").unwrap();
    let items = translate(&json!({ "api_token": "" }), dir.path()).unwrap();
    let told = |item: &Item| matches!(item, Item::Left { advice, .. } if advice.contains("1 reports wait"));
    assert!(items.iter().any(told), "{items:?}");
    for value in [json!([]), json!({}), json!({ "zebra": 1 })] {
        assert!(translate(&value, dir.path()).is_err(), "{value}");
    }
}
