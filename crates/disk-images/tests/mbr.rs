//! sfdisk reads the tables of partitions in an MBR that are written, and finds no fault in them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod common;

use common::{GIB, MIB, judge, text};
use disk_images::mbr::{Kind, Table};
use std::fs::File;

/// Fails if: sfdisk finds a fault, or other partitions than were wanted, also beyond what 31 bits of sectors can say.
#[test]
fn others_read_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk.raw");
    for last in [4 * MIB, 1500 * GIB] {
        let wanted = [(Kind::Fat32, 512 * MIB), (Kind::Linux, 2 * GIB), (Kind::Linux, last)];
        let table = Table::new(0x1234_abcd, &wanted).unwrap();
        let mut file = File::create(&path).unwrap();
        file.set_len(table.end()).unwrap();
        table.write(&mut file).unwrap();
        let verified = judge("fdisk", "sfdisk", &["--verify", text(&path)]);
        assert!(verified.contains("No errors detected."), "{verified}");
        let dumped = judge("fdisk", "sfdisk", &["--dump", text(&path)]);
        let mut start = 4 * MIB;
        assert!(dumped.contains("label: dos\nlabel-id: 0x1234abcd\n"), "{dumped}");
        for ((kind, length), partition) in wanted.into_iter().zip(table.partitions()) {
            assert_eq!((partition.start, partition.length), (start, length));
            let number = if kind == Kind::Fat32 { "c" } else { "83" };
            let line = format!("start={:>12}, size={:>12}, type={number}\n", start / 512, length / 512);
            assert!(dumped.contains(&line), "{line} is not in {dumped}");
            start += length;
        }
        assert_eq!(table.end(), start);
    }
}

/// Fails if: partitions are written that no reader can find.
#[test]
fn refuses_what_does_not_fit() {
    for (wanted, words) in [
        (vec![(Kind::Linux, 4 * MIB); 5], "5 partitions"),
        (vec![(Kind::Linux, 0)], "a partition of 0 bytes"),
        (vec![(Kind::Linux, 5 * MIB)], "use multiples of 4194304"),
        (vec![(Kind::Linux, 2048 * GIB)], "use a GPT"),
        (vec![(Kind::Linux, u64::MAX - u64::MAX % (4 * MIB))], "use a GPT"),
    ] {
        let error = Table::new(1, &wanted).expect_err(words).to_string();
        assert!(error.contains(words), "{error}");
    }
}
