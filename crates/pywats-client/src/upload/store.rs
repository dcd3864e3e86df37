//! What uploading needs of the queue and of the server, so that it can be tried without either.

use crate::queue::{Body, Counts, Entry, Error, Note, Queue, Suspicion, Wish};
use crate::room::Place;
use bytes::Bytes;
use std::sync::Arc;
use uuid::Uuid;
use wats::{Client, Failure};

/// Where reports come from, and where what is known of them goes. Its methods block.
pub trait Store: Send + Sync + 'static {
    /// How many classes of reports there are; the first is sent first.
    fn classes(&self) -> usize {
        1
    }
    /// The oldest of a class that can be sent after this one.
    ///
    /// # Errors
    /// If the queue cannot be read.
    fn next(&self, class: usize, after: i64, limit: usize) -> Result<Vec<Entry>, Error>;
    /// Whether some before those that were given out may be ready now. Says so once.
    fn rewound(&self) -> bool;
    /// Those that earlier lives had trouble with.
    ///
    /// # Errors
    /// If the queue cannot be read.
    fn suspects(&self) -> Result<Vec<(Entry, Suspicion)>, Error>;
    /// The bytes to send.
    ///
    /// # Errors
    /// If they cannot be read.
    fn body(&self, entry: &Entry) -> Result<Body, Error>;
    /// Hands a report back whose file has changed.
    ///
    /// # Errors
    /// If that cannot be noted.
    fn changed(&self, entry: &Entry) -> Result<(), Error>;
    /// Commits what is known of reports: all of it or nothing.
    ///
    /// # Errors
    /// If it cannot be written.
    fn note(&self, notes: &[(i64, Note)]) -> Result<(), Error>;
    /// Waits for a place in memory for so many bytes.
    fn enter(&self, _bytes: u64) -> Place {
        Place::default()
    }
    /// How many wait and how many went each way; costs nothing.
    fn counts(&self) -> Counts;
    /// What people want to become of reports. Says so once.
    fn wishes(&self) -> Vec<Wish> {
        Vec::new()
    }
}

/// The way to a server.
pub trait Remote: Clone + Send + Sync + 'static {
    /// Its address, for people.
    fn url(&self) -> String;
    /// Asks for its version.
    fn version(&self) -> impl Future<Output = Result<String, Failure>> + Send;
    /// Sends a report.
    fn submit(&self, id: Uuid, body: Bytes) -> impl Future<Output = Result<(), Failure>> + Send;
    /// Asks whether it has a report.
    fn holds(&self, id: Uuid) -> impl Future<Output = Result<bool, Failure>> + Send;
}

impl Store for Queue {
    fn classes(&self) -> usize {
        Queue::classes(self)
    }

    fn next(&self, class: usize, after: i64, limit: usize) -> Result<Vec<Entry>, Error> {
        Queue::next(self, class, after, limit)
    }

    fn rewound(&self) -> bool {
        Queue::rewound(self)
    }

    fn suspects(&self) -> Result<Vec<(Entry, Suspicion)>, Error> {
        Queue::suspects(self)
    }

    fn body(&self, entry: &Entry) -> Result<Body, Error> {
        Queue::body(self, entry)
    }

    fn changed(&self, entry: &Entry) -> Result<(), Error> {
        Queue::changed(self, entry)
    }

    fn note(&self, notes: &[(i64, Note)]) -> Result<(), Error> {
        Queue::note(self, notes)
    }

    fn enter(&self, bytes: u64) -> Place {
        self.room().enter(bytes)
    }

    fn counts(&self) -> Counts {
        Queue::counts(self)
    }

    fn wishes(&self) -> Vec<Wish> {
        Queue::wishes(self)
    }
}

impl Remote for Arc<Client> {
    fn url(&self) -> String {
        Client::url(self).to_owned()
    }

    async fn version(&self) -> Result<String, Failure> {
        Client::version(self).await
    }

    async fn submit(&self, id: Uuid, body: Bytes) -> Result<(), Failure> {
        self.submit_wsjf(id, body).await.map(drop)
    }

    async fn holds(&self, id: Uuid) -> Result<bool, Failure> {
        self.holds_wsjf(id).await
    }
}
