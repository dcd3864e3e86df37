//! What the tests of packages share.

use windows_installer::{Platform, Summary};

/// The summary information of an example.
pub(crate) fn summary() -> Summary {
    Summary {
        subject: "Example".to_owned(),
        author: "Example Maker".to_owned(),
        comments: "An example".to_owned(),
        creating_application: "test".to_owned(),
        platform: Platform::X64,
        language: 1033,
        epoch: 1_795_305_600,
    }
}
