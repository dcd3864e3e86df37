//! AppImages: read by those who read squashfs, judged by what desktops and shops judge with, and run where little is
//! allowed.

mod contents;
mod damage;
mod forbidden;
mod runs;

use super::{binaries, delivery};
use crate::bench::Bench;
use crate::command::tool;
use crate::scratch::is_root;
use anyhow::{Context, Result, ensure};
use goblin::elf::Elf;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Judges the AppImage for this machine, and that for the other processor as far as an emulator runs it.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let (this, other) = match std::env::consts::ARCH {
        "aarch64" => ("aarch64", "x86_64"),
        _ => ("x86_64", "aarch64"),
    };
    let file = Subject::find(bench, this)?;
    contents::judge(bench, &file)?;
    runs::judge(bench, &file)?;
    forbidden::judge(bench, &file)?;
    damage::judge(bench, &file)?;
    let file = Subject::find(bench, other)?;
    contents::judge(bench, &file)?;
    runs::judge_emulated(bench, &file)
}

/// An AppImage that is judged.
struct Subject {
    name: String,
    arch: &'static str,
    /// A copy that may be executed, in a folder with a space in its name.
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where the squashfs begins.
    offset: usize,
}

impl Subject {
    fn find(bench: &Bench, arch: &'static str) -> Result<Subject> {
        let artifact = bench.artifact(&format!("-{arch}.AppImage"))?;
        let name = artifact.file_name().context("a file has a name")?.to_string_lossy().into_owned();
        let folder = bench.folder(&name)?.join("a folder");
        fs::create_dir(&folder)?;
        let bytes = fs::read(&artifact)?;
        let path = write_program(&folder.join(&name), &bytes)?;
        let header = Elf::parse(&bytes).with_context(|| format!("{name} is no program"))?.header;
        let offset = header.e_shoff as usize + usize::from(header.e_shentsize) * usize::from(header.e_shnum);
        ensure!(offset < bytes.len(), "{name}: the head of {offset} bytes is all that there is");
        Ok(Subject { name, arch, path, bytes, offset })
    }

    /// What starts it here.
    fn runner(&self) -> Vec<String> {
        if self.arch == std::env::consts::ARCH {
            Vec::new()
        } else {
            vec![format!("qemu-{}-static", self.arch)]
        }
    }

    /// A run of it.
    fn start(&self) -> crate::command::Tool {
        let words = [self.runner(), vec![self.path.to_string_lossy().into_owned()]].concat();
        tool(&words[0], 60).args(&words[1..])
    }
}

/// Writes a file that everybody may execute.
fn write_program(path: &Path, bytes: &[u8]) -> Result<PathBuf> {
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(path.to_owned())
}

/// Everybody may enter these folders: the first, and those up to the one that tests make.
fn open_to_all(folder: &Path) -> Result<()> {
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(std::env::temp_dir())) {
        if folder == std::env::temp_dir() {
            break;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Whether root runs the tests; else the case is not run.
fn as_root(bench: &mut Bench, name: &str) -> Result<bool> {
    if is_root()? {
        return Ok(true);
    }
    bench.not_run(name, "only root can do this; run this as root");
    Ok(false)
}

/// The names of a folder, hidden ones included.
fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names: Vec<String> = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

/// The version that the client prints.
fn version_line() -> Result<String> {
    Ok(format!("pywats-client {}\n", crate::products::recipe()?.version))
}

/// A report goes through a program, which is started by an emulator if need be.
fn deliver(program: &Path, runner: &[String], folder: &Path) -> Result<()> {
    let runner: Vec<&OsStr> = runner.iter().map(OsStr::new).collect();
    delivery::deliver(program, &runner, folder)
}

/// The head is as hardened as the program.
fn judge_head(file: &Subject) -> Result<()> {
    let head = &file.bytes[..file.offset];
    binaries::judge_elf(&Elf::parse(head)?)?;
    binaries::find_paths(head)
}
