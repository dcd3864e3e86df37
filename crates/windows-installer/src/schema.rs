//! The standard tables: columns, types, categories, keys, ranges and references.
//!
//! Specified by the [database tables](https://learn.microsoft.com/en-us/windows/win32/msi/database-tables)
//! of Windows Installer, a page for each. What is said here is checked when a row is added, and written
//! into `_Validation`, from which Windows' own validators work. Only tables that have rows are written,
//! and [`REQUIRED`].

mod dialogs;
mod system;

use msi::Category;

/// A table: its name and its columns, in the order of the specification.
#[derive(Debug)]
pub struct Table {
    /// Name of the table.
    pub name: &'static str,
    /// Its columns; the primary key comes first.
    pub columns: &'static [Column],
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name of the column.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is part of the primary key.
    pub key: bool,
    /// Whether it may be empty.
    pub nullable: bool,
    /// Whether translations may change it.
    pub localizable: bool,
    /// The table whose first column must have the value. Where it is `Control`, whose rows belong to
    /// dialogs, the second column of a row of the same dialog.
    pub refers_to: Option<&'static str>,
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of at most `length` characters (0: any length) of a category.
    Text {
        /// Maximum length in characters; 0 for none.
        length: usize,
        /// What the text must look like.
        category: Category,
    },
    /// A whole number of two or four bytes.
    Number {
        /// Whether it takes four bytes.
        wide: bool,
        /// The least value.
        min: i32,
        /// The greatest value.
        max: i32,
    },
    /// The content of a stream.
    Stream,
}

/// Tables that Windows Installer expects even when they are empty.
pub const REQUIRED: &[&str] = &[
    "AdminExecuteSequence",
    "AdminUISequence",
    "AdvtExecuteSequence",
    "Component",
    "Directory",
    "Feature",
    "FeatureComponents",
    "File",
    "InstallExecuteSequence",
    "InstallUISequence",
    "Media",
    "Property",
];

/// Tables that Windows Installer expects even when they are empty, once there are dialogs: it fills in
/// which programs use files that are to be replaced.
pub const REQUIRED_BY_DIALOGS: &[&str] = &["ListBox"];

/// Every table that this crate knows.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().chain(system::TABLES).chain(dialogs::TABLES)
}

/// The table of that name.
pub fn table(name: &str) -> Option<&'static Table> {
    tables().find(|table| table.name == name)
}

/// The number of the column, counted from 1, in which a reference to the table looks for its value.
fn key_column(table: &str) -> i32 {
    if table == "Control" { 2 } else { 1 }
}

impl Table {
    /// How many columns form the primary key.
    pub fn key_columns(&self) -> usize {
        self.columns.iter().filter(|column| column.key).count()
    }
}

const fn text(name: &'static str, length: usize, category: Category) -> Column {
    let kind = Kind::Text { length, category };
    Column { name, kind, key: false, nullable: false, localizable: false, refers_to: None }
}

/// An identifier of at most 72 characters, which is what most keys are.
const fn id(name: &'static str) -> Column {
    text(name, 72, Category::Identifier)
}

const fn number(name: &'static str, min: i32, max: i32) -> Column {
    let kind = Kind::Number { wide: false, min, max };
    Column { name, kind, key: false, nullable: false, localizable: false, refers_to: None }
}

const fn wide(name: &'static str, min: i32, max: i32) -> Column {
    let kind = Kind::Number { wide: true, min, max };
    Column { name, kind, key: false, nullable: false, localizable: false, refers_to: None }
}

const fn stream(name: &'static str) -> Column {
    let kind = Kind::Stream;
    Column { name, kind, key: false, nullable: false, localizable: false, refers_to: None }
}

impl Column {
    const fn key(mut self) -> Column {
        self.key = true;
        self
    }

    const fn null(mut self) -> Column {
        self.nullable = true;
        self
    }

    const fn local(mut self) -> Column {
        self.localizable = true;
        self
    }

    const fn to(mut self, table: &'static str) -> Column {
        self.refers_to = Some(table);
        self
    }

    /// The column as the crate `msi` makes it.
    pub fn to_msi(&self) -> msi::Column {
        let mut builder = msi::Column::build(self.name);
        if self.key {
            builder = builder.primary_key();
        }
        if self.nullable {
            builder = builder.nullable();
        }
        if self.localizable {
            builder = builder.localizable();
        }
        if let Some(table) = self.refers_to {
            builder = builder.foreign_key(table, key_column(table));
        }
        match self.kind {
            Kind::Text { length, category } => builder.category(category).string(length),
            Kind::Number { wide: false, min, max } => builder.range(min, max).int16(),
            Kind::Number { wide: true, min, max } => builder.range(min, max).int32(),
            Kind::Stream => builder.category(Category::Binary).binary(),
        }
    }
}

/// A column with a reference to a component, as many tables end with.
const COMPONENT: Column = id("Component_").to("Component");

/// The largest values of the two sizes of numbers; the least value of each stands for "empty".
const MAX16: i32 = i16::MAX as i32;
const MAX32: i32 = i32::MAX;
const MIN32: i32 = -i32::MAX;

const SEQUENCE: &[Column] = &[
    id("Action").key(),
    text("Condition", 255, Category::Condition).null(),
    number("Sequence", -4, MAX16).null(),
];

/// The tables that say what is installed, by name.
const TABLES: &[Table] = &[
    Table { name: "AdminExecuteSequence", columns: SEQUENCE },
    Table { name: "AdminUISequence", columns: SEQUENCE },
    Table { name: "AdvtExecuteSequence", columns: SEQUENCE },
    Table { name: "AppSearch", columns: &[id("Property").key(), id("Signature_").key()] },
    Table { name: "Binary", columns: &[id("Name").key(), stream("Data")] },
    Table {
        name: "Component",
        columns: &[
            id("Component").key(),
            text("ComponentId", 38, Category::Guid).null(),
            id("Directory_").to("Directory"),
            number("Attributes", 0, MAX16),
            text("Condition", 255, Category::Condition).null(),
            id("KeyPath").null(),
        ],
    },
    Table { name: "CreateFolder", columns: &[id("Directory_").key().to("Directory"), COMPONENT.key()] },
    Table {
        name: "CustomAction",
        columns: &[
            id("Action").key(),
            number("Type", 1, MAX16),
            text("Source", 72, Category::CustomSource).null(),
            text("Target", 255, Category::Formatted).null(),
            wide("ExtendedType", 0, MAX32).null(),
        ],
    },
    Table {
        name: "Directory",
        columns: &[
            id("Directory").key(),
            id("Directory_Parent").null().to("Directory"),
            text("DefaultDir", 255, Category::DefaultDir).local(),
        ],
    },
    Table {
        name: "Feature",
        columns: &[
            text("Feature", 38, Category::Identifier).key(),
            text("Feature_Parent", 38, Category::Identifier).null().to("Feature"),
            text("Title", 64, Category::Text).null().local(),
            text("Description", 255, Category::Text).null().local(),
            number("Display", 0, MAX16).null(),
            number("Level", 0, MAX16),
            text("Directory_", 72, Category::UpperCase).null().to("Directory"),
            number("Attributes", 0, 63),
        ],
    },
    Table {
        name: "FeatureComponents",
        columns: &[text("Feature_", 38, Category::Identifier).key().to("Feature"), COMPONENT.key()],
    },
    Table {
        name: "File",
        columns: &[
            id("File").key(),
            COMPONENT,
            text("FileName", 255, Category::Filename).local(),
            wide("FileSize", 0, MAX32),
            text("Version", 72, Category::Version).null(),
            text("Language", 20, Category::Language).null(),
            number("Attributes", 0, MAX16).null(),
            number("Sequence", 1, MAX16),
        ],
    },
    Table { name: "InstallExecuteSequence", columns: SEQUENCE },
    Table { name: "InstallUISequence", columns: SEQUENCE },
    Table {
        name: "LaunchCondition",
        columns: &[
            text("Condition", 255, Category::Condition).key(),
            text("Description", 255, Category::Formatted).local(),
        ],
    },
    Table {
        name: "Media",
        columns: &[
            number("DiskId", 1, MAX16).key(),
            number("LastSequence", 0, MAX16),
            text("DiskPrompt", 64, Category::Text).null().local(),
            text("Cabinet", 255, Category::Cabinet).null(),
            text("VolumeLabel", 32, Category::Text).null(),
            text("Source", 72, Category::Property).null(),
        ],
    },
    Table {
        name: "MsiFileHash",
        columns: &[
            id("File_").key().to("File"),
            number("Options", 0, 0),
            wide("HashPart1", MIN32, MAX32),
            wide("HashPart2", MIN32, MAX32),
            wide("HashPart3", MIN32, MAX32),
            wide("HashPart4", MIN32, MAX32),
        ],
    },
    Table { name: "Property", columns: &[id("Property").key(), text("Value", 0, Category::Text).local()] },
    Table {
        name: "Upgrade",
        columns: &[
            text("UpgradeCode", 38, Category::Guid).key(),
            text("VersionMin", 20, Category::Text).key().null(),
            text("VersionMax", 20, Category::Text).key().null(),
            text("Language", 255, Category::Language).key().null(),
            wide("Attributes", 0, 2047).key(),
            text("Remove", 255, Category::Formatted).null(),
            text("ActionProperty", 72, Category::UpperCase),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the table of tables is out of order, a reference leads nowhere, a key does not come
    /// first, or a required table is unknown.
    #[test]
    fn is_consistent() {
        for pair in [TABLES, system::TABLES, dialogs::TABLES].iter().flat_map(|tables| tables.windows(2)) {
            assert!(pair[0].name < pair[1].name, "{} comes before {}", pair[0].name, pair[1].name);
        }
        for known in tables() {
            assert!(known.key_columns() > 0, "{} has no key", known.name);
            let keys_first = known.columns[..known.key_columns()].iter().all(|column| column.key);
            assert!(keys_first, "{}: the key does not come first", known.name);
            for column in known.columns {
                let leads = column.refers_to.is_none_or(|target| table(target).is_some());
                assert!(leads, "{}.{} refers to an unknown table", known.name, column.name);
            }
        }
        for name in REQUIRED {
            assert!(table(name).is_some(), "{name}");
        }
    }
}
