//! Files to install: their rows in `Directory`, `Component`, `File`, `MsiFileHash` and `Media`, and the
//! cabinet with their contents.
//!
//! Each file is a component of its own, as Microsoft advises. A program with a version resource is told
//! apart by its version ([`FileVersion`]), any other file by the MD5 hash in `MsiFileHash`: from these
//! Windows tells whether a repair has to replace one. An upgrade replaces every file in any case, because
//! the old version is removed first (see `RemoveExistingProducts` in `crate::standard_actions`). A
//! version must not go down from one package to the next that replaces it, unless that one sets `REINSTALLMODE`
//! to something with `a`: Windows would leave the file out, because a newer one is there when it decides, and then
//! remove that one.

use crate::{Cabinet, CabinetFile, Database, Error, FileVersion, Result, guid, names, row};
use md5::{Digest, Md5};
use std::collections::{BTreeMap, BTreeSet};

/// `msidbComponentAttributes64bit`: the component is for 64-bit Windows.
pub const COMPONENT_64_BIT: i32 = 0x100;
/// `msidbFileAttributesVital`: the installation fails if the file cannot be installed.
const FILE_VITAL: i32 = 0x200;
/// The stream of the cabinet.
const CABINET: &str = "files.cab";

/// Files that are installed below one folder.
#[derive(Debug)]
pub struct FileSet {
    root: String,
    files: BTreeMap<String, Vec<u8>>,
}

impl FileSet {
    /// An empty set below `root`, a key of the `Directory` table.
    pub fn new(root: &str) -> FileSet {
        FileSet { root: root.to_owned(), files: BTreeMap::new() }
    }

    /// Adds a file. The path is relative to the root, with `/` between its parts.
    ///
    /// # Errors
    /// If there is a file of that path already.
    pub fn add(&mut self, path: &str, content: Vec<u8>) -> Result<()> {
        match self.files.insert(path.to_owned(), content) {
            None => Ok(()),
            Some(_) => {
                Err(Error::Name { path: path.to_owned(), reason: "there are two such files".to_owned() })
            }
        }
    }

    /// The key of a file in the `File` table.
    pub fn file_key(path: &str) -> String {
        identifier("File", path)
    }

    /// The key of a file's component in the `Component` table.
    pub fn component_key(path: &str) -> String {
        identifier("Component", path)
    }

    /// Writes the rows, with all components in one feature, and the cabinet, with `epoch` as the time of
    /// every file (seconds since 1970 UTC).
    ///
    /// # Errors
    /// If there are no files, a name is one that Windows could not make, or a file is too large.
    pub fn add_to(
        &self,
        database: &mut Database,
        product: &guid::Product,
        feature: &str,
        epoch: u32,
    ) -> Result<()> {
        let names = self.add_folders(database)?;
        let mut packed = Vec::new();
        for (index, (path, content)) in self.files.iter().enumerate() {
            let (key, component) = (Self::file_key(path), Self::component_key(path));
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let too_large =
                || Error::Name { path: path.clone(), reason: "a file has at most 2 GiB".to_owned() };
            database.add(
                "Component",
                row! {
                    Component: &component,
                    ComponentId: product.component(&format!("{}/{path}", self.root)),
                    Directory_: self.folder_key(folder),
                    Attributes: COMPONENT_64_BIT,
                    KeyPath: &key,
                },
            )?;
            database.add("FeatureComponents", row! { Feature_: feature, Component_: &component })?;
            let version = FileVersion::read(path, content)?;
            database.add(
                "File",
                row! {
                    File: &key,
                    Component_: &component,
                    FileName: &names[path.as_str()],
                    FileSize: i32::try_from(content.len()).map_err(|_| too_large())?,
                    Version: version.as_ref().map(|version| &version.version),
                    Language: version.as_ref().map(|version| &version.language),
                    Attributes: FILE_VITAL,
                    Sequence: i32::try_from(index + 1).unwrap_or(i32::MAX),
                },
            )?;
            if version.is_none() {
                add_hash(database, &key, content)?;
            }
            packed.push((key, content));
        }
        let last = i32::try_from(packed.len()).unwrap_or(i32::MAX);
        database.add("Media", row! { DiskId: 1, LastSequence: last, Cabinet: format!("#{CABINET}") })?;
        let files: Vec<_> = packed.iter().map(|(name, content)| CabinetFile { name, content }).collect();
        database.add_stream(CABINET, Cabinet::pack(&files, epoch)?.into_bytes())
    }

    /// Adds a row for every folder below the root, and returns the name cell of every file and folder.
    fn add_folders(&self, database: &mut Database) -> Result<BTreeMap<&str, String>> {
        let mut children: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for path in self.files.keys() {
            let mut child = path.as_str();
            while let Some((parent, _)) = child.rsplit_once('/') {
                children.entry(parent).or_default().insert(child);
                child = parent;
            }
            children.entry("").or_default().insert(child);
        }
        let mut names = BTreeMap::new();
        for (parent, paths) in &children {
            let long: Vec<&str> = paths.iter().map(|path| path.rsplit('/').next().unwrap_or(path)).collect();
            names.extend(paths.iter().copied().zip(names::with_short_names(&long)?));
            for path in paths.iter().filter(|path| children.contains_key(*path)) {
                if self.files.contains_key(*path) {
                    let reason = "this is a file and the folder of another file".to_owned();
                    return Err(Error::Name { path: (*path).to_owned(), reason });
                }
                let row = row! {
                    Directory: self.folder_key(path),
                    Directory_Parent: self.folder_key(parent),
                    DefaultDir: &names[path],
                };
                database.add("Directory", row)?;
            }
        }
        Ok(names)
    }

    /// The key of a folder in the `Directory` table.
    fn folder_key(&self, path: &str) -> String {
        if path.is_empty() { self.root.clone() } else { identifier("Folder", path) }
    }
}

/// Adds the hash of a file without a version.
fn add_hash(database: &mut Database, file: &str, content: &[u8]) -> Result<()> {
    let hash = Md5::digest(content);
    let (words, _) = hash.as_chunks::<4>();
    let parts: Vec<i32> = words.iter().map(|word| i32::from_le_bytes(*word)).collect();
    // The format has no such number, and Windows no hash of an empty file. A file without a hash is
    // compared by its date instead.
    if content.is_empty() || parts.contains(&i32::MIN) {
        return Ok(());
    }
    let row = row! {
        File_: file, Options: 0,
        HashPart1: parts[0], HashPart2: parts[1], HashPart3: parts[2], HashPart4: parts[3],
    };
    database.add("MsiFileHash", row)
}

/// An identifier of at most 72 characters for a path: readable, and different for different paths.
fn identifier(kind: &str, path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    let text: String = path.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let text = format!("{kind}.{text}");
    if path.chars().all(plain) && text.len() <= 72 {
        return text;
    }
    // Something was lost: a few letters of a hash make up for it.
    let hash = format!("{:x}", Md5::digest(path.as_bytes()));
    format!("{}.{}", &text[..text.len().min(63)], &hash[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an identifier is not one, is too long, or stands for two paths.
    #[test]
    fn identifiers_are_short_and_distinct() {
        let long = "x".repeat(100);
        let paths = ["a.exe", "a-b.exe", "a_b.exe", "a/b.exe", "prüfung.md", &long, &format!("{long}y")];
        let keys: BTreeSet<String> = paths.iter().map(|path| FileSet::file_key(path)).collect();
        assert_eq!(keys.len(), paths.len(), "{keys:?}");
        for key in &keys {
            assert!(key.len() <= 72 && msi::Category::Identifier.validate(key), "{key}");
        }
        assert_eq!(FileSet::file_key("a_b.exe"), "File.a_b.exe");
    }

    /// Fails if: the MD5 hash is not split into the four numbers that Windows computes.
    /// MD5 of "abc" is 900150983cd24fb0d6963f7d28e17f72 (RFC 1321).
    #[test]
    fn hashes_as_windows_does() {
        let mut database = Database::new();
        add_hash(&mut database, "a", b"abc").unwrap();
        let row: Vec<_> = database.rows("MsiFileHash").values().next().unwrap().clone();
        let expected = [0x9850_0190_u32, 0xb04f_d23c, 0x7d3f_96d6, 0x727f_e128]
            .map(|n| crate::Cell::Number(n.cast_signed()));
        assert_eq!(row[2..], expected);
    }
}
