//! The files of the packages, kept by their digest: what is there is not fetched again, and what is damaged is.
//!
//! apt's own helper downloads, so that a machine's settings for proxies hold, and checks the digest. The archive has
//! only what is current; what a lock of last month names is in the archive of the past.

use crate::lock::{Lock, Package};
use crate::{Run, command};
use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// apt's program for a single file. It is not on the path of anybody.
const HELPER: &str = "/usr/lib/apt/apt-helper";

/// Where packages are to be had, one after the other: addresses with `{archive}`, `{snapshot}` and `{path}` in them.
pub type Sources<'a> = &'a [String];

/// The address of a package.
fn address(source: &str, snapshot: &str, package: &Package) -> String {
    let (archive, path) = package.place();
    source.replace("{archive}", archive).replace("{snapshot}", snapshot).replace("{path}", path)
}

/// The file of a package in a folder of such files.
pub fn file(folder: &Path, package: &Package) -> PathBuf {
    folder.join(format!("{}.deb", package.sha256))
}

/// Fetches into a folder what it does not have, and returns how many that were. `note` hears how far it is.
///
/// # Errors
/// If a package is to be had nowhere; the error names where it was looked for.
pub fn fetch(
    lock: &Lock,
    folder: &Path,
    sources: Sources<'_>,
    note: &dyn Fn(&str),
    run: Run<'_>,
) -> Result<usize> {
    fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let mut fetched = 0;
    for (number, package) in lock.packages.iter().enumerate() {
        note(&format!("{} of {}, {}", number + 1, lock.packages.len(), package.name));
        let file = file(folder, package);
        if file.is_file() && sha256(&file)? == package.sha256 {
            continue;
        }
        ensure!(
            !sources.is_empty(),
            "{} is not in {}, and nobody is to be asked",
            package.name,
            folder.display()
        );
        let mut errors = Vec::new();
        let done = sources.iter().any(|source| {
            let address = address(source, &lock.snapshot, package);
            fetch_one(&address, package, &file, run)
                .inspect_err(|error| errors.push(format!("{address}: {error:#}")))
                .is_ok()
        });
        ensure!(
            done,
            "{} {} is to be had nowhere. Is there a network, and has apt this machine's proxy? If Debian has it no more, \
             write the lock anew:\n    {}",
            package.name,
            package.version,
            errors.join("\n    ")
        );
        fetched += 1;
    }
    Ok(fetched)
}

/// The file appears by rename, once it is the one that the lock means.
fn fetch_one(address: &str, package: &Package, file: &Path, run: Run<'_>) -> Result<()> {
    let unfinished = file.with_extension("unfinished");
    let mut helper = command(HELPER);
    for name in ["http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"] {
        if let Some(value) = std::env::var_os(name) {
            helper.env(name, value);
        }
    }
    helper.args(["-oAcquire::Retries=3", "-oAPT::Sandbox::User=root", "download-file", address]);
    helper.arg(&unfinished).arg(format!("SHA256:{}", package.sha256));
    let done = run(helper).and_then(|()| {
        let found = sha256(&unfinished)?;
        ensure!(found == package.sha256, "its SHA-256 is {found}, and not {}", package.sha256);
        fs::rename(&unfinished, file).with_context(|| format!("writing {}", file.display()))
    });
    if done.is_err() {
        // It may not be there; the error that counts is the other one.
        let _ = fs::remove_file(&unfinished);
    }
    done
}

/// SHA-256 of a file, in lower-case hexadecimal digits.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let reading = || format!("reading {}", path.display());
    let mut digest = Sha256::new();
    io::copy(&mut fs::File::open(path).with_context(reading)?, &mut digest).with_context(reading)?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::process::Command;

    /// Two packages, and the content of their files.
    fn lock() -> (Lock, [&'static str; 2]) {
        let contents = ["first", "second"];
        let folder = tempfile::tempdir().unwrap();
        let packages = contents.iter().map(|content| {
            let path = folder.path().join(content);
            fs::write(&path, content).unwrap();
            let path = format!("debian/pool/{content}_1_all.deb");
            let sha256 = sha256(&folder.path().join(content)).unwrap();
            Package { name: (*content).to_owned(), version: "1".to_owned(), sha256, path }
        });
        (Lock { snapshot: "20261129T180000Z".to_owned(), packages: packages.collect() }, contents)
    }

    /// Stands in for apt's helper: archives by the start of their addresses, and what they send for a file.
    fn archive<'a>(
        asked: &'a RefCell<Vec<String>>,
        send: impl Fn(&str) -> Option<String> + 'a,
    ) -> impl Fn(Command) -> Result<()> + 'a {
        move |command| {
            let arguments: Vec<String> =
                command.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect();
            let at = arguments.iter().position(|argument| argument == "download-file").unwrap();
            let [address, into] = [1, 2].map(|next| arguments[at + next].clone());
            asked.borrow_mut().push(address.clone());
            fs::write(into, send(&address).context("404 Not Found")?)?;
            Ok(())
        }
    }

    /// Fails if: what is there is asked for again, what is damaged is kept, or the past is not asked once the archive has
    /// moved on.
    #[test]
    fn fetches_what_is_missing() {
        let (lock, contents) = lock();
        let folder = tempfile::tempdir().unwrap();
        let sources = ["now:{archive}/{path}", "past:{archive}/{snapshot}/{path}"].map(str::to_owned);
        let asked = RefCell::new(Vec::new());
        let send = |address: &str| {
            let gone = address.starts_with("now:") && address.contains("second");
            let content = contents.iter().find(|content| address.contains(*content)).unwrap();
            (!gone).then(|| (*content).to_owned())
        };
        let run = archive(&asked, send);
        assert_eq!(fetch(&lock, folder.path(), &sources, &|_| (), &run).unwrap(), 2);
        let expected = [
            "now:debian/pool/first_1_all.deb",
            "now:debian/pool/second_1_all.deb",
            "past:debian/20261129T180000Z/pool/second_1_all.deb",
        ];
        assert_eq!(*asked.borrow(), expected);
        assert_eq!(fetch(&lock, folder.path(), &sources, &|_| (), &run).unwrap(), 0);
        fs::write(file(folder.path(), &lock.packages[0]), "damaged").unwrap();
        assert_eq!(fetch(&lock, folder.path(), &sources, &|_| (), &run).unwrap(), 1);
        assert_eq!(fs::read(file(folder.path(), &lock.packages[0])).unwrap(), b"first");
    }

    /// Fails if: another file than the lock's is kept, or the error does not say what is wrong and where.
    #[test]
    fn refuses_another_file() {
        let (lock, _) = lock();
        let folder = tempfile::tempdir().unwrap();
        let asked = RefCell::new(Vec::new());
        let run = archive(&asked, |_| Some("something else".to_owned()));
        let error =
            fetch(&lock, folder.path(), &["now:{path}".to_owned()], &|_| (), &run).unwrap_err().to_string();
        for part in ["first 1", "now:pool/first_1_all.deb", "its SHA-256 is", &lock.packages[0].sha256] {
            assert!(error.contains(part), "{part} is not in {error}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let error = fetch(&lock, folder.path(), &[], &|_| (), &run).unwrap_err().to_string();
        assert!(error.contains("nobody is to be asked"), "{error}");
    }
}
