//! The report format and the HTTP interface of a WATS server.
//!
//! * [`report`] reads a WSJF report, checks what routing and the server need, and keeps every other
//!   byte as it was written by the test system.
//! * [`client`] submits reports and says of each failure what can be done about it.
//!
//! The crate holds no queue and no configuration file: `pywats-client` does.

pub mod client;
pub mod report;

pub use client::{Client, Failure, FailureKind, Proxy, Seen, Settings, Submitted, Token, Witness};
pub use report::{EditError, Edits, Report, ReportError, Rules, Station};
