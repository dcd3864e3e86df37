//! RPM packages in version 4 of the format, for Enterprise Linux 8 and later, Fedora and SUSE.
//!
//! Specified in the [RPM reference manual](https://rpm-software-management.github.io/rpm/manual/). The
//! payload is compressed by xz, which every rpm reads; zstd came to Enterprise Linux 8 only late.

use super::compress::{XZ_LEVEL, with_compressed_manuals};
use super::text::{WIDTH, paragraphs, wrap};
use crate::format::Output;
use crate::product::Script;
use crate::{Entry, Format, Kind, Os, Package, Payload, Platform, Product, Version};
use anyhow::{Context, Result, ensure};
use rpm::{
    BuildConfig, CompressionWithLevel, Dependency, FileOptions, Header, HeaderEntry, IndexData,
    IndexSignatureTag, PackageBuilder, Scriptlet,
};
use std::path::PathBuf;

/// The RPM package format.
#[derive(Debug)]
pub struct Rpm;

/// Releases count packagings of one version of a program. Program and packaging are released together
/// here, so there is only ever the first.
const RELEASE: &str = "1";
/// The header wants to know where a package was built; it must not depend on where that was.
const BUILD_HOST: &str = "localhost";
const SHELL: &str = "/bin/sh";
/// Changelog entries carry a day as the second in its middle, so that no time zone shows another day.
const NOON: u32 = 12 * 60 * 60;

impl Format for Rpm {
    fn name(&self) -> &'static str {
        "rpm"
    }

    fn section(&self) -> Option<&'static str> {
        Some("rpm")
    }

    fn files(&self, product: &Product) -> Vec<PathBuf> {
        product.rpm.iter().flat_map(|rpm| rpm.scripts.values()).flat_map(Script::files).cloned().collect()
    }

    fn supports(&self, platform: &Platform) -> bool {
        platform.is_single(Os::Linux) || platform.is_any_processor(Os::Linux)
    }

    fn file_name(&self, product: &Product, version: &Version, platform: &Platform) -> String {
        format!("{}-{}-{RELEASE}.{}.rpm", product.name, version.tilde(), platform.rpm_arch())
    }

    fn write(&self, package: &Package<'_>, out: &mut dyn Output) -> Result<()> {
        let mut builder = describe(package);
        relate(&mut builder, package.product)?;
        let payload = with_compressed_manuals(&package.payload)?;
        for entry in payload.entries() {
            add(&mut builder, entry).with_context(|| format!("packing {}", entry.path))?;
        }
        let mut built = builder.build()?;
        let build_time = built.metadata.get_build_time()?;
        ensure!(
            build_time == u64::from(package.epoch),
            "the time of the package ({} seconds since 1970) lies in the future, which rpm headers must not \
             say: use the date of a release that has happened",
            package.epoch
        );
        add_archive_size(&mut built, archive_size(&payload)?)?;
        let mut out = out;
        Ok(built.write(&mut out)?)
    }
}

/// The size of the payload before it is compressed: an archive of `cpio(5)` in the form "newc". A member is a
/// header, a name that a zero ends, and content; zeros fill up name and content to a multiple of four.
fn archive_size(payload: &Payload) -> Result<u32> {
    const HEADER: usize = 110;
    let member = |name: usize, content: usize| {
        (HEADER + name + 1).next_multiple_of(4) as u64 + content.next_multiple_of(4) as u64
    };
    let mut size = member("TRAILER!!!".len(), 0);
    for entry in payload.entries() {
        let content = match (&entry.kind, entry.source()) {
            (_, Some(source)) => source.read()?.len(),
            (Kind::Link(target), None) => target.len(),
            (_, None) => 0,
        };
        size += member("./".len() + entry.path.len(), content);
    }
    u32::try_from(size).context("the payload is larger than 4 GiB")
}

/// Adds the size of the uncompressed payload to the signature header, where `rpmbuild` puts it: `rpm2cpio`
/// calls a package without it damaged, after unpacking it.
fn add_archive_size(package: &mut rpm::Package, size: u32) -> Result<()> {
    let region = IndexSignatureTag::HEADER_SIGNATURES;
    let signature = &mut package.metadata.signature;
    let mut entries = signature.get_all_entries()?;
    entries.retain(|(tag, _)| *tag != region as u32);
    entries.push((IndexSignatureTag::RPMSIGTAG_PAYLOADSIZE as u32, IndexData::Int32(vec![size])));
    let entries = entries.into_iter().map(|(tag, data)| HeaderEntry::new(tag, data));
    *signature = Header::from_entries(entries, region);
    Ok(())
}

/// Name, version, description and history.
fn describe(package: &Package<'_>) -> PackageBuilder {
    let product = package.product;
    let config = BuildConfig::v4().compression(CompressionWithLevel::Xz(XZ_LEVEL)).source_date(package.epoch);
    let version = package.version.tilde();
    let arch = package.platform.rpm_arch();
    let mut builder = PackageBuilder::new(&product.name, &version, &product.license, arch, &product.summary);
    builder
        .using_config(config)
        .release(RELEASE)
        .description(description(&product.description))
        .url(&product.homepage)
        .vendor(&product.vendor)
        .packager(&product.maintainer)
        .build_host(BUILD_HOST);
    for release in package.changelog.releases() {
        let name = format!("{} - {}-{RELEASE}", product.maintainer, release.version.tilde());
        let changes: Vec<_> = release.changes.iter().map(|change| format!("- {change}")).collect();
        builder.add_changelog_entry(name, changes.join("\n"), release.epoch().saturating_add(NOON));
    }
    builder
}

/// Paragraphs broken into lines, which `rpm -qi` prints as they are.
fn description(description: &str) -> String {
    let paragraphs = paragraphs(description).map(|paragraph| wrap(paragraph, WIDTH).join("\n"));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}

/// Scriptlets, and what they and the program need.
fn relate(builder: &mut PackageBuilder, product: &Product) -> Result<()> {
    let needs = product.rpm.as_ref().context("the product manifest has no section [rpm]")?;
    builder.requires(Dependency::rpmlib("PayloadIsXz", "5.2-1"));
    for name in &needs.requires {
        builder.requires(Dependency::any(name));
    }
    for name in &needs.recommends {
        builder.recommends(Dependency::any(name));
    }
    for (phase, parts) in &needs.scripts {
        let scriptlet = Scriptlet::new(parts.text(product)?.trim_end()).prog(vec![SHELL]);
        let requirement: fn(String) -> Dependency = match phase.as_str() {
            "pre" => (builder.pre_install_script(scriptlet), Dependency::script_pre).1,
            "post" => (builder.post_install_script(scriptlet), Dependency::script_post).1,
            "preun" => (builder.pre_uninstall_script(scriptlet), Dependency::script_preun).1,
            "postun" => (builder.post_uninstall_script(scriptlet), Dependency::script_postun).1,
            // A transaction begins and ends in a system that may have nothing yet, so it cannot require anything.
            "posttrans" => {
                builder.post_trans_script(scriptlet);
                continue;
            }
            _ => anyhow::bail!("[rpm.scripts] names {phase:?}; use pre, post, preun, postun, posttrans"),
        };
        for name in &needs.script_requires {
            builder.requires(requirement(name.clone()));
        }
    }
    Ok(())
}

fn add(builder: &mut PackageBuilder, entry: &Entry) -> Result<()> {
    let path = format!("/{}", entry.path);
    let mode = u16::try_from(entry.mode).context("a mode above 0o7777")?;
    let options = match &entry.kind {
        Kind::Directory => FileOptions::dir(path),
        Kind::Link(target) => FileOptions::symlink(path, target),
        Kind::Document(_) | Kind::Manual(_) => FileOptions::new(path).doc(),
        Kind::License(_) => FileOptions::new(path).license(),
        Kind::Program(_) | Kind::Actions(_) | Kind::Runtime(_) | Kind::File(_) => FileOptions::new(path),
    };
    let options = options.permissions(mode).user(&entry.owner.user).group(&entry.owner.group);
    match (&entry.kind, entry.source()) {
        (_, Some(source)) => builder.with_file_contents(source.read()?, options)?,
        (Kind::Link(_), None) => builder.with_symlink(options)?,
        (_, None) => builder.with_dir_entry(options)?,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Owner, Source};
    use std::io;

    /// Fails if: the size that is computed differs from that of the archive which is in the package, whatever
    /// the lengths of names and contents are.
    #[test]
    fn the_size_is_that_of_the_archive() {
        let file = |path: &str, size: usize| Entry::root_file(path, Kind::File(Source::Bytes(vec![7; size])));
        let entry = |path: &str, kind| Entry { kind, mode: 0o755, owner: Owner::root(), ..file(path, 0) };
        let mut entries: Vec<_> =
            (0..9).map(|n| file(&format!("usr/share/{}", "f".repeat(n + 1)), n)).collect();
        entries.push(entry("etc/folder", Kind::Directory));
        entries.push(entry("usr/bin/link", Kind::Link("../share/f".to_owned())));
        for count in 1..=entries.len() {
            let payload = Payload::new(entries[..count].to_vec()).unwrap();
            let mut builder = PackageBuilder::new("n", "1", "MIT", "x86_64", "s");
            builder.using_config(BuildConfig::v4().compression(CompressionWithLevel::Xz(XZ_LEVEL)));
            for entry in payload.entries() {
                add(&mut builder, entry).unwrap();
            }
            let package = builder.build().unwrap();
            let mut archive = liblzma::read::XzDecoder::new(package.payload.as_slice());
            let size = io::copy(&mut archive, &mut io::sink()).unwrap();
            assert_eq!(u64::from(archive_size(&payload).unwrap()), size, "{count} entries");
        }
    }
}
