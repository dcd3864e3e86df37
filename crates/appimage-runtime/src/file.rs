//! The file: where it is, and where in it the image begins.

use crate::Failure;
use squashfs::{Damage, Image};
use std::ffi::{CStr, OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, io};

/// The link to the file of a process, where `/proc` is mounted.
const SELF: &str = "/proc/self/exe";
/// Bytes of the head of an ELF file for 64 bits.
const HEAD: usize = 64;

/// An AppImage in memory.
pub(crate) struct AppImage {
    /// As it is told to the program.
    path: PathBuf,
    bytes: Vec<u8>,
    offset: usize,
}

impl AppImage {
    /// This file, or the one that TARGET_APPIMAGE names.
    pub(crate) fn open() -> Result<AppImage, Failure> {
        match env::var_os("TARGET_APPIMAGE") {
            Some(target) => AppImage::read(target.as_ref(), absolute(target.as_ref())),
            None => match fs::read_link(SELF) {
                // By the link: the path may be one of another mount name space.
                Ok(path) => AppImage::read(SELF.as_ref(), path),
                Err(_) => {
                    let path = called().ok_or_else(|| {
                        Failure(
                            "it is not known where this file is; mount /proc, or name it by TARGET_APPIMAGE"
                                .to_owned(),
                        )
                    })?;
                    AppImage::read(&path, absolute(&path))
                }
            },
        }
    }

    fn read(from: &Path, path: PathBuf) -> Result<AppImage, Failure> {
        let failure = |error: &dyn std::fmt::Display| Failure(format!("{}: {error}", path.display()));
        let bytes = fs::read(from).map_err(|error| failure(&error))?;
        let offset =
            elf_end(&bytes).ok_or_else(|| failure(&"this is no AppImage: it does not begin as one"))?;
        Ok(AppImage { path, bytes, offset })
    }

    /// Its path, as far as that is known.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the image begins.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// The image.
    pub(crate) fn image(&self) -> Result<Image<'_>, Failure> {
        let bytes = self.bytes.get(self.offset..).unwrap_or_default();
        Image::new(bytes).map_err(|damage| self.damaged(damage))
    }

    /// Says that the image is damaged, and what to do.
    pub(crate) fn damaged(&self, damage: Damage) -> Failure {
        Failure(format!(
            "the squashfs in {} at {}: {damage}; download the file again",
            self.path.display(),
            self.offset
        ))
    }
}

/// Where an [ELF](https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html) file for 64 bits ends: behind the table
/// of its sections, which is its last part.
fn elf_end(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..HEAD).filter(|head| head.starts_with(b"\x7fELF\x02\x01"))?;
    let short = |at: usize| Some(usize::from(u16::from_le_bytes(*head.get(at..)?.first_chunk()?)));
    let table = u64::from_le_bytes(*head.get(40..)?.first_chunk()?);
    let size = short(58)?.checked_mul(short(60)?)?;
    usize::try_from(table).ok()?.checked_add(size).filter(|end| *end >= HEAD)
}

/// What the kernel was given to execute, as it tells every process.
fn called() -> Option<PathBuf> {
    // SAFETY: reads what the kernel has left above the stack, and cannot fail.
    let address = unsafe { libc::getauxval(libc::AT_EXECFN) };
    if address == 0 {
        return None;
    }
    // SAFETY: the kernel's own text, which ends with a NUL and lives as long as the process.
    let text = unsafe { CStr::from_ptr(address as *const libc::c_char) };
    Some(OsStr::from_bytes(text.to_bytes()).into())
}

/// The path without links, or else from the folder that this was called in; as it is, if neither is known.
fn absolute(path: &Path) -> PathBuf {
    let found: io::Result<PathBuf> = fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    found.unwrap_or_else(|_| path.to_owned())
}

/// The folder that this was called in, for the program.
pub(crate) fn folder() -> Option<OsString> {
    env::current_dir().ok().map(PathBuf::into_os_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the end of a program is not found, or a file that is none has one.
    #[test]
    fn finds_the_end_of_a_program() {
        let mut head = b"\x7fELF\x02\x01\x01".to_vec();
        head.resize(64, 0);
        head[40..48].copy_from_slice(&1000_u64.to_le_bytes());
        head[58..60].copy_from_slice(&64_u16.to_le_bytes());
        head[60..62].copy_from_slice(&7_u16.to_le_bytes());
        assert_eq!(elf_end(&head), Some(1000 + 7 * 64));
        assert_eq!(elf_end(&head[..63]), None);
        assert_eq!(elf_end(b"#!/bin/sh\n"), None);
        head[40..48].copy_from_slice(&u64::MAX.to_le_bytes());
        assert_eq!(elf_end(&head), None);
        // The one that runs this test ends where it ends.
        let own = fs::read(SELF).unwrap();
        assert_eq!(elf_end(&own), Some(own.len()));
    }

    /// Fails if: without `/proc` the file would not be found.
    #[test]
    fn knows_what_was_called() {
        assert_eq!(absolute(&called().unwrap()), fs::read_link(SELF).unwrap());
    }
}
