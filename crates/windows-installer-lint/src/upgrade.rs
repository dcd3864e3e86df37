//! The table `Upgrade`: which other versions are found, and what becomes of them.

use super::category;
use super::condition::{self, Symbol};
use super::known;
use super::properties::{product_version, three_fields};
use super::read::{Msi, Row};
use super::report::{Report, rules};

rules! {
    CODE "upgrade-code"
        "UpgradeCode is a GUID in braces and upper case."
        "msi/ice61";
    PROPERTY "upgrade-property"
        "ActionProperty is public, in SecureCustomProperties, used by one row only, and not set by the \
         table Property."
        "msi/ice61";
    RANGE "upgrade-range"
        "The least version is below the greatest, and a row has at least one of them."
        "msi/ice61";
    GAP "upgrade-gap"
        "Rows for the product's own UpgradeCode leave out no older and no newer version: one that is left \
         out would be installed beside this one."
        "msi/upgrade-table";
    DOWNGRADE "upgrade-downgrade"
        "A newer version that is only detected is used in a condition, which keeps this one from being \
         installed over it."
        "msi/preventing-an-old-package-from-installing-over-a-newer-version";
    ITSELF "upgrade-newer"
        "No newer version is removed by this one."
        "msi/ice61";
}

/// Bits of `Upgrade.Attributes`.
pub(super) const ONLY_DETECT: i32 = 2;
const MIN_INCLUSIVE: i32 = 0x100;
const MAX_INCLUSIVE: i32 = 0x200;

type Version = [u16; 3];

/// Whether a version is in the range of a row.
fn contains(row: Row<'_>, version: Version) -> bool {
    let bits = row.bits("Attributes");
    let bound = |column: &str| three_fields(row.text(column));
    let above =
        bound("VersionMin").is_none_or(|min| version > min || (bits & MIN_INCLUSIVE != 0 && version == min));
    let below =
        bound("VersionMax").is_none_or(|max| version < max || (bits & MAX_INCLUSIVE != 0 && version == max));
    above && below
}

pub(super) fn check(msi: &Msi, report: &mut Report) {
    let secure = msi.property_list("SecureCustomProperties");
    let mut seen = std::collections::BTreeSet::new();
    for row in msi.rows("Upgrade") {
        if let Err(reason) = category::guid(row.text("UpgradeCode")) {
            report.value(CODE, row, "UpgradeCode", reason);
        }
        let name = row.text("ActionProperty");
        let message = if !known::is_public(name) {
            format!("{name} has lower-case letters: write it in upper case")
        } else if !secure.contains(name) {
            format!(
                "{name} is not in SecureCustomProperties, so it is lost where versions are removed: list it \
                 there"
            )
        } else if msi.has("Property", name) {
            format!("{name} is set in table Property, so a version always seems to be found: remove it there")
        } else if !seen.insert(name) {
            format!("{name} is set by another row too, so nobody knows what was found: give it another name")
        } else {
            String::new()
        };
        if !message.is_empty() {
            report.value(PROPERTY, row, "ActionProperty", message);
        }
        range(row, report);
    }
    own(msi, report);
}

fn range(row: Row<'_>, report: &mut Report) {
    let (min, max) = (row.text("VersionMin"), row.text("VersionMax"));
    if min.is_empty() && max.is_empty() {
        return report.row(RANGE, row, "has neither VersionMin nor VersionMax: give it one");
    }
    for (column, text) in [("VersionMin", min), ("VersionMax", max)] {
        if !text.is_empty() && three_fields(text).is_none() {
            return report.value(RANGE, row, column, format!("{text:?} is no version such as 1.2.3"));
        }
    }
    if let (Some(low), Some(high)) = (three_fields(min), three_fields(max)) {
        let both = MIN_INCLUSIVE | MAX_INCLUSIVE;
        if low > high || (low == high && row.bits("Attributes") & both != both) {
            report.value(
                RANGE,
                row,
                "VersionMin",
                format!("no version lies between {min} and {max}: correct them"),
            );
        }
    }
}

/// The rows about other versions of the product itself.
fn own(msi: &Msi, report: &mut Report) {
    let (Some(code), Some(version)) =
        (msi.property("UpgradeCode"), msi.property("ProductVersion").and_then(product_version))
    else {
        return;
    };
    let rows: Vec<Row<'_>> = msi.rows("Upgrade").filter(|row| row.text("UpgradeCode") == code).collect();
    if rows.is_empty() {
        return;
    }
    let [major, minor, build] = version;
    let next = build.checked_add(1).map_or([major, minor + 1, 0], |build| [major, minor, build]);
    // Another build of the same version is left to the author: ICE61 warns of removing it.
    let probes = [("an older", [0, 0, 1]), ("a newer", next), ("a newer", [255, 255, 65535])];
    for (what, probe) in probes {
        let exists = if what == "an older" { probe < version } else { probe > version };
        if exists && !rows.iter().any(|row| contains(*row, probe)) {
            let shown = probe.map(|field| field.to_string()).join(".");
            let message = format!(
                "no row finds {what} version such as {shown}: it would be installed beside this one; widen a range"
            );
            report.table(GAP, "Upgrade", message);
        }
    }
    for row in rows.iter().filter(|row| contains(**row, next)) {
        if row.bits("Attributes") & ONLY_DETECT == 0 {
            report.value(ITSELF, *row, "Attributes", "a newer version would be removed: add 2 (only detect)");
        } else if !used_in_condition(msi, row.text("ActionProperty")) {
            let message = "nothing asks whether a newer version was found: add a LaunchCondition or an \
                action that stops";
            report.value(DOWNGRADE, *row, "ActionProperty", message);
        }
    }
}

/// Whether a launch condition, or the condition of an action, depends on a property.
fn used_in_condition(msi: &Msi, property: &str) -> bool {
    ["LaunchCondition", "InstallExecuteSequence", "InstallUISequence"].iter().any(|table| {
        msi.rows(table).any(|row| {
            let symbols = condition::parse(row.text("Condition")).unwrap_or_default();
            symbols.contains(&Symbol::Property(property))
        })
    })
}
