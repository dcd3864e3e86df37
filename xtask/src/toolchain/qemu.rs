//! QEMU: Debian's, unpacked into the cache, so that every machine has the same one and none has to install it; or else
//! the one that is installed.

use super::debian::{self, Archive};
use crate::cache;
use crate::progress::Progress;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// The Debian release whose QEMU is taken.
const SUITE: &str = "trixie";

/// Its packages for guests with a processor, and the program.
const SYSTEMS: &[(&str, &str, &str)] = &[
    ("x86_64", "qemu-system-x86", "qemu-system-x86_64"),
    ("aarch64", "qemu-system-arm", "qemu-system-aarch64"),
];

/// A QEMU that can be started.
pub(crate) struct Qemu {
    /// What runs a guest, with the arguments that this installation needs.
    pub(crate) system: Vec<String>,
    /// What its environment must have besides.
    pub(crate) environment: Vec<(String, String)>,
    /// What makes disks.
    pub(crate) img: PathBuf,
    /// Tells this QEMU from others: the memory of a guest is for the same one.
    pub(crate) identity: String,
}

/// Returns a QEMU for guests with a processor.
///
/// # Errors
/// If Debian's cannot be had and none is installed.
pub(crate) fn prepare(architecture: &str, progress: &Progress) -> Result<Qemu> {
    let (_, package, program) =
        SYSTEMS.iter().find(|(name, ..)| *name == architecture).with_context(|| {
            format!("guests with the processor {architecture} are not known to xtask/src/toolchain/qemu.rs")
        })?;
    if debian::mirror().is_err() {
        return installed(program);
    }
    let key = format!("qemu-{SUITE}-{architecture}-{}", std::env::consts::ARCH);
    let folder = cache::entry(&key, |folder| {
        let step = progress.step(format!("QEMU for {architecture}, of Debian {SUITE}"));
        let unpacked = folder.join("root");
        fs::create_dir(&unpacked)?;
        let archive = Archive::open(SUITE, &step)?;
        let mut packages = archive.with_dependencies(package)?;
        packages.extend(archive.with_dependencies("qemu-utils")?);
        packages.sort();
        packages.dedup();
        archive.unpack(&packages, &unpacked)?;
        for name in ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/perl"] {
            if unpacked.join(name).exists() {
                fs::remove_dir_all(unpacked.join(name))?;
            }
        }
        for name in [program, "qemu-img"] {
            debian::write_launcher(folder, &format!("usr/bin/{name}"))?;
        }
        step.done();
        Ok(())
    })?;
    let root = |path: &str| folder.join("root").join(path).to_string_lossy().into_owned();
    let mut system = vec![folder.join(program).to_string_lossy().into_owned()];
    for data in ["usr/share/qemu", "usr/share/seabios"] {
        system.extend(["-L".to_owned(), root(data)]);
    }
    let modules = root(&format!("usr/lib/{}-linux-gnu/qemu", std::env::consts::ARCH));
    Ok(Qemu {
        system,
        environment: vec![("QEMU_MODULE_DIR".to_owned(), modules)],
        img: folder.join("qemu-img"),
        identity: identity(&folder)?,
    })
}

/// Returns the program that runs programs for another processor, one that needs no library.
///
/// # Errors
/// If Debian's cannot be had.
pub(crate) fn user(architecture: &str, progress: &Progress) -> Result<PathBuf> {
    let name = format!("qemu-{architecture}");
    let key = format!("{name}-user-{SUITE}-{}", std::env::consts::ARCH);
    let folder = cache::entry(&key, |folder| {
        let step = progress.step(format!("QEMU for programs of {architecture}, of Debian {SUITE}"));
        let unpacked = tempfile::tempdir_in(folder)?;
        Archive::open(SUITE, &step)?.unpack(&["qemu-user"], unpacked.path())?;
        let program = unpacked.path().join("usr/bin").join(&name);
        fs::copy(&program, folder.join(&name)).with_context(|| format!("copying {}", program.display()))?;
        step.done();
        Ok(())
    })?;
    Ok(folder.join(name))
}

/// Returns a firmware that starts only what Microsoft has signed, of Debian: its code, and what it remembers at first. Where
/// Debian's cannot be had, it is that of this machine.
///
/// # Errors
/// If Debian's cannot be had and none is installed.
pub(crate) fn secure_boot(progress: &Progress) -> Result<[PathBuf; 2]> {
    let names = ["usr/share/OVMF/OVMF_CODE_4M.ms.fd", "usr/share/OVMF/OVMF_VARS_4M.ms.fd"];
    if debian::mirror().is_err() {
        let installed = names.map(|name| Path::new("/").join(name));
        ensure!(
            installed.iter().all(|file| file.is_file()),
            "{} is not there, and this machine's apt has no Debian archive to take it from; install OVMF",
            installed[0].display()
        );
        return Ok(installed);
    }
    let folder = cache::entry(&format!("ovmf-{SUITE}"), |folder| {
        let step = progress.step(format!("UEFI of Debian {SUITE}"));
        let unpacked = tempfile::tempdir_in(folder)?;
        Archive::open(SUITE, &step)?.unpack(&["ovmf"], unpacked.path())?;
        for name in names {
            let file = unpacked.path().join(name);
            let name = file.file_name().context("a file has a name")?;
            fs::copy(&file, folder.join(name)).with_context(|| format!("copying {}", file.display()))?;
        }
        step.done();
        Ok(())
    })?;
    Ok(names.map(|name| folder.join(name.rsplit('/').next().unwrap_or(name))))
}

/// The list of an entry of the cache says which bits it has.
fn identity(folder: &Path) -> Result<String> {
    packager::digest::sha256_file(&folder.join(cache::MANIFEST))
}

/// The QEMU of this machine.
fn installed(program: &str) -> Result<Qemu> {
    let version = |program: &str| {
        let output = super::rust::clean_command(program, &[]).arg("--version").output();
        let output = output.ok().filter(|output| output.status.success());
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.with_context(|| format!("{program} is not installed, and this machine's apt has no Debian archive to take it from; install QEMU"))
    };
    version("qemu-img")?;
    let identity = version(program)?;
    ensure!(!identity.is_empty(), "{program} does not say its version");
    Ok(Qemu { system: vec![program.to_owned()], environment: Vec::new(), img: "qemu-img".into(), identity })
}
