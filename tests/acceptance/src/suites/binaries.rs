//! Looks at the programs in archives and by themselves: hardening, what they need from the system, what they say of
//! themselves, paths and times of the building machine.

mod macos;
mod resources;
pub(super) mod windows;

use crate::bench::Bench;
use crate::command::tool;
use crate::products::workspace;
use anyhow::{Context, Result, bail, ensure};
use goblin::elf::{Elf, dynamic, header, program_header as segment};
use goblin::pe::PE;
use packager::Arch;
use std::path::{Path, PathBuf};

/// Judges the program of every archive.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let archives: Vec<PathBuf> = [".tar.gz", ".zip", ".exe"]
        .iter()
        .flat_map(|suffix| bench.artifacts(suffix).unwrap_or_default())
        // One has no program but those inside the installer; the other has that of another archive.
        .filter(|path| !["-gpo-kit.zip", "-macos-app.zip"].iter().any(|name| path.to_string_lossy().ends_with(name)))
        .collect();
    ensure!(!archives.is_empty(), "there is no .tar.gz, .zip or .exe to judge");
    for archive in archives {
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = bench.folder(&name)?;
        let mut bytes = Vec::new();
        let found = bench.case(&format!("{name}: has a program"), || {
            bytes = std::fs::read(extract(&archive, &folder)?)?;
            Ok(())
        });
        if found {
            bench.case(&format!("{name}: is hardened and self-contained"), || judge(&name, &bytes));
            if is_for_windows(&name) {
                bench.case(&format!("{name}: llvm-readobj finds its processor, and libraries of every Windows"), || {
                    let program = folder.join("program");
                    std::fs::write(&program, &bytes)?;
                    windows::read_by_llvm(&program, arch(&name))
                });
                bench.case(&format!("{name}: has the product's version, icon and manifest"), || {
                    resources::judge(&PE::parse(&bytes)?, &bytes)
                });
            }
            bench.case(&format!("{name}: names no folder of the building machine"), || find_paths(&bytes));
        } else {
            bench.not_run(&format!("{name}: hardening and paths"), "there is no program to look at");
        }
    }
    macos::judge_universal(bench)
}

fn is_for_windows(name: &str) -> bool {
    name.contains("-windows") || name.ends_with(".exe")
}

/// The processor in the name of a file.
fn arch(name: &str) -> Arch {
    if name.contains("aarch64") { Arch::Aarch64 } else { Arch::X86_64 }
}

/// LLVM's program of that name: Debian has them in a folder for each version.
fn llvm(name: &str) -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    folders.map(|entry| entry.path().join("bin").join(name)).find(|file| file.is_file())
}

/// Unpacks an archive and finds the program at its top; or the program is the artifact itself.
fn extract(archive: &Path, folder: &Path) -> Result<PathBuf> {
    if archive.extension().is_some_and(|extension| extension == "exe") {
        return Ok(archive.to_owned());
    }
    if archive.extension().is_some_and(|extension| extension == "zip") {
        tool("unzip", 60).arg("-q").arg(archive).arg("-d").arg(folder).run()?;
    } else {
        let unpack = tool("tar", 60).args(["--extract", "--strip-components=1", "--file"]);
        unpack.arg(archive).arg("-C").arg(folder).run()?;
    }
    let candidates = ["pywats-client", "pywats-client.exe"].map(|name| folder.join(name));
    candidates.into_iter().find(|path| path.is_file()).context("there is no program in the archive")
}

fn judge(name: &str, bytes: &[u8]) -> Result<()> {
    match name {
        _ if name.contains("-linux") => judge_elf(&Elf::parse(bytes)?),
        _ if is_for_windows(name) => windows::judge(&PE::parse(bytes)?, arch(name)),
        _ if name.contains("-apple-darwin") => macos::judge(bytes),
        _ => bail!("which system {name} is for cannot be told from its name"),
    }
}

/// A static, position-independent program with full RELRO, without executable stack or writable code.
pub(super) fn judge_elf(elf: &Elf<'_>) -> Result<()> {
    ensure!(elf.header.e_type == header::ET_DYN, "it is not position independent");
    ensure!(elf.interpreter.is_none(), "it needs the loader {:?}", elf.interpreter);
    ensure!(elf.libraries.is_empty(), "it needs the libraries {:?}", elf.libraries);
    ensure!(elf.rpaths.is_empty() && elf.runpaths.is_empty(), "it has a run path");
    let flag = |tag, bit| {
        let entries = elf.dynamic.iter().flat_map(|dynamic| &dynamic.dyns);
        entries.into_iter().any(|entry| entry.d_tag == tag && entry.d_val & bit != 0)
    };
    ensure!(
        flag(dynamic::DT_FLAGS_1, dynamic::DF_1_PIE),
        "it is not marked as a position-independent program"
    );
    ensure!(flag(dynamic::DT_FLAGS, dynamic::DF_BIND_NOW), "its relocations stay writable (no BIND_NOW)");
    let segments = |kind| elf.program_headers.iter().filter(move |header| header.p_type == kind);
    ensure!(segments(segment::PT_GNU_RELRO).count() == 1, "it has no RELRO segment");
    ensure!(
        segments(segment::PT_GNU_STACK).count() == 1
            && segments(segment::PT_GNU_STACK).all(|header| !header.is_executable()),
        "its stack is executable"
    );
    let both = |header: &&segment::ProgramHeader| header.is_executable() && header.is_write();
    ensure!(!elf.program_headers.iter().any(|header| both(&header)), "a segment is writable and executable");
    ensure!(elf.syms.is_empty(), "it has a symbol table");
    Ok(())
}

/// Looks for the folders of this machine and for those that any building machine might have.
pub(super) fn find_paths(bytes: &[u8]) -> Result<()> {
    let own = ["HOME", "CARGO_HOME", "RUSTUP_HOME", "PYWATS_BUILD_CACHE", "XDG_CACHE_HOME"];
    let mut folders: Vec<String> = own.iter().filter_map(|name| std::env::var(name).ok()).collect();
    folders.push(workspace().to_string_lossy().into_owned());
    folders.retain(|folder| folder.len() > 4);
    folders.extend(["/root/", "/home/", ".cargo/registry", ".rustup"].map(String::from));
    for folder in &folders {
        let at = bytes.windows(folder.len()).position(|window| window == folder.as_bytes());
        if let Some(at) = at {
            let text = String::from_utf8_lossy(&bytes[at.saturating_sub(20)..(at + 100).min(bytes.len())]);
            bail!("it contains {folder}: …{}…", text.escape_debug());
        }
    }
    Ok(())
}
