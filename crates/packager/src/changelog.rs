//! The changelog as a source of facts: its top entry gives the version and the date of every package.
//!
//! The file follows [Keep a Changelog](https://keepachangelog.com/en/1.1.0/):
//! `## [1.2.3] - 2026-11-22`, then items that start with `- `. Once there are items in a section `## [Unreleased]`,
//! which is the first if there is one, packages are of what comes after the newest release, and of its date: there is no
//! other that all who build them on different days would agree on.

use crate::Version;
use crate::digest::Inputs;
use anyhow::{Context, Result, bail, ensure};
use jiff::civil::Date;

/// The heading of what is not released.
const UNRELEASED: &str = "[Unreleased]";

/// One released version, or what is built after the newest of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version.
    pub version: Version,
    /// The day of the release, in UTC; of the release before, if this is none.
    pub date: Date,
    /// What changed, one line each, in the order of the file.
    pub changes: Vec<String>,
}

/// All releases, the newest first, and before them what is not released. There is at least one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changelog {
    releases: Vec<Release>,
}

impl Changelog {
    /// Reads the text of a changelog.
    ///
    /// # Errors
    /// If a heading does not name version and date, a release has no changes, versions do not descend, what is not
    /// released does not stand above all releases, or there is no release.
    pub fn parse(text: &str) -> Result<Self> {
        let mut releases: Vec<Release> = Vec::new();
        let mut unreleased: Option<Vec<String>> = None;
        for (number, line) in text.lines().enumerate() {
            let at = || format!("changelog line {}: {line:?}", number + 1);
            if let Some(heading) = line.strip_prefix("## ") {
                if heading.trim() == UNRELEASED {
                    let is_first = releases.is_empty() && unreleased.is_none();
                    ensure!(is_first, "{}: {UNRELEASED} stands once, above all releases", at());
                    unreleased = Some(Vec::new());
                } else {
                    releases.push(parse_heading(heading).with_context(at)?);
                }
                continue;
            }
            let section = releases.last_mut().map(|release| &mut release.changes).or(unreleased.as_mut());
            let Some(changes) = section else { continue };
            if let Some(item) = line.strip_prefix("- ") {
                changes.push(item.trim().to_owned());
            } else if line.starts_with("  ")
                && let Some(last) = changes.last_mut()
            {
                *last += &format!(" {}", line.trim());
            }
        }
        ensure!(!releases.is_empty(), "the changelog has no release: add `## [VERSION] - YYYY-MM-DD`");
        for release in &releases {
            ensure!(!release.changes.is_empty(), "the changelog says nothing of {}", release.version);
        }
        for pair in releases.windows(2) {
            if pair[0].version <= pair[1].version {
                bail!("changelog: {} stands above {}", pair[0].version, pair[1].version);
            }
        }
        if let Some(changes) = unreleased.filter(|changes| !changes.is_empty()) {
            let (version, date) = (releases[0].version.dev(), releases[0].date);
            releases.insert(0, Release { version, date, changes });
        }
        Ok(Changelog { releases })
    }

    /// What packages are made of: the newest release, or what comes after it.
    pub fn latest(&self) -> &Release {
        &self.releases[0]
    }

    /// All releases, the newest first, and before them what is not released.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// Adds every release to a digest.
    pub(crate) fn digest(&self, inputs: Inputs) -> Inputs {
        self.releases.iter().fold(inputs, |inputs, release| {
            let inputs = inputs.value("release", &format!("{} {}", release.version, release.date));
            release.changes.iter().fold(inputs, |inputs, change| inputs.value("change", change))
        })
    }
}

/// The text of a changelog in which what is not released becomes this release; an empty section for what comes next
/// stands above it.
///
/// # Errors
/// If the text is no changelog, there is nothing to release, or the version is none of a release or not newer than all
/// others.
pub fn with_release(text: &str, version: Version, date: Date) -> Result<String> {
    let before = Changelog::parse(text)?;
    let latest = before.latest();
    ensure!(latest.version.is_dev(), "nothing to release: `## {UNRELEASED}` of the changelog has no items");
    ensure!(!version.is_dev(), "{version} is not the version of a release");
    let last = latest.version.released();
    ensure!(version > last, "{version} does not come after {last}, the newest in the changelog");
    let text: String = text
        .split_inclusive('\n')
        .map(|line| match line.strip_prefix("## ") {
            Some(heading) if heading.trim() == UNRELEASED => format!("{line}\n## [{version}] - {date}\n"),
            _ => line.to_owned(),
        })
        .collect();
    let latest = Changelog::parse(&text)?.latest().clone();
    ensure!(
        latest.version == version && latest.date == date,
        "the changelog still begins with {}",
        latest.version
    );
    Ok(text)
}

impl Release {
    /// Midnight UTC of the release's day, in seconds since 1970: the default `SOURCE_DATE_EPOCH`.
    pub fn epoch(&self) -> u32 {
        let midnight = self.date.at(0, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC);
        midnight.ok().and_then(|zoned| u32::try_from(zoned.timestamp().as_second()).ok()).unwrap_or(0)
    }
}

fn parse_heading(heading: &str) -> Result<Release> {
    let (version, date) = heading.split_once(" - ").context("a heading is `## [VERSION] - YYYY-MM-DD`")?;
    let version: Version = version.trim().trim_start_matches('[').trim_end_matches(']').parse()?;
    ensure!(!version.is_dev(), "{version} is no release: what follows one stands below `## {UNRELEASED}`");
    let date: Date = date.trim().parse().context("the date is not YYYY-MM-DD")?;
    ensure!(
        (1980..2100).contains(&date.year()),
        "packages carry dates from 1980 to 2099 (the range of zip and cabinet files)"
    );
    Ok(Release { version, date, changes: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a release is made of nothing, of a version that is none or not newer, or of more or less than what
    /// was not released; or something else of the file changes.
    #[test]
    fn releases_what_is_not_released() {
        let of = |unreleased: &str| {
            format!(
                "# Changelog\n\n## [Unreleased]\n\n{unreleased}\n## [1.0.0-rc.1] - 2026-11-22\n\n- First.\n"
            )
        };
        let release = |text: &str, version: &str| {
            with_release(text, version.parse().unwrap(), "2026-12-24".parse().unwrap())
        };
        let released = release(&of("- New.\n  And more.\n"), "1.0.0").unwrap();
        let heading = "## [Unreleased]\n\n## [1.0.0] - 2026-12-24\n\n- New.\n  And more.\n";
        assert!(released.contains(heading), "{released}");
        assert!(released.ends_with("\n## [1.0.0-rc.1] - 2026-11-22\n\n- First.\n"), "{released}");
        for (unreleased, version, reason) in [
            ("", "1.0.0", "has no items"),
            ("- New.\n", "1.0.0-beta.1", "does not come after 1.0.0-rc.1"),
            ("- New.\n", "1.0.0-rc.1", "does not come after 1.0.0-rc.1"),
            ("- New.\n", "1.0.0+dev", "is not the version of a release"),
        ] {
            let error = release(&of(unreleased), version).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    /// Fails if: versions, dates or wrapped items are misread.
    #[test]
    fn reads_releases() {
        let log = Changelog::parse(
            "# Changelog\n\n## [0.2.0-rc.1] - 2026-11-22\n\n### Added\n- One\n  more.\n- Two.\n\n## [0.1.0] - 2026-01-02\n- First.\n",
        )
        .unwrap();
        assert_eq!(log.latest().version.to_string(), "0.2.0-rc.1");
        assert_eq!(log.latest().epoch(), 1_795_305_600);
        assert_eq!(log.latest().changes, ["One more.", "Two."]);
        assert_eq!(log.releases().len(), 2);
    }

    /// Fails if: packages of what is not released have another version than one right after the release before, or
    /// another date than that release, or if a section without items makes them so.
    #[test]
    fn what_is_not_released_comes_after_the_newest_release() {
        for (section, released, version, changes) in [
            ("", "1.0.0-beta.1", "1.0.0-beta.1", "First."),
            ("## [Unreleased]\n\n", "1.0.0-beta.1", "1.0.0-beta.1", "First."),
            ("## [Unreleased]\n### Added\n\n", "1.0.0", "1.0.0", "First."),
            (
                "## [Unreleased]\n- Later.\n- And\n  more.\n",
                "1.0.0-beta.1",
                "1.0.0-beta.1.dev",
                "Later. And more.",
            ),
            ("## [Unreleased]\n- Later.\n", "1.0.0", "1.0.0+dev", "Later."),
        ] {
            let text =
                format!("# Changelog\n- No change.\n\n{section}## [{released}] - 2026-11-22\n- First.\n");
            let log = Changelog::parse(&text).unwrap();
            let latest = log.latest();
            assert_eq!(
                (latest.version.to_string().as_str(), latest.epoch()),
                (version, 1_795_305_600),
                "{text}"
            );
            assert_eq!(latest.changes.join(" "), changes);
            assert_eq!(log.releases().last().unwrap().version.to_string(), released);
        }
    }

    /// Fails if: a changelog that would give a package a wrong version or date is accepted.
    #[test]
    fn refuses_what_is_unclear() {
        for (text, complaint) in [
            ("", "no release"),
            ("## [Unreleased]\n- x\n", "no release"),
            ("## [1.0.0] - 2026-01-01\n- x\n## [Unreleased]\n- x\n", "above all releases"),
            ("## [Unreleased]\n## [Unreleased]\n- x\n## [1.0.0] - 2026-01-01\n- x\n", "above all releases"),
            ("## [1.0.0+dev] - 2026-01-01\n- x\n", "no release"),
            ("## [1.0] - 2026-01-01\n- x\n", "three fields"),
            ("## [1.0.0]\n- x\n", "VERSION"),
            ("## [1.0.0] - 1.2.2026\n- x\n", "YYYY-MM-DD"),
            ("## [1.0.0] - 1970-01-01\n- x\n", "1980"),
            ("## [1.0.0] - 2026-01-01\n", "says nothing"),
            ("## [1.0.0] - 2026-01-01\n- x\n## [1.0.1] - 2026-01-01\n- x\n", "above"),
        ] {
            let error = format!("{:#}", Changelog::parse(text).expect_err(text));
            assert!(error.contains(complaint), "{error}");
        }
    }
}
