//! What the tests share: disks to make images of, and programs of others that judge these.

#![allow(dead_code)] // Each test takes a part.
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use disk_images::Disk;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const KIB: u64 = 1024;
pub(crate) const MIB: u64 = 1024 * KIB;
pub(crate) const GIB: u64 = 1024 * MIB;

/// 2026-01-02T03:04:05Z.
pub(crate) const TIME: u64 = 1_767_323_045;

/// What a program of another project says, once it has ended well.
///
/// # Panics
/// If it is missing or fails.
pub(crate) fn judge(package: &str, program: &str, arguments: &[&str]) -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    // Debian has some of them where administrators' programs are.
    command.args(arguments).env("PATH", format!("{path}:/usr/sbin:/sbin")).env("LC_ALL", "C.UTF-8");
    let output = command.output();
    let output =
        output.unwrap_or_else(|error| panic!("{program} (Debian: {package}) cannot be run: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}{complaint}", arguments.join(" "));
    said
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A disk to make images of.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) size: u64,
    /// What is where; the rest are holes.
    pub(crate) pieces: Vec<(u64, Vec<u8>)>,
}

impl Sample {
    /// The file of the disk.
    pub(crate) fn file(&self, folder: &Path) -> PathBuf {
        let path = folder.join(format!("{}.raw", self.name));
        let mut file = File::create(&path).unwrap();
        file.set_len(self.size).unwrap();
        for (place, bytes) in &self.pieces {
            file.seek(SeekFrom::Start(*place)).unwrap();
            file.write_all(bytes).unwrap();
        }
        path
    }

    pub(crate) fn open(&self, folder: &Path) -> Disk {
        Disk::open(&self.file(folder)).unwrap()
    }
}

/// Disks that every format takes: one for each border that formats have.
pub(crate) fn samples() -> Vec<Sample> {
    let sample = |name, size, pieces| Sample { name, size, pieces };
    let words = |length: u64| words(length as usize);
    let noise = |length: u64| noise(length as usize);
    vec![
        sample("empty", 64 * MIB, vec![]),
        // Its last block is half of one, for formats with blocks of 2 MiB.
        sample("last-sector", 5 * MIB, vec![(5 * MIB - 512, noise(512))]),
        sample("full-of-noise", 6 * MIB, vec![(0, noise(6 * MIB))]),
        // What gets smaller beside what does not, in pieces that no border agrees with; and zeros that are no hole.
        sample(
            "mixed",
            37 * MIB,
            (0..40)
                .map(|n| {
                    (n * 700 * KIB + n * 512, if n % 3 == 0 { noise(300 * KIB) } else { words(200 * KIB) })
                })
                .chain([(30 * MIB, vec![0; 3 * MIB as usize]), (36 * MIB + 1, vec![1])])
                .collect(),
        ),
        // Tables of the second level cover 512 MiB in QCOW2 and 32 MiB in VMDK, and the rows of VHDX 4 GiB, where 32 bits
        // end, too.
        sample(
            "over-borders",
            4 * GIB + 3 * MIB,
            [32 * MIB, 512 * MIB, 2 * GIB, 4 * GIB]
                .map(|border| (border - 70 * KIB, words(150 * KIB)))
                .into_iter()
                .chain([(4 * GIB + 3 * MIB - 5, b"end.\n".to_vec())])
                .collect(),
        ),
    ]
}

/// A disk whose size agrees with sectors only, which VHD and VMDK do not take.
pub(crate) fn uneven() -> Sample {
    let size = 3 * MIB + 512;
    Sample { name: "uneven", size, pieces: vec![(0, words(5000)), (size - 512, noise(512))] }
}

/// Bytes that get smaller by any compression.
pub(crate) fn words(length: usize) -> Vec<u8> {
    let line =
        |number: usize| format!("line {number} of a text that is not the same everywhere\n").into_bytes();
    (0..).flat_map(line).take(length).collect()
}

/// Bytes that no compression makes smaller, always the same.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}
