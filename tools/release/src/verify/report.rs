//! What was checked, what came of it, and what was not checked: for people and for machines.

use anyhow::Result;
use serde::Serialize;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It is as it has to be.
    Right,
    /// It is not.
    Wrong,
    /// It was not checked, and why.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// What was looked at: usually the name of a file.
    pub(crate) what: String,
    pub(crate) outcome: Outcome,
    /// What was found, or why it was not checked, and what to do.
    pub(crate) said: String,
}

/// The checks so far.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) checks: Vec<Check>,
}

impl Report {
    pub(super) fn add(&mut self, what: impl Into<String>, outcome: Outcome, said: impl Into<String>) {
        let said = said.into().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.checks.push(Check { what: what.into(), outcome, said });
    }

    /// Adds what a check found, or what is wrong, with what to do. Whether it is right.
    pub(super) fn judge(&mut self, what: &str, advice: &str, found: Result<String>) -> bool {
        match found {
            Ok(said) => self.add(what, Outcome::Right, said),
            Err(error) => self.add(what, Outcome::Wrong, format!("{error:#}: {advice}")),
        }
        self.checks.last().is_some_and(|check| check.outcome == Outcome::Right)
    }

    /// How many checks found something wrong.
    pub(crate) fn wrong(&self) -> usize {
        self.checks.iter().filter(|check| check.outcome == Outcome::Wrong).count()
    }

    /// A table, what is wrong at its end, where it is seen.
    pub(crate) fn table(&self) -> String {
        let width = self.checks.iter().map(|check| check.what.len()).max().unwrap_or(0).min(50);
        let mut table = String::new();
        for (outcome, word) in
            [(Outcome::Right, "right"), (Outcome::NotChecked, "not checked"), (Outcome::Wrong, "WRONG")]
        {
            for check in self.checks.iter().filter(|check| check.outcome == outcome) {
                table += &format!("{word:<12} {:<width$}  {}\n", check.what, check.said);
            }
        }
        table
    }
}
