//! `cargo xtask release verify`: what a stranger runs. `release-tools` judges the files; `--rebuild` builds them again.
//!
//! The rebuild happens in a checkout of its own, of the commit that the release names. Stored signatures are attached to
//! what is built, so that signed files are compared, too.

use super::build::compare;
use super::git::Git;
use super::place::{artifacts, name_on_the_web};
use super::{sign, tag};
use crate::authenticode::Trust;
use crate::judges::Judges;
use crate::sign::is_for_mac;
use crate::{process, release_tools, settings, workspace};
use anyhow::{Context, Result, bail, ensure};
use packager::{Artifacts, Os, Target, Version};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Checks a release: digests, signatures, bills of materials, provenance; and whether the sources give the same bits
#[derive(clap::Args)]
pub(crate) struct Verify {
    /// A folder with all files of a release, or the address of one; by default the files of the release here
    target: Option<OsString>,
    /// Builds everything again from the tag, attaches the published signatures, and compares every bit
    #[arg(long)]
    rebuild: bool,
    #[command(flatten)]
    trust: Trust,
    /// Further options of `release-tools verify`, such as --key FILE
    #[arg(last = true)]
    further: Vec<OsString>,
}

impl Verify {
    pub(super) fn run(&self, root: &Path, folder: Option<&Path>, dry_run: bool) -> Result<()> {
        let target = match &self.target {
            Some(target) => target.clone(),
            None => here(root, folder)?.into_os_string(),
        };
        if dry_run {
            let rebuild = if self.rebuild { ", build them again from the sources, and compare" } else { "" };
            println!("would check the files of {}{rebuild}", target.to_string_lossy());
            return Ok(());
        }
        let kept = tempfile::tempdir()?;
        let is_address = target.to_string_lossy().contains("://");
        let mut further = self.further.clone();
        if is_address {
            further.extend(["--into".into(), kept.path().into()]);
        }
        let files = if is_address { kept.path() } else { Path::new(&target) };
        let opened = check(&target, files, &further, &self.trust)?;
        if self.rebuild {
            Rebuild { root, files, opened: opened.path(), trust: &self.trust }.run()?;
        }
        Ok(())
    }
}

/// Checks a release whose files are, or will be, in a folder; returns one with its signatures and its provenance.
///
/// # Errors
/// If something is not as it should be.
pub(super) fn check(target: &OsStr, files: &Path, further: &[OsString], trust: &Trust) -> Result<TempDir> {
    let mut command = release_tools::command()?;
    command.arg("verify").arg(target).args(further);
    let status = command.status().context("starting release-tools")?;
    process::stop_if_interrupted()?;
    ensure!(status.success(), "the release is not as it should be, as said above: use none of its files");
    let opened = tempfile::tempdir()?;
    open(files, opened.path())?;
    let trusted = settings::trust(None)?;
    let complete = |from: Trust| {
        let mut trust = trust.clone();
        trust.complete(from);
        trust
    };
    let judges = Judges::new(complete(trusted.windows), complete(trusted.apple));
    authenticode(files, opened.path(), &judges)?;
    for_mac(files, opened.path(), &judges)?;
    Ok(opened)
}

/// Judges the signatures for macOS, where there are some.
fn for_mac(files: &Path, opened: &Path, judges: &Judges) -> Result<()> {
    let signatures = opened.join("signatures");
    if !sign::has(&signatures, is_for_mac) {
        println!("not checked: signatures for macOS, of which there are none");
        return Ok(());
    }
    let mut bad = 0;
    for (name, artifact) in &artifacts(files)?.0 {
        let is_node = is_for_mac(name);
        if is_node && !sign::has(&signatures, |node| node == name) {
            println!("not checked: {name}, of which there is no signature");
        } else if is_node || artifact.programs.iter().any(|program| is_for_mac(&program.target)) {
            for verdict in judges.judge(name, &files.join(name))? {
                println!("{verdict}");
                bad += usize::from(!verdict.ok);
            }
        }
    }
    ensure!(bad == 0, "{bad} files are not signed as they should be: use none of the files");
    Ok(())
}

/// Judges the signatures for Windows, where there are some, and where the tool for it is there.
fn authenticode(files: &Path, opened: &Path, judges: &Judges) -> Result<()> {
    if !sign::has(&opened.join("signatures"), |node| !is_for_mac(node)) {
        println!("not checked: signatures for Windows, of which there are none");
        return Ok(());
    }
    if let Err(error) = judges.windows() {
        println!("not checked: signatures for Windows ({error:#})");
        return Ok(());
    }
    let mut bad = 0;
    for (name, artifact) in &artifacts(files)?.0 {
        let mut programs = artifact.programs.iter().map(|program| program.target.parse::<Target>());
        // In the kit it is the MSI that is signed.
        let has_installer = artifact.made_from.iter().any(|part| part.file.ends_with(".msi"));
        if has_installer || programs.any(|target| target.is_ok_and(|target| target.os == Os::Windows)) {
            for verdict in judges.judge(name, &files.join(name))? {
                println!("{verdict}");
                bad += usize::from(!verdict.ok);
            }
        }
    }
    ensure!(bad == 0, "{bad} files are not signed as they should be: use none of the files");
    Ok(())
}

/// The files of the release that the changelog names.
fn here(root: &Path, folder: Option<&Path>) -> Result<PathBuf> {
    let folder = folder.map_or_else(|| super::current_folder(root), |folder| Ok(folder.to_owned()))?;
    let files = folder.join("files");
    ensure!(files.is_dir(), "{} has no files of a release: name a folder or an address", folder.display());
    Ok(files)
}

/// Building a release again, and comparing.
struct Rebuild<'a> {
    root: &'a Path,
    files: &'a Path,
    /// Its signatures and provenance.
    opened: &'a Path,
    trust: &'a Trust,
}

impl Rebuild<'_> {
    fn run(&self) -> Result<()> {
        let (version, commit) = origin(self.opened)?;
        let git = Git::of(self.root)?;
        let found = git.commit_of_tag(&tag(version))?;
        ensure!(
            found.as_ref() == Some(&commit),
            "the provenance names the commit {commit}, and here {} is {}: git fetch --tags, and ask who publishes if they differ still",
            tag(version),
            found.as_deref().unwrap_or("not there")
        );
        let work = tempfile::Builder::new().prefix("rebuild-").tempdir_in(workspace::target(""))?;
        let checkout = work.path().join("checkout");
        let shown = checkout.to_string_lossy().into_owned();
        git.read(&["worktree", "add", "--quiet", "--detach", &shown, &commit])?;
        let outcome = self.build_and_compare(&checkout, work.path());
        git.read(&["worktree", "remove", "--force", &shown])?;
        outcome
    }

    fn build_and_compare(&self, checkout: &Path, work: &Path) -> Result<()> {
        let xtask = |arguments: &[OsString]| {
            let mut command = Command::new("cargo");
            command.arg("xtask").args(arguments).current_dir(checkout);
            println!("$ {}", process::show(&command));
            process::run(command, |line| println!("{line}"))
        };
        let (published, unsigned) = (artifacts(self.files)?, checkout.join("dist"));
        // Appliances are made only when they are named, and not everybody releases them.
        let names: BTreeSet<_> =
            published.0.values().map(|artifact| OsString::from(&artifact.artifact)).collect();
        xtask(&[OsString::from("dist")].into_iter().chain(names).collect::<Vec<_>>())?;
        comparable(&published, &artifacts(&unsigned)?)?;
        let signatures = self.opened.join("signatures");
        let mut over = None;
        if sign::has(&signatures, |_| true) {
            let mut attach = vec!["sign".into(), "--attach".into(), signatures.clone().into()];
            // The checkout has none: they are not kept with the sources.
            let trusted = settings::default_path();
            if trusted.is_file() {
                attach.extend(["--config".into(), trusted.into()]);
            }
            attach.extend(self.trust.options());
            xtask(&attach)?;
            over = Some(checkout.join("dist-signed"));
        }
        let again = work.join("files");
        packager::lay_over(&unsigned, over.as_deref(), |name| Some(name_on_the_web(name)), &again)?;
        sign::sign_rpms(&again, &signatures, None, true)?;
        compare(&again, self.files)?;
        println!("{} artifacts were built again from the sources: every bit is the same", published.0.len());
        Ok(())
    }
}

/// Unpacks the detached signatures and the provenance of a release into a folder.
fn open(files: &Path, into: &Path) -> Result<()> {
    let mut command = release_tools::with_product("open")?;
    let status = command.arg(files).arg("--into").arg(into).status();
    ensure!(
        status.context("starting release-tools")?.success(),
        "the signatures cannot be unpacked, as said above"
    );
    Ok(())
}

/// Which version, of which commit, a release says it is.
fn origin(opened: &Path) -> Result<(Version, String)> {
    let path = opened.join("provenance.json");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let statement: Value = serde_json::from_str(&text).context("the provenance is no JSON")?;
    let parameters = &statement["predicate"]["buildDefinition"]["externalParameters"];
    let text = |key: &str| {
        parameters[key]
            .as_str()
            .with_context(|| format!("the provenance names no {key}: it was not made by these tools"))
    };
    let version = text("ref")?
        .trim_start_matches("refs/tags/v")
        .parse()
        .context("the provenance names no tag of a version")?;
    Ok((version, text("commit")?.to_owned()))
}

/// Refuses to call different what was made with another compiler or standard library.
fn comparable(published: &Artifacts, built: &Artifacts) -> Result<()> {
    let toolchains = |list: &Artifacts| {
        list.0.values().map(|artifact| artifact.toolchain.clone()).collect::<BTreeSet<_>>()
    };
    let (theirs, ours) = (toolchains(published), toolchains(built));
    if theirs != ours {
        let join = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join("\n    ");
        bail!(
            "not comparable: the release was made with\n    {}\n  and here it was built with\n    {}\n  Build where those can be had (`rustup target add`, PYWATS_BUILD_STD=rustup)",
            join(&theirs),
            join(&ours)
        );
    }
    Ok(())
}
