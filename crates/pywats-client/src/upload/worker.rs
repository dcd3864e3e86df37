//! The task that uploads: asks the [`Schedule`], sends, commits the answer, moves the source.

use super::schedule::{Schedule, Waits};
use crate::disposition::{Disposition, Reason, Stage};
use crate::queue::{self, Entry, Queue, Verdict};
use crate::status::{Area, Counts, Status, Worker};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::block_in_place;
use wats::{Client, Failure, FailureKind};

/// The longest time without a sign of life.
const TICK: Duration = Duration::from_secs(1);
/// How often a disk or folder that refused is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How often an idle service asks whether the server is there.
const CHECK: Duration = Duration::from_secs(60);
/// How long an upload may go on after the service was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The way to the server, as of the last change of the configuration.
#[derive(Clone, Debug)]
pub struct Link {
    /// The client, or what is missing or wrong with the settings.
    pub client: Result<Client, String>,
    /// How long to wait after failures.
    pub waits: Waits,
}

/// What the worker works with.
pub struct Setup {
    /// Where reports come from.
    pub queue: Arc<Queue>,
    /// Where sources go.
    pub disposition: Arc<Disposition>,
    /// Where to tell what happens.
    pub status: Arc<Status>,
    /// Tells of new reports in the queue.
    pub queued: Arc<Notify>,
    /// The way to the server and its changes.
    pub link: watch::Receiver<Link>,
    /// Becomes true when the service is to stop.
    pub stop: watch::Receiver<bool>,
}

struct Upload {
    setup: Setup,
    schedule: Schedule,
    /// The server has answered for good, but the disk did not take it: it must, before anything else.
    uncommitted: Option<(Entry, Verdict)>,
    settle_after: Instant,
    check_after: Instant,
}

/// Uploads until it is told to stop. Ends early only if the database is damaged.
///
/// # Errors
/// If the database is damaged and must be opened anew.
pub async fn run(mut setup: Setup) -> Result<(), queue::Error> {
    let waits = setup.link.borrow_and_update().waits;
    let now = Instant::now();
    let status = Arc::clone(&setup.status);
    let mut upload = Upload {
        schedule: Schedule::new(waits, now),
        setup,
        uncommitted: None,
        settle_after: now,
        check_after: now,
    };
    let mut result = Ok(());
    while !*upload.setup.stop.borrow() {
        status.beat(Worker::Upload);
        match upload.step().await {
            Ok(pause) => {
                status.fine(Area::Queue);
                upload.rest(pause).await;
            }
            Err(error) if error.is_corruption() => {
                result = Err(error);
                break;
            }
            Err(error) => {
                status.problem(Area::Queue, format!("the queue fails: {error}"));
                upload.rest(RETRY).await;
            }
        }
    }
    status.retired(Worker::Upload);
    result
}

impl Upload {
    /// Does the next thing there is to do, and says how long nothing else can be done.
    async fn step(&mut self) -> Result<Duration, queue::Error> {
        if self.setup.link.has_changed().unwrap_or(false) {
            let waits = self.setup.link.borrow_and_update().waits;
            self.schedule = Schedule::new(waits, Instant::now());
            self.check_after = Instant::now();
        }
        if let Some((entry, verdict)) = self.uncommitted.take() {
            self.commit(entry, verdict)?;
        }
        self.settle_decided()?;
        self.count()?;
        let link = self.setup.link.borrow().clone();
        let client = match link.client {
            Ok(client) => client,
            Err(problem) => {
                self.setup.status.problem(Area::Server, problem);
                return Ok(TICK);
            }
        };
        let now = Instant::now();
        if self.check_after <= now && self.schedule.pause(now).is_zero() {
            self.check(&client).await;
        }
        let pause = self.schedule.pause(Instant::now());
        if !pause.is_zero() {
            return Ok(pause);
        }
        let now = Instant::now();
        match self.next_report(now)? {
            Some(entry) => self.send(&client, entry).await,
            None => Ok(self.schedule.next_report(now).unwrap_or(TICK)),
        }
    }

    fn next_report(&self, now: Instant) -> Result<Option<Entry>, queue::Error> {
        let (queue, schedule) = (&self.setup.queue, &self.schedule);
        block_in_place(|| {
            let unsuspected = |seq| schedule.is_waiting(seq, now) || schedule.is_suspect(seq);
            match queue.next_pending(unsuspected)? {
                Some(entry) => Ok(Some(entry)),
                None => queue.next_pending(|seq| schedule.is_waiting(seq, now)),
            }
        })
    }

    /// Waits, but not past a stop, a change of the configuration or a new report.
    async fn rest(&mut self, pause: Duration) {
        if pause.is_zero() {
            return;
        }
        let Setup { stop, link, queued, .. } = &mut self.setup;
        tokio::select! {
            () = tokio::time::sleep(pause.min(TICK)) => {}
            () = queued.notified() => {}
            _ = stop.changed() => {}
            // The change itself is noticed at the next step.
            Ok(()) = wait_for_change(link) => {}
        }
    }

    /// Asks the server for its version, to know whether it is there while there is nothing to send.
    async fn check(&mut self, client: &Client) {
        let Some(result) = self.alive(client.version()).await else { return };
        let again = match result {
            Ok(version) => {
                tracing::debug!("the server has version {version}");
                self.setup.status.fine(Area::Server);
                CHECK
            }
            Err(failure) => {
                self.server_fails(client, &failure);
                RETRY
            }
        };
        self.check_after = Instant::now() + again;
    }

    async fn send(&mut self, client: &Client, entry: Entry) -> Result<Duration, queue::Error> {
        let body = block_in_place(|| self.setup.queue.body(entry.seq))?;
        let Some(result) = self.alive(client.submit_wsjf(body)).await else {
            tracing::info!("report {}: upload abandoned; it stays queued", entry.id);
            return Ok(Duration::ZERO);
        };
        self.check_after = Instant::now() + CHECK;
        match result {
            Ok(_) => {
                tracing::info!("report {}: accepted by the server", entry.id);
                self.setup.status.fine(Area::Server);
                self.decided(entry, Verdict::Uploaded)
            }
            Err(failure) if failure.kind == FailureKind::Permanent => {
                self.setup.status.incident(format!(
                    "report {} ({:?}): refused for good and moved to the failed folder: {failure}",
                    entry.id, entry.source.name
                ));
                let reason = refusal(&entry, &failure).to_json(&entry.source.name);
                self.decided(entry, Verdict::Rejected(reason))
            }
            Err(failure) => {
                let now = Instant::now();
                self.schedule.failed(entry.seq, failure.kind, now, fastrand::f64());
                let pause = self.schedule.pause(now);
                tracing::debug!("report {}: not accepted, next attempt in {pause:?}", entry.id);
                self.server_fails(client, &failure);
                block_in_place(|| self.setup.queue.attempt_failed(entry.seq))?;
                Ok(pause)
            }
        }
    }

    fn server_fails(&self, client: &Client, failure: &Failure) {
        let what = format!("server {}: {failure}; reports stay queued", client.url());
        self.setup.status.problem(Area::Server, what);
    }

    fn decided(&mut self, entry: Entry, verdict: Verdict) -> Result<Duration, queue::Error> {
        self.schedule.decided(entry.seq, Instant::now());
        self.commit(entry, verdict)?;
        Ok(Duration::ZERO)
    }

    /// Makes the server's answer durable, then moves the source.
    fn commit(&mut self, entry: Entry, verdict: Verdict) -> Result<(), queue::Error> {
        block_in_place(|| {
            if let Err(error) = self.setup.queue.decide(entry.seq, &verdict) {
                self.uncommitted = Some((entry, verdict));
                return Err(error);
            }
            self.settle(&entry, &verdict).map(drop)
        })
    }

    /// Moves the sources that could not be moved before.
    fn settle_decided(&mut self) -> Result<(), queue::Error> {
        if Instant::now() < self.settle_after {
            return Ok(());
        }
        self.settle_after = Instant::now() + RETRY;
        block_in_place(|| {
            let mut all_moved = true;
            for (entry, verdict) in self.setup.queue.decided()? {
                self.setup.status.beat(Worker::Upload);
                all_moved &= self.settle(&entry, &verdict)?;
            }
            if all_moved {
                self.setup.status.fine(Area::Folders);
            }
            Ok(())
        })
    }

    /// Moves the source of a decided report and forgets the report; says whether that worked.
    fn settle(&self, entry: &Entry, verdict: &Verdict) -> Result<bool, queue::Error> {
        let Setup { queue, disposition, status, .. } = &self.setup;
        let moved = match verdict {
            Verdict::Uploaded => disposition.delivered(&entry.source),
            Verdict::Rejected(reason) => disposition
                .rejected(&entry.source, reason, || queue.body(entry.seq).map_err(io::Error::other)),
        };
        match moved {
            Ok(()) => queue.finish(entry.seq, verdict).map(|()| true),
            Err(error) => {
                status.problem(
                    Area::Folders,
                    format!("{:?} stays in the watch folder: {error}", entry.source.name),
                );
                Ok(false)
            }
        }
    }

    fn count(&self) -> Result<(), queue::Error> {
        let Setup { queue, status, .. } = &self.setup;
        block_in_place(|| {
            let totals = queue.totals()?;
            let counts =
                Counts { pending: queue.pending()?, delivered: totals.delivered, failed: totals.failed };
            if counts.pending == 0 && status.counts().pending != 0 {
                queue.tidy()?;
            }
            status.count(counts);
            Ok(())
        })
    }

    /// Waits for the server while showing signs of life; gives up some time after a stop.
    async fn alive<T>(&self, request: impl Future<Output = T>) -> Option<T> {
        let mut stop = self.setup.stop.clone();
        let given_up = async {
            // An error means that nobody is left to tell: a stop as well.
            drop(stop.wait_for(|stop| *stop).await);
            tokio::time::sleep(GRACE).await;
        };
        let beating = async {
            loop {
                self.setup.status.beat(Worker::Upload);
                tokio::time::sleep(TICK).await;
            }
        };
        tokio::select! {
            answer = request => Some(answer),
            () = given_up => None,
            () = beating => None,
        }
    }
}

/// Like `changed`, but leaves the change to be seen by others.
async fn wait_for_change(link: &watch::Receiver<Link>) -> Result<(), watch::error::RecvError> {
    link.clone().changed().await
}

fn refusal(entry: &Entry, failure: &Failure) -> Reason {
    Reason {
        stage: Stage::Upload,
        reason: failure.message.clone(),
        what_to_do: "Correct what the server complains of, in the report or on the server, then drop the report \
                     into the watch folder again.",
        server_status: failure.status,
        attempts: entry.attempts + 1,
        id: Some(entry.id),
    }
}
