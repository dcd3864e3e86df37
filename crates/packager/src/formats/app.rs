//! The application for macOS: a bundle with the program in it, in a zip as Finder and `ditto` unpack it.
//!
//! Specified in Apple's [Bundle Programming Guide](https://developer.apple.com/library/archive/documentation/CoreFoundation/Conceptual/CFBundles/)
//! and [Information Property List](https://developer.apple.com/documentation/bundleresources/information-property-list).
//!
//! The bundle is sealed: a list has the digests of its files, and the program an ad hoc signature with those of both lists.
//! That is so whatever signature the program has: a key signs the bundle as a whole, in place of this one.

use super::zip;
use crate::format::Output;
use crate::programs::oldest_macos;
use crate::{Arch, Entry, Format, Kind, Os, Package, Payload, Platform, Product, Source, Version};
use anyhow::{Context, Result, ensure};
use apple_archives::code_signature::{AdHoc, code_resources, sign_ad_hoc};
use apple_archives::mach_o;
use apple_archives::plist::{self, Dictionary, Value};
use std::path::{Path, PathBuf};

/// The application. See the [module](self).
#[derive(Debug)]
pub struct App;

/// Where a bundle has everything, the list that describes it, its program, what else it needs, and the list of all files.
const CONTENTS: &str = "Contents/";
pub(super) const INFO: &str = "Contents/Info.plist";
const PROGRAMS: &str = "Contents/MacOS";
const RESOURCES: &str = "Contents/Resources";
const SEAL: &str = "Contents/_CodeSignature/CodeResources";

/// The name of the bundle.
pub(super) fn bundle(product: &Product) -> String {
    format!("{}.app", product.display_name)
}

/// A version as Apple orders them, which knows whole numbers only: those of [`Version::windows_file`].
pub(super) fn numbers(version: &Version) -> String {
    version.windows_file().map(|number| number.to_string()).join(".")
}

impl Format for App {
    fn name(&self) -> &'static str {
        "app"
    }

    fn section(&self) -> Option<&'static str> {
        Some("macos.app")
    }

    fn files(&self, product: &Product) -> Vec<PathBuf> {
        product.macos.app.iter().flat_map(crate::product::App::files).map(Path::to_owned).collect()
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.os() == Os::MacOs
    }

    fn file_name(&self, product: &Product, version: &Version, _platform: &Platform) -> String {
        format!("{}-{version}-macos-app.zip", product.name)
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let product = package.product;
        let app = product.app()?;
        let file = |path: String, bytes| Entry::root_file(path, Kind::File(Source::Bytes(bytes)));
        let info = info(package)?.into_bytes();
        let mut entries = package.payload.entries().to_vec();
        entries.push(file(format!("{RESOURCES}/{}.icns", product.name), product.bytes(&app.icon)?));
        let seal = seal(product, &info, &mut entries)?;
        entries.push(file(INFO.to_owned(), info));
        entries.push(file(SEAL.to_owned(), seal));
        zip::write(Some(&bundle(product)), &Payload::new(entries)?, package.epoch, out)
    }
}

/// The list of the files of a bundle with these entries, whose program gets a signature that vouches for it.
fn seal(product: &Product, info: &[u8], entries: &mut [Entry]) -> Result<Vec<u8>> {
    let mut files = Vec::new();
    for entry in entries.iter().filter(|entry| !matches!(entry.kind, Kind::Program(_))) {
        if let Some(source) = entry.source() {
            let path = entry.path.strip_prefix(CONTENTS);
            let path =
                path.with_context(|| format!("{}: a bundle has its files in {CONTENTS}", entry.path))?;
            files.push((path, source.read()?));
        }
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (*path, &**bytes)).collect();
    let seal = code_resources(&files);
    let with =
        AdHoc { identifier: product.macos_identifier(), info_plist: Some(info), resources: Some(&seal) };
    for entry in entries {
        if let Kind::Program(source) = &mut entry.kind {
            let bytes = source.read()?;
            let slices = mach_o::slices(&bytes)?.into_iter();
            let slices = slices.map(|(_, slice)| sign_ad_hoc(slice, &with)).collect::<Result<_, _>>();
            let signed = slices.map_err(anyhow::Error::from).and_then(|slices| Ok(mach_o::joined(slices)?));
            *source = Source::Bytes(signed.with_context(|| format!("signing {}", entry.path))?);
        }
    }
    Ok(seal)
}

/// The list of the manifest, and what product, version and program say.
fn info(package: &Package<'_>) -> Result<String> {
    let product = package.product;
    let source = product.file(&product.app()?.info);
    let reading = || format!("reading {}", source.display());
    let mut info = plist::read(&product.text(&product.app()?.info)?).with_context(reading)?;
    for (key, value) in said_elsewhere(package)? {
        ensure!(!info.contains_key(key), "{}: {key} is said by the packager, take it out", source.display());
        info.insert(key.to_owned(), value);
    }
    Ok(plist::write(&info))
}

fn said_elsewhere(package: &Package<'_>) -> Result<Vec<(&'static str, Value)>> {
    let (product, version) = (package.product, &package.version);
    let program = package.payload.program()?;
    let executable = program.path.strip_prefix(PROGRAMS).and_then(|name| name.strip_prefix('/'));
    let executable = executable.filter(|name| !name.contains('/'));
    let executable = executable.with_context(|| format!("{}: a program lies in {PROGRAMS}", program.path))?;
    let bytes = program.source().context("a program has a source")?.read()?;
    let oldest = oldest_macos(&bytes).with_context(|| format!("looking at {}", program.path))?;
    let [major, minor, patch_and_stage, _] = version.windows_file();
    let text = |text: &str| Value::Text(text.to_owned());
    // The processors in the order in which they are preferred: Apple's run what is for them, and the other by Rosetta.
    let arches = package.platform.arches().iter().rev().map(|arch| text(Arch::apple(*arch)));
    Ok(vec![
        ("CFBundleDisplayName", text(&product.display_name)),
        ("CFBundleExecutable", text(executable)),
        ("CFBundleIconFile", text(&product.name)),
        ("CFBundleIdentifier", text(product.macos_identifier())),
        ("CFBundleInfoDictionaryVersion", text("6.0")),
        ("CFBundleName", text(&product.display_name)),
        ("CFBundlePackageType", text("APPL")),
        ("CFBundleShortVersionString", text(&version.triple())),
        ("CFBundleSupportedPlatforms", Value::Array(vec![text("MacOSX")])),
        ("CFBundleVersion", text(&format!("{major}.{minor}.{patch_and_stage}"))),
        ("LSArchitecturePriority", Value::Array(arches.collect())),
        ("LSMinimumSystemVersion", text(&oldest)),
        ("NSHumanReadableCopyright", text(&format!("© {}", product.vendor))),
    ])
}

/// What a bundle says of itself.
pub(super) struct Described {
    pub(super) identifier: String,
    pub(super) short_version: String,
    pub(super) version: String,
    pub(super) oldest_macos: String,
}

impl Described {
    /// Reads the list of a bundle.
    pub(super) fn read(text: &str) -> Result<Described> {
        let info: Dictionary = plist::read(text)?;
        let said = |key: &str| {
            let text = info.get(key).and_then(Value::text);
            text.map(str::to_owned).with_context(|| format!("it does not say {key}"))
        };
        Ok(Described {
            identifier: said("CFBundleIdentifier")?,
            short_version: said("CFBundleShortVersionString")?,
            version: said("CFBundleVersion")?,
            oldest_macos: said("LSMinimumSystemVersion")?,
        })
    }
}
