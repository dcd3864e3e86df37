//! Changes a finished database behind the back of whoever made it.

use msi::{Delete, Expr, Insert, Update, Value};
use std::io::{Cursor, Read, Write};
use windows_installer::Cell;
use windows_installer::schema::{self, Column};

/// A database as bytes.
pub(crate) struct Editor(pub(crate) Vec<u8>);

/// What the streams of the string pool are called in the compound file.
pub(crate) const POOL: &str = "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3e6a}\u{44b2}\u{482f}";
const DATA: &str = "\u{4840}\u{3f3f}\u{4577}\u{446c}\u{3b6a}\u{45e4}\u{4824}";

pub(crate) fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::Str(text.to_owned()) }
}

pub(crate) fn number(number: i32) -> Value {
    Value::Int(number)
}

fn is(column: &str, value: Value) -> Expr {
    let value = match value {
        Value::Int(number) => Expr::integer(number),
        Value::Str(text) => Expr::string(text),
        _ => Expr::null(),
    };
    Expr::col(column).eq(value)
}

impl Editor {
    /// Changes the database by the crate `msi`.
    pub(crate) fn package(&mut self, change: impl FnOnce(&mut msi::Package<Cursor<Vec<u8>>>)) {
        let mut package = msi::Package::open(Cursor::new(std::mem::take(&mut self.0))).unwrap();
        change(&mut package);
        self.0 = package.into_inner().unwrap().into_inner();
    }

    /// Sets a column of the rows whose `key` is `value`.
    pub(crate) fn set(&mut self, table: &str, (key, value): (&str, Value), column: &str, new: Value) {
        let update = Update::table(table).set(column, new).with(is(key, value));
        self.package(|package| package.update_rows(update).unwrap());
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, table: &str, values: Vec<Value>) {
        self.package(|package| package.insert_rows(Insert::into(table).row(values)).unwrap());
    }

    /// Adds a row, its values by column, to a table of this crate's schema, which is made if need be.
    pub(crate) fn row<'a>(&mut self, table: &str, row: impl IntoIterator<Item = (&'a str, Cell)>) {
        let columns = schema::table(table).unwrap().columns;
        let mut values = vec![Value::Null; columns.len()];
        for (name, cell) in row {
            values[columns.iter().position(|column| column.name == name).unwrap()] = match cell {
                Cell::Empty => Value::Null,
                Cell::Number(number) => Value::Int(number),
                Cell::Text(text) => Value::Str(text),
                Cell::Stream(_) => Value::Binary,
            };
        }
        self.package(|package| {
            if !package.has_table(table) {
                package.create_table(table, columns.iter().map(Column::to_msi).collect()).unwrap();
            }
            package.insert_rows(Insert::into(table).row(values)).unwrap();
        });
    }

    /// Removes the rows whose `key` is `value`.
    pub(crate) fn remove(&mut self, table: &str, key: &str, value: Value) {
        self.package(|package| package.delete_rows(Delete::from(table).with(is(key, value))).unwrap());
    }

    /// Makes a table.
    pub(crate) fn table(&mut self, table: &str, columns: Vec<msi::Column>) {
        self.package(|package| package.create_table(table, columns).unwrap());
    }

    /// Writes a stream by the name that tables use.
    pub(crate) fn stream(&mut self, name: &str, content: &[u8]) {
        self.package(|package| package.write_stream(name).unwrap().write_all(content).unwrap());
    }

    /// The content of a stream by that name.
    pub(crate) fn read_stream(&mut self, name: &str) -> Vec<u8> {
        let mut content = Vec::new();
        self.package(|package| {
            package.read_stream(name).unwrap().read_to_end(&mut content).unwrap();
        });
        content
    }

    pub(crate) fn summary(&mut self, change: impl FnOnce(&mut msi::SummaryInfo)) {
        self.package(|package| change(package.summary_info_mut()));
    }

    /// Writes a stream of the compound file, given what is there.
    pub(crate) fn raw(&mut self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut compound = cfb::CompoundFile::open(Cursor::new(std::mem::take(&mut self.0))).unwrap();
        let mut content = Vec::new();
        if compound.exists(name) {
            compound.open_stream(name).unwrap().read_to_end(&mut content).unwrap();
        }
        change(&mut content);
        compound.create_stream(name).unwrap().write_all(&content).unwrap();
        compound.flush().unwrap();
        self.0 = compound.into_inner().into_inner();
    }

    /// Changes one text of the pool wherever it is used, without any check.
    pub(crate) fn retype(&mut self, old: &str, new: &[u8]) {
        let (mut pool, mut data) = (Vec::new(), Vec::new());
        self.raw(POOL, |content| pool.clone_from(content));
        self.raw(DATA, |content| data.clone_from(content));
        let old = msi::CodePage::Windows1252.encode(old);
        let mut start = 0;
        for entry in pool[4..].chunks_mut(4) {
            let length = usize::from(u16::from_le_bytes([entry[0], entry[1]]));
            if data[start..start + length] == old {
                let new_length = u16::try_from(new.len()).unwrap();
                entry[..2].copy_from_slice(&new_length.to_le_bytes());
                data.splice(start..start + length, new.iter().copied());
                self.raw(POOL, |content| *content = pool);
                self.raw(DATA, |content| *content = data);
                return;
            }
            start += length;
        }
        panic!("there is no text {:?}", String::from_utf8_lossy(&old));
    }
}
