//! The folder `files` of a release: exactly what is uploaded, and sealed.
//!
//! `SHA256SUMS` names every other file, in the format of sha256sum; it is signed by `SHA256SUMS.asc` and, where the list
//! names `allowed_signers`, by `SHA256SUMS.sig`. Whose signatures these are is not asked here.

use crate::sums::{self, Sums};
use anyhow::{Context, Result, ensure};
pub(crate) use packager::artifacts::SUMS;
use packager::digest::sha256_file;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Signatures of the list.
const SIGNATURES: &[&str] = &[sums::OPENPGP, sums::SSH];
/// Whose signature that by ssh is, which not every release has.
const SSH_SIGNERS: &str = "allowed_signers";
/// What GitHub takes for one file.
const LARGEST: u64 = 2 << 30;

/// A file that is published.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its size.
    pub(crate) size: u64,
    /// Its digest, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// The files of a sealed folder, by name.
///
/// # Errors
/// If a file is missing, changed, not listed, or cannot be published under its name.
pub(crate) fn read(folder: &Path) -> Result<BTreeMap<String, Upload>> {
    const ADVICE: &str = "seal the release again";
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}: {ADVICE}", folder.display()))? {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_file = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file());
        ensure!(is_file, "{} is no file, and only files are published: move it away", path.display());
        let (size, sha256) = (entry.metadata()?.len(), sha256_file(&path)?);
        files.insert(name, Upload { path, size, sha256 });
    }
    let sums = listed(folder)?;
    let is_expected = |name: &&&str| **name != sums::SSH || sums.contains_key(SSH_SIGNERS);
    for name in SIGNATURES.iter().filter(is_expected) {
        let is_there = files.get(*name).is_some_and(|file| file.size > 0);
        ensure!(is_there, "{} is missing: {ADVICE}", folder.join(name).display());
    }
    files.keys().try_for_each(|name| check_name(name))?;
    for (name, file) in &files {
        ensure!(
            (1..LARGEST).contains(&file.size),
            "{} has {} bytes, and GitHub takes from one byte to 2 GiB: publish it elsewhere",
            file.path.display(),
            file.size
        );
        if name == SUMS || SIGNATURES.contains(&name.as_str()) {
            continue;
        }
        let listed = sums.get(name);
        ensure!(
            listed.is_some(),
            "{} is not in {SUMS}: move it away if it does not belong there, or {ADVICE}",
            file.path.display()
        );
        ensure!(
            listed == Some(&file.sha256),
            "{} was changed after {SUMS} was written: bring back the file that was sealed, or {ADVICE}",
            file.path.display()
        );
    }
    for name in sums.keys() {
        ensure!(
            files.contains_key(name),
            "{} is missing, and {SUMS} names it: {ADVICE}",
            folder.join(name).display()
        );
    }
    Ok(files)
}

/// The digests that the list has, by name.
fn listed(folder: &Path) -> Result<BTreeMap<String, String>> {
    let path = folder.join(SUMS);
    let text = fs::read_to_string(&path)
        .with_context(|| format!("reading {}: the release is not sealed, seal it first", path.display()))?;
    let sums = Sums::parse(&text).with_context(|| format!("{}: seal the release again", path.display()))?;
    Ok(sums.0)
}

/// Refuses names that GitHub replaces by others, whereupon nobody would find what the list names.
fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    ensure!(
        name.chars().all(fits) && !name.starts_with('.') && !name.ends_with('.'),
        "{name} cannot be published under this name: GitHub replaces what is no letter, digit, `.`, `-`, `_` or `+`, such as the `~` of pre-releases, by a dot; give the file another name before it is sealed"
    );
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use packager::digest::sha256;

    /// Makes a folder of these files that is sealed, but for signatures that are none.
    pub(crate) fn seal(folder: &Path, files: &[(&str, &[u8])]) {
        fs::create_dir_all(folder).unwrap();
        let mut sums = String::new();
        for (name, content) in files {
            fs::write(folder.join(name), content).unwrap();
            sums += &format!("{}  {name}\n", sha256(content));
        }
        fs::write(folder.join(SUMS), sums).unwrap();
        for name in SIGNATURES {
            fs::write(folder.join(name), "signature").unwrap();
        }
    }

    /// Fails if: a folder is published that is not sealed, or the sentence does not say what is wrong.
    #[test]
    fn refuses_what_is_not_sealed() {
        type Change = fn(&Path);
        let cases: &[(Change, &str)] = &[
            (|_| (), ""),
            (|f| fs::write(f.join("a"), "other").unwrap(), "a was changed after SHA256SUMS"),
            (|f| fs::write(f.join("c"), "new").unwrap(), "c is not in SHA256SUMS"),
            (|f| fs::remove_file(f.join("b")).unwrap(), "b is missing, and SHA256SUMS names it"),
            (|f| fs::remove_file(f.join(SUMS)).unwrap(), "the release is not sealed"),
            (|f| fs::remove_file(f.join("SHA256SUMS.asc")).unwrap(), "SHA256SUMS.asc is missing"),
            (|f| fs::write(f.join("SHA256SUMS.sig"), "").unwrap(), "SHA256SUMS.sig is missing"),
            (|f| fs::write(f.join(SUMS), "nonsense").unwrap(), "is no list of digests"),
            (|f| fs::create_dir(f.join("d")).unwrap(), "d is no file"),
            (|f| fs::remove_dir_all(f).unwrap(), "seal the release again"),
            (|f| seal(f, &[("x_1.0.0~beta.1.deb", b"x")]), "cannot be published under this name"),
            (|f| seal(f, &[("a", b"")]), "has 0 bytes"),
        ];
        for (change, message) in cases {
            let folder = tempfile::tempdir().unwrap();
            let files = folder.path().join("files");
            seal(&files, &[("a", b"1"), ("b", b"2"), (SSH_SIGNERS, b"3")]);
            change(&files);
            match read(&files) {
                Ok(files) => assert!(message.is_empty() && files.len() == 6, "{message}"),
                Err(error) => {
                    let error = format!("{error:#}");
                    assert!(!message.is_empty() && error.contains(message), "{message}: {error}");
                }
            }
        }
    }
}
