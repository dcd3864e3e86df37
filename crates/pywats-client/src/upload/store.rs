//! What uploading needs of the queue and of the server, so that it can be tried without either.

use crate::disposition::Disposition;
use crate::queue::{Body, Counts, Entry, Error, Note, Queue, Settled, Suspicion};
use bytes::Bytes;
use std::sync::Arc;
use uuid::Uuid;
use wats::{Client, Failure};

/// Where reports come from, and where what is known of them goes. Its methods block.
pub trait Store: Send + Sync + 'static {
    /// The oldest that can be sent after this one.
    ///
    /// # Errors
    /// If the queue cannot be read.
    fn next(&self, after: i64, limit: usize) -> Result<Vec<Entry>, Error>;
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
    /// Moves files of decided reports to their last place.
    ///
    /// # Errors
    /// If the queue cannot be read or written; files that cannot be moved are no error.
    fn settle(&self, limit: usize) -> Result<Settled, Error>;
    /// Gives space back if nothing waits. Cheap if there is little to give.
    ///
    /// # Errors
    /// If the queue cannot be written.
    fn tidy(&self) -> Result<(), Error>;
    /// How many wait and how many went each way; costs nothing.
    fn counts(&self) -> Counts;
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

/// The queue, and where what is decided goes.
#[derive(Clone, Debug)]
pub struct Local {
    /// The queue.
    pub queue: Arc<Queue>,
    /// The last places.
    pub ends: Arc<Disposition>,
}

impl Store for Local {
    fn next(&self, after: i64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.queue.next(after, limit)
    }

    fn rewound(&self) -> bool {
        self.queue.rewound()
    }

    fn suspects(&self) -> Result<Vec<(Entry, Suspicion)>, Error> {
        self.queue.suspects()
    }

    fn body(&self, entry: &Entry) -> Result<Body, Error> {
        self.queue.body(entry)
    }

    fn changed(&self, entry: &Entry) -> Result<(), Error> {
        self.queue.changed(entry)
    }

    fn note(&self, notes: &[(i64, Note)]) -> Result<(), Error> {
        self.queue.note(notes)
    }

    fn settle(&self, limit: usize) -> Result<Settled, Error> {
        self.queue.settle(&self.ends, limit)
    }

    fn tidy(&self) -> Result<(), Error> {
        self.queue.tidy(|| self.queue.counts().waiting == 0)
    }

    fn counts(&self) -> Counts {
        self.queue.counts()
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
