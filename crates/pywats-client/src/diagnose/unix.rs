//! What Unix systems say about themselves and their folders.

use super::report::Section;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::fs;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the name of a system is not found in the file that says it.
    #[test]
    fn finds_the_name() {
        let debian = "NAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(name_of(debian), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(name_of("PRETTY_NAME=Alpine\n"), Some("Alpine"));
        assert_eq!(name_of("ID=x\n"), None);
    }
}
