//! The table of what is denied, in `docs/linux.md`: made of the deeds in `tests/vm/confinement.py`, which proves it.

use crate::workspace;
use std::fs;

/// Where the table is, in the page for administrators.
const BEGIN: &str = "<!-- made of tests/vm/confinement.py -->\n";
const END: &str = "<!-- end -->\n";

/// A deed, and whether the unit, the service's domain and that of converters deny it.
#[derive(Debug, PartialEq, Eq)]
struct Deed<'a> {
    action: &'a str,
    denied: [bool; 3],
}

/// Reads a row of the scenario: `("ACTION", "PROGRAM", True, True, False),`.
fn read(line: &str) -> Option<Deed<'_>> {
    let (action, rest) = line.trim().strip_prefix("(\"")?.split_once("\", \"")?;
    let (_, flags) = rest.split_once("\", ")?;
    let mut denied = flags.strip_suffix("),")?.split(", ").map(|flag| match flag {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    });
    let denied = [denied.next()??, denied.next()??, denied.next()??];
    Some(Deed { action, denied })
}

fn row(deed: &Deed<'_>) -> String {
    let [unit, service, converter] = deed.denied;
    let words = [unit, service, unit || service, converter];
    let words = words.map(|denied| if denied { "denied" } else { "possible" });
    format!("| {} | {} |\n", deed.action, words.join(" | "))
}

fn table(scenario: &str) -> String {
    let rows =
        scenario.split_once("DEEDS = [").and_then(|(_, rest)| rest.split_once("\n]")).unwrap_or_default();
    let rows: String = rows.0.lines().filter_map(read).map(|deed| row(&deed)).collect();
    let head =
        "| what | unit alone | `pywats_t` alone | both | `pywats_converter_t` |\n|---|---|---|---|---|\n";
    format!("{head}{rows}")
}

/// Fails if: the page does not say what the scenario proves.
#[test]
fn what_is_denied_is_what_is_proven() {
    let root = workspace::root();
    let scenario = fs::read_to_string(root.join("tests/vm/confinement.py")).unwrap();
    let deed = Deed { action: "a `b`, c", denied: [true, false, true] };
    assert_eq!(read("    (\"a `b`, c\", \"do /x\", True, False, True),"), Some(deed));
    let table = table(&scenario);
    assert!(table.lines().count() > 25, "{table}");
    let page = root.join("docs/linux.md");
    let text = fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the place of the table");
    let (_, after) = rest.split_once(END).expect("the end of the table");
    let expected = format!("{before}{BEGIN}{table}{END}{after}");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&page, expected).unwrap();
        return;
    }
    let again = "UPDATE_GENERATED=1 cargo test -p xtask what_is_denied";
    assert!(text == expected, "docs/linux.md: run: {again}");
}
