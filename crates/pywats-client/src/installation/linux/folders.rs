//! The folders of [tmpfiles.d(5)](https://www.freedesktop.org/software/systemd/man/latest/tmpfiles.d.html). The file
//! stays, because what is in /run is made again at each boot.

use super::super::files::{remove, write};
use super::super::steps::{Step, undo};
use super::super::tools::{self, ToolError, USUAL};
use std::fs;
use std::path::Path;

/// The folders that the packages make.
const FOLDERS: &str = include_str!("../../../../../packaging/systemd/tmpfiles.conf");
/// Where this machine's own such files are.
pub(super) const FILE: &str = "/etc/tmpfiles.d/pywats-client.conf";
/// The folder of the sockets.
pub(super) const SOCKETS: &str = "/run/pywats";

/// Writes the file, and makes the folders that are missing.
pub(super) fn steps() -> [Step; 2] {
    let write_file = Step::new(format!("write {FILE}"), || {
        let folder = Path::new(FILE).parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        write(Path::new(FILE), FOLDERS.as_bytes(), 0o644)?;
        Ok(undo(|| remove(Path::new(FILE))))
    });
    let what = format!("make what is missing of {}", paths().collect::<Vec<_>>().join(", "));
    let make = Step::new(what, || {
        let missing: Vec<&str> = paths().filter(|path| !Path::new(path).exists()).collect();
        let back = move || {
            // Only what is empty, from the inside out: reports that came meanwhile stay.
            missing.iter().rev().for_each(|path| drop(fs::remove_dir(path)));
            Ok(())
        };
        // It also fails where a file system has no access control lists, which the service does without.
        match tools::run("systemd-tmpfiles", &["--create", "pywats-client.conf"], "", USUAL) {
            Err(ToolError::Missing) => by_hand()?,
            _ if paths().all(|path| Path::new(path).is_dir()) => {}
            Ok(_) => return Err("systemd-tmpfiles has made none".to_owned()),
            Err(error) => return Err(error.text("systemd-tmpfiles")),
        }
        Ok(undo(back))
    });
    [write_file, make]
}

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    FOLDERS.lines().filter(|line| line.starts_with("d ")).map(|line| line.split_whitespace().collect())
}

fn paths() -> impl Iterator<Item = &'static str> {
    lines().filter_map(|words| words.get(1).copied())
}

/// `d PATH MODE ACCOUNT GROUP -`. Without the access control list an operator's umask must let the service read.
fn by_hand() -> Result<(), String> {
    for words in lines() {
        let [_, path, mode, account, group, ..] = words[..] else { continue };
        let run = |program: &str, arguments: &[&str]| {
            tools::run(program, arguments, "", USUAL).map(drop).map_err(|error| error.text(program))
        };
        run("mkdir", &["-p", "--", path])?;
        run("chown", &[&format!("{account}:{group}"), "--", path])?;
        run("chmod", &[mode, "--", path])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the file of the packages has folders that are not found, or the sockets have another.
    #[test]
    fn every_line_is_understood() {
        let found: Vec<_> = paths().collect();
        assert_eq!(found.len(), FOLDERS.matches("\nd ").count());
        assert!(found.contains(&SOCKETS) && found.contains(&"/var/lib/pywats/watch"), "{found:?}");
        assert!(lines().all(|words| words.len() == 6), "{FOLDERS}");
    }
}
