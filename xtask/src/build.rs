//! Builds the programs for all targets: hardened, without paths of this machine, the same bits everywhere.
//!
//! Targets that have the same programs and the same flags are built by one run of cargo, and all runs share
//! one folder: what runs on this machine while programs are compiled (macros, build scripts) is compiled once.
//! cargo adds up the features that the targets of one run want; a target whose programs would change by that
//! gets a run of its own, so that a program is the same bits whichever others are built with it.

use crate::inputs::{self, Sources};
use crate::process::{self, stop_if_interrupted};
use crate::progress::{Progress, Step};
use crate::toolchain::Toolchain;
use crate::toolchain::rust::{Rust, clean_command};
use crate::toolchain::{std as std_library, zig};
use crate::workspace;
use anyhow::{Context, Result, anyhow, ensure};
use packager::digest::Inputs;
use packager::rows::{ProgramKind, ProgramRow};
use packager::{Os, Rows, Target};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A target that the programs are built for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuildTarget {
    /// What rustc calls it.
    pub(crate) triple: String,
    rustflags: Vec<String>,
    /// Settings of cargo's profile, as cargo's environment variables.
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// `targets.toml`, which the flake reads, too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Targets {
    /// The oldest macOS that the programs run on.
    macos_version: String,
    target: Vec<BuildTarget>,
}

/// `targets.toml` of the checkout that is worked on, or why it cannot be read.
static TARGETS: LazyLock<Result<Targets, String>> = LazyLock::new(|| {
    let path = workspace::root().join("targets.toml");
    let text = fs::read_to_string(&path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("in {}: {error}", path.display()))
});

/// The same of `artifacts.toml`.
static ROWS: LazyLock<Result<Rows, String>> = LazyLock::new(|| {
    Rows::load(&workspace::root().join("artifacts.toml")).map_err(|error| format!("{error:#}"))
});

/// What a table says.
fn read<T>(table: &'static LazyLock<Result<T, String>>) -> Result<&'static T> {
    table.as_ref().map_err(|error| anyhow!("{error}"))
}

/// Every target, in the order in which they are built.
///
/// # Errors
/// If `targets.toml` cannot be read.
pub(crate) fn targets() -> Result<&'static [BuildTarget]> {
    Ok(&read(&TARGETS)?.target)
}

/// The target of that triple.
///
/// # Errors
/// If there is none; the error lists those there are.
pub(crate) fn target(triple: &str) -> Result<&'static BuildTarget> {
    let targets = targets()?;
    let triples = || targets.iter().map(|target| target.triple.as_str()).collect::<Vec<_>>().join(", ");
    let found = targets.iter().find(|target| target.triple == triple);
    found.with_context(|| format!("targets.toml has no target {triple:?}: use {}", triples()))
}

impl BuildTarget {
    /// The packages that are compiled for this target.
    fn programs(&self) -> Result<Vec<&'static ProgramRow>> {
        Ok(read(&ROWS)?.programs(self.packaged()?.os).collect())
    }

    fn packages(&self) -> Result<Vec<&'static str>> {
        Ok(self.programs()?.iter().map(|program| program.package.as_str()).collect())
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

    /// A digest of everything that decides the programs' bits.
    ///
    /// # Errors
    /// If cargo fails or a source cannot be read.
    pub(crate) fn inputs(&self, sources: &Sources, rust: &Rust, epoch: u32) -> Result<String> {
        let inputs = Inputs::default()
            .value("recipe", &recipe(&[self], &Places::named(), epoch)?.to_string())
            .value("settings", &inputs::settings()?)
            .value("rustc", &rust.identity)
            .value("toolchain", &self.toolchain(rust));
        let closure = sources.closure(&self.packages()?, &[&self.triple])?;
        Ok(sources.add_to(inputs, &closure)?.finish())
    }
}

/// Builds the programs of some targets. `ready` gets the path of each target's program as soon as all its
/// programs are there, while others are still being built, or what went wrong.
///
/// # Errors
/// If a program was compiled from a file that [`BuildTarget::inputs`] does not count.
pub(crate) fn programs(
    targets: &[&'static BuildTarget],
    toolchain: &Toolchain,
    sources: &Sources,
    epoch: u32,
    jobs: usize,
    progress: &Progress,
    ready: &dyn Fn(&'static BuildTarget, Result<PathBuf>),
) -> Result<()> {
    let mut counted = Ok(());
    for group in groups(targets, sources)? {
        stop_if_interrupted()?;
        let mut building: Vec<_> =
            group.iter().map(|target| Building::new(target, progress)).collect::<Result<_>>()?;
        let built = run(&group, toolchain, epoch, jobs, |line| {
            for target in &mut building {
                if target.sees(line) {
                    ready(target.target, program(target.target));
                }
            }
        });
        let unfinished = building.iter().filter(|target| target.step.is_some());
        for target in unfinished {
            let error =
                built.as_ref().err().map_or(anyhow!("cargo made no program"), |error| anyhow!("{error:#}"));
            ready(target.target, Err(error));
        }
        if built.is_ok() {
            // What was built is right, and so is what comes next: only the digest says too little.
            counted = counted.and(group.iter().try_for_each(|target| check_inputs(target, sources)));
        }
    }
    counted
}

/// Targets that one run of cargo can build: those with the same packages and flags, unless they would give
/// each other features.
fn groups(targets: &[&'static BuildTarget], sources: &Sources) -> Result<Vec<Vec<&'static BuildTarget>>> {
    let mut groups: Vec<Vec<&'static BuildTarget>> = Vec::new();
    for &target in targets {
        let mut fitting = None;
        for group in &mut groups {
            if fits(target, group, sources)? {
                fitting = Some(group);
                break;
            }
        }
        match fitting {
            Some(group) => group.push(target),
            None => groups.push(vec![target]),
        }
    }
    Ok(groups)
}

fn fits(target: &'static BuildTarget, group: &[&'static BuildTarget], sources: &Sources) -> Result<bool> {
    let packages = target.packages()?;
    let is_alike = group[0].rustflags == target.rustflags && group[0].env == target.env;
    if !is_alike || group[0].packages()? != packages {
        return Ok(false);
    }
    let all: Vec<_> = group.iter().chain([&target]).map(|target| target.triple.as_str()).collect();
    let together = sources.closure(&packages, &all)?;
    for triple in &all {
        if !sources.closure(&packages, &[triple])?.is_part_of(&together) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A target that cargo is building.
struct Building {
    target: &'static BuildTarget,
    /// The programs that are not there yet: what cargo calls them, and their kind.
    missing: Vec<(String, &'static str)>,
    compiled: usize,
    /// Until the last one is there.
    step: Option<Step>,
}

/// What cargo says of a crate that it has compiled, or found compiled.
#[derive(Deserialize)]
struct Message {
    target: MessageTarget,
    filenames: Vec<PathBuf>,
    fresh: bool,
}

#[derive(Deserialize)]
struct MessageTarget {
    name: String,
    kind: Vec<String>,
}

impl Building {
    fn new(target: &'static BuildTarget, progress: &Progress) -> Result<Building> {
        let missing = target.programs()?.into_iter().map(|program| match program.kind {
            ProgramKind::Program | ProgramKind::Runtime => (program.package.clone(), "bin"),
            ProgramKind::Actions => (program.package.replace('-', "_"), "cdylib"),
        });
        let step = progress.step(format!("client for {}", target.triple));
        Ok(Building { target, missing: missing.collect(), compiled: 0, step: Some(step) })
    }

    /// Takes a line that cargo prints; whether it says that the target's last program is there.
    fn sees(&mut self, line: &str) -> bool {
        let Some(step) = &self.step else { return false };
        let is_message = line.starts_with(process::MESSAGE) && line.contains("\"compiler-artifact\"");
        let Some(message) = is_message.then(|| serde_json::from_str::<Message>(line).ok()).flatten() else {
            return false;
        };
        // What runs on this machine lies elsewhere.
        let folder = target_dir().join(&self.target.triple);
        if !message.filenames.iter().any(|file| file.starts_with(&folder)) {
            return false;
        }
        if !message.fresh {
            self.compiled += 1;
            step.note(&format!("{} crates, {}", self.compiled, message.target.name));
        }
        self.missing.retain(|(name, kind)| {
            *name != message.target.name || !message.target.kind.iter().any(|other| other == kind)
        });
        if !self.missing.is_empty() {
            return false;
        }
        self.step.take().map(Step::done).is_some()
    }
}

/// Runs cargo for targets that it can build together.
fn run(
    group: &[&'static BuildTarget],
    toolchain: &Toolchain,
    epoch: u32,
    jobs: usize,
    watch: impl FnMut(&str),
) -> Result<()> {
    let folder = target_dir();
    fs::create_dir_all(&folder)?;
    let places = Places::of(toolchain, group)?;
    let recipe = recipe(group, &places, epoch)?;
    let mut cargo = clean_command(toolchain.zig.zigbuild(), &[]);
    cargo
        .args(recipe.arguments)
        .args(["--jobs", &jobs.to_string()])
        .current_dir(workspace::root())
        .envs(recipe.environment)
        .env("PATH", toolchain.zig.path_with_aliases(&folder.join("tools"))?);
    process::run(cargo, watch)
}

/// All targets are built in one folder.
fn target_dir() -> PathBuf {
    workspace::target("programs")
}

/// Where cargo leaves the programs for a target.
pub(crate) fn released(target: &BuildTarget) -> PathBuf {
    target_dir().join(&target.triple).join("release")
}

/// The program that an earlier build left.
fn program(target: &BuildTarget) -> Result<PathBuf> {
    let mut programs = target.programs()?.into_iter();
    let program = programs.find(|program| program.kind == ProgramKind::Program);
    let program = program.context("artifacts.toml names no program")?;
    let name = format!("{}{}", program.package, target.packaged()?.os.exe_suffix());
    let path = released(target).join(name);
    ensure!(path.is_file(), "the build left no program {}", path.display());
    Ok(path)
}

/// Compares what the compiler read with what is counted.
fn check_inputs(target: &'static BuildTarget, sources: &Sources) -> Result<()> {
    let closure = sources.closure(&target.packages()?, &[&target.triple])?;
    for program in target.programs()? {
        let name = match program.kind {
            ProgramKind::Program | ProgramKind::Runtime => program.package.clone(),
            ProgramKind::Actions => program.package.replace('-', "_"),
        };
        sources.check(&closure, &released(target).join(format!("{name}.d")))?;
    }
    Ok(())
}

/// Folders and programs of this machine that a recipe names.
struct Places {
    root: PathBuf,
    /// One for each registry, so that its name (a mirror's, perhaps) does not show either.
    registries: Vec<PathBuf>,
    target: PathBuf,
    zig: PathBuf,
    zig_cache: PathBuf,
    /// The libraries of rustc's own tools: the one that strips programs needs them.
    libraries: PathBuf,
    /// Where the standard library is, if it is not the compiler's own.
    sysroot: Option<PathBuf>,
}

impl Places {
    /// Those that a digest counts, which are the same everywhere.
    fn named() -> Places {
        Places {
            root: "ROOT".into(),
            registries: vec!["REGISTRY".into()],
            target: "TARGET".into(),
            zig: "ZIG".into(),
            zig_cache: "CACHE".into(),
            libraries: "LIBRARIES".into(),
            // Which one it is belongs to the toolchain.
            sysroot: None,
        }
    }

    fn of(toolchain: &Toolchain, group: &[&'static BuildTarget]) -> Result<Places> {
        let registries = toolchain.rust.cargo_home.join("registry/src");
        let folders =
            fs::read_dir(&registries).with_context(|| format!("reading {}", registries.display()))?;
        let mut registries: Vec<PathBuf> = folders.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        registries.sort();
        let triples: Vec<_> = group.iter().map(|target| target.triple.as_str()).collect();
        Ok(Places {
            root: workspace::root().to_owned(),
            registries,
            target: target_dir(),
            zig: toolchain.zig.program(),
            zig_cache: toolchain.zig_cache.clone(),
            libraries: toolchain.rust.sysroot.join("lib"),
            sysroot: toolchain.sysroot_for(&triples, &target_dir().join("sysroot"))?,
        })
    }

    /// Folders of this machine, and what the programs say instead.
    fn remaps(&self) -> impl Iterator<Item = (&Path, &'static str)> {
        let registries = self.registries.iter().map(|folder| (folder.as_path(), "/cargo"));
        std::iter::once((self.root.as_path(), "/src")).chain(registries)
    }
}

/// How cargo is called.
struct Recipe {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// For digests: all of it, a line each.
impl std::fmt::Display for Recipe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.arguments.iter().try_for_each(|argument| writeln!(f, "{argument}"))?;
        self.environment.iter().try_for_each(|(name, value)| writeln!(f, "{name}={value}"))
    }
}

/// How cargo builds a group of targets, but for the number of jobs and the search path for programs.
fn recipe(group: &[&BuildTarget], places: &Places, epoch: u32) -> Result<Recipe> {
    let mut arguments: Vec<String> =
        ["zigbuild", "--release", "--locked", "--offline", "--keep-going"].map(str::to_owned).into();
    arguments.extend(["--message-format", "json-render-diagnostics"].map(str::to_owned));
    for program in group[0].programs()? {
        arguments.extend(["--package", &program.package].map(str::to_owned));
        arguments.extend(match program.kind {
            ProgramKind::Program | ProgramKind::Runtime => vec!["--bin".to_owned(), program.package.clone()],
            ProgramKind::Actions => vec!["--lib".to_owned()],
        });
    }
    arguments.extend(group.iter().flat_map(|target| ["--target".to_owned(), target.triple.clone()]));
    let text = |path: &Path| -> Result<String> {
        Ok(path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?.to_owned())
    };
    let set = [
        ("CARGO_TARGET_DIR", text(&places.target)?),
        // Encoded, because folder names may contain spaces.
        ("CARGO_ENCODED_RUSTFLAGS", rustflags(group[0], places).join("\x1f")),
        ("CC_SHELL_ESCAPED_FLAGS", "1".to_owned()),
        ("CFLAGS", cflags(places)?),
        ("CARGO_ZIGBUILD_ZIG_PATH", text(&places.zig)?),
        ("CARGO_ZIGBUILD_CACHE_DIR", text(&places.target.join("zigbuild"))?),
        ("ZIG_GLOBAL_CACHE_DIR", text(&places.zig_cache)?),
        ("LD_LIBRARY_PATH", text(&places.libraries)?),
        ("SOURCE_DATE_EPOCH", epoch.to_string()),
    ];
    let mut environment: Vec<(String, String)> =
        set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    environment.extend(group[0].env.clone());
    if group[0].packaged()?.os == Os::MacOs {
        environment.push(("MACOSX_DEPLOYMENT_TARGET".to_owned(), read(&TARGETS)?.macos_version.clone()));
    }
    Ok(Recipe { arguments, environment })
}

fn rustflags(target: &BuildTarget, places: &Places) -> Vec<String> {
    let mut flags = target.rustflags.clone();
    flags.extend(places.remaps().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())));
    flags.extend(places.sysroot.iter().map(|sysroot| format!("--sysroot={}", sysroot.display())));
    flags
}

/// The same remapping for C code, quoted for a shell.
fn cflags(places: &Places) -> Result<String> {
    let quote = |path: &Path| -> Result<String> {
        let text = path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))?;
        Ok(text.replace('\'', r"'\''"))
    };
    let flags = places.remaps().map(|(from, to)| Ok(format!("'-ffile-prefix-map={}={to}'", quote(from)?)));
    Ok(flags.collect::<Result<Vec<_>>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(triple: &str) -> &'static BuildTarget {
        super::target(triple).unwrap()
    }

    /// Fails if: a target is built by no run of cargo or by two, targets share a run that have other programs
    /// or flags, or those that could share one do not.
    #[test]
    fn targets_share_runs() {
        let all: Vec<_> = targets().unwrap().iter().collect();
        let groups = groups(&all, &Sources::read().unwrap()).unwrap();
        let triples: Vec<Vec<_>> =
            groups.iter().map(|group| group.iter().map(|target| target.triple.as_str()).collect()).collect();
        let expected: [&[&str]; 4] = [
            &["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"],
            &["x86_64-pc-windows-gnu"],
            &["aarch64-pc-windows-gnullvm"],
            &["x86_64-apple-darwin", "aarch64-apple-darwin"],
        ];
        assert_eq!(triples, expected);
    }

    /// Fails if: what is counted of a call of cargo names a folder of this machine, or lacks what decides bits.
    #[test]
    fn recipes_are_the_same_everywhere() {
        for (triple, parts) in [
            (
                "x86_64-unknown-linux-musl",
                &["--bin\npywats-client\n", "--bin\nappimage-runtime\n", "relocation-model=pic"][..],
            ),
            ("x86_64-pc-windows-gnu", &["--package\ninstaller-actions\n--lib\n", "-Brepro"]),
            ("aarch64-apple-darwin", &["MACOSX_DEPLOYMENT_TARGET=11", "dead_strip_dylibs"]),
        ] {
            let text = recipe(&[target(triple)], &Places::named(), 77).unwrap().to_string();
            for part in
                parts.iter().chain(&[triple, "--release", "SOURCE_DATE_EPOCH=77\n", "=/src", "=/cargo"])
            {
                assert!(text.contains(part), "{triple}: {part} is missing in {text}");
            }
            assert!(!text.contains(&workspace::root().display().to_string()), "{text}");
            let is_mac = triple.ends_with("-darwin");
            assert_eq!(text.contains("MACOSX_DEPLOYMENT_TARGET"), is_mac, "{triple}");
        }
    }

    /// Fails if: a target counts as built before its last program is there, never, or twice, or by messages
    /// about crates for another target or for this machine.
    #[test]
    fn a_target_is_ready_with_its_last_program() {
        let mut building = Building::new(target("x86_64-pc-windows-gnu"), &Progress::new()).unwrap();
        let message = |name: &str, kind: &str, place: &str| {
            let file = target_dir().join(place).join("release").join(name);
            serde_json::json!({
                "reason": "compiler-artifact", "package_id": "p", "fresh": false, "executable": null,
                "target": {"name": name, "kind": [kind], "crate_types": [kind]}, "filenames": [file],
            })
            .to_string()
        };
        let here = "x86_64-pc-windows-gnu";
        for (line, ready) in [
            ("   Compiling wats v0.1.0".to_owned(), false),
            (message("pywats-client", "bin", "aarch64-apple-darwin"), false),
            (message("pywats_client", "lib", here), false),
            (message("pywats-client", "bin", here), false),
            (message("installer_actions", "cdylib", "."), false),
            (message("installer_actions", "cdylib", here), true),
            (message("installer_actions", "cdylib", here), false),
        ] {
            assert_eq!(building.sees(&line), ready, "{line}");
        }
        assert_eq!(building.compiled, 3);
    }
}
