//! Rules, and what they found.

use super::read::Row;
use std::fmt;

/// Something that every database has to observe.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name, which stays the same over versions.
    pub id: &'static str,
    /// What has to be so, in a sentence.
    pub says: &'static str,
    /// The page of Microsoft that it follows, below <https://learn.microsoft.com/en-us/windows/win32/>:
    /// an ICE where there is one.
    pub follows: &'static str,
}

/// Declares the rules of a module: a constant for each, and `RULES` with all of them.
macro_rules! rules {
    ($($name:ident $id:literal $says:literal $follows:literal;)*) => {
        $(const $name: $crate::lint::Rule =
            $crate::lint::Rule { id: $id, says: $says, follows: $follows };)*
        pub(super) const RULES: &[$crate::lint::Rule] =
            &[$($crate::lint::Rule { id: $id, says: $says, follows: $follows }),*];
    };
}
pub(super) use rules;

/// A place in a database that a rule objects to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the rule.
    pub rule: &'static str,
    /// Name of the table; empty for the file as a whole, its summary and streams.
    pub table: String,
    /// Primary key of the row, its columns joined with `/`; empty for the table as a whole.
    pub row: String,
    /// Name of the column; empty for the row as a whole.
    pub column: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.rule)?;
        for (what, name) in [("table ", &self.table), (", row ", &self.row), (", column ", &self.column)] {
            if !name.is_empty() {
                write!(out, "{what}{name}")?;
            }
        }
        write!(out, "{}{}", if self.table.is_empty() { "" } else { ": " }, self.message)
    }
}

/// More findings than these nobody reads, and a hostile file can have one in every cell.
const MOST: usize = 100_000;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    /// Objects to one value.
    pub(super) fn value(&mut self, rule: Rule, row: Row<'_>, column: &str, message: impl Into<String>) {
        self.add(rule, &row.table.name, &row.key(), column, &message.into());
    }

    /// Objects to a row.
    pub(super) fn row(&mut self, rule: Rule, row: Row<'_>, message: impl Into<String>) {
        self.add(rule, &row.table.name, &row.key(), "", &message.into());
    }

    /// Objects to a table, or to one that is missing.
    pub(super) fn table(&mut self, rule: Rule, table: &str, message: impl Into<String>) {
        self.add(rule, table, "", "", &message.into());
    }

    /// Objects to a column of a table.
    pub(super) fn column(&mut self, rule: Rule, table: &str, column: &str, message: impl Into<String>) {
        self.add(rule, table, "", column, &message.into());
    }

    /// Objects to a row that is not there.
    pub(super) fn missing(&mut self, rule: Rule, table: &str, row: &str, message: impl Into<String>) {
        self.add(rule, table, row, "", &message.into());
    }

    /// Objects to the file, its summary or a stream.
    pub(super) fn file(&mut self, rule: Rule, message: impl Into<String>) {
        self.add(rule, "", "", "", &message.into());
    }

    fn add(&mut self, rule: Rule, table: &str, row: &str, column: &str, message: &str) {
        if self.0.len() == MOST {
            let message = format!("more than {MOST} findings are not listed: mend these first");
            let [table, row, column] = [const { String::new() }; 3];
            self.0.push(Finding { rule: rule.id, table, row, column, message });
        }
        if self.0.len() > MOST {
            return;
        }
        let (table, row, column) = (shortened(table), shortened(row), shortened(column));
        self.0.push(Finding { rule: rule.id, table, row, column, message: shortened(message) });
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        self.0
    }
}

/// The beginning and the end of a text that is too long to be read. A file may have a long one in many rows,
/// each with a finding that shows it.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 600;
    let all = text.chars().count();
    if all <= SHOWN {
        return text.to_owned();
    }
    let begin: String = text.chars().take(SHOWN / 2).collect();
    let end: String = text.chars().skip(all - SHOWN / 2).collect();
    format!("{begin} … {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: findings take all memory, or some are left out and nothing says so.
    #[test]
    fn findings_end() {
        let rule = Rule { id: "rule", says: "", follows: "" };
        let mut report = Report::default();
        for _ in 0..2 * MOST {
            report.file(rule, "x");
        }
        let findings = report.findings();
        assert_eq!(findings.len(), MOST + 1);
        assert_eq!(findings[MOST].message, "more than 100000 findings are not listed: mend these first");
    }

    /// Fails if: a finding keeps a text of any length, or loses what is to be done.
    #[test]
    fn findings_are_short() {
        let rule = Rule { id: "rule", says: "", follows: "" };
        let mut report = Report::default();
        report.missing(rule, "T", &"ä".repeat(100_000), format!("{:?}: correct it", "x".repeat(100_000)));
        let finding = report.findings().remove(0);
        assert!(finding.row.chars().count() < 700 && finding.message.chars().count() < 700);
        assert!(finding.message.starts_with("\"xxx") && finding.message.ends_with("x\": correct it"));
    }
}
