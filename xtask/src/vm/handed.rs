//! What a guest is handed: a raw disk that is a tar of the package in `dist/`, the same at a higher version, and a
//! report; where the format has the SELinux policy in a package of its own, that one, too. `nix/vm/disk.nix` makes the
//! same one.

use super::registry::Guest;
use crate::toolchain::rust::clean_command;
use crate::{process, workspace};
use anyhow::{Context, Result};
use packager::{Compiled, Origin, Recipe};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// `tests/vm/commands.toml`, as it was when this program was compiled.
#[derive(Deserialize)]
struct Commands {
    folder: String,
    deb: Map<String, Value>,
    dnf: Map<String, Value>,
}

static COMMANDS: LazyLock<Commands> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../tests/vm/commands.toml"))
        .expect("every run reads tests/vm/commands.toml")
});

/// The version of the package that an upgrade installs: higher than any that is released.
const HIGHER: &str = "255.0.0";

/// The report that is sent.
const REPORT: &str = "tests/fixtures/uut-wsjf-export.json";

/// What Debian's rpm is told of the packages that Debian has.
const STAND_INS: &str = "tests/vm/stand-ins.spec";

/// Where distributions say which services are enabled by their installation.
const PRESETS: &str = "/usr/lib/systemd/system-preset";

/// A disk, and what was put on it.
pub(crate) struct Handed {
    pub(crate) disk: PathBuf,
    /// The artifacts that are judged.
    pub(crate) packages: Vec<PathBuf>,
    /// The same at a higher version.
    pub(crate) upgrades: Vec<PathBuf>,
}

/// Makes the disk of a guest in `work`.
///
/// # Errors
/// If `dist` does not have the package.
pub(crate) fn make(guest: &Guest, dist: &Path, work: &Path) -> Result<Handed> {
    let folder = work.join("handed");
    fs::create_dir_all(&folder)?;
    let (mut packages, mut upgrades) = (Vec::new(), Vec::new());
    for (artifact, name, name_of_upgrade) in artifacts(guest)? {
        let package = of_row(artifact, dist)?;
        fs::copy(&package, folder.join(format!("{name}.{}", guest.format)))?;
        let upgrade = at_version(guest, artifact, &package, HIGHER, work)?;
        fs::copy(&upgrade, folder.join(format!("{name_of_upgrade}.{}", guest.format)))?;
        packages.push(package);
        upgrades.push(upgrade);
    }
    fs::copy(workspace::root().join(REPORT), folder.join("report.json"))?;
    if guest.format == "rpm" {
        stand_ins(&folder, work)?;
    }
    let disk = work.join("handed.raw");
    let mut tar = clean_command("tar", &[]);
    tar.args(["--create", "--owner=0", "--group=0", "--numeric-owner", "--blocking-factor=2048", "--file"]);
    tar.arg(&disk).arg("--directory").arg(&folder).arg(".");
    process::run(tar, |_| {}).context("packing what the guest is handed")?;
    Ok(Handed { disk, packages, upgrades })
}

/// A package in `dist`, by its name in `artifacts.toml`.
pub(super) fn of_row(name: &str, dist: &Path) -> Result<PathBuf> {
    let list = packager::Artifacts::load(dist)?.unwrap_or_default();
    let found = list.of_row(name).map(|(file, _)| dist.join(file));
    found.with_context(|| format!("{} has no {name}: run `cargo xtask dist {name}`", dist.display()))
}

/// The name in `artifacts.toml` of the package for a guest.
pub(super) fn artifact(guest: &Guest) -> Result<&'static str> {
    Ok(match (guest.format.as_str(), guest.architecture.as_str()) {
        ("deb", "x86_64") => "deb-amd64",
        ("deb", "aarch64") => "deb-arm64",
        ("rpm", "x86_64") => "rpm-x86_64",
        ("rpm", "aarch64") => "rpm-aarch64",
        (format, architecture) => anyhow::bail!("no package is made as {format} for {architecture}"),
    })
}

/// All packages for a guest: each one's name in `artifacts.toml`, what it is called in the guest, and what it is called
/// there at the higher version.
fn artifacts(guest: &Guest) -> Result<Vec<(&'static str, &'static str, &'static str)>> {
    let mut artifacts = vec![(artifact(guest)?, "package", "upgrade")];
    if guest.format == "rpm" {
        artifacts.push(("rpm-selinux", "selinux", "selinux-upgrade"));
    }
    Ok(artifacts)
}

/// Makes the package by which Debian's rpm knows what Debian has, as `stand-ins.rpm` in a folder.
fn stand_ins(folder: &Path, work: &Path) -> Result<()> {
    let top = work.join("rpmbuild");
    let mut build = clean_command("rpmbuild", &[]);
    build.args(["-bb", "--quiet", "--define", &format!("_topdir {}", top.display())]);
    // It reads macros from HOME, which may redefine anything.
    build.arg(workspace::root().join(STAND_INS)).env("HOME", work);
    process::run(build, |_| {}).with_context(|| format!("making a package of {STAND_INS}"))?;
    fs::copy(top.join("RPMS/noarch/debian-stand-ins-1-1.noarch.rpm"), folder.join("stand-ins.rpm"))?;
    Ok(())
}

/// How the artifacts of this workspace are made.
fn recipe() -> Result<Recipe> {
    Recipe::load(&workspace::product_manifest(), &workspace::root().join("artifacts.toml"))
}

/// The same package with the same program at another version.
fn at_version(guest: &Guest, artifact: &str, package: &Path, version: &str, work: &Path) -> Result<PathBuf> {
    let mut recipe = recipe()?;
    recipe.version = version.parse()?;
    let row = recipe.rows.row(artifact)?;
    let unpacked = work.join("unpacked");
    unpack(&guest.format, package, &unpacked)?;
    let compile = |triple: &String| Compiled { triple: triple.clone(), folder: unpacked.join("usr/bin") };
    let programs = recipe.take(row, row.targets.iter().map(compile).collect())?;
    let origin = Origin { inputs: "", toolchain: "" };
    let made = recipe.make(row, &programs, Vec::new(), origin, work);
    Ok(made.with_context(|| format!("making the package of version {version} for an upgrade"))?.0)
}

/// Puts the files of a package into a folder.
pub(super) fn unpack(format: &str, package: &Path, into: &Path) -> Result<()> {
    fs::create_dir_all(into)?;
    let mut unpack;
    if format == "deb" {
        unpack = clean_command("dpkg-deb", &[]);
        unpack.arg("--extract").arg(package).arg(into);
    } else {
        // It reads RPM packages as they are.
        unpack = clean_command("bsdtar", &[]);
        unpack.arg("-xf").arg(package).arg("-C").arg(into);
    }
    process::run(unpack, |_| {})
}

/// What scenarios find as global variables: as in `nix/vm/formats.nix` and `nix/vm/package-test.nix`, but for the test
/// server, which is outside of the guest here. `records` is where it keeps what arrives.
pub(crate) fn constants(guest: &Guest, server: &Path, port: u16, records: &Path) -> Map<String, Value> {
    let folder = &COMMANDS.folder;
    let mut prepare = format!(
        "mkdir -p {folder} && tar --extract --file /dev/disk/by-id/virtio-handed --directory {folder}"
    );
    if guest.format == "rpm" {
        // As on Enterprise Linux: rpm knows what is there, and no service is enabled by its installation.
        prepare += &format!(
            " && rpm --install --replacepkgs {folder}/stand-ins.rpm && mkdir -p {PRESETS} \
             && echo 'disable *' > {PRESETS}/99-default-disable.preset"
        );
    }
    let constants = json!({
        "GUEST": guest.name,
        "FORMAT": guest.format,
        "SELINUX": guest.selinux,
        "SERVER": server,
        "OUTSIDE": true,
        "SERVER_URL": format!("http://10.0.2.2:{port}"),
        "LISTEN": format!("127.0.0.1:{port}"),
        "RECORDS": records,
        "REPORT": format!("{folder}/report.json"),
        "PREPARE": prepare,
    });
    let mut constants = constants.as_object().cloned().unwrap_or_default();
    let commands = if guest.format == "deb" { &COMMANDS.deb } else { &COMMANDS.dnf };
    constants.extend(commands.clone());
    constants
}
