//! The table of platforms in Markdown: `docs/platforms.md`, and the section of the README.
//!
//! Both are made of the claims and the record alone, so that a test can make them again.

use super::cell::{Cell, Mark};
use super::claims::{Behind, Claims, Kind};
use super::record::{Record, short};
use anyhow::{Context, Result};
use std::fmt::Write as _;

/// Around the part of the README that is made here.
pub(crate) const BEGIN: &str = "<!-- The table of platforms: made by `cargo xtask evidence --update`. -->\n";
/// Its end.
pub(crate) const END: &str = "<!-- The end of the table of platforms. -->\n";

/// The whole page.
///
/// # Errors
/// If the claims name what they do not have.
pub(crate) fn page(claims: &Claims, record: &Record) -> Result<String> {
    let mut page = String::from(
        "# Platforms\n\n\
         What was done on each platform, on which system or which stand-in. `cargo xtask evidence --update` writes \
         this page from\nthe results of tests ([testing.md](testing.md#the-table-of-platforms)); do not edit it.\n\n",
    );
    writeln!(page, "{}\n", when(record))?;
    page += &table(claims, record, true)?;
    page += "\n";
    page += &legend();
    writeln!(page, "\n## What each column means\n\n| column | means |\n|---|---|")?;
    for deed in &claims.deeds {
        writeln!(page, "| {} | {} |", deed.name, deed.means)?;
    }
    page += "\n## What stands behind each cell\n";
    for platform in &claims.platforms {
        writeln!(page, "\n### {} ({})\n", platform.shown, platform.file)?;
        if !platform.limits.is_empty() {
            writeln!(page, "Not shown: {}.\n", platform.limits)?;
        }
        writeln!(
            page,
            "| deed | where | outcome | cases of | commit, date, machine |\n|---|---|---|---|---|"
        )?;
        for deed in &claims.deeds {
            page += &details(&deed.name, &record.cell(claims, platform, &deed.name)?)?;
        }
    }
    page += &suites(record)?;
    page += &crates(record)?;
    page += &seeds(claims, record)?;
    Ok(page)
}

/// The README with the table in the place of the one that it has.
///
/// # Errors
/// If it has no place for one.
pub(crate) fn readme(text: &str, claims: &Claims, record: &Record) -> Result<String> {
    let place = || format!("README.md has no lines {BEGIN:?} and {END:?}");
    let (before, rest) = text.split_once(BEGIN).with_context(place)?;
    let (_, after) = rest.split_once(END).with_context(place)?;
    let mut part = format!("{}\n\n", when(record));
    part += &table(claims, record, false)?;
    part += "\n";
    part += &legend();
    Ok(format!("{before}{BEGIN}\n{part}\n{END}{after}"))
}

/// Which commit it is about, and of when.
pub(crate) fn when(record: &Record) -> String {
    match (&record.commit, &record.date) {
        (None, _) => "Nothing was tested yet.".to_owned(),
        (Some(commit), None) => format!("Commit `{}`, at a time that is not recorded.", short(commit)),
        (Some(commit), Some(date)) => format!("Commit `{}`, {}.", short(commit), day(date)),
    }
}

/// The date of a time.
pub(crate) fn day(date: &str) -> &str {
    date.get(..10).unwrap_or(date)
}

/// Platforms by deeds; with the places in each cell, or in a last column.
fn table(claims: &Claims, record: &Record, places_in_cells: bool) -> Result<String> {
    let mut table = String::from("| platform | file |");
    for deed in &claims.deeds {
        write!(table, " {} |", deed.name)?;
    }
    table += if places_in_cells { "\n|---|---|" } else { " on |\n|---|---|" };
    table += &"---|".repeat(claims.deeds.len() + usize::from(!places_in_cells));
    for platform in &claims.platforms {
        write!(table, "\n| {} | {} |", platform.shown, platform.file)?;
        let mut all: Vec<String> = Vec::new();
        for deed in &claims.deeds {
            let cell = record.cell(claims, platform, &deed.name)?;
            let places = places(&cell);
            if places_in_cells && !places.is_empty() {
                write!(table, " {} {} |", cell.mark.sign(), places.join(", "))?;
            } else {
                write!(table, " {} |", cell.mark.sign())?;
            }
            for place in places {
                let place = format!("{} {place}", cell.mark.sign());
                if !all.contains(&place) && matches!(cell.mark, Mark::Real | Mark::StandIn) {
                    all.push(place);
                }
            }
        }
        if !places_in_cells {
            write!(table, " {} |", all.join(", "))?;
        }
    }
    Ok(table + "\n")
}

/// The places that a cell's mark is owed to.
pub(crate) fn places<'a>(cell: &Cell<'a>) -> Vec<&'a str> {
    let mut places = Vec::new();
    for (place, _, verdict) in &cell.proofs {
        let of_mark = verdict.is_some_and(|verdict| Mark::of(verdict.state, place.kind) == cell.mark);
        if of_mark && place.kind != Kind::Bench && !places.contains(&place.shown.as_str()) {
            places.push(place.shown.as_str());
        }
    }
    places
}

fn legend() -> String {
    Mark::ALL.iter().map(|mark| format!("- {} {}\n", mark.sign(), mark.means())).collect()
}

/// The rows of a cell.
fn details(deed: &str, cell: &Cell<'_>) -> Result<String> {
    let mut rows = String::new();
    if !cell.note.is_empty() {
        let what = if cell.mark == Mark::Without { "" } else { "artifacts.json" };
        writeln!(rows, "| {deed} | {what} | {} {} | | |", cell.mark.sign(), cell.note)?;
    } else if cell.proofs.is_empty() {
        writeln!(rows, "| {deed} | | {} not tested | | |", Mark::NotTested.sign())?;
    }
    for (place, proof, verdict) in &cell.proofs {
        let Some(verdict) = verdict else { continue };
        let mark = Mark::of(verdict.state, place.kind);
        let outcome = if verdict.why.is_empty() {
            format!("{} cases passed", verdict.count).replace("1 cases", "1 case")
        } else {
            escape(&verdict.why)
        };
        let commit = verdict.commit.as_deref().map_or("unknown", short);
        let date = verdict.date.as_deref().map_or("no date", day);
        writeln!(
            rows,
            "| {deed} | {} | {} {outcome} | `{}` | `{commit}`, {date}, {} |",
            place.shown,
            mark.sign(),
            proof.suite,
            escape(&verdict.machines())
        )?;
    }
    for (suite, places) in untested(cell) {
        writeln!(rows, "| {deed} | {places} | {} not tested | `{suite}` | |", Mark::NotTested.sign())?;
    }
    Ok(rows)
}

/// The suites that say nothing of a cell, with the places where they were to.
pub(crate) fn untested<'a>(cell: &Cell<'a>) -> Vec<(&'a str, String)> {
    let mut suites: Vec<(&str, String)> = Vec::new();
    for (place, proof, _) in cell.proofs.iter().filter(|(_, _, verdict)| verdict.is_none()) {
        match suites.iter_mut().find(|(suite, _)| *suite == proof.suite) {
            Some((_, places)) => *places += &format!(", {}", place.shown),
            None => suites.push((&proof.suite, place.shown.clone())),
        }
    }
    suites
}

fn suites(record: &Record) -> Result<String> {
    let mut text = String::from(
        "\n## Suites\n\n| suite | passed | failed | not run | commit, date, machine |\n|---|---|---|---|---|\n",
    );
    for sums in &record.suites {
        let commit = sums.commit.as_deref().map_or("unknown", short);
        let date = sums.date.as_deref().map_or("no date", day);
        let differs = if sums.differs.is_empty() { String::new() } else { format!(" ({})", sums.differs) };
        writeln!(
            text,
            "| `{}` | {} | {} | {} | `{commit}`, {date}, {}{differs} |",
            sums.suite,
            sums.passed,
            sums.failed,
            sums.not_run,
            escape(&sums.machine),
        )?;
    }
    Ok(text)
}

fn crates(record: &Record) -> Result<String> {
    let mut text = String::from("\n## Crates\n\n");
    text += &match &record.coverage {
        None => "Line coverage: not measured (`cargo xtask evidence --coverage`).\n".to_owned(),
        Some(measured) => {
            let commit = measured.commit.as_deref().map_or("unknown", short);
            format!("Line coverage: `{commit}`, {}, {}.\n", day(&measured.date), escape(&measured.machine))
        }
    };
    text += "\n| crate | programs of unit tests | lines covered |\n|---|---|---|\n";
    for (name, tests, lines) in crate_rows(record) {
        writeln!(text, "| `{name}` | {tests} | {lines} |")?;
    }
    Ok(text)
}

/// Each crate with what is known of its unit tests and its lines.
pub(crate) fn crate_rows(record: &Record) -> Vec<(String, String, String)> {
    let covered = record.coverage.as_ref().map(|coverage| &coverage.crates);
    let mut names: Vec<&String> =
        record.crates.keys().chain(covered.into_iter().flat_map(|c| c.keys())).collect();
    names.sort();
    names.dedup();
    let row = |name: &String| {
        let tests = match record.crates.get(name) {
            None => "no result of this commit".to_owned(),
            Some((passed, 0)) => format!("{passed} passed"),
            Some((passed, failed)) => format!("{passed} passed, {failed} failed"),
        };
        let lines = covered.and_then(|covered| covered.get(name));
        let lines = lines
            .map_or("not measured".to_owned(), |lines| format!("{} % of {}", lines.percent(), lines.count));
        (name.clone(), tests, lines)
    };
    names.into_iter().map(row).collect()
}

fn seeds(claims: &Claims, record: &Record) -> Result<String> {
    let mut text = String::from(
        "\n## The first plan\n\nWhat the project's first plan, for a client in Python, hoped for, and what \
         stands behind it now.\n",
    );
    let mut table = "";
    for seed in &claims.seeds {
        if table != seed.table {
            table = &seed.table;
            writeln!(text, "\n### {table}\n\n| row | it said | what stands behind it |\n|---|---|---|")?;
        }
        let mut behind = Vec::new();
        for (mark, what) in behind_seed(claims, record, &seed.behind)? {
            behind.push(format!("{} {what}", mark.sign()));
        }
        if behind.is_empty() {
            behind.push("nothing yet".to_owned());
        }
        if !seed.note.is_empty() {
            behind.push(format!("({})", seed.note));
        }
        writeln!(text, "| {} | {} | {} |", seed.row, seed.said, behind.join("<br>"))?;
    }
    Ok(text)
}

/// What each thing that a row of the first plan names comes to, in words.
///
/// # Errors
/// If it names what there is not.
pub(crate) fn behind_seed(claims: &Claims, record: &Record, names: &[String]) -> Result<Vec<(Mark, String)>> {
    let mut found = Vec::new();
    for name in names {
        found.push(match claims.behind(name)? {
            Behind::Cell(platform, deed) => {
                let cell = record.cell(claims, platform, deed)?;
                let mut what = format!("{}: {deed}", platform.shown);
                let places = places(&cell);
                if !places.is_empty() {
                    what += &format!(" ({})", places.join(", "));
                }
                (cell.mark, what)
            }
            Behind::Suite(suite) => (of_suite(record, suite), format!("suite {suite}")),
        });
    }
    // What nobody tested is nothing.
    if found.iter().all(|(mark, _)| *mark == Mark::NotTested) {
        found.clear();
    }
    for (_, what) in found.iter_mut().filter(|(mark, _)| *mark == Mark::NotTested) {
        *what += " (not tested)";
    }
    Ok(found)
}

/// What a whole suite comes to. It needs no system of a platform.
fn of_suite(record: &Record, suite: &str) -> Mark {
    let runs = record.suites.iter().filter(|sums| sums.suite == suite);
    let mark = runs.map(|sums| match sums {
        sums if !sums.differs.is_empty() => Mark::Elsewhere,
        sums if sums.failed > 0 => Mark::Failed,
        sums if sums.not_run > 0 || sums.passed == 0 => Mark::Incomplete,
        _ => Mark::Bench,
    });
    mark.max().unwrap_or(Mark::NotTested)
}

/// Text in a table.
fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ")
}
