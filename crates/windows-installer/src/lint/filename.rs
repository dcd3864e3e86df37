//! Names of files and folders, as [Filename](https://learn.microsoft.com/en-us/windows/win32/msi/filename)
//! describes them: `SHORT~1.EXT|long name.ext`, or a short name alone.

/// Characters that no name has.
const FORBIDDEN: &str = "\\/:*?\"<>|";
/// Characters that only long names have.
const LONG_ONLY: &str = "+,;=[] ";
const DEVICES: &[&str] = &["AUX", "CON", "NUL", "PRN"];

/// The short and the long name of a cell. Without a long one, the short name stands for it.
pub(super) fn split(text: &str) -> (&str, &str) {
    text.split_once('|').unwrap_or((text, text))
}

/// Refuses what Windows could not make. With `wildcards` a name may have `*` and `?`.
pub(super) fn check(text: &str, wildcards: bool) -> Result<(), String> {
    let plain = |name: &str| if wildcards { name.replace(['*', '?'], "_") } else { name.to_owned() };
    match text.split_once('|') {
        None => short(&plain(text)).map_err(|reason| {
            format!("{reason}; a name that is not a short one needs one before it: SHORT~1.EXT|{text}")
        }),
        Some((short_name, long_name)) => short(&plain(short_name)).and_then(|()| long(&plain(long_name))),
    }
}

fn short(name: &str) -> Result<(), String> {
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

fn long(name: &str) -> Result<(), String> {
    general(name)?;
    if name.encode_utf16().count() > 255 {
        return Err("a name has at most 255 characters".to_owned());
    }
    Ok(())
}

fn general(name: &str) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a name that Windows makes is refused, or one that it does not make accepted.
    #[test]
    fn knows_names() {
        for name in ["a.exe", "PYWATS~1.EXE|pywats-client.exe", "LICENSE", "GITIGN~1|.gitignore", "X|y z"] {
            assert_eq!(check(name, false), Ok(()), "{name}");
        }
        assert_eq!(check("*.*", true), Ok(()));
        for (name, complaint) in [
            ("longer-than-8.txt", "SHORT~1.EXT|longer-than-8.txt"),
            ("a.html", "no short name"),
            ("a b.txt", "' '"),
            ("A|b*c", "'*'"),
            ("A|", "empty"),
            ("A|nul.txt", "device"),
            ("com7|x", "device"),
            ("A|dot.", "drops"),
            ("a|b|c", "'|'"),
        ] {
            let error = check(name, false).expect_err(name);
            assert!(error.contains(complaint), "{name}: {complaint:?} is not in {error:?}");
        }
    }
}
