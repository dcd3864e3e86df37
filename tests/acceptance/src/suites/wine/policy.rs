//! Group policies and the diagnosis, in a registry and with a service manager that others wrote.

use super::prefix::DATA;
use super::reports::{Wats, report};
use super::station::Station;
use super::{DEFAULT, Packages};
use crate::client::{drop_report, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;

/// Where the policies are.
const KEY: &str = r"HKLM\SOFTWARE\Policies\Virinco\pyWATS Client";

/// The running service goes where a policy sends it, and back again when there is none any more.
pub(super) fn overrides_the_file(station: &Station, packages: &Packages) -> Result<()> {
    let (of_file, of_policy) = (Wats::start()?, Wats::start()?);
    station.install(&packages.first, "")?;
    station.expect_service(true)?;
    fs::write(station.path(DATA).join("config.json"), of_file.configuration())?;
    deliver(station, &of_file, 1).context("without a policy")?;
    expect_origin(station, "file", &of_file.url(), 0)?;

    set(station, "ServerUrl", "REG_SZ", &of_policy.url())?;
    wait_until(|| station.client_log().contains("set by policy: server.url"))
        .context("the policy was not noticed")?;
    deliver(station, &of_policy, 2).context("with a policy")?;
    expect_origin(station, "policy", &of_policy.url(), 0)?;

    let before = station.client_log().matches("is in force").count();
    let removed = station.run(&format!(r#"reg delete "{KEY}" /v ServerUrl /f /reg:64"#))?;
    ensure!(removed.code == 0, "reg delete failed: {}", removed.output);
    wait_until(|| station.client_log().matches("is in force").count() > before)
        .context("that the policy is gone was not noticed")?;
    of_file.restart()?;
    deliver(station, &of_file, 3).context("after the policy")
}

/// A policy that cannot be used is ignored, and everyone is told which it is.
pub(super) fn unusable_is_told(station: &Station, packages: &Packages) -> Result<()> {
    let wats = Wats::start()?;
    station.install(&packages.first, "")?;
    fs::write(station.path(DATA).join("config.json"), wats.configuration())?;
    // The value, its type, what stands in it, and what is said.
    for (value, kind, content, part) in [
        ("HealthPort", "REG_SZ", "8080", "it must be a REG_DWORD"),
        ("HealthPort", "REG_DWORD", "65536", "write a TCP port"),
        ("LogLevel", "REG_DWORD", "3", "it must be a REG_SZ"),
        ("WatchFolder", "REG_BINARY", "00ff", "it has the type 3"),
    ] {
        set(station, value, kind, content)?;
        let named = format!(r"policy {KEY}: {value}: not usable and ignored; ");
        let check = expect_origin(station, "file", &wats.url(), 22)?;
        let told = check.lines().any(|line| line.contains(&named) && line.contains(part));
        ensure!(told, "{value} {content} {kind}: {check}");
        wait_until(|| station.client_log().contains(&named))
            .with_context(|| format!("{value}: not in the log"))?;
        station.run(&format!(r#"reg delete "{KEY}" /f /reg:64"#))?;
    }
    // Variables in a text are replaced.
    set(station, "WatchFolder", "REG_EXPAND_SZ", r"%SystemDrive%\In")?;
    let check = expect_origin(station, "file", &wats.url(), 0)?;
    let line = check.lines().find(|line| line.starts_with("client.watch_folder")).unwrap_or_default();
    ensure!(line.contains("policy") && line.ends_with(r"C:\In"), "{line}");
    Ok(())
}

/// The diagnosis knows Windows, the service and a write filter that would discard what is queued.
pub(super) fn diagnosis(station: &Station, packages: &Packages) -> Result<()> {
    let wats = Wats::start()?;
    station.install(&packages.first, "")?;
    station.expect_service(true)?;
    fs::write(station.path(DATA).join("config.json"), wats.configuration())?;
    let report = diagnose(station)?;
    for (section, row, expected) in [
        ("service", "registration", "Running"),
        ("service", "start_type", "AutoStart"),
        ("service", "account", r"NT SERVICE\pywats-client"),
    ] {
        ensure!(report[section][row] == expected, "{section}.{row} is not {expected}: {report:#}");
    }
    let build = report["system"]["build"].as_str().unwrap_or_default();
    ensure!(build.starts_with(|first: char| first.is_ascii_digit()), "no build of Windows: {report:#}");
    ensure!(report["server"]["answer"].as_str().unwrap_or_default().contains("accepted"), "{report:#}");
    ensure!(report["folders"]["watch_folder"]["can_be_written"] == true, "{report:#}");
    ensure!(report["write_filter"].is_null(), "a write filter was found where none is: {report:#}");
    ensure!(!report.to_string().contains(crate::client::TOKEN), "the token is shown");

    station.add_write_filter()?;
    let report = diagnose(station)?;
    let filter = &report["write_filter"];
    let command = format!(r#"uwfmgr.exe file add-exclusion "{DATA}""#);
    ensure!(filter["exclusions_to_add"] == serde_json::json!([command]), "{filter:#}");
    ensure!(filter["after_restart"]["protected_drives"] == "C:", "{filter:#}");
    Ok(())
}

fn diagnose(station: &Station) -> Result<Value> {
    let run = station.run(&format!(r#""{DEFAULT}\pywats-client.exe" diagnose --json"#))?;
    ensure!(run.code == 0 || run.code == 50, "diagnose ended with {}: {}", run.code, run.output);
    serde_json::from_str(&run.output).with_context(|| format!("diagnose printed {}", run.output))
}

/// Writes a policy as the editor of Windows does.
fn set(station: &Station, value: &str, kind: &str, content: &str) -> Result<()> {
    // In a batch file a percent sign is written twice.
    let content = content.replace('%', "%%");
    let added = station.run(&format!(r#"reg add "{KEY}" /v {value} /t {kind} /d "{content}" /f /reg:64"#))?;
    ensure!(added.code == 0, "reg add failed: {}", added.output);
    Ok(())
}

/// `check` says where the address comes from and ends with this code; returns what it prints.
fn expect_origin(station: &Station, origin: &str, url: &str, code: i64) -> Result<String> {
    let check = station.run(&format!(r#""{DEFAULT}\pywats-client.exe" check"#))?;
    ensure!(check.code == code, "check ended with {}: {}", check.code, check.output);
    let line = check.output.lines().find(|line| line.starts_with("server.url")).unwrap_or_default();
    let words: Vec<&str> = line.split_whitespace().collect();
    ensure!(words == ["server.url", origin, url], "check says {line:?}, not {origin} and {url}");
    Ok(check.output)
}

fn deliver(station: &Station, wats: &Wats, number: u8) -> Result<()> {
    let report = report(number)?;
    drop_report(&station.path(DATA).join("watch"), &format!("{number}.json"), report.to_string().as_bytes())?;
    wats.expect(&report).with_context(|| format!("the client's log:\n{}", station.client_log()))
}
