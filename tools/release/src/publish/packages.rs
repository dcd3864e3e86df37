//! The repositories for apt and dnf: the folder is extended by this release, then uploaded by whatever program the
//! settings name.

use super::settings::{Packages, Settings};
use super::{Context as Run, Outcome};
use crate::repository::{Repo, STABLE};
use anyhow::{Context, Result, ensure};
use std::process::{Command, Stdio};

/// Who wants what is not finished asks for it by this name.
const PRE_RELEASES: &str = "beta";

/// Extends and uploads the folder.
///
/// # Errors
/// If that fails; the folder is whole then, and the next run goes on.
pub(crate) fn extend(run: &Run<'_>, settings: &Settings, packages: &Packages) -> Result<Outcome> {
    let folder = settings.path(&packages.folder);
    let command = packages.upload(&folder);
    let shown = command.as_ref().map(|words| words.join(" "));
    if run.dry {
        let upload = shown.map_or(String::new(), |shown| format!(", then run {shown}"));
        return Ok(Outcome::done(format!("would extend {}{upload}", folder.display()), ""));
    }
    let suite = if run.version.is_pre_release() { PRE_RELEASES } else { STABLE };
    let repo =
        Repo::of_release(folder.clone(), run.files(), suite, settings.path(&packages.config), run.manifest);
    let mut new = 0;
    repo.publish(&mut |path| {
        run.say(path);
        new += 1;
        Ok(())
    })?;
    let done = format!("{new} new files in {}", folder.display());
    let (Some(words), Some(shown)) = (command, shown) else {
        let done = format!("{done}; no upload command is set up");
        return Ok(if new == 0 { Outcome::was_done(done, "") } else { Outcome::done(done, "") });
    };
    // Run even if nothing is new: an upload may have been broken off.
    run.say(&format!("$ {shown}"));
    let status = Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        // Standard output is the summary.
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("starting the upload command {shown}: see [packages] in release.toml"))?;
    ensure!(
        status.success(),
        "the upload command failed ({status}); what it said is above: {shown}; mend it and run `publish packages` again"
    );
    Ok(Outcome::done(format!("{done}, uploaded"), ""))
}
