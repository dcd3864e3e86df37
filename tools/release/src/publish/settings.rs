//! What `release.toml` says: where the token is, and to whom a release is told. It holds no secret, and paths are
//! relative to its folder. What it does not name is not set up, which is no mistake.

use super::github::repository_name;
use crate::http::Token;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use signing_settings::Place;
use std::path::{Path, PathBuf};

/// The document that describes the settings.
const DOCUMENT: &str = "docs/publishing.md";

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    #[serde(default = "default_token")]
    token: Place,
    /// The catalogue of Windows.
    pub(crate) winget: Option<Winget>,
    /// The bucket for Scoop.
    pub(crate) scoop: Option<Target>,
    /// The tap for Homebrew.
    pub(crate) homebrew: Option<Target>,
    /// Where the documentation is.
    pub(crate) documentation: Option<Documentation>,
    /// The repositories for apt and dnf.
    pub(crate) packages: Option<Packages>,
    /// Who pushes the container image.
    pub(crate) image: Option<Image>,
    #[serde(skip)]
    folder: PathBuf,
}

/// Where a version for winget is proposed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Winget {
    /// A repository of ours that was forked from the catalogue.
    pub(crate) fork: String,
    /// The catalogue.
    #[serde(default = "default_catalogue")]
    pub(crate) catalogue: String,
}

/// A repository whose default branch is written to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// `OWNER/NAME`.
    pub(crate) repository: String,
}

/// A branch that is served as web pages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Documentation {
    /// `OWNER/NAME`; by default that of the release.
    pub(crate) repository: Option<String>,
    /// The branch, which is made if it is not there.
    #[serde(default = "default_branch")]
    pub(crate) branch: String,
}

/// A folder with repositories for apt and dnf.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packages {
    /// The folder, as it is published now.
    pub(crate) folder: PathBuf,
    /// Its address and key.
    #[serde(default = "default_repository")]
    pub(crate) config: PathBuf,
    /// A program and its arguments that upload the folder; `{folder}` stands for it.
    upload: Option<Vec<String>>,
}

/// Who pushes the container image, to where the product says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    /// The name that the registry knows.
    pub(crate) user: String,
    /// A token, or whatever the registry takes as a password.
    #[serde(default = "default_registry_token")]
    token: Place,
}

fn default_registry_token() -> Place {
    Place::Env("REGISTRY_TOKEN".to_owned())
}

fn default_token() -> Place {
    Place::Env("GITHUB_TOKEN".to_owned())
}

fn default_catalogue() -> String {
    "microsoft/winget-pkgs".to_owned()
}

fn default_branch() -> String {
    "gh-pages".to_owned()
}

fn default_repository() -> PathBuf {
    PathBuf::from("repository.toml")
}

impl Settings {
    /// Reads a file, or has nothing set up.
    ///
    /// # Errors
    /// If the file cannot be read, has an unknown key, or says what cannot work.
    pub(crate) fn load(path: Option<&Path>) -> Result<Settings> {
        let Some(path) = path else {
            return toml::from_str("").context("nothing is set up");
        };
        let mut settings: Settings = signing_settings::read(path, DOCUMENT)?;
        settings.check().with_context(|| format!("in {}", path.display()))?;
        settings.folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Ok(settings)
    }

    fn check(&self) -> Result<()> {
        let is_command = |words: &Vec<String>| words.first().is_some_and(|word| !word.is_empty());
        ensure!(
            self.packages.as_ref().and_then(|packages| packages.upload.as_ref()).is_none_or(is_command),
            "packages.upload is to be a list of a program and its arguments"
        );
        let targets = [&self.scoop, &self.homebrew].into_iter().flatten().map(|target| &target.repository);
        let winget = self.winget.iter().flat_map(|winget| [&winget.fork, &winget.catalogue]);
        let documentation = self.documentation.iter().filter_map(|target| target.repository.as_ref());
        for repository in targets.chain(winget).chain(documentation) {
            // The value is not shown: it may be anything.
            ensure!(repository_name(repository).is_ok(), "a repository is not named as OWNER/NAME");
        }
        let branch = self.documentation.as_ref().map_or("x", |target| &target.branch);
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        ensure!(
            !branch.is_empty() && branch.chars().all(fits),
            "documentation.branch is no name of a branch"
        );
        let user = self.image.as_ref().map_or("x", |image| &image.user);
        ensure!(
            !user.is_empty() && !user.contains(|c: char| c == ':' || c.is_control()),
            "image.user is no name of a user"
        );
        Ok(())
    }

    /// The token for the registry of the image.
    ///
    /// # Errors
    /// If it is not where the settings say.
    pub(crate) fn image_token(&self, image: &Image) -> Result<Token> {
        let secret = image.token.fetch("token for the registry", &self.folder);
        let advice =
            || format!("a token for the registry is needed: {DOCUMENT} says which, and where it belongs");
        Ok(Token { secret: secret.with_context(advice)?, from: image.token.describe(&self.folder) })
    }

    /// The token.
    ///
    /// # Errors
    /// If it is not where the settings say.
    pub(crate) fn token(&self) -> Result<Token> {
        let secret = self.token.fetch("token for GitHub", &self.folder);
        let advice = || format!("a token for GitHub is needed: {DOCUMENT} says which, and where it belongs");
        Ok(Token { secret: secret.with_context(advice)?, from: self.token.describe(&self.folder) })
    }

    /// A path that the settings name.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}

impl Packages {
    /// The words of the command that uploads the folder, and whether there is one.
    pub(crate) fn upload(&self, folder: &Path) -> Option<Vec<String>> {
        let words = self.upload.as_ref()?.iter();
        Some(words.map(|word| word.replace("{folder}", &folder.to_string_lossy())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Fails if: settings are not read as they are documented, what cannot work is accepted, or an error shows a value.
    #[test]
    fn reads_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release.toml");
        let load = |text: &str| {
            fs::write(&path, text).unwrap();
            Settings::load(Some(&path)).map_err(|error| format!("{error:#}"))
        };
        assert!(Settings::load(None).unwrap().winget.is_none());
        fs::write(folder.path().join("t"), "secret\n").unwrap();
        let settings = load(
            "token = { file = 't' }\n[winget]\nfork = 'a/winget-pkgs'\n[documentation]\n\
             [packages]\nfolder = 'p'\nupload = ['up', '{folder}/']",
        )
        .unwrap();
        assert_eq!(settings.token().unwrap().secret, "secret");
        assert_eq!(settings.winget.as_ref().unwrap().catalogue, "microsoft/winget-pkgs");
        assert_eq!(settings.documentation.as_ref().unwrap().branch, "gh-pages");
        let packages = settings.packages.as_ref().unwrap();
        assert_eq!(packages.upload(Path::new("/p")).unwrap(), ["up", "/p/"]);
        assert_eq!(settings.path(&packages.folder), folder.path().join("p"));
        let settings = load("[image]\nuser = 'robot'\ntoken = { file = 't' }").unwrap();
        let image = settings.image.as_ref().unwrap();
        assert_eq!((&*image.user, &*settings.image_token(image).unwrap().secret), ("robot", "secret"));
        for (text, message) in [
            ("tokens = 'hush-4711'", "unknown field `tokens`"),
            ("token = 'hush-4711'", "docs/publishing.md has an example"),
            ("[winget]", "missing field `fork`"),
            ("[scoop]\nrepository = 'hush-4711'", "not named as OWNER/NAME"),
            ("[documentation]\nbranch = 'hush 4711'", "no name of a branch"),
            ("[packages]\nfolder = 'p'\nupload = []", "a program and its arguments"),
            ("[image]\ntoken = { file = 't' }", "missing field `user`"),
            ("[image]\nuser = 'x'\ntoken = 'hush-4711'", "give the place of the secret"),
            ("[image]\nuser = 'x:hush'", "no name of a user"),
        ] {
            let error = load(text).err().unwrap();
            assert!(error.contains(message) && !error.contains("hush"), "{text}: {error}");
        }
        let missing = load("token = { env = 'NO_SUCH_VARIABLE_4711' }").unwrap().token().err().unwrap();
        assert!(format!("{missing:#}").contains("NO_SUCH_VARIABLE_4711"), "{missing:#}");
    }
}
