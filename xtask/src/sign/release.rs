//! The folder of signed artifacts: everything is made and verified in a folder of its own, and appears by rename.

use super::store::{self, Store};
use super::{Signer, kind, kind::Kind, seal};
use crate::build::{self, BuildTarget};
use crate::process::stop_if_interrupted;
use crate::verify;
use crate::workspace;
use anyhow::{Context, Result, ensure};
use packager::artifacts::{self, Origin};
use packager::digest::sha256_file;
use packager::{Artifact, Artifacts, Changelog, Entry, Format, Package, Payload, Product, Source, Target};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What the names of unfinished folders begin with; a run that was killed may leave some.
const UNFINISHED: &str = ".unfinished-";

/// What is to be made.
pub(crate) struct Order<'a> {
    /// The product.
    pub(crate) product: &'a Product,
    /// For which targets.
    pub(crate) targets: &'a [&'static BuildTarget],
    /// The unsigned program, if not the one that was built.
    pub(crate) program: Option<&'a Path>,
    /// In which formats, where a target has them.
    pub(crate) formats: &'a [&'static dyn Format],
    /// Where the artifacts go.
    pub(crate) out: &'a Path,
    /// Where the signatures are stored, if they are new.
    pub(crate) signatures: Option<&'a Path>,
}

/// What was made, before it appears.
struct Staging {
    folder: TempDir,
    list: Artifacts,
    /// The short names of the targets, and their signatures.
    stores: Vec<(String, Store)>,
}

/// Signs programs, packs them, signs what was packed, and lets everything appear once all of it is right.
///
/// # Errors
/// If anything fails. The folder is then as it was.
pub(crate) fn make(order: &Order<'_>, signer: &Signer) -> Result<()> {
    let out = order.out;
    let is_new = !out.exists();
    let made = make_into(order, signer);
    if is_new && made.is_err() {
        // Fails if somebody else put something there, which then is to stay.
        let _ = fs::remove_dir(out);
    }
    made
}

fn make_into(order: &Order<'_>, signer: &Signer) -> Result<()> {
    let out = order.out;
    let _lock = artifacts::lock(out)?;
    let is_dist =
        workspace::dist().canonicalize().is_ok_and(|dist| out.canonicalize().is_ok_and(|o| o == dist));
    ensure!(!is_dist, "{} has the unsigned artifacts: choose another folder with --out", out.display());
    remove_unfinished(out)?;
    let folder = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(out);
    let folder = folder.with_context(|| format!("writing to {}", out.display()))?;
    for name in ["ready", "unsigned"] {
        fs::create_dir(folder.path().join(name))?;
    }
    let mut staging = Staging { folder, list: Artifacts::default(), stores: Vec::new() };
    let changelog = order.product.changelog()?;
    for target in order.targets {
        make_target(order, &changelog, target, signer, &mut staging)?;
    }
    stop_if_interrupted()?;
    appear(order, &staging)
}

/// Removes what a run that was killed left. No other run is writing: this one has the lock.
fn remove_unfinished(out: &Path) -> Result<()> {
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
                .with_context(|| format!("removing {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn make_target(
    order: &Order<'_>,
    changelog: &Changelog,
    target: &BuildTarget,
    signer: &Signer,
    staging: &mut Staging,
) -> Result<()> {
    let packaged = target.packaged()?;
    let short = packaged.to_string();
    let unsigned = unsigned_program(order, target)?;
    let toolchain = toolchain_of(&unsigned)?;
    let mut store = signer.store(&short)?;
    let [programs, signatures] =
        ["programs", "signatures"].map(|n| staging.folder.path().join(n).join(&short));
    fs::create_dir_all(&programs)?;
    fs::create_dir_all(&signatures)?;

    let program = format!("{}{}", order.product.name, packaged.os.exe_suffix());
    let formats: Vec<_> = order.formats.iter().copied().filter(|format| format.supports(packaged)).collect();
    for (name, path) in programs_of(order.product, &formats, packaged, &program, &unsigned)? {
        signer.sign(&name, &short, &path, &programs.join(&name), &signatures, &mut store)?;
    }

    let origin = Origin {
        program: &programs.join(program),
        target: &target.triple,
        inputs: "",
        toolchain: &toolchain,
    };
    for format in formats {
        stop_if_interrupted()?;
        let (path, mut artifact) = pack(order, changelog, packaged, format, origin, staging)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ready = staging.folder.path().join("ready").join(&name);
        let look = kind::look(&path)?;
        if matches!(look.kind, Some(Kind::Program | Kind::Installer)) && !look.is_signed {
            signer.sign(&name, &short, &path, &ready, &signatures, &mut store)?;
        } else {
            verify::require(&verify::judge(&signer.tool, &name, &path, &signer.trust)?)?;
            fs::rename(&path, &ready)?;
            println!("{name}: what it consists of is signed");
        }
        artifact.size = fs::metadata(&ready)?.len();
        artifact.sha256 = sha256_file(&ready)?;
        staging.list.0.insert(name, artifact);
    }
    staging.stores.push((short, store));
    Ok(())
}

/// The programs and libraries that packages of these formats take from the folder of the program, by the names that
/// the packager looks for there.
fn programs_of(
    product: &Product,
    formats: &[&'static dyn Format],
    target: Target,
    program: &str,
    unsigned: &Path,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::from([(program.to_owned(), unsigned.to_owned())]);
    for format in formats {
        let payload = Payload::resolve(product, format.name(), target, unsigned)?;
        for source in payload.entries().iter().filter_map(Entry::source) {
            let Source::Path(path) = source else { continue };
            if path == unsigned || path.parent() != unsigned.parent() {
                continue;
            }
            ensure!(
                path.is_file(),
                "{} is not there, but goes into the {}: it is built with the program and lies beside it",
                path.display(),
                format.name()
            );
            if kind::look(path)?.kind == Some(Kind::Program) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                found.insert(name, path.clone());
            }
        }
    }
    Ok(found)
}

fn unsigned_program(order: &Order<'_>, target: &BuildTarget) -> Result<PathBuf> {
    match order.program {
        Some(program) => {
            ensure!(program.is_file(), "there is no program {}", program.display());
            Ok(program.to_owned())
        }
        None => build::program(target).with_context(|| {
            format!(
                "run `cargo xtask dist --target {}` first, or name a program with --program",
                target.triple
            )
        }),
    }
}

/// What the program was made with, if it is one that `dist` knows.
fn toolchain_of(program: &Path) -> Result<String> {
    let sha256 = sha256_file(program)?;
    let list = Artifacts::read(&workspace::dist());
    let known = list.0.into_values().find(|artifact| artifact.program_sha256 == sha256);
    Ok(known.map_or_else(|| "unknown".to_owned(), |artifact| artifact.toolchain))
}

/// Packs the signed program.
fn pack(
    order: &Order<'_>,
    changelog: &Changelog,
    target: Target,
    format: &'static dyn Format,
    origin: Origin<'_>,
    staging: &Staging,
) -> Result<(PathBuf, Artifact)> {
    let package = Package {
        product: order.product,
        changelog,
        version: changelog.latest().version,
        target,
        payload: Payload::resolve(order.product, format.name(), target, origin.program)?,
        epoch: workspace::epoch(changelog)?,
    };
    let inputs = package.inputs(format)?;
    let origin = Origin { inputs: &inputs, ..origin };
    Artifact::make(&staging.folder.path().join("unsigned"), format, &package, origin)
}

/// Lets everything appear, the lists last.
fn appear(order: &Order<'_>, staging: &Staging) -> Result<()> {
    let out = order.out;
    let earlier = Artifacts::read(out);
    for name in staging.list.0.keys() {
        let ready = staging.folder.path().join("ready").join(name);
        seal(&ready)?;
        let path = out.join(name);
        fs::rename(&ready, &path).with_context(|| format!("renaming to {}", path.display()))?;
    }
    if let Some(folder) = order.signatures {
        for (target, store) in &staging.stores {
            let from = staging.folder.path().join("signatures").join(target);
            store.write(&from, &folder.join(target))?;
        }
    }
    staging.list.remove_outdated(out, &earlier)?;
    staging.list.write(out)?;
    println!(
        "{} signed artifacts in {}, with SHA256SUMS and artifacts.json",
        staging.list.0.len(),
        out.display()
    );
    if let Some(folder) = order.signatures {
        println!("their signatures, with {} for each target, in {}", store::LIST, folder.display());
    }
    Ok(())
}
