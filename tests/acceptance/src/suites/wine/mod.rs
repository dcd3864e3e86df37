//! Installs the Windows Installer package in Wine, as an administrator would, and sends reports through
//! the installed service.
//!
//! What Wine does not do (delayed start, access rights) is read from the tables by the suite `msi`; `docs/windows.md`
//! lists it. Nor does Wine bring back what an upgrade removed before it failed, as Windows does: it runs the
//! removal to its end on its own. The packager's tests check that it is scheduled inside the transaction.
//! Needs the Debian packages `wine`, `wine64`, `msitools` and `gcc-mingw-w64-x86-64-win32`.

mod command;
mod life;
mod policy;
pub(crate) mod prefix;
mod properties;
pub(crate) mod reports;
pub(crate) mod station;
mod upgrades;

use crate::bench::Bench;
use crate::client::wait_until;
use crate::command::tool;
use crate::products;
use crate::suites::msi;
use anyhow::{Context, Result, ensure};
use packager::Version;
use prefix::Prefix;
use station::Station;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A folder that an administrator might choose.
const CHOSEN: &str = r"C:\Test Station\py WATS";
/// The folder that nobody chose.
pub(crate) const DEFAULT: &str = r"C:\Program Files\pyWATS";
/// The higher version. Wine cannot compare versions that are more than 127 apart.
pub(crate) const SECOND_VERSION: &str = "100.0.0";

/// The package under test, and the same program at a higher version.
#[derive(Clone)]
struct Packages {
    first: PathBuf,
    second: PathBuf,
}

/// A case that needs a station on which nothing was installed yet.
type Case = fn(&Station, &Packages) -> Result<()>;

/// Every case.
const CASES: &[(&str, Case)] = &[
    ("Windows' own functions read version and icon of the program", says_what_it_is),
    (
        "what is given becomes the first configuration, in folders with any characters",
        properties::first_configuration,
    ),
    ("what cannot work is refused, and nothing is changed", properties::refused),
    ("a token that is given later takes the place of the earlier one", properties::token_later),
    ("the account is the one that is given, in upgrades too", properties::account),
    ("PATH and Start menu can be left out, in upgrades too", properties::features),
    ("a service can be given up and taken up again", properties::service_switched),
    ("a removal takes configuration and data along when it is told to", properties::purge),
    ("a repair brings back what is missing and keeps the rest", properties::repair),
    ("versions replace each other upwards only", upgrades::versions),
    ("another package of the same version replaces the first", upgrades::same_version_again),
    ("an upgrade that fails anywhere loses nothing", upgrades::failures),
    ("INSTALLSERVICE=0 registers no service, in upgrades too", no_service),
    ("a removal waits until the program has ended", program_that_ends_late),
    ("INSTALLSERVICE=0 removes the service of an older version", service_no_longer_wanted),
    ("STARTSERVICE=0 does not start the service, in upgrades too", service_not_started),
    ("the same package again changes nothing", same_again),
    ("an installation that fails leaves nothing behind", failure_rolls_back),
    ("an upgrade to another folder moves program and service", moved),
    ("a policy overrides the configuration file, at once", policy::overrides_the_file),
    ("a policy that cannot be used is told of", policy::unusable_is_told),
    ("a diagnosis knows Windows, service and write filter", policy::diagnosis),
    ("the program of an archive installs the service and removes it", command::from_an_archive),
    ("the service of the MSI is left to the MSI", command::beside_the_msi),
    ("commands reach the installed service through its named pipes", command::through_the_pipes),
];
/// Installs, upgrades and removes the one `.msi` for x64.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let first = bench.artifact("-x64.msi")?;
    let folder = bench.folder("packages")?;
    let program = msi::program(&first, &folder)?;
    let second = products::package("msi", "x86_64-windows", SECOND_VERSION, &program, &folder)?;
    let packages = Packages { first, second };
    let template = Prefix::create(&bench.folder("template")?).context("making a Wine prefix")?;

    life::run(bench, &template, &packages)?;
    for (name, case) in CASES {
        let folder = bench.folder("prefix")?;
        bench.case(name, || case(&Station::new(template.copy(&folder)?), &packages));
    }
    Ok(())
}

fn says_what_it_is(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, "INSTALLSERVICE=0")?;
    tool("x86_64-w64-mingw32-gcc", 600)
        .args(["-O2", "-s", "-o"])
        .arg(station.path(r"C:\file_version.exe"))
        .arg(products::workspace().join("tests/wine/file_version.c"))
        .args(["-lmsi", "-lversion"])
        .run()?;
    let said = station.prefix.batch(&format!(r#"C:\file_version.exe "{DEFAULT}\pywats-client.exe""#))?;
    let version: Version = msi::version(&packages.first)?.parse()?;
    let numbers = version.windows_file().map(|number| number.to_string()).join(".");
    for line in [
        &format!("file version: {numbers}"),
        "FileDescription: pyWATS Client",
        &format!("ProductVersion: {version}"),
        &format!("for the installer: {numbers}, 1033"),
        "icon: 16",
        "icon: 256",
    ] {
        let found = said.output.lines().any(|said| said.trim_end() == line);
        ensure!(found, "{line:?} is not in what they say:\n{}", said.output);
    }
    Ok(())
}

fn no_service(station: &Station, packages: &Packages) -> Result<()> {
    for (msi, properties) in [(&packages.first, "INSTALLSERVICE=0"), (&packages.second, "")] {
        station.install(msi, properties)?;
        station.expect_program(DEFAULT)?;
        ensure!(station.service()?.is_none(), "a service was registered by {}", msi.display());
        ensure!(station.setting("InstallService")? == "0", "the choice was not remembered");
    }
    station.uninstall(&packages.second)?;
    station.expect_gone(DEFAULT)?;
    Ok(())
}

/// A service says that it has stopped before its process has ended, which takes longer on a busy machine.
fn program_that_ends_late(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, "INSTALLSERVICE=0")?;
    let mut program = station.prefix.command("wine");
    let mut program = program.arg(format!(r"{DEFAULT}\pywats-client.exe")).arg("run").spawn()?;
    wait_until(|| station.path(prefix::DATA).join("queue.db").exists()).context("the program does not run")?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(5));
            drop(program.kill().and_then(|()| program.wait()));
        });
        station.uninstall(&packages.first)
    })?;
    station.expect_gone(DEFAULT)
}

fn service_no_longer_wanted(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, "")?;
    station.expect_service(true)?;
    station.install(&packages.second, "INSTALLSERVICE=0")?;
    station.expect_program(DEFAULT)?;
    ensure!(station.service()?.is_none(), "the service of the older version is still registered");
    Ok(())
}

fn service_not_started(station: &Station, packages: &Packages) -> Result<()> {
    for (msi, properties) in [(&packages.first, "STARTSERVICE=0"), (&packages.second, "")] {
        station.install(msi, properties)?;
        ensure!(station.service()?.is_some(), "{} registered no service", msi.display());
        // Long enough for a service that was started after all to show.
        std::thread::sleep(std::time::Duration::from_secs(2));
        station.expect_service(false)?;
    }
    // What somebody has started since goes on, although the first installation did not start it.
    let started = station.run("net start pywats-client")?;
    station.expect_service(true).with_context(|| format!("net start said {}", started.output))?;
    station.install(&packages.second, "")?;
    station.expect_service(true).context("after a repair")?;
    station.install(&packages.second, "STARTSERVICE=1")?;
    station.install(&packages.second, "STARTSERVICE=0")?;
    station.expect_service(false).context("told not to start now")
}

fn same_again(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, &format!(r#"INSTALLDIR="{CHOSEN}""#))?;
    station.install(&packages.first, "")?;
    station.expect_program(CHOSEN)?;
    ensure!(!station.path(DEFAULT).exists(), "something was installed to {DEFAULT}");
    station.expect_service(true)
}

/// A folder with the name of the program makes the installation of files fail.
fn failure_rolls_back(station: &Station, packages: &Packages) -> Result<()> {
    let obstacle = station.path(DEFAULT).join("pywats-client.exe");
    fs::create_dir_all(obstacle.join("obstacle"))?;
    let code = station.try_install(&packages.first, "")?;
    ensure!(code == 1603, "the installation ended with {code}\n{}", station.log());
    let left: Vec<_> =
        fs::read_dir(station.path(DEFAULT))?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    ensure!(left == ["pywats-client.exe"], "files were left behind: {left:?}");
    ensure!(station.service()?.is_none(), "a service was left behind");
    ensure!(!station.is_listed()?, "the product is listed as installed");

    fs::remove_dir_all(obstacle)?;
    station.install(&packages.first, "").context("installing after the failure")?;
    station.expect_service(true)
}

fn moved(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, "")?;
    station.expect_service(true)?;
    station.install(&packages.second, &format!(r#"INSTALLDIR="{CHOSEN}""#))?;
    station.expect_program(CHOSEN)?;
    station.expect_gone(DEFAULT)?;
    let service = station.registered()?;
    ensure!(service.contains(CHOSEN), "the service is still at its old place:\n{service}");
    station.expect_service(true)
}
