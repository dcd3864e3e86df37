//! Tables: their columns, rows and cells.
//!
//! A table is stored column by column. Numbers are shifted by half their range, so that zero bytes mean that
//! there is none.

use super::bytes::{u16_at, u32_at};
use super::strings::Strings;
use super::{ORDER, POOL, STREAM, UNIQUE};
use crate::lint::report::Report;
use std::collections::BTreeMap;

/// Bits of the column type in `_Columns`.
const LENGTH: u16 = 0xff;
const NOT_BINARY: u16 = 0x400;
const TEXT: u16 = 0x800;
const NULLABLE: u16 = 0x1000;
const KEY: u16 = 0x2000;

/// What a column is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Kind {
    /// Text of at most so many characters; 0 for any length.
    Text(usize),
    Int16,
    Int32,
    /// A stream of its own.
    Binary,
}

#[derive(Clone, Debug)]
pub(in crate::lint) struct Column {
    pub(in crate::lint) name: String,
    pub(in crate::lint) kind: Kind,
    pub(in crate::lint) key: bool,
    pub(in crate::lint) nullable: bool,
    /// What `_Validation` says that its texts are; empty if it says nothing.
    pub(in crate::lint) category: String,
}

impl Column {
    fn new(name: &str, bits: u16) -> Result<Column, String> {
        let kind = match (bits & TEXT != 0, bits & NOT_BINARY != 0, bits & LENGTH) {
            (true, true, length) => Kind::Text(length.into()),
            (true, false, _) => Kind::Binary,
            (false, _, 1 | 2) => Kind::Int16,
            (false, _, 4) => Kind::Int32,
            _ => return Err(format!("column {name} has the unknown type {bits:#06x}: use one that exists")),
        };
        Ok(Column {
            name: name.to_owned(),
            kind,
            key: bits & KEY != 0,
            nullable: bits & NULLABLE != 0,
            category: String::new(),
        })
    }

    fn width(&self, strings: &Strings) -> usize {
        match self.kind {
            Kind::Text(_) => strings.reference_width,
            Kind::Int16 | Kind::Binary => 2,
            Kind::Int32 => 4,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::lint) enum Cell {
    Empty,
    Number(i32),
    Text(String),
    /// There is a stream for it.
    Binary,
}

impl Cell {
    /// The value as text; empty if there is none.
    pub(in crate::lint) fn shown(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Number(number) => number.to_string(),
            Cell::Empty | Cell::Binary => String::new(),
        }
    }
}

#[derive(Debug)]
pub(in crate::lint) struct Table {
    pub(in crate::lint) name: String,
    pub(in crate::lint) columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// The primary key of each row as it is stored.
    stored_keys: Vec<Vec<u32>>,
    by_key: BTreeMap<String, usize>,
}

impl Table {
    /// `_Tables` or `_Columns`, whose columns are not in `_Columns`. `None` if it is damaged.
    pub(super) fn read_core(name: &str, stream: &[u8], strings: &Strings) -> Option<Table> {
        const NAME: u16 = KEY | TEXT | NOT_BINARY | 64;
        const NUMBER: u16 = NOT_BINARY | 2;
        let columns: &[(&str, u16)] = match name {
            "_Tables" => &[("Name", NAME)],
            _ => &[("Table", NAME), ("Number", KEY | NUMBER), ("Name", NAME & !KEY), ("Type", NUMBER)],
        };
        let columns = columns.iter().map(|(name, bits)| Column::new(name, *bits)).collect::<Result<_, _>>();
        let mut report = Report::default();
        let table = Table::read(name, columns.ok()?, stream, strings, &mut report);
        report.findings().is_empty().then_some(table)
    }

    /// The columns of a table from its rows in `_Columns`.
    pub(super) fn columns(rows: &[Row<'_>]) -> Result<Vec<Column>, String> {
        let mut columns = Vec::new();
        let mut sorted: Vec<_> = rows.to_vec();
        sorted.sort_by_key(|row| row.number("Number"));
        for (index, row) in sorted.iter().enumerate() {
            let number = row.number("Number").unwrap_or(0);
            if usize::try_from(number) != Ok(index + 1) {
                return Err(format!("its columns are not numbered from 1 on: number them anew ({number})"));
            }
            let bits = row.number("Type").unwrap_or(0);
            let bits = u16::try_from(bits & 0xffff).unwrap_or(0);
            columns.push(Column::new(row.text("Name"), bits)?);
        }
        let keys = columns.iter().filter(|column| column.key).count();
        if keys == 0 || columns[..keys].iter().any(|column| !column.key) {
            return Err("the primary key does not come first: put its columns before the others".to_owned());
        }
        Ok(columns)
    }

    pub(super) fn read(
        name: &str,
        columns: Vec<Column>,
        stream: &[u8],
        strings: &Strings,
        report: &mut Report,
    ) -> Table {
        let widths: Vec<usize> = columns.iter().map(|column| column.width(strings)).collect();
        let row_width: usize = widths.iter().sum();
        let count = stream.len() / row_width;
        if !stream.len().is_multiple_of(row_width) {
            let message = format!(
                "{} bytes are no whole number of rows of {row_width} bytes: the file is damaged, or \
                 _Columns is not what the rows were written with",
                stream.len()
            );
            report.table(STREAM, name, message);
        }
        let mut rows = vec![Vec::with_capacity(columns.len()); count];
        let mut stored_keys = vec![Vec::new(); count];
        let mut at = 0;
        for (column, width) in columns.iter().zip(&widths) {
            for row in 0..count {
                let stored = number_at(stream, at + row * width, *width);
                let (cell, known) = cell(column, stored, strings);
                if !known {
                    let message = format!("there is no text number {stored}: write the database anew");
                    report.column(POOL, name, &column.name, message);
                }
                rows[row].push(cell);
                if column.key {
                    stored_keys[row].push(stored);
                }
            }
            at += width * count;
        }
        let mut table = Table { name: name.to_owned(), columns, rows, stored_keys, by_key: BTreeMap::new() };
        table.by_key = table.rows().map(Row::key).zip(0..).collect();
        table
    }

    pub(in crate::lint) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(move |cells| Row { table: self, cells })
    }

    pub(in crate::lint) fn row(&self, key: &str) -> Option<Row<'_>> {
        self.by_key.get(key).map(|index| Row { table: self, cells: &self.rows[*index] })
    }

    /// Notes what `_Validation` says of a column.
    pub(super) fn describe(&mut self, column: &str, category: &str) {
        if let Some(column) = self.columns.iter_mut().find(|known| known.name == column) {
            category.clone_into(&mut column.category);
        }
    }

    pub(in crate::lint) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Primary keys are distinct, and rows are stored in their order.
    pub(super) fn check_keys(&self, report: &mut Report) {
        let mut seen = BTreeMap::new();
        for row in self.rows() {
            if seen.insert(row.key(), ()).is_some() {
                report.row(UNIQUE, row, "there is another row with this primary key: remove one");
            }
            for (column, cell) in self.columns.iter().zip(row.cells) {
                if column.key && !column.nullable && *cell == Cell::Empty {
                    report.value(
                        UNIQUE,
                        row,
                        &column.name,
                        "this part of the primary key is empty: fill it in",
                    );
                }
            }
        }
        if !self.stored_keys.is_sorted() {
            let message = "rows are not in the order of their primary keys, texts by their number in the \
                           string pool: sort them, or write the database with a newer tool";
            report.table(ORDER, &self.name, message);
        }
    }
}

/// The little-endian number of two to four bytes at an offset.
fn number_at(bytes: &[u8], at: usize, width: usize) -> u32 {
    match width {
        4 => u32_at(bytes, at).unwrap_or(0),
        3 => {
            let low = u32::from(u16_at(bytes, at).unwrap_or(0));
            low | u32::from(bytes.get(at + 2).copied().unwrap_or(0)) << 16
        }
        _ => u16_at(bytes, at).unwrap_or(0).into(),
    }
}

/// The cell that a stored number stands for, and whether there is such a text.
fn cell(column: &Column, stored: u32, strings: &Strings) -> (Cell, bool) {
    if stored == 0 {
        return (Cell::Empty, true);
    }
    match column.kind {
        Kind::Text(_) => match strings.get(stored) {
            Some("") => (Cell::Empty, true),
            Some(text) => (Cell::Text(text.to_owned()), true),
            None => (Cell::Empty, false),
        },
        Kind::Int16 => (Cell::Number(stored.cast_signed() - 0x8000), true),
        Kind::Int32 => (Cell::Number((stored ^ 0x8000_0000).cast_signed()), true),
        Kind::Binary => (Cell::Binary, true),
    }
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub(in crate::lint) struct Row<'a> {
    pub(in crate::lint) table: &'a Table,
    pub(in crate::lint) cells: &'a [Cell],
}

impl<'a> Row<'a> {
    fn cell(self, column: &str) -> &'a Cell {
        let index = self.table.columns.iter().position(|known| known.name == column);
        index.and_then(|index| self.cells.get(index)).unwrap_or(&Cell::Empty)
    }

    /// A text; empty if there is none, or no such column.
    pub(in crate::lint) fn text(self, column: &str) -> &'a str {
        match self.cell(column) {
            Cell::Text(text) => text,
            _ => "",
        }
    }

    pub(in crate::lint) fn number(self, column: &str) -> Option<i32> {
        match self.cell(column) {
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A number of flags; 0 if there is none.
    pub(in crate::lint) fn bits(self, column: &str) -> i32 {
        self.number(column).unwrap_or(0)
    }

    /// The primary key, its columns joined with `/`.
    pub(in crate::lint) fn key(self) -> String {
        let keys = self.table.columns.iter().zip(self.cells).filter(|(column, _)| column.key);
        keys.map(|(_, cell)| cell.shown()).collect::<Vec<_>>().join("/")
    }
}
