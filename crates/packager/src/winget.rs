//! Manifests for winget, the Windows package manager: three files that say where the installers of a
//! release are and what they are, so that `winget install` finds them.
//!
//! Specified by the [schemas](https://github.com/microsoft/winget-cli/tree/master/schemas/JSON/manifests).
//! Only Windows Installer packages are listed. A program that is run from where it lies would need no
//! administrator, so winget would prefer it, and nobody would get the service.

use crate::changelog::Release;
use crate::product::Winget;
use crate::unfinished::write_text;
use crate::{Changelog, Product, digest};
use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_saphyr::SerializerOptions;
use std::fs::File;
use std::path::{Path, PathBuf};
use windows_installer::{Identity, Platform};

/// The version of the manifests. Every winget from this version on reads them.
const MANIFEST_VERSION: &str = "1.10.0";
/// The language of the texts.
const LOCALE: &str = "en-US";

/// What every manifest begins with.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Head<'a> {
    package_identifier: &'a str,
    package_version: String,
}

/// What every manifest ends with.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tail {
    manifest_type: &'static str,
    manifest_version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct VersionManifest<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    default_locale: &'static str,
    #[serde(flatten)]
    tail: Tail,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct LocaleManifest<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    package_locale: &'static str,
    publisher: &'a str,
    publisher_url: &'a str,
    package_name: &'a str,
    package_url: &'a str,
    license: &'a str,
    short_description: &'a str,
    description: &'a str,
    moniker: &'a str,
    tags: &'a [String],
    release_notes: String,
    #[serde(flatten)]
    tail: Tail,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct InstallerManifest<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    platform: [&'static str; 1],
    #[serde(rename = "MinimumOSVersion")]
    minimum_os_version: &'a str,
    installer_type: &'static str,
    scope: &'static str,
    install_modes: [&'static str; 3],
    installer_switches: Switches,
    upgrade_behavior: &'static str,
    elevation_requirement: &'static str,
    release_date: String,
    installers: Vec<Installer>,
    #[serde(flatten)]
    tail: Tail,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Switches {
    install_location: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Installer {
    architecture: &'static str,
    installer_url: String,
    installer_sha256: String,
    product_code: String,
    apps_and_features_entries: [ListedAs; 1],
}

/// How Windows lists what was installed. winget compares its version, not that of the manifest.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ListedAs {
    display_name: String,
    publisher: String,
    display_version: String,
    product_code: String,
    upgrade_code: String,
    installer_type: &'static str,
}

/// Writes the manifests of the newest release into a folder, and returns where they are.
///
/// `installers` are Windows Installer packages as they lie at `address`, signed if they are signed: their
/// digests go into the manifests.
///
/// # Errors
/// If the product has no facts for winget, there are changes that are not released, the address is none, or an
/// installer cannot be read, is of another product or version, or for the same processor as another one.
pub fn write(
    folder: &Path,
    product: &Product,
    changelog: &Changelog,
    installers: &[PathBuf],
    address: &str,
) -> Result<Vec<PathBuf>> {
    let facts = product.winget.as_ref().context("the product manifest has no section [winget]")?;
    let release = changelog.latest();
    ensure!(
        !release.version.is_dev(),
        "the changelog has changes that are not released: winget offers releases only"
    );
    let subject = Subject { product, facts, release };
    let installers = subject.list(installers, address)?;
    let texts = [
        ("", "version", to_yaml(&subject.version())?),
        (".installer", "installer", to_yaml(&subject.installer(installers))?),
        (&format!(".locale.{LOCALE}"), "defaultLocale", to_yaml(&subject.locale())?),
    ];
    let mut written = Vec::new();
    for (suffix, kind, text) in texts {
        let name = format!("{}{suffix}.yaml", facts.identifier);
        let schema = format!("https://aka.ms/winget-manifest.{kind}.{MANIFEST_VERSION}.schema.json");
        write_text(folder, &name, &format!("# yaml-language-server: $schema={schema}\n\n{text}"))?;
        written.push(folder.join(name));
    }
    Ok(written)
}

/// What the manifests are about.
struct Subject<'a> {
    product: &'a Product,
    facts: &'a Winget,
    release: &'a Release,
}

impl<'a> Subject<'a> {
    fn head(&self) -> Head<'a> {
        Head { package_identifier: &self.facts.identifier, package_version: self.release.version.to_string() }
    }

    fn version(&self) -> VersionManifest<'a> {
        VersionManifest { head: self.head(), default_locale: LOCALE, tail: tail("version") }
    }

    fn installer(&self, installers: Vec<Installer>) -> InstallerManifest<'a> {
        InstallerManifest {
            head: self.head(),
            platform: ["Windows.Desktop"],
            minimum_os_version: &self.facts.minimum_os_version,
            installer_type: "msi",
            scope: "machine",
            install_modes: ["interactive", "silent", "silentWithProgress"],
            // winget would set TARGETDIR, which does not move the folder.
            installer_switches: Switches { install_location: "INSTALLDIR=\"<INSTALLPATH>\"" },
            // The package itself removes the older version.
            upgrade_behavior: "install",
            // winget asks before it starts the package, which may be silent then.
            elevation_requirement: "elevationRequired",
            release_date: self.release.date.to_string(),
            installers,
            tail: tail("installer"),
        }
    }

    fn locale(&self) -> LocaleManifest<'a> {
        let product = self.product;
        let notes: Vec<String> = self.release.changes.iter().map(|change| format!("- {change}")).collect();
        LocaleManifest {
            head: self.head(),
            package_locale: LOCALE,
            publisher: &product.vendor,
            publisher_url: &product.homepage,
            package_name: &product.display_name,
            package_url: &product.homepage,
            license: &product.license,
            short_description: &product.summary,
            // What comes after the first paragraph is for the other systems' packages.
            description: product.description.split("\n\n").next().unwrap_or_default().trim(),
            moniker: &product.name,
            tags: &self.facts.tags,
            release_notes: notes.join("\n"),
            tail: tail("defaultLocale"),
        }
    }

    /// The entries of the packages, in the order of the processors that they are for.
    fn list(&self, packages: &[PathBuf], address: &str) -> Result<Vec<Installer>> {
        ensure!(!packages.is_empty(), "winget needs an installer: name a Windows Installer package");
        ensure!(
            is_folder_address(address),
            "the address {address:?} is none: use https://HOST/FOLDER, where the packages are downloaded from"
        );
        let mut listed: Vec<Installer> = Vec::new();
        for path in packages {
            let doing = || format!("listing {} for winget", path.display());
            let installer = self.entry(path, address).with_context(doing)?;
            if listed.iter().any(|other| other.architecture == installer.architecture) {
                bail!("{}: there is another installer for {}", doing(), installer.architecture);
            }
            listed.push(installer);
        }
        listed.sort_by_key(|installer| installer.architecture);
        Ok(listed)
    }

    /// The entry of one package, from what it says of itself.
    fn entry(&self, path: &Path, address: &str) -> Result<Installer> {
        let found = Identity::read(File::open(path)?)?;
        for (what, found, expected) in [
            ("the product", &found.product_name, &self.product.display_name),
            ("the upgrade code", &found.upgrade_code, &format!("{{{}}}", self.product.msi()?.upgrade_code)),
            ("the version", &found.version, &self.release.version.msi()),
        ] {
            ensure!(found == expected, "{what} is {found}, not {expected} as in manifest and changelog");
        }
        let name = path.file_name().unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        let usable = name.to_str().filter(|name| name.chars().all(plain));
        let name = usable
            .with_context(|| format!("the name {name:?} cannot be part of an address: rename the file"))?;
        Ok(Installer {
            architecture: match found.platform {
                Platform::X64 => "x64",
                Platform::Arm64 => "arm64",
            },
            installer_url: format!("{}/{name}", address.trim_end_matches('/')),
            installer_sha256: digest::sha256_file(path)?.to_uppercase(),
            product_code: found.product_code.clone(),
            apps_and_features_entries: [ListedAs {
                display_name: found.product_name,
                publisher: found.manufacturer,
                display_version: found.version,
                product_code: found.product_code,
                upgrade_code: found.upgrade_code,
                installer_type: "msi",
            }],
        })
    }
}

/// Whether the name of a file behind this makes the address of the file
/// ([RFC 3986](https://www.rfc-editor.org/rfc/rfc3986), without user, query and fragment).
fn is_folder_address(address: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:%/[]".contains(c);
    let rest = address.strip_prefix("https://").unwrap_or_default();
    !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(allowed)
}

fn tail(manifest_type: &'static str) -> Tail {
    Tail { manifest_type, manifest_version: MANIFEST_VERSION }
}

fn to_yaml(manifest: &impl Serialize) -> Result<String> {
    let mut options = SerializerOptions::default();
    // Wide enough for an address on one line.
    options.folded_wrap_chars = 120;
    serde_saphyr::to_string_with_options(manifest, options).context("writing YAML")
}
