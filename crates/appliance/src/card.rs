//! The card of a Raspberry Pi: what the board starts from, a root that is only read, and what the machine writes.
//!
//! | partition | size | file system | in it |
//! |---|---|---|---|
//! | 1 | 512 MiB | FAT32 | the board's firmware, kernel, initial RAM disk; a seed, if somebody puts one there |
//! | 2 | 2 GiB | ext4 | the root, mounted read-only; room for an upgrade |
//! | 3 | the rest | ext4 | `var`, `home` and `root`, and what has changed in `/etc`; it grows with the card |
//!
//! The boot ROM of a Pi 3 knows an MBR, no GPT. What is on the first partition is what Debian's package `raspi-firmware` has
//! put into `/boot/firmware` while it was installed, and puts there again with each kernel: [`made`] gives it the settings
//! by which it writes the same command line as here. `packaging/appliance/raspberry-pi` has what puts the three together:
//! `appliance-init`.

use crate::disk::{Identifiers, Making};
use crate::edit::{self, Additions, New};
use crate::programs::{Ext4, Fat};
use anyhow::{Context, Result, ensure};
use disk_images::mbr::{Kind, Partition, Table};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};

const MIB: u64 = 1024 * 1024;

/// Three kernels, of which Debian keeps two, and 40 MB of firmware.
const FIRMWARE: u64 = 512 * MIB;

/// Twice what is on it.
const ROOT: u64 = 2 * 1024 * MIB;

/// As much as makes 3 GiB together: whoever writes the card waits for all of it.
const DATA: u64 = 508 * MIB;

/// Where the firmware's partition is mounted.
const BOOT: &str = "boot/firmware/";

/// What is on the partition of the data.
const WRITTEN: &[&str] = &["var/", "home/", "root/"];

/// What `raspi-firmware` makes the command line of, besides the root: screen and first serial port. It would give a Pi 4 the
/// memory for graphics that a Pi 3 has; without, each board's own description says where that is.
const CONSOLES: &str = "tty0 ttyS1,115200";
const MEMORY: &str = "CMA=0";

/// What it puts behind all of that; what comes last counts.
const FURTHER: &str = "ro init=/usr/sbin/appliance-init";

/// The kernel's command line, as `raspi-firmware` writes it with these settings.
fn command_line(identifiers: Identifiers) -> String {
    let consoles: String = CONSOLES.split(' ').map(|console| format!(" console={console}")).collect();
    let root = identifiers.root();
    format!("{consoles} root=UUID={root} rw fsck.repair=yes net.ifnames=0  rootwait {FURTHER}\n")
}

/// What identifies a FAT: to its maker, and to Linux.
fn serial(identifiers: Identifiers) -> (String, String) {
    let number = identifiers.short("firmware");
    (format!("{number:08X}"), format!("{:04X}-{:04X}", number >> 16, number & 0xffff))
}

fn data(identifiers: Identifiers) -> uuid::Uuid {
    identifiers.named("data file system")
}

/// What the root folder says of the card.
pub(crate) fn made(identifiers: Identifiers) -> Additions {
    let (root, data, (_, firmware)) = (identifiers.root(), data(identifiers), serial(identifiers));
    let file = |content: String| New::File(0o644, content.into_bytes());
    Additions::from([
        (
            "etc/fstab".to_owned(),
            // appliance-init mounts the other two, and what is on them, before anything else runs. It also looks for
            // faults in them.
            file(format!(
                "UUID={root} / ext4 ro,noatime,errors=remount-ro 0 1\n\
                 UUID={data} /data ext4 noatime,errors=remount-ro,x-initrd.mount 0 0\n\
                 UUID={firmware} /boot/firmware vfat ro,umask=0077,errors=remount-ro,x-initrd.mount 0 0\n"
            )),
        ),
        (
            "etc/default/raspi-firmware".to_owned(),
            file(format!("ROOTPART=UUID={root}\nCONSOLES=\"{CONSOLES}\"\n{MEMORY}\n")),
        ),
        ("etc/default/raspi-extra-cmdline".to_owned(), file(format!("{FURTHER}\n"))),
        (format!("{BOOT}cmdline.txt"), file(command_line(identifiers))),
        ("data".to_owned(), New::Folder),
        // A board has no clock of its own: it is never earlier than this file's date.
        ("usr/lib/clock-epoch".to_owned(), file(String::new())),
        // Where appliance-init puts a seed, before cloud-init looks for one.
        ("var/lib/cloud/seed/nocloud".to_owned(), New::Link("/run/appliance/seed".to_owned())),
    ])
}

/// Whether something belongs on the partition of the data.
fn is_written(name: &str) -> bool {
    WRITTEN.iter().any(|folder| name.starts_with(folder) || folder.strip_suffix('/') == Some(name))
}

/// Whether something is not for the root: it leaves empty folders there, which the others are mounted on.
fn is_elsewhere(name: &str) -> bool {
    name.starts_with(BOOT) || WRITTEN.iter().any(|folder| name.starts_with(folder))
}

fn table(identifiers: Identifiers) -> Result<Table> {
    let wanted = [(Kind::Fat32, FIRMWARE), (Kind::Linux, ROOT), (Kind::Linux, DATA)];
    Ok(Table::new(identifiers.short("partitions"), &wanted)?)
}

/// Makes the card.
///
/// # Errors
/// If a program fails, the firmware is not there, or a file cannot be written.
pub(crate) fn make(making: &Making<'_>) -> Result<()> {
    let Making { tar, identifiers, programs, work, disk, run } = *making;
    let table = table(identifiers)?;
    let [firmware, root, written] = table.partitions() else { unreachable!("three were wanted") };
    let writing = || format!("writing the disk {}", disk.display());
    File::create(disk).and_then(|file| file.set_len(table.end())).with_context(writing)?;
    let epoch = programs.epoch();

    let part = work.join("part.tar");
    let upper = ["etc/changed", "etc/work"].map(|folder| (folder.to_owned(), New::Folder));
    copy(tar, &part, is_elsewhere, &Additions::new(), epoch)?;
    let ext4 = |label, identifier, order: &str, place: &Partition| {
        let hash_seed = identifiers.named(order);
        let place = (place.start, place.length);
        programs.ext4(&Ext4 { label, identifier, hash_seed, place, tar: &part }, disk, run)
    };
    ext4("appliance", identifiers.root(), "order of folders", root)?;
    copy(tar, &part, |name| !is_written(name), &Additions::from(upper), epoch)?;
    ext4("data", data(identifiers), "order of the data's folders", written)?;
    fs::remove_file(&part).with_context(|| format!("removing {}", part.display()))?;

    let (folders, files) = unpack(tar, &work.join("firmware"))?;
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let serial = serial(identifiers).0;
    let place = (firmware.start, firmware.length);
    let fat = Fat { label: "FIRMWARE", bits: "32", serial: &serial, place, folders: &folders, files: &files };
    programs.fat(&fat, disk, work, run)?;
    let mut file = OpenOptions::new().write(true).open(disk).with_context(writing)?;
    table.write(&mut file)?;
    file.sync_all().with_context(writing)
}

/// Copies a tar without what `goes` says, with what is added.
fn copy(
    tar: &Path,
    into: &Path,
    goes: impl Fn(&str) -> bool,
    additions: &Additions,
    epoch: u32,
) -> Result<()> {
    let input = File::open(tar).with_context(|| format!("reading {}", tar.display()))?;
    let output = File::create(into).with_context(|| format!("writing {}", into.display()))?;
    edit::edit(BufReader::new(input), BufWriter::new(output), goes, additions, epoch)?;
    Ok(())
}

/// What is for the firmware's partition: folders, and files with what they are called there.
type Firmware = (Vec<String>, Vec<(PathBuf, String)>);

/// Takes what is for the firmware's partition out of a root folder, in the order of the names.
fn unpack(tar: &Path, folder: &Path) -> Result<Firmware> {
    let reading = || format!("reading {}", tar.display());
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    let mut archive = tar::Archive::new(BufReader::new(File::open(tar).with_context(reading)?));
    for entry in archive.entries().with_context(reading)? {
        let mut entry = entry.with_context(reading)?;
        let path = entry.path().with_context(reading)?.to_string_lossy().into_owned();
        let Some(name) = path.trim_start_matches("./").strip_prefix(BOOT) else { continue };
        let name = name.trim_end_matches('/').to_owned();
        let plain = name.split('/').all(|part| !part.is_empty() && part != "..");
        let kind = entry.header().entry_type();
        if name.is_empty() {
            continue;
        }
        ensure!(plain && (kind.is_dir() || kind.is_file()), "a FAT cannot hold {path} of the root folder");
        if kind.is_dir() {
            folders.push(name);
            continue;
        }
        let file = folder.join(&name);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent).with_context(|| format!("making the folder {}", parent.display()))?;
        let mut output = File::create(&file).with_context(|| format!("writing {}", file.display()))?;
        io::copy(&mut entry, &mut output).with_context(reading)?;
        files.push((file, name));
    }
    folders.sort();
    files.sort();
    for needed in ["config.txt", "cmdline.txt", "bootcode.bin", "start4.elf"] {
        let there = files.iter().any(|(_, name)| name == needed);
        ensure!(there, "{} has no {BOOT}{needed}: was raspi-firmware installed?", tar.display());
    }
    Ok((folders, files))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs::Programs;
    use std::cell::RefCell;
    use std::process::Command;

    /// Fails if: something is on two partitions, or on none.
    #[test]
    fn is_on_one_partition() {
        for (name, written, elsewhere) in [
            ("etc/passwd", false, false),
            ("usr/lib/clock-epoch", false, false),
            ("boot/vmlinuz-6.12", false, false),
            // The folder that the partition is mounted on.
            ("boot/firmware", false, false),
            ("boot/firmware/config.txt", false, true),
            ("var/lib/dpkg/status", true, true),
            ("root/.bashrc", true, true),
            ("rootless", false, false),
            // On both: a folder that is mounted on the other.
            ("var", true, false),
            ("home", true, false),
        ] {
            assert_eq!((is_written(name), is_elsewhere(name)), (written, elsewhere), "{name}");
        }
    }

    /// Fails if: the kernel is told of another root, table and data than there are, or the settings of `raspi-firmware`
    /// would give it another command line after an upgrade.
    #[test]
    fn names_one_card() {
        let identifiers = Identifiers::of("a");
        let made = made(identifiers);
        let text = |name: &str| match &made[name] {
            New::File(0o644, content) => String::from_utf8(content.clone()).unwrap(),
            other => panic!("{name}: {other:?}"),
        };
        let line = text("boot/firmware/cmdline.txt");
        let settings = text("etc/default/raspi-firmware");
        let root = format!("UUID={}", identifiers.root());
        assert!(line.contains(&format!(" root={root} ")) && settings.contains(&format!("ROOTPART={root}\n")));
        assert!(line.ends_with(&format!(" {}", text("etc/default/raspi-extra-cmdline"))), "{line}");
        assert!(line.starts_with(" console=tty0 console=ttyS1,115200 "), "{line}");
        assert!(!line.contains("cma="), "a Pi 4 would not start: {line}");
        let (label, linux) = serial(identifiers);
        assert_eq!(label, linux.replace('-', ""));
        let fstab = text("etc/fstab");
        for place in [format!("{root} / ext4 ro,"), format!("UUID={linux} /boot/firmware vfat ro,")] {
            assert!(fstab.contains(&place), "{place} is not in {fstab}");
        }
        let starts: Vec<u64> =
            table(identifiers).unwrap().partitions().iter().map(|p| p.start / MIB).collect();
        assert_eq!(starts, [4, 516, 2564]);
        assert_eq!(table(identifiers).unwrap().end(), 3072 * MIB);
    }

    /// A root folder with these files.
    fn root(folder: &Path, files: &[&str]) -> PathBuf {
        let mut tar = tar::Builder::new(Vec::new());
        for name in ["./boot/", "./boot/firmware/", "./boot/firmware/overlays/", "./var/"] {
            tar.append_dir(name, folder).unwrap();
        }
        for name in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(1);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, &b"x"[..]).unwrap();
        }
        let path = folder.join("finished.tar");
        fs::write(&path, tar.into_inner().unwrap()).unwrap();
        path
    }

    const FIRMWARE: &[&str] = &[
        "./boot/firmware/start4.elf",
        "./boot/firmware/overlays/b.dtbo",
        "./boot/firmware/bootcode.bin",
        "./boot/firmware/cmdline.txt",
        "./boot/firmware/config.txt",
        "./var/log",
    ];

    /// Fails if: a file of the firmware is left out or comes in another order, or what a program is told is not all that
    /// decides its bits.
    #[test]
    fn makes_three_file_systems() {
        let folder = tempfile::tempdir().unwrap();
        let (tar, programs) = (root(folder.path(), FIRMWARE), Programs::new(folder.path(), 1_700_000_000));
        let (told, disk) = (RefCell::new(Vec::new()), folder.path().join("disk"));
        let run = |command: Command| {
            let words: Vec<_> =
                command.get_args().skip(4).map(|word| word.to_string_lossy().into_owned()).collect();
            told.borrow_mut().push(words.join(" "));
            Ok(())
        };
        let identifiers = Identifiers::of("a");
        let (work, run) = (folder.path(), &run);
        let making = Making { tar: &tar, identifiers, programs: &programs, work, disk: &disk, run };
        make(&making).unwrap();
        let told = told.into_inner();
        let root = format!("-U {}", identifiers.root());
        for (line, parts) in [
            (0, ["usr/sbin/mke2fs", "-L appliance", &root, "offset=541065216,hash_seed=", " 2097152k"]),
            (1, ["usr/sbin/mke2fs", "-L data", "-O none,", "offset=2688548864,hash_seed=", " 520192k"]),
            (2, ["usr/sbin/mkfs.fat", "--invariant -F 32", "-n FIRMWARE", "--offset=8192 ", " 524288"]),
            (3, ["usr/bin/mmd", "-i", "disk@@4194304", " ::/overlays", ""]),
        ] {
            for part in parts {
                assert!(told[line].contains(part), "{part} is not in {}", told[line]);
            }
        }
        let copied: Vec<&str> = told[4..].iter().map(|line| line.rsplit("::/").next().unwrap()).collect();
        assert_eq!(copied, ["bootcode.bin", "cmdline.txt", "config.txt", "overlays/b.dtbo", "start4.elf"]);
        assert_eq!(fs::metadata(&disk).unwrap().len(), 3072 * MIB);
    }

    /// Fails if: a card is made that a board cannot start from.
    #[test]
    fn refuses_a_root_without_firmware() {
        let folder = tempfile::tempdir().unwrap();
        for missing in ["config.txt", "cmdline.txt", "bootcode.bin", "start4.elf"] {
            let files: Vec<&str> = FIRMWARE.iter().copied().filter(|name| !name.ends_with(missing)).collect();
            let error =
                unpack(&root(folder.path(), &files), &folder.path().join("f")).unwrap_err().to_string();
            assert!(error.contains(&format!("has no boot/firmware/{missing}")), "{error}");
        }
    }
}
