//! OVA (`.ova`), for VMware and VirtualBox: a description of a virtual machine ([OVF]), digests, and the disk as a
//! [VMDK](crate::vmdk), in one tar.
//!
//! Specified in DMTF's [DSP0243], version 1.1. The digests are SHA-256, which vSphere 6.5, Workstation 14 and VirtualBox 5
//! and later check. The tar is in the format `ustar`, as the specification asks for, with the description first.
//!
//! # Cards and firmware
//!
//! VMware and VirtualBox do not offer the same. The description has what VMware takes (SATA, [`Card`], EFI by its own
//! `firmware`), and a part that only VirtualBox reads, which otherwise ignores the firmware and gives the machine a card of
//! its liking. A Linux needs drivers for both: Debian's kernel for clouds has those of VMXNET3 and virtio, and none of
//! E1000.
//!
//! [OVF]: https://www.dmtf.org/standards/ovf
//! [DSP0243]: https://www.dmtf.org/dsp/DSP0243

use crate::{Disk, Error, Result, ovf, vmdk};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Bytes in the largest file that a header of `ustar` can say.
const MOST: u64 = (8 << 30) - 1;

/// What a virtual machine is made of, and what people see of it.
#[derive(Clone, Debug)]
pub struct Appliance<'a> {
    /// The name of the machine and of the files: letters, digits, `.`, `-` and `_`.
    pub name: &'a str,
    /// The product in it.
    pub product: &'a str,
    /// Who made it.
    pub vendor: &'a str,
    /// The product's version.
    pub version: &'a str,
    /// What it is and what to do first, for whoever imports it.
    pub description: &'a str,
    /// Virtual processors.
    pub processors: u32,
    /// MiB of memory.
    pub memory: u32,
    /// The network card.
    pub card: Card,
    /// The firmware.
    pub firmware: Firmware,
    /// The operating system.
    pub system: System<'a>,
}

/// A network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    /// VMXNET3 on VMware, virtio on VirtualBox: fast, and in Debian's kernel for clouds.
    Paravirtual,
    /// Intel's 82545EM and 82540EM, which every other kernel has a driver for.
    E1000,
}

/// What starts the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firmware {
    /// A BIOS.
    Bios,
    /// UEFI.
    Uefi,
    /// UEFI that starts only what is signed; on VirtualBox, UEFI.
    SecureBoot,
}

/// An operating system, as each calls it.
#[derive(Clone, Copy, Debug)]
pub struct System<'a> {
    /// In words.
    pub name: &'a str,
    /// DMTF's number: 96 is Debian for x86_64.
    pub cim: u16,
    /// VMware's name, such as `debian11_64Guest`.
    pub vmware: &'a str,
    /// VirtualBox' name, such as `Debian_64`.
    pub virtualbox: &'a str,
}

/// Writes a disk and what is around it. `scratch`, which must be empty, takes the compressed disk, as the tar says its size
/// before it; `time` is that of the files, in seconds since 1970.
///
/// # Errors
/// If the disk cannot be read, or something does not fit the format, or `scratch` or `out` cannot be written.
pub fn write(
    appliance: &Appliance<'_>,
    disk: &mut Disk,
    time: u64,
    scratch: &mut (impl Read + Write + Seek),
    out: &mut impl Write,
) -> Result<()> {
    let name = appliance.name;
    let allowed = |sign: char| sign.is_ascii_alphanumeric() || "._-".contains(sign);
    // The names of the files are longer by a few, and a header of the tar has room for 100.
    if name.is_empty() || name.len() > 80 || name.starts_with(['.', '-']) || !name.chars().all(allowed) {
        return Err(Error::unfit(
            "OVA",
            format!("the name {name:?}; use letters, digits, ., - and _, at most 80"),
        ));
    }
    let files = [".ovf", ".mf", "-disk1.vmdk"].map(|end| format!("{name}{end}"));
    let [description_file, digests_file, disk_file] = &files;

    let mut counted = Counted { out: scratch, digest: Sha256::new(), length: 0 };
    vmdk::write(disk, disk_file, &mut counted)?;
    let (digest, length) = (counted.digest.finalize(), counted.length);
    if length > MOST {
        return Err(Error::unfit(
            "OVA",
            format!("a compressed disk of {length} bytes; the tar takes less than 8 GiB"),
        ));
    }
    let description = ovf::description(appliance, disk, disk_file, length)?;
    let digests = [(description_file, Sha256::digest(&description)), (disk_file, digest)];
    let mut listed = String::new();
    for (file, digest) in digests {
        let _ = write!(listed, "SHA256({file})= ");
        let _ = digest.iter().try_for_each(|byte| write!(listed, "{byte:02x}"));
        listed.push('\n');
    }

    scratch.seek(SeekFrom::Start(0))?;
    let mut tar = tar::Builder::new(out);
    append(&mut tar, description_file, time, description.len() as u64, description.as_bytes())?;
    append(&mut tar, digests_file, time, listed.len() as u64, listed.as_bytes())?;
    append(&mut tar, disk_file, time, length, scratch.take(length))?;
    tar.finish()?;
    Ok(())
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    file: &str,
    time: u64,
    length: u64,
    data: impl Read,
) -> Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(file)?;
    header.set_size(length);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(time);
    header.set_cksum();
    Ok(tar.append(&header, data)?)
}

/// Digests and counts what is written.
struct Counted<'a, W> {
    out: &'a mut W,
    digest: Sha256,
    length: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.digest.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
