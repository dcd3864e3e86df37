//! Debian's dnf, which installs into a folder. There rpm knows one package, a stand-in for what ours needs.

use crate::command::{Tool, said, tool};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The file that tells of the repository.
const REPO: &str = "pywats-client.repo";

/// A machine that gets packages from a repository.
pub(super) struct Dnf(PathBuf);

impl Dnf {
    /// Makes one that was told of the repository by its file, with a stand-in for what the package needs.
    pub(super) fn new(folder: &Path, repository: &Path, stand_in: &Path) -> Result<Dnf> {
        // Without some of them dnf fails and says nothing.
        for below in ["root", "log", "vars", "repos", "cache"] {
            fs::create_dir_all(folder.join(below))?;
        }
        fs::copy(repository.join(REPO), folder.join("repos").join(REPO))?;
        let configuration = format!(
            "[main]\ngpgcheck=1\nreposdir={folder}/repos\ncachedir={folder}/cache\nlogdir={folder}/log\n\
             varsdir={folder}/vars\npersistdir={folder}/persist\npluginpath={folder}/plugins\n\
             tsflags=noscripts\nreleasever=9\nretries=1\nskip_if_unavailable=0\nproxy=\n",
            folder = folder.display()
        );
        fs::write(folder.join("dnf.conf"), configuration)?;
        let dnf = Dnf(folder.to_owned());
        dnf.rpm(&["--initdb"]).run()?;
        dnf.rpm(&["--install"]).arg(stand_in).run()?;
        Ok(dnf)
    }

    /// From now on it does not ask whether the index is signed, so that only the packages' own signatures count.
    pub(super) fn believe_any_index(&self) -> Result<()> {
        let path = self.0.join("repos").join(REPO);
        let text = fs::read_to_string(&path)?;
        ensure!(text.contains("repo_gpgcheck=1"), "the file for dnf does not ask for signed indexes: {text}");
        Ok(fs::write(path, text.replace("repo_gpgcheck=1", "repo_gpgcheck=0"))?)
    }

    /// Forgets every index, as a machine that has not seen the repository yet.
    pub(super) fn forget(&self) -> Result<()> {
        // It keeps them below the root in which it installs.
        let cache = self.0.join("cache");
        let cache = self.0.join("root").join(cache.strip_prefix("/").unwrap_or(&cache));
        if cache.exists() {
            fs::remove_dir_all(&cache).with_context(|| format!("removing {}", cache.display()))?;
        }
        Ok(())
    }

    fn rpm(&self, words: &[&str]) -> Tool {
        // Debian's rpm looks for its database below HOME, in the root.
        tool("rpm", 60).arg("--root").arg(self.0.join("root")).args(words).env("HOME", &self.0)
    }

    fn dnf(&self, words: &[&str]) -> Tool {
        let dnf = tool("dnf", 60).arg("--config").arg(self.0.join("dnf.conf"));
        let dnf = dnf.arg("--installroot").arg(self.0.join("root")).arg("--assumeyes").args(words);
        dnf.env("HOME", &self.0).env_remove("http_proxy").env("no_proxy", "127.0.0.1")
    }

    /// Installs or upgrades the package.
    pub(super) fn install(&self, words: &[&str]) -> Result<()> {
        self.dnf(words).arg("pywats-client").run()
    }

    /// Fetches the newest package that it knows of, without installing it.
    pub(super) fn fetch(&self) -> Result<()> {
        self.install(&["install", "--downloadonly"])
    }

    /// The version that rpm has installed.
    pub(super) fn installed(&self) -> Result<String> {
        self.rpm(&["--query", "--queryformat", "%{VERSION}", "pywats-client"]).read()
    }

    /// Installs, which has to fail and say one of these.
    pub(super) fn refuses(&self, words: &[&str]) -> Result<()> {
        let output = self.dnf(&["install", "pywats-client"]).output()?;
        if output.status.success() {
            bail!("dnf took it\n{}", said(&output));
        }
        let text = said(&output);
        ensure!(words.iter().any(|word| text.contains(word)), "it failed for another reason: {text}");
        Ok(())
    }
}
