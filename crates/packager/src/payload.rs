//! What goes into one package: a sorted list of entries.

use crate::authorities;
use crate::digest::{self, Inputs};
use crate::product::{PayloadRow, RowKind, Script};
use crate::programs::Programs;
use crate::{Platform, Product};
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The entries of one package, sorted by path, parents before children.
#[derive(Clone, Debug)]
pub struct Payload {
    entries: Vec<Entry>,
}

/// One entry of a package.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Path below the root of the format, with `/` between parts and none at the ends. The root is `/`
    /// for DEB and RPM, the top folder for archives, the installation folder for MSI.
    pub path: String,
    /// What the entry is.
    pub kind: Kind,
    /// Unix permission bits, such as `0o755`.
    pub mode: u32,
    /// Unix owner.
    pub owner: Owner,
}

/// What an entry is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// The program itself.
    Program(Source),
    /// What runs while the package is installed: the DLL of an MSI's custom actions. It is built with the
    /// program and lies beside it.
    Actions(Source),
    /// What an AppImage begins with, before its payload. It is built with the program and lies beside it.
    Runtime(Source),
    /// Something to read, such as installation notes.
    Document(Source),
    /// The licence.
    License(Source),
    /// A manual page in roff. DEB and RPM compress it, as their policies ask.
    Manual(Source),
    /// Any other file: units, completions.
    File(Source),
    /// A folder that the package owns.
    Directory,
    /// A symbolic link and what it points to.
    Link(String),
}

/// Where the content of a file comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file of the building machine; its name, times and owner do not matter.
    Path(PathBuf),
    /// Content that was made for the package.
    Bytes(Vec<u8>),
}

/// A finished artifact that another one is made of.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its name, as in `artifacts.toml`.
    pub name: String,
    /// The name of its file.
    pub file_name: String,
    /// The file.
    pub source: Source,
}

impl Part {
    /// The artifact `name`, which is the file `path`.
    pub fn new(name: &str, path: PathBuf) -> Part {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Part { name: name.to_owned(), file_name, source: Source::Path(path) }
    }

    /// Adds it to a digest; where it lies does not matter.
    pub(crate) fn digest(&self, inputs: Inputs) -> Result<Inputs> {
        Ok(inputs.value(&self.name, &self.file_name).value("content", &self.source.sha256()?))
    }
}

/// A Unix owner by names, so that packages do not depend on numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// User name.
    pub user: String,
    /// Group name.
    pub group: String,
}

impl Source {
    /// The content.
    ///
    /// # Errors
    /// If the file cannot be read; the error names it.
    pub fn read(&self) -> Result<Vec<u8>> {
        match self {
            Source::Bytes(bytes) => Ok(bytes.clone()),
            Source::Path(path) => {
                ensure!(path.is_file(), "{} is not a file; a package needs it", path.display());
                std::fs::read(path).with_context(|| format!("reading {}", path.display()))
            }
        }
    }

    /// SHA-256 of the content, hexadecimal.
    pub(crate) fn sha256(&self) -> Result<String> {
        Ok(digest::sha256(&self.read()?))
    }
}

impl Kind {
    /// The name in manifests.
    fn name(&self) -> &'static str {
        match self {
            Kind::Program(_) => "program",
            Kind::Actions(_) => "actions",
            Kind::Runtime(_) => "runtime",
            Kind::Document(_) => "document",
            Kind::License(_) => "license",
            Kind::Manual(_) => "manual",
            Kind::File(_) => "file",
            Kind::Directory => "directory",
            Kind::Link(_) => "link",
        }
    }
}

impl Owner {
    /// `root:root`.
    pub fn root() -> Owner {
        Owner { user: "root".to_owned(), group: "root".to_owned() }
    }
}

impl Entry {
    /// A folder that root owns and everyone may read.
    pub fn root_folder(path: impl Into<String>) -> Entry {
        Entry { path: path.into(), kind: Kind::Directory, mode: 0o755, owner: Owner::root() }
    }

    /// A file that root owns and everyone may read.
    pub fn root_file(path: impl Into<String>, kind: Kind) -> Entry {
        Entry { path: path.into(), kind, mode: 0o644, owner: Owner::root() }
    }

    /// The source of a file, or nothing for folders and links.
    pub fn source(&self) -> Option<&Source> {
        match &self.kind {
            Kind::Program(source)
            | Kind::Actions(source)
            | Kind::Runtime(source)
            | Kind::Document(source)
            | Kind::License(source)
            | Kind::Manual(source)
            | Kind::File(source) => Some(source),
            Kind::Directory | Kind::Link(_) => None,
        }
    }
}

impl Payload {
    /// The payload of one format for one platform: the manifest's rows for that format, with programs from `programs`.
    ///
    /// # Errors
    /// If a row is malformed, two rows claim one path, a program is missing or is none, or no file matches a row's
    /// pattern.
    pub fn resolve(
        product: &Product,
        format: &str,
        platform: &Platform,
        programs: &Programs,
    ) -> Result<Payload> {
        let mut entries = Vec::new();
        for row in product.payload_rows().iter().filter(|row| row.is_for(format, platform)) {
            let doing = || format!("payload entry {:?} of the product manifest", row.path);
            for row in row.expand(product).with_context(doing)? {
                entries.push(resolve_row(product, &row, platform, programs).with_context(doing)?);
            }
        }
        Payload::new(entries)
    }

    /// Nothing: for what is made of other artifacts alone.
    pub(crate) fn none() -> Payload {
        Payload { entries: Vec::new() }
    }

    /// A payload of the given entries.
    ///
    /// # Errors
    /// If there are none, or two have the same path.
    pub fn new(mut entries: Vec<Entry>) -> Result<Payload> {
        ensure!(
            !entries.is_empty(),
            "the payload is empty: the product manifest names no entry for this format"
        );
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        for pair in entries.windows(2) {
            ensure!(pair[0].path != pair[1].path, "two payload entries have the path {:?}", pair[0].path);
        }
        Ok(Payload { entries })
    }

    /// The entries, sorted by path.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The payload with every folder that leads to an entry, as archives that are unpacked in order need.
    #[must_use]
    pub fn with_parents(&self) -> Payload {
        let mut entries: BTreeMap<String, Entry> =
            self.entries.iter().map(|entry| (entry.path.clone(), entry.clone())).collect();
        for entry in &self.entries {
            for (end, _) in entry.path.match_indices('/') {
                let parent = &entry.path[..end];
                entries.entry(parent.to_owned()).or_insert_with(|| Entry::root_folder(parent));
            }
        }
        Payload { entries: entries.into_values().collect() }
    }

    /// Adds every entry and its content to a digest; where the content lies does not matter.
    pub(crate) fn digest(&self, inputs: Inputs) -> Result<Inputs> {
        self.entries.iter().try_fold(inputs, |inputs, entry| {
            let Owner { user, group } = &entry.owner;
            let content = match &entry.kind {
                Kind::Link(target) => target.clone(),
                _ => entry.source().map(Source::sha256).transpose()?.unwrap_or_default(),
            };
            let kind = entry.kind.name();
            let facts = format!("{kind} {:o} {user}:{group}", entry.mode);
            Ok(inputs.value("path", &entry.path).value(&facts, &content))
        })
    }

    /// The program.
    ///
    /// # Errors
    /// If there is not exactly one.
    pub fn program(&self) -> Result<&Entry> {
        self.only("program")
    }

    /// The one entry of a kind.
    ///
    /// # Errors
    /// If there is not exactly one.
    pub(crate) fn only(&self, kind: &str) -> Result<&Entry> {
        let mut entries = self.entries.iter().filter(|entry| entry.kind.name() == kind);
        match (entries.next(), entries.next()) {
            (Some(entry), None) => Ok(entry),
            _ => bail!("a payload needs exactly one entry of kind {kind:?}"),
        }
    }
}

fn resolve_row(
    product: &Product,
    row: &PayloadRow,
    platform: &Platform,
    programs: &Programs,
) -> Result<Entry> {
    let suffix = platform.os().exe_suffix();
    let path = row.path.replace("{exe}", suffix);
    let clean =
        |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0', ':']);
    ensure!(path.split('/').all(clean), "a path is relative, with '/' between its parts and no '..'");

    let source = || -> Result<Source> {
        match row.source.as_ref().context("a source is missing")? {
            Script::File(relative) => Ok(Source::Path(product.file(relative))),
            script @ Script::Files(_) => Ok(Source::Bytes(script.text(product)?.into_bytes())),
        }
    };
    let file_name = path.rsplit('/').next().unwrap_or_default();
    let (kind, usual_mode) = match row.kind {
        RowKind::Program => (Kind::Program(programs.source(&format!("{}{suffix}", product.name))?), 0o755),
        RowKind::Actions => (Kind::Actions(programs.source(file_name)?), 0o755),
        RowKind::Runtime => (Kind::Runtime(programs.source(file_name)?), 0o755),
        RowKind::Document => (Kind::Document(source()?), 0o644),
        RowKind::License => (Kind::License(source()?), 0o644),
        RowKind::Manual => (Kind::Manual(source()?), 0o644),
        RowKind::File => (Kind::File(source()?), 0o644),
        RowKind::Authorities => (Kind::File(Source::Bytes(authorities::pem().into_bytes())), 0o644),
        RowKind::Directory => (Kind::Directory, 0o755),
        RowKind::Link => (Kind::Link(row.target.clone().context("a link needs a target")?), 0o777),
    };
    let mode = match &row.mode {
        None => usual_mode,
        Some(text) => u32::from_str_radix(text, 8)
            .ok()
            .filter(|mode| *mode <= 0o7777)
            .with_context(|| format!("mode {text:?} is not octal, such as \"0755\""))?,
    };
    let owner = row.owner.as_deref().unwrap_or("root:root");
    let (user, group) = owner.split_once(':').context("an owner is written user:group")?;
    Ok(Entry { path, kind, mode, owner: Owner { user: user.to_owned(), group: group.to_owned() } })
}
