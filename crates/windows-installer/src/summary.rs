//! Summary information: what Windows reads of a package before it opens the database.
//!
//! Specified by the
//! [summary property set](https://learn.microsoft.com/en-us/windows/win32/msi/summary-property-descriptions).

use crate::database::CODE_PAGE;
use crate::{Error, Result};
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

/// The processor a package is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// 64-bit x86.
    X64,
    /// 64-bit Arm.
    Arm64,
}

impl Platform {
    /// The name in the summary's template: `x64`.
    pub fn name(self) -> &'static str {
        match self {
            Platform::X64 => "x64",
            Platform::Arm64 => "Arm64",
        }
    }

    /// The oldest version of Windows Installer that knows the processor, times 100.
    fn schema(self) -> i32 {
        match self {
            Platform::X64 => 200,
            Platform::Arm64 => 500,
        }
    }
}

/// What the summary says. The package code is not here: it is derived from the content.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Name of the product.
    pub subject: String,
    /// Who makes it.
    pub author: String,
    /// A sentence about the package.
    pub comments: String,
    /// Name and version of the program that wrote the package.
    pub creating_application: String,
    /// The processor.
    pub platform: Platform,
    /// Language of the package, such as 1033 for English (United States).
    pub language: u16,
    /// When the package was made, in seconds since 1970 UTC.
    pub epoch: u32,
}

/// Files are compressed and have long names.
const WORD_COUNT_COMPRESSED: i32 = 2;
/// The package should be opened read-only.
const SECURITY_READ_ONLY: i32 = 2;

impl Summary {
    pub(crate) fn check(&self) -> Result<()> {
        let texts = [
            ("subject", &self.subject),
            ("author", &self.author),
            ("comments", &self.comments),
            ("creating application", &self.creating_application),
        ];
        for (name, text) in texts {
            // The msi crate (0.11.1) counts the length of other texts wrongly, and the file is damaged.
            if !text.is_ascii() {
                let reason = format!("{text:?} has characters beyond ASCII; write it without them");
                return Err(Error::part(format!("summary information, {name}"), reason));
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, info: &mut msi::SummaryInfo, package_code: Uuid) {
        let time = UNIX_EPOCH + Duration::from_secs(self.epoch.into());
        info.set_codepage(CODE_PAGE);
        info.set_title("Installation Database");
        info.set_subject(self.subject.as_str());
        info.set_author(self.author.as_str());
        info.set_keywords(&["Installer".to_owned()]);
        info.set_comments(self.comments.as_str());
        info.set_arch(self.platform.name());
        info.set_languages(&[msi::LanguageId::from_lcid(self.language.into())]);
        info.set_uuid(package_code);
        info.set_creation_time(time);
        info.set_last_save_time(time);
        info.set_page_count(self.platform.schema());
        info.set_word_count(WORD_COUNT_COMPRESSED);
        info.set_creating_application(self.creating_application.as_str());
        info.set_doc_security(SECURITY_READ_ONLY);
    }
}
