//! Which action runs when.
//!
//! The numbers are those that Microsoft's own template database gives the
//! [standard actions](https://learn.microsoft.com/en-us/windows/win32/msi/standard-actions-reference);
//! each action's page says what has to come before it. Custom actions and dialogs are placed relative to
//! standard ones.

use crate::{Database, Error, Result, row};

/// A standard action.
#[derive(Debug)]
pub struct StandardAction {
    /// Name of the action.
    pub name: &'static str,
    /// Its sequence number.
    pub number: i16,
    /// Actions that must be in the same sequence, before it.
    pub needs: &'static [&'static str],
}

const fn action(name: &'static str, number: i16, needs: &'static [&'static str]) -> StandardAction {
    StandardAction { name, number, needs }
}

/// The standard actions that this crate knows, in the order in which they run.
pub const STANDARD: &[StandardAction] = &[
    action("FindRelatedProducts", 25, &[]),
    action("AppSearch", 50, &[]),
    action("LaunchConditions", 100, &[]),
    action("ValidateProductID", 700, &[]),
    action("CostInitialize", 800, &[]),
    action("FileCost", 900, &["CostInitialize"]),
    action("CostFinalize", 1000, &["CostInitialize"]),
    action("MigrateFeatureStates", 1200, &["CostFinalize"]),
    action("ExecuteAction", 1300, &["CostFinalize"]),
    action("InstallValidate", 1400, &["CostFinalize"]),
    action("InstallInitialize", 1500, &["InstallValidate"]),
    // This action has four documented places. Here it removes the old version inside the transaction of
    // the new one, so that whatever fails later brings the old version back, and before anything of the
    // new version is written, so that no rule about versions or dates of files keeps an old file.
    action("RemoveExistingProducts", 1550, &["FindRelatedProducts", "InstallInitialize"]),
    action("ProcessComponents", 1600, &["InstallInitialize"]),
    action("UnpublishFeatures", 1800, &["InstallInitialize"]),
    action("StopServices", 1900, &["InstallInitialize"]),
    action("DeleteServices", 2000, &["StopServices"]),
    action("RemoveRegistryValues", 2600, &["InstallInitialize"]),
    action("RemoveIniValues", 3100, &["InstallInitialize"]),
    action("RemoveShortcuts", 3200, &["InstallInitialize"]),
    action("RemoveEnvironmentStrings", 3300, &["InstallInitialize"]),
    action("RemoveFiles", 3500, &["InstallInitialize"]),
    action("RemoveFolders", 3600, &["RemoveFiles"]),
    action("CreateFolders", 3700, &["InstallInitialize"]),
    action("InstallAdminPackage", 3900, &["InstallInitialize"]),
    action("InstallFiles", 4000, &["InstallInitialize"]),
    action("CreateShortcuts", 4500, &["InstallFiles"]),
    action("WriteRegistryValues", 5000, &["InstallInitialize"]),
    action("WriteIniValues", 5100, &["InstallInitialize"]),
    action("WriteEnvironmentStrings", 5200, &["InstallInitialize"]),
    action("InstallServices", 5800, &["InstallFiles"]),
    action("StartServices", 5900, &["InstallServices"]),
    action("RegisterUser", 6000, &["InstallInitialize"]),
    action("RegisterProduct", 6100, &["InstallInitialize"]),
    action("PublishFeatures", 6300, &["InstallInitialize"]),
    action("PublishProduct", 6400, &["InstallInitialize"]),
    action("InstallFinalize", 6600, &["InstallInitialize"]),
];

/// The sequence tables.
pub const TABLES: &[&str] = &[
    "AdminExecuteSequence",
    "AdminUISequence",
    "AdvtExecuteSequence",
    "InstallExecuteSequence",
    "InstallUISequence",
];

/// The standard action of that name.
pub fn standard(name: &str) -> Option<&'static StandardAction> {
    STANDARD.iter().find(|action| action.name == name)
}

/// Whether a sequence table is one of the user interface, which may have dialogs for actions.
pub(crate) fn shows_dialogs(table: &str) -> bool {
    table.ends_with("UISequence")
}

/// Where a custom action or a dialog goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// After a standard action, and after custom actions that were placed there before.
    After(&'a str),
    /// At the end, if the sequence ends in this way.
    At(Ending),
}

/// How a sequence ends. The numbers are those of the
/// [sequence tables](https://learn.microsoft.com/en-us/windows/win32/msi/installuisequence-table).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was done.
    Success = -1,
    /// The user gave up.
    UserExit = -2,
    /// Something went wrong.
    Failure = -3,
    /// It is to go on later, such as after a restart.
    Suspended = -4,
}

/// One sequence table that is being put together.
#[derive(Debug)]
pub struct Sequence {
    table: &'static str,
    /// Action, condition, number.
    steps: Vec<(String, String, i16)>,
}

impl Sequence {
    /// An empty sequence for one of [`TABLES`].
    pub fn new(table: &'static str) -> Sequence {
        Sequence { table, steps: Vec::new() }
    }

    /// Adds standard actions, each with the condition under which it runs (empty: always).
    ///
    /// # Errors
    /// If one is not a standard action.
    pub fn standard(mut self, actions: &[(&str, &str)]) -> Result<Sequence> {
        for (name, condition) in actions {
            let known =
                standard(name).ok_or_else(|| Error::row(self.table, name, "is not a standard action"))?;
            self.steps.push(((*name).to_owned(), (*condition).to_owned(), known.number));
        }
        Ok(self)
    }

    /// Adds a custom action or a dialog, and the condition under which it runs (empty: always).
    ///
    /// # Errors
    /// If the action it is placed at is not in the sequence, or there is no number left there.
    pub fn custom(mut self, name: &str, condition: &str, place: Place<'_>) -> Result<Sequence> {
        let number = match place {
            Place::After(anchor) => self.number_after(anchor, name)?,
            Place::At(ending) => self.number_at(ending, name)?,
        };
        self.steps.push((name.to_owned(), condition.to_owned(), number));
        Ok(self)
    }

    /// The number of an ending, which one action alone may have.
    fn number_at(&self, ending: Ending, name: &str) -> Result<i16> {
        let number = ending as i16;
        match self.steps.iter().find(|(_, _, taken)| *taken == number) {
            None => Ok(number),
            Some((other, ..)) => {
                let reason = format!("is placed at the ending {ending:?}, which {other} has already");
                Err(Error::row(self.table, name, reason))
            }
        }
    }

    /// The first free number after a standard action.
    fn number_after(&self, anchor: &str, name: &str) -> Result<i16> {
        let refuse = |reason: String| Error::row(self.table, name, reason);
        let anchor_number = standard(anchor)
            .filter(|_| self.steps.iter().any(|(step, ..)| step == anchor))
            .ok_or_else(|| {
                refuse(format!("is placed after {anchor}, a standard action that is not in the sequence"))
            })?
            .number;
        let next_standard =
            STANDARD.iter().map(|a| a.number).find(|n| *n > anchor_number).unwrap_or(i16::MAX);
        (anchor_number + 1..next_standard)
            .find(|number| self.steps.iter().all(|(_, _, taken)| taken != number))
            .ok_or_else(|| refuse(format!("there is no sequence number left after {anchor}")))
    }

    /// Writes the sequence into its table.
    ///
    /// # Errors
    /// As [`Database::add`], such as for an action that is there twice.
    pub fn add_to(self, database: &mut Database) -> Result<()> {
        for (action, condition, number) in self.steps {
            let row = row! { Action: action, Condition: condition, Sequence: i32::from(number) };
            database.add(self.table, row)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the standard actions are out of order, or one needs what is unknown or comes later.
    #[test]
    fn standard_actions_are_in_order() {
        for pair in STANDARD.windows(2) {
            assert!(pair[0].number < pair[1].number, "{} and {}", pair[0].name, pair[1].name);
        }
        for action in STANDARD {
            for needed in action.needs {
                let needed = standard(needed).unwrap_or_else(|| panic!("{} needs {needed}", action.name));
                assert!(needed.number < action.number, "{} needs {}", action.name, needed.name);
            }
        }
    }

    /// Fails if: custom actions do not follow their standard action in the order they were added.
    #[test]
    fn places_custom_actions() {
        let sequence = Sequence::new("InstallExecuteSequence")
            .standard(&[("LaunchConditions", ""), ("AppSearch", "A"), ("InstallInitialize", "")])
            .unwrap()
            .custom("Second", "", Place::After("AppSearch"))
            .and_then(|s| s.custom("Third", "B", Place::After("AppSearch")))
            .unwrap();
        let numbers: Vec<_> =
            sequence.steps.iter().map(|(name, _, number)| (name.as_str(), *number)).collect();
        let expected = [
            ("LaunchConditions", 100),
            ("AppSearch", 50),
            ("InstallInitialize", 1500),
            ("Second", 51),
            ("Third", 52),
        ];
        assert_eq!(numbers, expected);

        let there = |anchor| {
            let sequence =
                Sequence::new("InstallExecuteSequence").standard(&[("InstallInitialize", "")]).unwrap();
            sequence.custom("Mine", "", Place::After(anchor)).expect_err(anchor).to_string()
        };
        let ends = |name| Sequence::new("InstallUISequence").custom(name, "", Place::At(Ending::UserExit));
        assert_eq!(ends("Goodbye").unwrap().steps, [("Goodbye".to_owned(), String::new(), -2)]);
        let twice =
            ends("Goodbye").and_then(|sequence| sequence.custom("Other", "", Place::At(Ending::UserExit)));
        assert!(twice.expect_err("two endings").to_string().contains("UserExit, which Goodbye has already"));
        assert!(there("CostInitialize").contains("not in the sequence"));
        let start = Sequence::new("InstallExecuteSequence").standard(&[("InstallInitialize", "")]).unwrap();
        let full = (0..50).try_fold(start, |sequence, number| {
            sequence.custom(&format!("Mine{number}"), "", Place::After("InstallInitialize"))
        });
        assert!(full.expect_err("there are 49 numbers").to_string().contains("no sequence number left"));
        assert!(Sequence::new("InstallUISequence").standard(&[("Cost", "")]).is_err());
    }
}
