//! The disk of a virtual machine: a table of partitions, a root of ext4, and boot loaders for both firmwares
//! ([`boot`](crate::boot)).
//!
//! | partition | size | in it |
//! |---|---|---|
//! | `bios` | 1 MiB | GRUB's `core.img` |
//! | `esp` | 16 MiB | shim, GRUB and where the root is: FAT, for UEFI |
//! | `root` | the rest | the system; it grows with the disk |
//!
//! File systems and loaders are made by Debian's [`Programs`]: another GRUB makes other bits.

use crate::programs::{Ext4, Fat, Programs};
use crate::{Run, boot};
use anyhow::{Context, Result};
use disk_images::gpt::{Kind, Table, Wanted};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;
use uuid::Uuid;

const MIB: u64 = 1024 * 1024;

/// Bytes of the disk: room for the system twice, and for a queue of weeks without a server. Larger disks are made use
/// of, too.
pub const SIZE: u64 = 8 * 1024 * MIB;

const BIOS: u64 = MIB;
const ESP: u64 = 16 * MIB;

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

    /// What stands for them while it is not known yet what is on it.
    pub(crate) fn unknown() -> Identifiers {
        Identifiers(Uuid::nil())
    }

    /// Something on it that has a name.
    pub(crate) fn named(self, name: &str) -> Uuid {
        Uuid::new_v5(&self.0, name.as_bytes())
    }

    /// The same of 32 bits, as a FAT and an MBR have them.
    pub(crate) fn short(self, name: &str) -> u32 {
        self.named(name).as_u128() as u32
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

/// What a disk is made of, and where.
pub struct Making<'a> {
    /// The root folder, which [`root::finish`](crate::root::finish) has left for these identifiers.
    pub tar: &'a Path,
    /// What tells it from others.
    pub identifiers: Identifiers,
    /// What makes file systems.
    pub programs: &'a Programs,
    /// A folder for what is thrown away.
    pub work: &'a Path,
    /// The file that becomes the disk.
    pub disk: &'a Path,
    /// What runs programs.
    pub run: Run<'a>,
}

/// Makes the disk.
///
/// # Errors
/// If a program fails or is not what is expected, or a file cannot be written.
pub(crate) fn make(making: &Making<'_>) -> Result<()> {
    let Making { tar, identifiers, programs, work, disk, run } = *making;
    let table = table(identifiers, SIZE)?;
    let [bios, esp, root] = table.partitions() else { unreachable!("three were wanted") };
    let writing = || format!("writing the disk {}", disk.display());
    File::create(disk).and_then(|file| file.set_len(SIZE)).with_context(writing)?;
    let root = Ext4 {
        label: "appliance",
        identifier: identifiers.root(),
        hash_seed: identifiers.named("order of folders"),
        place: (root.start, root.length),
        tar,
    };
    programs.ext4(&root, disk, run)?;

    let start = work.join("start.cfg");
    fs::write(&start, boot::find_root(identifiers.root()))?;
    let serial = format!("{:08X}", identifiers.short("esp"));
    // The signed loaders, and where Debian's signed GRUB looks.
    let files = [
        (programs.file("usr/lib/shim/shimx64.efi.signed"), "EFI/BOOT/BOOTX64.EFI"),
        (programs.file("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"), "EFI/BOOT/grubx64.efi"),
        (start.clone(), "EFI/debian/grub.cfg"),
    ]
    .map(|(file, name)| (file, name.to_owned()));
    let folders = &["EFI", "EFI/BOOT", "EFI/debian"];
    let place = (esp.start, esp.length);
    let fat = Fat { label: "ESP", bits: "16", serial: &serial, place, folders, files: &files };
    programs.fat(&fat, disk, work, run)?;
    let core = work.join("core.img");
    run(grub_mkimage(programs, &start, &core)).context("making what a BIOS starts")?;

    let read = |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
    let code = read(&programs.file("usr/lib/grub/i386-pc/boot.img"))?;
    let (code, core) = boot::place(&code, &read(&core)?, bios.start, bios.length)?;
    let mut file = OpenOptions::new().write(true).open(disk).with_context(writing)?;
    table.write(&code, &mut file)?;
    file.seek(SeekFrom::Start(bios.start)).with_context(writing)?;
    file.write_all(&core).with_context(writing)?;
    file.sync_all().with_context(writing)
}

fn grub_mkimage(programs: &Programs, start: &Path, core: &Path) -> Command {
    let mut command = programs.command("usr/bin/grub-mkimage");
    command.args(["-O", "i386-pc", "-p", "/boot/grub", "-d"]).arg(programs.file("usr/lib/grub/i386-pc"));
    command.arg("-c").arg(start).arg("-o").arg(core).args(boot::MODULES);
    command
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
        assert_ne!((a.root(), a.short("esp")), (b.root(), b.short("esp")));
        assert_eq!((a.root(), a.short("esp")), (again.root(), again.short("esp")));
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
        let making = Making {
            tar: Path::new("root.tar"),
            identifiers,
            programs: &programs,
            work: folder.path(),
            disk: &disk,
            run: &run,
        };
        let error = make(&making).unwrap_err();
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
