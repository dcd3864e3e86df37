//! The suites, in the order in which they run: what fails fastest comes first.

use super::prerequisites::PKCS11_ENGINE;
use super::{Test, nix};
use crate::cache::Cache;
use crate::process;
use crate::progress::Progress;
use crate::toolchain::crates;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::Result;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// One suite.
pub(crate) struct Suite {
    /// Its name on the command line, and in the acceptance bench.
    pub(crate) name: &'static str,
    /// What it proves.
    pub(crate) about: &'static str,
    /// Programs it needs, from the table of prerequisites.
    pub(crate) needs: &'static [&'static str],
    /// How it is run.
    pub(crate) run: Run,
    /// Only when asked for by name: fuzzing, soaking and the like.
    pub(crate) long: bool,
}

/// How a suite is run.
pub(crate) enum Run {
    /// Commands, one after the other.
    Commands(fn() -> Result<Vec<Command>>),
    /// The suite of that name of the acceptance bench, on finished artifacts. The function brings what the suite
    /// needs besides installed programs, and returns further arguments for it.
    Bench(fn(&Test) -> Result<Vec<OsString>>),
}

impl Suite {
    /// Whether the suite judges what `cargo xtask dist` makes.
    pub(crate) fn needs_artifacts(&self) -> bool {
        matches!(self.run, Run::Bench(_))
    }
}

const fn commands(
    name: &'static str,
    about: &'static str,
    needs: &'static [&'static str],
    run: fn() -> Result<Vec<Command>>,
) -> Suite {
    Suite { name, about, needs, run: Run::Commands(run), long: false }
}

const fn bench(name: &'static str, about: &'static str, needs: &'static [&'static str]) -> Suite {
    Suite { name, about, needs, run: Run::Bench(|_| Ok(Vec::new())), long: false }
}

/// Every suite.
pub(crate) const ALL: &[Suite] = &[
    commands("lint", "formatting, clippy without warnings, licences and sources of dependencies", &[], lint),
    commands(
        "workflows",
        "GitHub workflows are valid and give no rights away; their scripts pass shellcheck or a grammar",
        &["shellcheck"],
        super::workflows::commands,
    ),
    commands("unit", "every crate's own tests, the client's against a test server", &["setpriv"], unit),
    commands(
        "unit-windows",
        "the tests of what runs on Windows, in Wine",
        &["wine", "wineboot", "wineserver"],
        super::targets::unit_in_wine,
    ),
    bench(
        "binaries",
        "programs are hardened, static where promised, and free of paths and times of the building machine",
        &["tar", "unzip"],
    ),
    bench(
        "formats",
        "what dpkg, lintian, rpm, rpmlint, tar, unzip, systemd and others say of packages and their files",
        &[
            "ar",
            "bsdtar",
            "cpio",
            "dpkg-deb",
            "fish",
            "7z",
            "groff",
            "gzip",
            "lintian",
            "mandoc",
            "rpm",
            "rpm2cpio",
            "rpmlint",
            "shellcheck",
            "systemd-analyze",
            "tar",
            "unzip",
            "zipinfo",
            "zsh",
        ],
    ),
    bench(
        "msi",
        "what msitools, 7z, cabextract and osslsigncode say of the Windows Installer database",
        &["7z", "cabextract", "msiextract", "msiinfo", "openssl", "osslsigncode"],
    ),
    bench(
        "sign",
        "programs and MSI are signed with keys of every kind, reproduced from stored signatures, and judged",
        &[
            PKCS11_ENGINE,
            "msiextract",
            "openssl",
            "osslsigncode",
            "pkcs11-tool",
            "ps",
            "softhsm2-util",
            "unshare",
            "unzip",
        ],
    ),
    bench(
        "delivery",
        "the programs inside the Linux packages deliver a report; arm64 under emulation",
        &["cpio", "dpkg-deb", "qemu-aarch64-static", "rpm2cpio", "tar"],
    ),
    bench(
        "install",
        "DEB and RPM install, upgrade, remove and purge in a scratch system, and keep what they must",
        &["chroot", "cpio", "dpkg-deb", "mmdebstrap", "rpm", "rpm2cpio", "rpmbuild", "unshare"],
    ),
    bench(
        "service",
        "DEB and RPM in a booted system: the hardened unit delivers, is restarted, upgraded and removed",
        &["cpio", "dpkg-deb", "mmdebstrap", "nsenter", "ps", "rpm", "rpm2cpio", "rpmbuild", "systemd-nspawn"],
    ),
    bench(
        "wine",
        "the MSI installs silently, its service delivers reports, upgrades keep everything, removal is clean",
        &["msiextract", "wine", "wineboot", "wineserver", "x86_64-w64-mingw32-gcc"],
    ),
    bench(
        "dialogs",
        "the MSI by hand: every dialog is seen, with mouse and keyboard, and kept as a picture to look at",
        &[
            "/usr/share/wine/fonts/tahoma.ttf",
            "import",
            "msiextract",
            "wine",
            "wineboot",
            "wineserver",
            "x86_64-w64-mingw32-gcc",
            "Xvfb",
        ],
    ),
    bench(
        "dist",
        "the build without Python, network or space on the disk, and when it is interrupted",
        &["ps", "unshare"],
    ),
    Suite {
        name: "nix",
        about: "the flake: all of it evaluates, builds in the sandbox over stand-ins, and gives the same bits",
        needs: &[
            "dpkg-deb",
            "gzip",
            "mandoc",
            "msiinfo",
            "rpm",
            "shellcheck",
            "unzip",
            "x86_64-w64-mingw32-gcc",
            // What the artifacts go through afterwards.
            "7z",
            "cabextract",
            "chroot",
            "cpio",
            "mmdebstrap",
            "msiextract",
            "openssl",
            "osslsigncode",
            "rpm2cpio",
            "rpmbuild",
            "tar",
            "unshare",
            "wine",
            "wineboot",
            "wineserver",
        ],
        run: Run::Bench(nix::arguments),
        long: false,
    },
    bench(
        "reproducible",
        "a second build of one target of each system, everything around it different, gives the same bits",
        &["unshare"],
    ),
    Suite {
        long: true,
        ..bench(
            "reproducible-all",
            "a second build of every target, everything around it different, gives the same bits",
            &["unshare"],
        )
    },
    Suite {
        // Its database comes from the internet, and its outcome changes while the sources do not.
        long: true,
        ..commands("advisories", "no dependency has a known weakness", &[], advisories)
    },
];

fn lint() -> Result<Vec<Command>> {
    add_components()?;
    let mut commands = vec![
        cargo(&["fmt", "--all", "--check"]),
        cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
        cargo_deny(&["licenses", "bans", "sources"])?,
    ];
    commands.extend(super::targets::clippy()?);
    Ok(commands)
}

/// Adds rustfmt and clippy to a minimal toolchain.
pub(super) fn add_components() -> Result<()> {
    let lacks =
        |tool: &str| !cargo(&[tool, "--version"]).output().is_ok_and(|output| output.status.success());
    let missing: Vec<&str> = [("fmt", "rustfmt"), ("clippy", "clippy")]
        .iter()
        .filter(|(tool, _)| lacks(tool))
        .map(|(_, c)| *c)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut rustup = clean_command("rustup", &[]);
    rustup.args(["component", "add"]).args(missing).current_dir(workspace::root());
    process::run(rustup, |line| println!("{line}"))
}

fn advisories() -> Result<Vec<Command>> {
    Ok(vec![cargo_deny(&["advisories"])?])
}

fn unit() -> Result<Vec<Command>> {
    Ok(vec![cargo(&["test", "--quiet", "--workspace", "--no-fail-fast"])])
}

/// cargo in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = clean_command("cargo", &["PYWATS_", "CARGO_TARGET_DIR", "XDG_CACHE_HOME"]);
    command.args(arguments).current_dir(workspace::root());
    command
}

/// `cargo deny check`, by a cargo-deny of a pinned version in the cache.
fn cargo_deny(checks: &[&str]) -> Result<Command> {
    let folder = cargo_deny_folder(&Cache::open()?, &Progress::new())?;
    let mut command = clean_command(folder.join("cargo-deny"), &[]);
    command.args(["--workspace", "check"]).args(checks).current_dir(workspace::root());
    Ok(command)
}

/// Where cargo-deny is.
pub(super) fn cargo_deny_folder(cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    crates::prepare(cache, "cargo-deny", "0.20.2", progress)
}
