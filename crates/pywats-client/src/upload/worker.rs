//! The task that uploads: asks the [`Schedule`] what to do, lets [`task`] do it, and hands what comes back to
//! both. It never blocks; nothing it does costs in proportion to what waits.

mod disk;
mod supersede;
mod wishes;

use super::held::Held;
use super::judge::DIFFERENT;
use super::line::Line;
use super::notes::Notes;
use super::order::{Numbers, Order};
use super::pace::Pace;
use super::pause::Waits;
use super::schedule::{Asked, Fate, Moment, Schedule, Turn, Untried};
use super::store::{Remote, Store};
use super::task::{self, DiskEvent, Event, NotSent};
use super::tell;
use super::unreadable::Unreadable;
use crate::queue::{self, Entry, Note, Verdict};
use crate::status::{About, Area, Status, Worker};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinError, JoinSet};
use wats::{Failure, FailureKind};
use wishes::Wanted;

/// The longest time without a sign of life.
pub const TICK: Duration = Duration::from_secs(1);
/// How often a disk or folder that refused is tried again, and a server that did not answer while idle.
const RETRY: Duration = Duration::from_secs(10);
/// How often an idle service asks whether the server is there.
const CHECK: Duration = Duration::from_secs(60);
/// How long an upload may go on after the service was told to stop.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of reports in memory at once; a larger report is alone.
const BYTES: u64 = 64 << 20;
/// No more is sent while so much that was answered cannot be committed.
const UNCOMMITTED: usize = 2000;

/// The way to the server, as of the last change of the configuration.
#[derive(Clone, Debug)]
pub struct Link<R> {
    /// The client, or what is missing or wrong with the settings.
    pub remote: Result<R, String>,
    /// How long to wait after failures.
    pub waits: Waits,
    /// `upload.concurrency`
    pub concurrency: usize,
    /// `upload.max_per_minute`
    pub max_per_minute: Option<u32>,
    /// `upload.proof`: an answer as WATS answers is proof enough.
    pub trust_answer: bool,
}

/// What the worker works with.
pub struct Setup<S, R> {
    /// Where reports come from.
    pub store: Arc<S>,
    /// Where to tell what happens.
    pub status: Arc<Status>,
    /// Tells of new reports in the queue.
    pub queued: Arc<Notify>,
    /// The way to the server and its changes. Whoever sends it once more, as it is, has everything tried at once,
    /// parked reports too.
    pub link: watch::Receiver<Link<R>>,
    /// Becomes true when the service is to stop.
    pub stop: watch::Receiver<bool>,
    /// The longest time without a sign of life; nothing else hangs on it.
    pub tick: Duration,
}

/// A report that is on its way, or whose answer is not judged yet.
struct Away {
    entry: Entry,
    suspect: bool,
    /// The bytes that were set aside for it, while it is on its way.
    bytes: u64,
}

pub(super) struct Upload<S, R> {
    pub(super) store: Arc<S>,
    pub(super) status: Arc<Status>,
    pub(super) link: Link<R>,
    pub(super) schedule: Schedule,
    pub(super) held: Held,
    /// The server was asked while idle, and this came.
    pub(super) check_failed: Option<String>,
    /// The server has answered since the settings changed.
    pub(super) answered: bool,
    started: (Instant, Timestamp),
    tick: Duration,
    numbers: Arc<Numbers>,
    /// Answers to what began before belong to other settings.
    settings: Order,
    pub(super) pace: Pace,
    pub(super) line: Line,
    away: HashMap<i64, Away>,
    sending: usize,
    suspects_sending: usize,
    bytes: u64,
    asking: bool,
    check_after: Instant,
    unreadable: Unreadable,
    notes: Notes,
    wanted: Wanted,
    read_after: Instant,
    net: JoinSet<Event>,
    disk: JoinSet<DiskEvent>,
}

/// Uploads until it is told to stop. Ends early only if the database is damaged.
///
/// # Errors
/// If the database is damaged and must be opened anew.
pub async fn run<S: Store, R: Remote>(setup: Setup<S, R>) -> Result<(), queue::Error> {
    let status = Arc::clone(&setup.status);
    let result = live(setup).await;
    status.retired(Worker::Upload);
    result
}

async fn live<S: Store, R: Remote>(setup: Setup<S, R>) -> Result<(), queue::Error> {
    let Setup { store, status, queued, mut link, mut stop, tick } = setup;
    let first = link.borrow_and_update().clone();
    let mut upload = Upload::new(store, status, first, tick);
    upload.restore().await?;
    while !*stop.borrow_and_update() {
        let wake = upload.go();
        tokio::select! {
            Some(event) = upload.net.join_next() => upload.happened(event)?,
            Some(event) = upload.disk.join_next() => upload.disk_happened(event)?,
            () = tokio::time::sleep_until(wake.into()) => {}
            () = queued.notified() => upload.news(),
            changed = link.changed() => match changed {
                Ok(()) => { let new = link.borrow_and_update().clone(); upload.follow(new); }
                Err(_) => break,
            },
            // An error means that nobody is left to tell: a stop as well.
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    upload.finish().await
}

/// The clock of the runtime, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl<S: Store, R: Remote> Upload<S, R> {
    fn new(store: Arc<S>, status: Arc<Status>, link: Link<R>, tick: Duration) -> Self {
        let now = now();
        Upload {
            line: Line::new(store.classes()),
            store,
            status,
            schedule: Schedule::new(link.waits, link.trust_answer),
            pace: Pace::new(link.max_per_minute),
            link,
            held: Held::default(),
            check_failed: None,
            answered: false,
            started: (now, Timestamp::now()),
            tick,
            numbers: Arc::new(Numbers::new()),
            settings: Order::default(),
            away: HashMap::new(),
            sending: 0,
            suspects_sending: 0,
            bytes: 0,
            asking: false,
            check_after: now,
            unreadable: Unreadable::default(),
            notes: Notes::default(),
            wanted: Wanted::default(),
            read_after: now,
            net: JoinSet::new(),
            disk: JoinSet::new(),
        }
    }

    /// Now, by a clock that nobody sets while the service runs.
    fn moment(&self) -> Moment {
        let now = now();
        let (start, wall) = self.started;
        let elapsed = now.saturating_duration_since(start);
        let wall =
            jiff::SignedDuration::try_from(elapsed).ok().and_then(|elapsed| wall.checked_add(elapsed).ok());
        Moment { now, wall: wall.unwrap_or_default(), chance: fastrand::f64() }
    }

    /// Takes over what earlier lives knew.
    async fn restore(&mut self) -> Result<(), queue::Error> {
        let store = Arc::clone(&self.store);
        let suspects = match task::blocking(move || store.suspects()).await {
            Ok(suspects) => suspects,
            Err(error) if error.is_corruption() => return Err(error),
            Err(error) => {
                // They are tried after the next start; the others are not held up.
                self.status.problem(Area::Queue, format!("the queue fails: {error}"));
                return Ok(());
            }
        };
        let moment = self.moment();
        for (entry, kept) in suspects {
            self.line.know(entry.seq);
            if self.schedule.restore(entry.seq, &kept, moment) {
                self.hold(entry);
            } else {
                self.line.put_back(entry);
            }
        }
        Ok(())
    }

    /// The settings have changed.
    fn follow(&mut self, link: Link<R>) {
        self.link = link;
        self.pace.set(self.link.max_per_minute);
        let order = self.numbers.next();
        let (waits, trust) = (self.link.waits, self.link.trust_answer);
        let fates = self.schedule.settings_changed(waits, trust, order, now());
        self.apply_all(fates);
        self.settings = order;
        self.check_after = now();
        self.check_failed = None;
        self.answered = false;
        self.asking = false;
    }

    /// The queue has new reports, or old ones that are to be sent in turn again.
    fn news(&mut self) {
        if self.store.rewound() {
            self.line.rewind();
        } else {
            self.line.news();
        }
    }

    /// Begins all there is to do now, and says when to come back if nothing happens before.
    fn go(&mut self) -> Instant {
        self.status.beat(Worker::Upload);
        let now = now();
        let mut wake = now + self.tick;
        self.grant_wishes(now);
        self.unreadable.due(now).into_iter().for_each(|entry| self.line.put_back(entry));
        if self.unreadable.take_news(now) {
            self.tell_of_queue(now);
        }
        if self.sending == 0 {
            let (others, moment) = (self.others_wait(), self.moment());
            let fates = self.schedule.nothing_under_way(others, moment);
            self.apply_all(fates);
        }
        if let Ok(remote) = self.link.remote.clone() {
            if self.schedule.wants_proof() {
                self.ask_version(&remote);
            }
            wake = wake.min(self.send_what_may_be_sent(&remote, now).unwrap_or(wake));
            if self.is_time_to_check(now) {
                self.ask_version(&remote);
            }
        }
        wake = wake.min(self.use_disk(now).unwrap_or(wake));
        wake = wake.min(self.unreadable.next().unwrap_or(wake));
        tell::publish(self, now);
        wake.max(now)
    }

    /// Returns when to come back.
    fn send_what_may_be_sent(&mut self, remote: &R, now: Instant) -> Option<Instant> {
        while self.notes.uncommitted() < UNCOMMITTED {
            let untried = self.untried();
            // One that was not tried does not wait for a suspect on which the server hangs.
            let suspects = if untried == Untried::Nothing { 0 } else { self.suspects_sending };
            let under_way = self.sending - suspects;
            match self.schedule.turn(now, under_way, self.link.concurrency, untried) {
                Turn::Wait(until) => return until,
                Turn::Version => {
                    self.ask_version(remote);
                    return None;
                }
                Turn::Probe if self.line.is_reading() => return None,
                Turn::Probe => match self.take_probe(untried, now) {
                    Some(away) => self.send(remote, away, now),
                    None if self.away.is_empty() && !self.line.has_waiting() && self.held.is_empty() => {
                        self.schedule.nothing_waits();
                        return None;
                    }
                    None => {
                        // No report can tell now; the version can.
                        if self.sending == 0 && !self.schedule.is_proven() {
                            self.ask_version(remote);
                        }
                        return self.schedule.next_due().filter(|due| *due > now);
                    }
                },
                Turn::Send(most) if self.sending < most => {
                    if let Some(next) = self.pace.next(now) {
                        return Some(next);
                    }
                    match self.take_due(now).or_else(|| self.take_ready()) {
                        Some(away) => self.send(remote, away, now),
                        None => return self.schedule.next_due().filter(|due| *due > now),
                    }
                }
                Turn::Send(_) => return None,
            }
        }
        None
    }

    /// What waits that was not tried in this pause. What comes before the next one is not new in it.
    fn untried(&mut self) -> Untried {
        if self.schedule.is_open() {
            self.line.mark();
        }
        let tried = |seq| self.schedule.tried(seq).is_some();
        if self.line.has_new_other_than(tried) {
            Untried::Came
        } else if self.line.has_other_than(tried) {
            Untried::Waited
        } else {
            Untried::Nothing
        }
    }

    fn has_room(&self, size: u64) -> bool {
        self.bytes == 0 || self.bytes.saturating_add(size) <= BYTES
    }

    fn take_ready(&mut self) -> Option<Away> {
        let bytes = self.bytes;
        let entry = self.line.take(|size| bytes == 0 || bytes.saturating_add(size) <= BYTES)?;
        Some(Away { bytes: entry.size, entry, suspect: false })
    }

    fn take_due(&mut self, now: Instant) -> Option<Away> {
        let seq = self.schedule.due(now, self.suspects_sending)?;
        self.take_held(seq)
    }

    /// A report to find out about the server with: one that was not tried in this pause, or the one that was
    /// tried first; a suspect only where nothing else waits, and one at a time. Where several were refused, the
    /// newest, but of those that waited before the newest and the oldest by turns: what comes together is often of
    /// a kind.
    fn take_probe(&mut self, untried: Untried, now: Instant) -> Option<Away> {
        let different = self.schedule.different();
        let newest_first = different >= DIFFERENT && (untried == Untried::Came || different % 2 == 1);
        let order = |seq: i64| (self.schedule.tried(seq), if newest_first { -seq } else { seq });
        if let Some(entry) = self.line.take_least(order) {
            return Some(Away { bytes: entry.size, entry, suspect: false });
        }
        if self.suspects_sending > 0 {
            return None;
        }
        self.schedule.probe(now).and_then(|seq| self.take_held(seq))
    }

    fn take_held(&mut self, seq: i64) -> Option<Away> {
        let entry = self.held.get(seq)?;
        if !self.has_room(entry.size) || !self.line.lend(entry) {
            return None;
        }
        let entry = self.held.remove(seq)?;
        self.schedule.sending(seq);
        Some(Away { bytes: entry.size, entry, suspect: true })
    }

    fn send(&mut self, remote: &R, away: Away, now: Instant) {
        self.sending += 1;
        self.suspects_sending += usize::from(away.suspect);
        self.bytes += away.bytes;
        self.pace.sent(now);
        let (store, numbers) = (Arc::clone(&self.store), Arc::clone(&self.numbers));
        self.net.spawn(task::send(store, remote.clone(), numbers, away.entry.clone()));
        self.away.insert(away.entry.seq, away);
    }

    /// A request about a report has ended.
    fn landed(&mut self, seq: i64) {
        if let Some(away) = self.away.get_mut(&seq) {
            self.sending -= 1;
            self.suspects_sending -= usize::from(away.suspect);
            self.bytes -= std::mem::take(&mut away.bytes);
        }
    }

    fn ask_version(&mut self, remote: &R) {
        if !std::mem::replace(&mut self.asking, true) {
            self.net.spawn(task::version(remote.clone(), Arc::clone(&self.numbers)));
        }
    }

    /// While nothing else tells whether the server is there.
    fn is_time_to_check(&self, now: Instant) -> bool {
        self.check_after <= now && self.sending == 0 && self.schedule.pause().is_none()
    }

    fn happened(&mut self, event: Result<Event, JoinError>) -> Result<(), queue::Error> {
        match unless_panicked(event) {
            None => {}
            Some(Event::Sent(seq, asked, result)) => {
                self.landed(seq);
                self.unreadable.is_over(seq, now());
                self.sent(seq, asked, result);
            }
            Some(Event::ReadBack(seq, asked, result)) => {
                self.landed(seq);
                let (others, moment) = (self.others_wait(), self.moment());
                let fates = self.schedule.read_back(seq, asked, result, others, moment);
                self.apply_all(fates);
            }
            Some(Event::Version(asked, result)) => self.told_version(asked, &result),
            Some(Event::NotSent(seq, why)) => {
                self.landed(seq);
                return self.not_sent(seq, why);
            }
        }
        Ok(())
    }

    /// Whether there is another report to find out about the server with.
    fn others_wait(&self) -> bool {
        self.line.has_waiting() || self.sending > self.suspects_sending
    }

    fn sent(&mut self, seq: i64, asked: Asked, result: Result<(), Failure>) {
        let (others, moment) = (self.others_wait(), self.moment());
        self.check_after = now() + CHECK;
        let fates = match result {
            Ok(()) => {
                self.pace.accepted(seq, now());
                self.schedule.accepted(seq, asked, moment)
            }
            Err(failure) => {
                tracing::debug!("report {}: {failure}", self.id(seq));
                // 503 is trouble that passes; only 429 speaks of a pace.
                let is_limit =
                    matches!(failure.kind, FailureKind::Busy { .. }) && failure.status == Some(429);
                self.notes.add(seq, Note::Attempt, now());
                if let Some(away) = self.away.get_mut(&seq) {
                    away.entry.attempts += 1;
                }
                let fates = self.schedule.failed(seq, asked, failure, others, moment);
                match (is_limit, self.schedule.is_busy_alone(seq)) {
                    (true, false) => self.pace.limited(seq, now()),
                    (true, true) => self.pace.alone(seq),
                    (false, _) => {}
                }
                fates
            }
        };
        self.apply_all(fates);
    }

    fn told_version(&mut self, asked: Asked, result: &Result<String, Failure>) {
        if asked.began < self.settings {
            return;
        }
        self.asking = false;
        match result {
            Ok(version) => {
                tracing::debug!("the server has version {version}");
                self.check_failed = None;
                self.answered = true;
                self.check_after = now() + CHECK;
            }
            Err(failure) => {
                self.check_after = now() + self.until_next_check(failure.kind);
                self.check_failed = Some(failure.to_string());
            }
        }
        let answer = result.as_ref().map(drop);
        let (others, moment) = (self.others_wait(), self.moment());
        let under_way = self.sending > 0;
        let fates = self.schedule.version(asked, answer, others, under_way, moment);
        self.apply_all(fates);
    }

    /// How long an idle service leaves a server alone that did not tell its version.
    fn until_next_check(&self, failed: FailureKind) -> Duration {
        match failed {
            // A wrong token may count against the account.
            FailureKind::Gate | FailureKind::Settings => self.link.waits.max.max(RETRY),
            FailureKind::Busy { retry_after } => retry_after.unwrap_or_default().max(RETRY),
            _ => RETRY,
        }
    }

    fn not_sent(&mut self, seq: i64, why: NotSent) -> Result<(), queue::Error> {
        let Some(away) = self.away.remove(&seq) else { return Ok(()) };
        let Away { entry, suspect, .. } = away;
        self.line.landed(&entry);
        match why {
            NotSent::Unreadable(error) if error.is_corruption() => return Err(error),
            NotSent::Unreadable(error) => {
                let again = now() + RETRY;
                self.unreadable.is(seq, format!("report {} cannot be read: {error}", entry.id), now());
                if suspect {
                    self.schedule.not_sent(seq, again);
                    self.hold(entry);
                } else {
                    self.unreadable.rest(entry, again);
                }
            }
            NotSent::Changed => {
                tracing::info!("report {}: its file was changed; it is judged again", entry.id);
                self.unreadable.is_over(seq, now());
                self.schedule.forget(seq);
                self.line.expect_again(seq);
            }
            NotSent::Gone => {
                self.status.lost(entry.lost(), About::entry(&entry));
                self.unreadable.is_over(seq, now());
                self.schedule.forget(seq);
                self.line.forget(seq);
            }
        }
        Ok(())
    }

    fn apply_all(&mut self, fates: Vec<(i64, Fate)>) {
        for (seq, fate) in fates {
            self.apply(seq, fate);
        }
    }

    /// Carries out what was decided about a report.
    fn apply(&mut self, seq: i64, fate: Fate) {
        match fate {
            Fate::ReadBack => return self.read_back(seq),
            Fate::Noted(kept) => return self.notes.add(seq, Note::Suspect(kept), now()),
            _ => {}
        }
        let entry = match self.away.remove(&seq) {
            Some(away) => {
                self.line.landed(&away.entry);
                away.entry
            }
            None => match self.held.remove(seq) {
                Some(entry) => entry,
                None => return,
            },
        };
        let id = entry.id;
        match fate {
            Fate::Delivered => {
                let about = About::entry(&entry);
                tracing::info!(
                    report = about.report(),
                    file = about.file(),
                    folder = about.folder(),
                    "report {id}: accepted by the server"
                );
                self.status.observed().ended(tell::ended(&entry, None));
                self.check_failed = None;
                self.answered = true;
                self.decided(seq, Verdict::Delivered);
            }
            Fate::Failed(failure) => {
                let what = format!(
                    "report {id} ({:?}): refused for good and moved to the failed folder: {failure}",
                    entry.name
                );
                self.status.incident_about(what, About::entry(&entry));
                self.status.observed().ended(tell::ended(&entry, Some(&failure)));
                let reason = tell::reason(&entry, &failure);
                self.decided(seq, Verdict::Refused(reason));
            }
            Fate::Waits => self.line.put_back(entry),
            Fate::Held(kept) => {
                if let Some(kept) = kept {
                    self.notes.add(seq, Note::Suspect(kept), now());
                }
                self.hold(entry);
            }
            Fate::ReadBack | Fate::Noted(_) => {}
        }
    }

    fn decided(&mut self, seq: i64, verdict: Verdict) {
        self.notes.add(seq, Note::Decided(verdict), now());
    }

    fn read_back(&mut self, seq: i64) {
        match (&self.link.remote, self.away.get(&seq)) {
            (Ok(remote), Some(away)) => {
                self.sending += 1;
                self.suspects_sending += usize::from(away.suspect);
                let numbers = Arc::clone(&self.numbers);
                self.net.spawn(task::read_back(remote.clone(), numbers, away.entry.clone()));
            }
            _ => {
                let fate = self.schedule.give_back(seq, now());
                self.apply(seq, fate);
            }
        }
    }

    /// The report that is on its way or held.
    pub(super) fn entry(&self, seq: i64) -> Option<&Entry> {
        self.held.get(seq).or_else(|| self.away.get(&seq).map(|away| &away.entry))
    }

    fn id(&self, seq: i64) -> uuid::Uuid {
        self.entry(seq).map(|entry| entry.id).unwrap_or_default()
    }

    /// Lets uploads end for some time, then commits what is known.
    async fn finish(mut self) -> Result<(), queue::Error> {
        let until = tokio::time::Instant::now() + GRACE;
        while self.sending > 0 {
            tokio::select! {
                Some(event) = self.net.join_next() => self.happened(event)?,
                () = tokio::time::sleep(self.tick) => self.status.beat(Worker::Upload),
                () = tokio::time::sleep_until(until) => break,
            }
        }
        for away in self.away.values() {
            let about = About::entry(&away.entry);
            tracing::info!(
                report = about.report(),
                file = about.file(),
                folder = about.folder(),
                "report {}: upload abandoned; it stays queued",
                away.entry.id
            );
        }
        self.net.shutdown().await;
        while let Some(event) = self.disk.join_next().await {
            self.disk_happened(event)?;
        }
        if let Some(notes) = self.notes.take_all() {
            let event = task::note(Arc::clone(&self.store), notes).await;
            self.disk_happened(Ok(event))?;
        }
        Ok(())
    }
}

/// A panic of a task is one of the worker: it is started anew.
fn unless_panicked<T>(event: Result<T, JoinError>) -> Option<T> {
    match event {
        Ok(event) => Some(event),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // It was called off.
            Err(_) => None,
        },
    }
}

#[cfg(test)]
mod tests;
