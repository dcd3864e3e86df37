//! What is packed: folders, files and links below one root, with owners by number.

use crate::Error;

/// The words by which errors name it.
const FORMAT: &str = "tree of files";

/// A folder, a file or a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Path below the root, with `/` between parts and none at the ends; the root itself is the empty text.
    pub path: String,
    /// Permission bits, such as `0o755`.
    pub mode: u16,
    /// Number of the user that owns it.
    pub user: u32,
    /// Number of the group that owns it.
    pub group: u32,
    /// What it is.
    pub content: Content,
}

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A folder.
    Folder,
    /// A file and its bytes.
    File(Vec<u8>),
    /// A symbolic link and what it points to.
    Link(String),
}

impl Entry {
    /// The path of the folder that it is in; that of the root is the empty text, as is that of what lies in the root.
    pub fn parent(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(parent, _)| parent)
    }

    /// The last part of its path.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }

    /// The bytes that it takes: of a file its content, of a link what it points to, of a folder none.
    pub fn data(&self) -> &[u8] {
        match &self.content {
            Content::Folder => &[],
            Content::File(bytes) => bytes,
            Content::Link(target) => target.as_bytes(),
        }
    }

    /// Its type and permission bits, as `stat(2)` has them.
    pub fn st_mode(&self) -> u16 {
        let kind = match &self.content {
            Content::Folder => 0o040_000,
            Content::File(_) => 0o100_000,
            Content::Link(_) => 0o120_000,
        };
        kind | self.mode
    }

    pub(crate) fn is_root(&self) -> bool {
        self.path.is_empty()
    }
}

/// Entries in the order in which they are unpacked: the root, then each folder before what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    entries: Vec<Entry>,
}

impl Tree {
    /// A tree of these entries, the root among them, in any order.
    ///
    /// # Errors
    /// If a path is not clean, two are the same, or an entry does not lie in a folder of the tree.
    pub fn new(mut entries: Vec<Entry>) -> Result<Tree, Error> {
        let unfit = |entry: &Entry, what: &str| Err(Error::unfit(FORMAT, format!("{:?} {what}", entry.path)));
        entries.sort_by(|a, b| parts(&a.path).cmp(parts(&b.path)));
        let mut folders: Vec<&str> = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            if index == 0 {
                if !entry.is_root() || entry.content != Content::Folder {
                    return unfit(entry, "is the first of its entries, and not the folder that is its root");
                }
                continue;
            }
            let is_clean = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['\0', '\n']);
            if !entry.path.split('/').all(is_clean) {
                return unfit(entry, "is no path with '/' between its parts, without '.' and '..'");
            }
            if entries[index - 1].path == entry.path {
                return unfit(entry, "is there twice");
            }
            if entry.mode > 0o7777 {
                return unfit(entry, "has a mode with more than permission bits");
            }
            // Those that the entry lies in are the last ones seen.
            while folders.last().is_some_and(|folder| *folder != entry.parent()) {
                folders.pop();
            }
            if folders.is_empty() && !entry.parent().is_empty() {
                return unfit(entry, "does not lie in a folder of the tree");
            }
            if entry.content == Content::Folder {
                folders.push(&entry.path);
            }
        }
        if entries.is_empty() {
            return Err(Error::unfit(FORMAT, "it has no root"));
        }
        Ok(Tree { entries })
    }

    /// The entries: the root, then each folder before what is in it.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of that path.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }
}

/// The parts of a path, by which paths are ordered so that a folder comes before what is in it, and all of it before
/// what follows the folder.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A tree with every kind of entry, for the tests of formats.
    pub(crate) fn sample() -> Tree {
        Tree::new(vec![
            folder(""),
            Entry { mode: 0o775, group: 80, ..folder("Applications") },
            folder("Applications/A & B.app"),
            Entry { mode: 0o755, ..file("Applications/A & B.app/program", &[0, 1, 2, 255].repeat(5000)) },
            file("Applications/A & B.app/empty", b""),
            file("Applications/A & B.app-notes", "æøå\n".as_bytes()),
            Entry {
                content: Content::Link("../A & B.app/program".into()),
                mode: 0o755,
                ..file("Applications/link", b"")
            },
        ])
        .unwrap()
    }

    pub(crate) fn folder(path: &str) -> Entry {
        Entry { path: path.into(), mode: 0o755, user: 0, group: 0, content: Content::Folder }
    }

    pub(crate) fn file(path: &str, bytes: &[u8]) -> Entry {
        Entry { content: Content::File(bytes.to_vec()), mode: 0o644, ..folder(path) }
    }

    /// Fails if: entries do not come in the order in which they can be unpacked, whatever order they are given in.
    #[test]
    fn folders_come_before_what_is_in_them() {
        let tree = sample();
        let mut reversed = tree.entries().to_vec();
        reversed.reverse();
        assert_eq!(Tree::new(reversed).unwrap(), tree);
        let paths: Vec<&str> = tree.entries().iter().map(|entry| entry.path.as_str()).collect();
        let app = "Applications/A & B.app";
        let expected = [
            "".to_owned(),
            "Applications".to_owned(),
            app.to_owned(),
            format!("{app}/empty"),
            format!("{app}/program"),
            format!("{app}-notes"),
            "Applications/link".to_owned(),
        ];
        assert_eq!(paths, expected);
    }

    /// Fails if: what no archive could unpack is accepted, or the error does not name it.
    #[test]
    fn refuses_what_cannot_be_unpacked() {
        for (entries, complaint) in [
            (vec![], "no root"),
            (vec![folder("a")], "not the folder that is its root"),
            (vec![folder(""), file("../a", b"")], "\"../a\" is no path"),
            (vec![folder(""), file("a//b", b"")], "is no path"),
            (vec![folder(""), file("a", b""), file("a", b"")], "\"a\" is there twice"),
            (vec![folder(""), file("a/b", b"")], "\"a/b\" does not lie in a folder"),
            (vec![folder(""), file("a", b""), file("a/b", b"")], "\"a/b\" does not lie in a folder"),
            (vec![folder(""), folder("a"), folder("b"), file("a/c/d", b"")], "\"a/c/d\" does not lie"),
            (vec![folder(""), Entry { mode: 0o10_000, ..file("a", b"") }], "permission bits"),
        ] {
            let error = Tree::new(entries).unwrap_err().to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
