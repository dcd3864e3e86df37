//! The release on GitHub: a draft, its files, a look whether they arrived, and only then in public.
//!
//! What GitHub says is the truth, so that no journal is needed: a run that was broken off is gone on with by the next.
//! Before a release is public, everything about its draft is made as it has to be. After that nothing is changed any
//! more, and what differs is an error.

use super::github::{Asset, Release, Repository};
use super::sealed::{SUMS, Upload};
use super::{Context as Run, Outcome};
use crate::http::is_interrupted;
use anyhow::{Context, Result, bail, ensure};
use packager::Version;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// How often a file is sent that does not arrive.
const TRIES: usize = 3;

/// Publishes the release, or finds that it was.
///
/// # Errors
/// If something is not as it has to be. Until the last step nothing is public.
pub(crate) fn publish(run: &Run<'_>, files: &BTreeMap<String, Upload>, notes: &str) -> Result<Outcome> {
    let step = Step { run, repository: run.repository(None)?, files, notes };
    step.repository.about()?;
    step.check_tag()?;
    let all: Vec<Release> = step.repository.list("/releases").context("asking for the releases")?;
    let mut ours: Vec<&Release> = all.iter().filter(|release| release.tag_name == run.tag).collect();
    ours.sort_by_key(|release| release.id);
    if let Some(release) = ours.iter().find(|release| !release.draft) {
        step.check_published(release)?;
        step.forget_drafts(&ours)?;
        return Ok(Outcome::was_done(format!("{} was published", run.tag), &release.html_url));
    }
    let is_latest = is_latest(run.version, &all);
    let draft = step.draft(&ours)?;
    if run.dry {
        step.foretell(draft.as_ref(), is_latest)?;
        return Ok(Outcome::would(format!("publish {}", run.tag)));
    }
    let draft = draft.context("there is no draft")?;
    step.complete(&draft)?;
    let release = step.make_public(&draft, is_latest)?;
    Ok(Outcome::done(format!("{} is published with {} files", run.tag, files.len()), &release.html_url))
}

/// Whether a version is the one that people shall get: no pre-release, and none published is newer.
pub(crate) fn is_latest(version: Version, all: &[Release]) -> bool {
    !version.is_pre_release() && published(all).into_iter().max().is_none_or(|newest| newest <= version)
}

/// The versions that are published, without pre-releases.
pub(crate) fn published(all: &[Release]) -> Vec<Version> {
    let published = all.iter().filter(|release| !release.draft && !release.prerelease);
    published.filter_map(|release| Version::from_str(release.tag_name.strip_prefix('v')?).ok()).collect()
}

struct Step<'a> {
    run: &'a Run<'a>,
    repository: Repository<'a>,
    files: &'a BTreeMap<String, Upload>,
    notes: &'a str,
}

impl Step<'_> {
    /// What is released has to be what the tag says, for everybody who builds it again.
    fn check_tag(&self) -> Result<()> {
        let Run { tag, commit, .. } = self.run;
        let found = self.repository.commit_of_tag(tag).context("asking for the tag")?;
        let Some(found) = found else {
            bail!("the tag {tag} is not on GitHub: push it by `git push origin {tag}`, then run this again");
        };
        ensure!(
            found == *commit,
            "the tag {tag} on GitHub is the commit {found}, and this release was built from {commit}: build the release from the tag, or give it another version; a tag that others may have seen is never moved"
        );
        Ok(())
    }

    /// The draft, made if there is none; in a dry run there may be none.
    fn draft(&self, ours: &[&Release]) -> Result<Option<Release>> {
        let tag = self.run.tag;
        if let Some((oldest, newer)) = ours.split_first() {
            self.run.say(&format!("the draft of {tag} is there, going on with it"));
            for draft in newer {
                self.forget(draft, oldest)?;
            }
            return Ok(Some((*oldest).clone()));
        }
        if self.run.dry {
            return Ok(None);
        }
        self.run.say(&format!("creating a draft of {tag}"));
        let answer =
            self.repository.create("/releases", &self.description(true)).context("creating the draft")?;
        if answer.refuses_with("already_exists") {
            bail!("somebody else has published {tag} at this moment: run this again, which compares it");
        }
        let created: Release = answer.ok().context("creating the draft")?;
        // Somebody else may have done the same just now.
        let all: Vec<Release> = self.repository.list("/releases").context("asking for the releases again")?;
        let earlier =
            all.iter().filter(|release| release.tag_name == tag).find(|r| !r.draft || r.id < created.id);
        if let Some(earlier) = earlier {
            self.repository.remove(&format!("/releases/{}", created.id)).context("removing our own draft")?;
            bail!(
                "somebody else is publishing {tag} at this moment ({}); our own draft is removed: wait until that run has ended, then run this again",
                earlier.html_url
            );
        }
        Ok(Some(created))
    }

    /// Removes a draft beside another one, as two runs at once leave it if they are broken off.
    fn forget(&self, draft: &Release, other: &Release) -> Result<()> {
        let assets = self.assets(draft)?;
        ensure!(
            assets.is_empty(),
            "there are two drafts of {} with files, {} and {}: look which one is right, delete the other one on GitHub and run this again",
            self.run.tag,
            other.html_url,
            draft.html_url
        );
        self.run.say(&format!("removing a second, empty draft of {}", self.run.tag));
        if self.run.dry { Ok(()) } else { self.repository.remove(&format!("/releases/{}", draft.id)) }
    }

    /// Removes empty drafts that are left beside the published release.
    fn forget_drafts(&self, ours: &[&Release]) -> Result<()> {
        let published = ours.iter().find(|release| !release.draft);
        for draft in ours.iter().filter(|release| release.draft) {
            self.forget(draft, published.unwrap_or(draft))?;
        }
        Ok(())
    }

    fn description(&self, draft: bool) -> Value {
        json!({
            "tag_name": self.run.tag,
            "target_commitish": self.run.commit,
            "name": self.title(),
            "body": self.notes,
            "draft": draft,
            "prerelease": self.run.version.is_pre_release(),
        })
    }

    fn title(&self) -> String {
        format!("{} {}", self.run.product.display_name, self.run.version)
    }

    fn assets(&self, release: &Release) -> Result<Vec<Asset>> {
        let assets = self.repository.list(&format!("/releases/{}/assets", release.id));
        assets.with_context(|| format!("asking for the files of {}", release.tag_name))
    }

    /// Makes the draft as it has to be, and looks whether it is.
    fn complete(&self, draft: &Release) -> Result<()> {
        if self.is_described_otherwise(draft) {
            self.run.say("correcting title and notes of the draft");
            let path = format!("/releases/{}", draft.id);
            self.repository
                .change(&path, &self.description(true))?
                .ok::<Value>()
                .context("correcting the draft")?;
        }
        let kept = self.tidy(draft)?;
        for (name, file) in self.files.iter().filter(|(name, _)| !kept.contains(*name)) {
            self.upload(draft, name, file)?;
        }
        let assets = self.assets(draft)?;
        self.compare(&assets).context(
            "all files were uploaded, and GitHub lists others: somebody else works on it at the same time, or GitHub is slow to tell; when nobody else is publishing, run this again",
        )?;
        self.sample(&assets)
    }

    fn is_described_otherwise(&self, release: &Release) -> bool {
        // GitHub may write line ends its own way.
        let same = |theirs: &Option<String>, ours: &str| {
            theirs.as_deref().unwrap_or("").replace("\r\n", "\n").trim_end() == ours.trim_end()
        };
        !same(&release.name, &self.title())
            || !same(&release.body, self.notes)
            || release.prerelease != self.run.version.is_pre_release()
    }

    /// Removes from the draft what is not as it has to be; the names of what is.
    fn tidy(&self, draft: &Release) -> Result<BTreeSet<String>> {
        let mut kept = BTreeSet::new();
        for asset in self.assets(draft)? {
            let why = match self.files.get(&asset.name) {
                Some(file) if asset.is(&file.sha256) => {
                    self.run.say(&format!("{} is there", asset.name));
                    kept.insert(asset.name);
                    continue;
                }
                Some(_) if asset.state != "uploaded" => "which is not whole",
                Some(_) => "which is another one",
                None => "which is not of this release",
            };
            self.run.say(&format!("removing {} from the draft, {why}", asset.name));
            self.remove(&asset)?;
        }
        Ok(kept)
    }

    fn remove(&self, asset: &Asset) -> Result<()> {
        if self.run.dry {
            return Ok(());
        }
        let removed = self.repository.remove(&format!("/releases/assets/{}", asset.id));
        removed.with_context(|| format!("removing {} from the draft", asset.name))
    }

    /// Uploads a file. If it gets lost on the way, GitHub is asked what has arrived.
    fn upload(&self, draft: &Release, name: &str, file: &Upload) -> Result<()> {
        let mut last = None;
        for _ in 0..TRIES {
            self.run.say(&format!("uploading {name} ({})", size(file.size)));
            let trouble = match self.repository.http.upload(&draft.upload_url(name), &file.path) {
                Ok(answer) if answer.refuses_with("already_exists") => anyhow::anyhow!(answer.refusal()),
                Ok(answer) => {
                    let asset: Asset = answer.ok().with_context(|| format!("uploading {name}"))?;
                    if asset.name == name && asset.is(&file.sha256) {
                        return Ok(());
                    }
                    let said = asset.digest.as_deref().unwrap_or("without a digest");
                    anyhow::anyhow!("GitHub has {} as {} ({said})", name, asset.name)
                }
                Err(error) if is_interrupted(&error) => error,
                Err(error) => return Err(error.context(format!("uploading {name}"))),
            };
            self.run.say(&format!("{trouble:#}"));
            if self.has_arrived(draft, name, file).with_context(|| format!("uploading {name}"))? {
                return Ok(());
            }
            last = Some(trouble);
        }
        let last = last.unwrap_or_else(|| anyhow::anyhow!("it does not arrive"));
        Err(last.context(format!(
            "uploading {name}, {TRIES} times: run this again later, it goes on where it was"
        )))
    }

    /// Whether a file is in the draft as it has to be; what else has its name is removed.
    fn has_arrived(&self, draft: &Release, name: &str, file: &Upload) -> Result<bool> {
        let Some(asset) = self.assets(draft)?.into_iter().find(|asset| asset.name == name) else {
            return Ok(false);
        };
        if asset.is(&file.sha256) {
            return Ok(true);
        }
        self.remove(&asset)?;
        Ok(false)
    }

    /// Compares by name and digest.
    fn compare(&self, assets: &[Asset]) -> Result<()> {
        for asset in assets {
            let Some(file) = self.files.get(&asset.name) else {
                bail!("{} is on GitHub and not in the folder", asset.name);
            };
            let is_same = match asset.digest {
                Some(_) => asset.is(&file.sha256),
                // GitHub tells none, so that it is downloaded.
                None => self.repository.http.sha256(&asset.url, asset.size)? == file.sha256,
            };
            ensure!(is_same, "{} is on GitHub with other bits than {}", asset.name, file.path.display());
        }
        let there: BTreeSet<_> = assets.iter().map(|asset| &asset.name).collect();
        let missing: Vec<_> =
            self.files.keys().filter(|name| !there.contains(name)).map(String::as_str).collect();
        ensure!(missing.is_empty(), "not on GitHub: {}", missing.join(", "));
        Ok(())
    }

    /// Downloads some files as a user would: the list of digests, the smallest one and one of middling size.
    fn sample(&self, assets: &[Asset]) -> Result<()> {
        let mut by_size: Vec<_> = assets.iter().collect();
        by_size.sort_by_key(|asset| (asset.size, &asset.name));
        let list = by_size.iter().position(|asset| asset.name == SUMS).unwrap_or(0);
        for at in BTreeSet::from([0, by_size.len() / 2, list]) {
            let asset = by_size[at];
            self.run.say(&format!("downloading {} and comparing it", asset.name));
            let sha256 = self.repository.http.sha256(&asset.url, asset.size);
            let sha256 = sha256.with_context(|| format!("downloading {}", asset.name))?;
            ensure!(
                self.files.get(&asset.name).is_some_and(|file| file.sha256 == sha256),
                "{} was downloaded with other bits than were uploaded: delete it in the draft {} and run this again",
                asset.name,
                self.run.tag
            );
        }
        Ok(())
    }

    /// The one step that cannot be taken back.
    fn make_public(&self, draft: &Release, is_latest: bool) -> Result<Release> {
        let tag = self.run.tag;
        self.run.say(&format!("publishing {tag}{}", if is_latest { " as the latest" } else { "" }));
        let mut description = self.description(false);
        description["make_latest"] = json!(is_latest.to_string());
        let path = format!("/releases/{}", draft.id);
        let published: Option<Release> = match self.repository.change(&path, &description) {
            Ok(answer) => Some(answer.ok().context("publishing")?),
            // It may be public all the same.
            Err(error) if is_interrupted(&error) => {
                self.run.say(&format!("{error:#}"));
                self.repository.find(&path)?
            }
            Err(error) => return Err(error.context("publishing")),
        };
        published
            .filter(|release| !release.draft)
            .with_context(|| format!("{tag} is not public yet: run this again, it goes on where it was"))
    }

    /// A published release has to be what is in the folder.
    fn check_published(&self, release: &Release) -> Result<()> {
        self.compare(&self.assets(release)?).with_context(|| {
            format!(
                "{} is published, and what was published never changes: bring back the files that were published, or release what was changed as a new version",
                release.tag_name
            )
        })?;
        if self.is_described_otherwise(release) {
            self.run.say("note: title, notes or kind of the release were changed on GitHub; they stay as they are there");
        }
        Ok(())
    }

    /// Says what would be done.
    fn foretell(&self, draft: Option<&Release>, is_latest: bool) -> Result<()> {
        let kept = match draft {
            Some(draft) => {
                if self.is_described_otherwise(draft) {
                    self.run.say("correcting title and notes of the draft");
                }
                self.tidy(draft)?
            }
            None => {
                self.run.say(&format!("creating a draft of {}", self.run.tag));
                BTreeSet::new()
            }
        };
        for (name, file) in self.files.iter().filter(|(name, _)| !kept.contains(*name)) {
            self.run.say(&format!("uploading {name} ({})", size(file.size)));
        }
        self.run.say(&format!(
            "comparing, and publishing {}{}",
            self.run.tag,
            if is_latest { " as the latest" } else { ", not as the latest" }
        ));
        Ok(())
    }
}

fn size(bytes: u64) -> String {
    if bytes < 1_000_000 { format!("{bytes} bytes") } else { format!("{:.1} MB", bytes as f64 / 1e6) }
}
