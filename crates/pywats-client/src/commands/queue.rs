//! `pywats-client queue`: what waits, and what can be done about it.

use super::ask::Asking;
use super::complain;
use super::words::{age, count, size, table, terminal_width};
use crate::cli::{QueueCommand, QueueListArgs, QueueRetryArgs, ReportArgs};
use crate::exit::Exit;
use hyper::Method;
use jiff::Timestamp;
use serde_json::Value;

/// So much of an identifier tells reports apart in a list.
const SHORT: usize = 8;

pub(super) fn queue(command: QueueCommand) -> Exit {
    let done = match command {
        QueueCommand::List(args) => list(args),
        QueueCommand::Show(args) => show(args),
        QueueCommand::Retry(args) => retry(args),
        QueueCommand::Drop(args) => give_up(args),
    };
    done.map_or_else(|exit| exit, |()| Exit::Ok)
}

fn list(QueueListArgs { list, after }: QueueListArgs) -> Result<(), Exit> {
    let asking = Asking::new(list.config.config, list.json);
    let target = format!("/v1/queue?after={after}&limit={}", list.limit);
    let reply = asking.ask(Method::GET, &target, Vec::new())?;
    asking.show(&reply, |body| listed(body, Timestamp::now(), terminal_width()));
    Ok(())
}

fn show(args: ReportArgs) -> Result<(), Exit> {
    let asking = Asking::new(args.config.config, args.json);
    let reply = asking.ask(Method::GET, &target(&args.id, ""), Vec::new())?;
    asking.show(&reply, |body| described(body, Timestamp::now()));
    Ok(())
}

fn retry(args: QueueRetryArgs) -> Result<(), Exit> {
    if args.id.is_none() && !args.all {
        complain("name a report, as pywats-client queue list shows it, or --all");
        return Err(Exit::Usage);
    }
    let asking = Asking::new(args.config.config, args.json);
    let target = args.id.map_or("/v1/queue/retry".to_owned(), |id| target(&id, "/retry"));
    let reply = asking.ask(Method::POST, &target, Vec::new())?;
    asking.show(&reply, |body| {
        let reports = count(body["retried"].as_u64().unwrap_or_default(), "report", "reports");
        let when = if body["running"] == true { "at once" } else { "when the service runs" };
        format!("{reports} will be tried {when}")
    });
    Ok(())
}

fn give_up(args: ReportArgs) -> Result<(), Exit> {
    let asking = Asking::new(args.config.config, args.json);
    let reply = asking.ask(Method::DELETE, &target(&args.id, ""), Vec::new())?;
    asking.show(&reply, |body| {
        let line = |one: &Value| {
            let text = |key: &str| one[key].as_str().unwrap_or("-");
            format!("{} ({}): dropped; its file goes to the failed folder", text("id"), text("file"))
        };
        rows(&body["dropped"]).map(line).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

/// The path of a report. What is no identifier stays one part of it, and is refused as such.
fn target(id: &str, action: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(id.as_bytes()).collect();
    format!("/v1/queue/{id}{action}")
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or("-").to_owned()
}

fn listed(body: &Value, now: Timestamp, width: Option<usize>) -> String {
    let cells: Vec<Vec<String>> = rows(&body["entries"])
        .map(|one| {
            let id: String = text(one, "id").chars().take(SHORT).collect();
            let state = match one["why"].as_str() {
                Some(why) => format!("{}: {why}", text(one, "state")),
                None => text(one, "state"),
            };
            vec![
                id,
                text(one, "serial_number"),
                text(one, "file"),
                size(one["size"].as_u64().unwrap_or_default()),
                age(&text(one, "queued"), now),
                one["attempts"].as_u64().unwrap_or_default().to_string(),
                state,
            ]
        })
        .collect();
    if cells.is_empty() {
        return "no report waits".to_owned();
    }
    let titles = ["ID", "SERIAL NUMBER", "FILE", "SIZE", "WAITS", "TRIES", "STATE"];
    let mut lines = table(&titles, &cells, width);
    if let Some(next) = body["next"].as_i64() {
        let all = body["counts"]["waiting"].as_u64().unwrap_or_default();
        lines.push_str(&format!(
            "\n{all} reports wait; the next ones: pywats-client queue list --after {next}"
        ));
    }
    lines
}

fn described(body: &Value, now: Timestamp) -> String {
    let one = |one: &Value| {
        let mut lines = vec![text(one, "id")];
        let mut row = |title: &str, text: Option<String>| {
            lines.extend(text.map(|text| format!("  {title:<14}{text}")));
        };
        let known = |key: &str| one[key].as_str().map(str::to_owned);
        let time = |key: &str| known(key).map(|time| format!("{time} ({} ago)", age(&time, now)));
        row("file", known("file"));
        row("from", known("folder"));
        row("serial number", known("serial_number"));
        row("size", one["size"].as_u64().map(size));
        row("queued", time("queued"));
        row("state", known("state"));
        row("why", known("why"));
        row("since", time("since"));
        row("tries", one["attempts"].as_u64().map(|tries| tries.to_string()));
        lines.join("\n")
    };
    rows(&body["entries"]).map(one).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fails if: a list does not show what there is to know of a report, or not how to go on.
    #[test]
    fn what_is_shown() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let entry = json!({
            "row": 7, "id": "01234567-89ab-cdef-0123-456789abcdef", "file": "a.json", "folder": "/watch",
            "serial_number": "SN1", "size": 1500, "state": "parked", "attempts": 3,
            "queued": "2026-11-29T11:00:00Z", "since": "2026-11-29T11:30:00Z", "why": "the server failed on it",
        });
        let list = listed(&json!({ "entries": [entry], "next": 7, "counts": { "waiting": 9 } }), now, None);
        for part in
            ["01234567  SN1", "a.json  1.5 kB  1 h", "parked: the server failed", "--after 7", "9 reports"]
        {
            assert!(list.contains(part), "{part}:\n{list}");
        }
        assert_eq!(listed(&json!({ "entries": [] }), now, None), "no report waits");
        let shown = described(&json!({ "entries": [entry] }), now);
        for part in ["cdef\n", "why           the server", "(30 min ago)"] {
            assert!(shown.contains(part), "{part}:\n{shown}");
        }
        assert_eq!(target("../x y", "/retry"), "/v1/queue/..%2Fx+y/retry");
    }
}
