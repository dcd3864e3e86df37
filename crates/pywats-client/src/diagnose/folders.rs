//! Whether the folders of the service are there, can be written to and have space, and are in a place that
//! keeps them.

use super::report::Section;
use super::system;
use crate::disk;
use serde_json::Value;
use std::io;
use std::path::{Path, PathBuf};

/// Below this much free space, in bytes, a disk is nearly full: a few hundred of the largest usual reports.
const LITTLE_SPACE: u64 = 1 << 30;
/// Folders whose names begin so are copied to a cloud, and files in them replaced by place holders.
const SYNCHRONISED: &[&str] = &["onedrive", "dropbox", "icloud", "google drive"];

/// What the system says about one folder.
#[derive(Debug)]
pub struct Facts {
    /// What the service uses it for, as `watch_folder`.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is there, and is a folder.
    pub exists: bool,
    /// Whether the account that runs this program can write to it; not asked where it does not exist.
    pub writable: Option<bool>,
    /// Bytes that are free on its disk, or why that cannot be told.
    pub free: Result<u64, String>,
}

/// Looks at a folder, changing nothing.
pub fn look(name: &'static str, path: &Path) -> Facts {
    let exists = path.is_dir();
    // A folder that is to be made takes its space from where the nearest one is.
    let nearest = path.ancestors().find(|folder| folder.is_dir()).unwrap_or(path);
    let free = disk::free_space(nearest);
    Facts {
        name,
        path: path.to_path_buf(),
        exists,
        writable: exists.then(|| system::can_write(path)),
        free: free.map_err(|error: io::Error| error.to_string()),
    }
}

/// What the facts mean. A service that is `ready` can write to its folders, whoever runs this program.
pub fn section(folders: &[Facts], temporary: &Path, ready: bool) -> Section {
    let mut section = Section::new("folders");
    for folder in folders {
        let free =
            folder.free.as_ref().map_or_else(|why| why.as_str().into(), |bytes| Value::from(bytes >> 20));
        section.detailed(
            folder.name,
            folder.path.display().to_string(),
            vec![
                ("exists", folder.exists.into()),
                ("can_be_written", folder.writable.into()),
                ("free_mib", free),
            ],
        );
        let around =
            folders.iter().find(|other| other.path != folder.path && folder.path.starts_with(&other.path));
        for what in judge(folder, around, temporary, ready) {
            section.finding(format!("{} {}: {what}", folder.name.replace('_', " "), folder.path.display()));
        }
    }
    section
}

/// What needs attention, and is not said already of the folder `around` this one.
fn judge(folder: &Facts, around: Option<&Facts>, temporary: &Path, ready: bool) -> Vec<String> {
    let mut findings = Vec::new();
    if !folder.exists && around.is_none_or(|around| around.exists) {
        findings.push("does not exist; the service makes it when it starts, if its account may".to_owned());
    }
    if folder.writable == Some(false) && !ready {
        findings.push(
            "cannot be written to by the account that runs this command; if the service has another one, run the \
             command as an administrator"
                .to_owned(),
        );
    }
    if around.is_some() {
        return findings;
    }
    if let Ok(free) = folder.free
        && free < LITTLE_SPACE
    {
        findings.push(format!("only {} MiB are free on its disk; make room", free >> 20));
    }
    if folder.path.starts_with(temporary) {
        findings.push(
            "is in a folder for temporary files, which are removed at times; choose another".to_owned(),
        );
    }
    if let Some(name) = synchronised(&folder.path) {
        findings.push(format!("is in {name}, which moves files away while they are used; choose another"));
    }
    findings
}

/// The part of a path that belongs to a service which synchronises files, written with `/` or `\`.
fn synchronised(path: &Path) -> Option<String> {
    let text = path.to_string_lossy();
    let is_one = |part: &&str| {
        let part = part.to_lowercase();
        SYNCHRONISED.iter().any(|name| part.starts_with(name))
    };
    text.split(['/', '\\']).find(is_one).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a folder that needs attention is passed over, or a good one is not.
    #[test]
    fn folders_are_judged() {
        let good = || Facts {
            name: "data_folder",
            path: PathBuf::from("/var/lib/pywats"),
            exists: true,
            writable: Some(true),
            free: Ok(5 << 30),
        };
        let at = |path: &str| Facts { path: PathBuf::from(path), ..good() };
        let missing = |path: &str| Facts { exists: false, writable: None, ..at(path) };
        let inner = || at("/var/lib/pywats/watch");
        // The folders, whether the service is ready, and what needs attention.
        let cases = [
            (vec![good(), inner()], false, None),
            (vec![missing("/var/lib/pywats"), missing("/var/lib/pywats/watch")], false, Some("data folder")),
            (vec![good(), missing("/var/lib/pywats/watch")], false, Some("does not exist")),
            (vec![Facts { writable: Some(false), ..good() }], false, Some("cannot be written")),
            (vec![good(), Facts { writable: Some(false), ..inner() }], false, Some("cannot be written")),
            (vec![Facts { writable: Some(false), ..good() }], true, None),
            (vec![Facts { free: Ok(20 << 20), ..good() }, inner()], true, Some("only 20 MiB")),
            (vec![Facts { free: Err("denied".to_owned()), ..good() }], true, None),
            (vec![at("/tmp/pywats"), at("/tmp/pywats/watch")], true, Some("temporary")),
            (vec![at("/tmpfiles/pywats")], true, None),
            (vec![at(r"C:\Users\me\OneDrive - Company\pyWATS")], true, Some("OneDrive - Company")),
            (vec![at("/srv/Dropbox/pywats")], true, Some("Dropbox")),
        ];
        for (folders, ready, part) in cases {
            let section = section(&folders, Path::new("/tmp"), ready);
            let findings = section.findings();
            assert_eq!(findings.len(), usize::from(part.is_some()), "{folders:?}: {findings:?}");
            assert!(findings.iter().all(|text| text.contains(part.unwrap_or_default())), "{findings:?}");
        }
    }

    /// Fails if: looking at a folder makes it, or the system's answers are not taken over.
    #[test]
    fn folders_are_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let there = look("data_folder", dir.path());
        assert!(there.exists && there.writable == Some(true) && there.free.unwrap() > 0);
        let missing = dir.path().join("a").join("b");
        let facts = look("watch_folder", &missing);
        assert!(!facts.exists && facts.writable.is_none() && facts.free.unwrap() > 0);
        assert!(!missing.exists() && std::fs::read_dir(dir.path()).unwrap().next().is_none());
    }
}
