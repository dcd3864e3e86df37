//! Builds the client for one target: hardened, without paths of this machine, the same bits everywhere.

use crate::process;
use crate::progress::Progress;
use crate::toolchain::Toolchain;
use crate::toolchain::rust::{Rust, clean_command};
use crate::toolchain::{std as std_library, zig};
use crate::workspace;
use anyhow::{Context, Result, ensure};
use packager::Target;
use packager::digest::Inputs;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A target that the client is built for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildTarget {
    /// What rustc calls it.
    pub(crate) triple: String,
    rustflags: Vec<String>,
}

/// `targets.toml`, which the flake reads, too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    /// The oldest macOS that the programs run on.
    macos_version: String,
    target: Vec<BuildTarget>,
}

/// The file as it was when this program was compiled: `cargo xtask` compiles it again when it changes.
static TARGETS: LazyLock<Targets> =
    LazyLock::new(|| toml::from_str(include_str!("../../targets.toml")).expect("a test reads targets.toml"));

/// Every target, in the order in which they are built.
pub(crate) fn targets() -> &'static [BuildTarget] {
    &TARGETS.target
}

/// The target of that triple.
///
/// # Errors
/// If there is none; the error lists those there are.
pub(crate) fn target(triple: &str) -> Result<&'static BuildTarget> {
    let triples = || targets().iter().map(|target| target.triple.as_str()).collect::<Vec<_>>().join(", ");
    let found = targets().iter().find(|target| target.triple == triple);
    found.with_context(|| format!("targets.toml has no target {triple:?}: use {}", triples()))
}

/// The workspace's files that decide what the client is.
const SOURCES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "rust-toolchain.toml",
    "crates/wats/Cargo.toml",
    "crates/wats/src",
    "crates/wats-settings/Cargo.toml",
    "crates/wats-settings/src",
    "crates/pywats-client/Cargo.toml",
    "crates/pywats-client/build.rs",
    "crates/pywats-client/src",
    // What the build script gives a program for Windows.
    "crates/product-version/Cargo.toml",
    "crates/product-version/src",
    "crates/windows-resources/Cargo.toml",
    "crates/windows-resources/src",
    "packaging/windows/pywats-client.ico",
    "packaging/windows/pywats-client.manifest",
];

/// Those that decide what the installer's actions are, which are built for Windows only.
const ACTIONS_SOURCES: &[&str] = &["crates/installer-actions/Cargo.toml", "crates/installer-actions/src"];

/// The name of package and program.
const CLIENT: &str = "pywats-client";
/// The package of the installer's actions, whose DLL lies beside the program.
const ACTIONS: &str = "installer-actions";

impl BuildTarget {
    /// Whether the installer's actions are built with the program.
    fn has_actions(&self) -> bool {
        self.triple.contains("-windows-")
    }

    /// The same target in the packager's terms.
    pub(crate) fn packaged(&self) -> Result<Target> {
        Ok(self.triple.parse()?)
    }

    /// What the program is made with, for the record.
    pub(crate) fn toolchain(&self, rust: &Rust) -> String {
        format!(
            "rustc {}, std {}, zig {}, cargo-zigbuild {}",
            rust.version,
            std_library::origin(rust, &self.triple),
            zig::VERSION,
            zig::ZIGBUILD_VERSION
        )
    }

    /// A digest of everything that decides the program's bits.
    pub(crate) fn inputs(&self, rust: &Rust, epoch: u32) -> Result<String> {
        let inputs = Inputs::default()
            .value("target", &self.triple)
            .value("rustflags", &self.rustflags.join(" "))
            .value("recipe", include_str!("build.rs"))
            .value("rustc", &rust.identity)
            .value("toolchain", &self.toolchain(rust))
            .value("epoch", &epoch.to_string());
        let actions = if self.has_actions() { ACTIONS_SOURCES } else { &[] };
        let mut sources = SOURCES.iter().chain(actions);
        let inputs = sources.try_fold(inputs, |inputs, path| inputs.tree(workspace::root(), path))?;
        Ok(inputs.finish())
    }
}

/// Downloads the sources of all dependencies, once for all targets.
pub(crate) fn fetch(progress: &Progress) -> Result<()> {
    let step = progress.step("sources of the dependencies");
    let mut cargo = clean_command("cargo", &[]);
    cargo.args(["fetch", "--locked"]).current_dir(workspace::root());
    process::run(cargo, |line| step.note(line.trim())).context("the crates registry is needed once")?;
    step.done();
    Ok(())
}

/// Builds the client and returns its path.
///
/// # Errors
/// If it does not compile; with the end of the compiler's output.
pub(crate) fn client(
    target: &BuildTarget,
    toolchain: &Toolchain,
    epoch: u32,
    jobs: usize,
    progress: &Progress,
) -> Result<PathBuf> {
    let step = progress.step(format!("client for {}", target.triple));
    let target_dir = target_dir(target);
    fs::create_dir_all(&target_dir)?;
    let remaps = remaps(&toolchain.rust)?;
    let aliases = target_dir.join("tools");
    let mut cargo = clean_command(toolchain.zig.zigbuild(), &[]);
    cargo
        .args(["zigbuild", "--release", "--locked", "--offline", "--package", CLIENT, "--bin", CLIENT])
        .args(["--target", &target.triple, "--jobs", &jobs.to_string()])
        .args(if target.has_actions() { &["--package", ACTIONS, "--lib"][..] } else { &[] })
        .current_dir(workspace::root())
        .env("CARGO_TARGET_DIR", &target_dir)
        // Encoded, because folder names may contain spaces.
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags(target, toolchain, &remaps).join("\x1f"))
        .env("CC_SHELL_ESCAPED_FLAGS", "1")
        .env("CFLAGS", cflags(&remaps)?)
        .env("PATH", toolchain.zig.path_with_aliases(&aliases)?)
        .env("CARGO_ZIGBUILD_ZIG_PATH", toolchain.zig.program())
        .env("CARGO_ZIGBUILD_CACHE_DIR", target_dir.join("zigbuild"))
        .env("ZIG_GLOBAL_CACHE_DIR", &toolchain.zig_cache)
        // rustc strips with a tool of its own that needs its own libraries.
        .env("LD_LIBRARY_PATH", toolchain.rust.sysroot.join("lib"))
        .env("MACOSX_DEPLOYMENT_TARGET", &TARGETS.macos_version)
        .env("SOURCE_DATE_EPOCH", epoch.to_string());
    let mut compiled = 0;
    process::run(cargo, |line| {
        if let Some(name) = line.trim().strip_prefix("Compiling ") {
            compiled += 1;
            step.note(&format!("{compiled} crates, {name}"));
        }
    })?;
    step.done();
    program(target)
}

/// Each target is built in a folder of its own: builds that share one wait for each other, and the end of
/// each, which optimises the whole program, keeps only one processor busy.
fn target_dir(target: &BuildTarget) -> PathBuf {
    workspace::target("dist").join(&target.triple)
}

/// The program that an earlier build left.
pub(crate) fn program(target: &BuildTarget) -> Result<PathBuf> {
    let name = format!("{CLIENT}{}", target.packaged()?.os.exe_suffix());
    let path = target_dir(target).join(&target.triple).join("release").join(name);
    ensure!(path.is_file(), "the build left no program {}", path.display());
    Ok(path)
}

/// Folders of this machine, and what the programs say instead.
fn remaps(rust: &Rust) -> Result<Vec<(PathBuf, &'static str)>> {
    let mut remaps = vec![(workspace::root().to_owned(), "/src")];
    // One for each registry, so that its name (a mirror's, perhaps) does not show either.
    let registries = rust.cargo_home.join("registry/src");
    let folders = fs::read_dir(&registries).with_context(|| format!("reading {}", registries.display()))?;
    let mut folders: Vec<PathBuf> = folders.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    folders.sort();
    remaps.extend(folders.into_iter().map(|folder| (folder, "/cargo")));
    Ok(remaps)
}

fn rustflags(target: &BuildTarget, toolchain: &Toolchain, remaps: &[(PathBuf, &str)]) -> Vec<String> {
    let mut flags = target.rustflags.clone();
    flags.extend(remaps.iter().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())));
    if let Some((_, sysroot)) = toolchain.sysroots.iter().find(|(triple, _)| *triple == target.triple) {
        flags.push(format!("--sysroot={}", sysroot.display()));
    }
    flags
}

/// The same remapping for C code, quoted for a shell.
fn cflags(remaps: &[(PathBuf, &str)]) -> Result<String> {
    let quote = |path: &Path| -> Result<String> {
        let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        Ok(text.replace('\'', r"'\''"))
    };
    let flags = remaps.iter().map(|(from, to)| Ok(format!("'-ffile-prefix-map={}={to}'", quote(from)?)));
    Ok(flags.collect::<Result<Vec<_>>>()?.join(" "))
}
