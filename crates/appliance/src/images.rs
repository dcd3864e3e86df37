//! The files that hypervisors take, of one disk: what the crate `disk-images` writes, with what people see of the machine.

use crate::root;
use anyhow::{Context, Result};
use disk_images::ova::{self, Appliance, Card, Firmware, System};
use disk_images::qcow2::{self, Compression};
use disk_images::{Disk, raw_zstd, vhd, vhdx};
use std::io::{Seek, Write};
use std::path::Path;

/// A format of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// QEMU, KVM, Proxmox.
    Qcow2,
    /// VMware, VirtualBox.
    Ova,
    /// Hyper-V of the first generation, Azure.
    Vhd,
    /// Hyper-V of the second generation.
    Vhdx,
    /// The disk itself, compressed, for whatever else there is.
    RawZst,
    /// The same, as programs that write cards know it by its name.
    ImgZst,
}

impl Format {
    /// The end of a file's name, and what the format is called.
    pub fn name(self) -> &'static str {
        match self {
            Format::Qcow2 => "qcow2",
            Format::Ova => "ova",
            Format::Vhd => "vhd",
            Format::Vhdx => "vhdx",
            Format::RawZst => "raw.zst",
            Format::ImgZst => "img.zst",
        }
    }
}

/// What people see of the machine.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The name of the machine and of the files in an OVA: letters, digits, `.`, `-` and `_`.
    pub name: &'a str,
    /// The product on it.
    pub product: &'a str,
    /// Who made it.
    pub vendor: &'a str,
    /// The product's version.
    pub version: &'a str,
}

/// Writes a disk in a format. Everything in it is dated at `epoch`, in seconds since 1970. What is thrown away goes into
/// the folder `work`.
///
/// # Errors
/// If the disk cannot be read, or the file not be written.
pub fn write(
    disk: &mut Disk,
    format: Format,
    about: &About<'_>,
    epoch: u32,
    work: &Path,
    out: &mut (impl Write + Seek),
) -> Result<()> {
    match format {
        Format::Qcow2 => qcow2::write(disk, Compression::Zstd, out)?,
        Format::Vhd => vhd::write(disk, epoch.into(), out)?,
        Format::Vhdx => vhdx::write(disk, out)?,
        Format::RawZst | Format::ImgZst => raw_zstd::write(disk, out)?,
        Format::Ova => {
            let mut scratch = tempfile::tempfile_in(work)
                .with_context(|| format!("making a file in {}", work.display()))?;
            let debian = format!("Debian {}", root::RELEASE);
            ova::write(&machine(about, &debian), disk, epoch.into(), &mut scratch, out)?;
        }
    }
    Ok(out.flush()?)
}

/// A machine that is large enough, with cards that Debian's kernel for clouds has drivers for.
fn machine<'a>(about: &About<'a>, debian: &'a str) -> Appliance<'a> {
    let About { name, product, vendor, version } = *about;
    Appliance {
        name,
        product,
        vendor,
        version,
        description: "Open the console after the first start: it asks how this machine is to be set up. Nobody has a \
                      password of it before.",
        processors: 2,
        memory: 1024,
        card: Card::Paravirtual,
        firmware: Firmware::SecureBoot,
        // VMware names Debian by the release that it was taught last.
        system: System { name: debian, cim: 96, vmware: "debian11_64Guest", virtualbox: "Debian_64" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a file is in another format than its name says, or something is left beside it.
    #[test]
    fn writes_what_the_name_says() {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk.raw");
        std::fs::write(&disk, vec![7; 4 << 20]).unwrap();
        let mut disk = Disk::open(&disk).unwrap();
        let about = About { name: "a-1", product: "A", vendor: "B", version: "1" };
        for (format, begins) in [
            (Format::Qcow2, &b"QFI\xfb"[..]),
            (Format::Ova, b"a-1.ovf\0"),
            (Format::Vhd, b"conectix"),
            (Format::Vhdx, b"vhdxfile"),
            (Format::RawZst, b"\x28\xb5\x2f\xfd"),
            (Format::ImgZst, b"\x28\xb5\x2f\xfd"),
        ] {
            let mut out = std::io::Cursor::new(Vec::new());
            write(&mut disk, format, &about, 1_700_000_000, folder.path(), &mut out).unwrap();
            assert!(out.into_inner().starts_with(begins), "{format:?}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
