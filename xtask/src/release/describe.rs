//! `cargo xtask release describe`: what lies beside the artifacts, and the signed lists over everything.
//!
//! `release-tools` writes bills of materials, licences, provenance, notes and the page, cargo-dist the installers by
//! script. Then everything is sealed: the last thing that changes the files.

use super::installers;
use super::place::{Place, artifacts};
use super::state::{Name, Standing, State};
use crate::progress::Progress;
use crate::{process, release_tools};
use anyhow::{Context, Result, ensure};
use packager::unfinished;
use std::fs;
use std::path::{Path, PathBuf};

/// Adds bills of materials, licences, provenance, notes, a page and installers by script; then signs the lists
#[derive(clap::Args)]
pub(crate) struct Describe {
    /// The settings of the OpenPGP key, by default repository.toml in the workspace
    #[arg(long, value_name = "FILE")]
    openpgp: Option<PathBuf>,
    /// Attaches the signatures that are stored instead of signing; needs no key
    #[arg(long)]
    attach: bool,
    /// Where it is built, for the provenance: an address that says it, such as that of a workflow
    #[arg(long, value_name = "TEXT")]
    builder: Option<String>,
    /// Describes again what is described
    #[arg(long)]
    again: bool,
}

impl Describe {
    pub(super) fn run(&self, place: &Place, dry_run: bool) -> Result<()> {
        let state = State::load(place)?;
        let is_done = matches!(state.standing(Name::Describe, place)?, Standing::Done(_)) && !self.again;
        if dry_run {
            println!(
                "{}",
                if is_done {
                    "would describe nothing: it is done"
                } else {
                    "would describe and seal every file"
                }
            );
            return Ok(());
        }
        if is_done {
            println!("everything is described; --again does it again");
            return Ok(());
        }
        let _lock = place.lock()?;
        let mut state = State::load(place)?;
        state.require(Name::Sign, place)?;
        refuse_strays(place)?;
        let notes = self.describe(place)?.notes;
        notes.iter().for_each(|note| println!("note: {note}"));
        if !seal(place, self.openpgp.as_deref(), self.attach)? {
            println!("the lists are signed once nothing is waited for: run this again then");
            return Ok(());
        }
        state.take(Name::Describe, notes, place)
    }

    fn describe(&self, place: &Place) -> Result<installers::Written> {
        let mut command = release_tools::command()?;
        command.arg("describe").arg("--folder").arg(place.folder()).arg("--root").arg(&place.root);
        command.args(["--commit", &place.commit]);
        if let Some(builder) = &self.builder {
            command.args(["--builder", builder]);
        }
        let status = command.status().context("starting release-tools")?;
        process::stop_if_interrupted()?;
        ensure!(status.success(), "the release is not described, as said above");
        documentation(place)?;
        installers::write(place.folder(), &Progress::lines())
    }
}

/// What lies beside the artifacts, by how its name ends.
const MADE: [&str; 16] = [
    "artifacts.json",
    "SHA256SUMS",
    "SHA256SUMS.asc",
    "SHA256SUMS.sig",
    "allowed_signers",
    "install.html",
    "dist-manifest.json",
    ".cdx.json",
    ".spdx.json",
    "-licenses.txt",
    "-installer.sh",
    "-installer.ps1",
    ".rb",
    ".asc",
    ".intoto.jsonl",
    "-signatures.tar.gz",
];

/// Refuses files that nobody made: what is published can never be taken back.
fn refuse_strays(place: &Place) -> Result<()> {
    let (folder, list) = (place.files(), artifacts(&place.files())?);
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let name = entry.with_context(|| format!("reading {}", folder.display()))?.file_name();
        let name = name.to_string_lossy();
        // What a run left that was killed; the next one removes it.
        let is_unfinished = name.starts_with(unfinished::PREFIX);
        ensure!(
            is_unfinished || list.0.contains_key(&*name) || MADE.iter().any(|end| name.ends_with(end)),
            "{} has {name}, which no step made, and whatever lies there is published for ever: move it away",
            folder.display()
        );
    }
    Ok(())
}

/// Lays out the documents of the version as its web site has them: below the version, with the page as the first one.
fn documentation(place: &Place) -> Result<()> {
    let all = place.work("documentation");
    if all.exists() {
        fs::remove_dir_all(&all).with_context(|| format!("removing {}", all.display()))?;
    }
    let folder = all.join(place.version.to_string());
    let mut sources = vec![(place.files().join("install.html"), "index.html".to_owned())];
    for name in ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"] {
        sources.push((place.root.join(name), name.to_owned()));
    }
    let docs = place.root.join("docs");
    for entry in fs::read_dir(&docs).with_context(|| format!("reading {}", docs.display()))? {
        let entry = entry.with_context(|| format!("reading {}", docs.display()))?;
        sources.push((entry.path(), format!("docs/{}", entry.file_name().to_string_lossy())));
    }
    fs::create_dir_all(folder.join("docs")).with_context(|| format!("making {}", folder.display()))?;
    for (from, to) in sources {
        fs::copy(&from, folder.join(to)).with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(())
}

/// Signs the lists. Whether nothing is waited for.
fn seal(place: &Place, config: Option<&Path>, attach: bool) -> Result<bool> {
    let mut command = release_tools::with_product("seal")?;
    command.arg("--folder").arg(place.folder());
    release_tools::add_key(&mut command, config, attach)?;
    let status = command.status().context("starting release-tools")?;
    process::stop_if_interrupted()?;
    if release_tools::is_waiting(status) {
        return Ok(false);
    }
    ensure!(status.success(), "the lists are not signed, as said above");
    Ok(true)
}
