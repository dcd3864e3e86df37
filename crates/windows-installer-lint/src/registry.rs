//! The tables `Registry` and `RegLocator`.

use super::read::{Msi, Row};
use super::report::{Report, rules};
use super::{category, formatted};

rules! {
    ROOT "registry-root"
        "A root is one that Windows Installer knows."
        "msi/registry-table";
    KEY "registry-key"
        "A key is a path below its root, and does not name the root."
        "msi/regpath";
    VALUE "registry-value"
        "A value is as its prefix says: # and a number, #x and bytes, #% and a text; lists are joined with \
         [~]."
        "msi/ice70";
    PRIVATE "registry-private"
        "Nothing is written into the keys of Windows Installer and of its policies."
        "msi/ice53";
    HIVE "registry-hive"
        "The same value is written once."
        "msi/registry-table";
}

/// Names of roots, and the short names that people write.
const ROOTS: &[&str] = &["HKEY_", "HKLM", "HKCU", "HKCR", "HKU\\", "HKMU"];
const OWN_KEYS: &[&str] = &[
    "software\\microsoft\\windows\\currentversion\\installer",
    "software\\policies\\microsoft\\windows\\installer",
];

pub(super) fn check(msi: &Msi, report: &mut Report) {
    let mut seen = std::collections::BTreeMap::new();
    for row in msi.rows("Registry") {
        root(row, -1, report);
        key(row, report);
        if let Some(reason) = bad_value(row.text("Value")) {
            report.value(VALUE, row, "Value", reason);
        }
        // Rows that add to a list belong together.
        if adds_to_list(row.text("Value")) {
            continue;
        }
        let place =
            [row.bits("Root").to_string(), row.text("Key").to_lowercase(), row.text("Name").to_lowercase()];
        // Components with conditions may write different values to one place.
        if let Some(other) = seen.insert((place, row.text("Component_")), row.key()) {
            report.row(HIVE, row, format!("is the same value as {other}: remove one"));
        }
    }
    for row in msi.rows("RegLocator") {
        root(row, 0, report);
        key(row, report);
    }
}

fn root(row: Row<'_>, least: i32, report: &mut Report) {
    let root = row.bits("Root");
    if !(least..=3).contains(&root) {
        report.value(ROOT, row, "Root", format!("{root} is no root: {least} to 3 are"));
    }
}

fn key(row: Row<'_>, report: &mut Report) {
    let key = row.text("Key");
    let upper = key.to_uppercase();
    if ROOTS.iter().any(|root| upper.starts_with(root)) {
        report.value(KEY, row, "Key", format!("{key:?} names a root: leave it to the column Root"));
    } else if let Err(reason) = category::single_backslashes(key) {
        report.value(KEY, row, "Key", reason);
    } else if row.table.name == "Registry" && OWN_KEYS.iter().any(|own| key.to_lowercase().starts_with(own)) {
        report.value(PRIVATE, row, "Key", "belongs to Windows Installer: write elsewhere");
    }
}

/// Whether a value is put before or after the list that is there; with `[~]` at both ends it takes its place.
fn adds_to_list(value: &str) -> bool {
    value.starts_with("[~]") != value.ends_with("[~]")
}

/// What is wrong with a value.
fn bad_value(value: &str) -> Option<String> {
    let is_known = !value.contains('[') || formatted::parse(value).is_ok_and(|found| found.is_empty());
    let rest = value.strip_prefix('#')?;
    let message = match rest.chars().next() {
        Some('#' | '%') => return None,
        Some('x' | 'X') => {
            let digits = &rest[1..];
            let is_bytes = digits.len().is_multiple_of(2) && digits.chars().all(|c| c.is_ascii_hexdigit());
            if is_bytes || !is_known {
                return None;
            }
            format!("{value:?} is not #x and pairs of hexadecimal digits")
        }
        // A number that is put together at installation time, or one that is written out.
        _ if !is_known || rest.parse::<i64>().is_ok() => return None,
        _ => format!("{value:?} is not # and a number; a text that begins with # is written ##"),
    };
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a value that Windows writes as it is meant is refused, or one accepted that it does not.
    #[test]
    fn knows_values() {
        for value in ["", "text", "#12", "#-1", "#[NUMBER]", "#x00ff", "#x", "#%%PATH%", "##text", "a[~]b"] {
            assert_eq!(bad_value(value), None, "{value}");
        }
        for value in ["#", "#a", "#x0", "#x0g"] {
            assert!(bad_value(value).is_some(), "{value}");
        }
    }
}
