//! A report that somebody sends to the service instead of writing a file: judged at once, and queued or refused.

use super::Reply;
use crate::config::Config;
use crate::folder::{Moved, shortened};
use crate::intake::Names;
use crate::intake::judge::{DROP_AGAIN, Good, Judge, Judgement, SPLIT_OR_RAISE, hash};
use crate::queue::{NewReport, Queue, spool};
use hyper::StatusCode;
use serde_json::json;
use std::ffi::{OsStr, OsString};
use std::io;
use uuid::Uuid;

/// What a report is called that was sent without a name.
const UNNAMED: &str = "report.json";

/// Queues a report; when this returns it survives a power cut.
///
/// # Errors
/// The answer, if it is refused or cannot be written: then it is not queued.
pub(super) fn take_in(config: &Config, queue: &Queue, name: &str, bytes: &[u8]) -> Result<Reply, Reply> {
    let size = bytes.len() as u64;
    if size > config.client.max_report_bytes {
        return Err(too_large(config.client.max_report_bytes));
    }
    queue.intake_allowed(size).map_err(|error| full(error.to_string()))?;
    let _place = queue.room().enter(size);
    let sha256 = hash(bytes);
    let rules = config.rules();
    let judge = Judge { queue, settings: &config.reports, rules: &rules };
    let good = match judge.judge(bytes, &sha256).map_err(Reply::failed)? {
        Judgement::Good(good) => good,
        Judgement::Incomplete(reason) => {
            let what_to_do = "Send the whole file, once whoever writes it has closed it.";
            return Err(Reply::error(StatusCode::UNPROCESSABLE_ENTITY, reason, what_to_do));
        }
        Judgement::Unusable(refusal) => {
            return Err(Reply::error(
                StatusCode::UNPROCESSABLE_ENTITY,
                refusal.reason,
                for_sender(refusal.what_to_do),
            ));
        }
    };
    // What a folder brings at this moment may have it.
    if !queue.claim_id(good.id, &good.unit) {
        let error = format!("its id {} is that of another report that is being taken in", good.id);
        return Err(Reply::error(StatusCode::CONFLICT, error, "Give each report an id of its own, or none."));
    }
    let id = good.id;
    let queued = keep(config, queue, &file_name(name), bytes, good, sha256);
    queue.unclaim(id);
    queued
}

/// Writes a judged report into the spool and the queue.
fn keep(
    config: &Config,
    queue: &Queue,
    name: &OsStr,
    bytes: &[u8],
    good: Good,
    sha256: [u8; 32],
) -> Result<Reply, Reply> {
    let spooled = put(queue, good.id, name, bytes).map_err(|error| match error.kind() {
        io::ErrorKind::StorageFull => full(format!("the disk of the data folder is full: {error}")),
        _ => Reply::failed(format!("the spool cannot be written: {error}")),
    })?;
    let reply = json!({
        "id": good.id.to_string(),
        "file": name.to_string_lossy(),
        "changed_for_sending": good.notes,
    });
    let report = NewReport {
        id: good.id,
        spool: spooled.clone(),
        folder: config.watch_folder(),
        name: name.to_owned(),
        size: bytes.len() as u64,
        sha256,
        edits: good.edits,
        notes: good.notes,
        unit: good.unit,
        copied: false,
    };
    if let Err(error) = queue.add(&[report]) {
        // Who sends it is told that it is not queued.
        queue.spool().discard(&spooled);
        return Err(Reply::failed(format!("the queue cannot be written: {error}")));
    }
    tracing::info!(report = %good.id, "report {}: sent by the command line, queued", good.id);
    Ok(Reply { status: StatusCode::CREATED, body: reply })
}

fn full(what: String) -> Reply {
    Reply::error(StatusCode::INSUFFICIENT_STORAGE, what, "Free space, then send it again.")
}

/// The answer to a report that is larger than may be.
pub(super) fn too_large(limit: u64) -> Reply {
    Reply::error(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the report has more bytes than client.max_report_bytes allows ({limit})"),
        for_sender(SPLIT_OR_RAISE),
    )
}

/// What to do with a dropped file, for who has sent one.
fn for_sender(what_to_do: &str) -> String {
    what_to_do.replace(DROP_AGAIN, "send it again")
}

/// Writes the file into the spool, so that it and its name survive a power cut.
fn put(queue: &Queue, id: Uuid, name: &OsStr, bytes: &[u8]) -> io::Result<OsString> {
    for number in 0..=u32::MAX {
        let spooled = spool::name(id, name, number);
        if queue.spool().put(&spooled, bytes)? == Moved::Done {
            queue.spool().sync()?;
            return Ok(spooled);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// A name for a file here, made of one that somebody gave: without folders and without what one system or the other
/// does not allow in a name, and one that intake takes.
pub fn file_name(given: &str) -> OsString {
    const RESERVED: [&str; 22] = [
        "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
        "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
    ];
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .trim_start_matches(['.', ' '])
        .trim_end_matches(['.', ' '])
        .chars()
        .map(|c| if c.is_control() || "<>:\"|?*~".contains(c) { '_' } else { c })
        .collect();
    if clean.is_empty() {
        return UNNAMED.into();
    }
    let stem = clean.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let clean = if RESERVED.contains(&stem.as_str()) { format!("_{clean}") } else { clean };
    let name = shortened(OsStr::new(&clean));
    if Names::default().take(&name) {
        return name;
    }
    let mut name = name;
    name.push(".json");
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a name leads out of the folder, hides a file, is one that a system does not allow or that intake
    /// does not take; or a good one is changed.
    #[test]
    fn names() {
        for (given, name) in [
            ("a b.json", "a b.json"),
            ("Prüfling.WSJF", "Prüfling.WSJF"),
            ("../../etc/passwd", "passwd.json"),
            (r"C:\reports\a.json", "a.json"),
            ("/", "report.json"),
            ("", "report.json"),
            ("...", "report.json"),
            (".hidden.json", "hidden.json"),
            ("a\0\nb.json", "a__b.json"),
            ("a:stream.json", "a_stream.json"),
            ("nul.json", "_nul.json"),
            ("Com1", "_Com1.json"),
            ("a.json. ", "a.json"),
            ("a.txt", "a.txt.json"),
            ("a.reason.json", "a.reason.json.json"),
        ] {
            assert_eq!(file_name(given), OsStr::new(name), "{given:?}");
        }
        assert!(file_name(&"x".repeat(4000)).len() <= 230);
        assert!(file_name(&format!("{}.json", "é".repeat(4000))).to_string_lossy().ends_with("é.json"));
    }
}
