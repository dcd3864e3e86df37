//! Texts with references in brackets, as [Formatted](https://learn.microsoft.com/en-us/windows/win32/msi/formatted)
//! describes them.

/// How deep brackets may be nested.
const DEPTH: usize = 16;

/// What a reference in brackets leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference<'a> {
    /// `[NAME]`: a property or folder.
    Property(&'a str),
    /// `[#key]` or `[!key]`: the path of a file.
    File(&'a str),
    /// `[$key]`: the folder of a component.
    Component(&'a str),
}

/// Finds the references in a text.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<Reference<'_>>, String> {
    let mut found = Vec::new();
    scan(text, &mut found, 0)?;
    Ok(found)
}

fn scan<'a>(text: &'a str, found: &mut Vec<Reference<'a>>, depth: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("brackets are nested more than {DEPTH} deep"));
    }
    let mut rest = text;
    while let Some(start) = rest.find('[') {
        rest = &rest[start + 1..];
        let end = closing(rest).ok_or_else(|| {
            format!("the bracket in {:?} does not close: close it, or write [\\[] for a bracket", shown(rest))
        })?;
        reference(&rest[..end], found, depth)?;
        rest = &rest[end + 1..];
    }
    Ok(())
}

/// Where the bracket closes that opens before the text.
fn closing(text: &str) -> Option<usize> {
    // After "[\\" comes one character that stands for itself.
    let escape = |rest: &str| if rest.starts_with('\\') { 2 } else { 0 };
    let (mut depth, mut skip) = (0usize, escape(text));
    for (at, c) in text.char_indices() {
        match c {
            _ if skip > 0 => skip -= 1,
            '[' => {
                depth += 1;
                skip = escape(&text[at + 1..]);
            }
            ']' if depth == 0 => return Some(at),
            ']' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn reference<'a>(inner: &'a str, found: &mut Vec<Reference<'a>>, depth: usize) -> Result<(), String> {
    if inner.contains('[') && !inner.starts_with('\\') {
        // The name is put together first; what it will be is not known here.
        return scan(inner, found, depth + 1);
    }
    let (kind, name) = match inner.chars().next() {
        Some('\\') if inner.chars().count() == 2 => return Ok(()),
        Some(kind @ ('#' | '!' | '$' | '%')) => (kind, &inner[1..]),
        _ => (' ', inner),
    };
    let is_number = !name.is_empty() && name.chars().all(|c| c.is_ascii_digit());
    if inner == "~" || (kind == ' ' && is_number) || (kind == '%' && !name.is_empty()) {
        return Ok(());
    }
    if !is_identifier(name) {
        return Err(format!(
            "[{}] is no reference: name a property, or write [\\[] for a bracket",
            shown(inner)
        ));
    }
    found.push(match kind {
        '#' | '!' => Reference::File(name),
        '$' => Reference::Component(name),
        _ => Reference::Property(name),
    });
    Ok(())
}

/// The beginning of a text that may be long.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Whether a text is an [Identifier](https://learn.microsoft.com/en-us/windows/win32/msi/identifier).
pub(super) fn is_identifier(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a reference is not found, or what is none is taken for one.
    #[test]
    fn finds_references() {
        use Reference::{Component, File, Property};
        let cases: &[(&str, &[Reference<'_>])] = &[
            ("plain ] text", &[]),
            (
                "\"[INSTALLDIR]a\" [#File.a][!b][$C]",
                &[Property("INSTALLDIR"), File("File.a"), File("b"), Component("C")],
            ),
            ("[\\[]x[\\]][~][%PATH][1]", &[]),
            ("[[A][B]]", &[Property("A"), Property("B")]),
            ("{\\Style}[ProductName]{[X]}", &[Property("ProductName"), Property("X")]),
        ];
        for (text, references) in cases {
            assert_eq!(parse(text).as_deref(), Ok(*references), "{text}");
        }
    }

    /// Fails if: a text is accepted that Windows would not resolve as it was meant.
    #[test]
    fn refuses_what_is_no_reference() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        for (text, complaint) in [
            ("a [INSTALLDIR", "does not close"),
            ("[]", "is no reference"),
            ("[#]", "[#] is no reference"),
            ("[a b]", "[a b] is no reference"),
            ("[\\]", "does not close"),
            (&deep, "nested more than 16"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(complaint), "{text}: {complaint:?} is not in {error:?}");
        }
    }
}
