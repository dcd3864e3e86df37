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
///
/// # Errors
/// If a record is another.
pub fn switches(data: &str) -> Result<Vec<Switch<'_>>, String> {
    let read = |record: Vec<_>| match record[..] {
        [property, feature, remembered] if !record.contains(&"") => {
            Ok(Switch { property, feature, remembered })
        }
        _ => Err(records::unknown("the choice of features", &record)),
    };
    records::parse(data)?.into_iter().map(read).collect()
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
///
/// # Errors
/// If what was given or chosen before is neither `0` nor `1`.
pub fn decide(facts: Facts<'_>) -> Result<Option<bool>, String> {
    if !facts.given.is_empty() {
        return switch(facts.given).map(Some);
    }
    if facts.selected || facts.installed || facts.remembered.is_empty() {
        return Ok(None);
    }
    switch(facts.remembered).map(Some)
}

fn switch(value: &str) -> Result<bool, String> {
    match value {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err(format!("it is {value:?}, which is neither 0 nor 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: what was given does not count first, a choice of Windows Installer is overridden, or a value is
    /// taken for what it does not say.
    #[test]
    fn decides_in_order() {
        let facts = |given, remembered, selected, installed| Facts { given, remembered, selected, installed };
        for (facts, expected) in [
            (facts("", "", false, false), Ok(None)),
            (facts("0", "1", false, false), Ok(Some(false))),
            (facts("1", "0", false, false), Ok(Some(true))),
            (facts("", "0", false, false), Ok(Some(false))),
            (facts("", "1", false, false), Ok(Some(true))),
            (facts("", "0", true, false), Ok(None)),
            (facts("", "0", false, true), Ok(None)),
            (facts("0", "", true, true), Ok(Some(false))),
            (facts("no", "0", false, false), Err("\"no\"")),
            (facts("", "#0", false, false), Err("\"#0\"")),
        ] {
            match (decide(facts), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{facts:?}"),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{facts:?}: {reason}"),
                (found, _) => panic!("{facts:?}: {found:?}"),
            }
        }
    }

    /// Fails if: a feature is passed over that the package wants to be switched.
    #[test]
    fn reads_switches() {
        let read = switches("INSTALLSERVICE|Service|OLD\nADDTOPATH|Path|OLDER\n").unwrap();
        assert_eq!(read[1], Switch { property: "ADDTOPATH", feature: "Path", remembered: "OLDER" });
        assert_eq!(read.len(), 2);
        for data in ["", "broken", "A|B", "A|B|C|D", "A||C", "|B|C", "A|B|C\nbroken"] {
            let reason = switches(data).unwrap_err();
            assert!(reason.contains("the package"), "{data:?}: {reason}");
        }
    }
}
