//! Answers requests, given the queue, the status and the configuration; knows no socket. Blocks for as long as the
//! disk takes.

use super::back::{self, Wanted};
use super::{Reply, Request, Role, failed, sending};
use crate::config::Config;
use crate::disposition::{Reason, Routes, Stage};
use crate::queue::listing::{Listed, Prefix, SHORTEST, State};
use crate::queue::{Granted, Note, Queue, Wish};
use crate::status::{About, utc};
use crate::upload::meaning_of;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::fmt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// Rows of a page, unless somebody asks for fewer or more.
const PAGE: usize = 100;
/// Rows of a page at most.
pub const MOST: usize = 1000;
/// The largest body of a request that is no report.
const LARGEST: u64 = 1 << 20;
/// How long the upload may take to grant a wish.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes the value that describes the service.
pub type Details = Box<dyn Fn() -> Value + Send + Sync>;

/// See the module.
pub struct Desk {
    service: Service,
    state: Mutex<Known>,
    /// One report is sent at a time: two with one identifier are judged one after the other.
    sending: Mutex<()>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("queue", &self.state().queue).finish_non_exhaustive()
    }
}

/// Who uploads.
enum Service {
    /// This process does; this has everything tried at once.
    Runs { try_all: Box<dyn Fn() + Send + Sync> },
    /// Nobody does.
    IsDown,
}

/// What changes while the service runs.
struct Known {
    config: Arc<Config>,
    details: Arc<Details>,
    queue: Option<Open>,
}

/// A queue that somebody holds open.
#[derive(Clone, Debug)]
pub struct Open {
    /// The queue: who starts the pipeline anew must be able to close it.
    pub queue: Weak<Queue>,
    /// Wakes the upload.
    pub queued: Arc<Notify>,
    /// Who counts what lies in the folders for refused files.
    pub ends: Weak<Routes>,
}

/// What a request is about.
#[derive(Debug, PartialEq, Eq)]
enum Route<'a> {
    Status,
    Queue,
    Entry(&'a str),
    Retry(&'a str),
    RetryAll,
    Drop(&'a str),
    Failed,
    RetryFailed,
    Send,
    Reprocess,
}

impl Desk {
    /// The desk of the running service, which has no queue yet. `try_all` has the upload try everything at once.
    pub fn of_service(config: Config, details: Details, try_all: Box<dyn Fn() + Send + Sync>) -> Self {
        Desk::new(Service::Runs { try_all }, config, details)
    }

    /// The desk of a command while the service is down. The queue is the command's.
    pub fn offline(config: Config, details: Details, queue: &Arc<Queue>) -> Self {
        let desk = Desk::new(Service::IsDown, config, details);
        desk.open(Open { queue: Arc::downgrade(queue), queued: Arc::default(), ends: Weak::new() });
        desk
    }

    fn new(service: Service, config: Config, details: Details) -> Self {
        let known = Known { config: Arc::new(config), details: Arc::new(details), queue: None };
        Desk { service, state: Mutex::new(known), sending: Mutex::new(()) }
    }

    fn state(&self) -> MutexGuard<'_, Known> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration has changed.
    pub fn configure(&self, config: Config, details: Details) {
        let mut state = self.state();
        state.config = Arc::new(config);
        state.details = Arc::new(details);
    }

    /// The queue is open.
    pub fn open(&self, open: Open) {
        self.state().queue = Some(open);
    }

    /// The queue is closed.
    pub fn close(&self) {
        self.state().queue = None;
    }

    /// Refuses what this door does not allow, before its body is read; says how large that may be.
    ///
    /// # Errors
    /// The answer, if it is refused.
    pub fn admit(&self, role: Role, method: &Method, path: &str) -> Result<u64, Reply> {
        let route = route(method, path)?;
        if role < route.least() {
            return Err(Reply::error(
                StatusCode::FORBIDDEN,
                "operators may look and send reports; this is for administrators",
                if cfg!(windows) {
                    "Run the command from a prompt that was opened with \"Run as administrator\"."
                } else {
                    "Run the command as root, as with sudo."
                },
            ));
        }
        Ok(match route {
            Route::Send => self.state().config.client.max_report_bytes,
            _ => LARGEST,
        })
    }

    /// Whether the answer will describe the service.
    pub fn is_asked_for_status(request: &Request) -> bool {
        matches!(route(&request.method, &request.path), Ok(Route::Status))
    }

    /// Answers a request that came through the door of this role.
    pub fn answer(&self, role: Role, request: &Request) -> Reply {
        self.admit(role, &request.method, &request.path)
            .and_then(|_| self.answer_admitted(request))
            .unwrap_or_else(|refused| refused)
    }

    fn answer_admitted(&self, request: &Request) -> Result<Reply, Reply> {
        match route(&request.method, &request.path)? {
            Route::Status => Ok(Reply::ok(self.details())),
            Route::Queue => self.page(request),
            Route::Entry(id) => {
                let entries: Vec<Value> = self.find(id)?.iter().map(shown).collect();
                Ok(Reply::ok(json!({ "entries": entries })))
            }
            Route::Retry(id) => self.retry(id),
            Route::RetryAll => self.retry_all(),
            Route::Drop(id) => self.drop_report(id),
            Route::Failed => {
                let limit = number(request, "limit")?.unwrap_or(PAGE).min(MOST);
                Ok(Reply::ok(failed::list(&self.config(), limit)))
            }
            Route::RetryFailed => self.take_back(&Wanted::failed(&request.body)?),
            Route::Reprocess => self.take_back(&Wanted::read(&request.body)?),
            Route::Send => {
                let _one_at_a_time = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
                let (queue, queued) = self.queue()?;
                let name = request.value("name").unwrap_or_default();
                let reply = sending::take_in(&self.config(), &queue, &name, &request.body)?;
                queued.notify_one();
                Ok(reply)
            }
        }
    }

    /// Takes files back, and counts those that are left: who has just done it looks at how many there are.
    fn take_back(&self, wanted: &Wanted) -> Result<Reply, Reply> {
        let reply = back::take_back(&self.config(), wanted);
        let ends = self.state().queue.as_ref().and_then(|open| open.ends.upgrade());
        if let Some(ends) = ends
            && let Err(error) = ends.taken_back()
        {
            tracing::debug!("a folder for refused files cannot be read: {error}");
        }
        reply
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.state().config)
    }

    fn details(&self) -> Value {
        let details = Arc::clone(&self.state().details);
        details()
    }

    fn queue(&self) -> Result<(Arc<Queue>, Arc<Notify>), Reply> {
        let open = self.state().queue.clone();
        open.and_then(|open| Some((open.queue.upgrade()?, open.queued))).ok_or_else(|| {
            Reply::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "the service is starting, or cannot open its queue",
                "Try again in a moment; pywats-client status says what it is waiting for.",
            )
        })
    }

    fn page(&self, request: &Request) -> Result<Reply, Reply> {
        let limit = number(request, "limit")?.unwrap_or(PAGE).clamp(1, MOST);
        let after = number(request, "after")?.unwrap_or(0);
        let (queue, _) = self.queue()?;
        let listed = queue.list(after, limit).map_err(Reply::failed)?;
        let next = listed.last().filter(|_| listed.len() == limit).map(|last| last.entry.seq);
        let entries: Vec<Value> = listed.iter().map(shown).collect();
        let counts = queue.counts();
        Ok(Reply::ok(json!({
            "entries": entries,
            "next": next,
            "counts": {
                "waiting": counts.waiting,
                "parked": counts.parked,
                "delivered": counts.delivered,
                "failed": counts.failed,
                "lost": counts.lost,
            },
        })))
    }

    /// The reports that are meant: those of one identifier, which are several if a corrected one came.
    fn find(&self, id: &str) -> Result<Vec<Listed>, Reply> {
        let prefix = Prefix::parse(id).ok_or_else(|| {
            Reply::error(
                StatusCode::BAD_REQUEST,
                format!("{id:?} is no identifier, and not the beginning of one"),
                format!(
                    "Write at least its first {SHORTEST} characters, as pywats-client queue list shows it."
                ),
            )
        })?;
        let (queue, _) = self.queue()?;
        let found = queue.find(prefix, MOST).map_err(Reply::failed)?;
        let Some(first) = found.first() else {
            return Err(Reply::error(
                StatusCode::NOT_FOUND,
                format!("no report waits whose identifier is or begins with {id}"),
                "It may have been delivered or refused meanwhile; pywats-client queue list and pywats-client failed \
                 list show what there is.",
            ));
        };
        if let Some(other) = found.iter().find(|one| one.entry.id != first.entry.id) {
            return Err(Reply::error(
                StatusCode::CONFLICT,
                format!(
                    "several reports wait whose identifiers begin with {id}: {} and {}",
                    first.entry.id, other.entry.id
                ),
                "Write more of the identifier.",
            ));
        }
        Ok(found)
    }

    fn retry(&self, id: &str) -> Result<Reply, Reply> {
        let found = self.find(id)?;
        let (queue, queued) = self.queue()?;
        match &self.service {
            Service::Runs { .. } => {
                found.iter().for_each(|one| queue.wish(Wish::Retry(one.entry.seq)));
                queued.notify_one();
            }
            Service::IsDown => clear(&queue, &found)?,
        }
        Ok(Reply::ok(json!({ "retried": found.len(), "running": self.runs() })))
    }

    fn retry_all(&self) -> Result<Reply, Reply> {
        let (queue, _) = self.queue()?;
        match &self.service {
            Service::Runs { try_all } => try_all(),
            Service::IsDown => {
                let mut after = 0;
                loop {
                    let page = queue.list(after, MOST).map_err(Reply::failed)?;
                    let Some(last) = page.last() else { break };
                    after = last.entry.seq;
                    clear(&queue, &page)?;
                }
            }
        }
        Ok(Reply::ok(json!({ "retried": queue.counts().waiting, "running": self.runs() })))
    }

    fn drop_report(&self, id: &str) -> Result<Reply, Reply> {
        let found = self.find(id)?;
        let (queue, queued) = self.queue()?;
        for one in &found {
            let (seq, reason) = (one.entry.seq, reason(one));
            match &self.service {
                Service::Runs { .. } => {
                    let (granted, answer) = channel();
                    queue.wish(Wish::Drop { seq, reason, granted });
                    queued.notify_one();
                    match answer.recv_timeout(PATIENCE) {
                        Ok(Granted::Yes) => {}
                        Ok(Granted::OnItsWay) => return Err(on_its_way(one)),
                        Err(_) => return Err(not_known(one)),
                    }
                }
                Service::IsDown => {
                    queue.note(&[(seq, Note::Dropped(reason))]).map_err(Reply::failed)?;
                }
            }
            let about = About::entry(&one.entry);
            tracing::info!(
                report = about.report(),
                file = about.file(),
                folder = about.folder(),
                "report {} ({:?}): dropped by an administrator",
                one.entry.id,
                one.entry.name
            );
        }
        if !self.runs() {
            // What cannot be moved now the service moves when it runs.
            while queue.settle(&Routes::new(&self.config()), PAGE).is_ok_and(|settled| settled.more) {}
        }
        let dropped: Vec<Value> = found.iter().map(shown).collect();
        Ok(Reply::ok(json!({ "dropped": dropped, "running": self.runs() })))
    }

    fn runs(&self) -> bool {
        matches!(self.service, Service::Runs { .. })
    }
}

impl Route<'_> {
    /// Who may ask for it at least.
    fn least(&self) -> Role {
        match self {
            Route::Status | Route::Queue | Route::Entry(_) | Route::Failed | Route::Send => Role::Operator,
            Route::Retry(_) | Route::RetryAll | Route::Drop(_) | Route::RetryFailed | Route::Reprocess => {
                Role::Administrator
            }
        }
    }
}

fn route<'a>(method: &Method, path: &'a str) -> Result<Route<'a>, Reply> {
    let same_version = "Use the pywats-client of the same version as the service.";
    let parts: Vec<&str> = path.strip_prefix("/v1/").unwrap_or_default().split('/').collect();
    let known = match parts.as_slice() {
        ["status"] => vec![(Method::GET, Route::Status)],
        ["queue"] => vec![(Method::GET, Route::Queue)],
        ["queue", "retry"] => vec![(Method::POST, Route::RetryAll)],
        ["queue", id] => vec![(Method::GET, Route::Entry(id)), (Method::DELETE, Route::Drop(id))],
        ["queue", id, "retry"] => vec![(Method::POST, Route::Retry(id))],
        ["failed"] => vec![(Method::GET, Route::Failed)],
        ["failed", "retry"] => vec![(Method::POST, Route::RetryFailed)],
        ["reports"] => vec![(Method::POST, Route::Send)],
        ["reprocess"] => vec![(Method::POST, Route::Reprocess)],
        _ => {
            let error = format!("the service knows no {path:?}");
            return Err(Reply::error(StatusCode::NOT_FOUND, error, same_version));
        }
    };
    let methods: Vec<String> = known.iter().map(|(method, _)| method.to_string()).collect();
    known.into_iter().find(|(needed, _)| needed == method).map(|(_, route)| route).ok_or_else(|| {
        let error = format!("{method} is not what can be done with {path}; {} is", methods.join(" or "));
        Reply::error(StatusCode::METHOD_NOT_ALLOWED, error, same_version)
    })
}

fn number<T: std::str::FromStr>(request: &Request, key: &str) -> Result<Option<T>, Reply> {
    let Some(text) = request.value(key) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Reply::bad(format!("{key}={text:?} is not a usable number")))
}

/// Has reports sent in turn again, when the service runs.
fn clear(queue: &Queue, listed: &[Listed]) -> Result<(), Reply> {
    let troubled = listed.iter().filter(|one| matches!(one.state, State::Suspect | State::Parked));
    let notes: Vec<(i64, Note)> = troubled.map(|one| (one.entry.seq, Note::Cleared)).collect();
    queue.note(&notes).map_err(Reply::failed)
}

/// The content of the reason file of a report that was given up.
fn reason(one: &Listed) -> String {
    let entry = &one.entry;
    let met = one.met.as_ref().map(|met| format!("; it had met: {}", meaning_of(&met.kind)));
    Reason {
        stage: Stage::Upload,
        reason: format!(
            "dropped from the queue by an administrator, before the server had accepted it{}",
            met.unwrap_or_default()
        ),
        words: None,
        what_to_do: "Nothing, if it is not wanted. Otherwise take it back with pywats-client failed retry, or drop \
                     it into the watch folder again.",
        server_status: None,
        attempts: entry.attempts,
        id: Some(entry.id),
        // Of a file that was not judged yet nobody knows what is in it.
        sha256: (entry.sha256 != [0; 32]).then_some(entry.sha256),
        superseded: false,
        incomplete: None,
    }
    .to_json(&entry.name)
}

fn on_its_way(one: &Listed) -> Reply {
    Reply::error(
        StatusCode::CONFLICT,
        format!("report {} is on its way to the server just now", one.entry.id),
        "Look with pywats-client queue list in a moment, and drop it then if it still waits.",
    )
}

/// The wish stands: it is granted as soon as the upload or the disk can.
fn not_known(one: &Listed) -> Reply {
    Reply::error(
        StatusCode::SERVICE_UNAVAILABLE,
        format!(
            "report {} is to be dropped, but within {} s that did not get onto the disk; it is not known whether it \
             will be",
            one.entry.id,
            PATIENCE.as_secs()
        ),
        "Look with pywats-client queue list in a moment, and drop it again if it still waits; pywats-client status \
         says what the service is waiting for.",
    )
}

/// A report that waits, as JSON.
fn shown(one: &Listed) -> Value {
    let entry = &one.entry;
    json!({
        "row": entry.seq,
        "id": entry.id.to_string(),
        "file": entry.name.to_string_lossy(),
        "folder": (!entry.folder.as_os_str().is_empty()).then(|| entry.folder.to_string_lossy()),
        "serial_number": one.serial_number,
        "size": entry.size,
        "state": one.state.name(),
        "attempts": entry.attempts,
        "queued": one.queued.map(utc),
        "since": one.met.as_ref().map(|met| utc(met.since)),
        "why": one.met.as_ref().map(|met| meaning_of(&met.kind)),
    })
}
