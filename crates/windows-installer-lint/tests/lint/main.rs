//! The validator finds nothing in a good database, and every fault that is put into it.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod database;
mod edit;
mod faults;
#[path = "../../../windows-installer/tests/good/mod.rs"]
mod good;
mod installation;
mod right;
mod ui;

use edit::Editor;
use std::collections::BTreeSet;
use std::path::Path;
use windows_installer_lint::{lint, rules};

/// One way to damage a good database.
struct Fault {
    name: &'static str,
    /// The rule that has to find it.
    rule: &'static str,
    /// Rules that may find something as well.
    also: &'static [&'static str],
    damage: fn(&mut Editor),
}

/// Puts each fault into a copy of the good database.
fn try_faults(good: &[u8], faults: &[Fault]) {
    let mut failed = Vec::new();
    for fault in faults {
        let mut editor = Editor(good.to_vec());
        (fault.damage)(&mut editor);
        let findings = match lint(&editor.0) {
            Ok(findings) => findings,
            Err(error) => {
                failed.push(format!("{}: {error}", fault.name));
                continue;
            }
        };
        let expected = |rule: &str| rule == fault.rule || fault.also.contains(&rule);
        if !findings.iter().any(|finding| finding.rule == fault.rule) {
            failed.push(format!("{}: {} found nothing", fault.name, fault.rule));
        }
        for finding in findings.iter().filter(|finding| !expected(finding.rule)) {
            failed.push(format!("{}: unexpected: {finding}", fault.name));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn assert_good(file: &[u8]) {
    let findings: Vec<String> = lint(file).unwrap().iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Fails if: a rule objects to a good database, with or without dialogs, or to one that another program has
/// only opened and saved.
#[test]
fn finds_nothing_in_good_databases() {
    let good = good::package();
    assert_good(&good);
    let mut saved = Editor(good);
    saved.summary(|info| info.set_comments("saved again"));
    assert_good(&saved.0);
    assert_good(&ui::package());
}

/// Fails if: a rule objects to something unusual that is right.
#[test]
fn finds_nothing_in_what_is_right() {
    let mut failed = Vec::new();
    for (good, changes) in [(good::package(), right::CHANGES), (ui::package(), right::DIALOGS)] {
        for (name, change) in changes {
            let mut editor = Editor(good.clone());
            change(&mut editor);
            assert!(editor.0 != good, "{name} changes nothing");
            match lint(&editor.0) {
                Ok(found) => failed.extend(found.iter().map(|finding| format!("{name}: {finding}"))),
                Err(error) => failed.push(format!("{name}: {error}")),
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Fails if: a fault is not found by its rule, or another rule takes it for something else.
#[test]
fn finds_faults() {
    try_faults(&good::package(), database::FAULTS);
    try_faults(&good::package(), installation::FAULTS);
}

/// Fails if: a fault in dialogs is not found by its rule, or another rule takes it for something else.
#[test]
fn finds_faults_in_dialogs() {
    try_faults(&ui::package(), ui::FAULTS);
}

/// Fails if: there is a rule that no fault of the tests is found by.
#[test]
fn every_rule_has_a_fault() {
    let tried: BTreeSet<&str> = database::FAULTS
        .iter()
        .chain(installation::FAULTS)
        .chain(ui::FAULTS)
        .map(|fault| fault.rule)
        .collect();
    let all: Vec<&str> = rules().map(|(_, rule)| rule.id).collect();
    let untried: Vec<&&str> = all.iter().filter(|rule| !tried.contains(**rule)).collect();
    assert!(untried.is_empty(), "no fault for: {untried:?}");
    let distinct: BTreeSet<&&str> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "two rules have one name");
}

/// Fails if: a damaged file makes the validator panic. Whether it finds something does not matter here: a
/// byte may be one that nobody reads.
#[test]
fn survives_any_byte() {
    let good = good::package();
    // A generator of its own, so that a failure comes back: xorshift, Marsaglia 2003.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut seen = 0;
    for round in 0..2000 {
        let mut damaged = good.clone();
        let (at, value) = (next(damaged.len()), next(256));
        damaged[at] = u8::try_from(value).unwrap();
        let judged = std::panic::catch_unwind(|| lint(&damaged).map(|findings| findings.len()));
        let judged = judged.unwrap_or_else(|_| panic!("round {round}: byte {at} = {value}"));
        seen += usize::from(judged.is_err() || judged.is_ok_and(|count| count > 0));
    }
    assert!(seen > 500, "only {seen} of 2000 changes were noticed");
}

/// Fails if: a truncated file makes the validator panic, or passes.
#[test]
fn notices_truncation() {
    let good = good::package();
    for length in (0..good.len()).step_by(97).chain((0..good.len()).step_by(512)) {
        let judged = lint(&good[..length]);
        assert!(judged.is_err() || judged.is_ok_and(|found| !found.is_empty()), "{length} bytes pass");
    }
}

/// Fails if: a small file in which many rows have one long text is judged, which could take all memory.
#[test]
fn refuses_a_long_text_in_many_rows() {
    let mut editor = Editor(good::package());
    let columns =
        vec![msi::Column::build("Number").primary_key().int16(), msi::Column::build("Text").text_string(0)];
    editor.table("Long", columns);
    let rows = (1..10_000).map(|n| vec![edit::number(n), edit::text("in every row")]).collect();
    editor.package(|package| package.insert_rows(msi::Insert::into("Long").rows(rows)).unwrap());
    editor.retype("in every row", &[b'x'; 0xffff]);
    assert!(editor.0.len() < 1 << 20);
    let error = lint(&editor.0).unwrap_err().to_string();
    assert!(error.contains("too large") && error.contains("table Long"), "{error}");
}

/// `docs/msi-lint.md`, from the rules' own table.
fn document() -> String {
    let (mut text, mut last) = (include_str!("introduction.md").to_owned(), "");
    for (group, rule) in rules() {
        if group != last {
            text += &format!("\n## {group}\n\n| rule | what has to be so | follows |\n|---|---|---|\n");
            last = group;
        }
        let page = rule.follows.rsplit('/').next().unwrap_or_default();
        let name =
            if page.starts_with("ice") { page.to_uppercase() } else { page.trim_matches('-').to_owned() };
        let link = format!("https://learn.microsoft.com/en-us/windows/win32/{}", rule.follows);
        text += &format!("| `{}` | {} | [{name}]({link}) |\n", rule.id, rule.says);
    }
    text
}

/// Fails if: the document of rules is not what the rules say now.
#[test]
fn the_document_of_rules_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/msi-lint.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let update = "run: UPDATE_GENERATED=1 cargo test -p windows-installer-lint";
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == document(), "docs/msi-lint.md is not current; {update}");
}
