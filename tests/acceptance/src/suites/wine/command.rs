//! `pywats-client service`, for who unpacks the archive: the service manager is asked for what the MSI asks it.

use super::prefix::DATA;
use super::reports::{Wats, report};
use super::{DEFAULT, Packages, msi};
use crate::client::wait_until;
use crate::suites::wine::station::Station;
use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Where the program is unpacked.
const PROGRAM: &str = r"C:\unpacked\pywats-client.exe";
/// Where it is copied to.
const COPY: &str = r"C:\Program Files\by hand";

/// Unpacks the program.
fn unpack(station: &Station, packages: &Packages) -> Result<()> {
    let folder = station.path(r"C:\unpacked");
    std::fs::create_dir_all(&folder)?;
    let extracted = station.path(r"C:\extracted");
    std::fs::create_dir_all(&extracted)?;
    let program = msi::program(&packages.first, &extracted)?;
    std::fs::copy(&program, station.path(PROGRAM)).context("copying the program")?;
    Ok(())
}

/// What a command says that ends with this exit code.
fn ends_with(station: &Station, code: i64, command: &str) -> Result<String> {
    let said = station.run(command)?;
    ensure!(said.code == code, "{command}: not {code} but {}: {}", said.code, said.output);
    Ok(said.output)
}

/// Fails if: the service is not registered, does not run or is not removed, or a verb has another exit code.
pub(super) fn from_an_archive(station: &Station, packages: &Packages) -> Result<()> {
    unpack(station, packages)?;
    let users = ends_with(
        station,
        12,
        &format!(
            "mkdir C:\\users\\Public\\Downloads 2>nul\ncopy {PROGRAM} C:\\users\\Public\\Downloads >nul\n\
             C:\\users\\Public\\Downloads\\pywats-client.exe service install"
        ),
    )?;
    ensure!(users.contains("--copy-to"), "{users}");
    ends_with(station, 11, &format!("{PROGRAM} service status"))?;
    let said = ends_with(station, 0, &format!("{PROGRAM} service install --dry-run"))?;
    ensure!(said.contains("register the service"), "{said}");
    ensure!(station.service()?.is_none(), "a dry run has registered the service");

    ends_with(station, 0, &format!("{PROGRAM} service install --copy-to \"{COPY}\""))?;
    station.expect_service(true)?;
    let service = station.registered()?;
    for part in [&format!(r#"{COPY}\pywats-client.exe""#), r"NT SERVICE\pywats-client", "run --service"] {
        ensure!(service.contains(part), "{part} is not in {service}");
    }
    let state = ends_with(station, 0, &format!("{PROGRAM} service status --json"))?;
    for part in ["\"installed_by\": \"service install\"", "\"running\": true", "\"starts_with_machine\": true"] {
        ensure!(state.contains(part), "{part} is not in {state}");
    }
    ends_with(station, 10, &format!("{PROGRAM} service install"))?;
    ends_with(station, 0, &format!("{PROGRAM} service stop"))?;
    station.expect_service(false)?;
    ends_with(station, 32, &format!("{PROGRAM} service status"))?;
    ends_with(station, 0, &format!("{PROGRAM} service restart"))?;
    station.expect_service(true)?;
    ends_with(station, 0, &format!("{PROGRAM} support-bundle -o C:\\bundle.zip"))?;
    ensure!(station.path(r"C:\bundle.zip").is_file(), "there is no bundle");

    ends_with(station, 0, &format!("{PROGRAM} service uninstall"))?;
    ensure!(station.service()?.is_none(), "the service is still registered");
    ensure!(!station.path(COPY).join("pywats-client.exe").exists(), "the copy is still there");
    ensure!(station.path(DATA).join("watch").is_dir(), "the data folder is gone");
    ends_with(station, 11, &format!("{PROGRAM} service uninstall")).map(drop)
}

/// Fails if: the command installs or removes what the MSI has installed.
pub(super) fn beside_the_msi(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, "")?;
    station.expect_service(true)?;
    let program = format!("\"{DEFAULT}\\pywats-client.exe\"");
    ends_with(station, 10, &format!("{program} service install"))?;
    ends_with(station, 13, &format!("{program} service uninstall --purge"))?;
    station.expect_service(true)?;
    let state = ends_with(station, 0, &format!("{program} service status --json"))?;
    ensure!(state.contains("\"installed_by\": \"package\""), "{state}");
    ends_with(station, 0, &format!("{program} service stop"))?;
    station.expect_service(false)
}

/// Fails if: a command does not find the running service, which would not let it near the queue; or the queue while the
/// service is down.
pub(super) fn through_the_pipes(station: &Station, packages: &Packages) -> Result<()> {
    let wats = Wats::start()?;
    station.install(&packages.first, "")?;
    std::fs::write(station.path(DATA).join("config.json"), wats.configuration())?;
    let program = format!("\"{DEFAULT}\\pywats-client.exe\"");
    let says = |code: i64, verb: &str| ends_with(station, code, &format!("{program} {verb}"));
    let ready = || station.run(&format!("{program} status --json")).is_ok_and(|said| said.code == 0);
    wait_until(ready).with_context(|| format!("not ready:\n{}", station.client_log()))?;

    let send = |number: u8| -> Result<Value> {
        let report = report(number)?;
        std::fs::write(station.path(r"C:\sent.json"), report.to_string())?;
        says(0, r"send C:\sent.json").map(|_| report)
    };
    wats.expect(&send(1)?)?;
    wats.stop();
    let waiting = send(2)?;
    let id = waiting["id"].as_str().context("the report has no id")?;
    let waits = |verb: &str| -> Result<()> {
        let listed = says(0, verb)?;
        ensure!(listed.contains(id), "{id} is not in what {verb} says: {listed}");
        Ok(())
    };
    waits("queue list --json")?;
    waits(&format!("queue show {id}"))?;
    says(0, &format!("queue retry {id}"))?;

    says(0, "service stop")?;
    station.expect_service(false)?;
    says(32, "status")?;
    waits("queue list --json").context("while the service is down")?;
    wats.restart()?;
    says(0, "service start")?;
    wats.expect(&waiting)?;
    let empty = || station.run(&format!("{program} queue list")).is_ok_and(|said| said.output.contains("no report waits"));
    wait_until(empty).context("the queue is not empty")
}
