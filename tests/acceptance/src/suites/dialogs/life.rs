//! One installation from its beginning to its end, by hand.

use super::person::Person;
use super::{ACCEPT, COMPLETE, FOLDER, LICENSE, OPTIONS, READY, START, SUCCESS, WELCOME, World};
use crate::bench::Bench;
use crate::suites::wine::DEFAULT;
use crate::suites::wine::prefix::{DATA, Prefix};
use crate::suites::wine::station::Station;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of a hundred characters with spaces and a letter beyond ASCII.
const CHOSEN: &str =
    r"C:\Prüf Stand\Customer projects 2026\Line 4 station 12\Functional test\Programs of Virinco AS\py WATS";
const PATH: &str = "Add the program to the PATH of this computer";
const MENU: &str = "Add shortcuts to the Start menu";
const SERVER: &str = "https://wats-server.production-site-7.manufacturing.example-company.com:8443/wats";
const TOKEN_FILE: &str = r"C:\token.txt";

/// Runs the steps, each of which begins where the one before has ended.
pub(super) fn run(bench: &mut Bench, template: &Prefix, world: &World) -> Result<()> {
    let station = Station::new(template.copy(&bench.folder("life")?)?);
    let life = Life { station, world };
    bench.steps(
        "by hand",
        &[
            ("an installation goes where it was told, with the options that were chosen", &|| {
                life.installs()
            }),
            ("a repair brings back what is missing or damaged", &|| life.repairs()),
            ("an upgrade takes folder and options over", &|| life.upgrades()),
            ("removal keeps configuration and data unless asked", &|| life.removes()),
        ],
    );
    Ok(())
}

/// From the first page of maintenance to that of removal.
pub(super) fn to_removal(person: &mut Person<'_>) -> Result<()> {
    person.sees("is installed on this computer", "maintenance")?;
    person.presses("Remove")?;
    person.sees("Ready to remove", "remove")
}

struct Life<'a> {
    station: Station,
    world: &'a World,
}

impl<'a> Life<'a> {
    fn opens(&self, msi: &Path) -> Result<Person<'a>> {
        Person::opens(msi, &self.station, &self.world.screen)
    }

    fn installs(&self) -> Result<()> {
        fs::write(self.station.path(TOKEN_FILE), crate::client::TOKEN)?;
        let mut person = self.opens(&self.world.first)?;
        person.sees(WELCOME, "welcome")?;
        person.presses("Next")?;
        person.sees(LICENSE, "license")?;
        person.finds("Next", "grey")?;
        person.presses(ACCEPT)?;
        person.presses("Next")?;
        person.sees(FOLDER, "folder")?;
        person.reads("Folder:", &format!("{DEFAULT}\\"))?;
        self.chooses_folder(&mut person)?;
        person.presses("Next")?;
        person.sees(OPTIONS, "options")?;
        self.chooses_options(&mut person)?;

        person.presses("Next")?;
        person.sees(READY, "ready")?;
        person.finds("The service will be installed, but not started.", "usable")?;
        person.finds(&format!("{CHOSEN}\\"), "usable")?;
        self.goes_back_and_forth(&mut person)?;
        person.presses("Install")?;
        person.sees(COMPLETE, "complete")?;
        person.presses("Finish")?;
        person.is_done()?;
        person.ends_with(SUCCESS, &self.station)?;

        self.station.expect_program(CHOSEN)?;
        ensure!(!self.station.path(DEFAULT).exists(), "something was installed to {DEFAULT} as well");
        self.station.registered()?;
        self.station.expect_service(false)?;
        for (property, value) in [
            ("INSTALLSERVICE", "1"),
            ("STARTSERVICE", "0"),
            ("ADDTOPATH", "1"),
            ("TOKENFILE", r"C:\token.txt"),
        ] {
            let found = self.station.property(property);
            ensure!(found.as_deref() == Some(value), "{property} is {found:?}, not {value}");
        }
        Ok(())
    }

    /// In the box for folders, first to no avail.
    fn chooses_folder(&self, person: &mut Person<'_>) -> Result<()> {
        person.presses("Browse...")?;
        person.sees("Look in:", "browse")?;
        person.presses("Cancel")?;
        person.sees(FOLDER, "folder-as-it-was")?;
        person.reads("Folder:", &format!("{DEFAULT}\\"))?;
        person.enters("Folder:", CHOSEN)
    }

    fn chooses_options(&self, person: &mut Person<'_>) -> Result<()> {
        person.finds(START, "checked")?;
        person.presses(START)?;
        person.finds(PATH, "checked")?;
        person.presses(MENU)?;
        person.enters("Server address:", SERVER)?;
        person.enters("Token file:", TOKEN_FILE)?;
        person.sees(OPTIONS, "options-chosen")
    }

    /// To the page of the folder and back: everything is as it was entered.
    fn goes_back_and_forth(&self, person: &mut Person<'_>) -> Result<()> {
        person.presses("Back")?;
        person.sees(OPTIONS, "options-again")?;
        person.presses("Back")?;
        person.sees(FOLDER, "folder-again")?;
        person.reads("Folder:", &format!("{CHOSEN}\\"))?;
        person.presses("Next")?;
        person.sees(OPTIONS, "options-again")?;
        person.finds(START, "unchecked")?;
        person.finds(PATH, "checked")?;
        person.finds(MENU, "unchecked")?;
        person.reads("Server address:", SERVER)?;
        person.presses("Next")?;
        person.sees(READY, "ready-again")
    }

    fn repairs(&self) -> Result<()> {
        let folder = self.station.path(CHOSEN);
        fs::remove_file(folder.join("pywats-client.exe"))?;
        let license = fs::read(folder.join("LICENSE.txt"))?;
        fs::write(folder.join("LICENSE.txt"), "damaged")?;
        let mut person = self.opens(&self.world.first)?;
        person.sees("is installed on this computer", "maintenance")?;
        person.presses("Repair")?;
        person.sees("Ready to repair", "repair")?;
        person.presses("Repair")?;
        person.sees("The installation was repaired", "repaired")?;
        person.presses("Finish")?;
        person.ends_with(SUCCESS, &self.station)?;
        self.station.expect_program(CHOSEN)?;
        ensure!(fs::read(folder.join("LICENSE.txt"))? == license, "LICENSE.txt is still damaged");
        self.station.expect_service(false)
    }

    fn upgrades(&self) -> Result<()> {
        let mut person = self.opens(&self.world.second)?;
        person.sees("Setup will upgrade", "upgrade-welcome")?;
        person.presses("Next")?;
        person.sees(LICENSE, "upgrade-license")?;
        person.presses(ACCEPT)?;
        person.presses("Next")?;
        person.sees(OPTIONS, "upgrade-options")?;
        person.finds(START, "unchecked").context("the choice of the earlier installation is forgotten")?;
        person.misses("Server address:")?;
        person.presses("Next")?;
        person.sees("Setup is ready to upgrade", "upgrade-ready")?;
        person.presses("Install")?;
        person.sees("was upgraded to version", "upgraded")?;
        person.presses("Finish")?;
        person.ends_with(SUCCESS, &self.station)?;
        self.station.expect_program(CHOSEN)?;
        ensure!(!self.station.path(DEFAULT).exists(), "the upgrade went to {DEFAULT}");
        self.station.expect_service(false)
    }

    fn removes(&self) -> Result<()> {
        let before = fs::read(self.configuration())?;
        let mut person = self.opens(&self.world.second)?;
        to_removal(&mut person)?;
        person.presses("Remove")?;
        person.sees("was removed from this computer", "removed")?;
        person.presses("Finish")?;
        person.ends_with(SUCCESS, &self.station)?;
        self.station.expect_gone(CHOSEN)?;
        ensure!(self.station.service()?.is_none(), "the service is still registered");
        ensure!(!self.station.is_listed()?, "the product is still listed as installed");
        ensure!(self.station.property("PURGEDATA").is_none(), "the removal was told to delete data");
        ensure!(fs::read(self.configuration())? == before, "the removal changed the configuration");
        Ok(())
    }

    fn configuration(&self) -> PathBuf {
        self.station.path(DATA).join("config.json")
    }
}
