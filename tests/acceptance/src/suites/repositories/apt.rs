//! This machine's apt, in folders of its own: no root, nothing of the machine's configuration and no proxy.

use super::workshop::{ARCH, only};
use crate::command::{Tool, said, tool};
use crate::scratch::{self, CLEAN_SHELL};
use anyhow::{Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// What the package depends on, as installed.
const SYSTEMD: &str = "Package: systemd\nStatus: install ok installed\nVersion: 252\nArchitecture: ARCH\n\
                       Maintainer: A <a@example.com>\nDescription: what the package depends on\n\n";

/// A machine that gets packages from a repository.
pub(super) struct Apt(PathBuf);

impl Apt {
    /// Makes one that was told of the repository by its file.
    pub(super) fn new(folder: &Path, repository: &Path) -> Result<Apt> {
        let apt = Apt(folder.to_owned());
        for below in [
            "etc/apt/sources.list.d",
            "etc/apt/apt.conf.d",
            "etc/apt/preferences.d",
            "etc/apt/trusted.gpg.d",
            "var/lib/apt/lists/partial",
            "var/cache/apt/archives/partial",
            "var/lib/dpkg",
        ] {
            fs::create_dir_all(folder.join(below))?;
        }
        let name = "pywats-client.sources";
        fs::copy(repository.join(name), folder.join("etc/apt/sources.list.d").join(name))?;
        let configuration = format!(
            "Dir \"{folder}\";\nDir::State::status \"{folder}/var/lib/dpkg/status\";\n\
             Acquire::http::Proxy \"DIRECT\";\nAcquire::Retries \"0\";\nAPT::Sandbox::User \"\";\n\
             APT::Install-Recommends \"false\";\n\
             APT::Architecture \"{arch}\";\nAPT::Architectures {{ \"{arch}\"; }};\nDebug::NoLocking \"1\";\n",
            folder = folder.display(),
            arch = ARCH[0],
        );
        fs::write(folder.join("apt.conf"), configuration)?;
        apt.has_installed(None)?;
        Ok(apt)
    }

    /// Another machine that knows what this one knows.
    pub(super) fn clone_to(&self, folder: &Path, repository: &Path) -> Result<Apt> {
        let other = Apt::new(folder, repository)?;
        for entry in fs::read_dir(self.0.join("var/lib/apt/lists"))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), folder.join("var/lib/apt/lists").join(entry.file_name()))?;
            }
        }
        Ok(other)
    }

    /// Says which package is installed.
    pub(super) fn has_installed(&self, package: Option<&Path>) -> Result<()> {
        let mut status = SYSTEMD.replace("ARCH", ARCH[0]);
        if let Some(package) = package {
            let control = tool("dpkg-deb", 30).arg("--field").arg(package).read()?;
            status += &control.replacen('\n', "\nStatus: install ok installed\n", 1);
        }
        Ok(fs::write(self.0.join("var/lib/dpkg/status"), status)?)
    }

    fn apt_get(&self, words: &[&str]) -> Tool {
        tool("apt-get", 30).args(words).env("APT_CONFIG", self.0.join("apt.conf"))
    }

    /// Fetches the indexes; a warning is an error, too, for apt goes on with what it had.
    pub(super) fn update(&self) -> Result<()> {
        let output = self.apt_get(&["update", "--error-on=any"]).output()?;
        let text = said(&output);
        ensure!(output.status.success() && !text.contains("\nW:"), "apt-get update: {}\n{text}", output.status);
        Ok(())
    }

    /// Fetches the package and what it needs, which has to be this file.
    pub(super) fn fetch(&self, expected: &Path) -> Result<()> {
        self.apt_get(&["install", "--yes", "--download-only", "pywats-client"]).run()?;
        let archives = self.0.join("var/cache/apt/archives");
        crate::products::compare(expected, &only(&archives, ".deb")?)?;
        self.apt_get(&["clean"]).run()
    }

    /// What an upgrade would do.
    pub(super) fn upgrade(&self) -> Result<String> {
        self.apt_get(&["upgrade", "--simulate"]).read()
    }

    /// Updates and fetches, one of which has to fail and say one of these.
    pub(super) fn refuses(&self, expected: &Path, words: &[&str]) -> Result<()> {
        let Err(error) = self.update().and_then(|()| self.fetch(expected)) else {
            bail!("apt took it");
        };
        let text = format!("{error:#}");
        ensure!(words.iter().any(|word| text.contains(word)), "it failed for another reason: {text}");
        Ok(())
    }
}

/// The apt of Debian 13, which checks signatures by sqv, in a system of its own.
pub(super) struct Newer(PathBuf);

impl Newer {
    /// Makes the system, and tells it of the repository by its file.
    pub(super) fn new(folder: &Path, repository: &Path) -> Result<Newer> {
        scratch::of_suite("trixie", "sqv", folder)?;
        for entry in fs::read_dir(folder.join("etc/apt/sources.list.d"))? {
            fs::remove_file(entry?.path())?;
        }
        fs::write(folder.join("etc/apt/sources.list"), "")?;
        let name = "pywats-client.sources";
        fs::copy(repository.join(name), folder.join("etc/apt/sources.list.d").join(name))?;
        Ok(Newer(folder.to_owned()))
    }

    /// Forgets what it knows, updates and fetches the package, which has to be this file.
    pub(super) fn fetch(&self, expected: &Path) -> Result<()> {
        let script = "set -e; cd /root; rm -rf /var/lib/apt/lists/* *.deb; \
                      apt() { apt-get -o APT::Sandbox::User=root -o Acquire::http::Proxy=DIRECT \"$@\"; }; \
                      apt update --error-on=any; apt download pywats-client";
        tool("chroot", 60).arg(&self.0).args(CLEAN_SHELL).arg(script).run()?;
        crate::products::compare(expected, &only(&self.0.join("root"), ".deb")?)
    }
}
