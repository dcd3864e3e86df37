//! The database: rows go in, checked one by one; the file comes out. The crate
//! `windows-installer-lint` judges it as a whole.

use crate::schema::{self, Column, Kind};
use crate::{Error, Result, Summary, container, guid};
use msi::{Category, CodePage};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};

/// The code page of database and summary: Windows-1252. The crates' default, UTF-8 (65001), is no ANSI code
/// page, which the summary has to have.
pub(crate) const CODE_PAGE: CodePage = CodePage::Windows1252;

/// The value of one column of one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// Nothing. An empty text is the same: the format does not tell them apart.
    Empty,
    /// A number, for columns of two or four bytes.
    Number(i32),
    /// A text.
    Text(String),
    /// The content of a stream.
    Stream(Vec<u8>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Cell {
        text.as_str().into()
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Cell {
        Cell::Number(number)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Empty, Into::into)
    }
}

/// The columns of a row by name, for [`Database::add`]; columns that are left out are empty.
///
/// ```
/// let mut database = windows_installer::Database::new();
/// database.add("Directory", windows_installer::row! { Directory: "TARGETDIR", DefaultDir: "SourceDir" })?;
/// # Ok::<(), windows_installer::Error>(())
/// ```
#[macro_export]
macro_rules! row {
    ($($column:ident: $value:expr),* $(,)?) => {
        [$((stringify!($column), $crate::Cell::from($value))),*]
    };
}

/// The rows of one table, by primary key.
pub(crate) type Rows = BTreeMap<Vec<Cell>, Vec<Cell>>;

/// A Windows Installer database that is being put together.
#[derive(Debug, Default)]
pub struct Database {
    tables: BTreeMap<&'static str, Rows>,
    streams: BTreeMap<String, Vec<u8>>,
}

impl Database {
    /// An empty database.
    pub fn new() -> Database {
        Database::default()
    }

    /// Adds a row to a table, its values named by column (see [`row!`](crate::row)).
    ///
    /// # Errors
    /// If the table or a column is unknown, a required column is missing, a value is not what its column
    /// holds, or a row with the same primary key is already there.
    pub fn add<'a>(&mut self, table: &str, values: impl IntoIterator<Item = (&'a str, Cell)>) -> Result<()> {
        let unknown = "is not a standard table; schema.rs lists those there are";
        let schema = schema::table(table).ok_or_else(|| Error::part(format!("table {table}"), unknown))?;
        let mut cells = vec![Cell::Empty; schema.columns.len()];
        let mut unknown = None;
        for (name, value) in values {
            match schema.columns.iter().position(|column| column.name == name) {
                Some(index) => cells[index] = value,
                None => unknown = Some(name),
            }
        }
        let key = cells[..schema.key_columns()].to_vec();
        let row = shown(&key);
        if let Some(name) = unknown {
            return Err(Error::value(table, &row, name, "there is no such column"));
        }
        for (column, cell) in schema.columns.iter().zip(&cells) {
            check_cell(column, cell).map_err(|reason| Error::value(table, &row, column.name, reason))?;
        }
        let rows = self.tables.entry(schema.name).or_default();
        if rows.contains_key(&key) {
            return Err(Error::row(table, &row, "there is already a row with this key"));
        }
        rows.insert(key, cells);
        Ok(())
    }

    /// Adds a stream, such as a cabinet that `Media` names as `#name`.
    ///
    /// # Errors
    /// If the name is not an identifier of at most 62 characters, or is taken.
    pub fn add_stream(&mut self, name: &str, content: Vec<u8>) -> Result<()> {
        let part = || format!("stream {name:?}");
        if !Category::Identifier.validate(name) || name.len() > 62 {
            return Err(Error::part(part(), "a stream's name is an identifier of at most 62 characters"));
        }
        if self.streams.insert(name.to_owned(), content).is_some() {
            return Err(Error::part(part(), "there is already a stream of this name"));
        }
        Ok(())
    }

    /// Writes the database.
    ///
    /// The package code is derived from everything that is written, so files with equal package codes
    /// are equal, as Windows Installer expects.
    ///
    /// # Errors
    /// If the summary is wrong, or `out` cannot be written.
    pub fn write(&self, summary: &Summary, out: &mut dyn Write) -> Result<()> {
        summary.check()?;
        let package_code = guid::package_code(&self.digest(summary));

        let mut package = msi::Package::create(msi::PackageType::Installer, Cursor::new(Vec::new()))?;
        package.set_database_codepage(CODE_PAGE);
        summary.write(package.summary_info_mut(), package_code);
        for table in schema::tables() {
            let rows = self.rows(table.name);
            if rows.is_empty() && !self.requires(table.name) {
                continue;
            }
            package.create_table(table.name, table.columns.iter().map(Column::to_msi).collect())?;
            let values = rows.values().map(|cells| cells.iter().map(msi_value).collect()).collect();
            package.insert_rows(msi::Insert::into(table.name).rows(values))?;
        }
        for (name, content) in self.all_streams() {
            package.write_stream(&name)?.write_all(content)?;
        }
        let compound = package.into_inner()?.into_inner();
        out.write_all(&container::normalize(compound)?)?;
        Ok(())
    }

    /// Whether a table has to be there even when it is empty.
    fn requires(&self, table: &str) -> bool {
        let by_dialogs = schema::REQUIRED_BY_DIALOGS.contains(&table) && !self.rows("Dialog").is_empty();
        by_dialogs || schema::REQUIRED.contains(&table)
    }

    /// The rows of a table, by primary key.
    pub(crate) fn rows(&self, table: &str) -> &Rows {
        static NONE: Rows = Rows::new();
        self.tables.get(table).unwrap_or(&NONE)
    }

    /// The streams of the database: those added by name, and those of stream columns, which are named
    /// `Table.Key`.
    fn all_streams(&self) -> impl Iterator<Item = (String, &[u8])> {
        let own = self.streams.iter().map(|(name, content)| (name.clone(), content.as_slice()));
        let in_cells = self.tables.iter().flat_map(|(table, rows)| {
            rows.iter().flat_map(move |(key, cells)| {
                cells.iter().filter_map(move |cell| match cell {
                    Cell::Stream(content) => {
                        Some((format!("{table}.{}", shown(key).replace('/', ".")), content.as_slice()))
                    }
                    _ => None,
                })
            })
        });
        own.chain(in_cells)
    }

    /// A digest of everything that goes into the file, except for the package code.
    fn digest(&self, summary: &Summary) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut put = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        put(format!("{summary:?}").as_bytes());
        for (table, rows) in &self.tables {
            put(table.as_bytes());
            for cell in rows.values().flatten() {
                match cell {
                    Cell::Empty => put(b"e"),
                    Cell::Number(number) => put(&[b"n", number.to_le_bytes().as_slice()].concat()),
                    Cell::Text(text) => put(&[b"t", text.as_bytes()].concat()),
                    Cell::Stream(_) => put(b"s"),
                }
            }
        }
        for (name, content) in self.all_streams() {
            put(name.as_bytes());
            put(content);
        }
        hash.finalize().into()
    }
}

/// A primary key as it is shown in errors.
pub(crate) fn shown(key: &[Cell]) -> String {
    let parts: Vec<String> = key
        .iter()
        .map(|cell| match cell {
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Empty | Cell::Stream(_) => String::new(),
        })
        .collect();
    parts.join("/")
}

/// Why a value is not what its column holds. The crate `msi` knows that it is not, but not why.
fn check_cell(column: &Column, cell: &Cell) -> std::result::Result<(), String> {
    if let Cell::Text(text) = cell {
        check_code_page(text)?;
    }
    if column.to_msi().is_valid_value(&msi_value(cell)) {
        return Ok(());
    }
    let found = match cell {
        Cell::Text(text) => format!("{text:?}"),
        Cell::Number(number) => number.to_string(),
        Cell::Empty => "nothing".to_owned(),
        Cell::Stream(_) => "a stream".to_owned(),
    };
    Err(match column.kind {
        Kind::Number { min, max, .. } => format!("{found} is not a number from {min} to {max}"),
        Kind::Text { length: 0, category } => format!("{found} is not {}", description(category)),
        Kind::Text { length, category } => {
            format!("{found} is not {}, in at most {length} characters", description(category))
        }
        Kind::Stream => format!("{found} is not the content of a stream"),
    })
}

/// Why a text cannot be stored.
fn check_code_page(text: &str) -> std::result::Result<(), String> {
    let foreign = |c: &char| {
        let text = c.to_string();
        CODE_PAGE.decode(&CODE_PAGE.encode(&text)) != text
    };
    match text.chars().find(foreign) {
        Some(c) => Err(format!("{text:?} has the character {c:?}, which code page 1252 does not have")),
        None => Ok(()),
    }
}

/// What a text of a category looks like.
fn description(category: Category) -> &'static str {
    match category {
        Category::Identifier => {
            "an identifier: letters, digits, '_' and '.', not starting with a digit or '.'"
        }
        Category::Guid => "a GUID in braces and upper case, such as {E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A}",
        Category::UpperCase => "a public property: no lower-case letters",
        Category::Version => "a version of up to four numbers below 65536",
        Category::Language => "a list of language numbers, such as 1033",
        Category::Cabinet => "a cabinet: '#' and the name of a stream, or an 8.3 file name",
        Category::Property => "a property, or '%' and an environment variable",
        _ => "what the column holds",
    }
}

fn msi_value(cell: &Cell) -> msi::Value {
    match cell {
        Cell::Empty => msi::Value::Null,
        Cell::Number(number) => msi::Value::Int(*number),
        Cell::Text(text) => msi::Value::Str(text.clone()),
        Cell::Stream(_) => msi::Value::Binary,
    }
}
