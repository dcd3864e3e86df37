//! Debian's programs that make file systems, unpacked and not installed: an older `mke2fs` cannot read a tar. The crate
//! `disk-images` says what each has to be told to make the same bits each time.

use crate::Run;
use anyhow::{Context, Result};
use disk_images::SECTOR;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

/// The features of an ext4, all of them: what an e2fsprogs makes by default changes with its version.
const FEATURES: &str = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,metadata_csum,\
                        sparse_super,large_file,huge_file,dir_nlink,extra_isize";

/// The programs, unpacked into a folder.
#[derive(Clone, Debug)]
pub struct Programs {
    root: PathBuf,
    epoch: u32,
}

/// An ext4 that is to be made.
pub(crate) struct Ext4<'a> {
    pub(crate) label: &'a str,
    pub(crate) identifier: Uuid,
    /// By what names in folders are ordered.
    pub(crate) hash_seed: Uuid,
    /// The byte of the disk that it begins with, and bytes of it.
    pub(crate) place: (u64, u64),
    /// What is in it.
    pub(crate) tar: &'a Path,
}

/// A FAT that is to be made.
pub(crate) struct Fat<'a> {
    pub(crate) label: &'a str,
    /// Of a cluster's number: 16 or 32.
    pub(crate) bits: &'a str,
    /// Eight hexadecimal digits.
    pub(crate) serial: &'a str,
    /// The byte of the disk that it begins with, and bytes of it.
    pub(crate) place: (u64, u64),
    /// Folders in it, and files: where they are, and what they are called there.
    pub(crate) folders: &'a [&'a str],
    pub(crate) files: &'a [(PathBuf, String)],
}

impl Programs {
    /// The programs in a folder that the packages of `programs.lock` were unpacked into. What they make is dated at
    /// `epoch`, in seconds since 1970.
    pub fn new(root: &Path, epoch: u32) -> Programs {
        Programs { root: root.to_owned(), epoch }
    }

    /// The moment that everything is dated, in seconds since 1970.
    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// A file that came with them.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A program: it comes with its C library, which may be newer than this machine's.
    pub(crate) fn command(&self, program: &str) -> Command {
        let libraries = self.root.join("usr/lib/x86_64-linux-gnu");
        let mut command = crate::command(libraries.join("ld-linux-x86-64.so.2"));
        command.args([OsStr::new("--argv0"), OsStr::new(program.rsplit('/').next().unwrap_or(program))]);
        command.arg("--library-path").arg(libraries).arg(self.root.join(program));
        command.env("SOURCE_DATE_EPOCH", self.epoch.to_string());
        // No settings of this machine: of mke2fs, of mtools.
        command.env("MKE2FS_CONFIG", "/dev/null").env("MTOOLSRC", "/dev/null");
        command
    }

    /// Makes an ext4 at its place on a disk.
    pub(crate) fn ext4(&self, wanted: &Ext4<'_>, disk: &Path, run: Run<'_>) -> Result<()> {
        let (start, length) = wanted.place;
        let mut command = self.command("usr/sbin/mke2fs");
        command.args(["-q", "-F", "-t", "ext4", "-b", "4096", "-I", "256", "-m", "1", "-L", wanted.label]);
        command.args(["-O", FEATURES, "-U", &wanted.identifier.to_string()]);
        let extended = format!(
            "offset={start},hash_seed={},root_owner=0:0,nodiscard,lazy_itable_init=1",
            wanted.hash_seed
        );
        command.args(["-E", &extended, "-d"]).arg(wanted.tar).arg(disk).arg(format!("{}k", length / 1024));
        run(command).with_context(|| format!("making the file system {}", wanted.label))
    }

    /// Makes a FAT at its place on a disk. Each file is copied by itself: a whole folder would be in the order that this
    /// machine has it in.
    pub(crate) fn fat(&self, wanted: &Fat<'_>, disk: &Path, work: &Path, run: Run<'_>) -> Result<()> {
        let making = || format!("making the file system {}", wanted.label);
        let (start, length) = wanted.place;
        let mut mkfs = self.command("usr/sbin/mkfs.fat");
        mkfs.args(["--invariant", "-F", wanted.bits, "-n", wanted.label, "-i", wanted.serial]);
        mkfs.arg(format!("--offset={}", start / SECTOR)).arg(disk).arg((length / 1024).to_string());
        run(mkfs).with_context(making)?;
        let image = format!("{}@@{start}", disk.to_str().context("mtools take no path that is not UTF-8")?);
        let inside = |program: &str, arguments: &[&OsStr]| {
            let mut command = self.command(program);
            command.args(["-i", &image]).args(arguments);
            run(command).with_context(making)
        };
        for folder in wanted.folders {
            inside("usr/bin/mmd", &[OsStr::new(&format!("::/{folder}"))])?;
        }
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(self.epoch.into());
        let copy = work.join("copied");
        for (file, name) in wanted.files {
            fs::copy(file, &copy).with_context(|| format!("reading {}", file.display()))?;
            File::options().append(true).open(&copy)?.set_modified(moment)?;
            let into = format!("::/{name}");
            inside("usr/bin/mcopy", &[OsStr::new("-m"), copy.as_os_str(), OsStr::new(&into)])?;
            fs::remove_file(&copy)?;
        }
        Ok(())
    }
}
