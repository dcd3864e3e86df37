//! Packages of Debian's archive, unpacked instead of installed: no root, and the machine stays as it is.
//!
//! apt runs with a configuration of its own and checks the archive's signature.

use super::rust::clean_command;
use crate::process;
use crate::progress::Step;
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The server of Debian's archives that everybody can use. What is made for users gets its updates from there, whatever
/// mirror this machine has.
pub(crate) const SERVER: &str = "http://deb.debian.org";

/// The server that keeps what these archives had at any moment.
const PAST: &str = "https://snapshot.debian.org/archive";

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// One suite of the archive, with its lists downloaded.
pub(crate) struct Archive<'a> {
    work: TempDir,
    options: Vec<String>,
    step: &'a Step,
}

impl<'a> Archive<'a> {
    /// Downloads the lists of a suite, such as `trixie`, from the mirror that this machine uses.
    ///
    /// # Errors
    /// If this machine has no apt, or its archive no such suite.
    pub(crate) fn open(suite: &str, step: &'a Step) -> Result<Archive<'a>> {
        Archive::open_with(suite, &[], step)
    }

    /// The same of packages for another processor, by Debian's name of that.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub(crate) fn open_for(suite: &str, architecture: &str, step: &'a Step) -> Result<Archive<'a>> {
        let options =
            ["APT::Architecture", "APT::Architectures"].map(|name| format!("{name}={architecture}"));
        Archive::open_with(suite, &options, step)
    }

    fn open_with(suite: &str, further: &[String], step: &'a Step) -> Result<Archive<'a>> {
        let work = tempfile::tempdir()?;
        let path = |sub: &str| work.path().join(sub);
        for sub in ["lists/partial", "cache/archives/partial", "preferences.d"] {
            fs::create_dir_all(path(sub))?;
        }
        let mirror = mirror()?;
        fs::write(path("sources.list"), format!("deb [signed-by={KEYRING}] {mirror} {suite} main\n"))?;
        fs::write(path("status"), "")?;
        let option = |name: &str, sub: &str| format!("{name}={}", path(sub).display());
        let mut options = vec![
            option("Dir::Etc::sourcelist", "sources.list"),
            option("Dir::Etc::preferencesparts", "preferences.d"),
            "Dir::Etc::sourceparts=-".to_owned(),
            option("Dir::State::lists", "lists"),
            option("Dir::State::status", "status"),
            option("Dir::Cache", "cache"),
            "Acquire::Languages=none".to_owned(),
            "Acquire::Retries=3".to_owned(),
            // A frozen mirror is as good: packages are signed.
            "Acquire::Check-Valid-Until=false".to_owned(),
            "APT::Install-Recommends=false".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=1".to_owned(),
        ];
        options.extend_from_slice(further);
        let archive = Archive { work, options, step };
        archive.apt(&["--quiet", "update"], |_| {})?;
        Ok(archive)
    }

    /// Unpacks packages into `folder`. A package is named as for `apt-get download`.
    ///
    /// # Errors
    /// If one cannot be had or does not unpack.
    pub(crate) fn unpack(&self, packages: &[impl AsRef<OsStr>], folder: &Path) -> Result<()> {
        let names: Vec<&OsStr> = packages.iter().map(AsRef::as_ref).collect();
        self.apt(&[&["--quiet", "download"].map(OsStr::new), &names[..]].concat(), |_| {})?;
        let files = fs::read_dir(self.work.path())?.flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> =
            files.filter(|path| path.extension() == Some(OsStr::new("deb"))).collect();
        files.sort();
        ensure!(!files.is_empty(), "apt-get downloaded no package");
        for file in files {
            let mut dpkg = clean_command("dpkg-deb", &[]);
            dpkg.arg("--extract").arg(&file).arg(folder);
            process::run(dpkg, |line| self.step.note(line))?;
            fs::remove_file(&file)?;
        }
        Ok(())
    }

    /// A package and everything that it depends on, down to the C library.
    ///
    /// # Errors
    /// If there is no such package.
    pub(crate) fn with_dependencies(&self, package: &str) -> Result<Vec<String>> {
        let mut names = Vec::new();
        self.apt(&["install", "--simulate", package], |line| {
            if let Some(name) = line.strip_prefix("Inst ").and_then(|rest| rest.split(' ').next()) {
                names.push(name.to_owned());
            }
        })?;
        Ok(names)
    }

    fn apt(&self, arguments: &[impl AsRef<OsStr>], mut watch: impl FnMut(&str)) -> Result<()> {
        let mut command = clean_command("apt-get", &[]);
        command.args(self.options.iter().flat_map(|option| ["-o", option])).args(arguments);
        command.current_dir(self.work.path());
        process::run(command, |line| {
            self.step.note(line);
            watch(line);
        })
    }
}

/// Writes `folder/NAME`, which starts a program that was unpacked into `folder/root`: it is newer than this machine's C
/// library may be, so it runs with the one it came with.
pub(crate) fn write_launcher(folder: &Path, program: &str) -> Result<PathBuf> {
    let arch = std::env::consts::ARCH;
    let libraries = format!("usr/lib/{arch}-linux-gnu");
    let loader = if arch == "x86_64" { "ld-linux-x86-64.so.2" } else { "ld-linux-aarch64.so.1" };
    let name = Path::new(program).file_name().context("a program without a name")?;
    let script = format!(
        "#!/bin/sh\nroot=$(dirname \"$(readlink -f \"$0\")\")/root\n\
         exec \"$root/{libraries}/{loader}\" --argv0 {} --library-path \"$root/{libraries}\" \"$root/{program}\" \"$@\"\n",
        name.to_string_lossy()
    );
    let path = folder.join(name);
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Where packages are to be had by digest, best first: from this machine's mirror, from everybody's, from the past. They are
/// addresses with the name of the archive, the moment and the path in braces, as `appliance::fetch` takes them.
pub(crate) fn sources_by_digest() -> Vec<String> {
    let current = servers().into_iter().map(|server| format!("{server}/{{archive}}/{{path}}"));
    current.chain([format!("{PAST}/{{archive}}/{{snapshot}}/{{path}}")]).collect()
}

/// The servers that have what is current in Debian's archives: the one of this machine's mirror first.
pub(crate) fn servers() -> Vec<String> {
    let own = mirror().ok();
    let own = own.as_deref().and_then(|mirror| mirror.trim_end_matches('/').strip_suffix("/debian"));
    let mut servers: Vec<String> = own.into_iter().chain([SERVER]).map(str::to_owned).collect();
    servers.dedup();
    servers
}

/// The Debian mirror this machine uses.
pub(crate) fn mirror() -> Result<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|e| e.path()));
    files.sort();
    let texts: Vec<String> = files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    let words = texts.iter().flat_map(|text| {
        let lines = text.lines().filter(|line| line.starts_with("URIs:") || line.starts_with("deb "));
        lines.flat_map(str::split_whitespace)
    });
    let mut mirrors = words.filter(|word| word.contains("://"));
    let is_main = |uri: &&str| uri.trim_end_matches('/').ends_with("/debian");
    mirrors.find(is_main).map(str::to_owned).context("this machine's apt has no Debian archive")
}
