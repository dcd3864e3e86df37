//! What formatted texts and conditions refer to.

use super::condition::{self, Symbol};
use super::custom_actions::is_deferred;
use super::formatted::{self, Reference};
use super::known;
use super::read::{Cell, Msi, Row};
use super::report::{Report, rules};
use super::values;
use std::collections::{BTreeMap, BTreeSet};

rules! {
    CONDITION "condition-reference"
        "Components and features in conditions exist."
        "msi/ice79";
    FORMATTED "formatted-reference"
        "Files and components in formatted texts exist."
        "msi/formatted";
    PROPERTY "property-set"
        "A property that is used is set somewhere: by the table Property, a search, an action, a dialog, or \
         on the command line as SecureCustomProperties says."
        "msi/about-properties";
    CASE "property-case"
        "A property is not written in other upper and lower case than where it is set."
        "msi/ice46";
}

/// A property in use.
pub(super) struct Use<'a> {
    pub(super) name: &'a str,
    pub(super) row: Row<'a>,
    pub(super) column: &'a str,
}

/// Every text of a category in a table other than `_Validation`.
fn texts<'a>(msi: &'a Msi, categories: &'a [&str]) -> impl Iterator<Item = (Row<'a>, &'a str, &'a str)> {
    msi.tables().filter(|table| table.name != "_Validation").flat_map(move |table| {
        table.columns.iter().enumerate().flat_map(move |(index, column)| {
            let wanted = categories.contains(&column.category.as_str());
            table.rows().filter(move |_| wanted).filter_map(move |row| match &row.cells[index] {
                Cell::Text(text) => Some((row, column.name.as_str(), &**text)),
                _ => None,
            })
        })
    })
}

const FORMATTED_CATEGORIES: &[&str] =
    &["Formatted", "Template", "FormattedSDDLText", "RegPath", "Path", "Paths", "AnyPath", "Shortcut"];

/// Every reference in a formatted text.
fn references<'a>(msi: &'a Msi) -> impl Iterator<Item = (Row<'a>, &'a str, Reference<'a>)> {
    let texts =
        texts(msi, FORMATTED_CATEGORIES).filter(|(row, column, _)| !values::is_free_text(*row, column));
    texts.flat_map(|(row, column, text)| {
        let found = formatted::parse(text).unwrap_or_default();
        found.into_iter().map(move |reference| (row, column, reference))
    })
}

/// Every property that a formatted text or a condition uses. They are not collected: a long text in many rows
/// can have very many.
pub(super) fn uses(msi: &Msi) -> impl Iterator<Item = Use<'_>> {
    let formatted = references(msi).filter_map(|(row, column, reference)| match reference {
        Reference::Property(name) => Some(Use { name, row, column }),
        _ => None,
    });
    let conditions = texts(msi, &["Condition"]).flat_map(|(row, column, text)| {
        let symbols = condition::parse(text).unwrap_or_default().into_iter();
        symbols.filter_map(move |symbol| match symbol {
            Symbol::Property(name) => Some(Use { name, row, column }),
            _ => None,
        })
    });
    formatted.chain(conditions)
}

pub(super) fn check(msi: &Msi, report: &mut Report) {
    for (row, column, reference) in references(msi) {
        let (table, name) = match reference {
            Reference::File(name) => ("File", name),
            Reference::Component(name) => ("Component", name),
            Reference::Property(_) => continue,
        };
        if !msi.has(table, name) {
            let message = format!("{name:?} is not in table {table}: add the row, or correct the reference");
            report.value(FORMATTED, row, column, message);
        }
    }
    for (row, column, text) in texts(msi, &["Condition"]) {
        for symbol in condition::parse(text).unwrap_or_default() {
            let (table, name) = match symbol {
                Symbol::Component(name) => ("Component", name),
                Symbol::Feature(name) => ("Feature", name),
                Symbol::Property(_) => continue,
            };
            if !msi.has(table, name) {
                let message =
                    format!("{name:?} is not in table {table}: the condition is never what it seems");
                report.value(CONDITION, row, column, message);
            }
        }
    }
    properties(msi, report);
}

fn properties(msi: &Msi, report: &mut Report) {
    let set = set_somewhere(msi, &["SecureCustomProperties", "AdminProperties", "MsiHiddenProperties"]);
    // The data of a deferred action are a property with its name, which nobody mistakes for another.
    let named = set.iter().filter(|name| !msi.has("CustomAction", name));
    let by_upper: BTreeMap<String, &str> = named.map(|name| (name.to_uppercase(), *name)).collect();
    let programs = !immediate_programs(msi).is_empty();
    let mut seen = BTreeSet::new();
    for used in uses(msi) {
        let name = used.name;
        if set.contains(name) || known::is_standard_property(name) || !seen.insert((name, used.column)) {
            continue;
        }
        if let Some(other) = by_upper.get(&name.to_uppercase()) {
            let message = format!("{name} differs from the property {other} only in case: write {other}");
            report.value(CASE, used.row, used.column, message);
        } else if !programs {
            let message = format!(
                "nothing sets the property {name}: correct its name, give it a row in Property, or list it in \
                 SecureCustomProperties if it is for the command line or a custom action"
            );
            report.value(PROPERTY, used.row, used.column, message);
        }
    }
}

/// Immediate custom actions that are programs in a DLL or scripts, which can set any property.
pub(super) fn immediate_programs(msi: &Msi) -> Vec<&str> {
    let is_program = |row: &Row<'_>| {
        let kind = row.bits("Type");
        !is_deferred(kind) && matches!(kind & 7, 1 | 5 | 6)
    };
    msi.rows("CustomAction").filter(is_program).map(|row| row.text("Action")).collect()
}

/// Every property that the file itself sets, or declares to be set from outside in one of the properties that
/// list others.
pub(super) fn set_somewhere<'a>(msi: &'a Msi, lists: &[&str]) -> BTreeSet<&'a str> {
    let mut set = BTreeSet::new();
    for (table, column) in [
        ("Property", "Property"),
        ("AppSearch", "Property"),
        ("Directory", "Directory"),
        ("Upgrade", "ActionProperty"),
        ("Control", "Property"),
        ("CheckBox", "Property"),
        ("ComboBox", "Property"),
        ("ListBox", "Property"),
        ("ListView", "Property"),
        ("RadioButton", "Property"),
    ] {
        set.extend(msi.rows(table).map(|row| row.text(column)));
    }
    for list in lists {
        set.extend(msi.property_list(list));
    }
    for row in msi.rows("CustomAction") {
        match row.bits("Type") & 0x3f {
            35 | 51 => set.insert(row.text("Source")),
            // A deferred action's data are a property with its name.
            _ => set.insert(row.text("Action")),
        };
    }
    for row in msi.rows("ControlEvent") {
        let name = row.text("Event").strip_prefix('[').and_then(|event| event.strip_suffix(']'));
        set.extend(name);
    }
    set
}
