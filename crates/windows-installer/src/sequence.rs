//! Which action runs when: a sequence table that is being put together.
//!
//! Custom actions and dialogs are placed relative to [standard ones](crate::standard_actions), which have the
//! numbers that Microsoft gives them.

use crate::standard_actions::{ACTIONS, standard};
use crate::{Database, Error, Result, row};

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
    /// An empty sequence for a table such as `InstallExecuteSequence`.
    pub fn new(table: &'static str) -> Sequence {
        Sequence { table, steps: Vec::new() }
    }

    /// Adds standard actions, each with the condition under which it runs (empty: always).
    ///
    /// # Errors
    /// If one is not a standard action.
    pub fn standard(mut self, actions: &[(&str, &str)]) -> Result<Sequence> {
        for (name, condition) in actions {
            let number = standard(name).and_then(|known| known.number).ok_or_else(|| {
                Error::row(self.table, name, "is not a standard action whose number is known")
            })?;
            self.steps.push(((*name).to_owned(), (*condition).to_owned(), number));
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
            .and_then(|action| action.number)
            .ok_or_else(|| {
                refuse(format!("is placed after {anchor}, a standard action that is not in the sequence"))
            })?;
        let later = ACTIONS.iter().filter_map(|action| action.number).filter(|n| *n > anchor_number);
        let next_standard = later.min().unwrap_or(i16::MAX);
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
