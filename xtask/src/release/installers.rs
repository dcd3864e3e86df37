//! `cargo xtask release installers`: scripts that install the program, and what package managers need to know of the
//! release.
//!
//! [cargo-dist](https://axodotdev.github.io/cargo-dist/) writes the scripts for shell and PowerShell, Homebrew's formula
//! and `dist-manifest.json`, by `dist-workspace.toml`. It compiles nothing and packs nothing: it gets the archives of the
//! release and their digests. Without the digests its scripts would verify nothing, and some verify too little even with
//! them: see [`amend`]. It runs in a folder of its own, so that it sees the files of one release and no checkout.
//!
//! The manifests for Homebrew, Scoop and winget are laid out as the repositories are that they belong into.

mod amend;
mod cask;
mod scoop;

use crate::authenticode::kind;
use crate::process;
use crate::progress::Progress;
use crate::toolchain::cargo_dist;
use crate::toolchain::rust::clean_command;
use crate::workspace;
use anyhow::{Context, Result, bail, ensure};
use packager::unfinished::{self, Unfinished};
use packager::{Artifact, Artifacts, Product, winget};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use toml::Table;

/// The configuration, in the checkout and in the folder that cargo-dist runs in.
const CONFIGURATION: &str = "dist-workspace.toml";
/// What cargo-dist says of the release, for machines.
const MANIFEST: &str = "dist-manifest.json";
/// Where cargo-dist leaves what it has made.
const MADE: &str = "target/distrib";

/// Makes the scripts that install the program, and the manifests for Homebrew, Scoop and winget
///
/// Of exactly the files in the folder `files` of a release, whose `artifacts.json` is there. The scripts, the formula and
/// dist-manifest.json appear among them; the manifests appear in `work`, as trees for the repositories they belong into.
#[derive(clap::Args)]
pub(crate) struct Installers {}

impl Installers {
    pub(super) fn run(self, root: &Path, folder: Option<&Path>) -> Result<()> {
        let here = || super::current_folder(root);
        let written = write(&folder.map_or_else(here, |folder| Ok(folder.to_owned()))?, &Progress::lines())?;
        for path in &written.files {
            println!("{}", path.display());
        }
        for note in &written.notes {
            println!("note: {note}");
        }
        Ok(())
    }
}

/// What was written, and what was not.
pub(crate) struct Written {
    /// The files.
    pub(crate) files: Vec<PathBuf>,
    /// What somebody should know before the release is published.
    pub(crate) notes: Vec<String>,
}

/// Makes everything for the release in `folder`.
///
/// # Errors
/// If the release has no list or not every archive, a file is not what the list says, or cargo-dist cannot be had, fails
/// or writes something unknown.
pub(crate) fn write(folder: &Path, progress: &Progress) -> Result<Written> {
    let release = Release::read(folder)?;
    let program = cargo_dist::prepare(progress)?;
    let made = release.run_cargo_dist(&program).context("letting cargo-dist make the installers")?;
    let mut files = Vec::new();
    for file in made.into_iter().chain([release.scoop()?]).chain(release.cask()?) {
        files.push(file.appear()?);
    }
    let mut notes = Vec::new();
    match release.winget() {
        Ok(written) => {
            files.extend(written.files);
            notes.extend(written.notes);
        }
        // What is between releases is tried out, too.
        Err(error) if release.is_between_releases() => notes.push(format!("nothing for winget: {error:#}")),
        Err(error) => return Err(error),
    }
    Ok(Written { files, notes })
}

/// An archive that installers fetch.
struct Archive<'a> {
    triple: &'a str,
    name: String,
    artifact: &'a Artifact,
}

/// A release whose files are there.
struct Release {
    files: PathBuf,
    work: PathBuf,
    list: Artifacts,
    version: String,
    product: Product,
    configuration: Table,
}

impl Release {
    fn read(folder: &Path) -> Result<Release> {
        let files = folder.join("files");
        let files = files.canonicalize().with_context(|| format!("looking for {}", files.display()))?;
        let list = Artifacts::load(&files)?;
        let list = list.with_context(|| format!("{} has no artifacts.json", files.display()))?;
        let mut versions: Vec<&str> = list.0.values().map(|artifact| artifact.version.as_str()).collect();
        versions.dedup();
        ensure!(
            versions.len() == 1,
            "{} has artifacts of {} versions ({}): installers are for one",
            files.display(),
            versions.len(),
            versions.join(", ")
        );
        let version = versions[0].to_owned();
        let product = Product::load(&workspace::product_manifest())?;
        let work = folder.join("work");
        Ok(Release { files, work, list, version, product, configuration: configuration()? })
    }

    fn is_between_releases(&self) -> bool {
        self.version.parse::<packager::Version>().is_ok_and(|version| version.is_dev())
    }

    /// Where the files of the release will be.
    fn address(&self) -> String {
        format!("{}/releases/download/v{}", workspace::REPOSITORY, self.version)
    }

    /// The archive for each target of the configuration, as it is.
    fn archives(&self) -> Result<Vec<Archive<'_>>> {
        let mut archives = Vec::new();
        for triple in targets(&self.configuration)? {
            let name = archive_name(&self.product, triple);
            let artifact = self.list.0.get(&name).with_context(|| {
                format!("the release has no {name}, which the installers for {triple} would fetch")
            })?;
            artifact.verify_file(&self.files.join(&name)).with_context(|| format!("{name} was changed"))?;
            archives.push(Archive { triple, name, artifact });
        }
        Ok(archives)
    }

    /// Lets cargo-dist write what it writes; all of it only waits for its names.
    fn run_cargo_dist(&self, program: &Path) -> Result<Vec<Unfinished>> {
        let archives = self.archives()?;
        fs::create_dir_all(&self.work).with_context(|| format!("making {}", self.work.display()))?;
        let folder = tempfile::Builder::new().prefix(unfinished::PREFIX).tempdir_in(&self.work)?;
        self.prepare(folder.path(), &archives)?;
        let tag = format!("--tag=v{}", self.version);
        let common = [&tag, "--no-local-paths", "--output-format=json"];
        for step in [&["build", "--artifacts=global"][..], &["host", "--steps=upload", "--steps=release"]] {
            // What it says on success is for those who let it do everything.
            process::run(in_folder(program, folder.path(), &[step, &common].concat()), |_| {})?;
        }
        let read = |name: &str| {
            let path = folder.path().join(MADE).join(name);
            fs::read_to_string(&path)
                .with_context(|| format!("reading {name}, which cargo-dist was to write"))
        };
        let name = &self.product.name;
        let [shell, powershell, formula] =
            [format!("{name}-installer.sh"), format!("{name}-installer.ps1"), format!("{name}.rb")];
        let texts = [
            (&shell, amend::shell(&read(&shell)?).with_context(|| format!("in {shell}"))?),
            (
                &powershell,
                amend::powershell(&read(&powershell)?, &archives)
                    .with_context(|| format!("in {powershell}"))?,
            ),
            (&formula, read(&formula)?),
        ];
        for (name, text) in &texts {
            let wanted = archives.iter().filter(|archive| text.contains(&archive.name));
            let without = wanted.clone().find(|archive| !text.contains(&archive.artifact.sha256));
            ensure!(
                wanted.count() > 0 && without.is_none(),
                "cargo-dist wrote a {name} that verifies nothing"
            );
        }
        let manifest = self.published(serde_json::from_str(&read(MANIFEST)?)?)?;
        let mut made = Vec::new();
        for (name, text) in &texts {
            made.push(unfinished::prepare(&self.files, name, text.as_bytes())?);
        }
        made.push(unfinished::prepare(&self.files, MANIFEST, manifest.as_bytes())?);
        let tap = self.work.join("homebrew/Formula");
        made.push(unfinished::prepare(&tap, &formula, texts[2].1.as_bytes())?);
        Ok(made)
    }

    /// Lays out what cargo-dist reads: a project without sources, whose archives were made elsewhere.
    fn prepare(&self, folder: &Path, archives: &[Archive<'_>]) -> Result<()> {
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
        };
        let is_archive = |name: &str| archives.iter().any(|archive| archive.name == name);
        let others: Vec<&String> = self.list.0.keys().filter(|name| !is_archive(name)).collect();
        let mut configuration = self.configuration.clone();
        configuration
            .insert("workspace".into(), Table::from_iter([("members".into(), vec!["dist:."].into())]).into());
        let dist = configuration.get_mut("dist").and_then(|dist| dist.as_table_mut());
        let extra = Table::from_iter([
            ("build".into(), vec!["true"].into()),
            (
                "artifacts".into(),
                others.iter().map(|name| format!("files/{name}")).collect::<Vec<_>>().into(),
            ),
        ]);
        dist.context("it has no section [dist]")?.insert("extra-artifacts".into(), vec![extra].into());
        write(CONFIGURATION, &toml::to_string(&configuration)?)?;
        let Product { name, vendor, homepage, license, summary, .. } = &self.product;
        let package = [
            ("name", name.as_str().into()),
            ("version", self.version.as_str().into()),
            ("description", summary.as_str().into()),
            ("authors", vec![vendor.as_str()].into()),
            ("license", license.as_str().into()),
            ("homepage", homepage.as_str().into()),
            ("repository", workspace::REPOSITORY.into()),
            ("binaries", vec![name.as_str()].into()),
            // It is never asked to.
            ("build-command", vec!["false"].into()),
        ];
        let package: Table =
            package.map(|(key, value): (_, toml::Value)| (key.to_owned(), value)).into_iter().collect();
        write("dist.toml", &toml::to_string(&Table::from_iter([("package".to_owned(), package.into())]))?)?;
        // It finds there what changed.
        write("CHANGELOG.md", &super::changelog(workspace::root())?.0)?;
        std::os::unix::fs::symlink(&self.files, folder.join("files"))?;
        fs::create_dir_all(folder.join(MADE))?;
        write(&format!("{MADE}/local-dist-manifest.json"), &self.local_manifest(archives).to_string())
    }

    /// What cargo-dist would have noted of files that it packed itself. From here it has the digests.
    fn local_manifest(&self, archives: &[Archive<'_>]) -> Value {
        let entry = |(name, artifact): (&String, &Artifact)| {
            let archive = archives.iter().find(|archive| archive.name == *name);
            let kind = if archive.is_some() { "executable-zip" } else { "extra-artifact" };
            let triples: Vec<&str> = archive.iter().map(|archive| archive.triple).collect();
            let checksums = json!({ "sha256": artifact.sha256 });
            (
                name.clone(),
                json!({ "name": name, "kind": kind, "target_triples": triples, "checksums": checksums }),
            )
        };
        let artifacts: Map<String, Value> = self.list.0.iter().map(entry).collect();
        let tag = format!("v{}", self.version);
        json!({ "dist_version": cargo_dist::VERSION, "announcement_tag": tag, "artifacts": artifacts })
    }

    /// cargo-dist's manifest without what is not published, such as its own lists of digests, and without what it says of
    /// machines: this one, and those that its own workflow would use.
    fn published(&self, mut manifest: Value) -> Result<String> {
        let whole = manifest.as_object_mut().context("dist-manifest.json is no object")?;
        for key in ["ci", "linkage", "systems", "upload_files"] {
            whole.remove(key);
        }
        let is_list = |artifact: &Value| {
            artifact["kind"].as_str().is_some_and(|kind| ["checksum", "unified-checksum"].contains(&kind))
        };
        let artifacts = whole.get_mut("artifacts").and_then(Value::as_object_mut);
        let artifacts = artifacts.context("dist-manifest.json lists no artifacts")?;
        artifacts.retain(|_, artifact| !is_list(artifact));
        for artifact in artifacts.values_mut().filter_map(Value::as_object_mut) {
            artifact.remove("checksum");
        }
        let kept: Vec<String> = artifacts.keys().cloned().collect();
        for release in whole.get_mut("releases").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(named) = release["artifacts"].as_array_mut() {
                named.retain(|name| name.as_str().is_some_and(|name| kept.iter().any(|kept| kept == name)));
            }
        }
        Ok(serde_json::to_string_pretty(&manifest)? + "\n")
    }

    /// Scoop's manifest, of the archives for Windows.
    fn scoop(&self) -> Result<Unfinished> {
        let text = scoop::manifest(&self.product, &self.version, &self.address(), &self.archives()?)
            .context("writing what Scoop needs to know")?;
        unfinished::prepare(
            &self.work.join("scoop/bucket"),
            &format!("{}.json", self.product.name),
            text.as_bytes(),
        )
    }

    /// Homebrew's cask, of the package for macOS where the release has one.
    fn cask(&self) -> Result<Option<Unfinished>> {
        let mut packages = self.list.0.iter().filter(|(_, artifact)| artifact.format == "pkg");
        let Some((name, package)) = packages.next() else { return Ok(None) };
        if let Some((other, _)) = packages.next() {
            bail!("the release has two packages for macOS, {name} and {other}: Homebrew's cask is for one");
        }
        package.verify_file(&self.files.join(name)).with_context(|| format!("{name} was changed"))?;
        let text = cask::text(&self.product, &self.version, &self.address(), name, package);
        let file = format!("{}.rb", cask::token(&self.product));
        unfinished::prepare(&self.work.join("homebrew/Casks"), &file, text.as_bytes()).map(Some)
    }

    /// winget's manifests, of the MSI.
    fn winget(&self) -> Result<Written> {
        let facts = self.product.winget.as_ref().context("the product manifest has no section [winget]")?;
        let packages = self.list.0.iter().filter(|(_, artifact)| artifact.format == "msi");
        let packages: Vec<PathBuf> = packages.map(|(name, _)| self.files.join(name)).collect();
        let folder = self.work.join("winget").join(winget_folder(&facts.identifier, &self.version));
        let changelog = self.product.changelog()?;
        let files = winget::write(&folder, &self.product, &changelog, &packages, &self.address())?;
        let mut notes = Vec::new();
        for path in &packages {
            if !kind::look(path)?.is_signed {
                notes.push(format!(
                    "{} is not signed, and winget's manifests have its digest",
                    path.display()
                ));
            }
        }
        Ok(Written { files, notes })
    }
}

/// The configuration of this checkout.
fn configuration() -> Result<Table> {
    let path = workspace::root().join(CONFIGURATION);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    text.parse().with_context(|| format!("reading {}", path.display()))
}

/// The targets for which there are installers.
fn targets(configuration: &Table) -> Result<Vec<&str>> {
    let targets = configuration.get("dist").and_then(|dist| dist.get("targets")?.as_array());
    let targets = targets.with_context(|| format!("{CONFIGURATION} has no dist.targets"))?;
    Ok(targets.iter().filter_map(toml::Value::as_str).collect())
}

/// What cargo-dist calls the archive for a target.
fn archive_name(product: &Product, triple: &str) -> String {
    let extension = if triple.contains("-windows-") { "zip" } else { "tar.gz" };
    format!("{}-{triple}.{extension}", product.name)
}

/// Where the manifests of a package belong in winget's repository.
fn winget_folder(identifier: &str, version: &str) -> PathBuf {
    let first = identifier.chars().take(1).collect::<String>().to_ascii_lowercase();
    Path::new("manifests").join(first).join(identifier.replace('.', "/")).join(version)
}

/// cargo-dist in its folder, with an environment that says nothing, and which is not asked for a checkout around it.
fn in_folder(program: &Path, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = clean_command(program, &[]);
    command.args(arguments).current_dir(folder).env("GIT_CEILING_DIRECTORIES", folder);
    command
}

#[cfg(test)]
mod tests;
