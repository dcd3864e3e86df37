//! `release-tools verify`: what a stranger runs, on a folder or an address, to know who made the files and that nobody
//! changed them.
//!
//! The key vouches for `SHA256SUMS`, that for every file, and everything that describes the files is compared with them.
//! All of it may have been written by an attacker. So names lead nowhere, sizes have ends, and nothing is executed; only
//! what somebody vouches for is opened.

mod described;
mod release;
mod report;
mod signed;

use crate::fetch::Remote;
use crate::openpgp::PublicKey;
use crate::{ssh, sums};
use anyhow::{Context, Result, anyhow, ensure};
use packager::Folder;
use packager::artifacts::SUMS;
use release::Release;
use report::{Outcome, Report};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// Checks the files of a release: signatures, digests, provenance and bills of materials
///
/// Takes a folder, the address of a release's page on GitHub, or that of any folder on the web. Fails unless everything
/// that was checked is right, and says what was not checked.
#[derive(clap::Args)]
pub(crate) struct Verify {
    /// The folder or address
    #[arg(value_name = "DIR|URL")]
    place: String,
    /// The OpenPGP key of who publishes, from a place that you trust
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The fingerprint of that key, from a place that you trust
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Whose signatures by ssh count, from a place that you trust
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Where downloaded files are put; by default they are removed in the end
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Prints the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(serde::Serialize)]
struct Verdict {
    /// Whether everything that was checked is right.
    ok: bool,
    place: String,
    /// The fingerprint of the key.
    key: Option<String>,
    /// Whether that is the one that was asked for.
    key_is_given: bool,
    #[serde(flatten)]
    report: Report,
}

impl Verdict {
    /// What a person takes from it when nothing is wrong.
    fn sentence(&self) -> String {
        let right = format!("{}: everything that was checked is right", self.place);
        match &self.key {
            Some(key) if !self.key_is_given => format!(
                "{right}. BUT WHOSE KEY THIS IS WAS NOT CHECKED: whoever changes all files can bring a key along. Compare its fingerprint, {key}, with the one that is published elsewhere, or give that by --fingerprint"
            ),
            _ => right,
        }
    }
}

impl Verify {
    /// Checks the files.
    ///
    /// # Errors
    /// If anything is wrong, or the files cannot be had.
    pub(crate) fn run(&self) -> Result<()> {
        let verdict = self.judge()?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&verdict)?);
        } else {
            print!("{}", verdict.report.table());
        }
        let wrong = verdict.report.wrong();
        ensure!(
            verdict.ok,
            "{}: {wrong} checks found something wrong: do not use what is named WRONG above",
            self.place
        );
        if !self.json {
            println!("{}", verdict.sentence());
        }
        Ok(())
    }

    fn judge(&self) -> Result<Verdict> {
        let wanted = self.fingerprint.as_deref().map(fingerprint).transpose()?;
        let allowed = self
            .allowed_signers
            .as_ref()
            .map(|path| fs::read_to_string(path).with_context(|| format!("reading {}", path.display())));
        let allowed = allowed.transpose()?;
        let given = self.key.as_deref().map(PublicKey::read).transpose()?;
        if let (Some(key), Some(wanted)) = (&given, &wanted) {
            ensure!(
                key.fingerprint() == *wanted,
                "--key has the fingerprint {}, not that of --fingerprint",
                key.fingerprint()
            );
        }
        let (folder, remote, _temporary) = self.place()?;
        let mut report = Report::default();
        let mut key = None;
        match Release::open(folder, remote) {
            Ok(release) => {
                let (wanted, allowed) = (wanted.as_deref(), allowed.as_deref());
                key = check(&mut report, release, given, wanted, allowed, &self.place)?;
            }
            Err(error) => {
                let advice = "give the folder or address of a release, with all of its files";
                report.judge(SUMS, advice, Err(error));
            }
        }
        report.add(
            "the same bits from the sources",
            Outcome::NotChecked,
            "docs/verifying.md says how to build them again",
        );
        Ok(Verdict {
            ok: report.wrong() == 0,
            place: self.place.clone(),
            key: key.map(|key| key.fingerprint()),
            key_is_given: self.key.is_some() || wanted.is_some(),
            report,
        })
    }

    /// Where the files are or come to be, and from where.
    fn place(&self) -> Result<(PathBuf, Option<Remote>, Option<TempDir>)> {
        if !self.place.contains("://") {
            ensure!(self.into.is_none(), "--into is for files that are downloaded");
            let folder = PathBuf::from(&self.place);
            ensure!(
                folder.is_dir(),
                "{} is no folder: give that of a release, or its address",
                folder.display()
            );
            return Ok((folder, None, None));
        }
        let remote = Remote::new(&self.place)?;
        if let Some(folder) = &self.into {
            // Removes what an earlier run left that was broken off.
            let folder = Folder::open(folder)?.path().to_owned();
            return Ok((folder, Some(remote), None));
        }
        let temporary = tempfile::tempdir().context("making a folder for what is downloaded")?;
        Ok((temporary.path().to_owned(), Some(remote), Some(temporary)))
    }
}

/// Forty hexadecimal digits, however they are written.
fn fingerprint(text: &str) -> Result<String> {
    let digits = text.trim().trim_start_matches("0x").replace([' ', ':'], "").to_uppercase();
    ensure!(
        digits.len() == 40 && digits.chars().all(|c| c.is_ascii_hexdigit()),
        "--fingerprint is to have all 40 hexadecimal digits: a part of them could be that of another key"
    );
    Ok(digits)
}

/// Everything, in the order in which one thing vouches for the next. Returns the key.
fn check(
    report: &mut Report,
    mut release: Release,
    given: Option<PublicKey>,
    wanted: Option<&str>,
    allowed: Option<&str>,
    address: &str,
) -> Result<Option<PublicKey>> {
    let key = find_key(report, &release, given, wanted)?;
    release.fetch_small_if_listed(ssh::ALLOWED)?;
    let is_signed = match &key {
        Some(key) => signed::list(report, &release, key),
        None => {
            report.add(sums::OPENPGP, Outcome::NotChecked, "there is no key to check it with");
            false
        }
    };
    signed::list_by_ssh(report, &release, allowed);
    let Some(key) = key.filter(|_| is_signed) else {
        let said = format!("nobody vouches for {SUMS}, so nothing else was fetched, opened or compared");
        report.add("all other files", Outcome::NotChecked, said);
        return Ok(None);
    };
    release.fetch_all()?;
    digests(report, &mut release);
    unlisted(report, &release);
    let artifacts = described::artifacts(report, &release);
    let signatures = signed::rpms(report, &release, &key, &artifacts);
    signed::archive(report, &release, &signatures);
    described::version(report, &artifacts, address);
    described::provenance(report, &release, &key, &artifacts);
    described::materials(report, &release, &artifacts);
    let windows: Vec<_> = [".exe", ".msi", ".zip", "-win_amd64.whl", "-win_arm64.whl"]
        .iter()
        .flat_map(|end| release.intact(end))
        .collect();
    if !windows.is_empty() {
        let said = format!(
            "Authenticode: run `cargo xtask verify`, or on Windows `Get-AuthenticodeSignature`, on {}",
            windows.join(", ")
        );
        report.add("signatures for Windows", Outcome::NotChecked, said);
    }
    Ok(Some(key))
}

/// The key by which the files have to be signed, if it is to be had.
fn find_key(
    report: &mut Report,
    release: &Release,
    given: Option<PublicKey>,
    wanted: Option<&str>,
) -> Result<Option<PublicKey>> {
    let wanted = wanted.map(str::to_owned).or(given.as_ref().map(PublicKey::fingerprint));
    let listed = release.sums.0.keys().filter(|name| name.ends_with(".asc")).collect::<Vec<_>>();
    let [name] = listed[..] else {
        if given.is_none() {
            let advice = "give it by --key, from a place that you trust";
            report.judge(
                "the key",
                advice,
                Err(anyhow!("{SUMS} names {} keys (*.asc), and not one", listed.len())),
            );
        }
        return Ok(given);
    };
    release.fetch_small(name)?;
    let theirs = release.small(name).and_then(|text| PublicKey::parse(&text)).and_then(|key| {
        let found = key.fingerprint();
        let is_it = wanted.as_ref().is_none_or(|wanted| found == *wanted);
        ensure!(
            is_it,
            "it is the key {found}, and not the one that you gave, {}",
            wanted.as_deref().unwrap_or_default()
        );
        Ok(key)
    });
    match theirs {
        Ok(key) if wanted.is_some() => {
            report.add(name, Outcome::Right, format!("is the key that you gave, {}", key.fingerprint()));
            Ok(given.or(Some(key)))
        }
        Ok(key) => {
            let said = format!(
                "the key {} came with the files: compare it with the one that is published elsewhere, or give that by --fingerprint",
                key.fingerprint()
            );
            report.add(name, Outcome::NotChecked, said);
            Ok(Some(key))
        }
        Err(error) => {
            let advice = "get it again; if that does not help, somebody else may have signed these files, so use none of them";
            report.judge(name, advice, Err(error));
            Ok(given)
        }
    }
}

/// Compares every file with the list.
fn digests(report: &mut Report, release: &mut Release) {
    let mut right = 0;
    for (name, wanted) in release.sums.0.clone() {
        let advice = "get it again; if that does not help, do not use it";
        let found = release.digest(&name).and_then(|digest| {
            let digest = digest.context("it is missing")?;
            release.digests.insert(name.clone(), digest.clone());
            ensure!(digest == wanted, "it is not what {SUMS} says, but has the SHA-256 {digest}");
            Ok(())
        });
        match found {
            Ok(()) => right += 1,
            Err(error) => {
                report.judge(&name, advice, Err(error));
            }
        }
    }
    report.add(format!("{right} files"), Outcome::Right, format!("are what {SUMS} says"));
}

/// Refuses files that nobody vouches for.
fn unlisted(report: &mut Report, release: &Release) {
    let advice = "nobody vouches for it, so do not use it; move it away";
    match sums::files(&release.folder) {
        Err(error) => {
            report.judge("the folder", "look what it is", Err(error));
        }
        Ok(names) => {
            for name in names.iter().filter(|name| !sums::is_own(name) && !release.sums.0.contains_key(*name))
            {
                report.add(name, Outcome::Wrong, format!("it is not in {SUMS}: {advice}"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
