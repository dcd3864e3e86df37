//! What people are told: readiness names the setting where all wait, and the report where only that one does.

use super::pause::{Pause, Reason};
use super::store::{Remote, Store};
use super::worker::Upload;
use crate::disposition::{self, Stage};
use crate::observed::{Ended, Refused};
use crate::queue::Entry;
use crate::status::{Area, Counts, Parked, Topic};
use jiff::Timestamp;
use std::time::Instant;
use wats::{Failure, FailureKind};

/// What a person can do about a report that the server refused.
const CORRECT: &str = "Correct what the server complains of, in the report or on the server, then drop the report into \
                       the watch folder again.";

/// Tells the status how it is going.
pub(super) fn publish<S: Store, R: Remote>(upload: &mut Upload<S, R>, now: Instant) {
    count(upload);
    tell_of_server(upload);
    tell_of_pace(upload, now);
    if upload.schedule.take_changed() {
        tell_of_reports(upload);
    }
}

fn count<S: Store, R: Remote>(upload: &Upload<S, R>) {
    let counts = upload.store.counts();
    upload.status.count(Counts {
        pending: counts.waiting,
        parked: counts.parked,
        delivered: counts.delivered,
        failed: counts.failed,
        lost: counts.lost,
    });
}

fn tell_of_server<S: Store, R: Remote>(upload: &Upload<S, R>) {
    let status = &upload.status;
    let remote = match &upload.link.remote {
        Ok(remote) => remote,
        Err(problem) => return status.problem(Area::Server, problem.as_str()),
    };
    let url = remote.url();
    if let Some(pause) = upload.schedule.pause() {
        status.problem(Area::Server, pause_in_words(&url, pause));
    } else if let Some(why) = &upload.check_failed {
        status.problem(Area::Server, format!("server {url}: {why}; reports stay queued"));
    } else if upload.answered {
        status.fine(Area::Server);
    }
}

/// The note names no number: it would change every few seconds, and each change is logged.
fn tell_of_pace<S: Store, R: Remote>(upload: &Upload<S, R>, now: Instant) {
    let learnt = upload.pace.learnt(now);
    upload.status.learnt_pace(learnt.map(|(per_minute, _)| per_minute.ceil() as u32));
    let waiting = upload.line.has_ready();
    if waiting && learnt.is_some_and(|(_, holds)| holds) {
        let what = "the server has asked for fewer requests (429): reports are sent more slowly than they come; \
                    health details name the pace";
        upload.status.note(Topic::Pace, what);
    } else if learnt.is_none() || !waiting {
        upload.status.forget(Topic::Pace);
    }
}

fn pause_in_words(url: &str, pause: &Pause) -> String {
    let why = &pause.why;
    match pause.reason {
        Reason::Because(because) => {
            format!("server {url}: {why}; {}; reports stay queued", because.advice())
        }
        Reason::Busy => format!("server {url} is busy: {why}; reports stay queued"),
    }
}

fn tell_of_reports<S: Store, R: Remote>(upload: &Upload<S, R>) {
    let (status, schedule) = (&upload.status, &upload.schedule);
    let suspect = schedule.troubled().map(|(count, seq, case)| {
        let report = named(upload, seq);
        let others = if count > 1 { format!(" ({} more like it)", count - 1) } else { String::new() };
        format!("{report}{others}: {}; it stays queued and is tried again; the others are sent", case.why)
    });
    let problems: Vec<String> = schedule.slow().into_iter().chain(suspect).collect();
    if problems.is_empty() {
        status.fine(Area::Reports);
    } else {
        status.problem(Area::Reports, problems.join("; "));
    }
    status.parked(schedule.parked().map(|(count, seq, case)| Parked {
        count,
        newest: named(upload, seq),
        since: case.since,
        why: case.why.clone(),
    }));
}

fn named<S: Store, R: Remote>(upload: &Upload<S, R>, seq: i64) -> String {
    match upload.entry(seq) {
        Some(entry) => format!("report {} ({:?}, {} bytes)", entry.id, entry.name, entry.size),
        None => "a report".to_owned(),
    }
}

/// What is remembered of a report that was delivered, or refused by this answer.
pub(super) fn ended(entry: &Entry, refused: Option<&Failure>) -> Ended {
    Ended {
        time: Timestamp::now(),
        file: entry.name.to_string_lossy().into_owned(),
        serial_number: Some(entry.serial_number.clone()).filter(|number| !number.is_empty()),
        id: Some(entry.id.to_string()),
        refused: refused
            .map(|failure| Refused { reason: failure.message.clone(), what_to_do: CORRECT.to_owned() }),
    }
}

/// The content of the reason file of a report that the server refused.
pub(super) fn reason(entry: &Entry, failure: &Failure) -> String {
    let reason = match failure.kind {
        FailureKind::RefusedBlank => format!(
            "{}; it was refused twice, while another report was accepted between; its file {:?} has {} bytes",
            failure.message, entry.name, entry.size
        ),
        _ => failure.message.clone(),
    };
    disposition::Reason {
        stage: Stage::Upload,
        reason,
        words: failure.words.clone(),
        what_to_do: CORRECT,
        server_status: failure.status,
        attempts: entry.attempts,
        id: Some(entry.id),
        sha256: Some(entry.sha256),
        superseded: false,
        incomplete: None,
    }
    .to_json(&entry.name)
}

/// The content of the reason file of a report whose place a later one has taken; `why` says what it had met.
pub(super) fn superseded(entry: &Entry, why: Option<&str>) -> String {
    let met = why.map(|why| format!("; it had met: {why}")).unwrap_or_default();
    disposition::Reason {
        stage: Stage::Upload,
        reason: format!("a later report with the same identifier took its place while this one waited{met}"),
        words: None,
        what_to_do: "Nothing, if the later report is the corrected one. If both are wanted, give this one an \
                     identifier of its own, then drop it into the watch folder again.",
        server_status: None,
        attempts: entry.attempts,
        id: Some(entry.id),
        sha256: Some(entry.sha256),
        superseded: true,
        incomplete: None,
    }
    .to_json(&entry.name)
}
