//! Tables: their columns, rows and cells.
//!
//! A table is stored column by column. Numbers are shifted by half their range, so that zero bytes mean that
//! there is none.

use super::strings::Strings;
use super::{ORDER, POOL, STREAM, UNIQUE, Unreadable};
use crate::report::Report;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use windows_installer::bytes::{u16_at, u32_at};

/// What all cells of a database may take: their texts, and some bytes for each. One text of the pool may be
/// in any number of cells, each of which the rules look at.
pub(super) const MOST: usize = 256 << 20;
/// What a cell takes beside its text.
const CELL: usize = 16;

/// Bits of the column type in `_Columns`.
const LENGTH: u16 = 0xff;
const NOT_BINARY: u16 = 0x400;
const TEXT: u16 = 0x800;
const NULLABLE: u16 = 0x1000;
const KEY: u16 = 0x2000;

/// What a column is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of at most so many characters; 0 for any length.
    Text(usize),
    Int16,
    Int32,
    /// A stream of its own.
    Binary,
}

#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) key: bool,
    pub(crate) nullable: bool,
    /// What `_Validation` says that its texts are; empty if it says nothing.
    pub(crate) category: String,
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
pub(crate) enum Cell {
    Empty,
    Number(i32),
    /// A text, which is only once in memory.
    Text(Rc<str>),
    /// There is a stream for it.
    Binary,
}

impl Cell {
    /// The value as text; empty if there is none.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match self {
            Cell::Text(text) => Cow::Borrowed(text),
            Cell::Number(number) => Cow::Owned(number.to_string()),
            Cell::Empty | Cell::Binary => Cow::Borrowed(""),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// Row by row.
    cells: Vec<Cell>,
    /// Whether the rows are stored in the order of their primary keys.
    in_order: bool,
    by_key: BTreeMap<Rc<str>, usize>,
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
        let (mut report, mut left) = (Report::default(), MOST);
        let table = Table::read(name, columns.ok()?, stream, strings, &mut left, &mut report).ok()?;
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

    /// A table from its stream. What its cells take is taken from the bytes that are `left`.
    pub(super) fn read(
        name: &str,
        columns: Vec<Column>,
        stream: &[u8],
        strings: &Strings,
        left: &mut usize,
        report: &mut Report,
    ) -> Result<Table, Unreadable> {
        let mut take = |bytes: usize| {
            *left = left.checked_sub(bytes).ok_or_else(|| Unreadable::TooLarge(name.to_owned()))?;
            Ok(())
        };
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
        take(count.saturating_mul(columns.len() * CELL))?;
        let mut cells = vec![Cell::Empty; count * columns.len()];
        let mut at = 0;
        // Where the columns of the primary key begin.
        let mut keys = Vec::new();
        for (index, (column, width)) in columns.iter().zip(&widths).enumerate() {
            for row in 0..count {
                let stored = number_at(stream, at + row * width, *width);
                let (cell, known) = cell(column, stored, strings);
                if !known {
                    let message = format!("there is no text number {stored}: write the database anew");
                    report.column(POOL, name, &column.name, message);
                }
                if let Cell::Text(text) = &cell {
                    take(text.len())?;
                }
                cells[row * columns.len() + index] = cell;
            }
            if column.key {
                keys.push((at, *width));
            }
            at += width * count;
        }
        let key =
            |row: usize| keys.iter().map(move |(at, width)| number_at(stream, at + row * width, *width));
        let in_order = (1..count).all(|row| key(row - 1).le(key(row)));
        let mut table = Table { name: name.to_owned(), columns, cells, in_order, by_key: BTreeMap::new() };
        table.by_key = table.rows().map(Row::shared_key).zip(0..).collect();
        Ok(table)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.cells.chunks(self.columns.len()).map(move |cells| Row { table: self, cells })
    }

    pub(crate) fn row(&self, key: &str) -> Option<Row<'_>> {
        let width = self.columns.len();
        let cells = self.by_key.get(key).map(|index| &self.cells[index * width..(index + 1) * width])?;
        Some(Row { table: self, cells })
    }

    /// Notes what `_Validation` says of a column.
    pub(super) fn describe(&mut self, column: &str, category: &str) {
        if let Some(column) = self.columns.iter_mut().find(|known| known.name == column) {
            category.clone_into(&mut column.category);
        }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Primary keys are distinct, and rows are stored in their order.
    pub(super) fn check_keys(&self, report: &mut Report) {
        let mut seen = BTreeSet::new();
        for row in self.rows() {
            if !seen.insert(row.shared_key()) {
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
        if !self.in_order {
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
            Some(text) if text.is_empty() => (Cell::Empty, true),
            Some(text) => (Cell::Text(Rc::clone(text)), true),
            None => (Cell::Empty, false),
        },
        Kind::Int16 => (Cell::Number(stored.cast_signed() - 0x8000), true),
        Kind::Int32 => (Cell::Number((stored ^ 0x8000_0000).cast_signed()), true),
        Kind::Binary => (Cell::Binary, true),
    }
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) table: &'a Table,
    pub(crate) cells: &'a [Cell],
}

impl<'a> Row<'a> {
    fn cell(self, column: &str) -> &'a Cell {
        let index = self.table.columns.iter().position(|known| known.name == column);
        index.and_then(|index| self.cells.get(index)).unwrap_or(&Cell::Empty)
    }

    /// A text; empty if there is none, or no such column.
    pub(crate) fn text(self, column: &str) -> &'a str {
        match self.cell(column) {
            Cell::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn number(self, column: &str) -> Option<i32> {
        match self.cell(column) {
            Cell::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A number of flags; 0 if there is none.
    pub(crate) fn bits(self, column: &str) -> i32 {
        self.number(column).unwrap_or(0)
    }

    /// The primary key, its columns joined with `/`.
    pub(crate) fn key(self) -> String {
        self.key_cells().map(Cell::shown).collect::<Vec<_>>().join("/")
    }

    /// The same, without a copy if the key is one text.
    fn shared_key(self) -> Rc<str> {
        let mut cells = self.key_cells();
        match (cells.next(), cells.next()) {
            (Some(Cell::Text(text)), None) => Rc::clone(text),
            _ => self.key().into(),
        }
    }

    fn key_cells(self) -> impl Iterator<Item = &'a Cell> {
        let keys = self.table.columns.iter().zip(self.cells).filter(|(column, _)| column.key);
        keys.map(|(_, cell)| cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "a long text of the pool";

    /// A table with a text as its key, from the numbers of the texts.
    fn table(keys: &[u16]) -> Result<Table, Unreadable> {
        let pool = [[0, 0], [23, 1], [3, 1]].as_flattened().iter().flat_map(|n| u16::to_le_bytes(*n));
        let strings = Strings::read(&pool.collect::<Vec<_>>(), format!("{LONG}two").as_bytes());
        let column = Column::new("Key", KEY | TEXT | NOT_BINARY).expect("a type");
        let stream: Vec<u8> = keys.iter().flat_map(|number| number.to_le_bytes()).collect();
        Table::read(
            "T",
            vec![column],
            &stream,
            &strings.expect("a pool"),
            &mut MOST.clone(),
            &mut Report::default(),
        )
    }

    /// Fails if: a text is copied for every cell, or for the index of keys.
    #[test]
    fn cells_share_their_texts() {
        let table = table(&[1, 2, 1]).expect("a table");
        let cells = || table.cells.iter().filter(|cell| **cell == Cell::Text(LONG.into()));
        let texts: Vec<&Rc<str>> =
            cells().filter_map(|cell| if let Cell::Text(text) = cell { Some(text) } else { None }).collect();
        assert_eq!(texts.len(), 2);
        assert!(Rc::ptr_eq(texts[0], texts[1]));
        assert!(table.by_key.keys().any(|key| Rc::ptr_eq(key, texts[0])));
    }
}
