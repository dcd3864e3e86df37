//! Custom actions: whether their type is one, and their source exists.

use super::read::{Msi, Row};
use super::report::{Report, rules};
use windows_installer::standard_actions::standard;

rules! {
    TYPE "custom-action-type"
        "The type is a base type with options that go together."
        "msi/ice68";
    SOURCE "custom-action-source"
        "The source is where the base type says: in Binary, File, Directory or Property."
        "msi/summary-list-of-all-custom-action-types";
    TARGET "custom-action-target"
        "The target that the base type needs is there: an entry point, a script, a command line."
        "msi/summary-list-of-all-custom-action-types";
    NAME "custom-action-name"
        "A custom action is not called as a standard action."
        "msi/ice93";
}

/// Bits of `CustomAction.Type`.
const BASE: i32 = 0x3f;
const IN_SCRIPT: i32 = 0x400;
const ROLLBACK: i32 = 0x100;
const COMMIT: i32 = 0x200;
const NO_IMPERSONATE: i32 = 0x800;
const SCRIPT_64_BIT: i32 = 0x1000;
const TERMINAL_SERVER: i32 = 0x4000;

/// Where the source of a base type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Table(&'static str),
    Property,
    Nothing,
    /// Something that is not in the tables, such as another package.
    Elsewhere,
}

/// What the target of a base type has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Required,
    Optional,
}

/// The base types: number, source, target, whether it may be deferred.
const TYPES: &[(i32, Source, Target, bool)] = &[
    (1, Source::Table("Binary"), Target::Required, true),
    (2, Source::Table("Binary"), Target::Optional, true),
    (5, Source::Table("Binary"), Target::Optional, true),
    (6, Source::Table("Binary"), Target::Optional, true),
    (7, Source::Elsewhere, Target::Optional, false),
    (17, Source::Table("File"), Target::Required, true),
    (18, Source::Table("File"), Target::Optional, true),
    (19, Source::Nothing, Target::Required, false),
    (21, Source::Table("File"), Target::Optional, true),
    (22, Source::Table("File"), Target::Optional, true),
    (23, Source::Elsewhere, Target::Optional, false),
    (34, Source::Table("Directory"), Target::Required, true),
    (35, Source::Table("Directory"), Target::Required, false),
    (37, Source::Nothing, Target::Required, true),
    (38, Source::Nothing, Target::Required, true),
    (39, Source::Elsewhere, Target::Optional, false),
    (50, Source::Property, Target::Optional, true),
    (51, Source::Property, Target::Optional, false),
    (53, Source::Property, Target::Optional, true),
    (54, Source::Property, Target::Optional, true),
];

/// Whether an action runs later, as part of the script: deferred, for rollback or commit.
pub(super) fn is_deferred(kind: i32) -> bool {
    kind & IN_SCRIPT != 0
}

/// Whether the target is a script, or a function in one.
pub(super) fn is_script(kind: i32) -> bool {
    matches!(kind & 7, 5 | 6)
}

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for row in msi.rows("CustomAction") {
        let kind = row.bits("Type");
        if standard(row.text("Action")).is_some() {
            report.value(NAME, row, "Action", "is the name of a standard action: choose another");
        }
        let Some((_, source, target, may_defer)) = TYPES.iter().find(|(base, ..)| *base == kind & BASE)
        else {
            report.value(TYPE, row, "Type", format!("{} is no base type of a custom action", kind & BASE));
            continue;
        };
        if let Some(reason) = bad_options(kind, *may_defer) {
            report.value(TYPE, row, "Type", reason);
        }
        check_source(msi, row, *source, report);
        if *target == Target::Required && row.text("Target").is_empty() {
            report.value(TARGET, row, "Target", "is empty, but this type needs one");
        }
    }
}

/// What is wrong with the bits beside the base type.
fn bad_options(kind: i32, may_defer: bool) -> Option<String> {
    let has = |bits: i32| kind & bits == bits;
    let deferred = is_deferred(kind);
    let message = if deferred && !may_defer {
        format!("the base type {} cannot be deferred: take 1024 away", kind & BASE)
    } else if deferred && has(ROLLBACK | COMMIT) {
        "is for rollback and for commit: take 256 or 512 away".to_owned()
    } else if !deferred && has(NO_IMPERSONATE) {
        "2048 (no impersonation) is for deferred actions: add 1024, or take 2048 away".to_owned()
    } else if !deferred && has(TERMINAL_SERVER) {
        "16384 (terminal server) is for deferred actions: add 1024, or take 16384 away".to_owned()
    } else if has(SCRIPT_64_BIT) && !is_script(kind) {
        "4096 (64-bit script) is for scripts: take it away".to_owned()
    } else {
        return None;
    };
    Some(message)
}

fn check_source(msi: &Msi, row: Row<'_>, source: Source, report: &mut Report) {
    let name = row.text("Source");
    let message = match source {
        Source::Table(table) if name.is_empty() || !msi.has(table, name) => {
            format!("{name:?} is not in table {table}: add the row, or correct the type")
        }
        Source::Property if name.is_empty() => "is empty: name a property".to_owned(),
        Source::Nothing if !name.is_empty() => {
            format!("{name:?} has no meaning for this type: leave it empty")
        }
        _ => return,
    };
    report.value(SOURCE, row, "Source", message);
}
