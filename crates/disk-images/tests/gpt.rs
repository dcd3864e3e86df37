//! sgdisk and sfdisk read the tables of partitions that are written, and find no fault in them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod common;

use common::{GIB, MIB, judge, text};
use disk_images::gpt::{Kind, Table, Wanted};
use std::fs::{self, File};
use std::io::{Cursor, Read};
use uuid::{Uuid, uuid};

const SEED: Uuid = uuid!("5c1f8c53-0f6a-5d3c-9d2f-0123456789ab");

/// What a disk for BIOS and UEFI has.
const BOTH: [Wanted<'_>; 3] = [
    Wanted { kind: Kind::BiosBoot, name: "bios", length: Some(MIB) },
    Wanted { kind: Kind::EfiSystem, name: "esp", length: Some(16 * MIB) },
    Wanted { kind: Kind::LinuxRootX86_64, name: "Wurzel ü", length: None },
];

/// Fails if: sgdisk or sfdisk find a fault, or other partitions than were wanted, or the code for a BIOS is not there.
#[test]
fn others_read_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let code: Vec<u8> = (0..440).map(|at| at as u8).collect();
    // More than 2 TiB are more sectors than an MBR can say; the odd ones have no whole MiB at their end.
    for size in [8 * GIB, 20 * MIB, 64 * MIB + 512, 3 * 1024 * GIB + 7 * 512] {
        let path = folder.path().join("disk.raw");
        let mut file = File::create(&path).unwrap();
        file.set_len(size).unwrap();
        let table = Table::new(size, SEED, &BOTH).unwrap();
        table.write(&code, &mut file).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), size);

        let verified = judge("gdisk", "sgdisk", &["--verify", text(&path)]);
        assert!(verified.contains("No problems found."), "{size}: {verified}");
        let verified = judge("fdisk", "sfdisk", &["--verify", text(&path)]);
        assert!(verified.contains("No errors detected."), "{size}: {verified}");
        let dumped = judge("fdisk", "sfdisk", &["--dump", text(&path)]);
        let kinds = [
            "21686148-6449-6E6F-744E-656564454649",
            "C12A7328-F81F-11D2-BA4B-00A0C93EC93B",
            "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
        ];
        assert_eq!(table.partitions().len(), kinds.len());
        for ((partition, wanted), kind) in table.partitions().iter().zip(BOTH).zip(kinds) {
            let fields = [
                format!("start={:>12}, size={:>12}", partition.start / 512, partition.length / 512),
                format!("type={kind}"),
                format!("uuid={}", partition.identifier.to_string().to_uppercase()),
                // sfdisk writes all that is not ASCII so.
                format!("name=\"{}\"", wanted.name.replace('ü', "\\xc3\\xbc")),
            ];
            assert!(dumped.contains(&fields.join(", ")), "{size}: {fields:?} is not in {dumped}");
        }
        // All that is left, but for less than two MiB.
        let last = table.partitions().last().unwrap();
        assert!(last.start + last.length + 2 * MIB > size && last.start + last.length < size);

        let mut sector = [0; 512];
        File::open(&path).unwrap().read_exact(&mut sector).unwrap();
        assert!(sector[..440] == code && sector[510..] == [0x55, 0xaa]);
    }
}

/// Fails if: two disks of one seed differ, or those of two do not.
#[test]
fn identifiers_are_derived() {
    let bytes = |seed| {
        let mut disk = Cursor::new(Vec::new());
        Table::new(20 * MIB, seed, &BOTH).unwrap().write(&[], &mut disk).unwrap();
        disk.into_inner()
    };
    assert!(bytes(SEED) == bytes(SEED));
    assert!(bytes(SEED) != bytes(Uuid::nil()));
    let table = Table::new(20 * MIB, SEED, &BOTH).unwrap();
    let mut identifiers: Vec<Uuid> =
        table.partitions().iter().map(|partition| partition.identifier).collect();
    identifiers.dedup();
    assert_eq!(identifiers.len(), 3);
}

/// Fails if: partitions are laid over each other or over the tables, or a name is lost.
#[test]
fn refuses_what_does_not_fit() {
    let wanted = |name, length| Wanted { kind: Kind::Linux, name, length };
    let many: Vec<String> = (0..129).map(|number| number.to_string()).collect();
    let many: Vec<_> = many.iter().map(|name| wanted(name, Some(MIB))).collect();
    let long = "ü".repeat(37);
    for (size, partitions, words) in [
        (MIB + 100, vec![], "not whole sectors"),
        (2 * MIB, vec![], "it takes 3 MiB at least"),
        (
            18 * MIB,
            BOTH.to_vec(),
            "esp with 16777216 bytes; whole MiB are needed, and 15728640 bytes are left",
        ),
        (19 * MIB, BOTH.to_vec(), "Wurzel ü with 0 bytes"),
        (GIB, many, "129 partitions"),
        (GIB, vec![wanted("a", Some(MIB)), wanted("a", None)], "a partition named \"a\""),
        (GIB, vec![wanted("", None)], "a partition named \"\""),
        (GIB, vec![wanted(&long, None)], "names have 1 to 36 characters"),
        (GIB, vec![wanted("a", None), wanted("b", Some(MIB))], "a without a length"),
        (GIB, vec![wanted("a", Some(1000))], "whole MiB are needed"),
        (GIB, vec![wanted("a", Some(u64::MAX / MIB * MIB))], "bytes are left"),
    ] {
        let error = Table::new(size, SEED, &partitions).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
    let table = Table::new(20 * MIB, SEED, &BOTH).unwrap();
    let error = table.write(&[0; 441], &mut Cursor::new(Vec::new())).unwrap_err().to_string();
    assert!(error.contains("441 bytes in its MBR"), "{error}");
}
