//! Asks Debian's archive what is current there, and what depends on what: for a new lock.
//!
//! apt resolves, with settings of its own, as if nothing were installed yet; it checks the signature of the archive. Its
//! updates are asked, too, and the security updates, so that a new appliance has none to wait for.

use crate::command;
use crate::system::System;
use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The suites, each of one of the server's archives.
const SUITES: &[(&str, &str)] =
    &[("debian", "trixie"), ("debian", "trixie-updates"), ("debian-security", "trixie-security")];

/// The archives of a server that a system has packages of, as apt reads them.
pub(crate) fn sources(system: &System, server: &str) -> String {
    let (server, components) = (server.trim_end_matches('/'), system.components);
    let lines = SUITES.iter().map(|(archive, suite)| {
        format!("deb [signed-by={KEYRING}] {server}/{archive} {suite} {components}\n")
    });
    lines.collect()
}

/// What apt says of each package of a system that is wanted or needed: what [`Lock::of_index`](crate::lock::Lock::of_index) takes.
/// The server is an address without the name of an archive; `work` is an empty folder.
///
/// # Errors
/// If the archive cannot be asked, or has nothing that is wanted; apt says why.
pub fn index(system: &System, server: &str, wanted: &[&str], work: &Path) -> Result<String> {
    let configuration = configuration(system, server, work)?;
    let apt = |program: &str, arguments: &[&str]| -> Result<String> {
        let mut command = command(program);
        command.env("APT_CONFIG", &configuration).args(arguments);
        for name in ["http_proxy", "https_proxy", "no_proxy"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let output = command.output().with_context(|| format!("starting {program}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{program} {}: {}", arguments.join(" "), said.trim());
        String::from_utf8(output.stdout).with_context(|| format!("{program} says what is not UTF-8"))
    };
    apt("apt-get", &["--quiet", "--error-on=any", "update"])?;
    let plan = apt("apt-get", &[&["--simulate", "install"], wanted].concat())?;
    let chosen = chosen(&plan);
    ensure!(!chosen.is_empty(), "apt would install nothing");
    let chosen: Vec<&str> = chosen.iter().map(String::as_str).collect();
    apt("apt-cache", &[&["show"], &chosen[..]].concat())
}

/// Settings that know of nothing on this machine.
fn configuration(system: &System, server: &str, work: &Path) -> Result<std::path::PathBuf> {
    for folder in ["lists/partial", "cache/archives/partial", "preferences"] {
        fs::create_dir_all(work.join(folder))
            .with_context(|| format!("making folders in {}", work.display()))?;
    }
    fs::write(work.join("sources.list"), sources(system, server))?;
    fs::write(work.join("status"), "")?;
    let mut text = String::new();
    for (setting, name) in [
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::Etc::preferencesparts", "preferences"),
        ("Dir::State::lists", "lists"),
        ("Dir::State::status", "status"),
        ("Dir::Cache", "cache"),
    ] {
        let place = work.join(name);
        let place =
            place.to_str().filter(|path| !path.contains('"')).context("apt takes no folder with quotes")?;
        writeln!(text, "{setting} \"{place}\";")?;
    }
    for (setting, value) in [
        ("Dir::Etc::sourceparts", "-"),
        ("Acquire::Languages", "none"),
        ("Acquire::Retries", "3"),
        ("APT::Architecture", system.architecture),
        ("APT::Architectures", system.architecture),
        ("APT::Install-Recommends", "false"),
        ("APT::Sandbox::User", "root"),
        ("Debug::NoLocking", "true"),
    ] {
        writeln!(text, "{setting} \"{value}\";")?;
    }
    let file = work.join("apt.conf");
    fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

/// What apt would install, as `NAME=VERSION`: its lines are `Inst NAME (VERSION ARCHIVE [ARCHITECTURE])`.
fn chosen(plan: &str) -> Vec<String> {
    let packages = plan.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(" (")?;
        Some(format!("{name}={}", rest.split(' ').next()?))
    });
    packages.collect()
}

/// Unpacks the packages of a lock into a folder, without running anything in them.
///
/// # Errors
/// If one is missing or damaged.
pub fn unpack(lock: &crate::lock::Lock, packages: &Path, into: &Path, run: crate::Run<'_>) -> Result<()> {
    fs::create_dir_all(into).with_context(|| format!("making the folder {}", into.display()))?;
    for package in &lock.packages {
        let mut dpkg = command("dpkg-deb");
        let file = crate::fetch::file(packages, package);
        dpkg.args([OsStr::new("--extract"), file.as_os_str(), into.as_os_str()]);
        run(dpkg).with_context(|| format!("unpacking {}", package.name))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a package is left out of a lock, or gets another version than apt would install.
    #[test]
    fn reads_what_apt_would_install() {
        let plan = "Reading package lists...\nInst libc6 (2.41-12+deb13u5 Debian:13.6/stable [amd64])\n\
                    Inst sudo (1.9.16p2-3+deb13u5 Debian-Security:13/stable-security [amd64]) []\n\
                    Conf libc6 (2.41-12+deb13u5 Debian:13.6/stable [amd64])\n";
        assert_eq!(chosen(plan), ["libc6=2.41-12+deb13u5", "sudo=1.9.16p2-3+deb13u5"]);
    }

    /// Fails if: apt would look at this machine's settings, or not ask for security updates.
    #[test]
    fn keeps_apt_to_itself() {
        let work = tempfile::tempdir().unwrap();
        let pi = System::named("raspberry-pi").unwrap();
        let file = configuration(pi, "http://archive.example/", work.path()).unwrap();
        let sources = fs::read_to_string(work.path().join("sources.list")).unwrap();
        assert!(
            sources
                .contains("http://archive.example/debian-security trixie-security main non-free-firmware\n"),
            "{sources}"
        );
        let text = fs::read_to_string(file).unwrap();
        let folders = text.lines().filter(|line| line.starts_with("Dir::") && !line.ends_with("\"-\";"));
        let folders: Vec<&str> = folders.collect();
        let here = work.path().to_str().unwrap();
        assert!(text.contains("APT::Architecture \"arm64\";"), "{text}");
        assert!(folders.len() == 5 && folders.iter().all(|line| line.contains(here)), "{text}");
    }
}
