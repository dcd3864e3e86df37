//! The syntax of texts by category, as
//! [column data types](https://learn.microsoft.com/en-us/windows/win32/msi/column-data-types) describes them.

use super::formatted::is_identifier;
use super::{condition, filename, formatted, sddl};

/// Characters that no path has.
const NOT_IN_PATHS: &[char] = &['"', '<', '>', '|', '*', '?'];

/// Refuses a text that is not of its category. An unknown category is not judged here.
pub(super) fn check(category: &str, text: &str) -> Result<(), String> {
    let refuse = |ok: bool, right: &str| if ok { Ok(()) } else { Err(format!("{text:?} is not {right}")) };
    match category.to_ascii_lowercase().as_str() {
        "uppercase" => refuse(!text.contains(char::is_lowercase), "in upper case"),
        "lowercase" => refuse(!text.contains(char::is_uppercase), "in lower case"),
        "identifier" => refuse(
            is_identifier(text),
            "an identifier: letters, digits, '_' and '.', not starting with a digit or '.'",
        ),
        "property" => refuse(
            is_identifier(text.strip_prefix('%').unwrap_or(text)),
            "a property, or '%' and an environment variable",
        ),
        "guid" => guid(text),
        "version" => refuse(version(text).is_some(), "a version of up to four numbers up to 65535"),
        "language" => refuse(
            text.split(',').all(|part| part.trim().parse::<u16>().is_ok()),
            "a list of language numbers, such as 1033",
        ),
        "filename" => filename::check(text, false),
        "wildcardfilename" => filename::check(text, true),
        "defaultdir" => default_dir(text),
        "path" => path(text),
        "anypath" => any_path(text),
        "paths" => text.split(';').try_for_each(path),
        "regpath" => registry_path(text),
        "formatted" => formatted::parse(text).map(|_| ()),
        "template" => formatted::parse(text).map(|_| ()),
        "formattedsddltext" => sddl::check(text),
        "condition" => condition::parse(text).map(|_| ()),
        "customsource" => refuse(is_identifier(text), "the key of a table or the name of a property"),
        "cabinet" => cabinet(text),
        "shortcut" if text.contains('[') => formatted::parse(text).map(|_| ()),
        "shortcut" => refuse(is_identifier(text), "a feature, or a path in brackets such as [#file]"),
        _ => Ok(()),
    }
}

/// The fields of a version; missing ones are 0.
pub(super) fn version(text: &str) -> Option<[u16; 4]> {
    let mut fields = [0; 4];
    let mut parts = text.split('.');
    for (field, part) in fields.iter_mut().zip(parts.by_ref()) {
        *field = part.parse().ok().filter(|_| part.chars().all(|c| c.is_ascii_digit()))?;
    }
    (parts.next().is_none() && !text.is_empty()).then_some(fields)
}

/// Refuses what is no GUID in braces and upper case.
pub(super) fn guid(text: &str) -> Result<(), String> {
    let right = "{E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A}";
    let matches = text.len() == right.len()
        && text.bytes().zip(right.bytes()).all(|(c, pattern)| match pattern {
            b'{' | b'}' | b'-' => c == pattern,
            _ => c.is_ascii_hexdigit() && !c.is_ascii_lowercase(),
        });
    if matches {
        return Ok(());
    }
    Err(format!("{text:?} is not a GUID in braces and upper case, such as {right}"))
}

/// `target:source`, each a name, `.` for the parent's folder, or, for a root, a property.
fn default_dir(text: &str) -> Result<(), String> {
    text.split(':').try_for_each(|part| match part {
        "." => Ok(()),
        part if is_identifier(part) => Ok(()),
        part => filename::check(part, false),
    })
}

fn path(text: &str) -> Result<(), String> {
    formatted::parse(text)?;
    match text.chars().find(|c| NOT_IN_PATHS.contains(c) || c.is_control()) {
        Some(c) => Err(format!("{text:?} has {c:?}, which no path has")),
        None => Ok(()),
    }
}

/// A path, or the short and the long name of one file or folder: `projec~1|Project Status`.
fn any_path(text: &str) -> Result<(), String> {
    match text.split_once('|') {
        Some((short, long))
            if [short, long].iter().any(|name| name.is_empty() || name.contains(['\\', '/', ':'])) =>
        {
            Err(format!("{text:?} has a name that is empty or a path: '|' stands between two names only"))
        }
        Some((short, long)) => [short, long].into_iter().try_for_each(path),
        None => path(text),
    }
}

fn registry_path(text: &str) -> Result<(), String> {
    formatted::parse(text)?;
    single_backslashes(text)
}

/// Refuses the path of a key that begins or ends with what stands between keys.
pub(super) fn single_backslashes(text: &str) -> Result<(), String> {
    if text.starts_with('\\') || text.ends_with('\\') || text.contains("\\\\") {
        return Err(format!("{text:?} has a '\\' too many: single ones stand between keys"));
    }
    Ok(())
}

fn cabinet(text: &str) -> Result<(), String> {
    match text.strip_prefix('#') {
        Some(stream) if is_identifier(stream) => Ok(()),
        Some(_) => Err(format!("{text:?} is not '#' and an identifier, the name of a stream")),
        None => filename::check(text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a value of a category is refused, or one accepted that is none.
    #[test]
    fn knows_categories() {
        let good: &[(&str, &[&str])] = &[
            ("UpperCase", &["INSTALLDIR", "A_1"]),
            ("Identifier", &["_a.B9"]),
            ("Property", &["%PATH", "A"]),
            ("Guid", &["{E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A}"]),
            ("Version", &["1", "1.2.3.65535"]),
            ("Language", &["1033", "1033,0"]),
            ("DefaultDir", &["SourceDir", ".", "A~1|a b:src", "pyWATS"]),
            ("Paths", &["C:\\a;[B]c"]),
            ("AnyPath", &["\\\\server\\share", "c:\\temp", "\\temp", "projec~1|Project Status"]),
            ("RegPath", &["SOFTWARE\\[A]\\b"]),
            ("Cabinet", &["#files.cab", "disk1.cab"]),
            ("Shortcut", &["[#file]", "Complete"]),
            ("Unknown", &["anything"]),
        ];
        let bad: &[(&str, &[&str])] = &[
            ("UpperCase", &["Installdir"]),
            ("LowerCase", &["A"]),
            ("Identifier", &["", "9a", "a b", ".a", "ä"]),
            ("Property", &["%", "a%"]),
            ("Guid", &["{e7f2d8a1-4b5c-6d7e-8f9a-0b1c2d3e4f5a}", "E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A"]),
            ("Version", &["", "1.", "1.2.3.4.5", "65536", "1.x", "+1"]),
            ("Language", &["", "en", "1033,"]),
            ("DefaultDir", &["a b", "longer-than-8"]),
            ("AnyPath", &["c:\\a~1|c:\\a b", "\\a~1|\\a b", "a|b|c", "|b", "a|", "a\"b"]),
            ("Path", &["a|b"]),
            ("RegPath", &["\\A", "A\\", "A\\\\B"]),
            ("CustomSource", &["[A]"]),
            ("Cabinet", &["#a b", "long-cabinet.cab"]),
            ("Shortcut", &["a b"]),
        ];
        for (category, texts) in good {
            texts.iter().for_each(|text| assert_eq!(check(category, text), Ok(()), "{category} {text}"));
        }
        for (category, texts) in bad {
            texts.iter().for_each(|text| assert!(check(category, text).is_err(), "{category} {text}"));
        }
    }
}
