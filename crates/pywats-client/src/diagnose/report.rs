//! What a diagnosis says: sections of rows, and what needs attention, as text for people and as JSON.

use serde_json::{Map, Value, json};

/// Everything that was found out.
#[derive(Debug, Default)]
pub struct Report {
    sections: Vec<Section>,
    findings: Vec<Finding>,
}

/// What belongs together.
#[derive(Debug)]
pub struct Section {
    name: &'static str,
    rows: Vec<Row>,
    findings: Vec<String>,
}

#[derive(Debug)]
struct Row {
    name: String,
    value: Value,
    details: Vec<(&'static str, Value)>,
}

/// Something that needs attention.
#[derive(Debug)]
struct Finding {
    section: &'static str,
    what: String,
}

impl Section {
    /// An empty section of this name.
    pub fn new(name: &'static str) -> Self {
        Section { name, rows: Vec::new(), findings: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.detailed(name, value, Vec::new());
    }

    /// Adds a row whose value has details of its own.
    pub fn detailed(
        &mut self,
        name: impl Into<String>,
        value: impl Into<Value>,
        details: Vec<(&'static str, Value)>,
    ) {
        self.rows.push(Row { name: name.into(), value: value.into(), details });
    }

    /// Something needs attention: what it is and what to do.
    pub fn finding(&mut self, what: impl Into<String>) {
        self.findings.push(what.into());
    }

    /// What needs attention.
    pub fn findings(&self) -> &[String] {
        &self.findings
    }
}

impl Report {
    /// Adds a section; an empty one says nothing and is left out.
    pub fn add(&mut self, mut section: Section) {
        let (name, findings) = (section.name, std::mem::take(&mut section.findings));
        self.findings.extend(findings.into_iter().map(|what| Finding { section: name, what }));
        if !section.rows.is_empty() {
            self.sections.push(section);
        }
    }

    /// Whether anything needs attention.
    pub fn needs_attention(&self) -> bool {
        !self.findings.is_empty()
    }

    /// For programs: an object per section, and the list `findings`.
    pub fn json(&self) -> Value {
        let mut report: Map<String, Value> = Map::new();
        for section in &self.sections {
            let rows = section.rows.iter().map(|row| (row.name.clone(), row.json())).collect();
            report.insert(section.name.replace(' ', "_"), Value::Object(rows));
        }
        let findings = self
            .findings
            .iter()
            .map(|finding| json!({ "section": finding.section.replace(' ', "_"), "finding": finding.what }));
        report.insert("findings".to_owned(), findings.collect());
        Value::Object(report)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for section in &self.sections {
            lines.push(section.name.to_uppercase());
            for row in &section.rows {
                let mut name = row.name.clone();
                for line in row.lines() {
                    lines.push(format!("  {name:<29} {line}").trim_end().to_owned());
                    name.clear();
                }
            }
            lines.push(String::new());
        }
        if self.findings.is_empty() {
            lines.push("Nothing needs attention.".to_owned());
        }
        lines.extend(self.findings.iter().map(|finding| format!("attention: {}", finding.what)));
        lines.join("\n")
    }
}

impl Row {
    fn json(&self) -> Value {
        if self.details.is_empty() {
            return self.value.clone();
        }
        let own = ("value".to_owned(), self.value.clone());
        let details = self.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Value::Object(std::iter::once(own).chain(details).collect())
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = match &self.value {
            Value::Array(values) if values.is_empty() => vec!["-".to_owned()],
            Value::Array(values) => values.iter().map(word).collect(),
            value => vec![word(value)],
        };
        if let (Some(last), false) = (lines.last_mut(), self.details.is_empty()) {
            let details = self.details.iter();
            let details: Vec<_> = details.map(|(name, value)| format!("{name}: {}", word(value))).collect();
            *last = format!("{last} ({})", details.join(", "));
        }
        lines
    }
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: text or JSON lose a row, a detail or a finding, or show an empty section.
    #[test]
    fn shows_everything() {
        let mut report = Report::default();
        assert!(!report.needs_attention());
        assert!(report.text().contains("Nothing needs attention."));
        report.add(Section::new("empty"));
        let mut section = Section::new("write filter");
        section.row("is_on", true);
        section.row("drives", json!(["C:", "D:"]));
        section.row("none", json!([]));
        section.detailed("data_folder", "/data", vec![("free_mib", 7.into()), ("exists", false.into())]);
        section.finding("do something");
        report.add(section);
        let expected = "WRITE FILTER\n  is_on                         yes\n  drives                        C:\n                                D:\n  none                          -\n  data_folder                   /data (free_mib: 7, exists: no)\n\nattention: do something";
        assert_eq!(report.text(), expected);
        let expected = json!({
            "write_filter": {
                "is_on": true,
                "drives": ["C:", "D:"],
                "none": [],
                "data_folder": { "value": "/data", "free_mib": 7, "exists": false },
            },
            "findings": [{ "section": "write_filter", "finding": "do something" }],
        });
        assert_eq!(report.json(), expected);
        assert!(report.needs_attention());
    }
}
