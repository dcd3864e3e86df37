//! The tree of folders, and names within one folder.

use super::filename;
use super::formatted::is_identifier;
use super::known;
use super::read::{Msi, Row};
use super::report::{Report, rules};
use std::collections::{BTreeMap, BTreeSet};

rules! {
    ROOT "directory-root"
        "The tree of folders has one root, TARGETDIR, whose folder is SourceDir."
        "msi/ice56";
    CYCLE "directory-cycle"
        "No folder is below itself."
        "msi/directory-table";
    PLAIN "directory-name"
        "A folder that is not one of Windows' own has a name that can be made."
        "msi/directory-table";
    RESERVED "directory-reserved"
        "A folder has no key that is a property of Windows Installer other than a folder."
        "msi/ice99";
    UNIQUE "name-unique"
        "Two files in one folder differ in short and in long name, unless only one of them is ever \
         installed."
        "msi/ice30";
}

/// Deeper trees are cycles.
const DEPTH: usize = 256;

pub(super) fn check(msi: &Msi, report: &mut Report) {
    let mut roots = 0;
    for row in msi.rows("Directory") {
        let (key, parent) = (row.text("Directory"), row.text("Directory_Parent"));
        if known::is_listed_property(key) {
            report.value(
                RESERVED,
                row,
                "Directory",
                "is a property of Windows Installer: choose another key",
            );
        }
        if !parent.is_empty() && parent != key {
            cycle(msi, row, report);
            name(row, report);
            continue;
        }
        roots += 1;
        if key != "TARGETDIR" {
            report.value(ROOT, row, "Directory_Parent", "is a second root: put the folder below TARGETDIR");
        } else if row.text("DefaultDir") != "SourceDir" {
            let message = format!("is {:?} for the root: write SourceDir", row.text("DefaultDir"));
            report.value(ROOT, row, "DefaultDir", message);
        }
    }
    if roots == 0 && msi.table("Directory").is_some() {
        report.table(ROOT, "Directory", "has no root: add TARGETDIR with the folder SourceDir");
    }
    names(msi, report);
}

fn cycle(msi: &Msi, row: Row<'_>, report: &mut Report) {
    if ancestors(msi, row.text("Directory")).len() > DEPTH {
        report.row(CYCLE, row, "is below itself: correct Directory_Parent");
    }
}

/// The keys of a folder and of those around it, from the inside.
pub(super) fn ancestors<'a>(msi: &'a Msi, key: &'a str) -> Vec<&'a str> {
    let mut found = vec![key];
    let mut current = key;
    while let Some(row) = msi.row("Directory", current) {
        let parent = row.text("Directory_Parent");
        if parent.is_empty() || parent == current || found.len() > DEPTH {
            break;
        }
        found.push(parent);
        current = parent;
    }
    found
}

/// The syntax was judged already, with the identifiers of roots allowed; here they are not.
fn name(row: Row<'_>, report: &mut Report) {
    for part in row.text("DefaultDir").split(':') {
        let judged = filename::check(part, false);
        if is_identifier(part)
            && !known::is_folder(row.text("Directory"))
            && let Err(reason) = judged
        {
            report.value(PLAIN, row, "DefaultDir", reason);
        }
    }
}

/// Names of all files by folder. Names of folders are not compared: two rows may mean the same folder.
fn names(msi: &Msi, report: &mut Report) {
    let mut taken: BTreeMap<(&str, bool, String), Row<'_>> = BTreeMap::new();
    for row in msi.rows("File") {
        let Some(component) = msi.row("Component", row.text("Component_")) else { continue };
        let folder = component.text("Directory_");
        let (short, long) = filename::split(row.text("FileName"));
        let mut told = BTreeSet::new();
        for (is_long, name) in [(false, short), (true, long)] {
            let Some(other) = taken.insert((folder, is_long, name.to_uppercase()), row) else { continue };
            // Components with conditions may exclude each other; whether they do cannot be told here.
            let conditional = [row, other].iter().all(|file| {
                let component = msi.row("Component", file.text("Component_"));
                component.is_some_and(|component| !component.text("Condition").is_empty())
            });
            if !conditional && told.insert(other.key()) {
                let message = format!(
                    "{name:?} is the name of {} in the folder {folder} too: give it another",
                    other.key()
                );
                report.value(UNIQUE, row, "FileName", message);
            }
        }
    }
}
