//! What Unix systems say about themselves and their folders.

use super::report::Section;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Name and version of the system.
pub(super) fn about(section: &mut Section) {
    if let Some(name) = fs::read_to_string("/etc/os-release").ok().as_deref().and_then(name_of) {
        section.row("name", name);
    }
    let kernel = rustix::system::uname();
    let words = [kernel.sysname(), kernel.release(), kernel.machine()].map(|word| word.to_string_lossy());
    section.row("kernel", words.join(" "));
    section.row("run_by_user", rustix::process::geteuid().as_raw());
}

/// The name in os-release(5).
fn name_of(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim_matches(['"', '\'']))
}

/// Whether the account that runs this program may make files in a folder.
pub(super) fn can_write(folder: &Path) -> bool {
    accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// Why every account of this machine can read a file with a secret.
pub(super) fn shown_to_everybody(file: &Path) -> Option<String> {
    let others =
        |path: &Path, bit: u32| fs::metadata(path).is_ok_and(|found| found.permissions().mode() & bit != 0);
    let reached = file.ancestors().skip(1).all(|folder| folder == Path::new("") || others(folder, 0o001));
    (reached && others(file, 0o004)).then(|| {
        let path = file.display();
        format!("{path}: every account of this machine can read the token in it; chmod o= {path}")
    })
}

/// Why the service cannot work with a data folder that is only a name for another one.
pub(super) fn is_a_link(data: &Path) -> Option<String> {
    let target = fs::read_link(data).ok()?;
    let (data, target) = (data.display(), target.display());
    Some(format!(
        "{data}: is a link to {target}, and the service follows none. Make it an empty folder, and {target} appear in it: \
         with the line `{target} {data} none bind` in /etc/fstab, and `mount {data}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a token that everybody can read is not told of, or one is that nobody gets at.
    #[test]
    fn a_token_for_everybody_is_told_of() {
        let base = tempfile::tempdir().unwrap();
        let (folder, file) = (base.path().join("etc"), base.path().join("etc/config.json"));
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "{}").unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        mode(base.path(), 0o755);
        for (outer, inner, told) in
            [(0o755, 0o644, true), (0o751, 0o604, true), (0o750, 0o644, false), (0o755, 0o640, false)]
        {
            mode(&folder, outer);
            mode(&file, inner);
            assert_eq!(shown_to_everybody(&file).is_some(), told, "{outer:o} {inner:o}");
        }
    }

    /// Fails if: a data folder that is a link is not told of, or one that is none.
    #[test]
    fn a_link_is_told_of() {
        let base = tempfile::tempdir().unwrap();
        let link = base.path().join("link");
        std::os::unix::fs::symlink("/data/pywats", &link).unwrap();
        assert!(is_a_link(&link).unwrap().contains(&format!("`/data/pywats {} none bind`", link.display())));
        assert_eq!(is_a_link(base.path()), None);
    }

    /// Fails if: the name of a system is not found in the file that says it.
    #[test]
    fn finds_the_name() {
        let debian = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(name_of(debian), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(name_of("PRETTY_NAME=Alpine\n"), Some("Alpine"));
        assert_eq!(name_of("ID=x\n"), None);
    }
}
