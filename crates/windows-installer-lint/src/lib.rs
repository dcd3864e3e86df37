//! Judges finished Windows Installer databases, ours or anybody's, without Windows.
//!
//! Microsoft's own validators, the
//! [internal consistency evaluators](https://learn.microsoft.com/en-us/windows/win32/msi/internal-consistency-evaluators-ices)
//! (ICEs), run on Windows only. The rules here check the same things, and more that can be read in the file
//! alone, such as whether the cabinet holds what the tables say. They trust nothing that wrote the file: the
//! reader takes tables, columns and texts from the bytes, and the values are checked against the
//! file's own `_Validation`.
//!
//! A file per group of rules. Each rule has a short name that stays, and says what it follows:
//! [`rules`] lists them, and `docs/msi-lint.md` is made from that list.

mod actions;
mod cabinets;
mod category;
mod components;
mod condition;
mod custom_actions;
mod directories;
mod features;
mod file_content;
mod filename;
mod formatted;
mod known;
mod other_tables;
mod properties;
mod property_use;
mod read;
mod references;
mod registry;
mod report;
#[cfg(test)]
#[path = "../../windows-installer/src/file_version/samples.rs"]
mod samples;
mod sddl;
mod sequences;
mod services;
mod summary;
mod ui;
mod ui_dialogs;
mod upgrade;
mod validation;
mod values;

pub use read::Unreadable;
pub use report::{Finding, Rule};

use read::Msi;
use report::Report;

/// Rules about one thing.
struct Group {
    title: &'static str,
    rules: &'static [Rule],
    check: fn(&Msi, &mut Report),
}

macro_rules! groups {
    ($($title:literal: $module:ident,)*) => {
        const GROUPS: &[Group] =
            &[$(Group { title: $title, rules: $module::RULES, check: $module::check }),*];
    };
}

groups! {
    "The file and its tables": read,
    "What `_Validation` says": validation,
    "Values": values,
    "References within texts": references,
    "Summary information and code page": summary,
    "Properties": properties,
    "Properties in use": property_use,
    "Folders and names": directories,
    "Components": components,
    "Features": features,
    "Cabinets, media and streams": cabinets,
    "Content of files": file_content,
    "Sequences": sequences,
    "Custom actions": custom_actions,
    "Upgrades": upgrade,
    "Services": services,
    "Registry": registry,
    "Other tables": other_tables,
    "Controls": ui,
    "Dialogs": ui_dialogs,
}

/// Every rule, with the title of its group, in the order in which they are applied.
pub fn rules() -> impl Iterator<Item = (&'static str, &'static Rule)> {
    GROUPS.iter().flat_map(|group| group.rules.iter().map(|rule| (group.title, rule)))
}

/// Judges the bytes of a database. Without findings it is one that Windows Installer should accept and
/// understand as it was meant.
///
/// # Errors
/// If it cannot be read at all: it is no compound file, no Windows Installer database, or truncated.
pub fn lint(file: &[u8]) -> Result<Vec<Finding>, Unreadable> {
    let mut report = Report::default();
    let msi = Msi::read(file, &mut report)?;
    for group in GROUPS {
        (group.check)(&msi, &mut report);
    }
    Ok(report.findings())
}
