//! `cargo xtask release sign`: every signature, and the files that will be uploaded.
//!
//! Programs, installers and kits are signed by `cargo xtask sign`, RPMs by `release-tools`, each from the unsigned file
//! and with its detached signature stored. What signs nothing is copied as it is.

use super::place::{self, Place, name_on_the_web};
use super::state::{Name, Standing, State};
use crate::authenticode::Trust;
use crate::sign::{Whole, is_for_mac};
use crate::{process, release_tools};
use anyhow::{Context, Result, ensure};
use packager::lay_over;
use std::fs;
use std::path::{Path, PathBuf};

/// Signs whatever can be signed, and puts the files together that will be uploaded
///
/// Signatures are kept in the release's folder: what is signed is not signed again, and --attach makes the same files
/// without a key.
#[derive(clap::Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    windows: Whole,
    /// Leaves out these signatures, and says so in the state; a release without them is no good for IT departments
    #[arg(long, value_name = "KIND", value_enum)]
    without: Vec<Kind>,
    /// The settings of the OpenPGP key, by default repository.toml in the workspace
    #[arg(long, value_name = "FILE")]
    openpgp: Option<PathBuf>,
    /// Signs again what is signed, from the stored signatures where they fit
    #[arg(long)]
    again: bool,
}

/// A kind of signatures.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Authenticode, in what is for Windows, and with it what is for macOS
    Windows,
    /// OpenPGP, in RPMs
    Openpgp,
}

impl Sign {
    pub(super) fn run(&self, place: &Place, dry_run: bool) -> Result<()> {
        let state = State::load(place)?;
        let is_done = matches!(state.standing(Name::Sign, place)?, Standing::Done(_)) && !self.again;
        if dry_run {
            println!(
                "{}",
                if is_done { "would sign nothing: it is done".to_owned() } else { self.plan(place) }
            );
            return Ok(());
        }
        if is_done {
            println!("everything is signed; --again does it again");
            return Ok(());
        }
        let _lock = place.lock()?;
        let mut state = State::load(place)?;
        state.require(Name::Build, place)?;
        let Some(notes) = self.make(place)? else {
            println!("the files are put together once nothing is waited for: run this again then");
            return Ok(());
        };
        state.take(Name::Sign, notes, place)
    }

    fn plan(&self, place: &Place) -> String {
        let how = if self.windows.attach { "attach the stored signatures" } else { "sign" };
        let left = |kind, what| {
            if self.without.contains(&kind) { format!("{what}: left out\n") } else { String::new() }
        };
        format!(
            "would {how}: programs and installers for Windows, RPMs\n{}{}would put the files into {}",
            left(Kind::Windows, "Windows"),
            left(Kind::Openpgp, "OpenPGP"),
            place.files().display()
        )
    }

    /// Signs; nothing comes of it as long as somebody is waited for.
    fn make(&self, place: &Place) -> Result<Option<Vec<String>>> {
        let mut notes = Vec::new();
        let mut over = None;
        if self.without.contains(&Kind::Windows) {
            notes.push(WITHOUT_WINDOWS.to_owned());
        } else {
            let signed = place.signed();
            if !self.windows.make(&signed, &place.signatures())? {
                return Ok(None);
            }
            over = Some(signed);
            // A configuration may be for macOS alone.
            if !has(&place.signatures(), |node| !is_for_mac(node)) {
                notes.push(WITHOUT_WINDOWS.to_owned());
            }
        }
        lay_over(&place.unsigned(), over.as_deref(), |name| Some(name_on_the_web(name)), &place.files())?;
        if self.without.contains(&Kind::Openpgp) {
            notes.push(WITHOUT_RPMS.to_owned());
        } else if !sign_rpms(
            &place.files(),
            &place.signatures(),
            self.openpgp.as_deref(),
            self.windows.attach,
        )? {
            return Ok(None);
        }
        Ok(Some(notes))
    }
}

/// What the state says of signatures that were left out.
const WITHOUT_WINDOWS: &str = "what is for Windows is not signed";
const WITHOUT_RPMS: &str = "RPMs are not signed";

/// Signs the RPMs of a folder, or attaches stored signatures. Whether nothing is waited for.
pub(super) fn sign_rpms(
    files: &Path,
    signatures: &Path,
    config: Option<&Path>,
    attach: bool,
) -> Result<bool> {
    let mut command = release_tools::command()?;
    command.arg("sign").arg("--files").arg(files).arg("--signatures").arg(signatures);
    release_tools::add_key(&mut command, config, attach)?;
    let status = command.status().context("starting release-tools")?;
    process::stop_if_interrupted()?;
    if release_tools::is_waiting(status) {
        return Ok(false);
    }
    ensure!(status.success(), "the RPMs are not signed, as said above");
    Ok(true)
}

/// Whether a folder has signatures of programs or artifacts of which this can be said. A list that cannot be read has
/// signatures of everything.
pub(super) fn has(signatures: &Path, of: impl Fn(&str) -> bool) -> bool {
    let versions = fs::read_dir(signatures).into_iter().flatten().flatten();
    let mut lists = versions.map(|entry| entry.path()).filter(|path| path.join(crate::sign::STORE).is_file());
    lists.any(|folder| crate::sign::Store::load(&folder).map_or(true, |store| store.nodes().any(&of)))
}

/// Whether every published artifact is what comes of a judged one and the stored signatures.
///
/// # Errors
/// If one is not, or it cannot be tried.
pub(super) fn check(place: &Place, trust: &Trust, notes: &[String]) -> Result<()> {
    let folder = place.work("attached");
    let is_left_out = |what: &str| notes.iter().any(|note| note == what);
    let remove = || if folder.exists() { fs::remove_dir_all(&folder) } else { Ok(()) };
    remove().context("removing what an earlier check left")?;
    let mut over = None;
    if !is_left_out(WITHOUT_WINDOWS) || has(&place.signatures(), is_for_mac) {
        let signed = folder.join("signed");
        Whole::attaching(trust).make(&signed, &place.signatures())?;
        over = Some(signed);
    }
    let files = folder.join("files");
    let mut attached =
        lay_over(&place.unsigned(), over.as_deref(), |name| Some(name_on_the_web(name)), &files)?;
    if !is_left_out(WITHOUT_RPMS) {
        sign_rpms(&files, &place.signatures(), None, true)?;
        attached = place::artifacts(&files)?;
    }
    let published = place::artifacts(&place.files())?;
    for (name, artifact) in &attached.0 {
        let same = published.0.get(name).is_some_and(|other| other.sha256 == artifact.sha256);
        ensure!(
            same,
            "{name} is not what comes of the file that the tests judged and its stored signature: cargo xtask release sign --again"
        );
    }
    ensure!(
        published.0.len() == attached.0.len(),
        "{} has artifacts that were never built",
        place.files().display()
    );
    remove().context("removing what was made for the check")
}
