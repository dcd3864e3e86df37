//! Whether two paths lead to one folder, or one into the other, whatever they look like: other
//! spellings, links and mounts are seen through by comparing the folders themselves.

#[cfg(unix)]
use super::unix::folder_id;
#[cfg(windows)]
use super::windows::folder_id;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// Where a path leads.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the system calls the folders that exist, from the innermost one outwards.
    existing: Vec<(u64, u64)>,
    /// What is missing below the innermost one, comparable.
    missing: Vec<OsString>,
}

impl Place {
    /// Follows a path as far as it exists. Blocks for as long as a server does not answer.
    pub fn of(path: &Path) -> Place {
        let mut missing: Vec<Component<'_>> = Vec::new();
        for folder in path.ancestors() {
            if folder_id(folder).is_ok() {
                if missing.contains(&Component::ParentDir) {
                    return Place::of(&without_detours(folder, &missing));
                }
                let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
                let existing = real.ancestors().filter_map(|folder| folder_id(folder).ok()).collect();
                return Place { existing, missing: comparable(&missing) };
            }
            match folder.components().next_back() {
                Some(last) => missing.insert(0, last),
                None => break,
            }
        }
        Place { existing: Vec::new(), missing: comparable(&missing) }
    }

    /// Whether both are one folder.
    pub fn is(&self, other: &Place) -> bool {
        self.existing.first() == other.existing.first() && self.missing == other.missing
    }

    /// Whether this is `other` or below it.
    pub fn is_within(&self, other: &Place) -> bool {
        let Some(innermost) = other.existing.first() else { return self.is(other) };
        match other.missing.as_slice() {
            [] => self.existing.contains(innermost),
            // What does not exist has nothing below it that does.
            missing => self.existing.first() == Some(innermost) && self.missing.starts_with(missing),
        }
    }
}

/// Where `missing/..` will lead once there is such a folder.
fn without_detours(folder: &Path, missing: &[Component<'_>]) -> PathBuf {
    let mut path = folder.to_path_buf();
    for component in missing {
        match component {
            Component::ParentDir => drop(path.pop()),
            component => path.push(component),
        }
    }
    path
}

/// In one case where the system does not care for it.
fn comparable(missing: &[Component<'_>]) -> Vec<OsString> {
    let name = |component: &Component<'_>| match component.as_os_str() {
        name if cfg!(any(windows, target_os = "macos")) => {
            OsString::from(name.to_string_lossy().to_lowercase())
        }
        name => name.to_owned(),
    };
    missing.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: two ways to one folder are taken for two folders, or two folders for one, whether they
    /// exist or not.
    #[test]
    fn places_are_compared() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("reports/done")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("reports", dir.path().join("alias")).unwrap();
        // One path, another, whether they are the same, and whether the first is within the second.
        let mut cases = vec![
            ("reports", "reports", true, true),
            ("reports", "./reports/", true, true),
            ("reports", "missing/../reports", true, true),
            ("reports", "reports/done", false, false),
            ("reports/done", "reports", false, true),
            ("reports/new", "reports", false, true),
            ("reports/new", "reports/done", false, false),
            ("reports/new/a", "reports/new", false, true),
            ("new", "new", true, true),
            ("new", "new2", false, false),
        ];
        if cfg!(unix) {
            cases.extend([
                ("alias", "reports", true, true),
                ("alias/done", "reports/done", true, true),
                ("alias/new", "reports/new", true, true),
                ("alias/done", "reports", false, true),
                ("reports/new", "alias", false, true),
            ]);
        }
        if cfg!(windows) {
            cases.push(("REPORTS/NEW", "reports/new", true, true));
        }
        for (one, other, same, within) in cases {
            let (one_place, place) = (Place::of(&dir.path().join(one)), Place::of(&dir.path().join(other)));
            assert_eq!(one_place.is(&place), same, "{one} {other}");
            assert_eq!(one_place.is_within(&place), within, "{one} {other}");
        }
    }
}
