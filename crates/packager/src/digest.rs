//! SHA-256 of files and of the inputs of a step: what has not changed is not built again.

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Collects named inputs; the order of the calls matters, the place of the files does not.
#[derive(Clone, Debug, Default)]
pub struct Inputs(Sha256);

impl Inputs {
    /// Adds a named value.
    #[must_use]
    pub fn value(mut self, name: &str, value: &str) -> Self {
        // Lengths keep `a`+`bc` apart from `ab`+`c`.
        for part in [name, value] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// Adds a file, or all files of a folder, by their paths below `root` and their content.
    ///
    /// # Errors
    /// If one cannot be read; the error names it.
    pub fn tree(self, root: &Path, relative: &str) -> Result<Self> {
        let mut files = Vec::new();
        collect_files(&root.join(relative), &mut files)?;
        files.sort();
        files.iter().try_fold(self, |inputs, file| {
            let name = file.strip_prefix(root).unwrap_or(file).to_string_lossy();
            Ok(inputs.value(&name, &sha256_file(file)?))
        })
    }

    /// The digest of everything added: SHA-256 in 64 lower-case hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// Every file below `path`, which may itself be a file. Symbolic links are not followed.
///
/// # Errors
/// If a folder cannot be read; the error names it.
pub fn collect_files(path: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let reading = || format!("reading {}", path.display());
    if !fs::symlink_metadata(path).with_context(reading)?.is_dir() {
        into.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(reading)? {
        collect_files(&entry.with_context(reading)?.path(), into)?;
    }
    Ok(())
}

/// SHA-256 of a file's content, in 64 lower-case hexadecimal digits.
///
/// # Errors
/// If it cannot be read; the error names it.
pub fn sha256_file(path: &Path) -> Result<String> {
    let reading = || format!("reading {}", path.display());
    let mut file = fs::File::open(path).with_context(reading)?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).with_context(reading)?;
    Ok(hex(&hash.finalize()))
}

/// SHA-256 of bytes, in 64 lower-case hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a changed, renamed or moved byte of an input leaves the digest as it was, or the folder
    /// that holds the inputs changes it.
    #[test]
    fn tells_inputs_apart() {
        let digest = |files: &[(&str, &str)]| {
            let folder = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = folder.path().join("in").join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Inputs::default().value("v", "1").tree(folder.path(), "in").unwrap().finish()
        };
        let base = digest(&[("a", "1"), ("b/c", "2")]);
        assert_eq!(base, digest(&[("b/c", "2"), ("a", "1")]));
        for other in [&[("a", "1"), ("b/c", "3")], &[("a", "1"), ("bc", "2")], &[("a", "12"), ("b/c", "")]] {
            assert_ne!(base, digest(other));
        }
    }
}
