//! Where people find the product: winget, Scoop, Homebrew, and the documentation of each version.
//!
//! What is told there was written before into folders of `work`, with paths as they are in the repository.

use super::commit::{Change, Done, Files, Start};
use super::github::Pull;
use super::settings::{Documentation, Target, Winget};
use super::{Context as Run, Outcome};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// Proposes the version to winget: a branch in a fork, and a pull request.
///
/// # Errors
/// If that fails, or a request was turned down.
pub(crate) fn winget(run: &Run<'_>, settings: &Winget) -> Result<Outcome> {
    let facts = run.product.winget.as_ref().context("the product has no [winget] in its description")?;
    let files = read(run, "winget")?;
    let (fork, catalogue) =
        (run.repository(Some(&settings.fork))?, run.repository(Some(&settings.catalogue))?);
    fork.about()?;
    let branch = format!("{}-{}", facts.identifier, run.version);
    let title = format!("New version: {} version {}", facts.identifier, run.version);
    let pulls = || catalogue.pulls_from(fork.owner(), &branch);
    if let Some(pull) = pulls()?.first() {
        // The branch may be gone, and is not made again.
        match judge(pull)? {
            State::Taken => return Ok(Outcome::was_done("winget has it".to_owned(), &pull.html_url)),
            State::Open => {}
        }
    }
    let base = catalogue.about()?.default_branch;
    if run.dry {
        run.say(&format!(
            "{} files on the branch {branch} of {fork}, and a pull request to {catalogue}",
            files.len()
        ));
        return Ok(Outcome::would(format!("propose {} to {catalogue}", run.version)));
    }
    let start = catalogue.head(&base)?.with_context(|| format!("{catalogue} has no branch {base}"))?;
    let change = Change {
        repository: &fork,
        branch: &branch,
        start: Start::At(&start),
        files: &files,
        message: &title,
    };
    if change.make()? == Done::WasAtStart {
        return Ok(Outcome::was_done("winget has it".to_owned(), ""));
    }
    if let Some(pull) = pulls()?.first() {
        judge(pull)?;
        return Ok(Outcome::was_done("it is proposed".to_owned(), &pull.html_url));
    }
    let text = format!("{} {}: {}", run.product.display_name, run.version, run.release_page());
    let answer = catalogue.ask_to_pull(&title, &format!("{}:{branch}", fork.owner()), &base, &text);
    let answer = answer.context("asking for the pull request")?;
    if answer.status() == 422
        && let Some(pull) = pulls()?.first()
    {
        return Ok(Outcome::was_done("it is proposed".to_owned(), &pull.html_url));
    }
    let pull: Pull = answer.ok().context("asking for the pull request")?;
    Ok(Outcome::done(format!("proposed {} to {catalogue}", run.version), &pull.html_url))
}

enum State {
    Open,
    Taken,
}

fn judge(pull: &Pull) -> Result<State> {
    match (pull.state.as_str(), &pull.merged_at) {
        (_, Some(_)) => Ok(State::Taken),
        ("open", None) => Ok(State::Open),
        _ => bail!(
            "the pull request {} was closed without being taken: read there why, and open it again there when that is settled",
            pull.html_url
        ),
    }
}

/// Writes a folder of `work` into the default branch of a repository.
///
/// # Errors
/// If that fails.
pub(crate) fn default_branch(run: &Run<'_>, step: &str, settings: &Target, message: &str) -> Result<Outcome> {
    let files = read(run, step)?;
    let repository = run.repository(Some(&settings.repository))?;
    let branch = repository.about()?.default_branch;
    write(run, &settings.repository, &branch, &files, message)
}

/// Writes the documentation of the version into a branch that is served as web pages.
///
/// # Errors
/// If that fails.
pub(crate) fn documentation(run: &Run<'_>, settings: &Documentation) -> Result<Outcome> {
    let files = read(run, "documentation")?;
    let name = settings.repository.as_deref().unwrap_or(run.repository);
    run.repository(Some(name))?.about()?;
    let message = format!("Documentation of {} {}", run.product.name, run.version);
    write(run, name, &settings.branch, &files, &message)
}

fn write(run: &Run<'_>, repository: &str, branch: &str, files: &Files, message: &str) -> Result<Outcome> {
    let repository = run.repository(Some(repository))?;
    if run.dry {
        let what = format!("{} files on the branch {branch} of {repository}", files.len());
        return Ok(Outcome::would(format!("write {what}")));
    }
    let change = Change { repository: &repository, branch, start: Start::Empty, files, message };
    Ok(match change.make()? {
        Done::Committed => Outcome::done(format!("{} files on {branch} of {repository}", files.len()), ""),
        Done::WasThere | Done::WasAtStart => Outcome::was_done(format!("{repository} has it"), ""),
    })
}

fn read(run: &Run<'_>, step: &str) -> Result<Files> {
    let folder: PathBuf = run.folder.join("work").join(step);
    Files::read(&folder)
        .with_context(|| format!("the files for {step} are to be in {}: make them first", folder.display()))
}
