//! `_Validation` itself: it describes every column, and what it says makes sense.

use super::read::{Kind, Msi, Row, Table};
use super::report::{Report, rules};

rules! {
    MISSING "validation-missing"
        "Every column of every table is described in `_Validation`."
        "msi/ice03";
    UNKNOWN "validation-unknown"
        "`_Validation` describes no column that its table does not have."
        "msi/ice06";
    DEFINITION "validation-definition"
        "A description in `_Validation` agrees with its column: nullable, limits in order, a known \
         category, a key column that exists."
        "msi/-validation-table";
}

pub(super) fn check(msi: &Msi, report: &mut Report) {
    if msi.table("_Validation").is_none() {
        let message =
            "there is no such table, so values cannot be judged: write it with a row for each column";
        return report.table(MISSING, "_Validation", message);
    }
    for table in msi.tables() {
        for column in &table.columns {
            if !msi.has("_Validation", &format!("{}/{}", table.name, column.name)) {
                let message = "has no row in _Validation: describe it there";
                report.column(MISSING, &table.name, &column.name, message);
            }
        }
    }
    for row in msi.rows("_Validation") {
        let (table, column) = (row.text("Table"), row.text("Column"));
        // Microsoft's own template describes tables that a database does not have.
        let Some(table) = msi.table(table) else { continue };
        match table.column(column) {
            None => {
                report.row(UNKNOWN, row, format!("table {} has no such column: remove the row", table.name));
            }
            Some(column) => definition(msi, row, column.kind, column.nullable, report),
        }
    }
}

fn definition(msi: &Msi, row: Row<'_>, kind: Kind, nullable: bool, report: &mut Report) {
    let mut refuse = |column: &str, message: String| report.value(DEFINITION, row, column, message);
    match (row.text("Nullable"), nullable) {
        ("N", true) => {
            refuse("Nullable", "N, but the column may be empty by its type: make both alike".into());
        }
        ("Y", false) => {
            refuse("Nullable", "Y, but the column's type holds no empty cell: make both alike".into());
        }
        ("Y" | "N" | "@", _) => {}
        (other, _) => refuse("Nullable", format!("{other:?} is neither Y nor N")),
    }
    if let (Some(min), Some(max)) = (row.number("MinValue"), row.number("MaxValue"))
        && min > max
    {
        refuse("MinValue", format!("{min} is more than the MaxValue {max}: swap them"));
    }
    let is_number = matches!(kind, Kind::Int16 | Kind::Int32);
    let category = row.text("Category");
    if !category.is_empty() && category.parse::<msi::Category>().is_err() {
        refuse("Category", format!("{category:?} is no category: use one of Microsoft's column data types"));
    } else if (kind == Kind::Binary) != (category == "Binary") {
        refuse(
            "Category",
            format!("{category:?} does not fit the column's type: Binary is for streams, and only for them"),
        );
    } else if is_number && !["", "Integer", "DoubleInteger", "TimeDate", "Number"].contains(&category) {
        refuse(
            "Category",
            format!("{category:?} is for texts, but the column holds numbers: leave it empty"),
        );
    }
    let key_column = row.number("KeyColumn").unwrap_or(1);
    for key_table in key_tables(msi, row.text("KeyTable")) {
        if usize::try_from(key_column).is_ok_and(|number| number == 0 || number > key_table.columns.len()) {
            refuse("KeyColumn", format!("table {} has no column number {key_column}", key_table.name));
        }
    }
}

/// The tables of a semicolon list that exist.
pub(super) fn key_tables<'a>(msi: &'a Msi, list: &str) -> Vec<&'a Table> {
    list.split(';').filter_map(|name| msi.table(name.trim())).collect()
}
