//! Taking files from the watch folder into the queue.
//!
//! A file is taken when its writer has closed it. On Linux the kernel says when that happens
//! (inotify), and whether somebody still writes (a read lease); Windows opens a file alone or not at
//! all. Where neither works a file is complete when it has not changed for a while. [`readiness`]
//! decides that without touching a file, [`take`] does what was decided, [`worker`] is the thread
//! that hears of files and comes back to those that were not ready.

pub mod readiness;
pub mod take;
pub mod watch;
pub mod worker;

use crate::disposition::REASON_SUFFIX;
use std::ffi::OsStr;
use std::path::Path;

/// Whether a name in the watch folder is meant for us: `*.json` and `*.wsjf`, but nothing hidden or
/// unfinished, and none of our own reason files.
pub fn is_report_name(name: &OsStr) -> bool {
    let text = name.to_string_lossy().to_ascii_lowercase();
    let extension = Path::new(&text).extension().and_then(OsStr::to_str);
    matches!(extension, Some("json" | "wsjf")) && !text.starts_with('.') && !text.ends_with(REASON_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a report is overlooked because of how its name is written, or something else is
    /// taken for a report.
    #[test]
    fn names() {
        for (name, wanted) in [
            ("a.json", true),
            ("A.JSON", true),
            ("a b.Wsjf", true),
            ("line\nbreak.json", true),
            ("..json", false),
            (".hidden.json", false),
            ("json", false),
            (".json", false),
            ("a.json.tmp", false),
            ("a.part", false),
            ("a.json.reason.json", false),
            ("a.xml", false),
        ] {
            assert_eq!(is_report_name(OsStr::new(name)), wanted, "{name:?}");
        }
    }
}
