//! One version type, rendered in the notation of every package format.
//!
//! The order of [Semantic Versioning](https://semver.org/) is kept by every rendering: `1.2.3-rc.1`
//! comes before `1.2.3` for dpkg, rpm, Windows Installer and pip alike.
//!
//! What is built between two releases is named after the first of them, since nobody knows the second yet:
//! `1.2.3-rc.1.dev` comes after `1.2.3-rc.1` and before whatever is released next. Semantic Versioning has
//! nothing between `1.2.3` and all that may follow that does not name one of them, so that what comes after
//! a release proper says so as build metadata, `1.2.3+dev`. All other build metadata is refused, because
//! most formats cannot order it.

use std::fmt;
use std::str::FromStr;

/// What a pre-release is: its order is alpha, beta, rc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// `-alpha.N`
    Alpha,
    /// `-beta.N`
    Beta,
    /// `-rc.N`
    Rc,
}

impl Stage {
    const ALL: [(Stage, &'static str, &'static str); 3] =
        [(Stage::Alpha, "alpha", "a"), (Stage::Beta, "beta", "b"), (Stage::Rc, "rc", "rc")];

    fn names(self) -> (&'static str, &'static str) {
        let (_, semver, pep440) = Self::ALL[self as usize];
        (semver, pep440)
    }
}

/// A product version: `MAJOR.MINOR.PATCH`, or `MAJOR.MINOR.PATCH-STAGE.N` for a pre-release; `+dev` or `.dev`
/// behind it for what is built after that.
///
/// The bounds are those of the narrowest format, Windows Installer: major and minor up to 255, patch
/// up to 654, the number of a pre-release from 1 to 29. They are checked here, so that a version
/// which one format cannot express fails before anything is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    major: u8,
    minor: u8,
    patch: u16,
    pre: Option<(Stage, u8)>,
    dev: bool,
}

/// Why a text is not a [`Version`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "version {text:?} {reason}; write MAJOR.MINOR.PATCH or MAJOR.MINOR.PATCH-(alpha|beta|rc).N, and +dev or .dev \
     behind it between releases"
)]
pub struct VersionError {
    text: String,
    reason: &'static str,
}

/// Patches that fit the third MSI field, given that each takes [`MSI_SLOTS`] of it.
const MAX_PATCH: u16 = 654;
/// Values of the third MSI field per patch: 29 alphas, 29 betas, 29 release candidates, the release at 99.
const MSI_SLOTS: u16 = 100;
const MSI_RELEASE_SLOT: u16 = 99;
const MAX_PRE: u8 = 29;

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason| VersionError { text: text.to_owned(), reason };
        let dev = if text.contains('-') { ".dev" } else { "+dev" };
        let (released, dev) = match text.strip_suffix(dev) {
            Some(released) => (released, true),
            None => (text, false),
        };
        if released.contains('+') {
            return Err(fail("has build metadata, which package managers cannot order"));
        }
        let (triple, pre) = match released.split_once('-') {
            Some((triple, pre)) => (triple, Some(pre)),
            None => (released, None),
        };
        let fields: Vec<&str> = triple.split('.').collect();
        let [major, minor, patch] = fields[..] else { return Err(fail("does not have three fields")) };
        let pre = match pre {
            None => None,
            Some(pre) => {
                let (stage, number) =
                    pre.split_once('.').ok_or_else(|| fail("has a pre-release without a number"))?;
                let &(stage, ..) = Stage::ALL
                    .iter()
                    .find(|(_, name, _)| *name == stage)
                    .ok_or_else(|| fail("has a pre-release other than alpha, beta, rc"))?;
                let number = number_up_to(number, MAX_PRE.into())
                    .filter(|n| *n > 0)
                    .ok_or_else(|| fail("has a pre-release number outside 1 to 29"))?;
                Some((stage, number as u8))
            }
        };
        Ok(Version {
            major: number_up_to(major, 255).ok_or_else(|| fail("has a major field outside 0 to 255"))? as u8,
            minor: number_up_to(minor, 255).ok_or_else(|| fail("has a minor field outside 0 to 255"))? as u8,
            patch: number_up_to(patch, MAX_PATCH)
                .ok_or_else(|| fail("has a patch field outside 0 to 654"))?,
            pre,
            dev,
        })
    }
}

/// A decimal number without sign or leading zero, at most `max`.
fn number_up_to(text: &str, max: u16) -> Option<u16> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|n| plain && *n <= max)
}

impl Version {
    /// Debian and RPM notation: a pre-release follows `~`, which sorts before the release. Between releases there is
    /// more behind it, which sorts after it: rpm has `^` for that, but not on Enterprise Linux 8.
    pub fn tilde(&self) -> String {
        self.with_pre("~", |(semver, _)| semver, "", "+dev")
    }

    /// Python notation ([PEP 440](https://peps.python.org/pep-0440/)): `1.2.3rc1`. Between releases it is something
    /// that precedes a correction of the release, `1.2.3rc1.post0.dev0`, which `pip` takes only from who asks for it.
    pub fn pep440(&self) -> String {
        self.with_pre("", |(_, short)| short, "", ".post0.dev0")
    }

    /// `ProductVersion` of Windows Installer, which orders three numbers and nothing else.
    ///
    /// The third field is `patch * 100 + slot`: pre-releases take the slots below the release's, so
    /// that `1.2.3-rc.1` < `1.2.3` < `1.2.4-alpha.1`. Between releases it is that of the release before.
    pub fn msi(&self) -> String {
        let [major, minor, third, _] = self.windows_file();
        format!("{major}.{minor}.{third}")
    }

    /// The version of a Windows file, which orders four numbers: those of [`Version::msi`], so that a program and its
    /// installer say the same, and 0, or 1 between releases.
    pub fn windows_file(&self) -> [u16; 4] {
        let slot = match self.pre {
            Some((stage, n)) => (stage as u16) * u16::from(MAX_PRE + 1) + u16::from(n),
            None => MSI_RELEASE_SLOT,
        };
        [self.major.into(), self.minor.into(), self.patch * MSI_SLOTS + slot, self.dev.into()]
    }

    /// The three numbers that people know it by, without what makes it a pre-release.
    pub fn triple(&self) -> String {
        format!("{}.{}.{}", self.major, self.minor, self.patch)
    }

    /// The version of what is built after this release and before the next one, whatever that will be.
    pub fn dev(self) -> Version {
        Version { dev: true, ..self }
    }

    /// The release that this is or comes after.
    pub fn released(self) -> Version {
        Version { dev: false, ..self }
    }

    /// Whether this is the version of no release, but of what is built between two.
    pub fn is_dev(&self) -> bool {
        self.dev
    }

    /// Whether this is something else than a release proper.
    pub fn is_pre_release(&self) -> bool {
        self.pre.is_some() || self.dev
    }

    fn with_pre(
        &self,
        before: &str,
        name: impl Fn((&'static str, &'static str)) -> &'static str,
        after: &str,
        dev: &str,
    ) -> String {
        let mut text = self.triple();
        if let Some((stage, n)) = self.pre {
            text += &format!("{before}{}{after}{n}", name(stage.names()));
        }
        if self.dev {
            text += dev;
        }
        text
    }
}

/// Semantic Versioning notation: `1.2.3-rc.1`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dev = if self.pre.is_some() { ".dev" } else { "+dev" };
        f.write_str(&self.with_pre("-", |(semver, _)| semver, ".", dev))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // A release comes after its pre-releases: `None` must not sort first.
        let key = |v: &Version| (v.major, v.minor, v.patch, v.pre.is_none(), v.pre, v.dev);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In ascending order: semver, Debian and RPM, PEP 440, Windows file.
    const ORDERED: &[(&str, &str, &str, [u16; 4])] = &[
        ("0.1.0-alpha.1", "0.1.0~alpha1", "0.1.0a1", [0, 1, 1, 0]),
        ("0.1.0-alpha.29", "0.1.0~alpha29", "0.1.0a29", [0, 1, 29, 0]),
        ("0.1.0-alpha.29.dev", "0.1.0~alpha29+dev", "0.1.0a29.post0.dev0", [0, 1, 29, 1]),
        ("0.1.0-beta.1", "0.1.0~beta1", "0.1.0b1", [0, 1, 31, 0]),
        ("0.1.0-rc.1", "0.1.0~rc1", "0.1.0rc1", [0, 1, 61, 0]),
        ("0.1.0-rc.29", "0.1.0~rc29", "0.1.0rc29", [0, 1, 89, 0]),
        ("0.1.0-rc.29.dev", "0.1.0~rc29+dev", "0.1.0rc29.post0.dev0", [0, 1, 89, 1]),
        ("0.1.0", "0.1.0", "0.1.0", [0, 1, 99, 0]),
        ("0.1.0+dev", "0.1.0+dev", "0.1.0.post0.dev0", [0, 1, 99, 1]),
        ("0.1.1-alpha.1", "0.1.1~alpha1", "0.1.1a1", [0, 1, 101, 0]),
        ("0.1.1", "0.1.1", "0.1.1", [0, 1, 199, 0]),
        ("0.2.0", "0.2.0", "0.2.0", [0, 2, 99, 0]),
        ("1.0.0-beta.1", "1.0.0~beta1", "1.0.0b1", [1, 0, 31, 0]),
        ("1.0.0-beta.1.dev", "1.0.0~beta1+dev", "1.0.0b1.post0.dev0", [1, 0, 31, 1]),
        ("1.0.0-beta.2", "1.0.0~beta2", "1.0.0b2", [1, 0, 32, 0]),
        ("1.0.0-rc.2", "1.0.0~rc2", "1.0.0rc2", [1, 0, 62, 0]),
        ("1.0.0", "1.0.0", "1.0.0", [1, 0, 99, 0]),
        ("1.0.10", "1.0.10", "1.0.10", [1, 0, 1099, 0]),
        ("255.255.654", "255.255.654", "255.255.654", [255, 255, 65499, 0]),
        ("255.255.654+dev", "255.255.654+dev", "255.255.654.post0.dev0", [255, 255, 65499, 1]),
    ];

    /// Fails if: a notation differs from the table, or the order of the table from `Ord` or from Windows'; Windows
    /// Installer, which has three numbers, takes what is between releases for anything but the release before.
    #[test]
    fn renders_and_orders_every_notation() {
        let mut previous: Option<Version> = None;
        for (semver, tilde, pep440, file) in ORDERED {
            let version: Version = semver.parse().unwrap();
            assert_eq!([version.to_string(), version.tilde(), version.pep440()], [*semver, *tilde, *pep440]);
            assert_eq!(version.windows_file(), *file, "{semver}");
            assert_eq!(version.msi(), file[..3].iter().map(u16::to_string).collect::<Vec<_>>().join("."));
            assert!(semver.starts_with(&version.triple()), "{semver}");
            assert_eq!(version.is_dev(), semver.ends_with("dev"), "{semver}");
            assert_eq!(version.is_pre_release(), semver.contains(['-', '+']), "{semver}");
            if let Some(before) = previous {
                assert!(before < version, "{before} is not before {version}");
                assert!(before.windows_file() < version.windows_file(), "{before} is not before {version}");
                assert_eq!(version.is_dev(), before.dev() == version, "{version} is named after {before}");
                assert_eq!(
                    version.is_dev(),
                    before == version.released(),
                    "{version} is named after {before}"
                );
                assert_eq!(version.is_dev(), before.msi() == version.msi(), "{before} and {version}");
            }
            previous = Some(version);
        }
    }

    /// Fails if: a version that some format cannot express is accepted, or the error does not name it.
    #[test]
    fn refuses_what_a_format_cannot_express() {
        for text in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "1.2.x",
            "01.2.3",
            "256.0.0",
            "1.2.655",
            "1.2.3-rc",
            "1.2.3-rc.0",
            "1.2.3-rc.30",
            "1.2.3-dev.1",
            "1.2.3-rc.dev",
            "1.2.3-rc.1+dev",
            "1.2.3-rc.1.dev.dev",
            "1.2.3.dev",
            "1.2.3+dev+dev",
            "1.2.3+dev.1",
            "1.2.3+abc",
            "+dev",
            "+1.2.3",
            "1.2.-3",
            " 1.2.3",
        ] {
            let error = text.parse::<Version>().expect_err(text).to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
