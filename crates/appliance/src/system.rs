//! What an appliance is made for: a virtual machine, or a Raspberry Pi. Everything that differs between them is a row of
//! [`SYSTEMS`]; the steps are the same.

use crate::disk::{self, Identifiers, Making};
use crate::edit::Additions;
use crate::images::Format;
use crate::{boot, card};
use anyhow::{Context, Result};

/// A machine, and what its disk is made of.
#[derive(Debug)]
pub struct System {
    /// What rows of `artifacts.toml` call it.
    pub name: &'static str,
    /// What the files of its disks are called, behind the version.
    pub file: &'static str,
    /// Debian's name of its processor.
    pub architecture: &'static str,
    /// The name that Rust has for that.
    pub processor: &'static str,
    /// The parts of Debian's archive that its packages come from.
    pub components: &'static str,
    /// The files in `packaging/appliance`, without `.txt`, that list what is wanted.
    pub wanted: &'static [&'static str],
    /// The file in `packaging/appliance`, without `.lock`, that says what there is.
    pub lock: &'static str,
    /// The folders in `packaging/appliance` whose files come besides packages.
    pub files: &'static [&'static str],
    /// What its disk is written as.
    pub formats: &'static [Format],
    /// What comes besides these files, for a disk with such identifiers.
    pub(crate) made: fn(Identifiers) -> Additions,
    /// Makes its disk.
    pub(crate) make: fn(&Making<'_>) -> Result<()>,
}

/// Every system. The first one is also that of the programs which make disks.
pub static SYSTEMS: [System; 2] = [
    System {
        name: "virtual-machine",
        file: "appliance-amd64",
        architecture: "amd64",
        processor: "x86_64",
        components: "main",
        wanted: &["packages", "packages-virtual-machine"],
        lock: "packages",
        files: &["root", "virtual-machine"],
        formats: &[Format::Qcow2, Format::Ova, Format::Vhd, Format::Vhdx, Format::RawZst],
        made: boot::made,
        make: disk::make,
    },
    System {
        name: "raspberry-pi",
        file: "appliance-raspberry-pi-arm64",
        architecture: "arm64",
        processor: "aarch64",
        // What the board itself runs before Linux.
        components: "main non-free-firmware",
        wanted: &["packages", "packages-raspberry-pi"],
        lock: "packages-raspberry-pi",
        files: &["root", "raspberry-pi"],
        formats: &[Format::ImgZst],
        made: card::made,
        make: card::make,
    },
];

impl System {
    /// The system of that name.
    ///
    /// # Errors
    /// If there is none; the error says which there are.
    pub fn named(name: &str) -> Result<&'static System> {
        let found = SYSTEMS.iter().find(|system| system.name == name);
        found.with_context(|| {
            let names: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
            format!("there is no system {name}; take one of {}", names.join(", "))
        })
    }

    /// Its disk as a format, by the name of that.
    ///
    /// # Errors
    /// If it is not written so; the error says how it is.
    pub fn format(&self, name: &str) -> Result<Format> {
        let found = self.formats.iter().copied().find(|format| format.name() == name);
        found.with_context(|| {
            let names: Vec<&str> = self.formats.iter().map(|format| format.name()).collect();
            format!("there is no {name} for a {}; take one of {}", self.name, names.join(", "))
        })
    }

    /// Makes its disk.
    ///
    /// # Errors
    /// If a program fails or is not what is expected, or a file cannot be read or written.
    pub fn make_disk(&self, making: &Making<'_>) -> Result<()> {
        (self.make)(making)
    }

    /// Whether its programs run here as they are.
    pub fn is_native(&self) -> bool {
        self.processor == std::env::consts::ARCH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Fails if: two systems write one file or share a lock, or an error does not say what there is.
    #[test]
    fn are_told_apart() {
        let names: BTreeSet<[&str; 3]> = SYSTEMS.iter().map(|s| [s.name, s.file, s.lock]).collect();
        for position in 0..3 {
            let different: BTreeSet<&str> = names.iter().map(|name| name[position]).collect();
            assert_eq!(different.len(), SYSTEMS.len(), "{names:?}");
        }
        let error = System::named("toaster").unwrap_err().to_string();
        assert!(error.contains("virtual-machine, raspberry-pi"), "{error}");
        let error = System::named("raspberry-pi").unwrap().format("ova").unwrap_err().to_string();
        assert!(error.contains("no ova for a raspberry-pi; take one of img.zst"), "{error}");
    }
}
