//! What came when, and how much at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A submission as it arrived, accepted or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When its last byte was there, since the start of the server.
    pub at: Duration,
    /// The serial number of the unit, if the body is a report.
    pub serial_number: Option<String>,
    /// The id that was sent.
    pub id: Option<String>,
    /// The length of the body.
    pub bytes: u64,
    /// The id under which the report was kept, if it was, and when.
    pub stored: Option<(String, Duration)>,
}

/// Counters over all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// All requests.
    pub requests: u64,
    /// Submissions of reports, accepted or not.
    pub submissions: u64,
    /// Submissions that were kept.
    pub stored: u64,
    /// The bytes of the bodies that were submitted.
    pub bytes: u64,
    /// How many requests were being served at one time, at most.
    pub most_at_once: u64,
    /// How many requests for one id were being served at one time, at most.
    pub most_for_one_id: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    now: u64,
    by_id: BTreeMap<String, u64>,
    most: u64,
    most_for_one_id: u64,
    requests: u64,
}

/// Counts what is being served; shared with the guards that say when it has been.
#[derive(Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<Counters>>);

/// Something is being served until this is dropped.
pub(crate) struct Serving {
    counters: InFlight,
    id: Option<String>,
}

impl InFlight {
    fn with<T>(&self, act: impl FnOnce(&mut Counters) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn request(&self) -> Serving {
        self.with(|counters| {
            counters.requests += 1;
            counters.now += 1;
            counters.most = counters.most.max(counters.now);
        });
        Serving { counters: self.clone(), id: None }
    }

    pub(crate) fn id(&self, id: &str) -> Serving {
        self.with(|counters| {
            let now = counters.by_id.entry(id.to_owned()).or_default();
            *now += 1;
            counters.most_for_one_id = counters.most_for_one_id.max(*now);
        });
        Serving { counters: self.clone(), id: Some(id.to_owned()) }
    }

    /// Fills in what is counted here.
    pub(crate) fn report(&self, traffic: &mut Traffic) {
        self.with(|counters| {
            traffic.requests = counters.requests;
            traffic.most_at_once = counters.most;
            traffic.most_for_one_id = counters.most_for_one_id;
        });
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let id = self.id.take();
        self.counters.with(|counters| match id {
            None => counters.now -= 1,
            Some(id) => {
                if let Some(now) = counters.by_id.get_mut(&id) {
                    *now -= 1;
                    if *now == 0 {
                        counters.by_id.remove(&id);
                    }
                }
            }
        });
    }
}
