//! One installation from its beginning to its end, step by step.

use super::prefix::{DATA, Prefix};
use super::reports::{Wats, report};
use super::station::Station;
use super::{CHOSEN, DEFAULT, Packages, SECOND_VERSION};
use crate::bench::Bench;
use crate::client::{drop_report, expect_file, wait_until};
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;

/// A step of a life; each begins where the one before has ended.
type Step = fn(&Life) -> Result<()>;

/// Runs the steps. One that fails leaves the later ones not run.
pub(super) fn run(bench: &mut Bench, template: &Prefix, packages: &Packages) -> Result<()> {
    let life = Life {
        station: Station::new(template.copy(&bench.folder("life")?)?),
        wats: Wats::start()?,
        packages: packages.clone(),
    };
    let steps: [(&str, Step); 6] = [
        ("a silent installation to a chosen folder runs the service", Life::installs),
        ("a report in the watch folder reaches the server unchanged", Life::delivers),
        ("an upgrade keeps folder, configuration and queue", Life::upgrades),
        ("a downgrade is refused", Life::refuses_downgrade),
        ("removal leaves configuration and data only", Life::removes),
        ("a new installation takes them up again", Life::returns),
    ];
    let mut broken = false;
    for (name, step) in steps {
        if broken {
            bench.not_run(name, "an earlier step of the same installation failed");
        } else {
            broken = !bench.case(name, || step(&life));
        }
    }
    Ok(())
}

struct Life {
    station: Station,
    wats: Wats,
    packages: Packages,
}

impl Life {
    fn installs(&self) -> Result<()> {
        self.station.install(&self.packages.first, &format!(r#"INSTALLDIR="{CHOSEN}""#))?;
        self.station.expect_program(CHOSEN)?;
        ensure!(!self.station.path(DEFAULT).exists(), "something was installed to {DEFAULT} as well");
        for folder in ["watch", "done", "failed", "logs"] {
            ensure!(self.data(folder).is_dir(), "the data folder {folder} was not made");
        }
        // Wine keeps no owners; the log says whose rights were set: of what was made above the program, too.
        for folder in [CHOSEN, r"C:\Test Station", DATA, r"C:\ProgramData\pyWATS\watch"] {
            let line = format!("{folder}: owner and access rights are set");
            ensure!(self.station.whole_log().contains(&line), "the log does not say {line:?}");
        }
        let service = self.station.registered()?;
        for part in [CHOSEN, "run --service", r"NT SERVICE\pywats-client", "0x2"] {
            ensure!(service.contains(part), "{part:?} is not in the service's registration:\n{service}");
        }
        self.station.expect_service(true)?;
        ensure!(self.station.is_listed()?, "the product is not listed as installed");
        Ok(())
    }

    fn delivers(&self) -> Result<()> {
        let configuration = self.wats.configuration();
        fs::write(self.data("config.json"), configuration).context("writing the configuration")?;
        let report = report(1)?;
        drop_report(&self.data("watch"), "first.json", report.to_string().as_bytes())?;
        self.wats.expect(&report).with_context(|| self.traces())?;
        expect_file(&self.data("done/first.json"))
    }

    fn upgrades(&self) -> Result<()> {
        let before = fs::read(self.data("config.json"))?;
        self.wats.stop();
        let report = report(2)?;
        drop_report(&self.data("watch"), "second.json", report.to_string().as_bytes())?;
        // The file stays where it is until it is delivered; that it is queued stands in the log alone.
        let queued = format!("queued as {}", report["id"].as_str().unwrap_or_default());
        wait_until(|| self.station.client_log().contains(&queued)).context("the report was not queued")?;

        self.station.install(&self.packages.second, "")?;
        self.station.expect_program(CHOSEN)?;
        ensure!(!self.station.path(DEFAULT).exists(), "the upgrade went to {DEFAULT}");
        ensure!(fs::read(self.data("config.json"))? == before, "the upgrade changed the configuration");
        ensure!(self.station.setting("Version")? == SECOND_VERSION, "the registry has another version");
        self.station.expect_service(true)?;

        self.wats.restart()?;
        self.wats.expect(&report).with_context(|| self.traces())?;
        // A service that is stopped before this leaves it to the next one.
        expect_file(&self.data("done/second.json"))
    }

    fn refuses_downgrade(&self) -> Result<()> {
        let code = self.station.try_install(&self.packages.first, "")?;
        // ERROR_INSTALL_FAILURE: a launch condition was not met.
        ensure!(code == 1603, "a downgrade ended with {code}\n{}", self.station.log());
        self.station.expect_program(CHOSEN)?;
        ensure!(self.station.setting("Version")? == SECOND_VERSION, "the registry has another version");
        self.station.expect_service(true)
    }

    fn removes(&self) -> Result<()> {
        let before = fs::read(self.data("config.json"))?;
        self.station.uninstall(&self.packages.second)?;
        self.station.expect_gone(CHOSEN)?;
        ensure!(self.station.service()?.is_none(), "the service is still registered");
        ensure!(!self.station.is_listed()?, "the product is still listed as installed");
        ensure!(self.station.setting("InstallDir").is_err(), "the product's registry key is still there");
        ensure!(fs::read(self.data("config.json"))? == before, "removal changed the configuration");
        for kept in ["watch", "queue.db", "done/first.json", "done/second.json"] {
            ensure!(self.data(kept).exists(), "removal took {kept}: {}", self.traces());
        }
        Ok(())
    }

    fn returns(&self) -> Result<()> {
        self.wats.restart()?;
        self.station.install(&self.packages.second, "")?;
        self.station.expect_program(DEFAULT)?;
        self.station.expect_service(true)?;
        let report = report(3)?;
        drop_report(&self.data("watch"), "third.json", report.to_string().as_bytes())?;
        self.wats.expect(&report).with_context(|| self.traces())
    }

    fn data(&self, name: &str) -> PathBuf {
        self.station.path(DATA).join(name)
    }

    /// What is in the data folder, and the end of the client's log, for errors.
    fn traces(&self) -> String {
        let listing = tool("find", 10).arg(self.station.path(DATA)).args(["-printf", "%P %s\\n"]).read();
        let listing = listing.unwrap_or_else(|error| error.to_string());
        let log = self.station.client_log();
        let lines: Vec<&str> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(30)..].join("\n");
        format!("the data folder:\n{listing}\nthe client's log:\n{end}")
    }
}
