//! Taking files from the watch folder into the queue.
//!
//! ```text
//! watch ─► agenda ─► take ─► judge ─┬─► claim (a batch) ─► queue
//! (news)   (when)    (look,         ├─► wait: somebody writes, or the text ends too early
//!                     open, read)   └─► aside ─► failed/
//! ```
//!
//! A file is taken when its writer has closed it. On Linux the kernel says when that happens
//! (inotify), and whether somebody still writes (a read lease); Windows opens a file alone or not at
//! all. Where neither works a file is complete when it has not changed for a while. [`readiness`]
//! decides that without touching a file.
//!
//! [`take`] looks at one file, [`judge`] at its content; [`claim`] renames it into the spool and commits
//! what was claimed, many at a time. [`aside`] moves what is unusable out of the way without making good
//! files wait, [`again`] judges what has changed after it was claimed. [`agenda`] says which file is to
//! be looked at when, and [`names`] which of them are reports. A [`site`] is one folder; [`worker`] is the thread of a
//! watch folder, with a site for each folder in it that is watched, too.

pub mod again;
pub mod agenda;
pub mod aside;
pub mod claim;
pub mod judge;
pub mod names;
pub mod readiness;
pub mod site;
pub mod take;
pub mod troubles;
pub mod untaken;
pub mod watch;
pub mod watched;
pub mod worker;

pub(crate) use names::matches;
pub use names::{Names, may_be_report};
