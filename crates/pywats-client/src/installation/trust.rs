//! Whether what is run at every start is a file that only root can replace.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Groups whose members are root anyway: root's own, and on macOS that of administrators.
const TRUSTED_GROUPS: &[u32] = if cfg!(target_os = "macos") { &[0, 80] } else { &[0] };

/// Why a program must not be relied on: because of itself, or of a folder on the way. What does not exist yet is judged
/// by the folder that it would be in.
pub(super) fn untrusted_on_the_way(program: &Path) -> Option<String> {
    program.ancestors().filter(|path| path.symlink_metadata().is_ok()).find_map(untrusted)
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
    if mode & 0o020 != 0 && !TRUSTED_GROUPS.contains(&metadata.gid()) {
        let group = metadata.gid();
        return Some(format!(
            "members of the group {group} may write to {path}, and could replace it: chmod g-w {path}"
        ));
    }
    let needed = if metadata.is_dir() { 0o001 } else { 0o005 };
    (mode & needed != needed).then(|| format!("the account of the service may not pass {path} or run it"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (mode, group, part) in [
            (0o755, 0, None),
            (0o755, 1000, None),
            (0o775, 0, None),
            (0o775, 1000, Some("members of the group 1000 may write")),
            (0o757, 0, Some("everybody may write")),
            (0o750, 0, Some("may not pass")),
            (0o711, 0, Some("may not pass")),
        ] {
            std::os::unix::fs::chown(&file, None, Some(group)).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            let found = untrusted(&file);
            assert_eq!(found.is_some(), part.is_some(), "{mode:o} {found:?}");
            assert!(found.unwrap_or_default().contains(part.unwrap_or_default()));
        }
        std::os::unix::fs::chown(&file, Some(1000), None).unwrap();
        assert!(untrusted(&file).unwrap().contains("another account"));
    }
}
