//! A cache of toolchains, outside the checkout and shared by all checkouts of a user.
//!
//! An entry is a folder that appears by rename once it is whole, with a list of its files and their
//! digests. An entry that does not match its list (cut off, damaged, tampered with) is made anew, and so
//! is a missing one: without the cache everything works, only slower.

use crate::process::stop_if_interrupted;
use anyhow::{Context, Result};
use packager::digest;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Lists an entry's files: `DIGEST  PATH`, sorted by path.
pub(crate) const MANIFEST: &str = ".manifest";

/// Names the environment variable that moves the cache.
pub(crate) const VARIABLE: &str = "PYWATS_BUILD_CACHE";

/// How long a wait for another process is nothing to speak of.
const TOLD_AFTER: Duration = Duration::from_secs(2);

/// The cache. While it is open no other process uses it.
pub(crate) struct Cache {
    root: PathBuf,
    _lock: File,
}

/// Where the cache is: `$PYWATS_BUILD_CACHE`, or `pywats-build` in the user's cache folder.
pub(crate) fn root() -> Result<PathBuf> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    from(VARIABLE)
        .or_else(|| from("XDG_CACHE_HOME").map(|folder| folder.join("pywats-build")))
        .or_else(|| from("HOME").map(|folder| folder.join(".cache/pywats-build")))
        .with_context(|| format!("no place for the toolchain cache: set {VARIABLE} to a folder"))
}

impl Cache {
    /// Opens the cache, waiting for another process that uses it.
    pub(crate) fn open() -> Result<Cache> {
        let root = root()?;
        let opening =
            || format!("opening the toolchain cache {} (set {VARIABLE} to move it)", root.display());
        fs::create_dir_all(&root).with_context(opening)?;
        let root = root.canonicalize().with_context(opening)?;
        let lock = File::create(root.join("lock")).with_context(opening)?;
        // Looks again and again: a wait for the lock would go on after an interrupt.
        let began = Instant::now();
        let mut told = false;
        while let Err(error) = lock.try_lock() {
            match error {
                TryLockError::WouldBlock => std::thread::sleep(Duration::from_millis(100)),
                TryLockError::Error(error) => return Err(error).with_context(opening),
            }
            stop_if_interrupted()?;
            // What the other makes may take many minutes.
            if !told && began.elapsed() > TOLD_AFTER {
                eprintln!(
                    "waiting for another run of `cargo xtask`, which adds to the cache {}",
                    root.display()
                );
                told = true;
            }
        }
        Ok(Cache { root, _lock: lock })
    }

    /// A folder for something that keeps itself in order, such as a compiler's own cache.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The entry `key`; `make` fills it when it is missing or damaged.
    pub(crate) fn entry(&self, key: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let entry = self.root.join(key);
        if entry.exists() {
            match verify(&entry) {
                Ok(()) => return Ok(entry),
                Err(fault) => {
                    eprintln!("the cached {key} is damaged ({fault:#}); making it again");
                    fs::remove_dir_all(&entry).with_context(|| format!("removing {}", entry.display()))?;
                }
            }
        }
        let unfinished = tempfile::Builder::new().prefix(".unfinished-").tempdir_in(&self.root)?;
        let folder = unfinished.path().join("entry");
        fs::create_dir(&folder)?;
        make(&folder).with_context(|| format!("preparing {key}"))?;
        fs::write(folder.join(MANIFEST), manifest(&folder)?)
            .with_context(|| format!("writing the list of files of {key}"))?;
        fs::rename(&folder, &entry).with_context(|| format!("renaming to {}", entry.display()))?;
        Ok(entry)
    }
}

/// Whether an entry exists; says nothing about damage.
pub(crate) fn has(key: &str) -> bool {
    root().is_ok_and(|root| root.join(key).join(MANIFEST).is_file())
}

/// An entry that is whole, without waiting for a process that uses the cache: entries appear by rename.
pub(crate) fn whole(key: &str) -> Option<PathBuf> {
    let entry = root().ok()?.join(key);
    verify(&entry).is_ok().then_some(entry)
}

/// The entry `key`, as [`Cache::entry`] returns it; waits for another process only if it is missing or damaged.
///
/// # Errors
/// As [`Cache::entry`].
pub(crate) fn entry(key: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    match whole(key) {
        Some(entry) => Ok(entry),
        None => Cache::open()?.entry(key, make),
    }
}

fn manifest(folder: &Path) -> Result<String> {
    let mut files = Vec::new();
    digest::collect_files(folder, &mut files)?;
    files.sort();
    let mut text = String::new();
    for file in &files {
        let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy();
        if name == MANIFEST {
            continue;
        }
        let digest = match fs::read_link(file) {
            Ok(target) => format!("-> {}", target.display()),
            Err(_) => digest::sha256_file(file)?,
        };
        text += &format!("{digest}  {name}\n");
    }
    Ok(text)
}

fn verify(folder: &Path) -> Result<()> {
    let expected = fs::read_to_string(folder.join(MANIFEST)).context("it has no readable list of files")?;
    let found = manifest(folder)?;
    let differs = |(a, b): (&str, &str)| (a != b).then(|| a.to_owned());
    if let Some(line) = expected.lines().zip(found.lines()).find_map(differs) {
        anyhow::bail!("{} is not what it was", line.split_once("  ").map_or("a file", |(_, name)| name));
    }
    anyhow::ensure!(expected.lines().count() == found.lines().count(), "files are missing or were added");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: an entry is made again without need, or a damaged one is used.
    #[test]
    fn makes_again_what_is_damaged() {
        let root = tempfile::tempdir().unwrap();
        let cache =
            || Cache { root: root.path().to_owned(), _lock: File::create(root.path().join("lock")).unwrap() };
        let made = std::cell::Cell::new(0);
        let make = |folder: &Path| {
            made.set(made.get() + 1);
            fs::create_dir(folder.join("d"))?;
            fs::write(folder.join("d/one"), "1")?;
            fs::write(folder.join("two"), "2")?;
            Ok(())
        };
        let entry = cache().entry("k", make).unwrap();
        cache().entry("k", make).unwrap();
        assert_eq!(made.get(), 1, "made again although nothing changed");

        let damages: [fn(&Path) -> std::io::Result<()>; 6] = [
            |e| fs::write(e.join("two"), "x"),
            |e| fs::write(e.join("two"), ""),
            |e| fs::remove_file(e.join("d/one")),
            |e| fs::write(e.join("d/extra"), ""),
            |e| fs::remove_file(e.join(MANIFEST)),
            |e| fs::write(e.join(MANIFEST), "garbage"),
        ];
        for (n, damage) in damages.into_iter().enumerate() {
            damage(&entry).unwrap();
            cache().entry("k", make).unwrap();
            assert_eq!(made.get(), n + 2, "damage {n} was not noticed");
            assert_eq!(fs::read_to_string(entry.join("two")).unwrap(), "2");
        }

        let failing = |_: &Path| anyhow::bail!("no network");
        assert!(cache().entry("other", failing).is_err());
        assert!(!root.path().join("other").exists(), "a failed entry was left behind");
    }
}
