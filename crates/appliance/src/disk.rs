//! The disk: a table of partitions, a root of ext4, and boot loaders for both firmwares ([`boot`](crate::boot)).
//!
//! | partition | size | in it |
//! |---|---|---|
//! | `bios` | 1 MiB | GRUB's `core.img` |
//! | `esp` | 16 MiB | shim, GRUB and where the root is: FAT, for UEFI |
//! | `root` | the rest | the system; it grows with the disk |
//!
//! File systems are made by Debian's programs, unpacked and not installed: an older `mke2fs` cannot read a tar, and
//! another GRUB makes other bits. The crate `disk-images` says what each has to be told to make the same bits each time.

use crate::{Run, boot};
use anyhow::{Context, Result};
use disk_images::gpt::{Kind, Partition, Table, Wanted};
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use uuid::Uuid;

const MIB: u64 = 1024 * 1024;

/// Bytes of the disk: room for the system twice, and for a queue of weeks without a server. Larger disks are made use
/// of, too.
pub const SIZE: u64 = 8 * 1024 * MIB;

const BIOS: u64 = MIB;
const ESP: u64 = 16 * MIB;

/// The features of the root, all of them: what an e2fsprogs makes by default changes with its version.
const FEATURES: &str = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,metadata_csum,\
                        sparse_super,large_file,huge_file,dir_nlink,extra_isize";

/// Identifiers of a disk, derived from what is on it.
#[derive(Clone, Copy, Debug)]
pub struct Identifiers(Uuid);

impl Identifiers {
    /// Those of the disk that has what has this digest.
    pub fn of(digest: &str) -> Identifiers {
        Identifiers(Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("appliance:{digest}").as_bytes()))
    }

    /// The root file system.
    pub fn root(self) -> Uuid {
        self.named("root file system")
    }

    fn named(self, name: &str) -> Uuid {
        Uuid::new_v5(&self.0, name.as_bytes())
    }

    /// A FAT has 32 bits.
    fn esp(self) -> String {
        format!("{:08X}", self.named("esp").as_u128() as u32)
    }
}

/// Debian's programs, unpacked into a folder.
#[derive(Clone, Debug)]
pub struct Programs {
    root: PathBuf,
    epoch: u32,
}

impl Programs {
    /// The programs in a folder that the packages of `programs.lock` were unpacked into. What they make is dated at
    /// `epoch`, in seconds since 1970.
    pub fn new(root: &Path, epoch: u32) -> Programs {
        Programs { root: root.to_owned(), epoch }
    }

    /// A program: it comes with its C library, which may be newer than this machine's.
    fn command(&self, program: &str) -> Command {
        let libraries = self.root.join("usr/lib/x86_64-linux-gnu");
        let mut command = crate::command(libraries.join("ld-linux-x86-64.so.2"));
        command.args([OsStr::new("--argv0"), OsStr::new(program.rsplit('/').next().unwrap_or(program))]);
        command.arg("--library-path").arg(libraries).arg(self.root.join(program));
        command.env("SOURCE_DATE_EPOCH", self.epoch.to_string());
        // No settings of this machine: of mke2fs, of mtools.
        command.env("MKE2FS_CONFIG", "/dev/null").env("MTOOLSRC", "/dev/null");
        command
    }

    fn mke2fs(&self, tar: &Path, identifiers: Identifiers, root: &Partition, disk: &Path) -> Command {
        let mut command = self.command("usr/sbin/mke2fs");
        command.args([
            "-q",
            "-F",
            "-t",
            "ext4",
            "-b",
            "4096",
            "-I",
            "256",
            "-m",
            "1",
            "-L",
            "appliance",
            "-O",
            FEATURES,
        ]);
        command.args(["-U", &identifiers.root().to_string()]);
        let extended = format!(
            "offset={},hash_seed={},root_owner=0:0,nodiscard,lazy_itable_init=1",
            root.start,
            identifiers.named("order of folders")
        );
        command.args(["-E", &extended, "-d"]).arg(tar).arg(disk).arg(format!("{}k", root.length / 1024));
        command
    }

    fn mkfs_fat(&self, identifiers: Identifiers, image: &Path) -> Command {
        let mut command = self.command("usr/sbin/mkfs.fat");
        command.args(["--invariant", "-F", "16", "-n", "ESP", "-i", &identifiers.esp()]).arg(image);
        command
    }

    fn grub_mkimage(&self, start: &Path, core: &Path) -> Command {
        let mut command = self.command("usr/bin/grub-mkimage");
        command.args(["-O", "i386-pc", "-p", "/boot/grub", "-d"]).arg(self.root.join("usr/lib/grub/i386-pc"));
        command.arg("-c").arg(start).arg("-o").arg(core).args(boot::MODULES);
        command
    }

    /// Signed loaders, and their names on the ESP.
    fn loaders(&self) -> [(PathBuf, &'static str); 2] {
        [
            ("usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
            ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
        ]
        .map(|(file, name)| (self.root.join(file), name))
    }
}

/// The partitions.
///
/// # Errors
/// If a disk of that size has no room for them.
pub fn table(identifiers: Identifiers, size: u64) -> Result<Table> {
    let wanted = [
        Wanted { kind: Kind::BiosBoot, name: "bios", length: Some(BIOS) },
        Wanted { kind: Kind::EfiSystem, name: "esp", length: Some(ESP) },
        Wanted { kind: Kind::LinuxRootX86_64, name: "root", length: None },
    ];
    Ok(Table::new(size, identifiers.named("partitions"), &wanted)?)
}

/// Makes the disk of a root folder, which [`root::finish`](crate::root::finish) has left and which names
/// [`Identifiers::root`].
///
/// # Errors
/// If a program fails or is not what is expected, or a file cannot be written.
pub fn make(
    tar: &Path,
    identifiers: Identifiers,
    programs: &Programs,
    work: &Path,
    disk: &Path,
    run: Run<'_>,
) -> Result<()> {
    let table = table(identifiers, SIZE)?;
    let [bios, esp, root] = table.partitions() else { unreachable!("three were wanted") };
    let writing = || format!("writing the disk {}", disk.display());
    File::create(disk).and_then(|file| file.set_len(SIZE)).with_context(writing)?;
    run(programs.mke2fs(tar, identifiers, root, disk)).context("making the root file system")?;

    let start = work.join("start.cfg");
    fs::write(&start, boot::find_root(identifiers.root()))?;
    let image = work.join("esp.img");
    make_esp(identifiers, programs, &start, &image, run).context("making the partition for UEFI")?;
    let core = work.join("core.img");
    run(programs.grub_mkimage(&start, &core)).context("making what a BIOS starts")?;

    let read = |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let code = read(&programs.root.join("usr/lib/grub/i386-pc/boot.img"))?;
    let (code, core) = boot::place(&code, &read(&core)?, bios.start, bios.length)?;
    let mut file = OpenOptions::new().write(true).open(disk).with_context(writing)?;
    table.write(&code, &mut file)?;
    for (partition, content) in [(bios, core), (esp, read(&image)?)] {
        file.seek(SeekFrom::Start(partition.start)).with_context(writing)?;
        file.write_all(&content).with_context(writing)?;
    }
    file.sync_all().with_context(writing)
}

/// A FAT with the loaders. Each file by itself: a whole folder is copied in the order that this machine has it in.
fn make_esp(
    identifiers: Identifiers,
    programs: &Programs,
    start: &Path,
    image: &Path,
    run: Run<'_>,
) -> Result<()> {
    File::create(image)
        .and_then(|file| file.set_len(ESP))
        .with_context(|| format!("writing {}", image.display()))?;
    run(programs.mkfs_fat(identifiers, image))?;
    let on_image = |program: &str, arguments: &[&OsStr]| {
        let mut command = programs.command(program);
        command.arg("-i").arg(image).args(arguments);
        run(command)
    };
    for folder in ["::/EFI", "::/EFI/BOOT", "::/EFI/debian"] {
        on_image("usr/bin/mmd", &[OsStr::new(folder)])?;
    }
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(programs.epoch.into());
    let copies = image.with_extension("file");
    let [shim, grub] = programs.loaders();
    // Where Debian's signed GRUB looks.
    for (file, name) in [shim, grub, (start.to_owned(), "EFI/debian/grub.cfg")] {
        fs::copy(&file, &copies).with_context(|| format!("reading {}", file.display()))?;
        File::options().append(true).open(&copies)?.set_modified(moment)?;
        on_image(
            "usr/bin/mcopy",
            &[OsStr::new("-m"), copies.as_os_str(), OsStr::new(&format!("::/{name}"))],
        )?;
        fs::remove_file(&copies)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Fails if: partitions lie where loaders do not look, or the root is not the last one, which grows.
    #[test]
    fn has_three_partitions() {
        let table = table(Identifiers::of("a"), SIZE).unwrap();
        let places: Vec<_> = table.partitions().iter().map(|p| (p.start / MIB, p.length / MIB)).collect();
        assert_eq!(places, [(1, 1), (2, 16), (18, 8192 - 18 - 1)]);
    }

    /// Fails if: two disks with other contents have the same identifiers, or one content has two.
    #[test]
    fn derives_identifiers() {
        let [a, b, again] = ["a", "b", "a"].map(Identifiers::of);
        assert_ne!((a.root(), a.esp()), (b.root(), b.esp()));
        assert_eq!((a.root(), a.esp()), (again.root(), again.esp()));
        assert_eq!(a.esp().len(), 8);
    }

    /// Fails if: a program is not told what makes its bits the same, or sees this machine's settings.
    #[test]
    fn tells_programs_everything() {
        let folder = tempfile::tempdir().unwrap();
        let programs = Programs::new(folder.path(), 1_700_000_000);
        let identifiers = Identifiers::of("a");
        let told = RefCell::new(Vec::new());
        let run = |command: Command| {
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            let environment: Vec<_> = command
                .get_envs()
                .map(|(name, value)| {
                    format!("{}={}", name.to_string_lossy(), value.unwrap().to_string_lossy())
                })
                .collect();
            let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
            told.borrow_mut().push((words.join(" "), environment.join(" ")));
            Ok(())
        };
        let disk = folder.path().join("disk");
        // There is no GRUB: it gets as far as the loaders for UEFI.
        let error =
            make(Path::new("root.tar"), identifiers, &programs, folder.path(), &disk, &run).unwrap_err();
        assert!(format!("{error:#}").contains("shimx64.efi.signed"), "{error:#}");
        let told = told.into_inner();
        for (words, environment) in &told {
            for variable in
                ["SOURCE_DATE_EPOCH=1700000000", "TZ=UTC", "MKE2FS_CONFIG=/dev/null", "MTOOLSRC=/dev/null"]
            {
                assert!(environment.contains(variable), "{words}: {environment}");
            }
        }
        let mke2fs = &told[0].0;
        for part in [
            &*format!("-U {}", identifiers.root()),
            "-E offset=18874368,hash_seed=",
            "root_owner=0:0",
            "-O none,",
            &*format!("-d root.tar {} 8369152k", disk.display()),
        ] {
            assert!(mke2fs.contains(part), "{part} is not in {mke2fs}");
        }
        assert_eq!(mke2fs.matches(" -E ").count(), 1, "{mke2fs}");
        assert!(told[1].0.contains("--invariant -F 16 -n ESP -i "), "{}", told[1].0);
    }
}
