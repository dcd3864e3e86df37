//! What the service knows about itself: its problems, its counts and whether its workers are alive.
//!
//! Workers report here; the health endpoints, the service manager and the log read it. A problem is
//! logged when it appears or changes and when it is over, however often it is reported.

mod about;
mod folder;

pub use about::About;
pub use folder::{FolderStatus, FolderView, SHOWN};

use crate::config::watch_folders::WatchFolder;
use crate::disposition::Census;
use crate::observed::Observed;
use crate::service::RELOAD;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// An area in which there is at most one problem at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// The configuration file or the environment cannot be used.
    Configuration,
    /// The data folder, or the database while files are taken.
    Storage,
    /// The database while reports are uploaded.
    Queue,
    /// The watch folder.
    Watch,
    /// Files in the watch folder that cannot be taken.
    Files,
    /// The done and failed folders.
    Folders,
    /// The server, the way to it, or what is missing to reach it.
    Server,
    /// Reports that the server does not take while it takes others.
    Reports,
    /// The health endpoints.
    Health,
}

/// Something that people should know and that keeps the service from nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Files and folders in the watch folder that nobody takes.
    NotTaken,
    /// The system sends no news of the watch folder.
    Events,
    /// The system does not tell whether a file is still being written.
    Writers,
    /// The server has asked for fewer requests, and reports wait because of it.
    Pace,
    /// Somebody removed reports from the spool.
    Lost,
    /// The database of the queue was lost.
    NewQueue,
    /// Something lies in the spool that is not the service's.
    Spool,
    /// This machine's clock is not that of the server.
    Clock,
    /// The log file cannot be written.
    Log,
    /// The doors for the command line.
    Control,
}

/// A worker that must show that it is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Worker {
    /// Takes files from the watch folder.
    Intake,
    /// Uploads reports.
    Upload,
}

/// The states of the service, in the words of the Windows service manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not yet watching.
    StartPending,
    /// Watching and uploading.
    Running,
    /// On its way out.
    StopPending,
}

/// Counts for the health endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reports that wait for the server.
    pub pending: u64,
    /// Those of them that are only tried daily.
    pub parked: u64,
    /// Reports that the server has accepted since the queue was created.
    pub delivered: u64,
    /// Files that were refused since the queue was created.
    pub failed: u64,
    /// Reports whose file somebody removed from the spool since the queue was created.
    pub lost: u64,
}

/// Reports that the server does not take while it takes others: they stay queued and are tried daily.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// How many.
    pub count: usize,
    /// The one that was parked last, for people.
    pub newest: String,
    /// When that was.
    pub since: Timestamp,
    /// What the server said about it.
    pub why: String,
}

/// Which folder, or sub-folder of one, something is about; empty for the whole service.
type Place = Arc<str>;

/// A folder whose worker has shown no sign of life for this long is a problem: most likely its server does not answer.
const SILENT: Duration = Duration::from_secs(60);

/// How long a note names a lost report.
const TOLD: Duration = Duration::from_secs(24 * 3600);

/// Reports that were lost since the service was started.
#[derive(Debug)]
struct Lost {
    count: u64,
    /// The last one, for people.
    what: String,
    last: Instant,
}

/// See the module.
#[derive(Debug)]
pub struct Status {
    started: Instant,
    inner: Mutex<Inner>,
    observed: Observed,
}

#[derive(Debug)]
struct Inner {
    phase: Phase,
    online: bool,
    problems: BTreeMap<(Area, Place), String>,
    notes: BTreeMap<(Topic, Place), String>,
    not_taken: BTreeMap<Place, BTreeMap<String, u64>>,
    /// Some names of files that wait for the rest of their text.
    incomplete: BTreeMap<Place, Vec<String>>,
    folders: Vec<WatchFolder>,
    /// The folders of which the system sends no news, or is not asked to.
    polled: BTreeSet<Place>,
    last_error: Option<(Timestamp, String)>,
    counts: Counts,
    failed: Arc<Mutex<Census>>,
    parked: Option<Parked>,
    lost: Option<Lost>,
    pace: Option<u32>,
    beats: BTreeMap<(Worker, Place), Instant>,
}

impl Status {
    /// The status of a service that is about to start.
    pub fn new() -> Self {
        Status {
            started: Instant::now(),
            observed: Observed::default(),
            inner: Mutex::new(Inner {
                phase: Phase::StartPending,
                online: false,
                problems: BTreeMap::new(),
                notes: BTreeMap::new(),
                not_taken: BTreeMap::new(),
                incomplete: BTreeMap::new(),
                folders: Vec::new(),
                polled: BTreeSet::new(),
                last_error: None,
                counts: Counts::default(),
                parked: None,
                lost: None,
                pace: None,
                failed: Arc::default(),
                beats: BTreeMap::new(),
            }),
        }
    }

    /// What was seen lately.
    pub fn observed(&self) -> &Observed {
        &self.observed
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is a problem; `what` says which and what to do.
    pub fn problem(&self, area: Area, what: impl Into<String>) {
        self.problem_of(area, &Place::default(), what.into());
    }

    fn problem_of(&self, area: Area, place: &Place, what: String) {
        let mut inner = self.inner();
        if area == Area::Server {
            inner.online = false;
        }
        let key = (area, Arc::clone(place));
        if inner.problems.get(&key) != Some(&what) {
            tracing::warn!(folder = inner.path_of(place), "{what}");
            inner.last_error = Some((Timestamp::now(), what.clone()));
            inner.problems.insert(key, what);
        }
    }

    /// There is no problem, or not any more.
    pub fn fine(&self, area: Area) {
        self.fine_of(area, &Place::default());
    }

    fn fine_of(&self, area: Area, place: &Place) {
        let mut inner = self.inner();
        if area == Area::Server && !inner.online {
            inner.online = true;
            tracing::info!("the server answers");
        }
        if let Some(was) = inner.problems.remove(&(area, Arc::clone(place))) {
            tracing::info!(folder = inner.path_of(place), "over: {was}");
        }
    }

    /// Something went wrong that is over already, such as a refused file.
    pub fn incident(&self, what: impl Into<String>) {
        self.incident_about(what, About::default());
    }

    /// The same for what concerns a report, a file or a folder.
    pub fn incident_about(&self, what: impl Into<String>, about: About<'_>) {
        let what = what.into();
        tracing::warn!(report = about.report(), file = about.file(), folder = about.folder(), "{what}");
        self.inner().last_error = Some((Timestamp::now(), what));
    }

    /// Something that people should know; logged when it appears.
    pub fn note(&self, topic: Topic, what: impl Into<String>) {
        self.note_of(topic, &Place::default(), what.into());
    }

    fn note_of(&self, topic: Topic, place: &Place, what: String) {
        let mut inner = self.inner();
        let key = (topic, Arc::clone(place));
        if inner.notes.get(&key) != Some(&what) {
            tracing::warn!(folder = inner.path_of(place), "{what}");
            inner.notes.insert(key, what);
        }
    }

    /// What was noted does not hold any more.
    pub fn forget(&self, topic: Topic) {
        self.forget_of(topic, &Place::default());
    }

    fn forget_of(&self, topic: Topic, place: &Place) {
        let mut inner = self.inner();
        if let Some(was) = inner.notes.remove(&(topic, Arc::clone(place))) {
            tracing::info!(folder = inner.path_of(place), "over: {was}");
        }
    }

    /// A report is lost: the log has it, and for a day a note that names the last one.
    pub fn lost(&self, what: impl Into<String>, about: About<'_>) {
        let what = what.into();
        self.incident_about(what.as_str(), about);
        let mut inner = self.inner();
        let count = inner.lost.as_ref().map_or(0, |lost| lost.count) + 1;
        inner.lost = Some(Lost { count, what, last: Instant::now() });
    }

    /// How many reports a minute the server lets through, as it was learnt.
    pub fn learnt_pace(&self, per_minute: Option<u32>) {
        self.inner().pace = per_minute;
    }

    /// How many reports a minute the server lets through; `None` if it has not limited them.
    pub fn pace(&self) -> Option<u32> {
        self.inner().pace
    }

    /// What was noted.
    pub fn notes(&self) -> BTreeMap<Topic, String> {
        let inner = self.inner();
        let mut notes = by_kind(inner.notes.iter());
        if let Some(lost) = inner.lost.as_ref().filter(|lost| lost.last.elapsed() < TOLD) {
            let others =
                if lost.count > 1 { format!(" ({} more before it)", lost.count - 1) } else { String::new() };
            notes.insert(Topic::Lost, format!("{}{others}", lost.what));
        }
        notes
    }

    /// How many names of each kind lie in the watch folders without being taken.
    pub fn not_taken(&self) -> BTreeMap<String, u64> {
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for (kind, count) in self.inner().not_taken.values().flatten() {
            *all.entry(kind.clone()).or_default() += count;
        }
        all
    }

    /// The service enters another phase.
    pub fn enter(&self, phase: Phase) {
        self.inner().phase = phase;
    }

    /// The phase.
    pub fn phase(&self) -> Phase {
        self.inner().phase
    }

    /// Whether the server answered the last time it was asked.
    pub fn online(&self) -> bool {
        self.inner().online
    }

    /// What went wrong last, be it over or not, and when it began.
    pub fn last_error(&self) -> Option<(Timestamp, String)> {
        self.inner().last_error.clone()
    }

    /// The problems there are.
    pub fn problems(&self) -> BTreeMap<Area, String> {
        let inner = self.inner();
        let mut problems = by_kind(inner.problems.iter());
        let silent: Vec<String> = inner.silent(SILENT).map(|place| inner.is_silent(place)).collect();
        if !silent.is_empty() {
            let known = problems.remove(&Area::Watch);
            problems.insert(Area::Watch, known.into_iter().chain(silent).collect::<Vec<_>>().join("; "));
        }
        problems
    }

    /// Sets the counts.
    pub fn count(&self, counts: Counts) {
        self.inner().counts = counts;
    }

    /// The counts.
    pub fn counts(&self) -> Counts {
        self.inner().counts
    }

    /// Sets what is parked. The log has it when there is one more, and when there is none any more.
    pub fn parked(&self, parked: Option<Parked>) {
        let mut inner = self.inner();
        let count = |parked: &Option<Parked>| parked.as_ref().map_or(0, |parked| parked.count);
        let was = count(&inner.parked);
        match &parked {
            Some(Parked { count, newest, why, .. }) if *count > was => {
                tracing::warn!(
                    "{newest}: parked: it stays queued and is tried daily, after a change of settings, and by \
                     the command {RELOAD}: {why} ({count} reports are parked)"
                );
            }
            None if was > 0 => tracing::info!("no report is parked any more"),
            _ => {}
        }
        inner.parked = parked;
    }

    /// What is parked.
    pub fn parked_reports(&self) -> Option<Parked> {
        self.inner().parked.clone()
    }

    /// Where to look for what lies in the failed folder.
    pub fn lies_in_failed(&self, census: Arc<Mutex<Census>>) {
        self.inner().failed = census;
    }

    /// What lies in the failed folder.
    pub fn failed_files(&self) -> Census {
        let census = Arc::clone(&self.inner().failed);
        census.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long the service has been running.
    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// A worker is alive; it says so again and again until [`Status::retired`].
    pub fn beat(&self, worker: Worker) {
        self.inner().beats.insert((worker, Place::default()), Instant::now());
    }

    /// A worker has ended on purpose.
    pub fn retired(&self, worker: Worker) {
        self.inner().beats.remove(&(worker, Place::default()));
    }

    /// The worker that has not shown a sign of life for `limit`. Of the workers of several folders all must be silent:
    /// a share whose server does not answer stops its own only.
    pub fn hung(&self, limit: Duration) -> Option<Worker> {
        let inner = self.inner();
        let hangs = |worker: Worker| {
            let mut beats = inner.beats.iter().filter(|((of, _), _)| *of == worker).peekable();
            beats.peek().is_some() && beats.all(|(_, beat)| beat.elapsed() > limit)
        };
        [Worker::Intake, Worker::Upload].into_iter().find(|worker| hangs(*worker))
    }

    /// Why the service cannot do its whole work; `None` if it is ready.
    pub fn not_ready(&self) -> Option<String> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Some(problems.into_values().collect::<Vec<_>>().join("; "));
        }
        let inner = self.inner();
        match inner.phase {
            Phase::StartPending => Some("starting".to_owned()),
            Phase::StopPending => Some("stopping".to_owned()),
            Phase::Running if !inner.online => Some("the server has not answered yet".to_owned()),
            Phase::Running => None,
        }
    }
}

impl Inner {
    /// The folders whose worker has not shown a sign of life for `limit` while others have.
    fn silent(&self, limit: Duration) -> impl Iterator<Item = &Place> {
        let of_folder =
            self.beats.iter().filter(|((worker, place), _)| *worker == Worker::Intake && !place.is_empty());
        of_folder.filter(move |(_, beat)| beat.elapsed() > limit).map(|((_, place), _)| place)
    }

    /// The path of a watch folder or of a folder in it, for the log.
    fn path_of(&self, place: &Place) -> Option<String> {
        let folder = self.folders.iter().find(|of| folder::is_in(place, &of.name))?;
        let within = place[folder.name.len()..].trim_start_matches('/');
        let path = if within.is_empty() { folder.path.clone() } else { folder.path.join(within) };
        Some(path.to_string_lossy().into_owned())
    }

    fn is_silent(&self, place: &Place) -> String {
        let path = self.folders.iter().find(|folder| *folder.name == **place).map(|folder| &folder.path);
        format!(
            "watch folder {}: the system has not answered for more than {} seconds; is the server of the share there?",
            path.map(|path| path.display().to_string()).unwrap_or_default(),
            SILENT.as_secs()
        )
    }
}

/// One text for each kind.
fn by_kind<'a, K: Copy + Ord + 'a>(
    texts: impl Iterator<Item = (&'a (K, Place), &'a String)>,
) -> BTreeMap<K, String> {
    let mut all: BTreeMap<K, String> = BTreeMap::new();
    for ((kind, _), text) in texts {
        let known = all.entry(*kind).or_default();
        if !known.is_empty() {
            known.push_str("; ");
        }
        known.push_str(text);
    }
    all
}

impl Default for Status {
    fn default() -> Self {
        Status::new()
    }
}

impl Area {
    /// The name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Area::Configuration => "configuration",
            Area::Storage => "storage",
            Area::Queue => "queue",
            Area::Watch => "watch_folder",
            Area::Files => "files",
            Area::Folders => "folders",
            Area::Server => "server",
            Area::Reports => "reports",
            Area::Health => "health",
        }
    }
}

impl Topic {
    /// The name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Topic::NotTaken => "not_taken",
            Topic::Events => "events",
            Topic::Writers => "writers",
            Topic::Pace => "pace",
            Topic::Lost => "lost",
            Topic::NewQueue => "queue_is_new",
            Topic::Spool => "spool",
            Topic::Clock => "clock",
            Topic::Log => "log",
            Topic::Control => "control",
        }
    }
}

impl Phase {
    /// The name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Phase::StartPending => "StartPending",
            Phase::Running => "Running",
            Phase::StopPending => "StopPending",
        }
    }
}

/// A time as people and monitors read it: [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339), to the second.
pub fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the service calls itself ready while it is starting, has a problem or has not heard
    /// from the server.
    #[test]
    fn readiness() {
        let status = Status::new();
        assert_eq!(status.not_ready().as_deref(), Some("starting"));
        status.enter(Phase::Running);
        assert!(status.not_ready().is_some_and(|reason| reason.contains("not answered")));
        status.fine(Area::Server);
        assert_eq!(status.not_ready(), None);
        status.problem(Area::Server, "gone");
        status.problem(Area::Files, "a.json: denied");
        assert_eq!(status.not_ready().as_deref(), Some("a.json: denied; gone"));
        status.fine(Area::Server);
        status.fine(Area::Files);
        assert_eq!(status.not_ready(), None);
        assert_eq!(status.last_error().unwrap().1, "a.json: denied", "remembered");
    }

    /// Fails if: a worker that stopped beating goes unnoticed, or one that retired counts as hung.
    #[test]
    fn hung_workers() {
        let status = Status::new();
        assert_eq!(status.hung(Duration::ZERO), None, "no worker yet");
        status.beat(Worker::Intake);
        std::thread::sleep(Duration::from_millis(30));
        status.beat(Worker::Upload);
        assert_eq!(status.hung(Duration::from_millis(20)), Some(Worker::Intake));
        assert_eq!(status.hung(Duration::from_secs(60)), None);
        status.retired(Worker::Intake);
        assert_eq!(status.hung(Duration::from_millis(20)), None);
    }

    /// Fails if: a lost report is not logged, or no note names the last one and counts the others.
    #[test]
    fn lost_reports_are_named() {
        let status = Status::new();
        for (what, told) in [("report a", "report a"), ("report b", "report b (1 more before it)")] {
            status.lost(what, About::default());
            assert_eq!(status.last_error().unwrap().1, what);
            assert_eq!(status.notes()[&Topic::Lost], told);
        }
    }
}
