//! What the suites need from the machine, and the Debian packages that bring it.

use super::suites::{self, Suite};
use crate::process;
use crate::toolchain::rust::clean_command;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// OpenSSL's way to PKCS#11: no program, but needed like one.
const PKCS11_ENGINE: &str = if cfg!(target_arch = "aarch64") {
    "/usr/lib/aarch64-linux-gnu/engines-3/pkcs11.so"
} else {
    "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so"
};

/// A program, or a file with its whole path, and the Debian package that has it; of programs with a `|` between them,
/// any one does.
const PROGRAMS: &[(&str, &str)] = &[
    // Not a program: the font of the dialogs, with the widths that it has on Windows.
    ("/usr/share/wine/fonts/tahoma.ttf", "fonts-wine"),
    // What tells pip which version is the newer one.
    ("/usr/lib/python3/dist-packages/packaging/version.py", "python3-packaging"),
    (PKCS11_ENGINE, "libengine-pkcs11-openssl"),
    // Debian has LLVM's programs in a folder for each version.
    ("/usr/lib/llvm-*/bin/llvm-lipo", "llvm"),
    ("/usr/lib/llvm-*/bin/llvm-readobj", "llvm"),
    ("7z", "p7zip-full"),
    ("apt-get", "apt"),
    ("appstreamcli", "appstream"),
    ("ar", "binutils"),
    ("bsdtar", "libarchive-tools"),
    ("cabextract", "cabextract"),
    ("chromium-headless-shell|chromium|google-chrome", "chromium-headless-shell"),
    ("chroot", "coreutils"),
    ("convert", "imagemagick"),
    ("cpio", "cpio"),
    ("createrepo_c", "createrepo-c"),
    ("curl", "curl"),
    ("dash", "dash"),
    ("dd", "coreutils"),
    ("desktop-file-validate", "desktop-file-utils"),
    ("dmg2img", "dmg2img"),
    ("dnf", "dnf"),
    ("docker-registry", "docker-registry"),
    ("dpkg-deb", "dpkg"),
    ("e2fsck", "e2fsprogs"),
    ("fish", "fish"),
    ("fls", "sleuthkit"),
    ("gpg", "gnupg"),
    ("gpgconf", "gpgconf"),
    ("gpgv", "gpgv"),
    ("groff", "groff-base"),
    ("gzip", "gzip"),
    ("identify", "imagemagick"),
    ("import", "imagemagick"),
    ("lintian", "lintian"),
    ("mandoc", "mandoc"),
    ("mke2fs", "e2fsprogs"),
    ("mmdebstrap", "mmdebstrap"),
    ("mount", "mount"),
    ("msiextract", "msitools"),
    ("msiinfo", "msitools"),
    ("newuidmap", "uidmap"),
    ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("osslsigncode", "osslsigncode"),
    ("pkcs11-tool", "opensc"),
    ("podman", "podman"),
    ("ps", "procps"),
    ("python3", "python3"),
    ("qcowinfo", "libqcow-utils"),
    ("qemu-aarch64-static", "qemu-user-static"),
    ("qemu-img", "qemu-utils"),
    ("rdsquashfs", "squashfs-tools-ng"),
    ("rpm", "rpm"),
    ("rpm2cpio", "rpm2cpio"),
    ("rpmbuild", "rpm"),
    ("rpmkeys", "rpm"),
    ("rpmlint", "rpmlint"),
    ("ruby", "ruby"),
    ("runc", "runc"),
    ("seinfo", "setools"),
    ("sesearch", "setools"),
    ("setpriv", "util-linux"),
    ("sfdisk", "fdisk"),
    ("sftp", "openssh-client"),
    ("sgdisk", "gdisk"),
    ("sha256sum", "coreutils"),
    ("shellcheck", "shellcheck"),
    ("skopeo", "skopeo"),
    ("softhsm2-util", "softhsm2"),
    ("sqv", "sqv"),
    ("ssh", "openssh-client"),
    ("ssh-agent", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("strace", "strace"),
    ("systemd-analyze", "systemd"),
    ("systemd-nspawn", "systemd-container"),
    ("tar", "tar"),
    ("umoci", "umoci"),
    ("unshare", "util-linux"),
    ("unsquashfs", "squashfs-tools"),
    ("unzip", "unzip"),
    ("vhdiinfo", "libvhdi-utils"),
    ("vmdkinfo", "libvmdk-utils"),
    ("wine", "wine"),
    ("wineboot", "wine"),
    ("wineserver", "wine"),
    ("Xvfb", "xvfb"),
    ("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64-win32"),
    ("xz", "xz-utils"),
    ("zipinfo", "unzip"),
    ("zsh", "zsh"),
    ("zstd", "zstd"),
];

/// Makes sure that the programs of these suites are there; returns what is still missing, by suite.
///
/// As root, or with `install`, missing packages are installed.
pub(crate) fn provide(suites: &[&'static Suite], install: bool) -> Result<Vec<(&'static str, String)>> {
    if missing(suites)?.is_empty() {
        return Ok(Vec::new());
    }
    let packages: BTreeSet<&str> = missing(suites)?.into_iter().map(|(_, _, package)| package).collect();
    let packages: Vec<&str> = packages.into_iter().collect();
    let command_line = format!("apt-get install --yes --no-install-recommends {}", packages.join(" "));
    let root = rustix::process::geteuid().is_root();
    if install && !root {
        bail!("--install needs root; as root run:\n    {command_line}");
    }
    if root && find("apt-get").is_some() {
        println!("installing what the tests need: {}", packages.join(" "));
        install_packages(&packages).with_context(|| format!("`{command_line}` failed"))?;
    } else {
        println!("the tests need programs that are missing; as root run:\n    {command_line}");
    }
    let still = missing(suites)?;
    Ok(still
        .into_iter()
        .map(|(suite, program, package)| (suite, format!("{program} (Debian: {package})")))
        .collect())
}

/// Makes sure that the programs of one suite are there, for a verb that runs it.
///
/// # Errors
/// If some are missing.
pub(crate) fn provide_for(name: &str) -> Result<()> {
    let missing = provide(&suites::choose(&[name.to_owned()], &[], false)?, false)?;
    let missing: Vec<String> = missing.into_iter().map(|(_, what)| what).collect();
    ensure!(missing.is_empty(), "missing: {}", missing.join(", "));
    Ok(())
}

/// Every program that some suite needs, by name, without those of which any one does: browsers, which are large, and
/// on most machines already.
pub(crate) fn programs() -> Vec<&'static str> {
    PROGRAMS.iter().map(|(name, _)| *name).filter(|name| !name.contains(['/', '|'])).collect()
}

/// The Debian package that has a program.
pub(crate) fn package_of(program: &str) -> Option<&'static str> {
    PROGRAMS.iter().find(|(name, _)| *name == program).map(|(_, package)| *package)
}

/// Suite, program and package of everything that is missing.
fn missing(suites: &[&'static Suite]) -> Result<Vec<(&'static str, &'static str, &'static str)>> {
    let mut missing = Vec::new();
    for suite in suites {
        for program in &suite.needs {
            if find(program).is_none() {
                let package =
                    package_of(program).with_context(|| format!("no package is known for {program}"))?;
                missing.push((suite.name.as_str(), program.as_str(), package));
            }
        }
    }
    Ok(missing)
}

/// Looks for a program as a shell does, and where administrators' programs are.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('|') {
        return program.split('|').find_map(find);
    }
    if let Some((before, after)) = program.split_once('*') {
        return find_in_any(Path::new(before), after);
    }
    if program.starts_with('/') {
        return Path::new(program).exists().then(|| program.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// A file `after` in one of the folders whose names begin as `before` does.
fn find_in_any(before: &Path, after: &str) -> Option<PathBuf> {
    let start = before.file_name()?.to_string_lossy().into_owned();
    let folders = fs::read_dir(before.parent()?).into_iter().flatten().flatten();
    let fitting = folders.filter(|folder| folder.file_name().to_string_lossy().starts_with(&start));
    fitting.map(|folder| folder.path().join(after.trim_start_matches('/'))).find(|file| file.is_file())
}

fn install_packages(packages: &[&str]) -> Result<()> {
    let apt = |arguments: &[&str]| {
        let mut command = clean_command("apt-get", &[]);
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["--quiet", "--option=Acquire::Retries=3"]);
        command.args(arguments);
        process::run(command, |line| {
            if line.starts_with("Setting up") || line.starts_with("E:") {
                println!("{line}");
            }
        })
    };
    // A mirror that is being synchronised may fail for one of its suites: the lists of the others are as good, or those
    // that are there. What cannot be installed from them fails below.
    let updated = apt(&["update"]);
    let install = ["install", "--yes", "--no-install-recommends"];
    apt(&[&install, packages].concat()).map_err(|error| match updated {
        Ok(()) => error,
        Err(update) => error.context(format!("and before, {update:#}")),
    })
}
