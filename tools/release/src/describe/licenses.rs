//! The licence texts of everything in any of the programs, in one file that every package carries:
//! `packaging/third-party-licenses.txt`. It is generated, and committed so that packing needs no sources of crates. A
//! test holds it current; `UPDATE_GENERATED=1 cargo test licenses`, in `tools/release`, writes it anew.
//!
//! Texts are the files that crates have beside their sources, and those that `unlisted.toml` names. Where one may choose
//! among licences, all of them are there. Texts that differ in nothing but white space, punctuation and the form for
//! the reader to fill in count as one. A crate without a text stops everything: programs are not given away without.

use super::bill::{Bill, Component, cargo};
use super::unlisted::Unlisted;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the file is, in the checkout.
pub(super) const FILE: &str = "packaging/third-party-licenses.txt";

/// How it is written anew.
pub(super) const UPDATE: &str = "in tools/release run: UPDATE_GENERATED=1 cargo test licenses";

/// What the names of files with licences begin with, in small letters.
const NAMES: &[&str] = &["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// A file with fewer words only names a licence.
const ENOUGH_WORDS: usize = 60;

/// What stands between two texts.
const LINE: &str = "--------------------------------------------------------------------------------";

/// The texts, and who uses each.
#[derive(Default)]
pub(super) struct Texts {
    /// By what of a text counts.
    texts: BTreeMap<String, (String, BTreeSet<String>)>,
    /// A line for each component.
    components: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// The folders of crates, by name and version.
pub(super) struct Folders(BTreeMap<(String, String), PathBuf>);

impl Folders {
    /// Asks cargo for the folders of all that is compiled for these targets.
    ///
    /// # Errors
    /// If cargo fails.
    pub(super) fn read(root: &Path, triples: &[&str]) -> Result<Folders> {
        let mut arguments = vec!["metadata", "--format-version", "1", "--locked"];
        arguments.extend(triples.iter().flat_map(|triple| ["--filter-platform", triple]));
        let text = cargo(root, &arguments)?;
        let metadata: Metadata = serde_json::from_str(&text).context("reading `cargo metadata`")?;
        let packages = metadata.packages.into_iter();
        Ok(Folders(
            packages
                .filter_map(|one| Some(((one.name, one.version), one.manifest_path.parent()?.to_owned())))
                .collect(),
        ))
    }

    /// That of a crate.
    ///
    /// # Errors
    /// If cargo does not know it.
    pub(super) fn of(&self, name: &str, version: &str) -> Result<&Path> {
        let found = self.0.get(&(name.to_owned(), version.to_owned()));
        found.map(PathBuf::as_path).with_context(|| format!("`cargo metadata` knows no {name} {version}"))
    }
}

impl Texts {
    /// Takes the texts of what others made, of all components of a bill.
    ///
    /// # Errors
    /// If one has none.
    pub(super) fn add(&mut self, bill: &Bill, unlisted: &Unlisted, folders: &Folders) -> Result<()> {
        for component in bill.components.values().filter(|component| !component.is_ours) {
            let rows: Vec<_> =
                unlisted.components.iter().filter(|row| row.purl() == component.purl).collect();
            let mut texts: Vec<String> = Vec::new();
            for row in &rows {
                texts.extend(row.texts()?.into_iter().map(str::to_owned));
            }
            // One crate may be both the program's own and the standard library's.
            if rows.is_empty() || bill.is_from_cargo(component) {
                texts.extend(read(folders.of(&component.name, &component.version)?, component)?);
            }
            self.take(component, texts);
        }
        Ok(())
    }

    fn take(&mut self, component: &Component, texts: Vec<String>) {
        let name = format!("{} {}", component.name, component.version);
        for text in texts {
            let text = tidy(&text);
            let (kept, users) =
                self.texts.entry(what_counts(&text)).or_insert_with(|| (text.clone(), BTreeSet::new()));
            // Which of two that count as one is kept must not depend on which came first.
            if text < *kept {
                *kept = text;
            }
            users.insert(name.clone());
        }
        self.components.insert(format!("{name}: {}", component.license));
    }

    /// The file.
    pub(super) fn render(&self, product: &str) -> String {
        let mut file = format!(
            "Software of others in {product}\n\n\
             The programs of {product} contain what is listed here, with its licences as their authors name them.\n\
             It belongs to its authors. Not all of it is in the program for every system. The texts follow.\n\n"
        );
        self.components.iter().for_each(|component| file += &format!("  {component}\n"));
        // The texts that most use come first.
        let mut texts: Vec<_> = self.texts.values().collect();
        texts.sort_by_key(|(text, users)| (std::cmp::Reverse(users.len()), users, text));
        for (text, users) in texts {
            let users: Vec<&str> = users.iter().map(String::as_str).collect();
            file += &format!("\n{LINE}\n{}\n{LINE}\n\n{text}\n", wrapped(&users));
        }
        file
    }
}

/// The licence texts of a crate.
///
/// # Errors
/// If there are none.
fn read(folder: &Path, component: &Component) -> Result<Vec<String>> {
    let doing = || format!("looking for licences in {}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).with_context(doing)? {
        let path = entry.with_context(doing)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() && NAMES.iter().any(|start| name.starts_with(start)) {
            paths.push(path);
        }
    }
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    if words < ENOUGH_WORDS {
        bail!(
            "{} {} ({}) has no licence text in {}: put it into tools/release/src/describe/texts, and a row of its \
             package URL {} into unlisted.toml, or do without the crate",
            component.name,
            component.version,
            component.license,
            folder.display(),
            component.purl
        );
    }
    // A file that says no more than `MIT OR Apache-2.0`.
    texts.retain(|text| text.split_whitespace().count() > 5);
    ensure!(!texts.is_empty(), "{}: nothing but names of licences", component.name);
    Ok(texts)
}

/// A text without what depends on how its author saves files.
fn tidy(text: &str) -> String {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let lines: Vec<&str> = text.trim_matches('\n').lines().map(str::trim_end).collect();
    let first = lines.iter().position(|line| !line.is_empty()).unwrap_or(0);
    lines[first..].join("\n").trim_end().to_owned()
}

/// What of a text counts: its letters and digits, without the appendix of Apache's that tells how to apply it, unless
/// somebody filled that in.
fn what_counts(text: &str) -> String {
    let text = match text.split_once("END OF TERMS AND CONDITIONS") {
        Some((terms, appendix)) if !appendix.to_lowercase().contains("copyright ") || is_form(appendix) => {
            terms
        }
        _ => text,
    };
    let text = text.replace("https://", "http://").to_lowercase();
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Whether an appendix is Apache's, as it is for everybody.
fn is_form(appendix: &str) -> bool {
    let form = ["[yyyy] [name of copyright owner]", "{yyyy} {name of copyright owner}"];
    appendix.contains("APPENDIX")
        && form.iter().any(|form| appendix.contains(form))
        && !appendix.contains("LLVM Exceptions")
}

/// Names with commas between, in lines of 80 characters.
fn wrapped(names: &[&str]) -> String {
    let mut lines = vec![String::new()];
    for (number, name) in names.iter().enumerate() {
        let word = if number + 1 < names.len() { format!("{name},") } else { (*name).to_owned() };
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            *line = word;
        } else if line.chars().count() + 1 + word.chars().count() <= LINE.len() {
            *line += &format!(" {word}");
        } else {
            lines.push(word);
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::Checkout;
    use crate::describe::bill::tests::checkout;

    /// Fails if: packages carry other licence texts than those of what is in the programs, or the table has another
    /// version of SQLite than the crate that brings it.
    #[test]
    fn the_file_of_licenses_is_current() {
        let checkout = Checkout::open(&checkout()).unwrap();
        let text = checkout.current_licenses().unwrap();
        let path = checkout.root.join(FILE);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "{FILE} is out of date: {UPDATE}");
        let bill = checkout.bill("x86_64-unknown-linux-musl").unwrap();
        let brings = bill.components.values().find(|one| one.name == "libsqlite3-sys").unwrap();
        let folders = Folders::read(&checkout.root, &["x86_64-unknown-linux-musl"]).unwrap();
        let folder = folders.of(&brings.name, &brings.version).unwrap();
        let header = fs::read_to_string(folder.join("sqlite3/sqlite3.h")).unwrap();
        let version = header.lines().find_map(|line| line.strip_prefix("#define SQLITE_VERSION ")).unwrap();
        let version = version.trim().trim_matches('"');
        let sqlite = checkout.unlisted.components.iter().find(|row| row.name == "SQLite").unwrap();
        assert_eq!(sqlite.version, version, "unlisted.toml");
    }

    /// Fails if: a crate without a licence text gets into a program unnoticed, or the error does not name it.
    #[test]
    fn a_crate_without_a_text_is_noticed() {
        let component = Component {
            name: "mystery".into(),
            version: "1.0.0".into(),
            license: "LicenseRef-ask".into(),
            purl: "pkg:cargo/mystery@1.0.0".into(),
            cpe: None,
            sha256: None,
            description: None,
            url: None,
            is_ours: false,
        };
        let long = "word ".repeat(ENOUGH_WORDS);
        for (file, text, fits) in [
            ("README.md", long.as_str(), false),
            ("LICENSE", "MIT OR Apache-2.0", false),
            ("LICENSE", &long, true),
            ("license-mit", &long, true),
            ("Copying.txt", &long, true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(file), text).unwrap();
            let purl = component.purl.clone();
            let bill = Bill {
                components: [(purl.clone(), component.clone())].into(),
                roots: vec![purl],
                ..Bill::default()
            };
            let known = [(("mystery".to_owned(), "1.0.0".to_owned()), folder.path().to_owned())];
            let added = Texts::default().add(&bill, &Unlisted::default(), &Folders(known.into()));
            match added {
                Ok(()) => assert!(fits, "{file}: {text}"),
                Err(error) => {
                    let said = format!("{error:#}");
                    assert!(
                        !fits && said.contains("mystery 1.0.0 (LicenseRef-ask) has no licence text"),
                        "{said}"
                    );
                }
            }
        }
    }

    /// Fails if: texts that say the same are there twice, texts that do not count as one, or the order of crates decides
    /// which is kept.
    #[test]
    fn texts_that_say_the_same_are_one() {
        let form = "Terms, https://a\nEND OF TERMS AND CONDITIONS\nAPPENDIX\nCopyright [yyyy] [name of copyright owner]";
        let same = ["Terms,\n http://a\r\n\nEND OF TERMS AND CONDITIONS\n", form];
        let other = form.replace("[yyyy] [name of copyright owner]", "2020 Somebody");
        assert_eq!(what_counts(&tidy(same[0])), what_counts(&tidy(same[1])));
        assert_ne!(what_counts(form), what_counts(&other));
        assert_ne!(what_counts("Copyright 2019 A"), what_counts("Copyright 2020 A"));
        assert_eq!(tidy("\u{feff}\r\n  a \r\n\r\nb\r\n\r\n"), "  a\n\nb");
        assert_eq!(wrapped(&["a 1", "b 2"]), "a 1, b 2");
    }
}
