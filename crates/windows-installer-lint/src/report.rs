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
        $(const $name: $crate::Rule =
            $crate::Rule { id: $id, says: $says, follows: $follows };)*
        pub(super) const RULES: &[$crate::Rule] =
            &[$($crate::Rule { id: $id, says: $says, follows: $follows }),*];
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

/// How many bytes findings take at most. Nobody reads more, and a hostile file can have one in every cell.
const MOST: usize = 64 << 20;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
    bytes: usize,
}

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
        if self.bytes < MOST {
            let texts = [table, row, column, message].map(str::to_owned);
            self.bytes += size_of::<Finding>() + texts.iter().map(String::len).sum::<usize>();
            let [table, row, column, message] = texts;
            self.findings.push(Finding { rule: rule.id, table, row, column, message });
        }
    }

    pub(super) fn findings(self) -> Vec<Finding> {
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: findings take all memory.
    #[test]
    fn findings_end() {
        let mut report = Report::default();
        for _ in 0..100 {
            report.file(Rule { id: "rule", says: "", follows: "" }, "x".repeat(MOST / 50));
        }
        assert_eq!(report.findings().len(), 50);
    }
}
