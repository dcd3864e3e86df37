//! `--appimage-extract`: the image as files, all of them or none.

use crate::Failure;
use crate::file::AppImage;
use squashfs::{Damage, Image, Kind, Node};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

/// The folder, as everybody's runtime calls it.
const FOLDER: &str = "squashfs-root";

/// Unpacks the image, or of it what a pattern names, into a new folder here.
pub(crate) fn extract(file: &AppImage, pattern: Option<&str>) -> Result<(), Failure> {
    let image = file.image()?;
    let new = Path::new(FOLDER);
    if new.symlink_metadata().is_ok() {
        return Err(Failure(format!("{FOLDER} is there already: remove it, or go to another folder")));
    }
    // Under another name until it is whole.
    let unfinished = format!(".{FOLDER}-{}", std::process::id());
    let unfinished = Path::new(&unfinished);
    // Where it is there, it is somebody else's.
    fs::create_dir(unfinished)
        .map_err(|error| Failure(format!("{} cannot be made: {error}", unfinished.display())))?;
    let unpack = || {
        let mut unpacking = Unpacking { image, pattern, way: Vec::new(), found: false };
        unpacking.unpack("", &image.root()?, unfinished)?;
        if !unpacking.found {
            return Err(Stopped::Nothing);
        }
        fs::rename(unfinished, new).map_err(|error| Stopped::Disk(FOLDER.to_owned(), error))
    };
    unpack().map_err(|stopped| {
        drop(fs::remove_dir_all(unfinished));
        match stopped {
            Stopped::Damage(damage) => file.damaged(damage),
            Stopped::Disk(path, error) => Failure(format!("{path} cannot be written: {error}")),
            Stopped::Nothing => Failure(format!("nothing in it is called {:?}", pattern.unwrap_or_default())),
        }
    })
}

/// Why nothing is unpacked.
enum Stopped {
    Damage(Damage),
    Disk(String, io::Error),
    Nothing,
}

impl From<Damage> for Stopped {
    fn from(damage: Damage) -> Stopped {
        Stopped::Damage(damage)
    }
}

struct Unpacking<'a> {
    image: Image<'a>,
    pattern: Option<&'a str>,
    /// The folders around the one that is being unpacked.
    way: Vec<Node>,
    /// Whether there was anything to unpack.
    found: bool,
}

impl Unpacking<'_> {
    /// Unpacks what is at `path` in the image to `to`; a folder is there already.
    fn unpack(&mut self, path: &str, node: &Node, to: &Path) -> Result<(), Stopped> {
        let disk = |error| Stopped::Disk(to.display().to_string(), error);
        match &node.kind {
            Kind::Folder(folder) => {
                if self.way.iter().any(|around| around.is(node)) {
                    return Err(Stopped::Damage(Damage::RECURSION));
                }
                self.way.push(node.clone());
                for (name, node) in self.image.list(folder)? {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                    let to = to.join(&name);
                    if matches!(node.kind, Kind::Folder(_)) {
                        fs::create_dir(&to)
                            .map_err(|error| Stopped::Disk(to.display().to_string(), error))?;
                        self.unpack(&path, &node, &to)?;
                        if self.pattern.is_some() {
                            // It stays if there is something in it.
                            drop(fs::remove_dir(&to));
                        }
                    } else if self.pattern.is_none_or(|pattern| is_named(pattern, &path)) {
                        self.unpack(&path, &node, &to)?;
                        self.found = true;
                    }
                }
                self.way.pop();
                fs::set_permissions(to, Permissions::from_mode(node.mode | 0o700)).map_err(disk)?;
            }
            Kind::File(file) => {
                let mut out =
                    File::options().write(true).create_new(true).mode(0o600).open(to).map_err(disk)?;
                self.image.read(file, |block| out.write_all(block).map_err(disk))?;
                out.set_permissions(Permissions::from_mode(node.mode & 0o777)).map_err(disk)?;
            }
            Kind::Link(target) => symlink(target, to).map_err(disk)?,
        }
        Ok(())
    }
}

/// Whether a pattern names a path or a folder that it is in. `*` is any text without `/`, `?` a character other than that.
fn is_named(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_matches('/');
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| fits(pattern.as_bytes(), &path.as_bytes()[..end]))
}

fn fits(pattern: &[u8], path: &[u8]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            fits(rest, path) || path.first().is_some_and(|byte| *byte != b'/') && fits(pattern, &path[1..])
        }
        ([b'?', rest @ ..], [byte, path @ ..]) => *byte != b'/' && fits(rest, path),
        ([one, rest @ ..], [other, path @ ..]) => one == other && fits(rest, path),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a pattern names something else than with the usual runtime.
    #[test]
    fn patterns_name_files() {
        for (pattern, path, expected) in [
            ("usr/bin/program", "usr/bin/program", true),
            ("./usr/bin", "usr/bin/program", true),
            ("usr/", "usr/bin/program", true),
            ("us", "usr/bin/program", false),
            ("*.desktop", "one.desktop", true),
            ("*.desktop", "usr/share/applications/one.desktop", false),
            ("usr/*/program", "usr/bin/program", true),
            ("usr/*/program", "usr/local/bin/program", false),
            ("usr/b?n", "usr/bin/program", true),
            ("*", "usr/bin/program", true),
            ("", "usr", false),
        ] {
            assert_eq!(is_named(pattern, path), expected, "{pattern} {path}");
        }
    }
}
