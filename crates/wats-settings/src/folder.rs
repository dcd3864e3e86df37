//! Paths of folders and files, which must be complete: a service has no current folder of its own.
//!
//! What [`windows`] says holds for programs on Windows and for its installer, and is compiled everywhere so that
//! every system tests it. See [naming files](https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file).

use std::path::Path;

/// What a path of a folder must be, as the end of the sentence "write …".
pub const WANTED: &str = "the full path of a folder";

/// Whether a path is complete, by the rules of this system.
pub fn is_full(path: &str) -> bool {
    if cfg!(windows) { windows::is_full(path) } else { Path::new(path).is_absolute() }
}

/// Whether two paths are spellings of one, by the rules of this system. Nothing is opened.
pub fn is_same(one: &Path, other: &Path) -> bool {
    match (one.to_str(), other.to_str()) {
        (Some(one), Some(other)) if cfg!(windows) => windows::is_same(one, other),
        _ => one == other,
    }
}

/// The reason against one folder for two purposes.
pub fn clash(one: &str, other: &str) -> String {
    format!("{one} and {other} are the same folder; write different ones")
}

/// The rules of Windows.
pub mod windows {
    /// Characters that no name of a file or folder has. `:` is one of them, but stands behind the letter of a drive.
    const RESERVED: &[char] = &['<', '>', '"', '|', '?', '*', ':'];

    /// Whether a path names a drive or a share, and everything from there: `C:\folder`, `\\server\share\folder`.
    pub fn is_full(path: &str) -> bool {
        let path = plain(path);
        let (root, rest) = match path.as_bytes() {
            [b'\\', b'\\', ..] => {
                let mut parts = path[2..].splitn(3, '\\');
                let server_and_share = [parts.next(), parts.next()];
                let rest = parts.next().unwrap_or_default();
                // `\\.\` leads to devices.
                let named = server_and_share.iter().all(|part| part.is_some_and(is_name));
                (named && server_and_share[0] != Some("."), rest.to_owned())
            }
            [letter, b':', b'\\', ..] => (letter.is_ascii_alphabetic(), path[3..].to_owned()),
            _ => (false, String::new()),
        };
        root && rest.split('\\').all(|part| part.is_empty() || is_name(part))
    }

    fn is_name(part: &str) -> bool {
        !part.is_empty() && !part.contains(|c: char| RESERVED.contains(&c) || c.is_control())
    }

    /// Whether a path is a drive or a share as a whole, such as `D:\`.
    pub fn is_root(path: &str) -> bool {
        let path = comparable(path);
        let names = path.split('\\').filter(|part| !part.is_empty()).count();
        names <= if path.starts_with(r"\\") { 2 } else { 1 }
    }

    /// Whether two paths are spellings of one: letters of either case, slashes of either kind, with `.`, `..`, or
    /// dots and spaces that Windows drops at the end of a name.
    pub fn is_same(one: &str, other: &str) -> bool {
        comparable(one) == comparable(other)
    }

    /// Whether a path is a folder or below it, in any spelling.
    pub fn is_within(path: &str, folder: &str) -> bool {
        let (path, folder) = (comparable(path), comparable(folder));
        let rest = path.strip_prefix(&folder);
        !folder.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
    }

    /// One kind of slash, no white space around, and not the prefix that switches checks off.
    fn plain(path: &str) -> String {
        let path = path.trim().replace('/', r"\");
        match (path.strip_prefix(r"\\?\UNC\"), path.strip_prefix(r"\\?\")) {
            (Some(share), _) => format!(r"\\{share}"),
            (None, Some(path)) => path.to_owned(),
            (None, None) => path,
        }
    }

    /// What all spellings of a path have in common: small letters, backslashes, nothing that Windows drops.
    pub fn comparable(path: &str) -> String {
        let path = plain(path).to_lowercase();
        let (start, rest) = match path.strip_prefix(r"\\") {
            Some(rest) => (r"\\", rest),
            None => ("", path.as_str()),
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in rest.split('\\') {
            match part {
                ".." if parts.len() > 1 => drop(parts.pop()),
                ".." => {}
                _ => match part.trim_end_matches([' ', '.']) {
                    "" => {}
                    name => parts.push(name),
                },
            }
        }
        format!("{start}{}", parts.join(r"\"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// Fails if: a path is taken that a service cannot find or no folder can have, or a good one refused.
        #[test]
        fn knows_full_paths() {
            for (path, full, root) in [
                (r"C:\folder", true, false),
                (r"c:/folder/sub", true, false),
                (r" D:\Prüf Stand\ ", true, false),
                (r"C:\", true, true),
                (r"\\server\share", true, true),
                (r"\\server\share\folder", true, false),
                ("//server/share/folder", true, false),
                (r"\\?\C:\folder", true, false),
                (r"\\?\UNC\server\share\folder", true, false),
                ("", false, true),
                ("folder", false, true),
                (r"C:folder", false, true),
                (r"\folder", false, true),
                (r"\\server", false, true),
                (r"\\server\", false, true),
                (r"\\.\pipe\name", false, true),
                (r"1:\folder", false, false),
                (r"C:\a?b", false, false),
                (r"C:\a:b", false, false),
                ("C:\\a\nb", false, false),
                (r"%ProgramData%\folder", false, false),
            ] {
                assert_eq!((is_full(path), is_root(path)), (full, root), "{path:?}");
            }
        }

        /// Fails if: two spellings of one folder are taken for two, or two folders for one.
        #[test]
        fn compares_spellings() {
            for (one, other, same) in [
                (r"C:\Data", r"c:\data\", true),
                (r"C:\Data", "C:/Data", true),
                (r"C:\Data", r"C:\x\..\.\Data", true),
                (r"C:\Data", r"C:\\Data", true),
                (r"C:\Data", r"C:\Data. ", true),
                (r"C:\Data", r"\\?\C:\Data", true),
                (r"C:\", r"C:\..", true),
                (r"\\Server\Share\d", r"//server/share/D", true),
                (r"C:\Data", r"C:\Data2", false),
                (r"C:\Data", r"D:\Data", false),
                (r"C:\Data", r"\\C\Data", false),
                (r"C:\Data\watch", r"C:\Data", false),
            ] {
                assert_eq!(is_same(one, other), same, "{one} {other}");
                assert!(!same || is_within(one, other) && is_within(other, one), "{one} {other}");
            }
            for (path, folder, within) in [
                (r"C:\Data\watch", "c:/data", true),
                (r"C:\Data\..\Data2", r"C:\Data", false),
                (r"C:\Data", r"C:\Data\watch", false),
                (r"C:\Data", "", false),
            ] {
                assert_eq!(is_within(path, folder), within, "{path} {folder}");
            }
        }
    }
}
