//! File names as the tables `File` and `Directory` hold them: `SHORT~1.EXT|long name.ext`.
//!
//! Specified by [Filename](https://learn.microsoft.com/en-us/windows/win32/msi/filename). The short name
//! must be unique in its folder; it is derived from the long names of the folder alone, so that the order
//! in which they are given does not matter.

use crate::{Error, Result};
use std::collections::BTreeSet;

/// Characters that no name has.
const FORBIDDEN: &str = "\\/:*?\"<>|";
/// Characters that only long names have.
const LONG_ONLY: &str = "+,;=[] ";
const DEVICES: &[&str] = &["AUX", "CON", "NUL", "PRN"];

/// The cells for all long names of one folder, in the order of `names`: the name itself where it is a
/// short one, else short and long name joined with `|`.
///
/// # Errors
/// If Windows could not make such a file, or two names differ in case only.
pub fn with_short_names(names: &[&str]) -> Result<Vec<String>> {
    let mut taken = BTreeSet::new();
    for name in names {
        long(name).map_err(|reason| refused(name, reason))?;
        if !taken.insert(name.to_uppercase()) {
            return Err(refused(name, "two names in one folder differ at most in case"));
        }
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let mut cells = std::collections::BTreeMap::new();
    for name in sorted {
        // A name may be a short one as it is. Lower case does not matter.
        let cell = if name.is_ascii() && short(name).is_ok() {
            name.to_owned()
        } else {
            let short = unused_short_name(name, &taken)?;
            taken.insert(short.clone());
            format!("{short}|{name}")
        };
        cells.insert(name, cell);
    }
    Ok(names.iter().map(|name| cells[name].clone()).collect())
}

fn refused(name: &str, reason: impl Into<String>) -> Error {
    Error::Name { path: name.to_owned(), reason: reason.into() }
}

/// Refuses what is no short name.
///
/// # Errors
/// What is wrong with it.
pub fn short(name: &str) -> std::result::Result<(), String> {
    general(name)?;
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let (stem_length, extension_length) = (stem.chars().count(), extension.chars().count());
    if !(1..=8).contains(&stem_length) || extension_length > 3 || stem.contains('.') {
        return Err(format!("{name:?} is no short name of up to 8 characters, a dot and up to 3 more"));
    }
    match name.chars().find(|c| LONG_ONLY.contains(*c)) {
        Some(c) => Err(format!("the short name {name:?} has {c:?}, which only long names have")),
        None => Ok(()),
    }
}

/// Refuses what is no long name.
///
/// # Errors
/// What is wrong with it.
pub fn long(name: &str) -> std::result::Result<(), String> {
    general(name)?;
    if name.encode_utf16().count() > 255 {
        return Err("a name has at most 255 characters".to_owned());
    }
    Ok(())
}

fn general(name: &str) -> std::result::Result<(), String> {
    if name.is_empty() {
        return Err("a name is empty".to_owned());
    }
    if let Some(c) = name.chars().find(|c| FORBIDDEN.contains(*c) || c.is_control()) {
        return Err(format!("{name:?} has {c:?}, which no name has"));
    }
    if name.ends_with(['.', ' ']) {
        return Err(format!("{name:?} ends with a dot or space, which Windows drops"));
    }
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().filter_map(|device| stem.strip_prefix(device));
    let is_port = numbered.into_iter().any(|number| matches!(number.as_bytes(), [b'1'..=b'9']));
    if is_port || DEVICES.contains(&stem.as_str()) {
        return Err(format!("{name:?} is the name of a device"));
    }
    Ok(())
}

/// The first of `LONGNA~1.EXT`, `LONGNA~2.EXT`, … that nothing else in the folder is called.
fn unused_short_name(name: &str, taken: &BTreeSet<String>) -> Result<String> {
    let (stem, extension) = name.trim_start_matches('.').rsplit_once('.').unwrap_or((name, ""));
    let plain =
        |c| c != '.' && char::is_ascii_graphic(&c) && !FORBIDDEN.contains(c) && !LONG_ONLY.contains(c);
    let shorten = |part: &str, length: usize| -> String {
        let kept = part.chars().filter(|c| !c.is_whitespace() && *c != '.');
        kept.map(|c| if plain(c) { c.to_ascii_uppercase() } else { '_' }).take(length).collect()
    };
    let extension = match shorten(extension, 3) {
        extension if extension.is_empty() => extension,
        extension => format!(".{extension}"),
    };
    (1..1_000_000u32)
        .map(|n| {
            let tail = format!("~{n}");
            format!("{}{tail}{extension}", shorten(stem, 8 - tail.len()))
        })
        .find(|short| !taken.contains(short))
        .ok_or_else(|| refused(name, "the folder has too many names that begin alike"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a short name is wrong, not unique in its folder, or depends on the order of the names.
    #[test]
    fn makes_short_names() {
        for (long, expected) in [
            (&["a.exe", "LICENSE"][..], &["a.exe", "LICENSE"][..]),
            (&["pywats-client.exe"], &["PYWATS~1.EXE|pywats-client.exe"]),
            (
                &["pywats-client.exe", "pywats-c.exe", "PYWATS~1.EXE"],
                &["PYWATS~2.EXE|pywats-client.exe", "pywats-c.exe", "PYWATS~1.EXE"],
            ),
            (&["data.json", "data.jso"], &["DATA~1.JSO|data.json", "data.jso"]),
            (&["Program Files"], &["PROGRA~1|Program Files"]),
            (&["a.b.c"], &["AB~1.C|a.b.c"]),
            (&[".gitignore"], &["GITIGN~1|.gitignore"]),
            (&["a+b.txt"], &["A_B~1.TXT|a+b.txt"]),
            (&["prüfung.md"], &["PR_FUN~1.MD|prüfung.md"]),
            (&["LICENSES"], &["LICENSES"]),
            (&["LICENSING"], &["LICENS~1|LICENSING"]),
        ] {
            assert_eq!(with_short_names(long).unwrap(), expected);
            let reversed: Vec<&str> = long.iter().rev().copied().collect();
            let expected: Vec<&str> = expected.iter().rev().copied().collect();
            assert_eq!(with_short_names(&reversed).unwrap(), expected);
        }
    }

    /// Fails if: many names that begin alike do not all get a short name of their own.
    #[test]
    fn counts_beyond_nine() {
        let long: Vec<String> = (0..120).map(|n| format!("long name {n:03}.txt")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let cells = with_short_names(&long).unwrap();
        assert_eq!(cells[0], "LONGNA~1.TXT|long name 000.txt");
        assert_eq!(cells[119], "LONG~120.TXT|long name 119.txt");
        let distinct: BTreeSet<_> = cells.iter().collect();
        assert_eq!(distinct.len(), 120);
    }

    /// Fails if: a name that Windows could not make is accepted, or the error does not show it.
    #[test]
    fn refuses_what_windows_cannot_make() {
        for names in [
            &[""][..],
            &["a/b"],
            &["a|b"],
            &["a\u{7}b"],
            &["ends with dot."],
            &["space "],
            &["nul"],
            &["COM1.txt"],
            &["Readme", "README"],
            &[&"x".repeat(256)],
        ] {
            let error = with_short_names(names).expect_err(&format!("{names:?}")).to_string();
            assert!(error.contains(&format!("{:?}", names[names.len() - 1])), "{error}");
        }
    }
}
