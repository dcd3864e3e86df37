//! The figures as a table for people and as JSON.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What a figure is to be. The goals are those that the client promises.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    AtLeastTimesLoop(f64),
    AtMostTimesLoop(f64),
    AtMost(f64),
    /// As [`Goal::AtMost`], and whoever measures fails if it is more: it does not depend on the machine.
    Limit(f64),
    /// Only to be known.
    None,
}

/// A row of the table: one figure, measured several times.
#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) client: Vec<f64>,
    /// Empty where the loop has nothing to compare.
    pub(crate) of_loop: Vec<f64>,
    pub(crate) goal: Goal,
}

impl Figure {
    /// A figure of the client alone.
    pub(crate) fn alone(name: &str, unit: &'static str, value: f64, goal: Goal) -> Figure {
        Figure { name: name.to_owned(), unit, client: vec![value], of_loop: Vec::new(), goal }
    }

    /// Whether the goal is met; nothing where there is none.
    fn is_met(&self) -> Option<bool> {
        let (client, of_loop) = (median(&self.client)?, median(&self.of_loop));
        Some(match self.goal {
            Goal::AtLeastTimesLoop(times) => client >= times * of_loop?,
            Goal::AtMostTimesLoop(times) => client <= times * of_loop?,
            Goal::AtMost(value) | Goal::Limit(value) => client <= value,
            Goal::None => return None,
        })
    }
}

impl Goal {
    fn words(self) -> String {
        match self {
            Goal::AtLeastTimesLoop(times) => format!(">= {times} x loop"),
            Goal::AtMostTimesLoop(times) => format!("<= {times} x loop"),
            Goal::AtMost(value) | Goal::Limit(value) => format!("<= {}", short(value)),
            Goal::None => String::new(),
        }
    }
}

/// The middle of what was measured.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some((sorted[sorted.len() / 2 - 1] + upper) / 2.0) }
}

/// Three digits that say something.
fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// `median (lowest to highest)`
fn shown(values: &[f64]) -> String {
    let Some(middle) = median(values) else { return String::new() };
    if values.len() == 1 {
        return short(middle);
    }
    let (low, high) =
        values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    format!("{} ({} to {})", short(middle), short(low), short(high))
}

/// The table, in Markdown.
pub(crate) fn table(figures: &[Figure]) -> String {
    let mut text = String::from("| figure | client | loop | goal | |\n|---|---|---|---|---|\n");
    for figure in figures {
        let verdict = match figure.is_met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "",
        };
        // A String takes everything.
        let _ = writeln!(
            text,
            "| {}, {} | {} | {} | {} | {verdict} |",
            figure.name,
            figure.unit,
            shown(&figure.client),
            shown(&figure.of_loop),
            figure.goal.words(),
        );
    }
    text
}

/// What breaks a promise that no machine excuses.
pub(crate) fn broken(figures: &[Figure]) -> Vec<String> {
    figures
        .iter()
        .filter(|figure| matches!(figure.goal, Goal::Limit(_)) && figure.is_met() != Some(true))
        .map(|figure| format!("{} is {} {}", figure.name, shown(&figure.client), figure.unit))
        .collect()
}

/// Writes `client.json` and `client.md` into a folder.
pub(crate) fn write(folder: &Path, about: &Value, figures: &[Figure]) -> Result<()> {
    let rows: Vec<Value> = figures
        .iter()
        .map(|figure| {
            json!({
                "figure": figure.name, "unit": figure.unit, "client": figure.client, "loop": figure.of_loop,
                "goal": figure.goal.words(), "met": figure.is_met(),
            })
        })
        .collect();
    let text = serde_json::to_string_pretty(&json!({ "about": about, "figures": rows }))? + "\n";
    for (name, content) in [("client.json", text), ("client.md", table(figures))] {
        let path = folder.join(name);
        fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a goal counts as met that is not, or the other way round; or a broken promise lets the run pass.
    #[test]
    fn judges_goals() {
        let cases = [
            (Goal::AtLeastTimesLoop(2.0), Some(true)),
            (Goal::AtLeastTimesLoop(2.1), Some(false)),
            (Goal::AtMostTimesLoop(2.0), Some(true)),
            (Goal::AtMost(19.0), Some(false)),
            (Goal::Limit(19.0), Some(false)),
            (Goal::Limit(20.0), Some(true)),
            (Goal::None, None),
        ];
        for (goal, met) in cases {
            let (client, of_loop) = (vec![5.0, 20.0, 30.0], vec![10.0, 1.0, 11.0]);
            let figure = Figure { name: String::new(), unit: "", client, of_loop, goal };
            assert_eq!(figure.is_met(), met, "{goal:?}");
            let fails = matches!(goal, Goal::Limit(_)) && met == Some(false);
            assert_eq!(broken(&[figure]).len(), usize::from(fails), "{goal:?}");
        }
        assert_eq!(median(&[1.0, 4.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
