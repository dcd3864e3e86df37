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
        return Ok(Outcome::would(format!("extend {}{upload}", folder.display())));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Http;
    use crate::repository::tests::Place;
    use packager::{Product, Version};
    use std::fs;
    use std::path::Path;
    use std::str::FromStr;

    /// Fails if: packages get into another suite than theirs, an unsigned one is published, or the upload is not run,
    /// not run again, or its failure not shown.
    #[test]
    fn extends_and_uploads() {
        let place = Place::new();
        place.packages("release/files", "1.0.0", "a");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/product.toml");
        let product = Product::load(&manifest).unwrap();
        let http = Http::new("http://127.0.0.1:1", None).unwrap();
        let (copied, folder) = (place.path("copied"), place.path("release"));
        let extend = |version: &str, upload: &str| {
            let text = format!("[packages]\nfolder = 'packages'\nupload = {upload}");
            fs::write(place.path("release.toml"), text).unwrap();
            let settings = Settings::load(Some(&place.path("release.toml"))).unwrap();
            let run = Run {
                http: &http,
                repository: "a/b",
                folder: &folder,
                manifest: &manifest,
                product: &product,
                version: Version::from_str(version).unwrap(),
                tag: "v1",
                commit: "",
                dry: false,
            };
            let outcome = super::extend(&run, &settings, settings.packages.as_ref().unwrap());
            outcome.map(|outcome| outcome.what).map_err(|error| format!("{error:#}"))
        };
        let copy = format!("['cp', '-r', '{{folder}}/apt', '{}']", copied.display());
        let error = extend("1.0.0", &copy).unwrap_err();
        assert!(error.contains("it is not signed") && !copied.exists(), "{error}");
        // As `sign` leaves it: signed, by the key of the repositories.
        place.sign_and_publish("packages", &place.path("release/files"));
        assert!(extend("1.0.0", &copy).unwrap().starts_with("0 new files"));
        assert!(copied.join("dists/stable/InRelease").exists() && !copied.join("dists/beta").exists());
        fs::remove_dir_all(&copied).unwrap();
        let done = extend("1.1.0-beta.1", &copy).unwrap();
        assert!(!done.starts_with("0 new") && done.ends_with("uploaded"), "{done}");
        assert!(copied.join("dists/beta/InRelease").exists());
        let error = extend("1.1.0-beta.1", "['false', '{folder}']").unwrap_err();
        assert!(
            error.contains("the upload command failed") && error.contains("packages; mend it"),
            "{error}"
        );
        let error = extend("1.1.0-beta.1", "['/none']").unwrap_err();
        assert!(error.contains("starting the upload command /none"), "{error}");
    }
}
