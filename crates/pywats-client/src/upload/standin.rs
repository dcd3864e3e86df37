//! What the crate `wats` will offer; goes with the merge.
#![allow(missing_docs)]
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    OtherId,
    NotWats,
    Gate,
    Refused,
    RefusedBlank,
    Trouble,
    Busy { retry_after: Option<Duration> },
    Unreachable,
    Settings,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    pub words: Option<String>,
    pub status: Option<u16>,
}

/// Of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspicion {
    pub kind: String,
    pub tries: u32,
    pub since: jiff::Timestamp,
    pub parked: bool,
}
