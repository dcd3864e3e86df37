//! Reads a database from its bytes.
//!
//! Not by the crate `msi`, which has written ours: it refuses files that Windows installs, and hides what
//! has to be judged, such as the order of rows and texts that do not decode. Microsoft documents no more
//! than the tables [`_Tables`](https://learn.microsoft.com/en-us/windows/win32/msi/-tables-table) and
//! [`_Columns`](https://learn.microsoft.com/en-us/windows/win32/msi/-columns-table); their encoding is known
//! from readers such as Wine's and msitools'.

mod streams;
mod strings;
mod summary;
mod table;

pub(super) use summary::{Summary, property as summary_property};
use table::MOST;
pub(super) use table::{Cell, Kind, Row, Table};

use super::cabinets::Unpacked;
use super::report::{Report, rules};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use streams::Streams;
use strings::Strings;

rules! {
    CLASS "file-class"
        "The compound file has the class of an installer database."
        "msi/installation-package";
    SUMMARY "summary-readable"
        "The summary information is there and can be read."
        "msi/summary-information-stream";
    STRINGS "string-decodes"
        "Every text decodes in the code page of the database."
        "msi/code-page-handling-windows-installer-";
    POOL "string-pool"
        "The string pool is whole, and every cell refers to a text in it."
        "msi/database-tables";
    COLUMNS "table-columns"
        "Every table has columns, numbered without a gap, the primary key first."
        "msi/ice32";
    TABLES "table-required"
        "The tables are there without which nothing can be installed."
        "msi/database-tables";
    STREAM "table-stream"
        "Every table's stream has whole rows, and belongs to a table."
        "msi/-tables-table";
    ORDER "row-order"
        "Rows are stored in the order of their primary keys; otherwise Windows answers error 2219."
        "msi/windows-installer-error-messages";
    UNIQUE "row-unique"
        "No two rows of a table have the same primary key, and no part of it is empty that may not be."
        "msi/ice03";
}

/// Tables that say what is installed, and when.
const REQUIRED: &[&str] = &[
    "Component",
    "Directory",
    "Feature",
    "FeatureComponents",
    "File",
    "InstallExecuteSequence",
    "Media",
    "Property",
];

/// Classes of compound files that Windows Installer knows.
const INSTALLER: &str = "000c1084-0000-0000-c000-000000000046";
const OTHERS: &[(&str, &str)] = &[
    ("000c1086-0000-0000-c000-000000000046", "a patch (.msp)"),
    ("000c1082-0000-0000-c000-000000000046", "a transform (.mst)"),
];

/// Why a file cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is no compound file.
    #[error("this is no compound file, so no Windows Installer database: {0}")]
    NoCompoundFile(String),
    /// It is a compound file, but no installer database.
    #[error("this compound file is no Windows Installer database: {0}")]
    NoDatabase(String),
    /// A part that everything else depends on is damaged.
    #[error("the file is damaged or truncated: {0}; copy or build it again")]
    Damaged(String),
    /// Its tables have more than can be judged.
    #[error(
        "the file is too large to be judged: with table {0}, its cells take more than {MOST} bytes; look for a \
         long text that many rows have"
    )]
    TooLarge(String),
}

/// A database.
pub(super) struct Msi {
    /// Number of the code page of the texts; 0 for none in particular.
    pub(super) code_page: u32,
    /// A text of the pool that is more than ASCII.
    pub(super) foreign_text: Option<Rc<str>>,
    /// The summary, if it could be read.
    pub(super) summary: Option<Summary>,
    /// Streams that are no tables, by name.
    pub(super) streams: BTreeMap<String, Vec<u8>>,
    /// Cabinets by the name of their stream, unpacked when they are first asked for.
    pub(super) cabinets: OnceCell<BTreeMap<String, Unpacked>>,
    tables: BTreeMap<String, Table>,
}

impl Msi {
    pub(super) fn read(file: &[u8], report: &mut Report) -> Result<Msi, Unreadable> {
        let mut streams = Streams::read(file)?;
        if let Some((_, what)) = OTHERS.iter().find(|(class, _)| *class == streams.class) {
            return Err(Unreadable::NoDatabase(format!("it is {what}")));
        }
        let mut core = |name: &str| {
            let missing = || Unreadable::NoDatabase(format!("it has no table {name}"));
            streams.tables.remove(name).ok_or_else(missing)
        };
        let (pool, data) = (core("_StringPool")?, core("_StringData")?);
        let (names, columns) = (core("_Tables")?, core("_Columns")?);
        if streams.class != INSTALLER {
            let what = format!("the class is {{{}}}; write {{{INSTALLER}}}", streams.class);
            report.file(CLASS, what);
        }
        let strings = Strings::read(&pool, &data).map_err(Unreadable::Damaged)?;
        report_strings(&strings, report);
        let summary = match streams.other.get("\u{5}SummaryInformation") {
            None => Err("there is none".to_owned()),
            Some(bytes) => Summary::read(bytes),
        };
        let summary = summary
            .map_err(|reason| {
                report.file(
                    SUMMARY,
                    format!("the summary information cannot be read: {reason}; write it anew"),
                );
            })
            .ok();
        let tables = read_tables(&names, &columns, &mut streams.tables, &strings, report)?;
        for name in streams.tables.keys() {
            report.table(STREAM, name, "there are rows, but no such table in _Tables: remove the stream");
        }
        Ok(Msi {
            code_page: strings.code_page,
            foreign_text: strings.foreign().cloned(),
            summary,
            streams: streams.other,
            cabinets: OnceCell::new(),
            tables,
        })
    }

    /// Every table but `_Tables` and `_Columns`.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// The rows of a table; none if there is no such table.
    pub(super) fn rows(&self, table: &str) -> impl Iterator<Item = Row<'_>> {
        self.table(table).into_iter().flat_map(Table::rows)
    }

    /// Whether a table has rows.
    pub(super) fn has_rows(&self, table: &str) -> bool {
        self.rows(table).next().is_some()
    }

    /// The row of a primary key, its columns joined with `/`.
    pub(super) fn row(&self, table: &str, key: &str) -> Option<Row<'_>> {
        self.table(table)?.row(key)
    }

    /// Whether a table has a row of that primary key.
    pub(super) fn has(&self, table: &str, key: &str) -> bool {
        self.row(table, key).is_some()
    }

    /// The value of a property in the table `Property`.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        Some(self.row("Property", name)?.text("Value"))
    }

    /// The members of a property that is a list with semicolons.
    pub(super) fn property_list(&self, name: &str) -> BTreeSet<&str> {
        let list = self.property(name).unwrap_or_default();
        list.split(';').map(str::trim).filter(|part| !part.is_empty()).collect()
    }
}

/// Rules about the file are applied while it is read.
pub(super) fn check(msi: &Msi, report: &mut Report) {
    for table in REQUIRED.iter().filter(|table| msi.table(table).is_none()) {
        report.table(TABLES, table, "is missing: add it, if need be without rows");
    }
    for table in msi.tables() {
        table.check_keys(report);
    }
}

fn report_strings(strings: &Strings, report: &mut Report) {
    for text in strings.undecoded() {
        let message = format!(
            "the text {text:?} has bytes that code page {} does not have: write it in that code page",
            strings.code_page
        );
        report.file(STRINGS, message);
    }
    if strings.left_over != 0 {
        let message = format!(
            "_StringData has {} bytes more than _StringPool tells of: write the database anew",
            strings.left_over
        );
        report.file(POOL, message);
    }
}

/// Gives every column the category that `_Validation` says.
fn describe(tables: &mut BTreeMap<String, Table>) {
    let described = tables.get("_Validation").into_iter().flat_map(Table::rows);
    let described: Vec<[String; 3]> = described
        .map(|row| ["Table", "Column", "Category"].map(|column| row.text(column).to_owned()))
        .collect();
    for [table, column, category] in &described {
        if let Some(table) = tables.get_mut(table) {
            table.describe(column, category);
        }
    }
}

/// Reads every table that `_Tables` names, and takes its stream away.
fn read_tables(
    names: &[u8],
    columns: &[u8],
    streams: &mut BTreeMap<String, Vec<u8>>,
    strings: &Strings,
    report: &mut Report,
) -> Result<BTreeMap<String, Table>, Unreadable> {
    let damaged = |table: &str| Unreadable::Damaged(format!("table {table} has no whole rows"));
    let names = Table::read_core("_Tables", names, strings).ok_or_else(|| damaged("_Tables"))?;
    let columns = Table::read_core("_Columns", columns, strings).ok_or_else(|| damaged("_Columns"))?;
    let mut by_table: BTreeMap<&str, Vec<Row<'_>>> = BTreeMap::new();
    for row in columns.rows() {
        by_table.entry(row.text("Table")).or_default().push(row);
    }
    let (mut tables, mut left) = (BTreeMap::new(), MOST);
    for name in names.rows().map(|row| row.text("Name")) {
        let stream = streams.remove(name).unwrap_or_default();
        let Some(rows) = by_table.remove(name) else {
            report.table(
                COLUMNS,
                name,
                "is in _Tables, but has no columns in _Columns: add them or remove it",
            );
            continue;
        };
        match Table::columns(&rows) {
            Ok(columns) => {
                let table = Table::read(name, columns, &stream, strings, &mut left, report)?;
                tables.insert(name.to_owned(), table);
            }
            Err(reason) => report.table(COLUMNS, name, reason),
        }
    }
    describe(&mut tables);
    for name in by_table.keys() {
        report.table(COLUMNS, name, "has columns in _Columns, but is not in _Tables: add it there");
    }
    Ok(tables)
}
