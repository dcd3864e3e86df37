//! The Rust standard library of every target.
//!
//! In this order: the compiler has it; `rustup target add` brings it; it is built from its source with
//! the same compiler, into a private sysroot that leaves the user's toolchain as it was. The source is
//! rustup's component `rust-src` or Debian's package of exactly the compiler's version.

use super::debian::Archive;
use super::rust::{Rust, clean_command, std_in};
use super::zig::Zig;
use crate::build::BuildTarget;
use crate::cache::{self, Cache};
use crate::process;
use crate::progress::Progress;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Environment variable: `rustup` or `source` allows only that way to a missing standard library.
const VARIABLE: &str = "PYWATS_BUILD_STD";

/// Bumped when the way of building changes, so that older sysroots are not used.
const RECIPE: u32 = 1;

/// What the standard library was made from, for the record in `artifacts.json`, as far as it is known
/// before anything is brought.
pub(crate) fn origin(rust: &Rust, triple: &str) -> &'static str {
    let from_source = only(Way::Source) || (!rust.has_std(triple) && cache::has(&key(rust, triple)));
    if from_source { "built from source" } else { "as distributed with the compiler" }
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Rustup,
    Source,
}

fn only(way: Way) -> bool {
    let name = if way == Way::Rustup { "rustup" } else { "source" };
    std::env::var(VARIABLE).is_ok_and(|value| value == name)
}

fn key(rust: &Rust, triple: &str) -> String {
    format!("std-{}-{triple}-r{RECIPE}", rust.version)
}

/// Makes sure that every target has a standard library; returns the private sysroots in use.
pub(crate) fn prepare(
    rust: &Rust,
    zig: &Zig,
    targets: &[&'static BuildTarget],
    cache: &Cache,
    progress: &Progress,
) -> Result<Vec<(&'static str, PathBuf)>> {
    let mut missing: Vec<&'static str> = targets.iter().map(|target| target.triple.as_str()).collect();
    if !only(Way::Source) {
        missing.retain(|triple| !rust.has_std(triple) && !cache::has(&key(rust, triple)));
        if !missing.is_empty() {
            match add_with_rustup(&missing, progress) {
                Err(error) if only(Way::Rustup) || process::interrupted() => return Err(error),
                // Without a download the source is the way.
                Ok(()) | Err(_) => {}
            }
        }
        missing = targets.iter().map(|t| t.triple.as_str()).filter(|triple| !rust.has_std(triple)).collect();
    }
    let mut source = None;
    missing
        .into_iter()
        .map(|triple| {
            process::stop_if_interrupted()?;
            let sysroot = cache.entry(&key(rust, triple), |folder| {
                let scratch = tempfile::tempdir_in(cache.scratch("."))?;
                let source = match &source {
                    Some(source) => source,
                    None => source.insert(find_source(rust, cache, progress)?),
                };
                build(rust, zig, source, triple, scratch.path(), folder, progress)
            })?;
            Ok((triple, sysroot))
        })
        .collect()
}

fn add_with_rustup(triples: &[&str], progress: &Progress) -> Result<()> {
    let step = progress.step(format!("rustup target add {}", triples.join(" ")));
    // A machine that cannot reach the download server must not wait for it for long.
    let mut command = clean_command("timeout", &[]);
    command.args(["300", "rustup", "target", "add"]).args(triples).current_dir(crate::workspace::root());
    command.env("RUSTUP_MAX_RETRIES", "1");
    process::run(command, |line| step.note(line))?;
    step.done();
    Ok(())
}

/// The folder `library` of the compiler's own source.
fn find_source(rust: &Rust, cache: &Cache, progress: &Progress) -> Result<PathBuf> {
    let component = rust.sysroot.join("lib/rustlib/src/rust/library");
    if component.join("Cargo.lock").is_file() {
        return Ok(component);
    }
    let entry = cache.entry(&format!("rust-src-{}", rust.version), |folder| {
        let step = progress.step(format!("source of the Rust {} standard library", rust.version));
        download_debian_source(&rust.version, folder, &step).with_context(|| {
            format!(
                "the standard libraries are missing and cannot be had: neither `rustup target add` nor Debian's package rust-src {0} worked. On a machine with internet run `rustup component add rust-src`, or put Rust {0}'s rust-src in place",
                rust.version
            )
        })?;
        step.done();
        Ok(())
    })?;
    Ok(entry.join("library"))
}

/// Brings Debian's `rust-src`.
fn download_debian_source(version: &str, folder: &Path, step: &crate::progress::Step) -> Result<()> {
    let unpacked = tempfile::tempdir()?;
    Archive::open("trixie-backports", step)?.unpack(&[format!("rust-src={version}+*")], unpacked.path())?;
    let library = unpacked.path().join(format!("usr/src/rustc-{version}/library"));
    ensure!(library.join("Cargo.lock").is_file(), "Debian's rust-src has no library/Cargo.lock");
    copy_tree(&library, &folder.join("library"))
}

/// Builds the standard library of `triple` and leaves `lib/rustlib/TRIPLE/lib/*.rlib` in `folder`.
///
/// The result does not depend on any folder's name: every path that reaches the compiler is remapped.
fn build(
    rust: &Rust,
    zig: &Zig,
    source: &Path,
    triple: &str,
    scratch: &Path,
    folder: &Path,
    progress: &Progress,
) -> Result<()> {
    let step = progress.step(format!("standard library for {triple} (from source)"));
    let sysroot = scratch.join("sysroot");
    let library = sysroot.join("lib/rustlib/src/rust/library");
    copy_tree(source, &library)?;
    let wrapper = wrap_rustc(rust, &sysroot)?;
    let krate = scratch.join("empty");
    fs::create_dir(&krate)?;
    fs::write(krate.join("lib.rs"), "")?;
    fs::write(
        krate.join("Cargo.toml"),
        "[package]\nname = \"empty\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n[profile.release]\npanic = \"unwind\"\n",
    )?;
    let cargo_home = scratch.join("cargo");
    let flags = [
        "-Cembed-bitcode=yes".to_owned(),
        format!("--remap-path-prefix={}=/cargo", cargo_home.join("registry/src").display()),
        format!("--remap-path-prefix={}=/rustc/{}/library", library.display(), rust.version),
    ];
    let mut cargo = clean_command("cargo", &[]);
    cargo
        .args([
            "build",
            "--release",
            "-Zbuild-std=std,panic_abort,panic_unwind,test,proc_macro",
            "--target",
            triple,
        ])
        .current_dir(&krate)
        .env("RUSTC", &wrapper)
        .env("RUSTC_BOOTSTRAP", "1")
        // Sources of std's dependencies go where the remapping expects them.
        .env("CARGO_HOME", &cargo_home)
        .env("PATH", zig.path_with_aliases(&scratch.join("tools"))?)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    process::run(cargo, |line| step.note(line.trim()))?;

    let libraries = folder.join("lib/rustlib").join(triple).join("lib");
    fs::create_dir_all(&libraries)?;
    for file in fs::read_dir(krate.join("target").join(triple).join("release/deps"))? {
        let file = file?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(&file, libraries.join(name))?;
        }
    }
    if !std_in(folder, triple) {
        bail!("the build of the standard library for {triple} made no libstd");
    }
    step.done();
    Ok(())
}

/// A rustc that uses `sysroot`, in which only the host's own libraries and the source are.
fn wrap_rustc(rust: &Rust, sysroot: &Path) -> Result<PathBuf> {
    let host =
        rust.identity.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let rustlib = sysroot.join("lib/rustlib");
    fs::create_dir_all(&rustlib)?;
    std::os::unix::fs::symlink(rust.sysroot.join("lib/rustlib").join(host), rustlib.join(host))?;
    let quote = |path: &Path| format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"));
    let rustc = rust.sysroot.join("bin/rustc");
    let wrapper = sysroot.join("rustc");
    let script = format!("#!/bin/sh\nexec {} --sysroot {} \"$@\"\n", quote(&rustc), quote(sysroot));
    fs::write(&wrapper, script)?;
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755))?;
    Ok(wrapper)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).with_context(|| format!("copying to {}", target.display()))?;
        }
    }
    Ok(())
}
