//! `state.json` in the folder of a release: which steps were taken, on what, and what came of them.
//!
//! A step stands as long as what it was taken on is what lies there now. So a step that is taken again makes those
//! outdated that came after it, if and only if its outcome is another one.

use super::place::Place;
use anyhow::{Context, Result, ensure};
use packager::artifacts::LIST;
use packager::digest::{Inputs, sha256_file};
use packager::{Artifacts, unfinished};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The name of the file.
const FILE: &str = "state.json";

/// The version of its form.
const SCHEMA: u32 = 1;

/// A step, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Name {
    /// Every artifact, unsigned.
    Build,
    /// The tests of exactly these.
    Test,
    /// Signatures, and the files to be uploaded.
    Sign,
    /// What describes them, and the lists over everything.
    Describe,
    /// For everybody to download.
    Publish,
}

/// All steps.
pub(super) const ALL: [Name; 5] = [Name::Build, Name::Test, Name::Sign, Name::Describe, Name::Publish];

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Name::Build => "build",
            Name::Test => "test",
            Name::Sign => "sign",
            Name::Describe => "describe",
            Name::Publish => "publish",
        })
    }
}

/// What is known of a step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Done {
    /// When, in UTC.
    at: String,
    /// What it was taken on, as a digest.
    of: String,
    /// What came of it, as a digest.
    made: String,
    /// What is worth knowing of it, for people.
    pub(super) notes: Vec<String>,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "done {}", self.at)?;
        self.notes.iter().try_for_each(|note| write!(f, "; {note}"))
    }
}

/// The file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    schema: u32,
    version: String,
    commit: String,
    steps: BTreeMap<Name, Done>,
}

/// How a step stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing<'a> {
    /// It was not taken.
    Open,
    /// It was taken on something else than what lies there now, or what came of it was changed.
    Outdated,
    /// It is done.
    Done(&'a Done),
}

impl State {
    /// Reads the state of a release; that of one that was not begun, if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is that of another release.
    pub(super) fn load(place: &Place) -> Result<State> {
        let (version, commit) = (place.version.to_string(), place.commit.clone());
        let path = place.folder().join(FILE);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(State { schema: SCHEMA, version, commit, steps: BTreeMap::new() });
            }
            text => text.with_context(|| format!("reading {}", path.display()))?,
        };
        let state: State = serde_json::from_str(&text)
            .ok()
            .filter(|state: &State| state.schema == SCHEMA)
            .with_context(|| {
                format!(
                    "{} is damaged, or of another version of these tools: move the folder away, and copy its folder `signatures` into the new one before `sign`",
                    path.display()
                )
            })?;
        ensure!(
            state.version == version && state.commit == commit,
            "{} is a release of {} from the commit {}, and this one is {version} from {commit}: move it away, or name another folder by --folder",
            place.folder().display(),
            state.version,
            state.commit
        );
        Ok(state)
    }

    /// How a step stands.
    ///
    /// # Errors
    /// If what lies there cannot be read.
    pub(super) fn standing(&self, step: Name, place: &Place) -> Result<Standing<'_>> {
        let Some(done) = self.steps.get(&step) else { return Ok(Standing::Open) };
        let before = ALL.iter().take_while(|other| **other < step);
        for other in before.filter(|other| **other != Name::Test || step == Name::Publish) {
            if !matches!(self.standing(*other, place)?, Standing::Done(_)) {
                return Ok(Standing::Outdated);
            }
        }
        let now = (taken_on(step, place)?, outcome(step, place)?);
        let is_current = now.0.as_ref() == Some(&done.of) && now.1.as_ref() == Some(&done.made);
        Ok(if is_current { Standing::Done(done) } else { Standing::Outdated })
    }

    /// Refuses to go on before a step stands.
    ///
    /// # Errors
    /// If it does not.
    pub(super) fn require(&self, step: Name, place: &Place) -> Result<&Done> {
        let verb = if step == Name::Test { Name::Build } else { step };
        match self.standing(step, place)? {
            Standing::Done(done) => Ok(done),
            Standing::Open => {
                anyhow::bail!("the step {step} was not taken: cargo xtask release {verb}")
            }
            Standing::Outdated => anyhow::bail!(
                "since the step {step} was taken, what it was taken on or what came of it was changed: cargo xtask release {verb}"
            ),
        }
    }

    /// Takes back that a step was taken.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn forget(&mut self, step: Name, place: &Place) -> Result<()> {
        self.steps.remove(&step);
        self.write(place)
    }

    fn write(&self, place: &Place) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        unfinished::prepare(place.folder(), FILE, text.as_bytes())?.appear().map(drop)
    }

    /// Notes that a step was taken on what lies there, with what lies there as its outcome.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(super) fn take(&mut self, step: Name, notes: Vec<String>, place: &Place) -> Result<()> {
        let lies = |digest: Option<String>| digest.context("what a step was taken on lies there");
        let (of, made) = (lies(taken_on(step, place)?)?, lies(outcome(step, place)?)?);
        let at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        self.steps.insert(step, Done { at, of, made, notes });
        self.write(place)
    }
}

/// What a step is taken on, as it is now.
fn taken_on(step: Name, place: &Place) -> Result<Option<String>> {
    match step {
        Name::Build => Ok(Some(place.commit.clone())),
        Name::Test | Name::Sign => outcome(Name::Build, place),
        Name::Describe => outcome(Name::Sign, place),
        Name::Publish => outcome(Name::Describe, place),
    }
}

/// What came of a step, as it is now: every bit of it, so that nothing that was changed, lost or added counts as done.
fn outcome(step: Name, place: &Place) -> Result<Option<String>> {
    let all = |_: &str| true;
    match step {
        Name::Build => digest(&[(place.unsigned(), &all)]),
        Name::Test => digest(&[(place.tests(), &all)]),
        Name::Sign => {
            let Some(list) = Artifacts::load(&place.files())? else { return Ok(None) };
            let is_artifact = |name: &str| name == LIST || list.0.contains_key(name);
            // Those of the lists are made by the next step.
            let is_of_artifacts = |name: &str| !name.starts_with("seal/");
            digest(&[(place.files(), &is_artifact), (place.signatures(), &is_of_artifacts)])
        }
        Name::Describe | Name::Publish => {
            let is_note = |name: &str| name == NOTES;
            digest(&[(place.files(), &all), (place.folder().to_owned(), &is_note)])
        }
    }
}

/// What is published as the text of the release.
const NOTES: &str = "notes.md";

/// Which files of a folder count, by their paths in it.
type Counts<'a> = &'a dyn Fn(&str) -> bool;

/// A digest of files in folders, with their names; nothing if the first folder is not there, or has none.
fn digest(folders: &[(PathBuf, Counts<'_>)]) -> Result<Option<String>> {
    let mut inputs = Inputs::default();
    let mut is_empty = true;
    for (folder, counts) in folders {
        if !folder.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        packager::digest::collect_files(folder, &mut files)?;
        files.sort();
        for file in &files {
            let name = file.strip_prefix(folder).unwrap_or(file).to_string_lossy().into_owned();
            if counts(&name) && !name.starts_with(unfinished::PREFIX) {
                inputs = inputs.value(&name, &sha256_file(file)?);
                is_empty = false;
            }
        }
    }
    Ok((!is_empty).then(|| inputs.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use packager::artifacts::SUMS;
    use std::path::Path;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A release of which everything lies there that the steps leave.
    fn whole(folder: &Path) -> Place {
        let place = Place::at(folder, "1.0.0", "c0ffee");
        write(&place.unsigned().join(SUMS), "unsigned");
        write(&place.tests().join("1/summary.json"), "{}");
        write(&place.files().join(LIST), r#"{"schema":2,"artifacts":{}}"#);
        write(&place.signatures().join("1.0.0/a"), "signature");
        write(&place.files().join(SUMS), "described");
        place
    }

    /// Fails if: a step counts as done though what it was taken on or what came of it is another now, or one that still
    /// stands has to be taken again.
    #[test]
    fn knows_what_stands() {
        for (change, outdated) in [
            ("", &[][..]),
            ("unsigned/SHA256SUMS", &["build", "test", "sign", "describe", "publish"]),
            ("tests/1/summary.json", &["test", "publish"]),
            ("unsigned/a.deb", &["build", "test", "sign", "describe", "publish"]),
            ("signatures/1.0.0/a", &["sign", "describe", "publish"]),
            ("signatures/seal/a", &[]),
            ("files/SHA256SUMS", &["describe", "publish"]),
            ("files/stray.txt", &["describe", "publish"]),
            ("notes.md", &["describe", "publish"]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let place = whole(folder.path());
            let mut state = State::load(&place).unwrap();
            for step in ALL {
                assert_eq!(state.standing(step, &place).unwrap(), Standing::Open);
                state.take(step, vec!["a note".to_owned()], &place).unwrap();
            }
            if !change.is_empty() {
                write(&folder.path().join(change), "changed");
            }
            let state = State::load(&place).unwrap();
            let found: Vec<String> = ALL
                .into_iter()
                .filter(|step| state.standing(*step, &place).unwrap() == Standing::Outdated)
                .map(|step| step.to_string())
                .collect();
            assert_eq!(found, outdated, "after a change of {change}");
        }
    }

    /// Fails if: a folder of another release is gone on with, or a damaged state is taken for none.
    #[test]
    fn refuses_what_is_of_another_release() {
        let folder = tempfile::tempdir().unwrap();
        let place = whole(folder.path());
        State::load(&place).unwrap().take(Name::Build, Vec::new(), &place).unwrap();
        for (version, commit) in [("1.0.1", "c0ffee"), ("1.0.0", "decaf")] {
            let error = State::load(&Place::at(folder.path(), version, commit)).unwrap_err().to_string();
            assert!(
                error.contains("move it away") && error.contains("1.0.0 from the commit c0ffee"),
                "{error}"
            );
        }
        write(&folder.path().join(FILE), "{");
        assert!(State::load(&place).unwrap_err().to_string().contains("damaged"));
    }
}
