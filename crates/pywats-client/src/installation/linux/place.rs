//! Whether the service can be run from where a program lies: its unit hides places, and what is run at every start
//! must not be a file that everybody can replace.

use rustix::fs::{StatVfsMountFlags, statvfs};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Why the service cannot be run from there, as the end of a sentence. What does not exist yet is judged by the folder
/// that it would be in.
pub(super) fn hindrance(program: &Path) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
    if program.to_str().is_none_or(|path| !path.chars().all(plain)) {
        return Some("its path has characters other than letters, digits and /._+-".to_owned());
    }
    if let Some(why) = hidden(program) {
        return Some(why);
    }
    let there: Vec<&Path> = program.ancestors().filter(|path| path.symlink_metadata().is_ok()).collect();
    let mounted = there.first().and_then(|path| statvfs(*path).ok());
    if mounted.is_some_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return Some("its file system is mounted without the right to run programs (noexec)".to_owned());
    }
    there.into_iter().find_map(untrusted)
}

/// What the unit takes away.
fn hidden(program: &Path) -> Option<String> {
    // Not written as paths: a program that names no folder of whoever built it is what a test looks for.
    let homes = ["home", "root", "run/user"].map(|home| Path::new("/").join(home));
    if homes.iter().any(|home| program.starts_with(home)) {
        return Some("the service sees no home folders".to_owned());
    }
    let temporary = ["/tmp", "/var/tmp", "/dev/shm", "/run"];
    temporary
        .into_iter()
        .find(|folder| program.starts_with(folder))
        .map(|folder| format!("{folder} is emptied when the machine starts, and the service has its own"))
}

/// Why a file or folder on the way must not be relied on.
fn untrusted(path: &Path) -> Option<String> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return Some(format!("{}: {error}", path.display())),
    };
    let (mode, path) = (metadata.permissions().mode(), path.display());
    if metadata.uid() != 0 {
        return Some(format!("{path} belongs to another account than root, which could replace it"));
    }
    if mode & 0o002 != 0 {
        return Some(format!("everybody may write to {path}, and could replace it"));
    }
    let needed = if metadata.is_dir() { 0o001 } else { 0o005 };
    (mode & needed != needed).then(|| format!("the account of the service may not pass {path} or run it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a place is refused from which the service runs, or one passes from which it does not.
    #[test]
    fn places_are_judged() {
        let home = Path::new("/").join("home");
        let root = Path::new("/").join("root/x");
        let cases = [
            (Path::new("/usr/local/bin/pywats-client"), None),
            (Path::new("/usr/bin/env"), None),
            (Path::new("/opt/py wats/pywats-client"), Some("characters")),
            (Path::new("/opt/py%ts/pywats-client"), Some("characters")),
            (&*home.join("op/pywats-client"), Some("home folders")),
            (&*root, Some("home folders")),
            (Path::new("/tmp/x/pywats-client"), Some("/tmp is emptied")),
            (Path::new("/run/x"), Some("/run is emptied")),
        ];
        for (path, part) in cases {
            let found = hindrance(path);
            assert_eq!(found.is_some(), part.is_some(), "{}: {found:?}", path.display());
            assert!(found.unwrap_or_default().contains(part.unwrap_or_default()), "{}", path.display());
        }
    }

    /// Fails if: a file that another account may change is trusted, or one is that the service may not run.
    #[test]
    fn rights_are_judged() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("program");
        fs::write(&file, "x").unwrap();
        if fs::metadata(&file).unwrap().uid() != 0 {
            assert!(untrusted(&file).unwrap().contains("another account"));
            return;
        }
        for (mode, part) in [
            (0o755, None),
            (0o775, None),
            (0o757, Some("everybody may write")),
            (0o750, Some("may not pass")),
            (0o711, Some("may not pass")),
        ] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let found = untrusted(&file);
            assert_eq!(found.is_some(), part.is_some(), "{mode:o} {found:?}");
            assert!(found.unwrap_or_default().contains(part.unwrap_or_default()));
        }
        std::os::unix::fs::chown(&file, Some(1000), None).unwrap();
        assert!(untrusted(&file).unwrap().contains("another account"));
    }
}
