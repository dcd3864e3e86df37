//! Whether the service can be run from where a program lies: its unit hides places, and what is run at every start
//! must not be a file that everybody can replace.

use super::super::trust;
use rustix::fs::{StatVfsMountFlags, statvfs};
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
    let innermost = program.ancestors().find(|path| path.symlink_metadata().is_ok());
    let mounted = innermost.and_then(|path| statvfs(path).ok());
    if mounted.is_some_and(|mount| mount.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return Some("its file system is mounted without the right to run programs (noexec)".to_owned());
    }
    trust::untrusted_on_the_way(program)
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
}
