//! What starts the system, in both firmwares.
//!
//! A BIOS runs the first 440 bytes of the disk: GRUB's `boot.img`, which loads the rest, `core.img`, from where it is told
//! to. That is in the partition for it, whose place is written into both, as `grub-bios-setup` does on a running machine:
//! `boot.img` and the first sector of `core.img` are `grub-core/boot/i386/pc/boot.S` and `diskboot.S` in GRUB's sources.
//!
//! UEFI runs `EFI/BOOT/BOOTX64.EFI`: Debian's shim, signed by Microsoft, which runs GRUB, signed by Debian, which runs
//! Debian's kernel, signed too. With Secure Boot nothing else is run.
//!
//! Both find the root by its identifier, and `/boot/grub/grub.cfg` on it: one file says how the system starts. The kernel
//! is the one that `/vmlinuz` leads to, so that upgrades of it need no `update-grub`, and the one before is offered.

use crate::disk::Identifiers;
use crate::edit::{Additions, New};
use anyhow::{Result, ensure};
use disk_images::SECTOR;
use uuid::Uuid;

/// GRUB's modules in `core.img`: there is no folder of modules to load others from.
pub const MODULES: &[&str] = &[
    "biosdisk",
    "boot",
    "configfile",
    "echo",
    "ext2",
    "linux",
    "minicmd",
    "normal",
    "part_gpt",
    "search",
    "search_fs_uuid",
    "serial",
    "terminal",
    "test",
];

/// Where `boot.img` has the sector that `core.img` begins with, and its check of which disk it was loaded from.
const KERNEL_SECTOR: usize = 0x5c;
const DRIVE_CHECK: usize = 0x66;

/// Where the first sector of `core.img` has the list of the others: first sector, how many, where to in memory.
const BLOCK_LIST: usize = 0x1f4;

/// What the list says of memory: the segment behind that of the first sector.
const SEGMENT: [u8; 2] = [0x20, 0x08];

/// As much of the MBR as a boot loader may have: partitions follow.
const BOOT_CODE: usize = 440;

/// Tells GRUB where the root is, and to go on with what is said there. For both firmwares.
pub fn find_root(root: Uuid) -> String {
    format!(
        "search --no-floppy --fs-uuid --set=root {root}\nset prefix=($root)/boot/grub\nconfigfile /boot/grub/grub.cfg\n"
    )
}

/// What a virtual machine's root folder says of its disk.
pub(crate) fn made(identifiers: Identifiers) -> Additions {
    let root = identifiers.root();
    let file = |content: String| New::File(0o644, content.into_bytes());
    Additions::from([
        (
            "etc/fstab".to_owned(),
            file(format!("UUID={root} / ext4 noatime,errors=remount-ro,x-systemd.growfs 0 1\n")),
        ),
        ("boot/grub/grub.cfg".to_owned(), file(menu(root))),
    ])
}

/// `/boot/grub/grub.cfg`.
///
/// The root is mounted read-only at first, so that it can be checked. Hypervisors show one of the two consoles.
pub fn menu(root: Uuid) -> String {
    let entry = |title: &str, suffix: &str| {
        format!(
            "menuentry \"{title}\" {{\n    linux /vmlinuz{suffix} root=UUID={root} ro console=tty0 console=ttyS0,115200\n    \
             initrd /initrd.img{suffix}\n}}\n"
        )
    };
    let mut text = String::from(
        "# How this machine starts, with BIOS and with UEFI. Nothing writes this file anew.\n\
         set timeout=2\n\
         if serial --unit=0 --speed=115200; then\n    \
         terminal_input console serial\n    terminal_output console serial\nfi\n",
    );
    text += &entry("Debian", "");
    // Debian's links to the kernel before the last upgrade: at first to the same one.
    text += "if [ -e /vmlinuz.old ]; then\n";
    text += &entry("Debian, with the kernel before the last upgrade", ".old");
    text += "fi\n";
    text
}

/// `boot.img` and `core.img`, told that `core.img` is at a byte of the disk and has some room there.
///
/// # Errors
/// If they are not what GRUB makes, or there is not enough room.
pub fn place(boot: &[u8], core: &[u8], start: u64, room: u64) -> Result<(Vec<u8>, Vec<u8>)> {
    let sector = SECTOR as usize;
    let is_boot = boot.len() == sector
        && boot[sector - 2..] == [0x55, 0xaa]
        && boot[KERNEL_SECTOR..KERNEL_SECTOR + 8] == 1u64.to_le_bytes()
        && boot[DRIVE_CHECK] == 0xeb;
    ensure!(is_boot, "boot.img is not GRUB's for a BIOS: take the one of grub-pc-bin");
    let is_core = core.len() > sector && core[BLOCK_LIST + 10..sector] == SEGMENT;
    ensure!(is_core, "core.img is not what grub-mkimage makes for i386-pc, or is cut off");
    ensure!(core.len() as u64 <= room, "core.img has {} bytes, and there is room for {room}", core.len());
    let first = start / SECTOR;

    let mut boot = boot[..BOOT_CODE].to_vec();
    boot[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&first.to_le_bytes());
    // Two instructions that do nothing instead of a jump over the check: some BIOSes say the wrong disk.
    boot[DRIVE_CHECK..DRIVE_CHECK + 2].copy_from_slice(&[0x90, 0x90]);

    let mut core = core.to_vec();
    let others = core.len().div_ceil(sector) - 1;
    core[BLOCK_LIST..BLOCK_LIST + 8].copy_from_slice(&(first + 1).to_le_bytes());
    core[BLOCK_LIST + 8..BLOCK_LIST + 10].copy_from_slice(&u16::try_from(others)?.to_le_bytes());
    Ok((boot, core))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What GRUB 2.12 has in the places that are looked at.
    fn images() -> (Vec<u8>, Vec<u8>) {
        let mut boot = vec![0xcc; 512];
        boot[KERNEL_SECTOR..KERNEL_SECTOR + 8].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        boot[DRIVE_CHECK..DRIVE_CHECK + 2].copy_from_slice(&[0xeb, 0x05]);
        boot[510..].copy_from_slice(&[0x55, 0xaa]);
        let mut core = vec![0xdd; 1300];
        core[BLOCK_LIST..512].copy_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x20, 8]);
        (boot, core)
    }

    /// Fails if: a BIOS would load anything else than the sectors that `core.img` is in.
    #[test]
    fn says_where_the_rest_is() {
        let (boot, core) = images();
        let (placed_boot, placed_core) = place(&boot, &core, 1 << 20, 1 << 20).unwrap();
        assert_eq!(placed_boot.len(), 440);
        assert_eq!(placed_boot[0x5c..0x68], [0, 8, 0, 0, 0, 0, 0, 0, 0xcc, 0xcc, 0x90, 0x90]);
        assert_eq!(placed_core[0x1f4..0x200], [1, 8, 0, 0, 0, 0, 0, 0, 2, 0, 0x20, 8]);
        // Nothing else changes.
        assert_eq!([&placed_boot[..0x5c], &placed_boot[0x68..]], [&boot[..0x5c], &boot[0x68..440]]);
        assert_eq!([&placed_core[..0x1f4], &placed_core[0x200..]], [&core[..0x1f4], &core[0x200..]]);
    }

    /// Fails if: a disk is made that does not start, because of a file that is damaged or something else.
    #[test]
    fn refuses_other_files() {
        let (boot, core) = images();
        let without = |bytes: &[u8], at: usize| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= 1;
            bytes
        };
        let cases = [
            (boot[..511].to_vec(), core.clone(), 2048, "boot.img"),
            (without(&boot, 510), core.clone(), 2048, "boot.img"),
            (without(&boot, 0x5c), core.clone(), 2048, "boot.img"),
            (without(&boot, 0x66), core.clone(), 2048, "boot.img"),
            (boot.clone(), core[..512].to_vec(), 2048, "core.img"),
            (boot.clone(), without(&core, 0x1ff), 2048, "core.img"),
            (boot.clone(), core.clone(), 1299, "room for 1299"),
        ];
        for (number, (boot, core, room, says)) in cases.into_iter().enumerate() {
            let error = place(&boot, &core, 1 << 20, room).expect_err(&number.to_string()).to_string();
            assert!(error.contains(says), "case {number}: {error}");
        }
    }

    /// Fails if: the loaders look for another root than the kernel does.
    #[test]
    fn names_one_root() {
        let root = Uuid::from_u128(0x1234);
        assert!(find_root(root).contains(&format!("--fs-uuid --set=root {root}\n")));
        assert_eq!(menu(root).matches(&format!("root=UUID={root} ro ")).count(), 2);
    }
}
