//! The product manifest: each fact about the product, said once, for every format.
//!
//! The manifest is a TOML file; files it names are relative to its folder. What an engineer expects to
//! read as a file (units, policies, scriptlets) is a file there, not a string here.

mod disk_image;
mod image;
mod macos;
mod msi;

pub use disk_image::DiskImage;
pub use image::{HealthCheck, Image};
pub use macos::{App, InstallerPackage, MacOs};
pub use msi::{Configuration, Msi, Setting, SettingKind};

use crate::digest::{self, Inputs};
use crate::formats;
use crate::{Changelog, Format, Os, Platform};
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What every format needs to know about the product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Name of package, program and service: lower-case letters, digits and `-`.
    pub name: String,
    /// Name shown to people.
    pub display_name: String,
    /// Who makes it.
    pub vendor: String,
    /// `Name <address>` of who answers for the packages.
    pub maintainer: String,
    /// Web address.
    pub homepage: String,
    /// SPDX licence expression.
    pub license: String,
    /// One line, at most 80 characters, without a full stop.
    pub summary: String,
    /// Paragraphs separated by empty lines.
    pub description: String,
    /// The background service; a product may have none.
    pub service: Option<Service>,
    /// Facts only Debian packages need; a product without them has none, and so with every other section.
    pub deb: Option<Deb>,
    /// Facts only RPM packages need.
    pub rpm: Option<Rpm>,
    /// Facts only Windows Installer packages need.
    pub msi: Option<Msi>,
    /// Facts only container images need.
    pub image: Option<Image>,
    /// Facts only macOS needs.
    #[serde(default)]
    pub macos: MacOs,
    /// Facts only manifests for winget need.
    pub winget: Option<Winget>,
    /// Facts only wheels for Python need.
    pub wheel: Option<Wheel>,
    /// Further packages of the product, by what their names end with.
    #[serde(default)]
    packages: BTreeMap<String, FurtherPackage>,
    /// The same, as products.
    #[serde(skip)]
    further: BTreeMap<String, Product>,
    /// What is packed, before it is resolved for one format and target.
    payload: Vec<PayloadRow>,
    /// Changelog, relative to the manifest.
    changelog: PathBuf,
    /// Folder of the manifest.
    #[serde(skip)]
    folder: PathBuf,
    /// SHA-256 of the manifest.
    #[serde(skip)]
    sha256: String,
}

/// The background service, in terms that every service manager knows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Name of the service.
    pub name: String,
    /// One line for lists of services.
    pub description: String,
    /// Arguments with which the Windows service manager starts the program.
    #[serde(default)]
    pub windows_arguments: Vec<String>,
}

/// Debian control fields and maintainer scripts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deb {
    /// Archive section.
    pub section: String,
    /// `Pre-Depends`, `Depends` and so on, as written in a control file.
    #[serde(default)]
    pub relations: BTreeMap<String, String>,
    /// Maintainer scripts: `postinst` to file.
    #[serde(default)]
    pub scripts: BTreeMap<String, Script>,
}

/// RPM tags and scriptlets.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rpm {
    /// Names of capabilities that the program needs.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Names of capabilities that every scriptlet needs: `Requires(post)` and so on.
    #[serde(default)]
    pub script_requires: Vec<String>,
    /// Names of capabilities that are installed too where they are to be had.
    #[serde(default)]
    pub recommends: Vec<String>,
    /// Scriptlets: `post` to file.
    #[serde(default)]
    pub scripts: BTreeMap<String, Script>,
}

/// A script, such as one that a package manager runs: a file, or several, one after the other. So formats share what they
/// have in common.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Script {
    /// The whole of it.
    File(PathBuf),
    /// Its parts.
    Files(Vec<PathBuf>),
}

impl Script {
    /// The files that it consists of.
    pub fn files(&self) -> &[PathBuf] {
        match self {
            Script::File(file) => std::slice::from_ref(file),
            Script::Files(files) => files,
        }
    }

    /// Its text.
    ///
    /// # Errors
    /// If a file cannot be read or is not UTF-8.
    pub fn text(&self, product: &Product) -> Result<String> {
        let parts = self.files().iter().map(|file| product.text(file));
        Ok(parts.collect::<Result<Vec<_>>>()?.join("\n"))
    }
}

/// What is packed apart from the product, such as what only some systems need. Everything that is not said here is as
/// of the product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FurtherPackage {
    /// One line, as that of the product.
    summary: String,
    /// Paragraphs, as that of the product.
    description: String,
    /// Facts only RPM packages need.
    rpm: Option<Rpm>,
}

/// Facts of the manifests for winget.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Winget {
    /// `Publisher.Package`: the name by which winget knows the product; never changes.
    pub identifier: String,
    /// The oldest Windows that it runs on, as four numbers.
    pub minimum_os_version: String,
    /// Words by which it is found.
    pub tags: Vec<String>,
}

/// Facts of wheels for Python.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// The name by which Python's package managers know the product.
    pub name: String,
    /// What the page of the package index says: a file in Markdown.
    pub description: PathBuf,
    /// Words by which it is found.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Of those that the package index [knows](https://pypi.org/classifiers/).
    #[serde(default)]
    pub classifiers: Vec<String>,
    /// The versions of Python that the modules in it are for, such as `>=3.9`.
    pub requires_python: String,
    /// The oldest macOS that the program runs on, as two numbers.
    pub macos_version: String,
}

/// One row of the manifest's payload table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayloadRow {
    /// The further package that carries the entry, if it is not the product itself.
    package: Option<String>,
    /// Formats that carry the entry.
    pub(crate) formats: Vec<String>,
    /// Operating systems it is for; all, if none is named.
    #[serde(default)]
    pub(crate) systems: Vec<Os>,
    /// Where it goes, below the root of the format; `{exe}` stands for the target's program suffix.
    pub(crate) path: String,
    /// What it is; a document or file names its `source`, a link its `target`.
    pub(crate) kind: RowKind,
    /// File the content comes from, relative to the manifest. A `*` in its name stands for any text, and
    /// in `path` for the text found: one row for every file that matches. Several files are one after the other.
    pub(crate) source: Option<Script>,
    /// What a symbolic link points to.
    pub(crate) target: Option<String>,
    /// Octal permissions, where they differ from the kind's usual ones.
    pub(crate) mode: Option<String>,
    /// `user:group`, where it is not `root:root`.
    pub(crate) owner: Option<String>,
}

/// What a row of the payload is.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RowKind {
    Program,
    Actions,
    Runtime,
    Document,
    License,
    Manual,
    File,
    Directory,
    Link,
    /// The certificate authorities that browsers trust, as PEM.
    Authorities,
}

impl Wheel {
    /// Refuses what would make a name of a file that no installer reads.
    fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        ensure!(
            self.name.split('-').all(|word| !word.is_empty() && word.chars().all(plain)),
            "[wheel] name {:?}: use lower-case letters and digits, with '-' between words",
            self.name
        );
        let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        ensure!(
            self.macos_version.split_once('.').is_some_and(|(major, minor)| number(major) && number(minor)),
            "[wheel] macos_version {:?}: write two numbers, such as \"11.0\"",
            self.macos_version
        );
        Ok(())
    }
}

impl PayloadRow {
    /// Whether packages of that format for that platform carry the entry.
    pub(crate) fn is_for(&self, format: &str, platform: &Platform) -> bool {
        let system = self.systems.is_empty() || self.systems.contains(&platform.os());
        system && self.formats.iter().any(|name| name == format)
    }

    /// The row itself, or one row for every file that its pattern matches, in the order of their names.
    ///
    /// # Errors
    /// If the folder cannot be read, or nothing in it matches.
    pub(crate) fn expand(&self, product: &Product) -> Result<Vec<PayloadRow>> {
        let Some(Script::File(source)) = &self.source else { return Ok(vec![self.clone()]) };
        let name = source.file_name().and_then(OsStr::to_str);
        let Some((before, after)) = name.and_then(|name| name.split_once('*')) else {
            return Ok(vec![self.clone()]);
        };
        let folder = source.parent().unwrap_or(Path::new(""));
        let reading = || format!("looking for {}", product.file(source).display());
        let mut rows = BTreeMap::new();
        for file in std::fs::read_dir(product.file(folder)).with_context(reading)? {
            let file = file.with_context(reading)?.file_name();
            let found = file.to_str().and_then(|name| name.strip_prefix(before)?.strip_suffix(after));
            if let Some(found) = found {
                let path = self.path.replace('*', found);
                let source = Some(Script::File(folder.join(&file)));
                rows.insert(path.clone(), PayloadRow { path, source, ..self.clone() });
            }
        }
        ensure!(!rows.is_empty(), "no file matches {}", product.file(source).display());
        Ok(rows.into_values().collect())
    }
}

impl Product {
    /// Reads a manifest.
    ///
    /// # Errors
    /// If the file cannot be read, has unknown or missing keys, or says something no format could use.
    pub fn load(manifest: &Path) -> Result<Product> {
        let text = std::fs::read_to_string(manifest)
            .with_context(|| format!("reading the product manifest {}", manifest.display()))?;
        let mut product: Product = toml::from_str(&text)
            .with_context(|| format!("in the product manifest {}", manifest.display()))?;
        product.folder = manifest.parent().map(Path::to_owned).unwrap_or_default();
        product.sha256 = digest::sha256(text.as_bytes());
        product.divide();
        product.check().with_context(|| format!("in the product manifest {}", manifest.display()))?;
        Ok(product)
    }

    /// Makes a product of each further package; what goes into these is not in this one any more.
    fn divide(&mut self) {
        let further = self.packages.iter().map(|(name, package)| {
            let payload = self.payload.iter().filter(|row| row.package.as_ref() == Some(name));
            let product = Product {
                name: format!("{}-{name}", self.name),
                summary: package.summary.clone(),
                description: package.description.clone(),
                service: None,
                deb: None,
                rpm: package.rpm.clone(),
                msi: None,
                image: None,
                macos: MacOs { app: None, package: None, disk_image: None, ..self.macos.clone() },
                winget: None,
                wheel: None,
                packages: BTreeMap::new(),
                payload: payload.map(|row| PayloadRow { package: None, ..row.clone() }).collect(),
                ..self.clone()
            };
            (name.clone(), product)
        });
        self.further = further.collect();
        let known = &self.further;
        self.payload.retain(|row| row.package.as_ref().is_none_or(|name| !known.contains_key(name)));
    }

    /// A further package of the product.
    ///
    /// # Errors
    /// If there is none of that name; the error lists those there are.
    pub fn package(&self, name: &str) -> Result<&Product> {
        let names = || self.further.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let found = self.further.get(name);
        found.with_context(|| format!("the product has no further package {name:?}; it has: {}", names()))
    }

    fn check(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !self.name.is_empty() && self.name.chars().all(plain),
            "name {:?}: use lower-case letters, digits and '-'",
            self.name
        );
        ensure!(
            self.summary.chars().count() <= 80
                && !self.summary.contains('\n')
                && !self.summary.ends_with('.'),
            "summary: one line of at most 80 characters without a full stop"
        );
        ensure!(
            self.maintainer.contains(" <") && self.maintainer.ends_with('>'),
            "maintainer {:?}: write Name <address>",
            self.maintainer
        );
        for further in self.further.values() {
            further.check().with_context(|| format!("package {:?}", further.name))?;
        }
        for row in &self.payload {
            if let Some(name) = &row.package {
                self.package(name).with_context(|| format!("payload entry {:?}", row.path))?;
            }
            for format in &row.formats {
                formats::by_name(format).with_context(|| format!("payload entry {:?}", row.path))?;
            }
        }
        self.wheel.as_ref().map_or(Ok(()), Wheel::check)?;
        self.image.as_ref().map_or(Ok(()), Image::check)?;
        self.macos.disk_image.as_ref().map_or(Ok(()), DiskImage::check)?;
        self.msi.as_ref().map_or(Ok(()), Msi::check)
    }

    /// The section `[service]`.
    ///
    /// # Errors
    /// If there is none.
    pub fn service(&self) -> Result<&Service> {
        self.service.as_ref().context("the product manifest has no section [service]")
    }

    /// The section `[msi]`.
    ///
    /// # Errors
    /// If there is none.
    pub fn msi(&self) -> Result<&Msi> {
        self.msi.as_ref().context("the product manifest has no section [msi]")
    }

    /// The section `[wheel]`.
    ///
    /// # Errors
    /// If there is none.
    pub fn wheel(&self) -> Result<&Wheel> {
        self.wheel.as_ref().context("the product manifest has no section [wheel]")
    }

    /// The section `[image]`.
    ///
    /// # Errors
    /// If there is none.
    pub fn image(&self) -> Result<&Image> {
        self.image.as_ref().context("the product manifest has no section [image]")
    }

    /// The section `[macos.disk_image]`.
    ///
    /// # Errors
    /// If there is none.
    pub fn disk_image(&self) -> Result<&DiskImage> {
        self.macos.disk_image.as_ref().context("the product manifest has no section [macos.disk_image]")
    }

    /// The section `[macos.app]`.
    ///
    /// # Errors
    /// If there is none.
    pub fn app(&self) -> Result<&App> {
        self.macos.app.as_ref().context("the product manifest has no section [macos.app]")
    }

    /// The section `[macos.package]`.
    ///
    /// # Errors
    /// If there is none.
    pub fn installer_package(&self) -> Result<&InstallerPackage> {
        self.macos.package.as_ref().context("the product manifest has no section [macos.package]")
    }

    /// The name by which macOS knows the product.
    pub fn macos_identifier(&self) -> &str {
        self.macos.identifier.as_ref().unwrap_or(&self.name)
    }

    /// Whether the manifest has everything that a format needs.
    pub fn has(&self, format: &dyn Format) -> bool {
        format.section().is_none_or(|name| match name {
            "deb" => self.deb.is_some(),
            "rpm" => self.rpm.is_some(),
            "msi" => self.msi.is_some(),
            "wheel" => self.wheel.is_some(),
            "image" => self.image.is_some(),
            "macos.app" => self.macos.app.is_some(),
            "macos.package" => self.macos.package.is_some(),
            "macos.disk_image" => self.macos.disk_image.is_some(),
            other => unreachable!("a format names the section {other:?}"),
        })
    }

    /// Refuses a format that the manifest has no section for.
    ///
    /// # Errors
    /// If that is so; the error says which.
    pub fn require(&self, format: &dyn Format) -> Result<()> {
        ensure!(
            self.has(format),
            "the product manifest has no section [{}], so there is no {} of this product",
            format.section().unwrap_or_default(),
            format.name()
        );
        Ok(())
    }

    /// The path of a file that the manifest names.
    pub fn file(&self, relative: &Path) -> PathBuf {
        self.folder.join(relative)
    }

    /// The text of a file that the manifest names, such as a maintainer script.
    ///
    /// # Errors
    /// If it cannot be read or is not UTF-8.
    pub fn text(&self, relative: &Path) -> Result<String> {
        let path = self.file(relative);
        std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// The bytes of a file that the manifest names, such as a picture.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn bytes(&self, relative: &Path) -> Result<Vec<u8>> {
        let path = self.file(relative);
        std::fs::read(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// Reads the changelog.
    ///
    /// # Errors
    /// If it cannot be read or does not follow the form that [`Changelog::parse`] asks for.
    pub fn changelog(&self) -> Result<Changelog> {
        let path = self.file(&self.changelog);
        Changelog::parse(&self.text(&self.changelog)?).with_context(|| format!("in {}", path.display()))
    }

    /// Adds the manifest and the files it names for a format to a digest.
    pub(crate) fn digest(&self, format: &dyn Format, inputs: Inputs) -> Result<Inputs> {
        let files = format.files(self);
        files.iter().try_fold(inputs.value("manifest", &self.sha256), |inputs, file| {
            Ok(inputs.value(&file.to_string_lossy(), &digest::sha256_file(&self.file(file))?))
        })
    }

    pub(crate) fn payload_rows(&self) -> &[PayloadRow] {
        &self.payload
    }
}
