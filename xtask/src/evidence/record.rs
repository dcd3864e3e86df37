//! What results say of each claim: the record that every picture and table is made of, and nothing else.
//!
//! `cargo xtask evidence --update` keeps it in the repository, as `tests/evidence.json`. A verdict has the cases that
//! it is about: when those of `tests/evidence.toml` have changed since, it counts no more.

use super::claims::{Claims, Place, Platform, Proof};
use super::coverage::Coverage;
use super::results::{How, Outcome};
use crate::test::system::System;
use anyhow::{Context, Result, ensure};
use packager::Artifacts;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The record of the last whole run, in the folder `tests`.
pub(crate) const FILE: &str = "evidence.json";
/// The version of its form.
const SCHEMA: u32 = 1;
/// A case that every suite of the acceptance bench has when it breaks down as a whole.
const WHOLE: &str = "the suite itself";

/// What is known.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    schema: u32,
    /// The commit that counts: the one at which these artifacts were judged.
    pub(crate) commit: Option<String>,
    /// When the last of its results was written.
    pub(crate) date: Option<String>,
    /// The artifacts by their names in artifacts.toml.
    pub(crate) artifacts: BTreeMap<String, File>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) suites: Vec<Sums>,
    /// The programs of each crate's unit tests: how many passed, and how many did not.
    pub(crate) crates: BTreeMap<String, (usize, usize)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<Coverage>,
}

/// The file of an artifact.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) file: String,
    pub(crate) sha256: String,
}

/// What results say of one proof of one cell.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verdict {
    pub(crate) platform: String,
    pub(crate) deed: String,
    pub(crate) proof: String,
    place: String,
    suite: String,
    cases: Vec<String>,
    pub(crate) state: State,
    /// What is wrong, or differs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
    pub(crate) count: usize,
    pub(crate) commit: Option<String>,
    pub(crate) date: Option<String>,
    machines: Vec<System>,
}

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// All passed, of another commit, other sources or other files than those that count.
    Elsewhere,
    /// Some of the cases did not run.
    Incomplete,
    /// All passed.
    Passed,
    /// Some failed.
    Failed,
}

/// The sums of a suite on one machine.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sums {
    pub(crate) suite: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) not_run: usize,
    /// Why it is not about what counts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) differs: String,
    pub(crate) commit: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) machine: String,
}

impl Record {
    /// Reads the record of a workspace.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub(crate) fn load(root: &Path) -> Result<Record> {
        let path = root.join("tests").join(FILE);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let advice = || format!("{} is damaged: `cargo xtask evidence --update` writes it", path.display());
        let record: Record = serde_json::from_str(&text).with_context(advice)?;
        ensure!(record.schema == SCHEMA, "{} is of another schema", path.display());
        Ok(record)
    }

    /// As JSON.
    pub(crate) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Judges every proof by these results, about these artifacts.
    ///
    /// # Errors
    /// If the claims name what they do not have.
    pub(crate) fn make(
        claims: &Claims,
        artifacts: &Artifacts,
        outcomes: &[Outcome],
        coverage: Option<Coverage>,
    ) -> Result<Record> {
        let commit = commit_that_counts(artifacts, outcomes);
        let judge = Judge { commit: commit.as_deref(), artifacts, outcomes };
        let mut verdicts = Vec::new();
        for platform in &claims.platforms {
            for (deed, names) in &platform.cells {
                for name in names {
                    let (proof, place) = claims.proof(name, platform)?;
                    verdicts.extend(judge.verdict(platform, deed, proof, place));
                }
            }
        }
        let mut suites: Vec<Sums> = outcomes.iter().map(|outcome| judge.sums(outcome)).collect();
        suites.sort_by(|a, b| (&a.suite, &a.machine, &a.date).cmp(&(&b.suite, &b.machine, &b.date)));
        let current = suites.iter().filter(|sums| sums.differs.is_empty());
        let date = current.filter_map(|sums| sums.date.clone()).max();
        let list = artifacts.0.iter().map(|(file, artifact)| {
            (artifact.artifact.clone(), File { file: file.clone(), sha256: artifact.sha256.clone() })
        });
        let artifacts = list.collect();
        let crates = judge.crates();
        Ok(Record { schema: SCHEMA, commit, date, artifacts, verdicts, suites, crates, coverage })
    }

    /// The verdict on a proof, if there is one on just these cases in just this place.
    pub(crate) fn verdict(
        &self,
        platform: &Platform,
        deed: &str,
        proof: &Proof,
        place: &Place,
    ) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| {
            verdict.platform == platform.name
                && verdict.deed == deed
                && verdict.proof == proof.name
                && verdict.place == place.name
                && verdict.suite == proof.suite
                && verdict.cases == proof.cases
                && verdict.machines.iter().all(|machine| place.takes(Some(machine)))
        })
    }

    /// Whether every artifact of a platform is there.
    pub(crate) fn is_built(&self, platform: &Platform) -> bool {
        let known = |name: &String| self.artifacts.contains_key(name);
        !platform.artifacts.is_empty() && platform.artifacts.iter().all(known)
    }
}

/// The commit of the newest result that judged these files; without files, or results about them, that of the newest.
fn commit_that_counts(artifacts: &Artifacts, outcomes: &[Outcome]) -> Option<String> {
    let newest = |about: &dyn Fn(&Outcome) -> bool| {
        let fitting = outcomes.iter().filter(|outcome| outcome.commit.is_some() && about(outcome));
        fitting.max_by(|a, b| a.date.cmp(&b.date)).and_then(|outcome| outcome.commit.clone())
    };
    let about_these =
        |outcome: &Outcome| !outcome.artifacts.is_empty() && other_file(artifacts, outcome).is_none();
    newest(&about_these).or_else(|| newest(&|_| true))
}

/// The first file that a result is about and that is not among these.
fn other_file<'a>(artifacts: &Artifacts, outcome: &'a Outcome) -> Option<&'a str> {
    let known = |name: &str, sha256: &str| artifacts.0.get(name).is_some_and(|known| known.sha256 == sha256);
    let other = outcome.artifacts.iter().find(|judged| !known(&judged.name, &judged.sha256));
    other.map(|judged| judged.name.as_str())
}

/// What everything is judged by.
struct Judge<'a> {
    commit: Option<&'a str>,
    artifacts: &'a Artifacts,
    outcomes: &'a [Outcome],
}

impl<'a> Judge<'a> {
    /// Why a result is not about what counts; nothing if it is.
    fn differs(&self, outcome: &Outcome) -> String {
        match &outcome.commit {
            None => return "of an unknown commit".to_owned(),
            Some(commit) if Some(&**commit) != self.commit => return format!("of commit {}", short(commit)),
            Some(_) => {}
        }
        if outcome.clean == Some(false) {
            return "with uncommitted changes".to_owned();
        }
        other_file(self.artifacts, outcome).map(|name| format!("of another {name}")).unwrap_or_default()
    }

    fn sums(&self, outcome: &Outcome) -> Sums {
        Sums {
            suite: outcome.suite.clone(),
            passed: outcome.passed,
            failed: outcome.failed,
            not_run: outcome.not_run,
            differs: self.differs(outcome),
            commit: outcome.commit.clone(),
            date: outcome.date.clone(),
            machine: outcome.system.clone().unwrap_or_default().shown(),
        }
    }

    /// The programs of unit tests are cases, and begin with the name of their crate.
    fn crates(&self) -> BTreeMap<String, (usize, usize)> {
        let mut crates: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let counts = |outcome: &&Outcome| outcome.suite == "unit" && self.differs(outcome).is_empty();
        for case in self.outcomes.iter().filter(counts).flat_map(|outcome| &outcome.cases) {
            let name = case.name.split(' ').next().filter(|name| *name != "cargo");
            let Some(name) = name else { continue };
            let sums = crates.entry(name.to_owned()).or_default();
            *(if case.outcome == How::Passed { &mut sums.0 } else { &mut sums.1 }) += 1;
        }
        crates
    }

    /// What the results say of a proof; nothing if none is about it. Of several machines, one that failed counts, or
    /// else one that passed.
    fn verdict(&self, platform: &Platform, deed: &str, proof: &Proof, place: &Place) -> Option<Verdict> {
        let mut judged: Vec<(State, String, usize, &'a Outcome)> = Vec::new();
        for outcome in self.outcomes {
            if outcome.suite == proof.suite && place.takes(outcome.system.as_ref()) {
                let Some((state, why, count)) = judge(proof, outcome) else { continue };
                let differs = self.differs(outcome);
                let (state, why) = match (differs.is_empty(), state) {
                    (true, _) => (state, why),
                    (false, State::Passed) => (State::Elsewhere, differs),
                    (false, _) => (State::Elsewhere, format!("{differs}, and then {why}")),
                };
                judged.push((state, why, count, outcome));
            }
        }
        let state = judged.iter().map(|(state, ..)| *state).max()?;
        judged.retain(|(its, ..)| *its == state);
        judged.sort_by(|a, b| b.3.date.cmp(&a.3.date));
        let (_, why, count, newest) = judged.first()?;
        let mut machines: Vec<System> =
            judged.iter().map(|(.., outcome)| outcome.system.clone().unwrap_or_default()).collect();
        machines.sort_by_key(System::shown);
        machines.dedup();
        Some(Verdict {
            platform: platform.name.clone(),
            deed: deed.to_owned(),
            proof: proof.name.clone(),
            place: place.name.clone(),
            suite: proof.suite.clone(),
            cases: proof.cases.clone(),
            state,
            why: why.clone(),
            count: *count,
            commit: newest.commit.clone(),
            date: newest.date.clone(),
            machines,
        })
    }
}

/// What one result says of a proof, and how many cases that is; nothing if it has none of them.
fn judge(proof: &Proof, outcome: &Outcome) -> Option<(State, String, usize)> {
    let mut found = Vec::new();
    let mut lacking = Vec::new();
    for pattern in &proof.cases {
        let before = found.len();
        found.extend(outcome.cases.iter().filter(|case| fits(pattern, &case.name)));
        if found.len() == before {
            lacking.push(pattern);
        }
    }
    let whole = outcome.cases.iter().find(|case| case.name == WHOLE && case.outcome == How::Failed);
    if found.is_empty() && whole.is_none() {
        // A suite that could not begin has no cases, and says why.
        let reason = outcome.error.as_ref().filter(|_| outcome.cases.is_empty())?;
        return Some((State::Incomplete, format!("not run: {reason}"), 0));
    }
    let count = found.len();
    if let Some(case) = whole.or_else(|| found.iter().copied().find(|case| case.outcome == How::Failed)) {
        return Some((State::Failed, format!("failed: {}", case.name), count));
    }
    if let Some(case) = found.iter().find(|case| case.outcome == How::NotRun) {
        return Some((State::Incomplete, format!("not run: {}", case.name), count));
    }
    match lacking.first() {
        Some(pattern) => Some((State::Incomplete, format!("there is no result of: {pattern}"), count)),
        None => Some((State::Passed, String::new(), count)),
    }
}

/// Whether a name is as a pattern says, in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
            let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            starts.into_iter().any(|at| fits(after, &rest[at..]))
        }),
    }
}

/// A commit as people say it.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

impl Verdict {
    /// The machines, in words.
    pub(crate) fn machines(&self) -> String {
        self.machines.iter().map(System::shown).collect::<Vec<_>>().join("; ")
    }
}
