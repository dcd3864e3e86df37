//! The folder of signed artifacts: everything is made and verified in a folder of its own, and appears by rename.

mod appear;
mod earlier;

use super::store::{self, Store};
use super::{Signer, seal};
use crate::authenticode::{self, Kind, kind};
use crate::build::{self, BuildTarget};
use crate::process::stop_if_interrupted;
use crate::workspace;
use anyhow::{Context, Result, ensure};
use appear::NewFolders;
use earlier::Earlier;
use packager::digest::sha256_file;
use packager::unfinished::{self, PREFIX, Unfinished};
use packager::{
    Artifact, Artifacts, Changelog, Compiled, Entry, Format, Origin, Payload, Product, Programs, Source,
    Target,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

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
    stores: Vec<Stored>,
}

/// The signatures of a target.
struct Stored {
    /// The short name of the target.
    target: String,
    store: Store,
    /// Those that were stored before.
    replaced: Store,
}

/// Signs programs, packs them, signs what was packed, and lets everything appear once all of it is right.
///
/// # Errors
/// If anything fails. The folders are then as they were.
pub(crate) fn make(order: &Order<'_>, signer: &Signer) -> Result<()> {
    let out = order.out;
    let mut folders = NewFolders::default();
    folders.make(out)?;
    let _lock = crate::dist::open(out)?;
    let is_dist =
        workspace::dist().canonicalize().is_ok_and(|dist| out.canonicalize().is_ok_and(|o| o == dist));
    ensure!(!is_dist, "{} has the unsigned artifacts: choose another folder with --out", out.display());
    let changelog = order.product.changelog()?;
    let earlier = Earlier::look(order, &changelog.latest().version)?;
    let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(out);
    let folder = folder.with_context(|| format!("writing to {}", out.display()))?;
    for name in ["ready", "unsigned"] {
        fs::create_dir(folder.path().join(name))?;
    }
    let mut staging = Staging { folder, list: earlier.kept.clone(), stores: Vec::new() };
    for target in order.targets {
        make_target(order, &changelog, target, signer, &earlier, &mut staging)?;
    }
    stop_if_interrupted()?;
    appear(order, &staging, &earlier, &mut folders)
}

fn make_target(
    order: &Order<'_>,
    changelog: &Changelog,
    target: &BuildTarget,
    signer: &Signer,
    earlier: &Earlier,
    staging: &mut Staging,
) -> Result<()> {
    let packaged = target.packaged()?;
    let short = packaged.to_string();
    let unsigned = unsigned_program(order, changelog, target)?;
    let mut store = signer.store(&short, &unsigned)?;
    let [programs, signatures] =
        ["programs", "signatures"].map(|n| staging.folder.path().join(n).join(&short));
    fs::create_dir_all(&programs)?;
    fs::create_dir_all(&signatures)?;

    let program = format!("{}{}", order.product.name, packaged.os.exe_suffix());
    let formats: Vec<_> =
        order.formats.iter().copied().filter(|format| format.supports(&packaged.into())).collect();
    let unsigned = programs_of(order.product, &formats, packaged, &program, &unsigned)?;
    earlier.refuse_to_mix(order.out, packaged, store.signed_sha256(&program))?;
    let names: Vec<String> = unsigned.keys().cloned().collect();
    let replaced = match order.signatures {
        Some(folder) => earlier.stored(&folder.join(&short), &names)?,
        None => Store::default(),
    };
    for (name, path) in unsigned {
        check_arch(&path, packaged)?;
        signer.sign(&name, &short, &path, &programs.join(&name), &signatures, &mut store)?;
    }

    let toolchain = store.toolchain.clone();
    let origin = Origin { inputs: "", toolchain: &toolchain };
    let programs =
        Programs::new(order.product, vec![Compiled { triple: target.triple.clone(), folder: programs }])?;
    for format in formats {
        stop_if_interrupted()?;
        let (path, mut artifact) = pack(format, &programs, origin, staging)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ready = staging.folder.path().join("ready").join(&name);
        let look = kind::look(&path)?;
        if matches!(look.kind, Some(Kind::Program | Kind::Installer)) && !look.is_signed {
            signer.sign(&name, &short, &path, &ready, &signatures, &mut store)?;
        } else {
            authenticode::require(&signer.judge(&name, &path)?)?;
            fs::rename(&path, &ready)?;
            println!("{name}: what it consists of is signed");
        }
        artifact.size = fs::metadata(&ready)?.len();
        artifact.sha256 = sha256_file(&ready)?;
        staging.list.0.insert(name, artifact);
    }
    staging.stores.push(Stored { target: short, store, replaced });
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
        let folder = unsigned.parent().unwrap_or(Path::new(".")).to_owned();
        let compiled = Programs::new(product, vec![Compiled { triple: target.to_string(), folder }])?;
        let payload = Payload::resolve(product, format.name(), &target.into(), &compiled)?;
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

/// The unsigned program: one that was named, or the one that `dist` built for this version and lists. Whatever else
/// lies where programs are built may be of any age.
fn unsigned_program(order: &Order<'_>, changelog: &Changelog, target: &BuildTarget) -> Result<PathBuf> {
    if let Some(program) = order.program {
        ensure!(program.is_file(), "there is no program {}", program.display());
        return Ok(program.to_owned());
    }
    let advice = || "run `cargo xtask dist` first, or name a program with --program".to_owned();
    let program = build::program(target).with_context(advice)?;
    let sha256 = sha256_file(&program)?;
    let version = changelog.latest().version;
    let list = Artifacts::load(&workspace::dist())?.unwrap_or_default();
    let rows = crate::plan::recipe()?.rows;
    let is_listed = rows.artifacts().iter().any(|row| {
        let file = rows.file_name(row, order.product, &version).unwrap_or_default();
        let programs = list.0.get(&file).map(|artifact| artifact.programs.as_slice()).unwrap_or_default();
        programs.iter().any(|other| other.target == target.triple && other.sha256 == sha256)
    });
    ensure!(
        is_listed,
        "{} is in none of the artifacts of version {version} that {} lists: {}",
        program.display(),
        workspace::dist().display(),
        advice()
    );
    Ok(program)
}

/// Refuses a program for another processor.
fn check_arch(program: &Path, target: Target) -> Result<()> {
    let look = kind::look(program)?;
    ensure!(
        look.kind != Some(Kind::Program) || look.arch == Some(target.arch),
        "{} is not for {target} but for {}: name the one that was built for it",
        program.display(),
        look.arch.map_or("another processor", |arch| arch.name())
    );
    Ok(())
}

/// Packs the signed program.
fn pack(
    format: &'static dyn Format,
    programs: &Programs,
    origin: Origin<'_>,
    staging: &Staging,
) -> Result<(PathBuf, Artifact)> {
    let recipe = crate::plan::recipe()?;
    let triples: Vec<&str> = programs.compiled().map(|compiled| compiled.triple.as_str()).collect();
    let row = recipe
        .rows
        .artifacts()
        .iter()
        .find(|row| row.targets == triples && row.format().is_ok_and(|other| other.name() == format.name()))
        .context("there is no such artifact")?;
    let inputs = recipe.inputs_by_content(row, programs, &[])?;
    let origin = Origin { inputs: &inputs, ..origin };
    recipe.make(row, programs, Vec::new(), origin, &staging.folder.path().join("unsigned"))
}

/// Lets everything appear, the lists last. Until all of it lies ready, nothing is touched.
fn appear(order: &Order<'_>, staging: &Staging, earlier: &Earlier, folders: &mut NewFolders) -> Result<()> {
    let out = order.out;
    let mut artifacts = Vec::new();
    for name in staging.list.0.keys().filter(|name| !earlier.kept.0.contains_key(*name)) {
        let [ready, path] = [staging.folder.path().join("ready").join(name), out.join(name)];
        seal(&ready)?;
        ensure!(!path.is_dir(), "{} is a directory: move it away", path.display());
        artifacts.push((ready, path));
    }
    let mut locks = Vec::new();
    let mut files: Vec<Unfinished> = Vec::new();
    let mut outdated: Vec<PathBuf> = earlier.superseded.iter().map(|name| out.join(name)).collect();
    if let Some(folder) = order.signatures {
        for Stored { target, store, replaced } in &staging.stores {
            let (from, to) = (staging.folder.path().join("signatures").join(target), folder.join(target));
            folders.make(&to)?;
            ensure!(
                to.canonicalize()? != out.canonicalize()?,
                "{} is to have artifacts and signatures: choose another folder with --signatures",
                to.display()
            );
            locks.push(crate::dist::open(&to)?);
            for (name, bytes) in store.contents(&from)? {
                files.push(unfinished::prepare(&to, &name, &bytes)?);
            }
            let old = replaced.files.keys().filter(|name| !store.files.contains_key(*name));
            outdated.extend(old.map(|name| to.join(store::file_name(name))));
        }
    }
    files.extend(staging.list.prepare(out)?);

    for (ready, path) in artifacts {
        fs::rename(&ready, &path).with_context(|| format!("renaming to {}", path.display()))?;
    }
    for file in files {
        file.appear()?;
    }
    for path in outdated.iter().filter(|path| path.exists()) {
        fs::remove_file(path).with_context(|| format!("removing {}, which is outdated", path.display()))?;
        println!("removed {}, which is outdated", path.display());
    }
    report(order, staging, earlier);
    Ok(())
}

fn report(order: &Order<'_>, staging: &Staging, earlier: &Earlier) {
    let out = order.out.display();
    for name in &earlier.gone {
        eprintln!("note: {name} was deleted from {out} and is listed no more");
    }
    println!("{} signed artifacts in {out}, with SHA256SUMS and artifacts.json", staging.list.0.len());
    if let Some(folder) = order.signatures {
        println!("their signatures, with {} for each target, in {}", store::LIST, folder.display());
    }
}
