//! The public properties of the package: what each does, and that one which cannot work is refused before anything
//! is changed.

use super::prefix::DATA;
use super::reports::{Wats, report};
use super::station::Station;
use super::{CHOSEN, DEFAULT, Packages, upgrades};
use crate::client::{TOKEN, drop_report, expect_file, wait_until};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::fs;

/// A folder with characters beyond ASCII and a space, for reports.
const REPORTS: &str = r"C:\Prüf Stand\Meßdaten";
/// Where the entries of the Start menu are, below the user's or the machine's folder.
const MENU: &str = r"Programs\pyWATS Client";

/// What is given when there is no configuration becomes one, by which the service delivers. What is there stays.
pub(super) fn first_configuration(station: &Station, packages: &Packages) -> Result<()> {
    let wats = Wats::start()?;
    let token = station.path(r"C:\Über gabe\token.txt");
    fs::create_dir_all(token.parent().context("the token has a folder")?)?;
    fs::write(&token, saved_by_powershell(TOKEN))?;
    let properties = format!(
        r#"SERVERURL={} TOKENFILE="C:\Über gabe\token.txt" WATCHFOLDER="{REPORTS}" INSTALLDIR="{CHOSEN}""#,
        wats.url()
    );
    station.install(&packages.first, &properties)?;
    let file = station.path(DATA).join("config.json");
    let written = fs::read(&file).context("no configuration was written")?;
    let expected = json!({
        "server": { "url": wats.url(), "token_file": format!(r"{DATA}\token") },
        "client": { "watch_folder": REPORTS },
    });
    let found: Value = serde_json::from_slice(&written).context("the configuration is no JSON")?;
    ensure!(found == expected, "the configuration is {found:#}");
    let copy = fs::read_to_string(station.path(DATA).join("token"))?;
    ensure!(copy == format!("{TOKEN}\r\n"), "the token is another");
    ensure!(!station.whole_log().contains(TOKEN), "the token is in the log");
    fs::remove_file(&token)?;

    let report = report(1)?;
    drop_report(&station.path(REPORTS), "first.json", report.to_string().as_bytes())?;
    wats.expect(&report)?;
    expect_file(&station.path(DATA).join("done/first.json"))?;

    // Often an upgrade is given what the first installation was given, whose token is gone.
    station.install(&packages.second, &format!("{properties} WATCHFOLDER=C:\\Other"))?;
    ensure!(fs::read(&file)? == written, "an upgrade changed the configuration");
    ensure!(!station.path(r"C:\Other").exists(), "a folder was made that the configuration does not name");
    ensure!(station.whole_log().contains("exists and stays as it is"), "the log does not say so");
    Ok(())
}

/// What cannot work is refused with a sentence, and nothing is changed.
pub(super) fn refused(station: &Station, packages: &Packages) -> Result<()> {
    fs::create_dir_all(station.path(r"C:\Tools\other"))?;
    fs::write(station.path(r"C:\empty.txt"), "")?;
    fs::write(station.path(r"C:\basic.txt"), saved_by_powershell(&format!("Basic {TOKEN}")))?;
    for (properties, sentence) in [
        ("SERVERURL=wats.example", "SERVERURL=wats.example: the server's address cannot be read"),
        (
            "SERVERURL=https://h:99999",
            "SERVERURL=https://h:99999: the server's address cannot be read: invalid port",
        ),
        (r"TOKENFILE=C:\none.txt", r"TOKENFILE=C:\none.txt: there is no such file"),
        (r"TOKENFILE=C:\empty.txt", "the file is empty"),
        (
            r"TOKENFILE=C:\basic.txt",
            r"TOKENFILE=C:\basic.txt: the API token is not usable: expected the base64 form",
        ),
        ("WATCHFOLDER=Reports", "WATCHFOLDER=Reports: write the full path of a folder"),
        (r"WATCHFOLDER=c:/programdata/pywats", "the watch folder and the data folder are the same folder"),
        ("INSTALLSERVICE=yes", "INSTALLSERVICE=yes: write 1 for yes or 0 for no"),
        (r"INSTALLDIR=C:\Tools", r"choose a folder of its own, such as C:\Tools\pyWATS"),
        (r"INSTALLDIR=C:\windows\pywats", "this folder is Windows' own"),
        (r"INSTALLDIR=C:\ProgramData\pyWATS\bin", "choose another for the program"),
        (r"SERVICEACCOUNT=.\nobody SERVICEPASSWORD=Geheim-77", "there is no such account"),
        (r"SERVERURL=x WATCHFOLDER=y", "SERVERURL=x: "),
    ] {
        let code = station.try_install(&packages.first, properties)?;
        ensure!(code == 1603, "{properties}: the installation ended with {code}");
        let log = station.whole_log();
        ensure!(log.contains(sentence), "{properties}: {sentence:?} is not in the log\n{}", station.log());
        // Wine lists even hidden properties at the end of its log.
        let own =
            log.lines().filter(|line| !line.starts_with("Property(")).any(|line| line.contains("Geheim-77"));
        ensure!(!own, "the password is in the log");
        ensure!(
            !station.is_listed()? && station.service()?.is_none(),
            "{properties}: something was installed"
        );
        for folder in [DEFAULT, DATA] {
            ensure!(!station.path(folder).exists(), "{properties}: {folder} was made");
        }
    }
    Ok(())
}

/// A line as `>` of Windows PowerShell 5.1 saves it.
fn saved_by_powershell(line: &str) -> Vec<u8> {
    format!("\u{feff}{line}\r\n").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Where there is a configuration, a token that is given takes the place of the one that it names; one that no server
/// takes is refused, and what fails afterwards brings the earlier one back.
pub(super) fn token_later(station: &Station, packages: &Packages) -> Result<()> {
    const EARLIER: &str = "b2xkOm9sZA==";
    let wats = Wats::start()?;
    let given = station.path(r"C:\token.txt");
    let (file, copy) = (station.path(DATA).join("config.json"), station.path(DATA).join("token"));
    let expect = |token: &str, said: &str| -> Result<()> {
        let found = fs::read_to_string(&copy).context("there is no token")?;
        ensure!(found == format!("{token}\r\n"), "the token is another\n{}", station.log());
        ensure!(!copy.with_extension("replaced").exists(), "the earlier token is still there");
        let log = station.whole_log();
        ensure!(log.contains(said), "{said:?} is not in the log\n{}", station.log());
        ensure!(!log.contains(token), "the token is in the log");
        Ok(())
    };
    fs::write(&given, saved_by_powershell(EARLIER))?;
    station.install(&packages.first, &format!(r"SERVERURL={} TOKENFILE=C:\token.txt", wats.url()))?;
    expect(EARLIER, "")?;
    let configuration = fs::read(&file)?;
    // What is in the file that is given, if it is there; the exit code; the token afterwards, and what is said.
    for (content, code, token, said) in [
        (Some("Basic dXNlcjpwYXNzd29yZA=="), 1603, EARLIER, "without the word Basic"),
        (None, 0, EARLIER, "is not there, and"),
        (Some(TOKEN), 0, TOKEN, "is replaced by what is in"),
        (Some(TOKEN), 0, TOKEN, "exists and stays as it is"),
    ] {
        match content {
            Some(content) => fs::write(&given, saved_by_powershell(content))?,
            None => fs::remove_file(&given)?,
        }
        let ended = station.try_install(&packages.first, r"TOKENFILE=C:\token.txt")?;
        ensure!(ended == code, "{content:?}: the installation ended with {ended}\n{}", station.log());
        expect(token, said).with_context(|| format!("{content:?} was given"))?;
    }
    let report = report(1)?;
    drop_report(&station.path(DATA).join("watch"), "late.json", report.to_string().as_bytes())?;
    wats.expect(&report).with_context(|| format!("the client's log:\n{}", station.client_log()))?;

    fs::write(&given, saved_by_powershell(EARLIER))?;
    let broken = station.path(r"C:\broken.msi");
    upgrades::break_at(&packages.second, &broken, upgrades::AFTER_THE_REGISTRY)?;
    let ended = station.try_install(&broken, r"TOKENFILE=C:\token.txt")?;
    ensure!(ended == 1603, "the upgrade ended with {ended}\n{}", station.log());
    expect(TOKEN, "is replaced by what is in").context("after an upgrade that failed")?;

    station.install(&packages.second, "")?;
    ensure!(fs::read(&file)? == configuration, "the configuration was changed");
    fs::write(&file, wats.configuration())?;
    station.install(&packages.second, r"TOKENFILE=C:\token.txt")?;
    expect(TOKEN, "is not used").context("where the configuration names another")
}

/// The account is the one that is given, and stays over upgrades.
pub(super) fn account(station: &Station, packages: &Packages) -> Result<()> {
    const ACCOUNT: &str = r"NT AUTHORITY\LocalService";
    let has_account = |wanted: &str| -> Result<()> {
        let service = station.registered()?;
        ensure!(service.contains(wanted), "the account is not {wanted}:\n{service}");
        station.expect_service(true)
    };
    station.install(&packages.first, &format!(r#"SERVICEACCOUNT="{ACCOUNT}""#))?;
    has_account(ACCOUNT)?;
    station.install(&packages.second, "").context("an upgrade")?;
    has_account(ACCOUNT).context("after an upgrade")?;
    station.install(&packages.second, "SERVICEACCOUNT=LocalSystem")?;
    has_account("LocalSystem").context("after another account was given")
}

/// PATH and Start menu are there unless they are not wanted, and go with the product.
pub(super) fn features(station: &Station, packages: &Packages) -> Result<()> {
    let expect = |path: bool, menu: bool| -> Result<()> {
        let entry = station
            .registry(r#""HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment" /v PATH"#)?
            .unwrap_or_default();
        ensure!(entry.contains(DEFAULT) == path, "PATH: {entry}");
        let found = station.start_menu(MENU)?;
        ensure!(found.is_some() == menu, "the Start menu has {found:?}");
        if let Some(folder) = found {
            let page =
                fs::read_to_string(folder.join("Status page.url")).context("there is no status page")?;
            ensure!(page.contains("URL=http://127.0.0.1:8080/"), "the status page leads to {page}");
            ensure!(
                folder.join("Configuration and data.lnk").is_file(),
                "there is no link to the data folder"
            );
        }
        Ok(())
    };
    station.install(&packages.first, "")?;
    expect(true, true)?;
    station.uninstall(&packages.first)?;
    expect(false, false).context("after the removal")?;

    station.install(&packages.first, "ADDTOPATH=0 STARTMENU=0")?;
    expect(false, false).context("switched off")?;
    station.install(&packages.second, "")?;
    expect(false, false).context("switched off, after an upgrade")?;
    station.install(&packages.second, "ADDTOPATH=1")?;
    expect(true, false).context("PATH added later")?;
    station.uninstall(&packages.second)?;

    station.install(&packages.first, "ADDLOCAL=Program,StartMenu")?;
    expect(false, true).context("chosen by ADDLOCAL")?;
    ensure!(station.service()?.is_none(), "a service was registered though ADDLOCAL does not name it");
    Ok(())
}

/// A service that is not wanted any more goes, and comes back, without an upgrade.
pub(super) fn service_switched(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, "")?;
    station.expect_service(true)?;
    station.install(&packages.first, "INSTALLSERVICE=0")?;
    ensure!(station.service()?.is_none(), "the service is still registered\n{}", station.log());
    station.expect_program(DEFAULT)?;
    station.install(&packages.first, "INSTALLSERVICE=1")?;
    station.expect_service(true)?;
    station.install(&packages.first, "REMOVE=Service")?;
    ensure!(station.service()?.is_none(), "REMOVE=Service has left it\n{}", station.log());
    station.install(&packages.second, "")?;
    ensure!(station.service()?.is_none(), "an upgrade has brought it back\n{}", station.log());
    station.expect_program(DEFAULT)
}

/// A removal with PURGEDATA=1 takes everything along; one without leaves it, and so does an upgrade.
pub(super) fn purge(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, "SERVERURL=HTTPS://WATS.EXAMPLE PURGEDATA=1")?;
    let data = station.path(DATA);
    fs::write(data.join("done/kept.json"), "{}")?;
    station.install(&packages.second, "PURGEDATA=1")?;
    ensure!(data.join("done/kept.json").is_file(), "an upgrade took the data along");
    station.uninstall(&packages.second)?;
    ensure!(data.join("config.json").is_file(), "a plain removal took the configuration along");

    station.install(&packages.first, "")?;
    station.uninstall_with(&packages.first, "PURGEDATA=1")?;
    wait_until(|| !data.exists()).with_context(|| format!("{DATA} is still there\n{}", station.log()))?;
    ensure!(station.setting("InstallDir").is_err(), "the product's registry key is still there");
    Ok(())
}

/// A repair brings back what is missing, and changes neither configuration nor data.
pub(super) fn repair(station: &Station, packages: &Packages) -> Result<()> {
    station.install(&packages.first, &format!(r#"INSTALLDIR="{CHOSEN}""#))?;
    station.expect_service(true)?;
    fs::write(station.path(DATA).join("config.json"), "{ \"logging\": { \"level\": \"debug\" } }")?;
    fs::write(station.path(CHOSEN).join("LICENSE.txt"), "damaged")?;
    station.install(&packages.first, "")?;
    let license = fs::read_to_string(station.path(CHOSEN).join("LICENSE.txt"))?;
    ensure!(license.contains("MIT"), "LICENSE.txt was not repaired: {license}");
    let configuration = fs::read_to_string(station.path(DATA).join("config.json"))?;
    ensure!(configuration.contains("debug"), "the repair changed the configuration");
    station.expect_program(CHOSEN)?;
    station.expect_service(true)
}
