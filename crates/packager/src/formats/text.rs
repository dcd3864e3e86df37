//! Text for people, laid out for control files and changelogs.

use anyhow::{Result, ensure};

/// Characters in a line of a description or changelog: it stays below the 80 columns of a terminal.
pub(super) const WIDTH: usize = 79;

/// Breaks a paragraph into lines of at most `width` characters; a longer word gets a line of its own.
pub(super) fn wrap(paragraph: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Refuses a value that would begin another line of a head: a control file's or a letter's.
///
/// # Errors
/// If it has more than one line.
pub(super) fn one_line<'a>(field: &str, value: &'a str) -> Result<&'a str> {
    ensure!(!value.contains('\n'), "{field} has more than one line: {value:?}");
    Ok(value)
}

/// The paragraphs of a text, which empty lines separate.
pub(super) fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: words are lost or joined, or a line is longer than asked without need.
    #[test]
    fn wraps() {
        for (text, width, expected) in [
            ("", 10, vec![]),
            ("one two", 7, vec!["one two"]),
            ("one two", 6, vec!["one", "two"]),
            ("a  b\nc", 3, vec!["a b", "c"]),
            ("unbreakable x", 4, vec!["unbreakable", "x"]),
            ("æøå æøå", 7, vec!["æøå æøå"]),
        ] {
            assert_eq!(wrap(text, width), expected, "{text:?} at {width}");
        }
        assert_eq!(paragraphs("\na\nb\n\n\n\nc\n").collect::<Vec<_>>(), ["a\nb", "c"]);
    }
}
