//! What can only be checked once all rows are there.

mod dialogs;

use crate::database::{cell, shown};
use crate::schema;
use crate::{Cell, Database, Error, Result, sequence};
use std::collections::BTreeMap;

/// `msidbComponentAttributesRegistryKeyPath`: the key path is a row of `Registry`.
const REGISTRY_KEY_PATH: i32 = 4;

/// Properties without which Windows refuses a package.
const REQUIRED_PROPERTIES: &[&str] =
    &["Manufacturer", "ProductCode", "ProductLanguage", "ProductName", "ProductVersion"];

/// Refuses a database that Windows Installer would refuse or misread.
pub(crate) fn run(database: &Database) -> Result<()> {
    references(database)?;
    properties(database)?;
    components(database)?;
    media(database)?;
    dialogs::run(database)?;
    sequence::TABLES.iter().try_for_each(|table| sequence_order(database, table))
}

/// Every reference leads to a row.
fn references(database: &Database) -> Result<()> {
    for table in schema::tables() {
        for (key, cells) in database.rows(table.name) {
            for (column, value) in table.columns.iter().zip(cells) {
                let Some(target) = column.refers_to.filter(|_| *value != Cell::Empty) else { continue };
                let found = match target {
                    "Control" => database.rows(target).contains_key(&[cells[0].clone(), value.clone()][..]),
                    _ => has_row(database, target, value),
                };
                if !found {
                    let value = shown(std::slice::from_ref(value));
                    let reason = match target {
                        "Control" => format!("{value:?} is not a control of this dialog"),
                        _ => format!("{value:?} is not in table {target}"),
                    };
                    return Err(Error::value(table.name, &shown(key), column.name, reason));
                }
            }
        }
    }
    Ok(())
}

fn has_row(database: &Database, table: &str, key: &Cell) -> bool {
    database.rows(table).contains_key(std::slice::from_ref(key))
}

/// The properties are there that identify the product, and the version is one that Windows can order.
fn properties(database: &Database) -> Result<()> {
    let value = |name: &str| match database.rows("Property").get(&[Cell::from(name)][..]).map(|row| &row[1]) {
        Some(Cell::Text(text)) => Ok(text.as_str()),
        _ => Err(Error::table("Property", format!("{name} is missing"))),
    };
    for name in REQUIRED_PROPERTIES {
        value(name)?;
    }
    let version = value("ProductVersion")?;
    let fields: Vec<Option<u32>> = version.split('.').map(|field| field.parse().ok()).collect();
    match fields[..] {
        [Some(0..=255), Some(0..=255), Some(0..=65535)] => Ok(()),
        _ => Err(Error::value(
            "Property",
            "ProductVersion",
            "Value",
            format!("{version:?} is not MAJOR.MINOR.BUILD with fields up to 255, 255 and 65535"),
        )),
    }
}

/// Every component is in a feature, and has a key path of its own.
fn components(database: &Database) -> Result<()> {
    let column = |table: &str, cells: &[Cell], name: &str| match schema::table(table) {
        Some(table) => cell(table, cells, name).clone(),
        None => Cell::Empty,
    };
    for (key, cells) in database.rows("Component") {
        let component = &key[0];
        if !database.rows("FeatureComponents").keys().any(|key| key[1] == *component) {
            return Err(Error::row("Component", &shown(key), "is in no feature, so it is never installed"));
        }
        let key_path = column("Component", cells, "KeyPath");
        if key_path == Cell::Empty {
            continue;
        }
        let in_registry = matches!(column("Component", cells, "Attributes"),
            Cell::Number(bits) if bits & REGISTRY_KEY_PATH != 0);
        let table = if in_registry { "Registry" } else { "File" };
        let owner = database
            .rows(table)
            .get(std::slice::from_ref(&key_path))
            .map(|cells| column(table, cells, "Component_"));
        if owner.as_ref() != Some(component) {
            let reason = format!("{:?} is not a row of table {table} in this component", shown(&[key_path]));
            return Err(Error::value("Component", &shown(key), "KeyPath", reason));
        }
    }
    Ok(())
}

/// Every cabinet is there, and every file has a sequence number of its own on a medium.
fn media(database: &Database) -> Result<()> {
    let mut last = 0;
    for (key, cells) in database.rows("Media") {
        if let Cell::Number(sequence) = cells[1] {
            last = last.max(sequence);
        }
        let Cell::Text(cabinet) = &cells[3] else { continue };
        if let Some(stream) = cabinet.strip_prefix('#').filter(|stream| !database.has_stream(stream)) {
            return Err(Error::value(
                "Media",
                &shown(key),
                "Cabinet",
                format!("there is no stream {stream:?}"),
            ));
        }
    }
    let mut taken: BTreeMap<i32, String> = BTreeMap::new();
    for (key, cells) in database.rows("File") {
        let refuse = |reason: String| Error::value("File", &shown(key), "Sequence", reason);
        let Some(Cell::Number(sequence)) = cells.last() else { continue };
        if *sequence > last {
            return Err(refuse(format!("{sequence} is on no medium; the last one ends at {last}")));
        }
        if let Some(other) = taken.insert(*sequence, shown(key)) {
            return Err(refuse(format!("{sequence} is taken by {other}")));
        }
    }
    Ok(())
}

/// Every action or dialog exists, and comes after what it needs.
fn sequence_order(database: &Database, table: &str) -> Result<()> {
    let number = |action: &str| match database.rows(table).get(&[Cell::from(action)][..]) {
        Some(cells) => match cells[2] {
            Cell::Number(number) => Some(number),
            _ => None,
        },
        None => None,
    };
    for key in database.rows(table).keys() {
        let name = shown(key);
        let Some(action) = sequence::standard(&name) else {
            let reason = match ["CustomAction", "Dialog"].map(|table| has_row(database, table, &key[0])) {
                [true, false] => continue,
                [false, true] if sequence::shows_dialogs(table) => continue,
                [false, true] => "is a dialog, which only the sequences of the user interface show",
                [true, true] => "is both an action and a dialog",
                [false, false] => "is neither a standard action nor in tables CustomAction and Dialog",
            };
            return Err(Error::row(table, &name, reason));
        };
        for needed in action.needs {
            if number(needed).is_none_or(|first| number(&name).is_some_and(|then| then <= first)) {
                return Err(Error::row(table, &name, format!("needs {needed} before it")));
            }
        }
    }
    Ok(())
}
