//! The table of platforms as a page to look at: one file that fetches nothing.

use super::cell::{Cell, Mark};
use super::claims::Claims;
use super::markdown::{behind_seed, crate_rows, day, untested, when};
use super::picture;
use super::record::{Record, short};
use anyhow::Result;
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");

/// The page.
///
/// # Errors
/// If the claims name what they do not have.
pub(crate) fn page(claims: &Claims, record: &Record, product: &str) -> Result<String> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{0}: platforms</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>{0}: what was done on each platform</h1>\n<p class=\"quiet\">{1}</p>\n",
        escape(product),
        code(&when(record))
    );
    write!(page, "<div class=\"picture scroll\">\n{}</div>\n", picture::picture(claims, record)?)?;
    page += "<ul class=\"legend\">\n";
    for mark in Mark::ALL {
        writeln!(page, "<li>{} {}</li>", picture::sample(mark)?, escape(mark.means()))?;
    }
    page += "</ul>\n<h2>What stands behind each cell</h2>\n";
    for platform in &claims.platforms {
        page += "<details>\n";
        writeln!(
            page,
            "<summary>{}<span>{}</span></summary>",
            escape(&platform.shown),
            escape(&platform.file)
        )?;
        if !platform.limits.is_empty() {
            writeln!(page, "<p class=\"quiet\">Not shown: {}.</p>", escape(&platform.limits))?;
        }
        let mut rows = String::new();
        for deed in &claims.deeds {
            details(&mut rows, &deed.name, &record.cell(claims, platform, &deed.name)?)?;
        }
        let head = ["deed", "where", "outcome", "suite", "commit, date, machine"];
        writeln!(page, "<div>{}</div>\n</details>", table(&head, &rows))?;
    }
    page += "<h2>What each column means</h2>\n";
    let deeds = claims.deeds.iter().map(|deed| row(&[&escape(&deed.name), &escape(&deed.means)]));
    page += &table(&["column", "means"], &deeds.collect::<String>());
    suites(&mut page, record)?;
    crates(&mut page, record)?;
    seeds(&mut page, claims, record)?;
    Ok(page + "</body>\n</html>\n")
}

fn details(rows: &mut String, deed: &str, cell: &Cell<'_>) -> Result<()> {
    let outcome = |mark: Mark, text: &str| format!("{} {}", mark.sign(), escape(text));
    if !cell.note.is_empty() {
        *rows += &row(&[deed, "", &outcome(cell.mark, &cell.note), "", ""]);
    } else if cell.proofs.is_empty() {
        *rows += &row(&[deed, "", &outcome(Mark::NotTested, "not tested"), "", ""]);
    }
    for (place, proof, verdict) in &cell.proofs {
        let suite = format!("<code>{}</code>", escape(&proof.suite));
        let Some(verdict) = verdict else { continue };
        let mark = Mark::of(verdict.state, place.kind);
        let why = match (&*verdict.why, verdict.count) {
            ("", 1) => "1 case passed".to_owned(),
            ("", count) => format!("{count} cases passed"),
            (why, _) => why.to_owned(),
        };
        let mut when = String::new();
        write!(
            when,
            "<code>{}</code>, {}, {}",
            verdict.commit.as_deref().map_or("unknown", short),
            verdict.date.as_deref().map_or("no date", day),
            escape(&verdict.machines())
        )?;
        *rows += &row(&[deed, &escape(&place.shown), &outcome(mark, &why), &suite, &when]);
    }
    for (suite, places) in untested(cell) {
        let suite = format!("<code>{}</code>", escape(suite));
        *rows += &row(&[deed, &escape(&places), &outcome(Mark::NotTested, "not tested"), &suite, ""]);
    }
    Ok(())
}

fn suites(page: &mut String, record: &Record) -> Result<()> {
    let mut rows = String::new();
    for sums in &record.suites {
        let mut outcome = format!("{} passed", sums.passed);
        for (count, what) in [(sums.failed, "failed"), (sums.not_run, "not run")] {
            if count > 0 {
                write!(outcome, ", <strong>{count} {what}</strong>")?;
            }
        }
        let differs =
            if sums.differs.is_empty() { String::new() } else { format!(" ({})", escape(&sums.differs)) };
        let when = format!(
            "<code>{}</code>, {}, {}{differs}",
            sums.commit.as_deref().map_or("unknown", short),
            sums.date.as_deref().map_or("no date", day),
            escape(&sums.machine)
        );
        rows += &row(&[&format!("<code>{}</code>", escape(&sums.suite)), &outcome, &when]);
    }
    *page += "<h2>Suites</h2>\n";
    *page += &table(&["suite", "outcome", "commit, date, machine"], &rows);
    Ok(())
}

fn crates(page: &mut String, record: &Record) -> Result<()> {
    *page += "<h2>Crates</h2>\n";
    if record.coverage.is_none() {
        *page += "<p class=\"quiet\">Line coverage was not measured.</p>\n";
    }
    let mut rows = String::new();
    for (name, tests, lines) in crate_rows(record) {
        let mut cell = String::new();
        if let Some(lines) = record.coverage.as_ref().and_then(|coverage| coverage.crates.get(&name)) {
            write!(
                cell,
                "<svg width=\"100\" height=\"8\" aria-hidden=\"true\">\
                 <rect class=\"bar-ground\" width=\"100\" height=\"8\" rx=\"2\"/>\
                 <rect class=\"bar\" width=\"{}\" height=\"8\" rx=\"2\"/></svg> ",
                lines.percent()
            )?;
        }
        cell += &escape(&lines);
        rows += &row(&[&format!("<code>{}</code>", escape(&name)), &escape(&tests), &cell]);
    }
    *page += &table(&["crate", "programs of unit tests", "lines covered"], &rows);
    Ok(())
}

fn seeds(page: &mut String, claims: &Claims, record: &Record) -> Result<()> {
    *page += "<h2>The first plan</h2>\n<p class=\"quiet\">What the project's first plan, for a client in Python, hoped \
              for, and what stands behind it now.</p>\n";
    let (mut name, mut rows) = ("", String::new());
    let head = ["row", "it said", "what stands behind it"];
    for seed in &claims.seeds {
        if name != seed.table {
            if !rows.is_empty() {
                *page += &table(&head, &std::mem::take(&mut rows));
            }
            name = &seed.table;
            writeln!(page, "<h3>{}</h3>", escape(name))?;
        }
        let found = behind_seed(claims, record, &seed.behind)?;
        let mut behind: Vec<String> =
            found.into_iter().map(|(mark, what)| format!("{} {}", mark.sign(), escape(&what))).collect();
        if behind.is_empty() {
            behind.push("nothing yet".to_owned());
        }
        if !seed.note.is_empty() {
            behind.push(format!("<span class=\"quiet\">{}</span>", escape(&seed.note)));
        }
        rows += &row(&[&escape(&seed.row), &escape(&seed.said), &behind.join("<br>")]);
    }
    *page += &table(&head, &rows);
    Ok(())
}

/// A table that becomes cards where there is little room. Its cells are HTML.
fn table(head: &[&str], rows: &str) -> String {
    let head: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
    format!("<table class=\"rows\"><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table>\n")
}

fn row(cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr>{cells}</tr>\n")
}

/// Text with what Markdown marks as code.
fn code(text: &str) -> String {
    let mut html = String::new();
    for (number, part) in text.split('`').enumerate() {
        html += &if number % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) };
    }
    html
}

/// Text in HTML and SVG, in attributes too.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
}
