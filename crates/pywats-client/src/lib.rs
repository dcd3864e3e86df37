//! The pyWATS client: a service that watches a folder at a test station, keeps the test reports it
//! finds in a durable queue and uploads them to a WATS server.
//!
//! A report's way through the modules:
//!
//! ```text
//! watch folder ─► intake ─► queue ─► upload ─► disposition ─► done/ or failed/
//!                    └───── refused ──────────────┘
//! ```
//!
//! - [`config`] finds out what is wanted: defaults, file, environment, policies, and their changes.
//! - [`intake`] decides that a file is complete, reads it safely and commits it to the queue.
//! - [`queue`] is the spool folder and a SQLite database; nothing is uploaded that it has not committed.
//! - [`upload`] sends several reports at once, judges the answers, and backs off when the server has trouble.
//! - [`disposition`] moves files to their last place without overwriting anything, or into the [`archive`].
//! - [`keeper`] is the thread that does so, and removes there what is old ([`retention`]); [`reprocess`] takes
//!   files back.
//! - [`reserve`] keeps space back, so that a full disk stops nothing that is under way.
//! - [`status`] is what the other modules report; [`health`] and [`service`] show it to the world.
//! - [`control`] answers the command line about all of this, through doors that the system guards.
//! - [`engine`] and [`run`] wire all of this together and stop it cleanly.
//! - [`allow`] is what a system must allow for a further folder.
//! - [`diagnose`] looks at all of it from outside, for people who have to find out what is wrong;
//!   [`support_bundle`] puts that and more into one file.
//! - [`installation`] registers the service where no package does; `opened` is what Finder of macOS shows.

pub mod account;
pub mod allow;
pub mod archive;
pub mod cli;
pub mod commands;
pub mod config;
pub mod control;
pub mod diagnose;
pub mod disk;
pub mod disposition;
pub mod engine;
pub mod exit;
pub mod folder;
pub mod health;
pub mod installation;
pub mod intake;
pub mod keeper;
pub mod logging;
pub mod observed;
#[cfg(any(target_os = "macos", all(test, unix)))]
#[cfg_attr(not(target_os = "macos"), allow(dead_code))]
mod opened;
pub mod queue;
#[cfg(windows)]
pub mod registry;
pub mod reprocess;
pub mod reserve;
pub mod retention;
pub mod room;
pub mod run;
pub mod server_view;
pub mod service;
pub mod status;
pub mod support_bundle;
pub mod upload;
