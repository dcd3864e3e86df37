//! Names of files, folders and volumes: which there are, how they are stored, and what order they have.

use super::{Error, Result};

/// Characters in the longest name.
const LONGEST: usize = 255;

/// A name that a volume can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

impl Name {
    /// Checks a name.
    pub(super) fn new(name: &str) -> Result<Name> {
        let refuse = |reason| Err(Error::Name { name: name.to_owned(), reason });
        if name.is_empty() || name.len() > LONGEST {
            return refuse("it has 1 to 255 characters");
        }
        if name == "." || name == ".." {
            return refuse("it names a folder's own place in the tree");
        }
        // A colon on the disk is a slash to programs, and the other way round.
        if !name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !b":/".contains(&byte)) {
            return refuse("use printable ASCII characters without ':' and '/'");
        }
        Ok(Name(name.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// By what names are compared: two that differ in case alone are the same.
    pub(super) fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// The same for any name; of letters that are not ASCII, case counts.
pub(super) fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// A name as it is stored: its length in characters, and the characters as UTF-16.
pub(super) fn stored(name: &str) -> Vec<u8> {
    let units: Vec<u16> = name.encode_utf16().collect();
    let length = units.len() as u16;
    std::iter::once(length).chain(units).flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a name is accepted that macOS could not show or open, or one is refused that it could.
    #[test]
    fn takes_names_that_a_volume_can_hold() {
        let long = "x".repeat(LONGEST);
        for good in ["a", ".DS_Store", "Install me.pkg", "~", &long] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "a/b", "a:b", "tab\t", "\0", "\u{7f}", "søk", &format!("{long}x")] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
    }

    /// Fails if: characters are not counted and stored as 16 bits, the high ones first.
    #[test]
    fn stores_utf_16() {
        assert_eq!(stored("Ab"), [0, 2, 0, b'A', 0, b'b']);
        assert_eq!(stored(""), [0, 0]);
    }
}
