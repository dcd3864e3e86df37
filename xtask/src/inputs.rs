//! What decides the bits of something that cargo compiles: derived from what cargo says, not kept by hand.
//!
//! - `cargo metadata` says where the workspace's packages are, what their manifests say, and which files
//!   outside of its folder a package reads: `[package.metadata] outside = ["packaging/..."]`, by their paths
//!   in the workspace; or `[package.metadata.outside-on] windows = ["packaging/..."]`, if it does so for programs of
//!   one system only. The flake reads the same keys.
//! - `cargo tree` says which packages a program is made of on one target, and with which features. `cargo
//!   metadata` adds up the features that all members want, tests and `xtask` included: an edit there would
//!   seem to change the program.
//! - `Cargo.lock` says which bits the packages of others are.
//!
//! [`Sources::check`] compares what is counted with what the compiler read.

use crate::process;
use crate::progress::Progress;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use packager::digest::Inputs;
use packager::{Os, Target};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The workspace's packages, as cargo sees them.
pub(crate) struct Sources {
    root: PathBuf,
    /// By name.
    members: BTreeMap<String, Member>,
    /// The digests in `Cargo.lock`, by name and version.
    checksums: BTreeMap<(String, String), String>,
    /// Closures that were asked for already, by the arguments that `cargo tree` got.
    closures: Mutex<BTreeMap<Vec<String>, Arc<Closure>>>,
}

/// A package of this workspace.
struct Member {
    /// What its manifest says that can reach the compiler.
    facts: String,
    /// Its files and folders, and those outside that it reads, by their paths in the workspace.
    paths: BTreeSet<String>,
    /// What it reads outside for programs of one system only.
    paths_on: BTreeMap<Os, Vec<String>>,
}

/// What a set of the workspace's packages is made of on one target.
pub(crate) struct Closure {
    /// Names of the workspace's packages.
    members: BTreeSet<String>,
    /// The systems of the targets.
    systems: BTreeSet<Os>,
    /// A line for each package: name, version and features, and for those of others the digest.
    packages: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Manifest>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Manifest {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<CargoTarget>,
    dependencies: Vec<Dependency>,
    metadata: Option<Own>,
    /// All that is the same for every member, or reaches the compiler as an environment variable.
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// `[package.metadata]`
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Own {
    outside: Vec<String>,
    outside_on: BTreeMap<Os, Vec<String>>,
}

#[derive(Deserialize)]
struct CargoTarget {
    name: String,
    kind: Vec<String>,
    crate_types: Vec<String>,
    src_path: PathBuf,
    edition: String,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    rename: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// Fields of `cargo metadata` that a package's code can ask for by `env!`, or that decide how it is compiled.
const FACTS: [&str; 11] = [
    "version",
    "edition",
    "authors",
    "description",
    "homepage",
    "repository",
    "license",
    "rust_version",
    "features",
    "links",
    "readme",
];

/// Targets that are nobody's dependency.
const ASIDE: [&str; 3] = ["test", "bench", "example"];

/// Separates the columns of `cargo tree`: in no name, and in no feature.
const COLUMN: char = '|';

impl Sources {
    /// Asks cargo.
    ///
    /// # Errors
    /// If cargo fails or says what is not understood.
    pub(crate) fn read() -> Result<Sources> {
        let root = workspace::root();
        let output = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"])?;
        let metadata: Metadata = serde_json::from_str(&output).context("reading `cargo metadata`")?;
        let path = root.join("Cargo.lock");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let lock: Lock = toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let checksums = lock.package.into_iter().filter_map(|package| {
            package.checksum.map(|checksum| ((package.name, package.version), checksum))
        });
        let members = metadata.packages.iter().map(|manifest| {
            let member = Member::read(manifest, &metadata.workspace_root)?;
            Ok((manifest.name.clone(), member))
        });
        Ok(Sources {
            root: root.to_owned(),
            members: members.collect::<Result<_>>()?,
            checksums: checksums.collect(),
            closures: Mutex::default(),
        })
    }

    /// What `packages` are made of for these targets, or for this machine if there are none.
    ///
    /// # Errors
    /// If cargo fails, or names what is in no lock file.
    pub(crate) fn closure(&self, packages: &[&str], triples: &[&str]) -> Result<Arc<Closure>> {
        let mut arguments = Vec::new();
        arguments.extend(packages.iter().flat_map(|package| ["--package", package]));
        arguments.extend(triples.iter().flat_map(|triple| ["--target", triple]));
        let key: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let mut known = self.closures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(closure) = known.get(&key) {
            return Ok(Arc::clone(closure));
        }
        let format = format!("{{p}}{COLUMN}{{f}}{COLUMN}");
        let mut all =
            vec!["tree", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", &format];
        all.extend(arguments);
        let systems = triples.iter().map(|triple| Ok(triple.parse::<Target>()?.os)).collect::<Result<_>>()?;
        let mut closure = Closure { members: BTreeSet::new(), systems, packages: BTreeSet::new() };
        for line in cargo_tree(&all)?.lines().filter(|line| !line.is_empty()) {
            self.add(&mut closure, line).with_context(|| format!("`cargo tree` says {line:?}"))?;
        }
        let closure = Arc::new(closure);
        known.insert(key, Arc::clone(&closure));
        Ok(closure)
    }

    /// Adds a line of `cargo tree`: `NAME vVERSION (FOLDER or proc-macro)|FEATURES| (*)`.
    fn add(&self, closure: &mut Closure, line: &str) -> Result<()> {
        let mut columns = line.split(COLUMN);
        let package = columns.next().unwrap_or_default();
        let features = columns.next().context("that has no features")?;
        let mut words = package.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next().and_then(|word| word.strip_prefix('v')).context("that has no version")?;
        let origin = match self.checksums.get(&(name.to_owned(), version.to_owned())) {
            Some(checksum) => checksum,
            None => {
                ensure!(
                    self.members.contains_key(name),
                    "that is neither in Cargo.lock nor in the workspace"
                );
                closure.members.insert(name.to_owned());
                "workspace"
            }
        };
        closure.packages.insert(format!("{name} {version} {origin} {features}"));
        Ok(())
    }

    /// Files and folders that a closure is made of, by their paths in the workspace.
    fn paths<'a>(&'a self, closure: &'a Closure) -> impl Iterator<Item = &'a str> {
        let members = closure.members.iter().map(|name| &self.members[name]);
        members.flat_map(|member| {
            let on = closure.systems.iter().filter_map(|system| member.paths_on.get(system)).flatten();
            member.paths.iter().chain(on).map(String::as_str)
        })
    }

    /// Adds everything a closure is made of.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn add_to(&self, inputs: Inputs, closure: &Closure) -> Result<Inputs> {
        let inputs = closure.packages.iter().fold(inputs, |inputs, line| inputs.value("package", line));
        let inputs =
            closure.members.iter().fold(inputs, |inputs, name| inputs.value(name, &self.members[name].facts));
        let paths: BTreeSet<_> = self.paths(closure).collect();
        paths.into_iter().try_fold(inputs, |inputs, path| inputs.tree(&self.root, path))
    }

    /// Refuses files of the workspace that the compiler read and that are not counted. `depinfo` is what cargo
    /// writes beside a program: every such file of all packages of the workspace that are in it, with those
    /// that their build scripts name.
    ///
    /// # Errors
    /// If there is one; with what to do.
    pub(crate) fn check(&self, closure: &Closure, depinfo: &Path) -> Result<()> {
        let text = fs::read_to_string(depinfo).with_context(|| format!("reading {}", depinfo.display()))?;
        let counted: Vec<_> = self.paths(closure).map(|path| self.root.join(path)).collect();
        for file in prerequisites(&text) {
            let file = without_parents(&self.root.join(file));
            ensure!(
                counted.iter().any(|path| file.starts_with(path)),
                "a build reads {}, which is not counted among what decides its bits: name it in the manifest of \
                 the package that reads it, as [package.metadata] outside = [\"{}\"]",
                file.display(),
                file.strip_prefix(&self.root).unwrap_or(&file).display()
            );
        }
        Ok(())
    }
}

impl Closure {
    /// Whether nothing is in this closure that is not in the other: no package, and none with other features.
    pub(crate) fn is_part_of(&self, other: &Closure) -> bool {
        self.packages.is_subset(&other.packages)
    }
}

impl Member {
    fn read(manifest: &Manifest, root: &Path) -> Result<Member> {
        let doing = || format!("reading {}", manifest.manifest_path.display());
        let relative = |path: &Path| -> Result<String> {
            let path = path.strip_prefix(root).context("a file outside of the workspace")?;
            Ok(path.to_str().context("a name that is not UTF-8")?.to_owned())
        };
        let mut facts = String::new();
        for name in FACTS {
            facts += &format!("{name} {}\n", manifest.rest.get(name).unwrap_or(&Value::Null));
        }
        for dependency in manifest.dependencies.iter().filter(|it| it.kind.as_deref() != Some("dev")) {
            facts += &format!("{} is {:?}\n", dependency.name, dependency.rename);
        }
        let mut paths = BTreeSet::new();
        for target in &manifest.targets {
            if target.kind.iter().any(|kind| ASIDE.contains(&kind.as_str())) {
                continue;
            }
            let source = relative(&target.src_path).with_context(doing)?;
            let CargoTarget { name, kind, crate_types, edition, .. } = target;
            facts += &format!("{name} {kind:?} {crate_types:?} {edition} {source}\n");
            // A build script is a file that lies beside other things; anything else has a folder of its own.
            let is_script = kind.iter().any(|kind| kind == "custom-build");
            let folder = target.src_path.parent().unwrap_or(root);
            paths.insert(if is_script { source } else { relative(folder).with_context(doing)? });
        }
        let (outside, paths_on) = manifest
            .metadata
            .as_ref()
            .map(|own| (own.outside.clone(), own.outside_on.clone()))
            .unwrap_or_default();
        for path in outside.iter().chain(paths_on.values().flatten()) {
            ensure!(
                root.join(path).exists(),
                "{}: [package.metadata] names {path:?}, which does not exist in the workspace",
                manifest.manifest_path.display()
            );
        }
        paths.extend(outside);
        Ok(Member { facts, paths, paths_on })
    }
}

/// A digest of everything that decides what `packages` of this workspace do when they run on this machine, for
/// those that make artifacts.
///
/// # Errors
/// If cargo fails or a file cannot be read.
pub(crate) fn closure_digest(sources: &Sources, packages: &[&str]) -> Result<String> {
    let closure = sources.closure(packages, &[])?;
    Ok(sources.add_to(Inputs::default(), &closure)?.finish())
}

/// What the workspace itself tells cargo: the profile of released programs, and `.cargo/config.toml` without
/// its aliases.
///
/// # Errors
/// If one of the two files cannot be read.
pub(crate) fn settings() -> Result<String> {
    let read = |name: &str| -> Result<toml::Table> {
        let path = workspace::root().join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
    };
    let profile = read("Cargo.toml")?.get("profile").and_then(|profile| profile.get("release")).cloned();
    let mut config = read(".cargo/config.toml")?;
    config.remove("alias");
    Ok(format!("{}\n{config}", profile.map(|profile| profile.to_string()).unwrap_or_default()))
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

/// What `cargo tree` prints. Where sources are missing, they are downloaded as everywhere: said, and with what to do if
/// that fails.
fn cargo_tree(arguments: &[&str]) -> Result<String> {
    let offline = [arguments, &["--offline"]].concat();
    if let Ok(said) = cargo(&offline) {
        return Ok(said);
    }
    fetch(&Progress::new())?;
    cargo(&offline)
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let mut command = clean_command("cargo", &[]);
    command.args(arguments).current_dir(workspace::root());
    let shown = format!("`cargo {}`", arguments.join(" "));
    let output = command.output().with_context(|| format!("cannot start {shown}"))?;
    if !output.status.success() {
        bail!("{shown} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("{shown} prints what is not UTF-8"))
}

/// The same path without `FOLDER/..`, as `include_bytes!` makes them.
fn without_parents(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The files that a rule of a makefile names after the colon. Spaces in names have a backslash before them.
fn prerequisites(depinfo: &str) -> Vec<String> {
    let mut files = Vec::new();
    for line in depinfo.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, names)) = line.split_once(": ") else { continue };
        let parts = names.replace("\\ ", "\0");
        files.extend(parts.split(' ').filter(|name| !name.is_empty()).map(|name| name.replace('\0', " ")));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        Sources::read().unwrap()
    }

    /// Fails if: names with spaces are cut, or comments and rules without prerequisites count.
    #[test]
    fn reads_rules_of_makefiles() {
        let text = "# env-dep:A=b: c\n/t/x: /a/b.rs /a\\ b/c.rs\n\n/a/b.rs:\n";
        assert_eq!(prerequisites(text), ["/a/b.rs", "/a b/c.rs"]);
    }

    /// Fails if: the client's closure lacks a package of the workspace, or has one that only tests or other
    /// targets need.
    #[test]
    fn closures_have_what_is_compiled() {
        let sources = sources();
        for (packages, triple, expected) in [
            (
                &["pywats-client"][..],
                &["x86_64-unknown-linux-musl"][..],
                &["product-version", "pywats-client", "wats", "wats-settings", "windows-resources"][..],
            ),
            (&["installer-actions"], &["x86_64-pc-windows-gnu"], &["installer-actions", "wats-settings"]),
            (
                &["packager"],
                &[],
                &["apple-archives", "packager", "product-version", "squashfs", "windows-installer"],
            ),
        ] {
            let closure = sources.closure(packages, triple).unwrap();
            assert_eq!(
                closure.members,
                expected.iter().map(|&name| name.to_owned()).collect(),
                "{packages:?}"
            );
        }
        let client = |triples: &[&str]| sources.closure(&["pywats-client"], triples).unwrap();
        let (linux, windows) = (client(&["x86_64-unknown-linux-musl"]), client(&["x86_64-pc-windows-gnu"]));
        let has = |closure: &Closure, name: &str| {
            closure.packages.iter().any(|line| line.starts_with(&format!("{name} ")))
        };
        assert!(has(&windows, "windows-service") && !has(&linux, "windows-service"));
        assert!(has(&linux, "rustix") && !has(&linux, "tempfile") && !has(&linux, "anyhow"));
        assert!(!linux.is_part_of(&windows) && linux.is_part_of(&client(&["x86_64-unknown-linux-musl"])));
    }

    /// Fails if: what a package reads outside of its folder is in no digest, or the error does not say which
    /// line is missing in which kind of file.
    #[test]
    fn misses_what_is_not_counted() {
        let sources = sources();
        let (linux, windows) = ("x86_64-unknown-linux-musl", "x86_64-pc-windows-gnu");
        let folder = tempfile::tempdir().unwrap();
        let depinfo = folder.path().join("program.d");
        for (triple, file, counted) in [
            (windows, "crates/wats/src/lib.rs", true),
            (windows, "crates/pywats-client/build.rs", true),
            (windows, "packaging/windows/pywats-client.ico", true),
            (linux, "packaging/windows/pywats-client.ico", false),
            (windows, "packaging/windows/installer.toml", false),
            (windows, "crates/pywats-client/tests/generated/main.rs", false),
            (windows, "crates/packager/src/lib.rs", false),
            (windows, "/etc/hostname", false),
        ] {
            let closure = sources.closure(&["pywats-client"], &[triple]).unwrap();
            let path = workspace::root().join(file).display().to_string().replace(' ', "\\ ");
            fs::write(&depinfo, format!("program: {path}\n")).unwrap();
            match sources.check(&closure, &depinfo) {
                Ok(()) => assert!(counted, "{file}"),
                Err(error) => {
                    let text = error.to_string();
                    assert!(!counted && text.contains(file) && text.contains("outside = ["), "{text}");
                }
            }
        }
    }

    /// Fails if: the packager reads a file of the workspace that the digest of packages does not count. For
    /// the client, every build looks at this itself.
    #[test]
    fn the_packager_is_counted() {
        let sources = sources();
        cargo(&["build", "--quiet", "--locked", "--offline", "--package", "packager"]).unwrap();
        let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps", "--locked"]).unwrap();
        let metadata: Value = serde_json::from_str(&metadata).unwrap();
        let folder = PathBuf::from(metadata["target_directory"].as_str().unwrap());
        let closure = sources.closure(&["packager"], &[]).unwrap();
        sources.check(&closure, &folder.join("debug/packager.d")).unwrap();
    }
}
