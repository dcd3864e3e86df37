//! What became of each scenario in each guest, as a table and as `target/vm/table.json`.

use super::registry::{Guest, Scenario};
use crate::workspace;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;

/// What the bench writes of a scenario.
#[derive(Default, Deserialize)]
pub(crate) struct Results {
    pub(crate) cases: Vec<Value>,
    pub(crate) figures: Figures,
}

/// What a scenario has counted. What it has not looked at is not there.
#[derive(Clone, Copy, Default, Deserialize, Serialize)]
pub(crate) struct Figures {
    /// What the guest took of this machine's processors.
    processor_seconds: Option<u64>,
    /// Reports that were dropped into a watch folder.
    reports: Option<u64>,
    /// How many of them are not at the server.
    losses: Option<i64>,
    /// What SELinux has denied to the domains of the package.
    denials: Option<u64>,
}

/// A scenario in a guest.
#[derive(Serialize)]
struct Row {
    scenario: &'static str,
    guest: &'static str,
    result: &'static str,
    seconds: f64,
    #[serde(flatten)]
    figures: Figures,
}

/// All of a run.
#[derive(Default, Serialize)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a scenario in a guest, by the cases that it adds to those of the run.
    pub(crate) fn add(
        &mut self,
        scenario: &'static Scenario,
        guest: &'static Guest,
        seconds: f64,
        cases: &[Value],
        figures: Figures,
    ) {
        let any = |outcome: &str| cases.iter().any(|case| case["outcome"] == outcome);
        let result = if any("failed") {
            "failed"
        } else if cases.is_empty() || any("not_run") {
            "not run"
        } else {
            "passed"
        };
        self.rows.push(Row { scenario: &scenario.name, guest: &guest.name, result, seconds, figures });
    }

    /// The table for a terminal. What was not counted is a dash.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!(
            "{:<20} {:<16} {:<8} {:>8} {:>10} {:>8} {:>7} {:>7}\n",
            "scenario", "guest", "result", "seconds", "processor", "denials", "reports", "losses"
        );
        for Row { scenario, guest, result, seconds, figures } in &self.rows {
            let Figures { processor_seconds, reports, losses, denials } = figures;
            let count = |figure: Option<i64>| figure.map_or("-".to_owned(), |figure| figure.to_string());
            let whole = |figure: &Option<u64>| count(figure.and_then(|figure| figure.try_into().ok()));
            text += &format!(
                "{scenario:<20} {guest:<16} {result:<8} {seconds:>8.0} {:>10} {:>8} {:>7} {:>7}\n",
                whole(processor_seconds),
                whole(denials),
                whole(reports),
                count(*losses)
            );
        }
        text
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// If that is not possible.
    pub(crate) fn write(&self) -> Result<()> {
        let folder = workspace::target("vm");
        let path = folder.join("table.json");
        fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&path, serde_json::to_string_pretty(self)? + "\n"))
            .with_context(|| format!("writing {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::registry;
    use super::*;
    use serde_json::json;

    /// Fails if: a scenario that failed, or did not run, looks as if it had passed, or a figure that nobody has looked
    /// at looks like none.
    #[test]
    fn says_what_became_of_each() {
        let mut table = Table::default();
        let (scenario, guest) = registry::choose(&["package".to_owned()], &[], false).unwrap()[0];
        let case = |outcome: &str| json!({ "outcome": outcome });
        let figures: Figures =
            serde_json::from_value(json!({ "denials": 0, "losses": 2, "reports": 7 })).unwrap();
        for cases in [
            &[case("passed")][..],
            &[case("passed"), case("failed"), case("not_run")],
            &[case("not_run")],
            &[],
        ] {
            table.add(scenario, guest, 12.3, cases, figures);
        }
        let text = table.shown();
        let results: Vec<&str> = text.lines().skip(1).map(|line| line[38..46].trim()).collect();
        assert_eq!(results, ["passed", "failed", "not run", "not run"], "{text}");
        let words: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(words, ["package", "debian-13", "passed", "12", "-", "0", "7", "2"]);
    }
}
