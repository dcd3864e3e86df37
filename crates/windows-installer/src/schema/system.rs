//! The tables of what is changed besides files: registry, services, shortcuts, environment.
//!
//! Specified by the
//! [registry](https://learn.microsoft.com/en-us/windows/win32/msi/registry-tables-group),
//! [system](https://learn.microsoft.com/en-us/windows/win32/msi/system-tables-group) and program installation groups.

use super::{COMPONENT, MAX16, MAX32, MIN32, Table, id, number, stream, text, wide};
use msi::Category;

/// The tables, by name.
pub(super) const TABLES: &[Table] = &[
    Table {
        name: "Environment",
        columns: &[
            id("Environment").key(),
            text("Name", 255, Category::Text).local(),
            text("Value", 255, Category::Formatted).null().local(),
            COMPONENT,
        ],
    },
    Table { name: "Icon", columns: &[id("Name").key(), stream("Data")] },
    Table {
        name: "IniFile",
        columns: &[
            id("IniFile").key(),
            text("FileName", 255, Category::Filename).local(),
            id("DirProperty").null(),
            text("Section", 96, Category::Formatted).local(),
            text("Key", 128, Category::Formatted).local(),
            text("Value", 255, Category::Formatted).local(),
            number("Action", 0, 3),
            COMPONENT,
        ],
    },
    Table {
        name: "RegLocator",
        columns: &[
            id("Signature_").key(),
            number("Root", 0, 3),
            text("Key", 255, Category::RegPath),
            text("Name", 255, Category::Formatted).null(),
            number("Type", 0, 18).null(),
        ],
    },
    Table {
        name: "Registry",
        columns: &[
            id("Registry").key(),
            number("Root", -1, 3),
            text("Key", 255, Category::RegPath).local(),
            text("Name", 255, Category::Formatted).null().local(),
            text("Value", 0, Category::Formatted).null().local(),
            COMPONENT,
        ],
    },
    Table {
        name: "RemoveFile",
        columns: &[
            id("FileKey").key(),
            COMPONENT,
            text("FileName", 255, Category::WildCardFilename).null().local(),
            id("DirProperty"),
            number("InstallMode", 1, 3),
        ],
    },
    Table {
        name: "ServiceControl",
        columns: &[
            id("ServiceControl").key(),
            text("Name", 255, Category::Formatted).local(),
            number("Event", 0, 187),
            text("Arguments", 255, Category::Formatted).null().local(),
            number("Wait", 0, 1).null(),
            COMPONENT,
        ],
    },
    Table {
        name: "ServiceInstall",
        columns: &[
            id("ServiceInstall").key(),
            text("Name", 255, Category::Formatted),
            text("DisplayName", 255, Category::Formatted).null().local(),
            wide("ServiceType", MIN32, MAX32),
            wide("StartType", 0, 4),
            wide("ErrorControl", MIN32, MAX32),
            text("LoadOrderGroup", 255, Category::Formatted).null(),
            text("Dependencies", 255, Category::Formatted).null(),
            text("StartName", 255, Category::Formatted).null(),
            text("Password", 255, Category::Formatted).null(),
            text("Arguments", 255, Category::Formatted).null(),
            COMPONENT,
            text("Description", 255, Category::Formatted).null().local(),
        ],
    },
    Table {
        name: "Shortcut",
        columns: &[
            id("Shortcut").key(),
            id("Directory_").to("Directory"),
            text("Name", 128, Category::Filename).local(),
            COMPONENT,
            text("Target", 72, Category::Shortcut),
            text("Arguments", 255, Category::Formatted).null(),
            text("Description", 255, Category::Text).null().local(),
            number("Hotkey", 0, MAX16).null(),
            text("Icon_", 72, Category::Identifier).null().to("Icon"),
            number("IconIndex", -MAX16, MAX16).null(),
            number("ShowCmd", 1, 7).null(),
            id("WkDir").null(),
            text("DisplayResourceDLL", 255, Category::Formatted).null(),
            number("DisplayResourceId", 0, MAX16).null(),
            text("DescriptionResourceDLL", 255, Category::Formatted).null(),
            number("DescriptionResourceId", 0, MAX16).null(),
        ],
    },
];
