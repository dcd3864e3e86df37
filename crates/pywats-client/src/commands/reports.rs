//! `check FILE…`: would these reports pass? By the code that takes them in, and by the server's published rules.

use super::{complain, say};
use crate::config::Loaded;
use crate::exit::Exit;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use wats::Rules;
use wats::report::rules::{Fault, Verdict, check as judge};

/// Judges each file and tells of it.
pub(super) fn check(loaded: &Loaded, files: &[PathBuf], json: bool) -> Exit {
    loaded.errors.iter().for_each(|error| complain(&format!("warning: {error}")));
    let rules = loaded.config.rules();
    let mut shown = Vec::new();
    let mut exit = Exit::Ok;
    for path in files {
        let verdict = read(path, loaded.config.client.max_report_bytes).map(|bytes| judged(&bytes, &rules));
        if !verdict.as_ref().is_ok_and(Verdict::passes) {
            exit = Exit::ReportRefused;
        }
        if json {
            shown.push(as_json(path, &verdict));
        } else {
            say(&as_text(path, &verdict));
        }
    }
    if json {
        super::print_json(&json!({ "passes": exit == Exit::Ok, "files": shown }));
    }
    exit
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > most {
        return Err(format!("has more than {most} bytes; raise client.max_report_bytes or split it"));
    }
    Ok(bytes)
}

/// The server takes reports of the future and shows them to nobody.
fn judged(bytes: &[u8], rules: &Rules) -> Verdict {
    let mut verdict = judge(bytes, rules);
    if let Verdict::Sent { faults, .. } = &mut verdict
        && let Ok(report) = wats::Report::parse(bytes, rules)
        && report.start() > jiff::Timestamp::now()
    {
        faults.push(Fault {
            pointer: "/start".to_owned(),
            steps: String::new(),
            position: None,
            what: format!(
                "start: {} is in the future; the server would put the report into quarantine",
                report.start()
            ),
            what_to_do: "set the clock of the test system and of this machine".to_owned(),
        });
    }
    verdict
}

fn as_text(path: &Path, verdict: &Result<Verdict, String>) -> String {
    let name = path.display();
    let (repairs, faults) = match verdict {
        Err(reason) => return format!("{name}: {reason}"),
        Ok(Verdict::Refused(error)) => return format!("{name}: would not be taken: {error}"),
        Ok(Verdict::Sent { repairs, faults }) => (repairs, faults),
    };
    let state = match faults.len() {
        0 => "would pass".to_owned(),
        1 => "the server would refuse it: 1 fault".to_owned(),
        more => format!("the server would refuse it: {more} faults"),
    };
    let mut lines = vec![format!("{name}: {state}")];
    lines.extend(repairs.iter().map(|repair| format!("  repaired: {repair}")));
    lines.extend(faults.iter().map(|fault| {
        let place = fault.position.map_or(String::new(), |(line, column)| format!("{line}:{column}: "));
        let steps = if fault.steps.is_empty() { String::new() } else { format!(" [{}]", fault.steps) };
        format!("  {place}{}{steps}: {}; {}", fault.pointer, fault.what, fault.what_to_do)
    }));
    lines.join("\n")
}

fn as_json(path: &Path, verdict: &Result<Verdict, String>) -> Value {
    match verdict {
        Err(reason) => json!({ "file": path, "passes": false, "error": reason }),
        Ok(Verdict::Refused(error)) => json!({
            "file": path, "passes": false, "error": error.to_string(),
            "line": error.position().map(|at| at.0), "column": error.position().map(|at| at.1),
        }),
        Ok(Verdict::Sent { repairs, faults }) => {
            let faults: Vec<Value> = faults
                .iter()
                .map(|fault| {
                    json!({
                        "pointer": fault.pointer, "steps": fault.steps,
                        "line": fault.position.map(|at| at.0), "column": fault.position.map(|at| at.1),
                        "what": fault.what, "what_to_do": fault.what_to_do,
                    })
                })
                .collect();
            json!({ "file": path, "passes": faults.is_empty(), "repairs": repairs, "faults": faults })
        }
    }
}
