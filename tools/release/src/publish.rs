//! `release-tools publish`: from a sealed folder to everything that tells people about a release.
//!
//! The release on GitHub comes first. Everything else needs what it has, is a step of its own, and can fail and be
//! repeated without harm. docs/publishing.md describes the steps, the settings and rehearsals.

mod catalogues;
mod commit;
mod github;
mod image;
mod packages;
mod release;
mod sealed;
mod settings;

use crate::http::Http;
use crate::shown::shown;
use anyhow::{Context as _, Result, bail, ensure};
use github::{Release, Repository};
use packager::{Product, Version, unfinished};
use sealed::Upload;
use serde::Serialize;
use settings::{Documentation, Image, Packages, Settings, Target, Winget};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{env, fs};

/// The settings, if they are not named.
const SETTINGS: &str = "release.toml";

/// Publishes a sealed release, or goes on with it where it was broken off
///
/// Without a step it does all of them in order, as far as they are set up.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// What to do
    #[arg(value_name = "STEP")]
    steps: Vec<Step>,
    /// The folder of the release, whose folder `files` is published
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// The version
    #[arg(long, value_parser = Version::from_str)]
    version: Version,
    /// The commit from which it was built
    #[arg(long, value_name = "SHA")]
    commit: String,
    /// The repository: OWNER/NAME, or the address of its page
    #[arg(long, value_name = "URL")]
    repository: String,
    /// The notes [default: notes.md in the folder]
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    /// The settings [default: release.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The description of the product
    #[arg(long, value_name = "FILE", default_value = "packaging/product.toml")]
    product: PathBuf,
    /// The address of GitHub's API; one of this machine makes it a rehearsal
    #[arg(long, value_name = "URL", default_value = "https://api.github.com")]
    api: String,
    /// In a rehearsal, the address of a registry of this machine for the container image
    #[arg(long, value_name = "URL")]
    registry: Option<String>,
    /// Says what would be done, and changes nothing
    #[arg(long)]
    dry_run: bool,
    /// Writes what was done as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// A step, in the order in which they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Step {
    /// The release on GitHub
    Github,
    /// The repositories for apt and dnf
    Packages,
    /// The container image in its registry
    Image,
    /// A pull request to the catalogue of winget
    Winget,
    /// The bucket for Scoop
    Scoop,
    /// The tap for Homebrew
    Homebrew,
    /// The documentation of the version
    Documentation,
}

impl Step {
    const ALL: [Step; 7] = [
        Step::Github,
        Step::Packages,
        Step::Image,
        Step::Winget,
        Step::Scoop,
        Step::Homebrew,
        Step::Documentation,
    ];

    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// A step after the release itself, with its settings.
enum Task<'a> {
    Packages(&'a Packages),
    Image(&'a Image),
    Winget(&'a Winget),
    Scoop(&'a Target),
    Homebrew(&'a Target),
    Documentation(&'a Documentation),
}

impl<'a> Task<'a> {
    /// What a step is to do, if it is set up.
    fn of(step: Step, settings: &'a Settings) -> Option<Task<'a>> {
        match step {
            Step::Github => None,
            Step::Packages => settings.packages.as_ref().map(Task::Packages),
            Step::Image => settings.image.as_ref().map(Task::Image),
            Step::Winget => settings.winget.as_ref().map(Task::Winget),
            Step::Scoop => settings.scoop.as_ref().map(Task::Scoop),
            Step::Homebrew => settings.homebrew.as_ref().map(Task::Homebrew),
            Step::Documentation => settings.documentation.as_ref().map(Task::Documentation),
        }
    }
}

/// What became of a step.
#[derive(Serialize)]
pub(crate) struct Outcome {
    result: &'static str,
    what: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    url: String,
}

impl Outcome {
    /// Something was done.
    pub(crate) fn done(what: String, url: &str) -> Outcome {
        Outcome { result: "done", what, url: url.to_owned() }
    }

    /// Nothing was left to do.
    pub(crate) fn was_done(what: String, url: &str) -> Outcome {
        Outcome { result: "was done", what, url: url.to_owned() }
    }

    /// Something would be done, in a dry run.
    pub(crate) fn would(what: String) -> Outcome {
        Outcome::skipped("would be done", what)
    }

    /// It is for another case than this.
    pub(crate) fn not_for_this(what: String) -> Outcome {
        Outcome::skipped("not for this", what)
    }

    fn skipped(result: &'static str, what: String) -> Outcome {
        Outcome { result, what, url: String::new() }
    }

    /// As people and machines may see it.
    fn shown(self) -> Outcome {
        Outcome { result: self.result, what: shown(&self.what), url: shown(&self.url) }
    }
}

/// What every step needs to know.
pub(crate) struct Context<'a> {
    http: &'a Http,
    repository: &'a str,
    folder: &'a Path,
    manifest: &'a Path,
    product: &'a Product,
    version: Version,
    tag: &'a str,
    commit: &'a str,
    dry: bool,
}

impl Context<'_> {
    /// A repository; without a name that of the release.
    fn repository(&self, name: Option<&str>) -> Result<Repository<'_>> {
        Repository::new(self.http, name.unwrap_or(self.repository))
    }

    /// The folder of what is published.
    fn files(&self) -> PathBuf {
        self.folder.join("files")
    }

    fn release_page(&self) -> String {
        format!("https://github.com/{}/releases/tag/{}", self.repository, self.tag)
    }

    /// Shows what is being done.
    fn say(&self, what: &str) {
        eprintln!("{}{}", if self.dry { "would: " } else { "" }, shown(what));
    }
}

/// What is written for machines.
#[derive(Serialize)]
struct Report {
    schema: u32,
    version: String,
    tag: String,
    commit: String,
    repository: String,
    dry_run: bool,
    steps: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    step: Step,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What has to be true of the folder before any of it becomes public.
fn preflight(run: &Context<'_>) -> Result<BTreeMap<String, Upload>> {
    sealed::read(&run.files())
}

impl Publish {
    /// Does the steps.
    ///
    /// # Errors
    /// If one fails; the others are done as far as they do not need it.
    pub(crate) fn run(self) -> Result<()> {
        ensure!(
            self.commit.len() == 40 && self.commit.chars().all(|c| c.is_ascii_hexdigit()),
            "--commit {:?} is to be the whole name of a commit, 40 hexadecimal digits",
            self.commit
        );
        ensure!(!self.version.is_dev(), "{} is the version of no release: tag one first", self.version);
        let product = Product::load(&self.product)?;
        let settings = self.settings()?;
        let repository = github::repository_name(&self.repository).context("--repository")?;
        let token = match settings.token() {
            Ok(token) => Some(token),
            Err(_) if self.dry_run => {
                eprintln!("note: without a token GitHub tells nothing of drafts");
                None
            }
            Err(error) => return Err(error),
        };
        let http = Http::new(&self.api, token)?;
        let tag = format!("v{}", self.version);
        let run = Context {
            http: &http,
            repository: &repository,
            folder: &self.folder,
            manifest: &self.product,
            product: &product,
            version: self.version,
            tag: &tag,
            commit: &self.commit,
            dry: self.dry_run,
        };
        let (lines, failures) = self.steps(&run, &settings);
        for Line { step, outcome } in &lines {
            // The only failure is the error that this ends with.
            let what = if outcome.result == "failed" && failures.len() == 1 { "" } else { &outcome.what };
            let words = [outcome.result, what, &outcome.url].into_iter().filter(|words| !words.is_empty());
            println!("{}: {}", step.name(), words.collect::<Vec<_>>().join(": "));
        }
        let report = Report {
            schema: 1,
            version: self.version.to_string(),
            tag: tag.clone(),
            commit: self.commit.clone(),
            repository: repository.clone(),
            dry_run: self.dry_run,
            steps: lines,
        };
        self.write(&report)?;
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.into_iter().next().unwrap_or_else(|| anyhow::anyhow!("a step failed"))),
            count => bail!("{count} steps failed, each as said above; run this again when that is mended"),
        }
    }

    fn settings(&self) -> Result<Settings> {
        let default = Path::new(SETTINGS);
        match &self.config {
            Some(path) => Settings::load(Some(path)),
            None if default.exists() => Settings::load(Some(default)),
            None => Settings::load(None),
        }
    }

    /// Does the steps that were asked for, and says what became of each.
    fn steps(&self, run: &Context<'_>, settings: &Settings) -> (Vec<Line>, Vec<anyhow::Error>) {
        let all = self.steps.is_empty();
        let mut steps = if all { Step::ALL.to_vec() } else { self.steps.clone() };
        steps.sort();
        steps.dedup();
        let (mut lines, mut failures) = (Vec::new(), Vec::new());
        // Asked for once, and by a step that needs to know.
        let mut releases = None;
        for step in steps {
            let result = match step {
                Step::Github => self.github(run),
                _ => self.others(step, run, settings, &mut releases),
            };
            let outcome = result.and_then(|outcome| {
                ensure!(
                    all || outcome.result != "not set up",
                    "{} is not set up: docs/publishing.md says what belongs into {SETTINGS}",
                    step.name()
                );
                Ok(outcome)
            });
            let failed = outcome.is_err();
            let outcome = outcome.unwrap_or_else(|error| {
                let what = format!("{error:#}");
                failures.push(error.context(format!("publishing: {}", step.name())));
                Outcome::skipped("failed", what)
            });
            lines.push(Line { step, outcome: outcome.shown() });
            // Everything else tells people of what would not be there.
            if failed && step == Step::Github {
                break;
            }
        }
        (lines, failures)
    }

    fn github(&self, run: &Context<'_>) -> Result<Outcome> {
        let files = preflight(run)?;
        let path = self.notes.clone().unwrap_or_else(|| self.folder.join("notes.md"));
        let notes = fs::read_to_string(&path)
            .with_context(|| format!("reading the notes {}: write them first", path.display()))?;
        release::publish(run, &files, &notes)
    }

    /// A step after the release itself.
    fn others(
        &self,
        step: Step,
        run: &Context<'_>,
        settings: &Settings,
        releases: &mut Option<Vec<Release>>,
    ) -> Result<Outcome> {
        let Some(task) = Task::of(step, settings) else {
            return Ok(Outcome::skipped("not set up", String::new()));
        };
        if run.version.is_pre_release() && [Step::Winget, Step::Scoop, Step::Homebrew].contains(&step) {
            return Ok(Outcome::not_for_this("pre-releases are not told there".to_owned()));
        }
        let releases = match releases {
            Some(releases) => releases,
            None => {
                releases.insert(run.repository(None)?.list("/releases").context("asking for the releases")?)
            }
        };
        ensure!(
            run.dry || releases.iter().any(|release| release.tag_name == run.tag && !release.draft),
            "{} is not published on GitHub: publish it there first, by the step github",
            run.tag
        );
        if [Step::Scoop, Step::Homebrew].contains(&step) && !release::is_latest(run.version, releases) {
            return Ok(Outcome::not_for_this("a newer version is published".to_owned()));
        }
        let (name, version) = (&run.product.name, run.version);
        match task {
            Task::Packages(packages) => packages::extend(run, settings, packages),
            Task::Image(image) => {
                let published = release::published(releases);
                image::push(run, settings, image, self.registry.as_deref(), &published)
            }
            Task::Winget(winget) => catalogues::winget(run, winget),
            Task::Scoop(scoop) => {
                let message = format!("{name}: Update to version {version}");
                catalogues::default_branch(run, "scoop", scoop, &message)
            }
            Task::Homebrew(homebrew) => {
                catalogues::default_branch(run, "homebrew", homebrew, &format!("{name} {version}"))
            }
            Task::Documentation(documentation) => catalogues::documentation(run, documentation),
        }
    }

    fn write(&self, report: &Report) -> Result<()> {
        let Some(path) = &self.json else { return Ok(()) };
        let name = path.file_name().with_context(|| format!("--json {} is to be a file", path.display()))?;
        let folder = env::current_dir()?.join(path.parent().unwrap_or(Path::new("")));
        let text = serde_json::to_string_pretty(report)? + "\n";
        unfinished::prepare(&folder, &name.to_string_lossy(), text.as_bytes())?.appear()?;
        Ok(())
    }
}
