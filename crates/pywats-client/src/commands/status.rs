//! `pywats-client status`: how the service is, on one screen. What the answer lacks is left out: the service may be
//! of another version.

use super::ask::Asking;
use super::words::{self, count, span, table, terminal_width};
use crate::cli::StatusArgs;
use crate::exit::Exit;
use crate::intake::untaken::INCOMPLETE;
use crate::logging::printable;
use hyper::Method;
use jiff::Timestamp;
use serde_json::Value;

/// Shows the state; says by the exit code whether all is well.
pub(super) fn status(args: StatusArgs) -> Exit {
    let asking = Asking::new(args.config.config, args.json);
    let reply = match asking.ask(Method::GET, "/v1/status", Vec::new()) {
        Ok(reply) => reply,
        Err(exit) => return exit,
    };
    asking.show(&reply, |body| text(body, Timestamp::now(), terminal_width()));
    match reply.body["status"].as_str() {
        Some("not running") => Exit::NotRunning,
        _ if reply.body["healthy"] == true => Exit::Ok,
        _ => Exit::Attention,
    }
}

fn text(body: &Value, now: Timestamp, width: Option<usize>) -> String {
    let details = &body["details"];
    let mut lines = vec![headline(body)];
    let mut row = |title: &str, text: Option<String>| {
        if let Some(text) = text {
            lines.push(format!("{title:<11}{text}"));
        }
    };
    let number = |key: &str| details[key].as_u64();
    let word = |key: &str| details[key].as_str().map(str::to_owned);
    row("station", word("station"));
    row("version", word("version"));
    row("running", number("uptime_seconds").map(|seconds| format!("for {}", span(seconds.cast_signed()))));
    row(
        "server",
        word("api_status").map(|word| match word.as_str() {
            "Online" => "answers".to_owned(),
            "Offline" => "does not answer, or was not asked".to_owned(),
            _ => word,
        }),
    );
    row("waiting", waiting(details));
    row("delivered", delivered(details, now));
    row("refused", refused(details));
    row("lost", number("lost_count").filter(|lost| *lost > 0).map(|lost| count(lost, "report", "reports")));
    row(
        "free",
        number("free_bytes").map(|bytes| format!("{} on the disk of the data folder", words::size(bytes))),
    );
    row("settings", word("config_path"));
    section(&mut lines, "problems", &details["problems"]);
    section(&mut lines, "notes", &details["notes"]);
    lines.extend(not_taken(details));
    lines.extend(folders(details, width));
    lines.extend(last_reports(details, now, width));
    lines.join("\n")
}

fn headline(body: &Value) -> String {
    let state = body["status"].as_str().unwrap_or("unknown");
    match body["reason"].as_str().filter(|reason| *reason != "the service is not running") {
        Some(reason) if body["details"]["problems"].as_object().is_none_or(serde_json::Map::is_empty) => {
            format!("pywats-client is {state}: {reason}")
        }
        _ => format!("pywats-client is {state}"),
    }
}

fn waiting(details: &Value) -> Option<String> {
    let waiting = details["pending_count"].as_u64()?;
    let mut text = count(waiting, "report", "reports");
    if let Some(oldest) = details["oldest_waiting_seconds"].as_i64().filter(|_| waiting > 0) {
        text.push_str(&format!(", the oldest for {}", span(oldest)));
    }
    if let Some(parked) = details["parked_count"].as_u64().filter(|parked| *parked > 0) {
        let reason = details["parked"]["reason"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        text.push_str(&format!(
            "; {parked} parked{reason}; try them now with pywats-client queue retry --all"
        ));
    }
    Some(text)
}

fn delivered(details: &Value, now: Timestamp) -> Option<String> {
    let delivered = count(details["delivered_count"].as_u64()?, "report", "reports");
    Some(match details["last_delivery"].as_str() {
        Some(last) => format!("{delivered}, the last one {} ago", words::age(last, now)),
        None => delivered,
    })
}

fn refused(details: &Value) -> Option<String> {
    let refused = count(details["failed_count"].as_u64()?, "report or file", "reports and files");
    Some(match details["failed_folder_files"].as_u64() {
        Some(files @ 1..) => {
            format!(
                "{refused}, {} in the failed folder: pywats-client failed list",
                count(files, "file", "files")
            )
        }
        _ => refused,
    })
}

fn section(lines: &mut Vec<String>, title: &str, texts: &Value) {
    let Some(texts) = texts.as_object().filter(|texts| !texts.is_empty()) else { return };
    lines.push(String::new());
    lines.push(format!("{title}:"));
    for (area, text) in texts {
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        lines.push(format!("  {}: {text}", area.replace('_', " ")));
    }
}

/// What lies in a watch folder and is not taken: the incomplete reports by their names, all else by kind.
fn not_taken(details: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for folder in details["folders"].as_array().into_iter().flatten() {
        let name = folder["name"].as_str().unwrap_or("-");
        let mut named = 0;
        for file in folder["incomplete"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            named += 1;
            lines.push(format!(
                "  {name}: {}: it is empty, or its text ends too early; the rest of it is waited for",
                printable(file)
            ));
        }
        for (kind, files) in folder["not_taken"].as_object().into_iter().flatten() {
            let left = files.as_u64().unwrap_or_default();
            let left = if kind == INCOMPLETE { left.saturating_sub(named) } else { left };
            if left > 0 {
                lines.push(format!(
                    "  {name}: {}{kind}: {left}",
                    if named > 0 && kind == INCOMPLETE { "more " } else { "" }
                ));
            }
        }
    }
    if !lines.is_empty() {
        lines.splice(..0, [String::new(), "not taken:".to_owned()]);
    }
    lines
}

fn folders(details: &Value, width: Option<usize>) -> Vec<String> {
    let Some(folders) = details["folders"].as_array().filter(|folders| !folders.is_empty()) else {
        return Vec::new();
    };
    let cell = |folder: &Value, key: &str| folder[key].as_str().unwrap_or("-").to_owned();
    let rows: Vec<Vec<String>> = folders
        .iter()
        .map(|folder| {
            let is_all_taken = folder["not_taken"].as_object().is_none_or(serde_json::Map::is_empty);
            let well = if is_all_taken { "fine" } else { "not all is taken" };
            let problem = folder["problem"].as_str().unwrap_or(well).to_owned();
            vec![cell(folder, "name"), cell(folder, "path"), problem]
        })
        .collect();
    vec![String::new(), table(&["FOLDER", "PATH", "STATE"], &rows, width)]
}

fn last_reports(details: &Value, now: Timestamp, width: Option<usize>) -> Vec<String> {
    let Some(reports) = details["last_reports"].as_array().filter(|reports| !reports.is_empty()) else {
        return Vec::new();
    };
    let cell = |report: &Value, key: &str| report[key].as_str().unwrap_or("-").to_owned();
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| {
            let outcome = match report["reason"].as_str() {
                Some(reason) => format!("{}: {reason}", cell(report, "outcome")),
                None => cell(report, "outcome"),
            };
            let age = format!("{} ago", words::age(&cell(report, "time"), now));
            vec![age, cell(report, "serial_number"), cell(report, "file"), outcome]
        })
        .collect();
    vec![String::new(), table(&["LAST", "SERIAL NUMBER", "FILE", "OUTCOME"], &rows, width)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fails if: what a service of an older or newer version leaves out or adds is no answer, or what there is to know
    /// is not shown.
    #[test]
    fn what_is_shown() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let shown = |body: &Value| text(body, now, Some(100));
        assert_eq!(shown(&json!({})), "pywats-client is unknown");
        let full = shown(&json!({
            "healthy": false, "status": "not ready", "reason": "server: gone",
            "details": {
                "station": "ict-7", "pending_count": 2, "oldest_waiting_seconds": 7200, "parked_count": 1,
                "delivered_count": 1, "last_delivery": "2026-11-29T11:59:00Z",
                "failed_count": 3, "failed_folder_files": 2, "free_bytes": 5_000_000_000_u64,
                "problems": { "watch_folder": "gone" }, "notes": {}, "what": "ever",
                "folders": [{ "name": "default", "path": "/watch", "problem": null, "incomplete": ["cut.json"],
                              "not_taken": { "incomplete reports": 3, "*.xml": 1 } }],
                "last_reports": [{ "time": "2026-11-29T11:00:00Z", "file": "a.json", "outcome": "refused",
                                   "reason": "no" }],
            },
        }));
        for part in [
            "is not ready\n",
            "station    ict-7",
            "2 reports, the oldest for 2 h; 1 parked",
            "1 report, the last one 1 min ago",
            "2 files in the failed folder",
            "5.0 GB",
            "problems:\n  watch folder: gone",
            "default  /watch  not all is taken",
            "not taken:\n  default: cut.json: it is empty, or its text ends too early",
            "\n  default: more incomplete reports: 2\n  default: *.xml: 1\n",
            "1 h ago  -              a.json  refused: no",
        ] {
            assert!(full.contains(part), "{part:?}:\n{full}");
        }
        assert!(!full.contains("notes"), "{full}");
    }
}
