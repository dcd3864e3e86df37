//! Sits down at the dialogs of the Windows Installer package in Wine, on a display that nobody sees.
//!
//! Every dialog that is seen is measured as it is drawn: a text that does not fit into its control, or a control
//! that covers another one, is a fault. It is also kept as a picture in `target/test/dialogs`, for people to
//! look at. Wine shows errors in boxes of its own, waits for nothing and closes no programs; the dialogs
//! that Windows has for that are shown without an installation. Nor does it know anything of a full disk.
//! Needs the Debian packages `wine`, `wine64`, `fonts-wine`, `xvfb`, `imagemagick`, `msitools` and
//! `gcc-mingw-w64-x86-64-win32`.

mod life;
mod person;
mod screen;

use crate::bench::Bench;
use crate::products;
use crate::suites::msi;
use crate::suites::wine::prefix::{DATA, Prefix};
use crate::suites::wine::station::Station;
use crate::suites::wine::{DEFAULT, SECOND_VERSION};
use anyhow::{Context, Result, ensure};
use person::Person;
use screen::Screen;
use std::fs;
use std::path::PathBuf;

/// What an installation ends with: success, given up by the user, failed.
const SUCCESS: &str = "0";
const USER_EXIT: &str = "1602";
const FAILURE: &str = "1603";

/// Texts by which a dialog is known.
const WELCOME: &str = "Click Next to continue";
const LICENSE: &str = "Please read the following license agreement";
const FOLDER: &str = "Click Next to install to this folder";
const OPTIONS: &str = "Choose how to set up";
const READY: &str = "Ready to install";
const COMPLETE: &str = "Setup is complete";

/// Captions.
const ACCEPT: &str = "I accept the terms of the license agreement";
const SERVICE: &str = "Run as a Windows service, even if no user is logged on";
const START: &str = "Start the service after the installation";

/// The packages under test, and the display.
struct World {
    first: PathBuf,
    second: PathBuf,
    screen: Screen,
}

/// A case that needs a station on which nothing was installed yet.
type Case = fn(&Station, &World) -> Result<()>;

/// Goes through the dialogs of the one `.msi` for x64.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let first = bench.artifact("-x64.msi")?;
    let folder = bench.folder("packages")?;
    let program = msi::program(&first, &folder)?;
    let second = products::package("msi", "x86_64-windows", SECOND_VERSION, &program, &folder)?;
    let world = World { first, second, screen: Screen::start()? };
    let template = Prefix::create_on(&bench.folder("template")?, &world.screen.name);
    let template = template.context("making a Wine prefix")?;
    person::invite(&template)?;

    life::run(bench, &template, &world)?;
    let cases: [(&str, Case); 7] = [
        ("giving up in the middle leaves nothing", giving_up),
        ("the keyboard alone is enough", by_keyboard),
        ("settings that cannot be right are shown", invalid_settings),
        ("a failure is told, and leaves nothing", failure),
        ("that a newer version is there is told", newer_version),
        ("removal of the data too is asked for, and passed on", purge),
        ("dialogs that Wine has no use for can be shown", previews),
    ];
    for (name, case) in cases {
        let folder = bench.folder("prefix")?;
        bench.case(name, || case(&Station::new(template.copy(&folder)?), &world));
    }
    Ok(())
}

/// From the first dialog to the page of options.
fn to_options(person: &mut Person<'_>) -> Result<()> {
    person.sees(WELCOME, "welcome")?;
    person.presses("Next")?;
    person.sees(LICENSE, "license")?;
    person.presses(ACCEPT)?;
    person.presses("Next")?;
    person.sees(FOLDER, "folder")?;
    person.presses("Next")?;
    person.sees(OPTIONS, "options")
}

fn expect_nothing(station: &Station) -> Result<()> {
    ensure!(!station.path(DEFAULT).exists(), "{DEFAULT} is there");
    ensure!(station.service()?.is_none(), "a service is registered");
    ensure!(!station.is_listed()?, "the product is listed as installed");
    Ok(())
}

fn giving_up(station: &Station, world: &World) -> Result<()> {
    let mut person = Person::opens(&world.first, station, &world.screen)?;
    to_options(&mut person)?;
    person.presses("Next")?;
    person.sees(READY, "ready")?;
    person.presses("Cancel")?;
    person.sees("Are you sure you want to cancel", "cancel")?;
    person.presses("No")?;
    person.sees(READY, "not-cancelled")?;
    person.presses("Cancel")?;
    person.sees("Are you sure you want to cancel", "cancel")?;
    person.presses("Yes")?;
    person.sees("Setup was canceled", "user-exit")?;
    person.presses("Finish")?;
    person.is_done()?;
    person.ends_with(USER_EXIT, station)?;
    expect_nothing(station)
}

fn by_keyboard(station: &Station, world: &World) -> Result<()> {
    let mut person = Person::opens(&world.first, station, &world.screen)?;
    person.sees(WELCOME, "keyboard-welcome")?;
    person.is_at("Next")?;
    person.types(&["TAB"])?;
    person.is_at("Cancel")?;
    person.types(&["ALT+N"])?;
    person.sees(LICENSE, "keyboard-license")?;
    person.types(&["ALT+A"])?;
    person.finds(ACCEPT, "checked")?;
    person.types(&["RETURN"])?;
    person.sees(FOLDER, "keyboard-folder")?;
    person.is_at(&format!("{DEFAULT}\\"))?;
    person.types(&["ALT+N"])?;
    person.sees(OPTIONS, "keyboard-options")?;
    person.is_at(SERVICE)?;
    person.types(&["SPACE"])?;
    person.finds(START, "grey")?;
    for caption in ["Add the program to the PATH of this computer", "Add shortcuts to the Start menu"] {
        person.types(&["TAB"])?;
        person.is_at(caption)?;
    }
    // In Wine, the letter of a label does not lead to its field.
    person.types(&["TAB", "X", "Y"])?;
    person.reads("Server address:", "xy")?;
    person.types(&["ALT+B"])?;
    person.sees(FOLDER, "keyboard-back")?;
    person.types(&["ESCAPE"])?;
    person.sees("Are you sure you want to cancel", "keyboard-cancel")?;
    person.is_at("No")?;
    person.types(&["ALT+Y"])?;
    person.sees("Setup was canceled", "keyboard-user-exit")?;
    person.types(&["RETURN"])?;
    person.is_done()?;
    person.ends_with(USER_EXIT, station)?;
    expect_nothing(station)
}

fn invalid_settings(station: &Station, world: &World) -> Result<()> {
    let mut person = Person::opens(&world.first, station, &world.screen)?;
    to_options(&mut person)?;
    person.enters("Server address:", "no server")?;
    person.presses("Next")?;
    person.sees("Please check your settings", "invalid-settings")?;
    let told = person
        .looks()?
        .iter()
        .any(|[.., text]| text.contains("Server address") && text.contains("no server"));
    ensure!(told, "the dialog does not say what is wrong: {:?}", person.looks()?);
    person.presses("OK")?;
    person.sees(OPTIONS, "options-to-correct")?;
    person.reads("Server address:", "no server")?;
    person.enters("Server address:", "https://example.wats.com")?;
    person.presses("Next")?;
    person.sees(READY, "ready-after-correction")?;
    person.presses("Cancel")?;
    person.sees("Are you sure you want to cancel", "cancel")?;
    person.presses("Yes")?;
    person.sees("Setup was canceled", "user-exit")?;
    person.presses("Finish")?;
    person.ends_with(USER_EXIT, station)?;
    expect_nothing(station)
}

/// A folder with the name of the program makes the installation of files fail.
fn failure(station: &Station, world: &World) -> Result<()> {
    let obstacle = station.path(DEFAULT).join("pywats-client.exe");
    fs::create_dir_all(obstacle.join("obstacle"))?;
    let mut person = Person::opens(&world.first, station, &world.screen)?;
    to_options(&mut person)?;
    person.presses("Next")?;
    person.sees(READY, "ready")?;
    person.presses("Install")?;
    person.sees("Setup failed", "fatal-error")?;
    person.finds("Finish", "usable")?;
    person.presses("Finish")?;
    person.is_done()?;
    person.ends_with(FAILURE, station)?;
    fs::remove_dir_all(station.path(DEFAULT))?;
    expect_nothing(station)
}

fn newer_version(station: &Station, world: &World) -> Result<()> {
    station.install(&world.second, "")?;
    let mut person = Person::opens(&world.first, station, &world.screen)?;
    person.sees("A newer version of pyWATS Client is installed", "newer-version")?;
    person.presses("OK")?;
    person.sees("Setup failed", "fatal-error")?;
    person.presses("Finish")?;
    person.is_done()?;
    person.ends_with(FAILURE, station)?;
    ensure!(station.setting("Version")? == SECOND_VERSION, "the registry has another version");
    station.expect_service(true)
}

fn purge(station: &Station, world: &World) -> Result<()> {
    let mut person = Person::opens(&world.first, station, &world.screen)?;
    to_options(&mut person)?;
    person.presses("Next")?;
    person.sees(READY, "ready-to-start")?;
    person.presses("Install")?;
    person.sees(COMPLETE, "complete")?;
    person.presses("Finish")?;
    person.ends_with(SUCCESS, station)?;
    station.expect_service(true)?;

    let mut person = Person::opens(&world.first, station, &world.screen)?;
    life::to_removal(&mut person)?;
    person.finds("Keep configuration and data", "checked")?;
    person.presses("Delete configuration and data")?;
    person.sees("lost permanently", "remove-all")?;
    person.presses("Remove")?;
    person.sees("was removed from this computer", "removed")?;
    person.presses("Finish")?;
    person.ends_with(SUCCESS, station)?;
    let passed_on = station.property("PURGEDATA");
    ensure!(passed_on.as_deref() == Some("1"), "PURGEDATA is {passed_on:?}");
    ensure!(!station.path(DATA).exists(), "the removal left {DATA}");
    expect_nothing(station)
}

/// Shows dialogs without an installation: what they have must be there.
fn previews(station: &Station, world: &World) -> Result<()> {
    // Waits until the machine is up, too: no installation does so here.
    expect_nothing(station)?;
    let dialogs: [(&str, &str, &[&str]); 6] = [
        ("Unpack", "Network folder", &["Extract", "Cancel"]),
        ("Progress", "This may take a few minutes", &["Cancel"]),
        ("ErrorMessage", "Retry", &[]),
        ("FilesInUse", "The following programs use files", &["Retry", "Ignore", "Cancel"]),
        ("OutOfDisk", "There is not enough disk space", &["OK"]),
        ("WaitForCosting", "Please wait while Setup calculates", &["Cancel"]),
    ];
    for (dialog, text, buttons) in dialogs {
        let mut person = Person::previews(dialog, &world.first, station, &world.screen)?;
        // In this one, the installer chooses one of the buttons that stand in one place.
        if dialog == "ErrorMessage" {
            person.awaits(text, dialog)?;
        } else {
            person.sees(text, dialog)?;
        }
        for button in buttons {
            person.finds(button, "usable").with_context(|| dialog.to_owned())?;
        }
    }
    Ok(())
}
