//! What the page says of the state: one mood, one headline, and what somebody has to do.

use super::words;
use jiff::Timestamp;
use serde_json::Value;

/// For so long a refused report is news: what lies in a failed folder for longer was seen.
const NEWS_SECONDS: i64 = 24 * 3600;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// Nothing needs to be done.
    Good,
    /// Reports go through, but somebody should have a look.
    Look,
    /// Reports do not go through.
    Bad,
}

impl Mood {
    /// The picture in the tab.
    pub(super) fn icon(self) -> &'static str {
        match self {
            Mood::Good => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Ccircle cx='4' \
                 cy='4' r='4' fill='%231c7c4a'/%3E%3C/svg%3E"
            }
            Mood::Look => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Cpath d='M4 0l4 \
                 8H0z' fill='%23e0a100'/%3E%3C/svg%3E"
            }
            Mood::Bad => {
                "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Cpath d='M0 0h8v8H0z' \
                 fill='%23b3202a'/%3E%3C/svg%3E"
            }
        }
    }

    /// The symbol, in the color of the text around it.
    pub(super) fn shape(self) -> &'static str {
        match self {
            Mood::Good => {
                "<circle cx=\"12\" cy=\"12\" r=\"11\" fill=\"currentColor\"/>\
                 <path class=\"sign\" d=\"M6.5 12.5l3.8 3.8 7.2-8\"/>"
            }
            Mood::Look => {
                "<path d=\"M12 1.5L23.2 21.5H.8z\" fill=\"currentColor\" stroke=\"currentColor\" \
                 stroke-linejoin=\"round\"/><path class=\"sign\" d=\"M12 8.5v6M12 18v.1\"/>"
            }
            Mood::Bad => {
                "<path d=\"M7.4 1h9.2L23 7.4v9.2L16.6 23H7.4L1 16.6V7.4z\" fill=\"currentColor\"/>\
                 <path class=\"sign\" d=\"M8 8l8 8M16 8l-8 8\"/>"
            }
        }
    }
}

/// The headline.
pub(super) struct State {
    pub(super) mood: Mood,
    pub(super) words: &'static str,
    pub(super) sentence: String,
}

/// What somebody has to do, or should know.
pub(super) struct Task {
    pub(super) mood: Mood,
    pub(super) title: String,
    pub(super) what: String,
    pub(super) deed: Option<String>,
}

/// How the service is, now.
pub(super) fn state(body: &Value, now: Timestamp) -> State {
    let details = &body["details"];
    let state = |mood, words, sentence: &str| State { mood, words, sentence: sentence.to_owned() };
    match details["service_status"].as_str().unwrap_or_default() {
        "StartPending" if problems(details) == 0 => {
            return state(Mood::Look, "Starting", "The folders are being opened.");
        }
        "StopPending" => return state(Mood::Look, "Stopping", "What waits is sent after the next start."),
        _ => {}
    }
    if body["healthy"] == true {
        if tasks(details).iter().any(|task| !task.title.starts_with("Refused")) || was_refused(details, now) {
            return state(Mood::Look, "Have a look", "Reports are delivered, but something needs a person.");
        }
        return state(Mood::Good, "All is well", "Reports are taken and delivered.");
    }
    if problems(details) == 0 {
        return state(Mood::Look, "Starting", body["reason"].as_str().unwrap_or("The server is asked."));
    }
    let takes =
        ["configuration", "storage", "watch_folder"].iter().all(|area| details["problems"][area].is_null());
    let sentence = match (takes, details["pending_count"].as_u64().unwrap_or_default()) {
        (false, _) => "Reports are not taken. They stay where they are; nothing is lost.".to_owned(),
        (true, 0) => "Something needs a person. Nothing is lost.".to_owned(),
        (true, 1) => "1 report waits here until this is solved. Nothing is lost.".to_owned(),
        (true, count) => {
            format!("{} reports wait here until this is solved. Nothing is lost.", words::count(count))
        }
    };
    State { mood: Mood::Bad, words: "Needs help", sentence }
}

fn problems(details: &Value) -> usize {
    details["problems"].as_object().map_or(0, serde_json::Map::len)
}

/// Whether a report was refused of late.
fn was_refused(details: &Value, now: Timestamp) -> bool {
    let newest = &details["failed_folder_newest"]["time"];
    let refused = details["last_reports"].as_array().into_iter().flatten();
    let mut refused = refused.filter(|report| report["outcome"] == "refused").map(|report| &report["time"]);
    let is_news = |time: &Value| {
        let time = time.as_str().and_then(|time| time.parse::<Timestamp>().ok());
        time.is_some_and(|time| now.as_second() - time.as_second() < NEWS_SECONDS)
    };
    details["failed_folder_files"].as_u64() > Some(0) && (is_news(newest) || refused.any(is_news))
}

/// What there is to do, the worst first.
pub(super) fn tasks(details: &Value) -> Vec<Task> {
    let said = |mood, members: &Value, titles: fn(&str) -> &'static str| -> Vec<Task> {
        let members = members.as_object().into_iter().flatten();
        let texts = members.filter_map(|(name, text)| Some((name, text.as_str()?)));
        texts
            .map(|(name, text)| {
                let (what, deed) = split(text);
                Task { mood, title: titles(name).to_owned(), what, deed }
            })
            .collect()
    };
    let mut tasks = said(Mood::Bad, &details["problems"], of_area);
    let parked = &details["parked"];
    if let Some(count) = parked["count"].as_u64() {
        let newest = parked["newest"].as_str().map(|newest| format!(" The last one is {newest}: "));
        let why = newest.zip(parked["reason"].as_str()).map(|(newest, why)| format!("{newest}{why}."));
        tasks.push(Task {
            mood: Mood::Look,
            title: format!("Parked reports: {}", words::count(count)),
            what: format!("They stay queued and are tried daily.{}", why.unwrap_or_default()),
            deed: parked["try_now"].as_str().map(|command| format!("To try them at once: {command}")),
        });
    }
    tasks.extend(said(Mood::Look, &details["notes"], of_topic));
    tasks.extend(refused(details));
    tasks
}

fn refused(details: &Value) -> Option<Task> {
    let files = details["failed_folder_files"].as_u64().filter(|files| *files > 0)?;
    let newest = &details["failed_folder_newest"];
    let what = match (newest["file"].as_str(), newest["reason"].as_str()) {
        (Some(file), Some(reason)) => {
            sentence(&format!("The newest in the failed folder is {file}: {reason}"))
        }
        _ => "Beside each in the failed folder lies its reason.".to_owned(),
    };
    let deed = newest["what_to_do"].as_str().filter(|deed| !deed.is_empty()).map(str::to_owned);
    Some(Task { mood: Mood::Look, title: format!("Refused: {}", words::files(files)), what, deed })
}

/// What is wrong, and what to do about it: the texts of the service end with that.
fn split(text: &str) -> (String, Option<String>) {
    match text.split_once("; ") {
        Some((what, deed)) => (sentence(what), Some(sentence(deed))),
        None => (sentence(text), None),
    }
}

/// With a capital letter at its start and a full stop at its end.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{}{stop}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

fn of_area(name: &str) -> &'static str {
    match name {
        "configuration" => "Configuration",
        "storage" => "Data folder",
        "queue" => "Queue",
        "watch_folder" => "Watch folder",
        "files" => "Files that cannot be taken",
        "folders" => "Done and failed folders",
        "server" => "Server",
        "reports" => "Reports that the server does not take",
        "health" => "Health endpoints",
        _ => "Problem",
    }
}

fn of_topic(name: &str) -> &'static str {
    match name {
        "not_taken" => "Files that nobody takes",
        "events" => "News of the watch folder",
        "writers" => "Files that are being written",
        "pace" => "Pace of the server",
        "lost" => "Lost reports",
        "queue_is_new" => "The queue is new",
        "spool" => "Foreign files in the spool",
        "clock" => "The clock",
        "log" => "The log",
        _ => "Note",
    }
}

/// `Not taken: 3 spreadsheets, 1 picture.`, if any.
pub(super) fn not_taken(kinds: &Value) -> Option<String> {
    let kinds = kinds.as_object().filter(|kinds| !kinds.is_empty())?;
    let parts: Vec<String> = kinds
        .iter()
        .map(|(kind, count)| format!("{} {kind}", words::count(count.as_u64().unwrap_or_default())))
        .collect();
    Some(format!("Not taken: {}.", parts.join(", ")))
}
