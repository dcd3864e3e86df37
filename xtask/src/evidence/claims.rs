//! `tests/evidence.toml`: what stands behind each claim. The file says how it is read.

use crate::test::system::System;
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The file, in the workspace.
pub(crate) const FILE: &str = "tests/evidence.toml";
/// The place of a proof that ran on the system of the platform.
const ITSELF: &str = "itself";
/// The deed that artifacts.json tells of.
pub(crate) const BUILT: &str = "built";

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Claims {
    #[serde(rename = "deed")]
    pub(crate) deeds: Vec<Deed>,
    #[serde(rename = "place")]
    pub(crate) places: Vec<Place>,
    #[serde(rename = "suite")]
    pub(crate) suites: Vec<Elsewhere>,
    #[serde(rename = "proof")]
    pub(crate) proofs: Vec<Proof>,
    #[serde(rename = "seed")]
    pub(crate) seeds: Vec<Seed>,
    #[serde(rename = "platform")]
    pub(crate) platforms: Vec<Platform>,
}

/// A column.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deed {
    pub(crate) name: String,
    pub(crate) means: String,
}

/// What a place is to a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Something that stands for its system.
    StandIn,
    /// No system of it is needed.
    Bench,
    /// Its own system.
    Real,
}

/// Where cases ran.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) shown: String,
    /// What a result must say of its machine.
    #[serde(default, rename = "where")]
    pub(crate) on: Option<Where>,
    /// The virtual machine with the system, named in the case.
    #[serde(default)]
    pub(crate) guest: Option<String>,
}

/// What a machine must be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    os: String,
    /// A part of the system's name.
    #[serde(default)]
    name: String,
    architecture: String,
}

impl Place {
    /// Whether a machine is such a place. One that says nothing of itself is none that has to be a certain one.
    pub(crate) fn takes(&self, system: Option<&System>) -> bool {
        self.on.as_ref().is_none_or(|on| {
            system.is_some_and(|system| {
                system.os == on.os && system.architecture == on.architecture && system.name.contains(&on.name)
            })
        })
    }
}

/// A suite that `cargo xtask test` does not have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Elsewhere {
    pub(crate) name: String,
    /// Files and folders that have the words of its cases.
    pub(crate) sources: Vec<String>,
    /// What a case has before such words.
    #[serde(default)]
    pub(crate) prefixes: Vec<String>,
}

/// Cases of a suite, and where they ran.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    pub(crate) name: String,
    place: String,
    pub(crate) suite: String,
    pub(crate) cases: Vec<String>,
}

/// A row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Platform {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) shown: String,
    pub(crate) file: String,
    pub(crate) artifacts: Vec<String>,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    pub(crate) limits: String,
    #[serde(default)]
    pub(crate) without: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) cells: BTreeMap<String, Vec<String>>,
}

/// A row of the first plan.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seed {
    pub(crate) table: String,
    pub(crate) row: String,
    #[serde(default)]
    pub(crate) said: String,
    #[serde(default)]
    pub(crate) note: String,
    pub(crate) behind: Vec<String>,
}

/// What a row of the first plan names.
pub(crate) enum Behind<'a> {
    /// A cell: platform and deed.
    Cell(&'a Platform, &'a str),
    /// A whole suite.
    Suite(&'a str),
}

impl Claims {
    /// Reads the file of a workspace.
    ///
    /// # Errors
    /// If it cannot be read, or names what it does not have.
    pub(crate) fn load(root: &Path) -> Result<Claims> {
        let path = root.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Claims::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Reads the text of such a file.
    ///
    /// # Errors
    /// If it names what it does not have.
    pub(crate) fn parse(text: &str) -> Result<Claims> {
        let claims: Claims = toml::from_str(text)?;
        claims.check()?;
        Ok(claims)
    }

    /// Refuses names that lead nowhere.
    fn check(&self) -> Result<()> {
        unique("deed", self.deeds.iter().map(|deed| &deed.name))?;
        unique("place", self.places.iter().map(|place| &place.name))?;
        unique("proof", self.proofs.iter().map(|proof| &proof.name))?;
        unique("platform", self.platforms.iter().map(|platform| &platform.name))?;
        for place in &self.places {
            // A machine has to be recognised before it counts as the real system.
            let known = place.on.is_some() || place.guest.is_some();
            ensure!(
                place.kind != Kind::Real || known,
                "the place {:?} is real, and no `where` tells it",
                place.name
            );
        }
        for proof in &self.proofs {
            ensure!(!proof.cases.is_empty(), "the proof {:?} names no case", proof.name);
        }
        for platform in &self.platforms {
            let row = || format!("the platform {:?}", platform.name);
            for (deed, names) in &platform.cells {
                ensure!(self.deed(deed).is_some(), "{} has the unknown deed {deed:?}", row());
                ensure!(!platform.without.contains_key(deed), "{} has {deed:?}, and is without it", row());
                ensure!(!names.is_empty(), "{} names no proof of {deed:?}", row());
                for name in names {
                    self.proof(name, platform).with_context(row)?;
                }
            }
            for deed in platform.without.keys() {
                ensure!(self.deed(deed).is_some(), "{} is without the unknown deed {deed:?}", row());
            }
        }
        for seed in &self.seeds {
            for behind in &seed.behind {
                self.behind(behind).with_context(|| format!("the row {:?} of the first plan", seed.row))?;
            }
        }
        Ok(())
    }

    fn deed(&self, name: &str) -> Option<&Deed> {
        self.deeds.iter().find(|deed| deed.name == name)
    }

    /// A proof, and the place where it ran for this platform.
    ///
    /// # Errors
    /// If there is none of that name, or its place is not known.
    pub(crate) fn proof(&self, name: &str, platform: &Platform) -> Result<(&Proof, &Place)> {
        let proof = self.proofs.iter().find(|proof| proof.name == name);
        let proof = proof.with_context(|| format!("there is no proof {name:?}"))?;
        let place = match (&*proof.place, &platform.system) {
            (ITSELF, Some(system)) => system,
            (ITSELF, None) => anyhow::bail!("the proof {name:?} needs a platform with a `system`"),
            (place, _) => place,
        };
        let found = self.places.iter().find(|known| known.name == *place);
        Ok((proof, found.with_context(|| format!("there is no place {place:?}"))?))
    }

    /// What a row of the first plan names.
    ///
    /// # Errors
    /// If there is no such cell.
    pub(crate) fn behind<'a>(&'a self, name: &'a str) -> Result<Behind<'a>> {
        let (first, second) = name.split_once(':').with_context(|| format!("{name:?} has no colon"))?;
        if first == "suite" {
            return Ok(Behind::Suite(second));
        }
        let platform = self.platforms.iter().find(|platform| platform.name == first);
        let platform = platform.with_context(|| format!("there is no platform {first:?}"))?;
        ensure!(self.deed(second).is_some(), "there is no deed {second:?}");
        Ok(Behind::Cell(platform, second))
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        ensure!(seen.insert(name), "there are two of the {what} {name:?}");
    }
    Ok(())
}
