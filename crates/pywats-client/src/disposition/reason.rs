//! The small files beside those that were moved: why one was refused, and what became of one that was not
//! sent as it was. Both are JSON, for people and for programs.

use super::Ending;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::ffi::OsStr;
use uuid::Uuid;

/// Where something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Here, while it was read.
    Intake,
    /// By the server.
    Upload,
}

/// Why a file lies in `failed/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where it was refused.
    pub stage: Stage,
    /// What is wrong with it, in one line.
    pub reason: String,
    /// All that the server said about it; its lines are kept.
    pub words: Option<String>,
    /// What a person can do.
    pub what_to_do: &'static str,
    /// The status of the server's answer.
    pub server_status: Option<u16>,
    /// How often the server was tried.
    pub attempts: u64,
    /// The identifier of the report, if it got one.
    pub id: Option<Uuid>,
    /// What is in the file beside it, if that is known: it says nothing of another one.
    pub sha256: Option<[u8; 32]>,
    /// Whether a later report with the same identifier took its place.
    pub superseded: bool,
    /// The SHA-256 of a file that only ends too early: once it is changed it is taken again.
    pub incomplete: Option<[u8; 32]>,
}

impl Reason {
    /// The content of the reason file.
    pub fn to_json(&self, file: &OsStr) -> String {
        let stage = match self.stage {
            Stage::Intake => "intake",
            Stage::Upload => "upload",
        };
        // A line is a line for who reads the file: JSON writes no line breaks into a text.
        let words: Option<Vec<&str>> = self.words.as_deref().map(|words| words.lines().collect());
        let value: Value = json!({
            "time": now(),
            "file": file.to_string_lossy(),
            "stage": stage,
            "reason": self.reason,
            "server_says": words,
            "what_to_do": self.what_to_do,
            "server_status": self.server_status,
            "attempts": self.attempts,
            "id": self.id.map(|id| id.to_string()),
            "sha256": self.sha256.map(|sha256| hex(&sha256)),
            "superseded": self.superseded,
            "incomplete": self.incomplete.map(|sha256| hex(&sha256)),
        });
        format!("{value:#}\n")
    }
}

/// A digest as people write it.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was sent in place of a file that was not sent as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent<'a> {
    /// The identifier under which the server has the report.
    pub id: Uuid,
    /// What is in the file beside the note: it says nothing of another one.
    pub sha256: [u8; 32],
    /// What was filled in or repaired.
    pub notes: &'a [String],
}

impl<'a> Sent<'a> {
    /// What became of a report.
    pub fn of(ending: &Ending<'a>) -> Self {
        Sent { id: ending.id, sha256: ending.sha256, notes: ending.notes }
    }

    /// Whether this note is about the same file and report.
    pub fn is_in(&self, note: &[u8]) -> bool {
        id_for(note, &self.sha256) == Some(self.id)
    }

    /// The content of the file beside it.
    pub fn to_json(&self, file: &OsStr) -> String {
        let value = json!({
            "time": now(),
            "file": file.to_string_lossy(),
            "id": self.id.to_string(),
            "sha256": hex(&self.sha256),
            "changed_for_sending": self.notes,
        });
        format!("{value:#}\n")
    }
}

/// What a note or a reason says of the file beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The identifier of the report.
    pub id: Option<Uuid>,
    /// When it was written.
    pub time: Option<Timestamp>,
    /// Whether a later report with the same identifier took its place.
    pub superseded: bool,
    /// The name that its file had in the watch folder.
    pub file: Option<String>,
    /// Whether it is a reason, and the name that its file had in the watch folder.
    pub refused: Option<String>,
}

impl Beside {
    /// Reads a note or a reason; `None` if it is not that of a file with this content.
    pub fn of(text: &[u8], sha256: &[u8; 32]) -> Option<Self> {
        let value: Value = serde_json::from_slice(text).ok()?;
        if value["sha256"].as_str()? != hex(sha256) {
            return None;
        }
        let is_reason = ["reason", "what_to_do", "stage"].iter().all(|key| value[key].is_string());
        Some(Beside {
            id: value["id"].as_str().and_then(|id| id.parse().ok()),
            time: value["time"].as_str().and_then(|time| time.parse().ok()),
            superseded: value["superseded"].as_bool().unwrap_or_default(),
            file: value["file"].as_str().map(str::to_owned),
            refused: value["file"].as_str().filter(|_| is_reason).map(str::to_owned),
        })
    }
}

/// The identifier in a note, if it is the note of a file with this content.
pub fn id_for(note: &[u8], sha256: &[u8; 32]) -> Option<Uuid> {
    Beside::of(note, sha256)?.id
}

pub(super) fn now() -> String {
    crate::status::utc(Timestamp::now())
}
