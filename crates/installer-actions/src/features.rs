//! Which features are installed: what was given, else what was chosen before, else what Windows Installer made
//! of its own properties (`ADDLOCAL` and the like) and of the features' defaults.

use crate::records;

/// A feature that a public property switches, such as `INSTALLSERVICE=0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch<'a> {
    /// The public property.
    pub property: &'a str,
    /// The feature.
    pub feature: &'a str,
    /// The property with what was chosen before.
    pub remembered: &'a str,
}

/// Reads the data of the action: property, feature and remembered property a record.
pub fn switches(data: &str) -> Vec<Switch<'_>> {
    let fields = |record: Vec<_>| match record[..] {
        [property, feature, remembered] => Some(Switch { property, feature, remembered }),
        _ => None,
    };
    records::parse(data).into_iter().filter_map(fields).collect()
}

/// Properties by which Windows Installer itself is told what to do with features.
pub const SELECTIONS: &[&str] = &["ADDLOCAL", "ADDDEFAULT", "ADDSOURCE", "ADVERTISE", "REINSTALL", "REMOVE"];

/// What is known when a feature is decided about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// The value of the public property.
    pub given: &'a str,
    /// What was chosen before.
    pub remembered: &'a str,
    /// Whether one of [`SELECTIONS`] was given.
    pub selected: bool,
    /// Whether this very version is installed: Windows Installer then knows its features itself.
    pub installed: bool,
}

/// Whether the feature is to be there; nothing if Windows Installer has decided.
pub fn decide(facts: Facts<'_>) -> Option<bool> {
    match facts.given {
        "" => {}
        given => return Some(given != "0"),
    }
    if facts.selected || facts.installed || facts.remembered.is_empty() {
        return None;
    }
    Some(facts.remembered != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: what was given does not count first, or a choice of Windows Installer is overridden.
    #[test]
    fn decides_in_order() {
        let facts = |given, remembered, selected, installed| Facts { given, remembered, selected, installed };
        for (facts, expected) in [
            (facts("", "", false, false), None),
            (facts("0", "1", false, false), Some(false)),
            (facts("1", "0", false, false), Some(true)),
            (facts("", "0", false, false), Some(false)),
            (facts("", "1", false, false), Some(true)),
            (facts("", "0", true, false), None),
            (facts("", "0", false, true), None),
            (facts("0", "", true, true), Some(false)),
        ] {
            assert_eq!(decide(facts), expected, "{facts:?}");
        }
        let switches = switches("INSTALLSERVICE|Service|OLD\nbroken\n");
        assert_eq!(switches.len(), 1);
        assert_eq!(switches[0].feature, "Service");
    }
}
