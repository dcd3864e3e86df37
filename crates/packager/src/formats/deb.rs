//! Debian packages: an `ar` archive of `debian-binary`, `control.tar.xz` and `data.tar.xz`.
//!
//! Specified in `deb(5)`, `deb-control(5)` and the
//! [Debian Policy Manual](https://www.debian.org/doc/debian-policy/). Versions are native, without a
//! Debian revision: there is no upstream apart from this packaging.

use super::compress::{gzip, with_compressed_manuals, xz_writer};
use super::tar::Tar;
use super::text::{WIDTH, one_line, paragraphs, wrap};
use crate::format::Output;
use crate::product::Script;
use crate::{
    Changelog, Entry, Format, Kind, Os, Owner, Package, Payload, Platform, Product, Source, Version,
};
use anyhow::{Context, Result, ensure};
use md5::{Digest, Md5};
use std::fmt::Write as _;
use std::path::PathBuf;

/// The Debian package format.
#[derive(Debug)]
pub struct Deb;

/// Fields that relate a package to others, in the order in which dpkg writes them.
const RELATIONS: &[&str] =
    &["Pre-Depends", "Depends", "Recommends", "Suggests", "Enhances", "Conflicts", "Breaks", "Replaces"];
/// Programs that dpkg runs while it installs and removes a package.
const SCRIPTS: &[&str] = &["postinst", "postrm", "preinst", "prerm"];

impl Format for Deb {
    fn name(&self) -> &'static str {
        "deb"
    }

    fn section(&self) -> Option<&'static str> {
        Some("deb")
    }

    fn files(&self, product: &Product) -> Vec<PathBuf> {
        product.deb.iter().flat_map(|deb| deb.scripts.values()).flat_map(Script::files).cloned().collect()
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.is_single(Os::Linux)
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        format!("{}_{}_{}.deb", product.name, version.tilde(), platform.arch().debian())
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let tree = tree(package)?;
        let data = tar_xz(&tree, package.epoch)?;
        let control = tar_xz(&control_entries(package, &tree)?, package.epoch)?;

        let mut archive = ar::Builder::new(out);
        let members: [(&str, &[u8]); 3] =
            [("debian-binary", b"2.0\n"), ("control.tar.xz", &control), ("data.tar.xz", &data)];
        for (name, bytes) in members {
            let mut header = ar::Header::new(name.into(), bytes.len() as u64);
            header.set_mode(0o100_644);
            header.set_mtime(package.epoch.into());
            archive.append(&header, bytes).with_context(|| format!("writing the member {name}"))?;
        }
        Ok(())
    }
}

fn section(product: &Product) -> Result<&crate::product::Deb> {
    product.deb.as_ref().context("the product manifest has no section [deb]")
}

/// Everything that is unpacked: the payload, the changelog, and all folders that lead to them.
fn tree(package: &Package<'_>) -> Result<Payload> {
    for entry in package.payload.entries() {
        ensure!(
            entry.owner == Owner::root(),
            "{} belongs to {}:{}, but dpkg unpacks before that account exists; create it by tmpfiles.d",
            entry.path,
            entry.owner.user,
            entry.owner.group
        );
    }
    let name = &package.product.name;
    let changelog = gzip(changelog(package.product, package.changelog).as_bytes())?;
    let mut entries = with_compressed_manuals(&package.payload)?.entries().to_vec();
    entries.push(Entry::root_file(
        format!("usr/share/doc/{name}/changelog.gz"),
        Kind::Document(Source::Bytes(changelog)),
    ));
    Ok(Payload::new(entries)?.with_parents())
}

fn tar_xz(tree: &Payload, epoch: u32) -> Result<Vec<u8>> {
    let mut tar = Tar::new(xz_writer(Vec::new()), "./", epoch)?;
    for entry in tree.entries() {
        tar.add(entry)?;
    }
    Ok(tar.finish()?.finish()?)
}

fn control_entries(package: &Package<'_>, tree: &Payload) -> Result<Payload> {
    let file = |path: &str, text: String, mode| Entry {
        mode,
        ..Entry::root_file(path, Kind::File(Source::Bytes(text.into_bytes())))
    };
    let mut entries = vec![
        file("control", control(package, installed_size(tree)?)?, 0o644),
        file("md5sums", md5sums(tree)?, 0o644),
    ];
    for (script, parts) in &section(package.product)?.scripts {
        ensure!(
            SCRIPTS.contains(&script.as_str()),
            "[deb.scripts] names {script:?}; dpkg knows {}",
            SCRIPTS.join(", ")
        );
        entries.push(file(script, parts.text(package.product)?, 0o755));
    }
    Payload::new(entries)
}

/// The control file: one stanza of fields.
fn control(package: &Package<'_>, installed_size: u64) -> Result<String> {
    let product = package.product;
    let deb = section(product)?;
    let mut fields = vec![
        ("Package", product.name.clone()),
        ("Version", package.version.tilde()),
        ("Architecture", package.platform.arch().debian().to_owned()),
        ("Maintainer", product.maintainer.clone()),
        ("Installed-Size", installed_size.to_string()),
    ];
    for field in deb.relations.keys() {
        ensure!(
            RELATIONS.contains(&field.as_str()),
            "[deb.relations] names {field:?}; dpkg knows {}",
            RELATIONS.join(", ")
        );
    }
    for field in RELATIONS {
        fields.extend(deb.relations.get(*field).map(|value| (*field, value.clone())));
    }
    fields.push(("Section", deb.section.clone()));
    fields.push(("Priority", "optional".to_owned()));
    fields.push(("Homepage", product.homepage.clone()));
    fields.push(("Description", product.summary.clone()));

    let mut text = String::new();
    for (field, value) in fields {
        writeln!(text, "{field}: {}", one_line(field, &value)?)?;
    }
    text.push_str(&extended_description(&product.description));
    Ok(text)
}

/// Lines that begin with a space; a dot stands for an empty line.
fn extended_description(description: &str) -> String {
    let paragraphs = paragraphs(description)
        .map(|paragraph| wrap(paragraph, WIDTH - 1).iter().map(|line| format!(" {line}\n")).collect());
    paragraphs.collect::<Vec<String>>().join(" .\n")
}

/// The disk space taken, in KiB, by the rule of `dpkg-gencontrol`: files and links rounded up one by one,
/// and one for anything else, the root folder included.
fn installed_size(tree: &Payload) -> Result<u64> {
    let mut size = 1;
    for entry in tree.entries() {
        size += match (&entry.kind, entry.source()) {
            (Kind::Link(target), _) => (target.len() as u64).div_ceil(1024),
            (_, Some(source)) => (source.read()?.len() as u64).div_ceil(1024),
            (_, None) => 1,
        };
    }
    Ok(size)
}

/// The digests that `dpkg --verify` compares with, in the form of `md5sum`.
fn md5sums(tree: &Payload) -> Result<String> {
    let mut text = String::new();
    for entry in tree.entries() {
        if let Some(source) = entry.source() {
            for byte in Md5::digest(source.read()?) {
                write!(text, "{byte:02x}")?;
            }
            writeln!(text, "  {}", entry.path)?;
        }
    }
    Ok(text)
}

/// The changelog in the form of `deb-changelog(5)`.
fn changelog(product: &Product, changelog: &Changelog) -> String {
    let entries = changelog.releases().iter().map(|release| {
        let changes: String = release
            .changes
            .iter()
            .flat_map(|change| wrap(change, WIDTH - 4).into_iter().enumerate())
            .map(|(line, text)| format!("  {} {text}\n", if line == 0 { '*' } else { ' ' }))
            .collect();
        // Entries descend in time, and what is not released has the date of the release before.
        let second = u8::from(release.version.is_dev());
        format!(
            "{} ({}) unstable; urgency=medium\n\n{changes}\n -- {}  {} 00:00:0{second} +0000\n",
            product.name,
            release.version.tilde(),
            product.maintainer,
            release.date.strftime("%a, %d %b %Y"),
        )
    });
    entries.collect::<Vec<_>>().join("\n")
}
