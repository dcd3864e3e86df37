//! Upgrades: which version replaces which, and what is left when one fails.

use super::prefix::DATA;
use super::reports::{Wats, report};
use super::station::Station;
use super::{CHOSEN, DEFAULT, Packages, SECOND_VERSION};
use crate::client::{drop_report, wait_until};
use crate::products;
use crate::suites::msi;
use anyhow::{Context, Result, ensure};
use packager::Version;
use std::fs;
use std::path::{Path, PathBuf};

/// Versions in their order. Wine cannot compare numbers that are more than 127 apart.
const VERSIONS: &[&str] = &["0.1.0-rc.1", "0.1.0", "0.1.1", "0.2.0", "1.0.0-alpha.2", "1.0.0"];

/// Pre-releases, patches, minor and major versions replace each other upwards, and never downwards.
pub(super) fn versions(station: &Station, packages: &Packages) -> Result<()> {
    let folder = station.path(r"C:\packages");
    fs::create_dir_all(&folder)?;
    let program = msi::program(&packages.first, &folder)?;
    let mut earlier: Option<PathBuf> = None;
    for version in VERSIONS {
        let msi = products::package("msi", "x86_64-windows", version, &program, &folder)?;
        station.install(&msi, if earlier.is_none() { "STARTSERVICE=0" } else { "" })?;
        ensure!(station.setting("Version")? == *version, "{version} is not what the registry says");
        ensure!(station.listed()? == 1, "after {version} the product is listed {} times", station.listed()?);
        if let Some(earlier) = earlier {
            let code = station.try_install(&earlier, "")?;
            ensure!(code == 1603, "going back from {version} ended with {code}");
            ensure!(station.setting("Version")? == *version, "going back from {version} changed something");
        }
        earlier = Some(msi);
    }
    Ok(())
}

/// A package of the same version with other content, such as one that is signed, replaces the first; what is built after
/// a release replaces it as well, and the release that in turn.
pub(super) fn same_version_again(station: &Station, packages: &Packages) -> Result<()> {
    let folder = station.path(r"C:\packages");
    fs::create_dir_all(&folder)?;
    let program = msi::program(&packages.first, &folder)?;
    // Bytes behind the end of a program are what a signature is, too.
    let mut bytes = fs::read(&program)?;
    bytes.extend_from_slice(&[0; 8]);
    fs::write(&program, &bytes)?;
    let version = msi::version(&packages.first)?;
    let other = products::package("msi", "x86_64-windows", &version, &program, &folder)?;
    station.install(&packages.first, "")?;
    // A service that is still starting can be stopped by nobody, and its program is then replaced by a restart only.
    station.expect_service(true)?;
    station.install(&other, "")?;
    let installed = fs::read(station.path(DEFAULT).join("pywats-client.exe"))?;
    ensure!(installed == bytes, "the program is still the first one");
    ensure!(station.listed()? == 1, "the product is listed {} times", station.listed()?);
    station.expect_service(true)?;

    let release = version.parse::<Version>()?.released();
    for version in [release.dev(), release].map(|version| version.to_string()) {
        let msi = products::package("msi", "x86_64-windows", &version, &program, &folder)?;
        station.install(&msi, "")?;
        ensure!(station.setting("Version")? == version, "{version} is not what the registry says");
        ensure!(station.listed()? == 1, "with {version} the product is listed {} times", station.listed()?);
        station.expect_program(DEFAULT)?;
        station.expect_service(true)?;
    }
    Ok(())
}

/// Where an upgrade is made to fail, and whether Wine then still has the old version. Windows brings all of it back;
/// Wine runs the removal of the old version to its end on its own.
const STAGES: &[(&str, i32, bool)] = &[
    ("before the old version is removed", BEFORE_THE_REMOVAL, true),
    ("after the old version was removed", 1560, false),
    ("after the service was stopped", 1950, false),
    ("after the folders were made", 3750, false),
    ("after the files were copied", 4050, false),
    ("after the registry was written", AFTER_THE_REGISTRY, false),
    ("after the service was registered", 5870, false),
    ("after the service was started", 5950, false),
    ("at the very end", 6590, false),
];

/// Where everything is written but the service.
pub(super) const AFTER_THE_REGISTRY: i32 = 5150;
/// Where nothing has been changed yet.
const BEFORE_THE_REMOVAL: i32 = 1520;

/// Whatever fails: configuration, data and queued reports are as they were, the service keeps its settings, and
/// another attempt delivers what was queued. As long as the old version was not removed, it goes on running.
pub(super) fn failures(station: &Station, packages: &Packages) -> Result<()> {
    let wats = Wats::start()?;
    station.install(&packages.first, &format!(r#"INSTALLDIR="{CHOSEN}""#))?;
    fs::write(station.path(DATA).join("config.json"), wats.configuration())?;
    station.expect_service(true)?;
    wats.stop();
    for (number, (stage, sequence, intact)) in (1_u8..).zip(STAGES) {
        let context = || format!("failing {stage}");
        let report = report(number)?;
        let name = format!("{number}.json");
        drop_report(&station.path(DATA).join("watch"), &name, report.to_string().as_bytes())?;
        let queued = format!("queued as {}", report["id"].as_str().unwrap_or_default());
        wait_until(|| station.client_log().contains(&queued)).context("the report was not queued")?;
        let before = fs::read(station.path(DATA).join("config.json"))?;

        let broken = station.path(r"C:\broken.msi");
        break_at(&packages.second, &broken, *sequence)?;
        let code = station.try_install(&broken, "").with_context(context)?;
        ensure!(code == 1603, "{}: the upgrade ended with {code}\n{}", context(), station.log());

        ensure!(fs::read(station.path(DATA).join("config.json"))? == before, "{}: configuration", context());
        ensure!(station.path(DATA).join("queue.db").is_file(), "{}: the queue is gone", context());
        ensure!(waits(&station.path(DATA), &name)?, "{}: {name} is gone", context());
        let service = station.service()?.with_context(|| format!("{}: there is no service", context()))?;
        ensure!(service.contains(r"NT SERVICE\pywats-client"), "{}: {service}", context());
        ensure!(service.contains(CHOSEN), "{}: the service is elsewhere: {service}", context());
        if *intact {
            station.expect_program(CHOSEN).with_context(context)?;
            station.expect_service(true).with_context(context)?;
            ensure!(station.setting("Version")? != SECOND_VERSION, "{}: it is the new version", context());
        } else {
            // What an administrator would do; Windows does it by itself.
            let folder = format!(r#"INSTALLDIR="{CHOSEN}""#);
            station.install(&packages.first, &folder).with_context(context)?;
            station.expect_service(true).with_context(context)?;
        }
    }
    station.install(&packages.second, "").context("the upgrade that does not fail")?;
    wats.restart()?;
    wats.expect_all(STAGES.len()).context("what was queued before each failure")
}

/// Whether a report that the client claimed under that name waits to be delivered.
fn waits(data: &Path, name: &str) -> Result<bool> {
    let claimed = format!("~{name}");
    for entry in fs::read_dir(data.join("spool")).context("reading the spool")? {
        if entry?.file_name().to_string_lossy().ends_with(&claimed) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes a package that fails at a place in its sequence.
pub(super) fn break_at(package: &Path, broken: &Path, sequence: i32) -> Result<()> {
    // An action of the DLL with data that it cannot make sense of. Actions of the transaction run at its end, after
    // the removal of the old version.
    let (kind, data) =
        if sequence == BEFORE_THE_REMOVAL { (0x1, "CustomActionData") } else { (0xc01, "Break") };
    const SET_PROPERTY: i32 = 51;
    const BEFORE_THE_TRANSACTION: i32 = 1450;
    fs::copy(package, broken)?;
    let file = fs::File::options().read(true).write(true).open(broken)?;
    let mut package = ::msi::Package::open(file).context("opening the package to break it")?;
    let text = |text: &str| ::msi::Value::Str(text.to_owned());
    let actions = [
        ("Break", kind, "InstallerActions", "SecureFolders", sequence),
        ("SetBreak", SET_PROPERTY, data, "broken on purpose", BEFORE_THE_TRANSACTION),
    ];
    for (name, kind, source, target, sequence) in actions {
        let kind = ::msi::Value::Int(kind);
        let row = vec![text(name), kind, text(source), text(target), ::msi::Value::Null];
        package.insert_rows(::msi::Insert::into("CustomAction").row(row))?;
        let row = vec![text(name), ::msi::Value::Null, ::msi::Value::Int(sequence)];
        package.insert_rows(::msi::Insert::into("InstallExecuteSequence").row(row))?;
    }
    package.flush()?;
    Ok(())
}
