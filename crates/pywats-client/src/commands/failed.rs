//! `pywats-client failed` and `reprocess`: what was refused, and taking files back.

use super::ask::Asking;
use super::complain;
use super::words::{age, count, size, terminal_width};
use crate::cli::{FailedCommand, FailedRetryArgs, ListArgs, ReprocessArgs};
use crate::control::Reply;
use crate::control::back::Wanted;
use crate::exit::Exit;
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub(super) fn failed(command: FailedCommand) -> Exit {
    match command {
        FailedCommand::List(args) => list(args),
        FailedCommand::Retry(args) => retry(args),
    }
}

fn list(args: ListArgs) -> Exit {
    let asking = Asking::new(args.config.config, args.json);
    match asking.ask(Method::GET, &format!("/v1/failed?limit={}", args.limit), Vec::new()) {
        Ok(reply) => {
            asking.show(&reply, |body| listed(body, Timestamp::now(), terminal_width()));
            let problems = reply.body["problems"].as_array().into_iter().flatten().filter_map(Value::as_str);
            problems.for_each(complain);
            Exit::Ok
        }
        Err(exit) => exit,
    }
}

fn retry(args: FailedRetryArgs) -> Exit {
    if args.names.is_empty() && !args.all {
        complain("name a report, as pywats-client failed list shows it, or --all");
        return Exit::Usage;
    }
    let asking = Asking::new(args.config.config, args.json);
    let body = json!({ "names": args.names, "all": args.all });
    took_back(&asking, asking.ask(Method::POST, "/v1/failed/retry", body.to_string().into()))
}

/// Takes delivered or refused files back.
pub(super) fn reprocess(mut args: ReprocessArgs) -> Exit {
    let asking = Asking::new(args.config.config.take(), args.json);
    let body = Wanted::of(args).to_json();
    took_back(&asking, asking.ask(Method::POST, "/v1/reprocess", body.to_string().into()))
}

fn took_back(asking: &Asking, asked: Result<Reply, Exit>) -> Exit {
    let reply = match asked {
        Ok(reply) => reply,
        Err(exit) => return exit,
    };
    asking.show(&reply, |body| {
        let lines = body["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        lines.collect::<Vec<_>>().join("\n")
    });
    if let Some(error) = reply.body["error"].as_str() {
        complain(error);
        return Exit::Error;
    }
    if reply.body["taken"] == 0 {
        complain("no file is taken back, as said above");
        return Exit::Error;
    }
    Exit::Ok
}

/// A paragraph for each file: reasons are sentences, and no table holds them.
fn listed(body: &Value, now: Timestamp, width: Option<usize>) -> String {
    let files: Vec<&Value> = body["files"].as_array().into_iter().flatten().collect();
    if files.is_empty() {
        return "no refused file lies there".to_owned();
    }
    let width = width.unwrap_or(usize::MAX).max(40);
    let mut lines = Vec::new();
    for file in &files {
        let text = |key: &str| file[key].as_str().map(str::to_owned);
        let when = text("time").map(|time| format!(", {} ago", age(&time, now))).unwrap_or_default();
        let bytes = size(file["size"].as_u64().unwrap_or_default());
        lines.push(format!("{}  ({bytes}{when})", text("file").unwrap_or_default()));
        lines.extend(folded("  why: ", &text("reason").unwrap_or("nothing lies beside it".into()), width));
        for said in file["server_says"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            lines.extend(folded("    | ", said, width));
        }
        lines.extend(text("what_to_do").into_iter().flat_map(|what| folded("  do:  ", &what, width)));
    }
    let all = body["count"].as_u64().unwrap_or_default();
    if all > files.len() as u64 {
        lines.push(format!("{} of {}; show more with --limit", files.len(), count(all, "file", "files")));
    }
    lines.join("\n")
}

/// A text in lines that fit, of which the first begins so and the others below it.
fn folded(begin: &str, text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![begin.to_owned()];
    let indent = " ".repeat(begin.len());
    let mut is_first = true;
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if !is_first && last + 1 + word.chars().count() > width {
            lines.push(format!("{indent}{word}"));
        } else if let Some(line) = lines.last_mut() {
            if !is_first {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_first = false;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a refused file is shown without its reason or what to do, or lines are longer than the terminal.
    #[test]
    fn what_is_shown() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let file = json!({
            "file": "a.json", "folder": "/failed", "size": 10, "time": "2026-11-29T11:00:00Z",
            "reason": "the server refused it because of many words that need more than one line",
            "server_says": ["line one", "line two"], "what_to_do": "Correct it.",
        });
        let text = listed(&json!({ "files": [file], "count": 3 }), now, Some(50));
        for part in [
            "a.json  (10 bytes, 1 h ago)",
            "  why: the server",
            "    | line two",
            "  do:  Correct it.",
            "1 of 3 files",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
        assert!(listed(&json!({}), now, None).contains("no refused file"));
    }
}
