//! The package's scripts and the uninstaller, as they are in the artifacts, run by dash and by bash as macOS starts it,
//! against stand-ins for launchd, the directory of accounts and the receipts. Time is a number that `sleep` advances.
//!
//! What is a path of a Mac in a script becomes one below a scratch folder; nothing else of it is changed.

use super::package::Package;
use super::BUNDLE;
use crate::bench::Bench;
use crate::command::{said, tool};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Output;

/// Shells that macOS may have as /bin/sh: its own is bash 3.2 in its POSIX mode.
const SHELLS: &[&[&str]] = &[&["dash"], &["bash", "--posix"]];
const LABEL: &str = "com.virinco.pywats-client";
const DATA: &str = "Library/Application Support/pyWATS";
const PLIST: &str = "Library/LaunchDaemons/com.virinco.pywats-client.plist";
const COMMAND: &str = "usr/local/bin/pywats-client";
/// Folders of a Mac that the scripts name.
const PLACES: &[&str] = &["/Library/", "/Applications/", "/usr/local/"];
/// The line by which a script finds the system's programs.
const SEARCH_PATH: &str = "PATH=/usr/bin:/bin:/usr/sbin:/sbin\n";
const STUBS: &[(&str, &str)] = &[
    ("chown", include_str!("stubs/chown")),
    ("dscl", include_str!("stubs/dscl")),
    ("id", include_str!("stubs/id")),
    ("launchctl", include_str!("stubs/launchctl")),
    ("ls", include_str!("stubs/ls")),
    ("pkgutil", include_str!("stubs/pkgutil")),
    ("sleep", include_str!("stubs/sleep")),
];
const PROGRAM: &str = include_str!("stubs/program");

/// A case: its name, and what is done on a new Mac.
type Case = (&'static str, fn(&Mac) -> Result<()>);

const CASES: &[Case] = &[
    ("a first installation makes account, folders, command and service", first_installation),
    ("an upgrade waits for a process that ends slowly, and for launchd", slow_upgrade),
    ("a process that does not end stops the installation before files are replaced", endless_process),
    ("a service that cannot be started does not fail the installation", cannot_start),
    ("the account gets the highest number that is free among users and groups", numbers),
    ("an administrator's `disable` survives an upgrade", disabled),
    ("a queue of a later version is refused while the old service runs", later_queue),
    ("a damaged configuration and another volume are refused while the old service runs", refused),
    ("what an administrator prepared becomes the service's, and nothing is overwritten", prepared),
    ("what is there already stays as it is", left_alone),
    ("a service that was installed without the package is taken over", taken_over),
    ("removal keeps the data, purging deletes them, and receipts are forgotten", removed),
    ("the uninstaller takes nothing away while the service still runs, or from others than root", not_removed),
];

/// Runs every case with every shell.
pub(super) fn judge(bench: &mut Bench, package: &Package, app: &Path) -> Result<()> {
    for (name, run) in CASES {
        for shell in SHELLS {
            let folder = bench.folder("mac")?;
            bench.case_needing(&shell[..1], &format!("{}: {name}", shell[0]), || {
                run(&Mac::new(&folder, package, app, shell)?)
            });
        }
    }
    Ok(())
}

/// A Mac with nothing of ours on it.
struct Mac {
    root: PathBuf,
    state: PathBuf,
    stubs: PathBuf,
    scripts: PathBuf,
    shell: &'static [&'static str],
}

impl Mac {
    fn new(folder: &Path, package: &Package, app: &Path, shell: &'static [&'static str]) -> Result<Mac> {
        let folder = folder.join(shell[0]);
        let [root, state, stubs, scripts] = ["root", "state", "stubs", "scripts"].map(|name| folder.join(name));
        for inside in ["Library/LaunchDaemons", "Library/Application Support", "Library/Logs", "Applications", "usr"] {
            fs::create_dir_all(root.join(inside))?;
        }
        for inside in [&state, &stubs, &scripts] {
            fs::create_dir_all(inside)?;
        }
        for (name, text) in STUBS {
            runnable(&stubs.join(name), text)?;
        }
        let mac = Mac { root, state, stubs, scripts, shell };
        for script in [
            package.scripts.join("preinstall"),
            package.scripts.join("postinstall"),
            app.join("Contents/Resources/uninstall.sh"),
        ] {
            mac.adapt(&script)?;
        }
        // The files that Installer would lay down, with a program that runs here.
        let laid_down = mac.scripts.join("payload").join(BUNDLE).join("Contents");
        for inside in ["MacOS", "Resources/man", "Resources/completions"] {
            fs::create_dir_all(laid_down.join(inside))?;
        }
        runnable(&laid_down.join("MacOS/pywats-client"), PROGRAM)?;
        for page in ["Resources/man/pywats-client.1", "Resources/completions/_pywats-client"] {
            fs::copy(app.join("Contents").join(page), laid_down.join(page))?;
        }
        fs::copy(package.payload.join(PLIST), mac.scripts.join("plist"))?;
        mac.record("Users/root", "UniqueID", "0")?;
        mac.record("Groups/wheel", "PrimaryGroupID", "0")?;
        Ok(mac)
    }

    /// Copies a script, in which paths of a Mac become those of the scratch folder.
    fn adapt(&self, script: &Path) -> Result<()> {
        let mut text = fs::read_to_string(script)?;
        ensure!(text.matches(SEARCH_PATH).count() == 1, "{} does not say where programs are", script.display());
        text = text.replace(SEARCH_PATH, &format!("PATH={}:$PATH\n", self.stubs.display()));
        for place in PLACES {
            text = text.replace(place, &format!("{}{place}", self.root.display()));
        }
        runnable(&self.scripts.join(script.file_name().unwrap_or_default()), &text)
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    fn data(&self, inside: &str) -> PathBuf {
        self.root.join(DATA).join(inside)
    }

    /// Sets a fact of the stand-ins.
    fn set(&self, fact: &str, value: &str) -> Result<()> {
        fs::write(self.state.join(fact), value).with_context(|| fact.to_owned())
    }

    fn has(&self, fact: &str) -> bool {
        self.state.join(fact).exists()
    }

    /// What the stand-ins were told.
    fn calls(&self) -> String {
        fs::read_to_string(self.state.join("calls")).unwrap_or_default()
    }

    fn record(&self, record: &str, key: &str, value: &str) -> Result<()> {
        let folder = self.state.join("directory").join(record);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(key), value)?)
    }

    /// A key of the directory of accounts.
    fn recorded(&self, record: &str, key: &str) -> String {
        let file = self.state.join("directory").join(record).join(key);
        fs::read_to_string(file).unwrap_or_default().trim().to_owned()
    }

    /// The last owner that something was given.
    fn owner(&self, path: &Path) -> Option<String> {
        let owners = fs::read_to_string(self.state.join("owners")).unwrap_or_default();
        let rows = owners.lines().filter_map(|line| line.split_once('\t'));
        rows.filter(|(owned, _)| Path::new(owned) == path).next_back().map(|(_, owner)| owner.to_owned())
    }

    fn run(&self, script: &str, arguments: &[&str]) -> Result<Output> {
        let mut run = tool(self.shell[0], 20).args(&self.shell[1..]).arg(self.scripts.join(script));
        run = run.args(arguments).env("STATE", &self.state).current_dir("/");
        run.output()
    }

    /// The three steps of Installer: before, the files, after. The receipt comes last.
    fn install(&self) -> Result<Output> {
        let before = self.run("preinstall", &["/tmp/a b.pkg", "/", "/", "/"])?;
        if !before.status.success() {
            return Ok(before);
        }
        ensure!(!self.has("loaded") && !self.still_ends()?, "files are replaced while the old process runs");
        let app = self.path("Applications").join(BUNDLE);
        if app.exists() {
            fs::remove_dir_all(&app)?;
        }
        tool("cp", 10).arg("-R").arg(self.scripts.join("payload").join(BUNDLE)).arg(&app).run()?;
        fs::copy(self.scripts.join("plist"), self.path(PLIST))?;
        let after = self.run("postinstall", &["/tmp/a b.pkg", "/", "/", "/"])?;
        if after.status.success() {
            self.set("receipt", "")?;
        }
        Ok(after)
    }

    fn still_ends(&self) -> Result<bool> {
        let number = |fact: &str| -> Result<u32> {
            let text = fs::read_to_string(self.state.join(fact)).unwrap_or("0".to_owned());
            Ok(text.trim().parse()?)
        };
        Ok(number("clock")? < number("gone-at")?)
    }

    /// An installation that must succeed.
    fn installed(&self) -> Result<String> {
        let output = self.install()?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(said(&output))
    }

    /// An installation that must be refused, with the service as it was and these words.
    fn refused(&self, words: &str) -> Result<()> {
        let calls = self.calls();
        let output = self.install()?;
        ensure!(!output.status.success() && said(&output).contains(words), "{}", said(&output));
        ensure!(self.has("loaded"), "the old service does not run any more");
        ensure!(!self.calls()[calls.len()..].contains("bootout"), "it was stopped");
        Ok(())
    }
}

fn runnable(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

fn mode(path: &Path) -> Result<u32> {
    let facts = fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok(facts.permissions().mode() & 0o7777)
}

fn first_installation(mac: &Mac) -> Result<()> {
    mac.installed()?;
    ensure!(mac.has("loaded"), "the service does not run");
    ensure!(mac.calls().matches("launchctl enable").count() == 1, "{}", mac.calls());
    let [gid, uid] = [("Groups/_pywats", "PrimaryGroupID"), ("Users/_pywats", "UniqueID")]
        .map(|(record, key)| mac.recorded(record, key));
    ensure!([&*gid, &*uid] == ["399", "398"], "{gid} {uid}");
    for (key, value) in [
        ("PrimaryGroupID", &*gid),
        ("NFSHomeDirectory", "/var/empty"),
        ("UserShell", "/usr/bin/false"),
        ("Password", "*"),
        ("IsHidden", "1"),
    ] {
        ensure!(mac.recorded("Users/_pywats", key) == value, "{key}: {}", mac.recorded("Users/_pywats", key));
    }
    for (folder, bits, group) in
        [("", 0o751, &*gid), ("watch", 0o770, "20"), ("done", 0o750, "80"), ("failed", 0o750, "80"), ("logs", 0o750, "80")]
    {
        let path = if folder.is_empty() { mac.path(DATA) } else { mac.data(folder) };
        ensure!(mode(&path)? == bits, "{folder}: {:o}", mode(&path)?);
        ensure!(mac.owner(&path) == Some(format!("{uid}:{group}")), "{folder}: {:?}", mac.owner(&path));
    }
    let errors = mac.path("Library/Logs/pywats-client.log");
    ensure!(mode(&errors)? == 0o640 && mac.owner(&errors) == Some(format!("{uid}:80")), "{:?}", mac.owner(&errors));
    let command = fs::read_link(mac.path(COMMAND))?;
    ensure!(command == mac.path("Applications").join(BUNDLE).join("Contents/MacOS/pywats-client"), "{command:?}");
    ensure!(!mac.data("config.json").exists(), "it wrote a configuration");
    ensure!(!mac.path("usr/local/share").exists(), "it made folders that are others'");
    let given = fs::read_to_string(mac.state.join("owners"))?;
    ensure!(given.lines().all(|line| line.contains("/Library/")), "it gave away more:\n{given}");
    Ok(())
}

fn slow_upgrade(mac: &Mac) -> Result<()> {
    mac.installed()?;
    fs::write(mac.data("config.json"), "{}")?;
    let account = mac.recorded("Users/_pywats", "UniqueID");
    for (ends, busy, code) in [("0", "0", "5"), ("39", "6", "5"), ("12", "19", "37")] {
        for (fact, value) in [("ends", ends), ("busy", busy), ("busy-code", code)] {
            mac.set(fact, value)?;
        }
        mac.installed().with_context(|| format!("it ends after {ends} s, launchd is busy for {busy} s"))?;
        ensure!(mac.has("loaded"), "after {ends} and {busy} s the service does not run");
    }
    ensure!(mac.recorded("Users/_pywats", "UniqueID") == account, "it is another account");
    ensure!(mac.calls().matches("launchctl enable").count() == 1, "an upgrade enables");
    ensure!(fs::read_to_string(mac.data("config.json"))? == "{}", "the configuration is another");
    Ok(())
}

fn endless_process(mac: &Mac) -> Result<()> {
    mac.installed()?;
    mac.set("ends", "1000")?;
    let marker = mac.path("Applications").join(BUNDLE).join("old");
    fs::write(&marker, "")?;
    let output = mac.install()?;
    ensure!(!output.status.success() && said(&output).contains("does not end"), "{}", said(&output));
    ensure!(marker.exists(), "files were replaced");
    Ok(())
}

fn cannot_start(mac: &Mac) -> Result<()> {
    for (fact, value) in [("busy", "1000"), ("busy-code", "5")] {
        mac.set(fact, value)?;
    }
    let words = mac.installed()?;
    ensure!(!mac.has("loaded") && words.contains("It starts with the machine"), "{words}");
    Ok(())
}

fn numbers(mac: &Mac) -> Result<()> {
    for number in 380..=399 {
        let (record, key) =
            if number % 3 == 0 { ("Groups", "PrimaryGroupID") } else { ("Users", "UniqueID") };
        mac.record(&format!("{record}/_taken{number}"), key, &number.to_string())?;
    }
    // What an interrupted installation has left: a record without a number.
    fs::create_dir_all(mac.state.join("directory/Users/_pywats"))?;
    mac.installed()?;
    let found = [mac.recorded("Groups/_pywats", "PrimaryGroupID"), mac.recorded("Users/_pywats", "UniqueID")];
    ensure!(found == ["379", "378"], "{found:?}");
    ensure!(mac.recorded("Users/_pywats", "UserShell") == "/usr/bin/false", "the account is not complete");

    fs::remove_dir_all(mac.state.join("directory/Users/_pywats"))?;
    mac.set("refuses", "")?;
    let output = mac.install()?;
    ensure!(!output.status.success() && said(&output).contains("account _pywats cannot"), "{}", said(&output));
    fs::remove_file(mac.state.join("refuses"))?;
    for number in 200..=399 {
        mac.record(&format!("Users/_all{number}"), "UniqueID", &number.to_string())?;
    }
    let output = mac.install()?;
    ensure!(!output.status.success() && said(&output).contains("no number from 200 to 399"), "{}", said(&output));
    Ok(())
}

fn disabled(mac: &Mac) -> Result<()> {
    mac.installed()?;
    for old in [false, true] {
        if old {
            mac.set("old-macos", "")?;
        }
        mac.set("disabled", "")?;
        let words = mac.installed()?;
        ensure!(mac.has("disabled") && !mac.has("loaded"), "on old systems ({old}): it runs again");
        ensure!(words.contains(&format!("launchctl enable system/{LABEL}")), "{words}");
    }
    // One that was removed while it was disabled is there for the first time again.
    ensure!(mac.run("uninstall.sh", &["--keep"])?.status.success(), "it cannot be removed");
    mac.installed()?;
    ensure!(mac.has("loaded"), "after a new installation it does not run");
    Ok(())
}

fn later_queue(mac: &Mac) -> Result<()> {
    mac.installed()?;
    let schema = |file: &Path, number: u8| {
        let mut bytes = vec![0; 100];
        bytes[63] = number;
        fs::write(file, bytes)
    };
    schema(&mac.data("queue.db"), 250)?;
    mac.refused("was written by a later version")?;
    schema(&mac.data("queue.db"), 1)?;
    mac.installed()?;
    let elsewhere = mac.root.join("another disk");
    fs::create_dir(&elsewhere)?;
    mac.set("data-dir", &format!("{}\n", elsewhere.display()))?;
    schema(&elsewhere.join("queue.db"), 250)?;
    mac.refused("another disk was written by a later version")
}

fn refused(mac: &Mac) -> Result<()> {
    mac.installed()?;
    mac.set("verdict", "problem: config.json: is not JSON: line 1\n")?;
    mac.refused("the configuration is damaged")?;
    // Without a process, the new one is no worse.
    fs::remove_file(mac.state.join("loaded"))?;
    mac.installed()?;
    let calls = mac.calls();
    let output = mac.run("preinstall", &["/tmp/it.pkg", "/Volumes/Other", "/Volumes/Other", "/"])?;
    ensure!(!output.status.success() && said(&output).contains("/Volumes/Other"), "{}", said(&output));
    ensure!(!mac.calls()[calls.len()..].contains("bootout"), "it was stopped");
    Ok(())
}

fn prepared(mac: &Mac) -> Result<()> {
    fs::create_dir_all(mac.data("watch"))?;
    fs::write(mac.data("config.json"), "{ \"server\": {} }")?;
    fs::write(mac.data("watch/report.json"), "report")?;
    mac.installed()?;
    let (uid, gid) = ("398", "399");
    ensure!(mac.owner(&mac.data("config.json")).as_deref() == Some("0:399"), "{:?}", mac.owner(&mac.data("config.json")));
    ensure!(mode(&mac.data("config.json"))? == 0o640, "others may read the token");
    ensure!(mac.owner(&mac.data("watch/report.json")) == Some(format!("{uid}:{gid}")), "a report is out of reach");
    ensure!(fs::read_to_string(mac.data("config.json"))? == "{ \"server\": {} }", "it was overwritten");
    // What the administrator decides later stays.
    fs::set_permissions(mac.data("config.json"), fs::Permissions::from_mode(0o600))?;
    fs::set_permissions(mac.data("watch"), fs::Permissions::from_mode(0o777))?;
    mac.installed()?;
    ensure!(mode(&mac.data("config.json"))? == 0o600 && mode(&mac.data("watch"))? == 0o777, "modes were changed");
    Ok(())
}

fn left_alone(mac: &Mac) -> Result<()> {
    let (bin, man) = (mac.path("usr/local/bin"), mac.path("usr/local/share/man/man1"));
    for folder in [&bin, &man, &mac.path(DATA), &mac.path("elsewhere")] {
        fs::create_dir_all(folder)?;
    }
    fs::write(mac.path(COMMAND), "another's")?;
    symlink("/nowhere/pywats-client.1", man.join("pywats-client.1"))?;
    symlink(mac.path("elsewhere"), mac.data("watch"))?;
    let before = mode(&mac.path("elsewhere"))?;
    let words = mac.installed()?;
    ensure!(words.contains("bin/pywats-client is there already"), "{words}");
    ensure!(fs::read_to_string(mac.path(COMMAND))? == "another's", "another's program was replaced");
    ensure!(fs::read_link(man.join("pywats-client.1"))? == Path::new("/nowhere/pywats-client.1"), "a page was replaced");
    ensure!(fs::read_link(mac.data("watch"))? == mac.path("elsewhere"), "the link to the folder was replaced");
    ensure!(mode(&mac.path("elsewhere"))? == before, "the folder behind a link was changed");
    ensure!(mac.has("loaded"), "the service does not run");
    // A link of ours follows the application.
    fs::remove_file(mac.path(COMMAND))?;
    symlink(mac.path("Applications").join(BUNDLE).join("Contents/MacOS/gone"), mac.path(COMMAND))?;
    mac.installed()?;
    ensure!(fs::read_link(mac.path(COMMAND))?.ends_with("MacOS/pywats-client"), "an old link stays");
    ensure!(mac.run("uninstall.sh", &["--purge"])?.status.success(), "it cannot be removed");
    ensure!(fs::symlink_metadata(man.join("pywats-client.1")).is_ok(), "another's page was removed");
    ensure!(bin.exists() && mac.path("elsewhere").exists(), "a folder of others was removed");
    Ok(())
}

fn taken_over(mac: &Mac) -> Result<()> {
    for folder in ["usr/local/bin", DATA] {
        fs::create_dir_all(mac.path(folder))?;
    }
    fs::write(mac.path(COMMAND), "a copy")?;
    let command = mac.path(COMMAND);
    let plist = format!("<!-- pywats-client service install -->\n<string>{}</string>\n", command.display());
    fs::write(mac.path(PLIST), plist)?;
    fs::write(mac.data("queue.db"), vec![0; 100])?;
    for (fact, value) in [("loaded", ""), ("ends", "20")] {
        mac.set(fact, value)?;
    }
    mac.installed()?;
    ensure!(mac.has("loaded"), "the service does not run");
    ensure!(fs::read_link(&command)?.ends_with("MacOS/pywats-client"), "the copy stays");
    ensure!(mac.owner(&mac.data("queue.db")).as_deref() == Some("398:399"), "the queue is root's");
    Ok(())
}

fn removed(mac: &Mac) -> Result<()> {
    let gone = |mac: &Mac| -> Result<()> {
        let left = ["Applications/pyWATS Client.app", PLIST, COMMAND, "Library/Logs/pywats-client.log"];
        let left: Vec<_> = left.iter().filter(|path| fs::symlink_metadata(mac.path(path)).is_ok()).collect();
        ensure!(left.is_empty() && !mac.has("loaded") && !mac.has("receipt"), "{left:?}");
        Ok(())
    };
    mac.installed()?;
    fs::write(mac.data("config.json"), "{}")?;
    mac.set("ends", "25")?;
    // Without an option and a terminal, everything is kept.
    for option in [&[][..], &["--keep"]] {
        let output = mac.run("uninstall.sh", option)?;
        ensure!(output.status.success() && said(&output).contains("stay in"), "{}", said(&output));
        gone(mac)?;
        ensure!(fs::read_to_string(mac.data("config.json"))? == "{}", "the configuration is gone");
        ensure!(mac.recorded("Users/_pywats", "UniqueID") == "398", "the account is gone");
        mac.installed()?;
        ensure!(mac.has("loaded"), "after a new installation it does not run");
    }
    let output = mac.run("uninstall.sh", &["--purge"])?;
    ensure!(output.status.success(), "{}", said(&output));
    gone(mac)?;
    ensure!(!mac.path(DATA).exists(), "data are left");
    let records: BTreeMap<_, _> =
        ["Users/_pywats", "Groups/_pywats"].map(|record| (record, mac.state.join("directory").join(record))).into();
    ensure!(records.values().all(|record| !record.exists()), "the account is left: {records:?}");
    // Nothing is there any more, and that is no failure.
    ensure!(mac.run("uninstall.sh", &["--purge"])?.status.success(), "a second time it fails");
    Ok(())
}

fn not_removed(mac: &Mac) -> Result<()> {
    mac.installed()?;
    mac.set("user", "501")?;
    let output = mac.run("uninstall.sh", &["--purge"])?;
    ensure!(output.status.code() == Some(1) && said(&output).contains("sudo"), "{}", said(&output));
    mac.set("user", "0")?;
    for wrong in [&["--help"][..], &["--keep", "--purge"], &["--Purge"]] {
        ensure!(mac.run("uninstall.sh", wrong)?.status.code() == Some(2), "{wrong:?} is taken");
    }
    ensure!(mac.has("loaded") && mac.path(PLIST).exists(), "something was removed");
    mac.set("ends", "1000")?;
    let output = mac.run("uninstall.sh", &["--purge"])?;
    ensure!(output.status.code() == Some(1) && said(&output).contains("does not end"), "{}", said(&output));
    ensure!(mac.path("Applications").join(BUNDLE).exists() && mac.path(DATA).exists(), "something was removed");
    Ok(())
}
