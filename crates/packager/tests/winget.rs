//! Manifests for winget, read back by a YAML parser that did not write them. Microsoft's schemas are not in
//! this repository; what they ask for is in the table below.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use packager::{Changelog, Entry, Kind, Package, Payload, Product, Source, Target, format, formats, winget};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

const ADDRESS: &str = "https://example.org/downloads/v1";

fn product() -> Product {
    Product::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml")).unwrap()
}

/// A history of its own: the repository's may have changes that are not released.
fn changelog() -> Changelog {
    Changelog::parse("## [1.2.3-rc.1] - 2026-01-02\n- One: a change.\n- Another.\n").unwrap()
}

/// A package of the repository's product, of that version, or of the newest.
fn package(folder: &Path, target: &str, version: Option<&str>) -> PathBuf {
    let product = product();
    let changelog = changelog();
    let file = |name: &str, kind: fn(Source) -> Kind| {
        Entry::root_file(name, kind(Source::Bytes(name.as_bytes().to_vec())))
    };
    let package = Package {
        product: &product,
        changelog: &changelog,
        version: version.map_or(changelog.latest().version, |version| version.parse().unwrap()),
        platform: target.parse::<Target>().unwrap().into(),
        parts: Vec::new(),
        payload: Payload::new(vec![
            file("pywats-client.exe", Kind::Program),
            file("installer_actions.dll", Kind::Actions),
        ])
        .unwrap(),
        epoch: changelog.latest().epoch(),
    };
    format::write_into(folder, formats::by_name("msi").unwrap(), &package).unwrap()
}

/// The product code in a package's table of properties.
fn product_code(path: PathBuf) -> String {
    let mut package = msi::open(path).unwrap();
    let mut rows = package.select_rows(msi::Select::table("Property")).unwrap();
    let row = rows.find(|row| row["Property"].as_str() == Some("ProductCode")).unwrap();
    row["Value"].as_str().unwrap().to_owned()
}

fn write(folder: &Path, installers: &[PathBuf], address: &str) -> anyhow::Result<Vec<PathBuf>> {
    winget::write(folder, &product(), &changelog(), installers, address)
}

/// A value by the way to it: `Installers.0.Architecture`.
fn value<'a>(manifest: &'a Yaml, way: &str) -> &'a str {
    let step = |at: &'a Yaml, part: &str| part.parse::<usize>().map_or(&at[part], |index| &at[index]);
    let found = way.split('.').fold(manifest, step);
    found.as_str().unwrap_or_else(|| panic!("{way} is {found:?}, not a text"))
}

/// Fails if: a manifest lacks something or says something else than the packages and the product do, or a
/// text is one that YAML takes for a number, a date or a truth.
#[test]
fn manifests_say_what_the_packages_are() {
    let folder = tempfile::tempdir().unwrap();
    let packages =
        [package(folder.path(), "x86_64-windows", None), package(folder.path(), "aarch64-windows", None)];
    let digests = packages.clone().map(|path| format!("{:X}", Sha256::digest(fs::read(path).unwrap())));
    let codes = packages.clone().map(product_code);
    let out = folder.path().join("out");
    let written = write(&out, &packages, &format!("{ADDRESS}/")).unwrap();
    let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let id = "Virinco.pyWATSClient";
    assert_eq!(
        names,
        [format!("{id}.yaml"), format!("{id}.installer.yaml"), format!("{id}.locale.en-US.yaml")]
    );

    let product = product();
    let release = changelog().latest().clone();
    let (version, numbers, date) =
        (release.version.to_string(), release.version.msi(), release.date.to_string());
    let url = |arch: &str| format!("{ADDRESS}/pywats-client-{version}-{arch}.msi");
    let upgrade_code = format!("{{{}}}", product.msi().unwrap().upgrade_code);
    let version_manifest: &[(&str, &str)] = &[("DefaultLocale", "en-US")];
    let installer_manifest: &[(&str, &str)] = &[
        ("Platform.0", "Windows.Desktop"),
        ("MinimumOSVersion", "10.0.17763.0"),
        ("InstallerType", "msi"),
        ("Scope", "machine"),
        ("InstallerSwitches.InstallLocation", "INSTALLDIR=\"<INSTALLPATH>\""),
        ("UpgradeBehavior", "install"),
        ("ElevationRequirement", "elevationRequired"),
        ("ReleaseDate", &date),
        ("Installers.0.Architecture", "arm64"),
        ("Installers.0.InstallerUrl", &url("arm64")),
        ("Installers.0.InstallerSha256", &digests[1]),
        ("Installers.0.ProductCode", &codes[1]),
        ("Installers.1.Architecture", "x64"),
        ("Installers.1.InstallerUrl", &url("x64")),
        ("Installers.1.InstallerSha256", &digests[0]),
        ("Installers.1.ProductCode", &codes[0]),
        ("Installers.1.AppsAndFeaturesEntries.0.ProductCode", &codes[0]),
        ("Installers.1.AppsAndFeaturesEntries.0.UpgradeCode", &upgrade_code),
        ("Installers.1.AppsAndFeaturesEntries.0.DisplayName", &product.display_name),
        ("Installers.1.AppsAndFeaturesEntries.0.DisplayVersion", &numbers),
    ];
    let locale_manifest: &[(&str, &str)] = &[
        ("PackageLocale", "en-US"),
        ("Publisher", &product.vendor),
        ("PackageName", &product.display_name),
        ("License", &product.license),
        ("ShortDescription", &product.summary),
        ("Moniker", "pywats-client"),
        ("Tags.0", "manufacturing"),
    ];
    let manifests = [
        ("version", version_manifest),
        ("installer", installer_manifest),
        ("defaultLocale", locale_manifest),
    ];
    for ((kind, expected), path) in manifests.into_iter().zip(&written) {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with(&format!(
            "# yaml-language-server: $schema=https://aka.ms/winget-manifest.{kind}.1.10.0.schema.json\n"
        )));
        let manifest = &YamlLoader::load_from_str(&text).unwrap()[0];
        let shared = [
            ("PackageIdentifier", id),
            ("PackageVersion", &version),
            ("ManifestType", kind),
            ("ManifestVersion", "1.10.0"),
        ];
        for (way, expected) in shared.iter().chain(expected) {
            assert_eq!(value(manifest, way), *expected, "{way}");
        }
    }
    let locale = fs::read_to_string(&written[2]).unwrap();
    let notes = &YamlLoader::load_from_str(&locale).unwrap()[0]["ReleaseNotes"];
    let changes: Vec<String> = release.changes.iter().map(|change| format!("- {change}")).collect();
    assert_eq!(notes.as_str(), Some(&*changes.join("\n")));

    let again = folder.path().join("again");
    let reversed: Vec<PathBuf> = packages.iter().rev().cloned().collect();
    for (first, second) in written.iter().zip(write(&again, &reversed, ADDRESS).unwrap()) {
        assert_eq!(fs::read(first).unwrap(), fs::read(second).unwrap(), "{}", first.display());
    }
}

/// Fails if: manifests are written that would install something else than they say, or nothing, or the
/// error does not say why.
#[test]
fn refuses_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let good = package(folder.path(), "x86_64-windows", None);
    let other = package(folder.path(), "x86_64-windows", Some("9.9.9"));
    let renamed = folder.path().join("py wats.msi");
    fs::copy(&good, &renamed).unwrap();
    #[cfg(unix)]
    let unreadable = {
        use std::os::unix::ffi::OsStrExt;
        folder.path().join(std::ffi::OsStr::from_bytes(b"x\xff.msi"))
    };
    #[cfg(not(unix))]
    let unreadable = folder.path().join("x\u{e6}.msi");
    fs::copy(&good, &unreadable).unwrap();
    let text = folder.path().join("text.msi");
    fs::write(&text, "no package").unwrap();
    let none = folder.path().join("none.msi");

    let cases: &[(&[&PathBuf], &str, &str)] = &[
        (&[&good], "http://example.org", "use https://"),
        (&[&good], "https://", "use https://"),
        (&[&good], "https:///folder", "use https://"),
        (&[&good], "https://example.org/a b", "use https://"),
        (&[&good], "https://example.org/?file=", "use https://"),
        (&[&good], "https://example.org/#a", "use https://"),
        (&[&good], "https://me:word@example.org/", "use https://"),
        (&[], ADDRESS, "name a Windows Installer package"),
        (&[&none], ADDRESS, "none.msi"),
        (&[&text], ADDRESS, "text.msi"),
        (&[&other], ADDRESS, "the version is 9.9.999, not "),
        (&[&renamed], ADDRESS, "rename the file"),
        (&[&unreadable], ADDRESS, "rename the file"),
        (&[&good, &good], ADDRESS, "another installer for x64"),
    ];
    let out = folder.path().join("out");
    for (installers, address, message) in cases {
        let installers: Vec<PathBuf> = installers.iter().copied().cloned().collect();
        let error = format!("{:#}", write(&out, &installers, address).expect_err(message));
        assert!(error.contains(message), "{message:?} is not said in: {error}");
        assert!(!out.exists(), "{message}: something was written");
    }
}

/// Fails if: what is not released is offered.
#[test]
fn offers_releases_only() {
    let folder = tempfile::tempdir().unwrap();
    let changelog = Changelog::parse("## [Unreleased]\n- More.\n## [1.2.3] - 2026-01-02\n- x\n").unwrap();
    let package = package(folder.path(), "x86_64-windows", Some("1.2.3+dev"));
    let out = folder.path().join("out");
    let error = winget::write(&out, &product(), &changelog, &[package], ADDRESS).unwrap_err().to_string();
    assert!(error.contains("not released") && !out.exists(), "{error}");
}
