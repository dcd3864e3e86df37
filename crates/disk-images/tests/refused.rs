//! What cannot become an image is refused with a sentence that says what is wrong, and with which file.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod common;

use common::{MIB, Sample, TIME, noise};
use disk_images::qcow2::Compression;
use disk_images::{Disk, Error, Result, qcow2, raw_zstd, vhd, vhdx, vmdk};
use std::fs::{self, File};
use std::io::Cursor;

/// Fails if: a file that is no disk is taken for one, or the refusal does not name it.
#[test]
fn no_disks() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("nothing.raw"), "").unwrap();
    fs::write(folder.join("cut-off.raw"), [1; 1000]).unwrap();
    fs::create_dir(folder.join("folder.raw")).unwrap();
    for (name, words) in [
        ("nothing.raw", "it is empty"),
        ("cut-off.raw", "its 1000 bytes are not whole sectors of 512; is it cut off, or compressed?"),
        ("folder.raw", "not a regular file"),
        ("missing.raw", "No such file"),
    ] {
        let error = Disk::open(&folder.join(name)).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(words), "{error}");
    }
}

/// Fails if: an image is made of a disk that somebody cuts off meanwhile.
#[test]
fn disks_that_become_shorter() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Sample { name: "shrinks", size: 8 * MIB, pieces: vec![(0, noise(8 << 20))] };
    type Write = fn(&mut Disk) -> Result<()>;
    let writes: [(&str, Write); 5] = [
        ("qcow2", |disk| qcow2::write(disk, Compression::Zstd, &mut Cursor::new(Vec::new()))),
        ("vhd", |disk| vhd::write(disk, TIME, &mut Cursor::new(Vec::new()))),
        ("vhdx", |disk| vhdx::write(disk, &mut Cursor::new(Vec::new()))),
        ("vmdk", |disk| vmdk::write(disk, "x.vmdk", &mut Vec::new())),
        ("zst", |disk| raw_zstd::write(disk, &mut Vec::new())),
    ];
    for (format, write) in writes {
        // In the middle of a piece, and between two.
        for length in [5 * MIB + 100, 4 * MIB] {
            let file = sample.file(folder.path());
            let mut disk = Disk::open(&file).unwrap();
            File::options().write(true).open(&file).unwrap().set_len(length).unwrap();
            let error = write(&mut disk).unwrap_err();
            assert!(matches!(error, Error::Disk { .. }), "{format}: {error}");
            assert!(error.to_string().contains("is shorter now"), "{format}: {error}");
        }
    }
}

/// Fails if: a format takes what it cannot hold, or what those who read it refuse.
#[test]
fn what_does_not_fit() {
    let folder = tempfile::tempdir().unwrap();
    let of_size = |size| Sample { name: "size", size, pieces: vec![] }.open(folder.path());
    let vhd = |size, time| vhd::write(&mut of_size(size), time, &mut Cursor::new(Vec::new()));
    let vmdk = |size, file: &str| vmdk::write(&mut of_size(size), file, &mut Vec::new());
    for (result, words) in [
        (vhd(MIB + 512, TIME), "Azure takes whole MiB only"),
        (vhd((2040 << 30) + MIB, TIME), "more than 2040 GiB; use VHDX"),
        (vhd(MIB, 0), "a time outside of 2000 to 2136"),
        (vhd(MIB, 946_684_800 + (1 << 32)), "a time outside of 2000 to 2136"),
        (vmdk(MIB + 512, "x.vmdk"), "not whole grains of 64 KiB"),
        (vmdk((2 << 40) + MIB, "x.vmdk"), "more than 2 TiB"),
        (vmdk(MIB, ""), "the file name \"\""),
        (vmdk(MIB, "a\"b.vmdk"), "use letters"),
        (vmdk(MIB, "a\nb.vmdk"), "use letters"),
        (vmdk(MIB, "../b.vmdk"), "use letters"),
        (vmdk(MIB, &"x".repeat(20_000)), "a file name of 20000 bytes"),
    ] {
        let error = result.expect_err(words);
        assert!(matches!(error, Error::Unfit { .. }) && error.to_string().contains(words), "{error}");
    }
    vhd(MIB, 946_684_800).unwrap();
    vmdk(64 * 1024, "x.vmdk").unwrap();
}
