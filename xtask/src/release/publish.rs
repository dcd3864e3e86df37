//! `cargo xtask release publish`: what must be right before anybody can download it; then `release-tools` uploads.

use super::build::is_from_source;
use super::place::{Place, artifacts};
use super::state::{Name, State};
use super::{judged, sign, verify};
use crate::authenticode::Trust;
use crate::{process, release_tools, workspace};
use anyhow::{Context, Result, ensure};
use std::ffi::OsString;
use std::net::IpAddr;

/// Publishes the release: drafts, uploads, compares, publishes; then the repositories and package managers
///
/// Goes on where it was broken off. Refuses what no green test of this commit stands behind, what is not signed, and
/// what others cannot build again.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// One step, by default all that are set up: github, packages, image, winget, scoop, homebrew, documentation
    step: Option<String>,
    /// The address of GitHub's API; one of this machine makes a rehearsal of it
    #[arg(long, value_name = "URL", default_value = "https://api.github.com")]
    api: String,
    /// Publishes although signatures were left out in the step sign
    #[arg(long)]
    unsigned: bool,
    #[command(flatten)]
    trust: Trust,
    /// Further options of `release-tools publish`
    #[arg(last = true)]
    further: Vec<OsString>,
}

impl Publish {
    pub(super) fn run(&self, place: &Place, dry_run: bool) -> Result<()> {
        let _lock = place.lock()?;
        let mut state = State::load(place)?;
        self.check(place, &state)?;
        let mut command = release_tools::with_product("publish")?;
        command.args(&self.step).arg("--folder").arg(place.folder());
        command.args(["--version", &place.version.to_string(), "--commit", &place.commit]);
        command.args(["--repository", workspace::REPOSITORY, "--api", &self.api]);
        let settings = place.root.join("release.toml");
        if settings.is_file() {
            command.arg("--config").arg(settings);
        }
        command.args(&self.further);
        if dry_run {
            command.arg("--dry-run");
        }
        let status = command.status().context("starting release-tools")?;
        process::stop_if_interrupted()?;
        // What was tried, or is one step of several, says nothing of the whole.
        let is_whole = !dry_run && self.step.is_none() && !is_of_this_machine(&self.api);
        if !status.success() && is_whole {
            state.forget(Name::Publish, place)?;
        }
        ensure!(
            status.success(),
            "not everything is published, as said above: mend that, then run this again; it goes on"
        );
        if !is_whole {
            println!("noted is only the whole, on GitHub itself: cargo xtask release publish");
            return Ok(());
        }
        state.take(Name::Publish, Vec::new(), place)
    }

    /// Whether everything may be published.
    fn check(&self, place: &Place, state: &State) -> Result<()> {
        for step in [Name::Build, Name::Sign, Name::Describe] {
            state.require(step, place)?;
        }
        let list = artifacts(&place.unsigned())?;
        state.require(Name::Test, place)?;
        judged::check(&list, &[place.tests()], &place.commit)?;
        let is_rehearsal = is_of_this_machine(&self.api);
        ensure!(
            is_rehearsal || !is_from_source(&list),
            "programs have a standard library that was built from source, so that nobody could build the same bits: build where `rustup target add` works, with PYWATS_BUILD_STD=rustup"
        );
        let notes = &state.require(Name::Sign, place)?.notes;
        ensure!(
            is_rehearsal || self.unsigned || notes.is_empty(),
            "signatures were left out ({}): cargo xtask release sign, or --unsigned",
            notes.join("; ")
        );
        println!("attaching the stored signatures to what the tests judged, and comparing");
        sign::check(place, &self.trust, notes)?;
        let files = place.files();
        verify::check(files.as_os_str(), &files, &[], &self.trust).map(drop)
    }
}

/// Whether an address is one of the machine itself.
fn is_of_this_machine(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: somebody else's address makes a rehearsal, in which less is asked for.
    #[test]
    fn knows_rehearsals() {
        for (url, is_ours) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.0.0.1/api", true),
            ("http://localhost:1", true),
            ("http://[::1]:80/", true),
            ("https://api.github.com", false),
            ("https://127.0.0.1.example.com", false),
            ("https://user@example.com:443", false),
            ("https://localhost@example.com", false),
            ("", false),
        ] {
            assert_eq!(is_of_this_machine(url), is_ours, "{url}");
        }
    }
}
