//! QEMU and the libraries of forensics read every format, and find the disk in it that it was made of.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod common;

use common::{KIB, MIB, Sample, TIME, judge, samples, text, uneven};
use disk_images::qcow2::Compression;
use disk_images::{Disk, Result, qcow2, raw_zstd, vhd, vhdx, vmdk};
use std::fs::{self, File};
use std::path::Path;

/// A format, and who judges it.
struct Format {
    /// The end of the file's name.
    end: &'static str,
    /// What QEMU calls it.
    qemu: &'static str,
    /// Whether `qemu-img check` knows it.
    checked: bool,
    /// A second judge, and what it says before the size.
    second: Option<(&'static str, &'static str)>,
    /// Whether it takes disks of any number of sectors.
    uneven: bool,
    write: fn(&mut Disk, &mut File) -> Result<()>,
}

const FORMATS: [Format; 5] = [
    Format {
        end: "deflate.qcow2",
        qemu: "qcow2",
        checked: true,
        second: Some(("qcowinfo", "libqcow-utils")),
        uneven: true,
        write: |disk, out| qcow2::write(disk, Compression::Deflate, out),
    },
    Format {
        end: "zstd.qcow2",
        qemu: "qcow2",
        checked: true,
        second: None,
        uneven: true,
        write: |disk, out| qcow2::write(disk, Compression::Zstd, out),
    },
    Format {
        end: "vhd",
        qemu: "vpc",
        checked: false,
        second: Some(("vhdiinfo", "libvhdi-utils")),
        uneven: false,
        write: |disk, out| vhd::write(disk, TIME, out),
    },
    Format {
        end: "vhdx",
        qemu: "vhdx",
        checked: true,
        second: Some(("vhdiinfo", "libvhdi-utils")),
        uneven: true,
        write: |disk, out| vhdx::write(disk, out),
    },
    Format {
        end: "vmdk",
        qemu: "vmdk",
        checked: true,
        second: Some(("vmdkinfo", "libvmdk-utils")),
        uneven: false,
        write: |disk, out| vmdk::write(disk, "image.vmdk", out),
    },
];

/// Fails if: QEMU or a second program finds another disk in an image, another size, or a fault.
#[test]
fn others_find_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for sample in samples().into_iter().chain([uneven()]) {
        let raw = sample.file(folder);
        for format in FORMATS.iter().filter(|format| format.uneven || sample.name != "uneven") {
            // By this name, as the description in a VMDK has it.
            let image = folder.join(format!("image.{}", format.end.rsplit('.').next().unwrap()));
            let mut out = File::create(&image).unwrap();
            (format.write)(&mut Disk::open(&raw).unwrap(), &mut out).unwrap();
            judged(&sample, format, &raw, &image);
            fs::remove_file(&image).unwrap();
        }
        fs::remove_file(raw).unwrap();
    }
}

fn judged(sample: &Sample, format: &Format, raw: &Path, image: &Path) {
    let what = format!("{} as {}", sample.name, format.end);
    let qemu = |arguments: &[&str]| judge("qemu-utils", "qemu-img", arguments);
    if format.checked {
        qemu(&["check", "-f", format.qemu, text(image)]);
    }
    let about = qemu(&["info", "--output=json", "-f", format.qemu, text(image)]);
    assert!(about.contains(&format!("\"virtual-size\": {},", sample.size)), "{what}: {about}");
    if sample.size < 100 * MIB {
        let back = image.with_extension("back");
        qemu(&["convert", "-f", format.qemu, "-O", "raw", text(image), text(&back)]);
        assert!(fs::read(&back).unwrap() == fs::read(raw).unwrap(), "{what}");
    } else {
        same_around_pieces(sample, format, raw, image);
    }
    if let Some((program, package)) = format.second {
        let about = judge(package, program, &[text(image)]);
        let size = about.lines().find(|line| line.to_lowercase().contains("media size")).unwrap_or_default();
        let size = size.split_once(':').unwrap_or_default().1.trim();
        let expected = [format!("({} bytes)", sample.size), format!("{} bytes", sample.size)];
        assert!(expected.iter().any(|expected| size.ends_with(expected.as_str())), "{what}: {about}");
    }
}

/// Compares a large disk with its image; where QEMU knows of no holes and reads everything, what is around each piece.
fn same_around_pieces(sample: &Sample, format: &Format, raw: &Path, image: &Path) {
    let all = [(0, sample.size)];
    let around: Vec<(u64, u64)> =
        sample.pieces.iter().map(|(place, _)| ((place / MIB).saturating_sub(1) * MIB, 3 * MIB)).collect();
    for (start, length) in if format.qemu == "vhdx" { &around[..] } else { &all } {
        let length = (*length).min(sample.size - start);
        let part = |driver: &str, file: &Path| {
            let file = format!(r#"{{"driver": "file", "filename": "{}"}}"#, text(file));
            let image = format!(r#"{{"driver": "{driver}", "file": {file}}}"#);
            format!(r#"json:{{"driver": "raw", "offset": {start}, "size": {length}, "file": {image}}}"#)
        };
        let compared =
            judge("qemu-utils", "qemu-img", &["compare", &part("raw", raw), &part(format.qemu, image)]);
        assert!(compared.contains("Images are identical."), "{}, {start}: {compared}", format.end);
    }
}

/// Fails if: an image of nothing takes room for what is not there.
#[test]
fn zeros_take_no_room() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Sample { name: "zeros", size: 64 * MIB, pieces: vec![(0, vec![0; 20 * MIB as usize])] };
    let raw = sample.file(folder.path());
    for format in &FORMATS {
        let image = folder.path().join("image");
        (format.write)(&mut Disk::open(&raw).unwrap(), &mut File::create(&image).unwrap()).unwrap();
        let length = fs::metadata(&image).unwrap().len();
        assert!(length <= 4 * MIB, "nothing became {length} bytes as {}", format.end);
    }
}

/// Fails if: zstd gives another disk back, or a frame says neither its size nor a checksum.
#[test]
fn zstd_gives_the_disk_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for sample in samples().into_iter().filter(|sample| sample.size < 100 * MIB).chain([uneven()]) {
        let raw = sample.file(folder);
        let (image, back) = (folder.join("image.raw.zst"), folder.join("back.raw"));
        raw_zstd::write(&mut Disk::open(&raw).unwrap(), &mut File::create(&image).unwrap()).unwrap();
        judge("zstd", "zstd", &["--decompress", "--quiet", "--force", text(&image), "-o", text(&back)]);
        assert!(fs::read(&back).unwrap() == fs::read(&raw).unwrap(), "{}", sample.name);
        let about = judge("zstd", "zstd", &["--list", "--verbose", text(&image)]);
        assert!(about.contains(&format!("({} B)", sample.size)) && about.contains("XXH64"), "{about}");
    }
}

/// Fails if: text is stored as large as it is, or noise much larger.
#[test]
fn compresses() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = common::words(4 * MIB as usize);
    let noise = common::noise(4 * MIB as usize);
    for (name, bytes, most) in [("text", text, MIB), ("noise", noise, 4 * MIB + 512 * KIB)] {
        let sample = Sample { name, size: 4 * MIB, pieces: vec![(0, bytes)] };
        let raw = sample.file(folder);
        for format in FORMATS.iter().filter(|format| !format.end.starts_with("vhd")) {
            let image = folder.join("image");
            let mut out = File::create(&image).unwrap();
            (format.write)(&mut Disk::open(&raw).unwrap(), &mut out).unwrap();
            let length = fs::metadata(&image).unwrap().len();
            assert!(length < most, "{name} became {length} bytes as {}", format.end);
        }
    }
}

/// Fails if: an image says something else when the file of its disk has holes elsewhere, is another file, or is written
/// again; or the same of a disk that differs in one bit.
#[test]
fn depends_on_the_disk_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let sample = samples().into_iter().find(|sample| sample.name == "mixed").unwrap();
    let sparse = sample.file(folder);
    let whole = folder.join("whole.raw");
    let mut bytes = fs::read(&sparse).unwrap();
    fs::write(&whole, &bytes).unwrap();
    bytes[20 * MIB as usize] ^= 1;
    let other = folder.join("other.raw");
    fs::write(&other, &bytes).unwrap();
    let write_zstd: fn(&mut Disk, &mut File) -> Result<()> = |disk, out| raw_zstd::write(disk, out);
    for (end, write) in FORMATS.iter().map(|format| (format.end, format.write)).chain([("zst", write_zstd)]) {
        let made = |raw: &Path| {
            let image = folder.join("image");
            write(&mut Disk::open(raw).unwrap(), &mut File::create(&image).unwrap()).unwrap();
            fs::read(&image).unwrap()
        };
        let first = made(&sparse);
        assert!(first == made(&whole), "{end} depends on holes");
        assert!(first == made(&sparse), "{end} differs the second time");
        let other = made(&other);
        assert!(first != other, "{end} is the same for another disk");
        // Where each has its identifiers.
        let identifiers: &[(usize, usize)] = match end {
            "vhd" => &[(68, 84)],
            "vhdx" => &[(0x1_0010, 0x1_0020), (0x1_0020, 0x1_0030)],
            "vmdk" => &[(512 + 36, 512 + 44)],
            _ => &[],
        };
        for &(start, end_of) in identifiers {
            assert!(first[start..end_of] != other[start..end_of], "{end} has the same at {start}");
        }
    }
}
