//! `unlisted.toml`: what is in the programs and cargo does not know of, such as the C library that zig links. A table,
//! for nothing on the way says it in a form that a program could read.

use super::bill::{Component, cargo_purl};
use anyhow::{Context, Result};
use packager::Os;
use serde::Deserialize;

/// The table.
const TABLE: &str = include_str!("unlisted.toml");

/// The licence texts that it names.
const TEXTS: &[(&str, &str)] = &[
    ("compiler-builtins.txt", include_str!("texts/compiler-builtins.txt")),
    ("libm.txt", include_str!("texts/libm.txt")),
    ("llvm.txt", include_str!("texts/llvm.txt")),
    ("mingw-w64.txt", include_str!("texts/mingw-w64.txt")),
    ("musl.txt", include_str!("texts/musl.txt")),
    ("rust.txt", include_str!("texts/rust.txt")),
    ("sqlite.txt", include_str!("texts/sqlite.txt")),
    ("zig.txt", include_str!("texts/zig.txt")),
];

/// The rows.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unlisted {
    #[serde(rename = "component")]
    pub(super) components: Vec<Row>,
}

/// A row; `unlisted.toml` says what its keys mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) license: String,
    #[serde(default)]
    systems: Vec<Os>,
    pub(super) of: Option<String>,
    texts: Vec<String>,
    description: Option<String>,
    homepage: Option<String>,
    purl: Option<String>,
    cpe: Option<String>,
    checksum: Option<String>,
}

impl Unlisted {
    /// The table.
    ///
    /// # Errors
    /// If it is damaged.
    pub(super) fn read() -> Result<Unlisted> {
        toml::from_str(TABLE).context("reading unlisted.toml")
    }

    /// What is in programs for a system.
    pub(super) fn on(&self, os: Os) -> impl Iterator<Item = &Row> {
        self.components.iter().filter(move |row| row.systems.is_empty() || row.systems.contains(&os))
    }
}

impl Row {
    /// Its package URL.
    pub(super) fn purl(&self) -> String {
        self.purl.clone().unwrap_or_else(|| cargo_purl(&self.name, &self.version))
    }

    /// The component.
    pub(super) fn component(&self) -> Component {
        Component {
            name: self.name.clone(),
            version: self.version.clone(),
            license: self.license.clone(),
            purl: self.purl(),
            cpe: self.cpe.clone(),
            sha256: self.checksum.clone(),
            description: self.description.clone(),
            url: self.homepage.clone(),
            is_ours: false,
        }
    }

    /// Its licence texts.
    ///
    /// # Errors
    /// If one is not there.
    pub(super) fn texts(&self) -> Result<Vec<&'static str>> {
        let find = |name: &String| {
            let found = TEXTS.iter().find(|(known, _)| known == name);
            found
                .map(|(_, text)| *text)
                .with_context(|| format!("unlisted.toml names {name}, which is not there"))
        };
        self.texts.iter().map(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::bill::tests::checkout;
    use std::fs;

    /// Fails if: a row names a text or a component that is not there, or something is there for nothing.
    #[test]
    fn rows_are_whole() {
        let unlisted = Unlisted::read().unwrap();
        for row in &unlisted.components {
            assert!(!row.texts().unwrap().is_empty(), "{}", row.name);
            assert!(row.purl.is_some() != row.checksum.is_some(), "{}: a package URL, or a crate", row.name);
            for place in [row.purl.clone(), row.cpe.clone()].into_iter().flatten() {
                assert!(place.contains(&row.version), "{place} does not have the version {}", row.version);
            }
        }
        for (name, _) in TEXTS {
            let used = unlisted.components.iter().any(|row| row.texts.iter().any(|text| text == name));
            assert!(used, "{name} belongs to nothing");
        }
    }

    /// Fails if: the table has another version of zig or of Rust than the programs are built with. Those of what zig
    /// brings are compared with zig itself by the suite `describe`.
    #[test]
    fn versions_are_those_of_the_toolchain() {
        let pins = |file: &str| fs::read_to_string(checkout().join(file)).unwrap();
        let unlisted = Unlisted::read().unwrap();
        for (name, file, pin) in [
            ("zig", "xtask/src/toolchain/requirements.txt", "ziglang=={} "),
            ("rust-std", "rust-toolchain.toml", "channel = \"{}\""),
        ] {
            let row = unlisted.components.iter().find(|row| row.name == name).unwrap();
            let pin = pin.replace("{}", &row.version);
            assert!(pins(file).contains(&pin), "unlisted.toml: {name} is no longer {}: {file}", row.version);
        }
    }
}
