//! The requests and the work on the disk that go on beside the worker: each ends in an [`Event`].

use super::line::Wanted;
use super::order::Numbers;
use super::schedule::Asked;
use super::store::{Remote, Store};
use crate::queue::{Body, Entry, Error, Note};
use bytes::Bytes;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use wats::Failure;

/// What a request brought.
#[derive(Debug)]
pub(super) enum Event {
    /// A report was sent.
    Sent(i64, Asked, Result<(), Failure>),
    /// A report was not sent.
    NotSent(i64, NotSent),
    /// The server was asked for a report.
    ReadBack(i64, Asked, Result<bool, Failure>),
    /// The server was asked for its version.
    Version(Asked, Result<String, Failure>),
}

/// Why a report was not sent.
#[derive(Debug)]
pub(super) enum NotSent {
    /// Its file has changed; the intake has it again.
    Changed,
    /// Its file is gone.
    Gone,
    /// It cannot be read now.
    Unreadable(Error),
}

/// What the queue brought.
#[derive(Debug)]
pub(super) enum DiskEvent {
    /// The next reports.
    Read(Result<Vec<Entry>, Error>),
    /// What was known was committed, or not.
    Noted(Vec<(i64, Note)>, Result<(), Error>),
}

/// Reads a report and sends it.
pub(super) async fn send<S: Store, R: Remote>(
    store: Arc<S>,
    remote: R,
    numbers: Arc<Numbers>,
    entry: Entry,
) -> Event {
    let (seq, id) = (entry.seq, entry.id);
    let body = match blocking(move || read(&*store, &entry)).await {
        Ok(body) => body,
        Err(why) => return Event::NotSent(seq, why),
    };
    let began = numbers.next();
    let result = remote.submit(id, body).await;
    Event::Sent(seq, Asked { began, arrived: numbers.next() }, result)
}

fn read(store: &impl Store, entry: &Entry) -> Result<Bytes, NotSent> {
    let place = store.enter(entry.size);
    match store.body(entry) {
        Ok(Body::Ready(bytes)) => Ok(place.keep(bytes)),
        Ok(Body::Gone) => Err(NotSent::Gone),
        Ok(Body::Changed) => match store.changed(entry) {
            Ok(()) => Err(NotSent::Changed),
            Err(error) => Err(NotSent::Unreadable(error)),
        },
        Err(error) => Err(NotSent::Unreadable(error)),
    }
}

/// Asks whether the server has a report.
pub(super) async fn read_back<R: Remote>(remote: R, numbers: Arc<Numbers>, entry: Entry) -> Event {
    let began = numbers.next();
    let result = remote.holds(entry.id).await;
    Event::ReadBack(entry.seq, Asked { began, arrived: numbers.next() }, result)
}

/// Asks for the version.
pub(super) async fn version<R: Remote>(remote: R, numbers: Arc<Numbers>) -> Event {
    let began = numbers.next();
    let result = remote.version().await;
    Event::Version(Asked { began, arrived: numbers.next() }, result)
}

/// Reads the next reports.
pub(super) async fn next<S: Store>(
    store: Arc<S>,
    Wanted { class, after }: Wanted,
    limit: usize,
) -> DiskEvent {
    DiskEvent::Read(blocking(move || store.next(class, after, limit)).await)
}

/// Commits what is known of reports.
pub(super) async fn note<S: Store>(store: Arc<S>, notes: Vec<(i64, Note)>) -> DiskEvent {
    let (notes, result) = blocking(move || {
        let result = store.note(&notes);
        (notes, result)
    })
    .await;
    DiskEvent::Noted(notes, result)
}

/// Runs what blocks where it keeps nobody waiting.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends; nobody waits for this.
            Err(_) => std::future::pending().await,
        },
    }
}
