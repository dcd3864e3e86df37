//! Whoever watches what a client is answered: for counts, and to compare clocks.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{AGE, HeaderMap};

use super::failure::date;

/// Sees every answer. It is called where requests are made, so it must be quick.
pub trait Witness: Send + Sync + fmt::Debug {
    /// A request has ended.
    fn saw(&self, seen: &Seen);
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The status of the answer; `None` if none came, or not all of it.
    pub status: Option<u16>,
    /// When the server wrote the answer, by its clock: the header `Date`.
    pub date: Option<Timestamp>,
    /// Whether a cache says that the answer is its own: the header `Age`. Its `Date` is old then.
    pub from_cache: bool,
    /// When the request began, by this machine's clock.
    pub began: Timestamp,
    /// How long it took.
    pub took: SignedDuration,
}

impl Seen {
    pub(super) fn new(began: Timestamp, answer: Option<(StatusCode, &HeaderMap)>) -> Seen {
        Seen {
            status: answer.map(|(status, _)| status.as_u16()),
            date: answer.and_then(|(_, headers)| date(headers)),
            from_cache: answer.is_some_and(|(_, headers)| headers.contains_key(AGE)),
            began,
            took: Timestamp::now().duration_since(began),
        }
    }
}
