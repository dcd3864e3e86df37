//! What an administrator does at a test station: install, look, remove.

use super::prefix::{Batch, DATA, Prefix};
use crate::client::wait_until;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Name of the service.
const SERVICE: &str = "pywats-client";
/// Name of the service in lists.
const DISPLAY_NAME: &str = "pyWATS Client";
/// How many lines of an installation's log an error shows.
const LOG_LINES: usize = 30;

/// A test station, with packages to install.
pub(crate) struct Station {
    pub(super) prefix: Prefix,
}

impl Station {
    /// A station on which nothing is installed yet.
    pub(crate) fn new(prefix: Prefix) -> Station {
        Station { prefix }
    }

    /// The machine itself.
    pub(crate) fn prefix(&self) -> &Prefix {
        &self.prefix
    }

    /// The path on this system of a path on drive C.
    pub(crate) fn path(&self, windows: &str) -> PathBuf {
        self.prefix.path(windows)
    }

    /// Runs a batch file.
    pub(crate) fn run(&self, commands: &str) -> Result<Batch> {
        self.prefix.batch(commands)
    }

    /// Adds a write filter, as far as the client can see it.
    pub(crate) fn add_write_filter(&self) -> Result<()> {
        self.prefix.compile("uwfmgr.c", r"C:\windows\system32\uwfmgr.exe", &[])?;
        // Disabled: there is no driver behind it.
        let driver = r"HKLM\SYSTEM\CurrentControlSet\Services\uwfvol";
        let added = self.run(&format!("reg add {driver} /v Start /t REG_DWORD /d 4 /f"))?;
        ensure!(added.code == 0, "reg add failed: {}", added.output);
        Ok(())
    }

    /// `msiexec /i`, silently; succeeds with exit code 0.
    pub(crate) fn install(&self, msi: &Path, properties: &str) -> Result<()> {
        let code = self.try_install(msi, properties)?;
        ensure!(code == 0, "installing {} {properties} failed with {code}\n{}", msi.display(), self.log());
        Ok(())
    }

    /// `msiexec /i`, silently; returns the exit code.
    pub(crate) fn try_install(&self, msi: &Path, properties: &str) -> Result<i64> {
        fs::copy(msi, self.path(r"C:\package.msi")).with_context(|| format!("copying {}", msi.display()))?;
        self.msiexec(&format!(r"/i C:\package.msi {properties}"))
    }

    /// `msiexec /x` with the package, silently.
    pub(crate) fn uninstall(&self, msi: &Path) -> Result<()> {
        self.uninstall_with(msi, "")
    }

    /// `msiexec /x` with the package and properties, silently.
    pub(crate) fn uninstall_with(&self, msi: &Path, properties: &str) -> Result<()> {
        fs::copy(msi, self.path(r"C:\package.msi"))?;
        let code = self.msiexec(&format!(r"/x C:\package.msi {properties}"))?;
        ensure!(code == 0, "removing {} failed with {code}\n{}", msi.display(), self.log());
        Ok(())
    }

    fn msiexec(&self, arguments: &str) -> Result<i64> {
        let log = self.path(r"C:\msi.log");
        if log.exists() {
            fs::remove_file(log)?;
        }
        Ok(self.prefix.batch(&format!(r"msiexec {arguments} /qn /l*v C:\msi.log"))?.code)
    }

    /// A folder is gone, with all that was in it.
    pub(crate) fn expect_gone(&self, folder: &str) -> Result<()> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Ok(()) };
        let left: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        bail!("{folder} is still there, with {left:?}\n{}", self.log())
    }

    /// The value that a property had at the end of the last installation, by its log.
    pub(crate) fn property(&self, name: &str) -> Option<String> {
        let start = format!("Property(S): {name} = ");
        self.whole_log()
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .map(|value| value.trim().to_owned())
    }

    /// The end of the last installation's log.
    pub(crate) fn log(&self) -> String {
        let text = self.whole_log();
        // The end of every log lists all properties, which tells nothing of what happened.
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("Property(")).collect();
        let (before, end) = lines.split_at(lines.len().saturating_sub(LOG_LINES));
        // What went wrong may stand long before: a rollback follows it.
        let told = |line: &&&str| {
            ["Return value 3", "rror", "ailed", "annot"].iter().any(|word| line.contains(word))
        };
        let wrong: Vec<&str> = before.iter().filter(told).copied().collect();
        [&wrong[..], end].concat().join("\n")
    }

    /// The log of the last installation, properties included.
    pub(crate) fn whole_log(&self) -> String {
        let bytes = fs::read(self.path(r"C:\msi.log")).unwrap_or_default();
        // Windows writes UTF-16, Wine the ANSI code page.
        let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.get(1) == Some(&0);
        if utf16 {
            let units: Vec<u16> =
                bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            String::from_utf16_lossy(&units)
        } else {
            String::from_utf8_lossy(&bytes).into_owned()
        }
    }

    /// What the service manager knows of the service, if it is registered.
    pub(crate) fn service(&self) -> Result<Option<String>> {
        self.registry(&format!(r"HKLM\SYSTEM\CurrentControlSet\Services\{SERVICE}"))
    }

    /// What the service manager knows of the service, which is registered.
    pub(crate) fn registered(&self) -> Result<String> {
        self.service()?.with_context(|| {
            format!("the service is not registered; the last installation said:\n{}", self.log())
        })
    }

    /// What `reg query` prints; nothing if there is no such key or value. Any other end is no answer: on a busy machine
    /// Wine sometimes does not begin a program, which must not be taken for a key that is not there.
    pub(super) fn registry(&self, query: &str) -> Result<Option<String>> {
        let command = format!("reg query {query}");
        let mut said = self.prefix.batch(&command)?;
        for again in [true, false] {
            match said.code {
                0 => return Ok(Some(said.output)),
                _ if said.output.contains("Unable to find the specified registry") => return Ok(None),
                _ if again => said = self.prefix.batch(&command)?,
                _ => {}
            }
        }
        bail!("`{command}` failed with {}: {}", said.code, said.output)
    }

    /// Whether the service is running.
    fn service_runs(&self) -> Result<bool> {
        let running = self.prefix.batch("net start")?;
        ensure!(running.code == 0, "`net start` failed: {}", running.output);
        Ok(running.output.lines().any(|line| line.trim() == DISPLAY_NAME))
    }

    /// The service runs, or does not.
    pub(crate) fn expect_service(&self, running: bool) -> Result<()> {
        let wrong = if running { "the service does not run" } else { "the service runs" };
        wait_until(|| self.service_runs().is_ok_and(|runs| runs == running))
            .with_context(|| format!("{wrong}; the last installation said:\n{}", self.log()))
    }

    /// The program is in that folder, and in one piece.
    pub(crate) fn expect_program(&self, folder: &str) -> Result<()> {
        let program = self.path(folder).join("pywats-client.exe");
        let head = fs::read(&program)
            .with_context(|| format!("there is no {}\n{}", program.display(), self.log()))?;
        ensure!(head.starts_with(b"MZ"), "{} is not a program", program.display());
        ensure!(program.with_file_name("LICENSE.txt").is_file(), "LICENSE.txt is missing");
        Ok(())
    }

    /// A value of the product's registry key.
    pub(crate) fn setting(&self, name: &str) -> Result<String> {
        let found =
            self.registry(&format!(r#""HKLM\SOFTWARE\Virinco\pyWATS Client" /v {name} /reg:64"#))?.unwrap_or_default();
        let line = found.lines().find(|line| line.contains("REG_SZ"));
        let line = line.with_context(|| format!("the registry has no {name}: {found}"))?;
        Ok(line.split("REG_SZ").nth(1).unwrap_or_default().trim().to_owned())
    }

    /// Whether Windows lists the product as installed.
    pub(crate) fn is_listed(&self) -> Result<bool> {
        Ok(self.listed()? > 0)
    }

    /// How often Windows lists the product as installed: each version is a product of its own.
    pub(crate) fn listed(&self) -> Result<usize> {
        let key = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
        let found = self.registry(&format!("{key} /s /reg:64"))?.unwrap_or_default();
        let name = |line: &&str| line.contains("DisplayName ") && line.trim_end().ends_with(DISPLAY_NAME);
        Ok(found.lines().filter(name).count())
    }

    /// A folder of the Start menu, if it is there. Wine has it in the user's profile, whoever installs.
    pub(crate) fn start_menu(&self, folder: &str) -> Result<Option<PathBuf>> {
        let users = self.path(r"C:\users");
        for user in fs::read_dir(&users).with_context(|| format!("listing {}", users.display()))? {
            let menu = user?.path().join("AppData/Roaming/Microsoft/Windows/Start Menu");
            let found = menu.join(folder.replace('\\', "/"));
            if found.exists() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The log of the installed client.
    pub(crate) fn client_log(&self) -> String {
        fs::read_to_string(self.path(DATA).join("logs/pywats-client.log")).unwrap_or_default()
    }
}
