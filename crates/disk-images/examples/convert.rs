//! Makes an image of a disk, of the kind that the name of the image says, and tells how long it took:
//!
//! ```text
//! cargo run -p disk-images --example convert -- disk.raw disk.qcow2
//! ```

use disk_images::ova::{Appliance, Card, Firmware, System};
use disk_images::qcow2::Compression;
use disk_images::{Disk, ova, qcow2, raw_zstd, vhd, vhdx, vmdk};
use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::time::Instant;

/// 2026-01-01.
const TIME: u64 = 1_767_225_600;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [raw, image] = &*arguments else { return Err("usage: convert DISK IMAGE".into()) };
    let (started, path) = (Instant::now(), Path::new(image));
    let name = path.file_name().and_then(|name| name.to_str()).ok_or("the image has no name")?;
    let (stem, kind) = name.split_once('.').ok_or("the image has no kind")?;
    let mut disk = Disk::open(Path::new(raw))?;
    let mut out = File::create(path)?;
    match kind {
        "qcow2" => qcow2::write(&mut disk, Compression::Zstd, &mut out)?,
        "deflate.qcow2" => qcow2::write(&mut disk, Compression::Deflate, &mut out)?,
        "vhd" => vhd::write(&mut disk, TIME, &mut out)?,
        "vhdx" => vhdx::write(&mut disk, &mut out)?,
        "vmdk" => vmdk::write(&mut disk, name, &mut out)?,
        "raw.zst" => raw_zstd::write(&mut disk, &mut out)?,
        "ova" => {
            let system =
                System { name: "Debian 13", cim: 96, vmware: "debian11_64Guest", virtualbox: "Debian_64" };
            let appliance = Appliance {
                name: stem,
                product: "Example",
                vendor: "Example",
                version: "1.0.0",
                description: "An example",
                processors: 2,
                memory: 1024,
                card: Card::Paravirtual,
                firmware: Firmware::Uefi,
                system,
            };
            ova::write(&appliance, &mut disk, TIME, &mut tempfile::tempfile()?, &mut out)?;
        }
        other => return Err(format!("{other} is no kind of image").into()),
    }
    println!("{image}: {} bytes in {:.1} s", out.metadata()?.len(), started.elapsed().as_secs_f64());
    Ok(())
}
