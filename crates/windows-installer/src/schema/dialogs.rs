//! The tables of the user interface.
//!
//! Specified by the
//! [user interface group](https://learn.microsoft.com/en-us/windows/win32/msi/user-interface-group-tables);
//! the lengths are those of Microsoft's template database.

use super::{Column, MAX16, MAX32, Table, id, number, text, wide};
use msi::Category;

/// A reference to the dialog that a row belongs to.
const DIALOG: Column = id("Dialog_").key().to("Dialog");

/// The name of a control; different dialogs may have controls of the same name.
const fn control(name: &'static str) -> Column {
    text(name, 50, Category::Identifier)
}

/// A reference to a control of the row's dialog.
const CONTROL: Column = control("Control_").key().to("Control");

/// A coordinate or length in installer units.
const fn units(name: &'static str) -> Column {
    number(name, 0, MAX16)
}

/// The tables of the user interface, by name.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "ActionText",
        columns: &[
            id("Action").key(),
            text("Description", 0, Category::Text).null().local(),
            text("Template", 0, Category::Template).null().local(),
        ],
    },
    Table {
        name: "CheckBox",
        columns: &[id("Property").key(), text("Value", 64, Category::Formatted).null()],
    },
    Table {
        name: "Control",
        columns: &[
            DIALOG,
            control("Control").key(),
            text("Type", 20, Category::Identifier),
            units("X"),
            units("Y"),
            units("Width"),
            units("Height"),
            wide("Attributes", 0, MAX32).null(),
            text("Property", 50, Category::Identifier).null(),
            text("Text", 0, Category::Formatted).null().local(),
            control("Control_Next").null().to("Control"),
            text("Help", 50, Category::Text).null().local(),
        ],
    },
    Table {
        name: "ControlCondition",
        columns: &[
            DIALOG,
            CONTROL,
            text("Action", 50, Category::Text).key(),
            text("Condition", 255, Category::Condition).key(),
        ],
    },
    Table {
        name: "ControlEvent",
        columns: &[
            DIALOG,
            CONTROL,
            text("Event", 50, Category::Formatted).key(),
            text("Argument", 255, Category::Formatted).key(),
            text("Condition", 255, Category::Condition).key().null(),
            number("Ordering", 0, MAX16).null(),
        ],
    },
    Table {
        name: "Dialog",
        columns: &[
            id("Dialog").key(),
            number("HCentering", 0, 100),
            number("VCentering", 0, 100),
            units("Width"),
            units("Height"),
            wide("Attributes", 0, MAX32).null(),
            text("Title", 128, Category::Formatted).null().local(),
            control("Control_First").to("Control"),
            control("Control_Default").null().to("Control"),
            control("Control_Cancel").null().to("Control"),
        ],
    },
    Table {
        name: "Error",
        columns: &[number("Error", 0, MAX16).key(), text("Message", 0, Category::Template).null().local()],
    },
    Table {
        name: "EventMapping",
        columns: &[
            DIALOG,
            CONTROL,
            text("Event", 50, Category::Identifier).key(),
            text("Attribute", 50, Category::Identifier),
        ],
    },
    Table {
        name: "ListBox",
        columns: &[
            id("Property").key(),
            number("Order", 1, MAX16).key(),
            text("Value", 64, Category::Formatted),
            text("Text", 64, Category::Formatted).null().local(),
        ],
    },
    Table {
        name: "RadioButton",
        columns: &[
            id("Property").key(),
            number("Order", 1, MAX16).key(),
            text("Value", 64, Category::Formatted),
            units("X"),
            units("Y"),
            units("Width"),
            units("Height"),
            text("Text", 0, Category::Formatted).null().local(),
            text("Help", 50, Category::Text).null().local(),
        ],
    },
    Table {
        name: "TextStyle",
        columns: &[
            id("TextStyle").key(),
            text("FaceName", 32, Category::Text),
            number("Size", 0, MAX16),
            wide("Color", 0, 0xff_ffff).null(),
            number("StyleBits", 0, 15).null(),
        ],
    },
    Table { name: "UIText", columns: &[id("Key").key(), text("Text", 255, Category::Text).null().local()] },
];
