//! The table of platforms as a picture: platforms by deeds, in SVG. A cell says by its word, its sign and its pattern
//! what its color says.

use super::cell::{Cell, Mark};
use super::claims::Claims;
use super::html::escape;
use super::markdown::places;
use super::record::Record;
use anyhow::Result;
use std::fmt::Write as _;

/// What is left of the cells: the names of platforms.
const NAMES: usize = 330;
const CELL: (usize, usize) = (84, 30);
/// Between cells.
const GAP: usize = 4;
const HEAD: usize = 30;
const GROUP: usize = 28;

/// The picture.
///
/// # Errors
/// If the claims name what they do not have.
pub(crate) fn picture(claims: &Claims, record: &Record) -> Result<String> {
    let width = NAMES + claims.deeds.len() * (CELL.0 + GAP);
    let mut body = String::new();
    for (column, deed) in claims.deeds.iter().enumerate() {
        writeln!(
            body,
            "<text class=\"column\" x=\"{}\" y=\"18\" text-anchor=\"middle\">{}<title>{}</title></text>",
            left(column) + CELL.0 / 2,
            escape(&deed.name),
            escape(&deed.means)
        )?;
    }
    let (mut y, mut group) = (HEAD, "");
    for platform in &claims.platforms {
        if group != platform.group {
            group = &platform.group;
            let name = escape(group);
            writeln!(body, "<line class=\"rule\" x1=\"0\" x2=\"{width}\" y1=\"{y}\" y2=\"{y}\"/>")?;
            writeln!(body, "<text class=\"group\" x=\"0\" y=\"{}\">{name}</text>", y + 18)?;
            y += GROUP;
        }
        let base = y + CELL.1 / 2 + 4;
        writeln!(
            body,
            "<text x=\"0\" y=\"{base}\">{}<tspan class=\"file\" dx=\"8\">{}</tspan></text>",
            escape(&platform.shown),
            escape(&platform.file)
        )?;
        for (column, deed) in claims.deeds.iter().enumerate() {
            let cell = record.cell(claims, platform, &deed.name)?;
            let title = format!("{}, {}: {}", platform.shown, deed.name, sentence(&cell));
            let name = format!("{}:{}", platform.name, deed.name);
            body += &draw(cell.mark, left(column), y, &format!("data-cell=\"{}\"", escape(&name)), &title)?;
        }
        y += CELL.1 + GAP;
    }
    let label = "Platforms by what was done there; the same in words below";
    Ok(format!(
        "<svg viewBox=\"0 0 {width} {y}\" role=\"img\" aria-label=\"{label}\">\n\
         <defs><pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><line class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"7\"/></pattern></defs>\n\
         {body}</svg>\n"
    ))
}

/// A cell of its own, for the legend.
///
/// # Errors
/// Never: what is written is text.
pub(crate) fn sample(mark: Mark) -> Result<String> {
    let cell = draw(mark, 1, 1, "", mark.means())?;
    Ok(format!("<svg viewBox=\"0 0 {} {}\" aria-hidden=\"true\">{cell}</svg>", CELL.0 + 2, CELL.1 + 2))
}

fn left(column: usize) -> usize {
    NAMES + column * (CELL.0 + GAP)
}

fn draw(mark: Mark, x: usize, y: usize, attributes: &str, title: &str) -> Result<String> {
    let (width, height) = CELL;
    let rect = |class: &str| {
        format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\"/>"
        )
    };
    let mut cell = String::new();
    writeln!(cell, "<g class=\"cell {}\" {attributes}><title>{}</title>", mark.class(), escape(title))?;
    cell += &rect("base");
    if mark == Mark::StandIn {
        cell += &rect("over");
    }
    let text = if mark == Mark::Without {
        mark.sign().to_owned()
    } else {
        format!("{} {}", mark.sign(), mark.word())
    };
    writeln!(cell, "<text x=\"{}\" y=\"{}\">{text}</text></g>", x + width / 2, y + height / 2 + 4)?;
    Ok(cell)
}

/// What a cell comes to, as a sentence.
pub(crate) fn sentence(cell: &Cell<'_>) -> String {
    let mut text = cell.mark.means().to_owned();
    let places = places(cell);
    if !places.is_empty() {
        text += &format!(" ({})", places.join(", "));
    }
    if !cell.note.is_empty() {
        text += &format!(": {}", cell.note);
    }
    text
}
