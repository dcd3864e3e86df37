//! Everything that there is to know about the running service, as one JSON value: `GET /health/details`, what the
//! command `status` prints, what the status page and the metrics are made of, and what a support bundle holds.
//!
//! Who must not see reports gets the same shape without names of files, serial numbers, reasons and folders: counts
//! stay, and of a problem it is told in which area it is.

use super::HUNG;
use super::audience::Audience;
use crate::config::Loaded;
use crate::config::station::own_name;
use crate::observed::Ended;
use crate::service::RELOAD;
use crate::status::{Area, Status, Topic, utc};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use std::sync::Arc;

/// What the endpoints show.
#[derive(Clone, Debug)]
pub struct View {
    /// The state of the service.
    pub status: Arc<Status>,
    /// The configuration file that is looked for.
    pub config_path: PathBuf,
    /// The data folder, whose disk is looked at.
    pub data_dir: PathBuf,
    /// What people call this station.
    pub station: String,
}

impl View {
    /// What is shown of a service with this configuration.
    pub fn of(status: &Arc<Status>, loaded: &Loaded) -> View {
        View {
            status: Arc::clone(status),
            config_path: loaded.path.clone(),
            data_dir: loaded.config.client.data_dir.clone(),
            station: loaded.config.station.name().unwrap_or_else(own_name),
        }
    }
}

/// The worker that hangs, in words.
pub(super) fn hung(view: &View) -> Option<String> {
    view.status.hung(HUNG).map(|worker| format!("the {worker:?} worker hangs").to_lowercase())
}

/// Why the service cannot do its whole work.
pub(super) fn not_ready(view: &View, audience: Audience) -> Option<String> {
    let status = &view.status;
    let told = hung(view).or_else(|| status.not_ready())?;
    let problems = status.problems();
    if audience == Audience::Here || problems.is_empty() {
        return Some(told);
    }
    let areas: Vec<&str> = problems.into_keys().map(area_in_words).collect();
    Some(format!("{}; on the station itself there is more to read", areas.join("; ")))
}

/// What is the matter, without anything of a report.
fn area_in_words(area: Area) -> &'static str {
    match area {
        Area::Configuration => "the configuration cannot be used",
        Area::Storage => "the data folder cannot be used",
        Area::Queue => "the queue cannot be used",
        Area::Watch => "a watch folder cannot be used",
        Area::Files => "files in a watch folder cannot be taken",
        Area::Folders => "finished files cannot be moved",
        Area::Server => "the server is not reached or does not take reports",
        Area::Reports => "the server does not take some reports",
        Area::Health => "the health endpoints do not work",
    }
}

fn topic_in_words(topic: Topic) -> &'static str {
    match topic {
        Topic::NotTaken => "files in a watch folder are not taken",
        Topic::Events => "the system sends no news of a watch folder",
        Topic::Writers => "the system does not tell whether a file is still being written",
        Topic::Pace => "the server has asked for fewer requests",
        Topic::Lost => "somebody removed reports from the spool",
        Topic::NewQueue => "the database of the queue was lost and made again",
        Topic::Control => "commands get no answer from the service",
        Topic::Spool => "something in the spool is not the service's",
        Topic::Log => "the log file cannot be written",
        Topic::Clock => "this machine's clock is not that of the server",
    }
}

/// See the module. Queue and disk are as [`crate::observed::Observed::look`] saw them last.
pub fn details_json(view: &View, audience: Audience) -> Value {
    let status = &view.status;
    let here = audience == Audience::Here;
    let reason = not_ready(view, audience);
    let now = Timestamp::now();
    json!({
        "healthy": reason.is_none(),
        "status": if reason.is_none() { "ready" } else { "not ready" },
        "reason": reason,
        "timestamp": utc(now),
        "details": details(view, here, now, status),
    })
}

fn details(view: &View, here: bool, now: Timestamp, status: &Status) -> Value {
    let shown = |text: String, in_words: &str| if here { text } else { in_words.to_owned() };
    let problems: Map<String, Value> = status
        .problems()
        .into_iter()
        .map(|(area, what)| (area.name().to_owned(), shown(what, area_in_words(area)).into()))
        .collect();
    let notes: Map<String, Value> = status
        .notes()
        .into_iter()
        .map(|(topic, what)| (topic.name().to_owned(), shown(what, topic_in_words(topic)).into()))
        .collect();
    let counts = status.counts();
    let (last_error_at, last_error) = status.last_error().unzip();
    let failed = status.failed_files();
    let newest = failed.newest.filter(|_| here).map(|newest| {
        json!({
            "file": newest.file, "time": newest.time, "reason": newest.reason, "what_to_do": newest.what_to_do,
        })
    });
    let seen = status.observed();
    let answers: Map<String, Value> = seen
        .answers()
        .into_iter()
        .map(|(status, times)| (status.map_or("none".to_owned(), |status| status.to_string()), times.into()))
        .collect();
    let oldest = seen.oldest().filter(|_| counts.pending > 0);
    let last: Vec<Value> = seen.last().iter().map(|ended| ended_json(ended, here)).collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "station": view.station,
        "service_status": status.phase().name(),
        "api_status": if status.online() { "Online" } else { "Offline" },
        "uptime_seconds": status.uptime().as_secs(),
        "pending_count": counts.pending,
        "oldest_waiting_seconds": oldest.map(|since| now.duration_since(since).as_secs().max(0)),
        "delivered_count": counts.delivered,
        "last_delivery": seen.last_delivery().map(utc),
        "failed_count": counts.failed,
        "lost_count": counts.lost,
        "parked_count": counts.parked,
        "parked": status.parked_reports().map(|parked| json!({
            "count": parked.count,
            "newest": here.then_some(parked.newest),
            "since": utc(parked.since),
            "reason": here.then_some(parked.why),
            "try_now": RELOAD,
        })),
        "pace_per_minute": status.pace(),
        "answers": answers,
        "failed_folder_files": failed.files,
        "failed_folder_newest": newest,
        "last_reports": last,
        "last_error": last_error.filter(|_| here),
        "last_error_at": last_error_at.map(utc),
        "problems": problems,
        "notes": notes,
        "not_taken": status.not_taken(),
        "folders": status.folders().iter().map(|folder| folder.to_json(here)).collect::<Vec<_>>(),
        "free_bytes": seen.free_bytes(),
        "clock_offset_seconds": seen.clock_offset(),
        "config_path": here.then(|| view.config_path.to_string_lossy()),
    })
}

fn ended_json(ended: &Ended, here: bool) -> Value {
    let refused = ended.refused.as_ref();
    let shown = refused.filter(|_| here);
    json!({
        "time": utc(ended.time),
        "file": here.then_some(&ended.file),
        "serial_number": ended.serial_number.as_ref().filter(|_| here),
        "id": ended.id.as_ref().filter(|_| here),
        "outcome": if refused.is_some() { "refused" } else { "delivered" },
        "reason": shown.map(|refused| &refused.reason),
        "what_to_do": shown.map(|refused| &refused.what_to_do),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::Refused;
    use crate::status::{Parked, Phase};

    /// A service that has met a lot.
    fn view() -> View {
        let status = Arc::new(Status::new());
        status.enter(Phase::Running);
        status.problem(Area::Files, "/secret/watch/SECRET.json: secret reason");
        status.note(Topic::Lost, "report SECRET.json: secret reason");
        status.incident("SECRET.json: refused, secret reason");
        status.parked(Some(Parked {
            count: 1,
            newest: "report SECRET.json".to_owned(),
            since: Timestamp::UNIX_EPOCH,
            why: "secret reason".to_owned(),
        }));
        status.observed().ended(Ended {
            file: "SECRET.json".to_owned(),
            serial_number: Some("SECRET-1".to_owned()),
            id: Some("secret-id".to_owned()),
            refused: Some(Refused {
                reason: "secret".to_owned(),
                what_to_do: "Reveal the secret.".to_owned(),
            }),
            ..Ended::default()
        });
        View {
            status,
            config_path: "/secret/config.json".into(),
            data_dir: "/secret".into(),
            station: "ict-7".to_owned(),
        }
    }

    /// Fails if: somebody elsewhere sees a file, a serial number, an identifier or a reason, or a member is missing for
    /// him; or who may see everything does not.
    #[test]
    fn nothing_of_a_report_goes_elsewhere() {
        let view = view();
        let (here, elsewhere) =
            (details_json(&view, Audience::Here), details_json(&view, Audience::Elsewhere));
        assert!(!elsewhere.to_string().to_lowercase().contains("secret"), "{elsewhere:#}");
        let names = |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        assert_eq!(names(&here["details"]), names(&elsewhere["details"]));
        assert_eq!(elsewhere["details"]["problems"]["files"], "files in a watch folder cannot be taken");
        assert!(elsewhere["reason"].as_str().unwrap().contains("files in a watch folder"), "{elsewhere:#}");
        let report = &here["details"]["last_reports"][0];
        assert_eq!(report["what_to_do"], "Reveal the secret.");
        assert_eq!(report["outcome"], "refused");
        assert_eq!(here["reason"], "/secret/watch/SECRET.json: secret reason");
        assert_eq!(here["details"]["station"], "ict-7");
    }
}
