//! `SHA256SUMS` of a release: the digest of every file in its folder but the list's own signatures, as `sha256sum` writes
//! and checks it.
//!
//! A list may come from a stranger. So a name is that of a file in the folder itself, and says nothing else.

use anyhow::{Context, Result, ensure};
use packager::artifacts::SUMS;
use packager::digest::sha256_file;
use packager::unfinished::PREFIX;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The list's signature by OpenPGP, armored.
pub(crate) const OPENPGP: &str = "SHA256SUMS.asc";
/// The list's signature by ssh.
pub(crate) const SSH: &str = "SHA256SUMS.sig";
/// More files than a release has.
const MOST: usize = 1000;

/// Digests in hexadecimal digits, by the names of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums(pub(crate) BTreeMap<String, String>);

/// Whether a file is the list, or one of its signatures, and so is not in it.
pub(crate) fn is_own(name: &str) -> bool {
    [SUMS, OPENPGP, SSH].contains(&name)
}

/// Refuses names that lead out of the folder, hide, or show as something else.
///
/// # Errors
/// If it is such a name.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._~+-".contains(c);
    ensure!(
        name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain) && name.len() < 200,
        "{name:?} is not the name of a file of a release: it may have letters, digits and ._~+- in it"
    );
    Ok(())
}

/// The names of the files in a folder, sorted.
///
/// # Errors
/// If there is something else in it, such as a folder or a link.
pub(crate) fn files(folder: &Path) -> Result<Vec<String>> {
    let doing = || format!("reading the folder {}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(doing)? {
        let entry = entry.with_context(doing)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PREFIX) {
            continue;
        }
        check_name(&name).with_context(|| format!("in {}: move it away", folder.display()))?;
        ensure!(
            entry.file_type().with_context(doing)?.is_file(),
            "{} is no plain file, and a release has only such: move it away",
            entry.path().display()
        );
        names.push(name);
    }
    names.sort();
    Ok(names)
}

impl Sums {
    /// The digests of the files in a folder, but for those that are `left_out`, and the list and its signatures.
    ///
    /// # Errors
    /// If there is something else in it, or a file cannot be read.
    pub(crate) fn of_folder(folder: &Path, left_out: &[&str]) -> Result<Sums> {
        let names = files(folder)?.into_iter();
        let names = names.filter(|name| !is_own(name) && !left_out.contains(&name.as_str()));
        names
            .map(|name| Ok((name.clone(), sha256_file(&folder.join(name))?)))
            .collect::<Result<_>>()
            .map(Sums)
    }

    /// Reads a list, which may come from anybody.
    ///
    /// # Errors
    /// If a line is anything but a digest and the name of another file.
    pub(crate) fn parse(text: &str) -> Result<Sums> {
        let mut sums = BTreeMap::new();
        for (number, line) in text.split_terminator('\n').enumerate() {
            let at = || format!("in line {} of {SUMS}", number + 1);
            let (digest, name) = line
                .split_once("  ")
                .or_else(|| line.split_once(" *"))
                .with_context(|| format!("{} is no list of digests: line {} is none", SUMS, number + 1))?;
            let is_digest =
                digest.len() == 64 && digest.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
            ensure!(is_digest, "{SUMS} is no list of digests: line {} does not begin with one", number + 1);
            check_name(name).with_context(at)?;
            ensure!(!is_own(name), "{name} cannot be in the list, {}", at());
            ensure!(
                sums.insert(name.to_owned(), digest.to_owned()).is_none(),
                "{name} is there twice, {}",
                at()
            );
            ensure!(sums.len() <= MOST, "{SUMS} names more than {MOST} files");
        }
        ensure!(!sums.is_empty(), "{SUMS} names no file");
        Ok(Sums(sums))
    }

    /// As it is written.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect()
    }

    /// The names for which another list has another digest, or that only one of them has.
    pub(crate) fn differences(&self, other: &Sums) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys().filter(|name| !self.0.contains_key(*name)));
        let mut names: Vec<_> =
            names.filter(|name| self.0.get(*name) != other.0.get(*name)).cloned().collect();
        names.sort();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a list that leads out of the folder, hides a file or is none is believed, or the error does not name the
    /// line.
    #[test]
    fn refuses_what_is_no_list() {
        let digest = "0123456789abcdef".repeat(4);
        let good = format!("{digest}  a-1.0~beta1+x.deb\n{digest}  artifacts.json\n");
        let sums = Sums::parse(&good).unwrap();
        assert_eq!(sums.text(), good);
        let mut changed = sums.clone();
        changed.0.remove("artifacts.json");
        changed.0.insert("b".into(), digest.clone());
        assert_eq!(sums.differences(&changed), ["artifacts.json", "b"]);
        for name in [
            "../a",
            "/etc/passwd",
            "a/b",
            "a\\b",
            ".a",
            "-a",
            "a b",
            "a\u{1b}[2K",
            "a\r",
            "",
            "C:a",
            "æ",
            "a\0",
            "SHA256SUMS",
            "SHA256SUMS.asc",
            &"a".repeat(300),
        ] {
            let error = Sums::parse(&format!("{good}{digest}  {name}\n")).expect_err(name);
            assert!(format!("{error:#}").contains("line 3"), "{name:?}: {error:#}");
        }
        for (text, message) in [
            ("", "names no file"),
            ("<html>", "line 1"),
            (&good.to_uppercase(), "line 1"),
            (&good[1..], "line 1"),
            (&format!("{good}{good}"), "twice"),
            (&(0..=MOST).map(|n| format!("{digest}  {n}\n")).collect::<String>(), "more than"),
        ] {
            let error = format!("{:#}", Sums::parse(text).expect_err(text));
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    /// Fails if: a link or a folder counts as a file of a release, or one without a plain name.
    #[test]
    fn refuses_what_is_no_file() {
        for name in ["folder", "link", ".hidden", "a b"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            match name {
                "folder" => fs::create_dir(&path).unwrap(),
                "link" => std::os::unix::fs::symlink("/etc/passwd", &path).unwrap(),
                _ => fs::write(&path, "").unwrap(),
            }
            let error = format!("{:#}", files(folder.path()).unwrap_err());
            assert!(error.contains(name) && error.contains("move it away"), "{error}");
        }
    }
}
