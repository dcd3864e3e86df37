//! Names of files and folders, as [Filename](https://learn.microsoft.com/en-us/windows/win32/msi/filename)
//! describes them: `SHORT~1.EXT|long name.ext`, or a short name alone.

use windows_installer::names::{long, short};

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
