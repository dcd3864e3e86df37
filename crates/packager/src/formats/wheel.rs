//! Wheels for Python: `pip` and `uv` put the program among the commands of an environment.
//!
//! Specified by the Python Packaging Authority: the
//! [archive](https://packaging.python.org/en/latest/specifications/binary-distribution-format/), the
//! [tags](https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/) in its name, by which an
//! installer chooses one, the [metadata](https://packaging.python.org/en/latest/specifications/core-metadata/), and the
//! [list of its files](https://packaging.python.org/en/latest/specifications/recording-installed-packages/#the-record-file).
//!
//! The program is an installation's script, licences are among the metadata, and other files of the payload lie where
//! Python looks for modules.

use super::text::one_line;
use super::zip::Archive;
use crate::format::Output;
use crate::product::Wheel as Section;
use crate::{Arch, Entry, Format, Kind, Os, Package, Platform, Product, Source, Version};
use anyhow::{Context, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The format. See the [module](self).
#[derive(Debug)]
pub struct Wheel;

impl Format for Wheel {
    fn name(&self) -> &'static str {
        "wheel"
    }

    fn section(&self) -> Option<&'static str> {
        Some("wheel")
    }

    fn files(&self, product: &Product) -> Vec<PathBuf> {
        product.wheel.iter().map(|wheel| wheel.description.clone()).collect()
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.has_one_program()
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        // A product without the section has no wheels, so nobody sees their names.
        let macos = product.wheel.as_ref().map_or("", |wheel| &wheel.macos_version);
        format!("{}-py3-none-{}.whl", stem(product, version), platform_tags(platform, macos).join("."))
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let section = package.product.wheel()?;
        let stem = stem(package.product, &package.version);
        let mut members = package
            .payload
            .entries()
            .iter()
            .map(|entry| Member::of(entry, &stem))
            .collect::<Result<Vec<_>>>()?;
        // What describes the wheel comes last, so that it can be found without reading all of it.
        members.sort_by_key(|member| member.path.starts_with(&format!("{stem}.dist-info/")));
        let information = |name: &str, text: String| Member {
            path: format!("{stem}.dist-info/{name}"),
            mode: 0o644,
            content: text.into_bytes(),
        };
        members.push(information("METADATA", metadata(package, section)?));
        members.push(information("WHEEL", wheel(&package.platform, &section.macos_version)));
        let record = information("RECORD", record(&members, &stem));
        let mut archive = Archive::new(out, package.epoch)?;
        for Member { path, mode, content } in members.iter().chain([&record]) {
            archive.file(path, *mode, content)?;
        }
        archive.finish()
    }
}

/// A file of the archive.
struct Member {
    path: String,
    mode: u32,
    content: Vec<u8>,
}

impl Member {
    /// An entry of the payload, where a wheel has it.
    fn of(entry: &Entry, stem: &str) -> Result<Member> {
        let path = match &entry.kind {
            Kind::Program(_) => {
                ensure!(
                    !entry.path.contains('/'),
                    "{}: the program of a wheel is a command: its path is a name without folders",
                    entry.path
                );
                format!("{stem}.data/scripts/{}", entry.path)
            }
            Kind::License(_) => format!("{stem}.dist-info/licenses/{}", entry.path),
            Kind::File(_) => entry.path.clone(),
            _ => bail!("{}: a wheel holds a program, licences and files of modules", entry.path),
        };
        let content = entry.source().map(Source::read).transpose()?.context("a file has a source")?;
        Ok(Member { path, mode: entry.mode, content })
    }
}

/// What names of files and folders begin with: the name as Python's modules are called, and the version.
fn stem(product: &Product, version: &Version) -> String {
    let name = product.wheel.as_ref().map_or(&product.name, |wheel| &wheel.name);
    format!("{}-{}", name.replace('-', "_"), version.pep440())
}

/// The platforms that a wheel is for, in their order. On Linux the program needs no C library, so it is for every one
/// that there are tags for.
fn platform_tags(platform: &Platform, macos_version: &str) -> Vec<String> {
    let arch = platform.arch();
    match platform.os() {
        Os::Linux => ["manylinux2014", "manylinux_2_17", "musllinux_1_1"]
            .map(|libc| format!("{libc}_{}", arch.name()))
            .to_vec(),
        Os::Windows => vec![match arch {
            Arch::X86_64 => "win_amd64".to_owned(),
            Arch::Aarch64 => "win_arm64".to_owned(),
        }],
        Os::MacOs => {
            let arch = match arch {
                _ if !platform.is_single(Os::MacOs) => "universal2",
                Arch::X86_64 => "x86_64",
                Arch::Aarch64 => "arm64",
            };
            vec![format!("macosx_{}_{arch}", macos_version.replace('.', "_"))]
        }
    }
}

/// The file METADATA: fields as in a letter's head, then the description.
fn metadata(package: &Package<'_>, section: &Section) -> Result<String> {
    let product = package.product;
    let mut text = String::from("Metadata-Version: 2.4\n");
    let mut field =
        |name: &str, value: &str| -> Result<()> { Ok(writeln!(text, "{name}: {}", one_line(name, value)?)?) };
    field("Name", &section.name)?;
    field("Version", &package.version.pep440())?;
    field("Summary", &product.summary)?;
    if !section.keywords.is_empty() {
        field("Keywords", &section.keywords.join(","))?;
    }
    field("Maintainer-email", &product.maintainer)?;
    field("License-Expression", &product.license)?;
    for entry in package.payload.entries() {
        if matches!(entry.kind, Kind::License(_)) {
            field("License-File", &entry.path)?;
        }
    }
    for classifier in &section.classifiers {
        field("Classifier", classifier)?;
    }
    field("Project-URL", &format!("Homepage, {}", product.homepage))?;
    field("Requires-Python", &section.requires_python)?;
    field("Description-Content-Type", "text/markdown; charset=UTF-8")?;
    Ok(text + "\n" + &product.text(&section.description)?)
}

/// The file WHEEL: a line for each of the tags that the name has in one word.
fn wheel(platform: &Platform, macos_version: &str) -> String {
    let generator = concat!("Generator: packager ", env!("CARGO_PKG_VERSION"));
    let mut text = format!("Wheel-Version: 1.0\n{generator}\nRoot-Is-Purelib: false\n");
    for tag in platform_tags(platform, macos_version) {
        text += &format!("Tag: py3-none-{tag}\n");
    }
    text
}

/// The file RECORD: path, digest and size of every file but itself, as comma-separated values.
fn record(members: &[Member], stem: &str) -> String {
    let mut text = String::new();
    for Member { path, content, .. } in members {
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        text += &format!("{},sha256={digest},{}\n", value(path), content.len());
    }
    text + &format!("{},,\n", value(&format!("{stem}.dist-info/RECORD")))
}

/// One of comma-separated values ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180#section-2)).
fn value(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Target;

    /// Fails if: an installer for a platform would not find the wheel, or one for another platform would.
    #[test]
    fn tags_are_those_of_installers() {
        for (targets, expected) in [
            (&["x86_64-linux"][..], "manylinux2014_x86_64.manylinux_2_17_x86_64.musllinux_1_1_x86_64"),
            (&["aarch64-linux"], "manylinux2014_aarch64.manylinux_2_17_aarch64.musllinux_1_1_aarch64"),
            (&["x86_64-windows"], "win_amd64"),
            (&["aarch64-windows"], "win_arm64"),
            (&["x86_64-macos"], "macosx_11_0_x86_64"),
            (&["aarch64-macos"], "macosx_11_0_arm64"),
            (&["x86_64-macos", "aarch64-macos"], "macosx_11_0_universal2"),
        ] {
            let targets: Vec<Target> = targets.iter().map(|target| target.parse().unwrap()).collect();
            let platform = Platform::new(&targets).unwrap();
            assert_eq!(platform_tags(&platform, "11.0").join("."), expected);
        }
    }

    /// Fails if: a path with a comma or quotation mark breaks the list, or a plain one is quoted.
    #[test]
    fn values_are_separated() {
        for (text, expected) in [("a/b.py", "a/b.py"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\"")] {
            assert_eq!(value(text), expected);
        }
    }
}
