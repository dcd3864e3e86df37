//! A repository on GitHub, as far as publishing needs it: <https://docs.github.com/en/rest>.

use crate::http::{Again, Answer, Http};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt;
use ureq::http::Method;

/// How many tags may stand between a tag and its commit.
const NESTED_TAGS: usize = 5;

/// A repository.
pub(crate) struct Repository<'a> {
    /// Who is asked.
    pub(crate) http: &'a Http,
    name: String,
}

/// What is asked of a repository before anything is written into it.
#[derive(Deserialize)]
pub(crate) struct About {
    /// `OWNER/NAME`, as it is called now.
    pub(crate) full_name: String,
    /// The branch that people see first.
    pub(crate) default_branch: String,
    #[serde(default)]
    permissions: Permissions,
}

#[derive(Default, Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

/// A release.
#[derive(Clone, Deserialize)]
pub(crate) struct Release {
    pub(crate) id: u64,
    pub(crate) tag_name: String,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) body: Option<String>,
    #[serde(default)]
    pub(crate) target_commitish: String,
    pub(crate) draft: bool,
    pub(crate) prerelease: bool,
    pub(crate) html_url: String,
    upload_url: String,
}

impl Release {
    /// Where a file is uploaded to; the address ends in the template `{?name,label}`.
    pub(crate) fn upload_url(&self, name: &str) -> String {
        let url = self.upload_url.split('{').next().unwrap_or_default();
        // The other characters of names need no escape.
        format!("{url}?name={}", name.replace('+', "%2B"))
    }
}

/// A file of a release.
#[derive(Clone, Deserialize)]
pub(crate) struct Asset {
    pub(crate) id: u64,
    pub(crate) name: String,
    /// `uploaded`, or `starter` if it is not whole.
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) size: u64,
    /// `sha256:` and hexadecimal digits; files from before June 2025 have none.
    #[serde(default)]
    pub(crate) digest: Option<String>,
    /// Where the API has it, also that of a draft.
    pub(crate) url: String,
}

impl Asset {
    /// Whether it is whole and has this digest.
    pub(crate) fn is(&self, sha256: &str) -> bool {
        self.state == "uploaded"
            && self.digest.as_deref().and_then(|d| d.strip_prefix("sha256:")) == Some(sha256)
    }
}

/// A pull request.
#[derive(Deserialize)]
pub(crate) struct Pull {
    pub(crate) html_url: String,
    pub(crate) state: String,
    #[serde(default)]
    pub(crate) merged_at: Option<String>,
}

impl fmt::Display for Repository<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl<'a> Repository<'a> {
    /// `OWNER/NAME`, or the address of its page.
    ///
    /// # Errors
    /// If it is neither.
    pub(crate) fn new(http: &'a Http, name: &str) -> Result<Repository<'a>> {
        Ok(Repository { http, name: repository_name(name)? })
    }

    /// Whose it is.
    pub(crate) fn owner(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// The address of something in it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", self.http.api(), self.name)
    }

    /// Asks for something that may be missing.
    ///
    /// # Errors
    /// If the answer is something else than that it is or is not there.
    pub(crate) fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>> {
        let answer = self.http.get(&self.url(path))?;
        if answer.status() == 404 { Ok(None) } else { answer.ok().map(Some) }
    }

    /// Asks for something that has to be there.
    ///
    /// # Errors
    /// If it is not.
    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.http.get(&self.url(path))?.ok()
    }

    /// Asks for all pages of a list.
    ///
    /// # Errors
    /// If one does not come.
    pub(crate) fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mark = if path.contains('?') { '&' } else { '?' };
        for page in 1.. {
            let answer = self.http.get(&self.url(&format!("{path}{mark}per_page=100&page={page}")))?;
            all.extend(answer.ok::<Vec<T>>()?);
            if !answer.has_next_page() {
                break;
            }
        }
        Ok(all)
    }

    /// Creates something that is not to be created twice.
    ///
    /// # Errors
    /// If nobody knows whether it was; refusals are answers.
    pub(crate) fn create(&self, path: &str, body: &Value) -> Result<Answer> {
        self.http.send(&Method::POST, &self.url(path), body, Again::Never)
    }

    /// Creates something that is the same if it is created twice, such as a git object.
    ///
    /// # Errors
    /// If it is not created.
    pub(crate) fn store<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T> {
        self.http.send(&Method::POST, &self.url(path), body, Again::Harmless)?.ok()
    }

    /// Changes something once.
    ///
    /// # Errors
    /// If nobody knows whether it was; refusals are answers.
    pub(crate) fn change(&self, path: &str, body: &Value) -> Result<Answer> {
        self.http.send(&Method::PATCH, &self.url(path), body, Again::Never)
    }

    /// Removes something; that it is not there any more is fine.
    ///
    /// # Errors
    /// If it is not removed.
    pub(crate) fn remove(&self, path: &str) -> Result<()> {
        let answer = self.http.send(&Method::DELETE, &self.url(path), &Value::Null, Again::Harmless)?;
        if answer.status() == 404 { Ok(()) } else { answer.ok() }
    }

    /// What it is, if this token may write to it.
    ///
    /// # Errors
    /// If it is not there, or may not be written to.
    pub(crate) fn about(&self) -> Result<About> {
        let about: About = self.find("")?.with_context(|| {
            format!("GitHub has no repository {self}, or the token may not see it: check the name, and the repositories that the token is for")
        })?;
        ensure!(
            about.full_name.eq_ignore_ascii_case(&self.name),
            "the repository {self} is called {} now: name it so",
            about.full_name
        );
        ensure!(
            about.permissions.push || !self.http.has_token(),
            "the token may not write to {self}: give it the permission to write contents there"
        );
        Ok(about)
    }

    /// The commit of a tag, if the tag is there.
    ///
    /// # Errors
    /// If it leads to something else.
    pub(crate) fn commit_of_tag(&self, tag: &str) -> Result<Option<String>> {
        let Some(reference) = self.find::<Value>(&format!("/git/ref/tags/{tag}"))? else { return Ok(None) };
        let mut object = reference["object"].clone();
        for _ in 0..NESTED_TAGS {
            let sha = object["sha"].as_str().unwrap_or_default().to_owned();
            match object["type"].as_str() {
                Some("commit") => return Ok(Some(sha)),
                // An annotated or signed tag is an object that names another.
                Some("tag") => object = self.get::<Value>(&format!("/git/tags/{sha}"))?["object"].clone(),
                _ => break,
            }
        }
        bail!("the tag {tag} on GitHub leads to no commit: delete it there and push the right one")
    }

    /// Where a branch is, if there is one.
    ///
    /// # Errors
    /// If that cannot be found out.
    pub(crate) fn head(&self, branch: &str) -> Result<Option<String>> {
        let answer = self.http.get(&self.url(&format!("/git/ref/heads/{branch}")))?;
        match answer.status() {
            404 => Ok(None),
            409 => bail!("{self} is empty: make a first commit there, such as a README, and run this again"),
            _ => Ok(answer.ok::<Value>()?["object"]["sha"].as_str().map(str::to_owned)),
        }
    }

    /// The pull requests from a branch, open or not.
    ///
    /// # Errors
    /// If that cannot be found out.
    pub(crate) fn pulls_from(&self, owner: &str, branch: &str) -> Result<Vec<Pull>> {
        self.list(&format!("/pulls?state=all&head={owner}:{branch}"))
    }

    /// Asks for a pull request.
    ///
    /// # Errors
    /// If nobody knows whether there is one; refusals are answers.
    pub(crate) fn ask_to_pull(&self, title: &str, head: &str, base: &str, body: &str) -> Result<Answer> {
        self.create("/pulls", &json!({"title": title, "head": head, "base": base, "body": body}))
    }
}

/// `OWNER/NAME` of a repository, out of that or the address of its page.
///
/// # Errors
/// If it is neither.
pub(crate) fn repository_name(text: &str) -> Result<String> {
    let name = match text.split_once("://") {
        Some((_, address)) => address.split_once('/').map_or("", |(_, path)| path),
        None => text,
    };
    let name = name.trim_end_matches('/').trim_end_matches(".git");
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let parts: Vec<_> = name.split('/').collect();
    ensure!(
        parts.len() == 2 && parts.iter().all(|part| fits(part)),
        "{text:?} names no repository: write OWNER/NAME or https://github.com/OWNER/NAME"
    );
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a repository is not understood, or something else taken for one.
    #[test]
    fn names_repositories() {
        for (text, name) in [
            ("a/b", Some("a/b")),
            ("https://github.com/virinco/pywats-client", Some("virinco/pywats-client")),
            ("https://github.com/a/b.git/", Some("a/b")),
            ("https://github.com/a", None),
            ("a/b/c", None),
            ("a", None),
            ("a/b?x", None),
            ("../b", None),
            ("", None),
        ] {
            assert_eq!(repository_name(text).ok().as_deref(), name, "{text}");
        }
    }
}
