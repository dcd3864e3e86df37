//! The stand-in of GitHub, a program of the workspace: started for the run, and asked as anybody could ask GitHub.

use crate::command::tool;
use crate::products::{release_tools_program, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// The token that it takes.
pub(in crate::suites) const TOKEN: &str = "token-of-the-test";

/// See the [module](self).
pub(in crate::suites) struct StandIn {
    program: Child,
    api: String,
    repository: String,
}

impl StandIn {
    /// Starts it, with the repository that the sources name, and tags of a commit.
    pub(in crate::suites) fn start(tags: &[&str], commit: &str) -> Result<StandIn> {
        let manifest: toml::Table = toml::from_str(&fs::read_to_string(workspace().join("Cargo.toml"))?)?;
        let address = manifest["workspace"]["package"]["repository"].as_str().context("there is a repository")?;
        let repository = address.rsplitn(3, '/').take(2).collect::<Vec<_>>();
        let [name, owner] = repository[..] else { anyhow::bail!("{address} is no repository") };
        let repository = format!("{owner}/{name}");
        let path = release_tools_program().with_file_name("examples").join("github-stand-in");
        let mut program = Command::new(&path)
            .args(["--token", TOKEN, "--repository", &repository])
            .args(tags.iter().map(|tag| format!("--tag={tag}={commit}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", path.display()))?;
        let mut api = String::new();
        BufReader::new(program.stdout.take().context("it prints its address")?).read_line(&mut api)?;
        ensure!(api.starts_with("http://127.0.0.1:"), "{} says {api:?}", path.display());
        Ok(StandIn { program, api: api.trim().to_owned(), repository })
    }

    /// The address of its API.
    pub(in crate::suites) fn api(&self) -> &str {
        &self.api
    }

    /// The repository, as OWNER/NAME.
    pub(in crate::suites) fn repository(&self) -> &str {
        &self.repository
    }

    /// The step that publishes there.
    pub(super) fn publish(&self) -> [String; 3] {
        ["publish".to_owned(), "--api".to_owned(), self.api.clone()]
    }

    /// The files of the published release of a tag, with their digests; nothing as long as it is not public.
    pub(super) fn assets(&self, tag: &str) -> Result<Option<BTreeMap<String, String>>> {
        let get = |path: &str| -> Result<Value> {
            let header = format!("Authorization: Bearer {TOKEN}");
            let url = format!("{}/repos/{}/{path}", self.api, self.repository);
            let answer = tool("curl", 30).args(["--silent", "--fail", "--header", &header, &url]).read()?;
            serde_json::from_str(&answer).with_context(|| format!("{url} answers with {answer}"))
        };
        let releases = get("releases?per_page=100")?;
        let releases = releases.as_array().context("releases are a list")?;
        let of_the_tag: Vec<&Value> = releases.iter().filter(|release| release["tag_name"] == tag).collect();
        ensure!(of_the_tag.len() <= 1, "there are {} releases of {tag}", of_the_tag.len());
        let Some(release) = of_the_tag.first().filter(|release| release["draft"] == false) else {
            return Ok(None);
        };
        let assets = get(&format!("releases/{}/assets?per_page=100", release["id"]))?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("an asset has a name and a digest");
        let mut found = BTreeMap::new();
        for asset in assets.as_array().context("assets are a list")? {
            let digest = text(&asset["digest"])?.trim_start_matches("sha256:").to_owned();
            ensure!(asset["state"] == "uploaded", "{asset} is half there");
            ensure!(found.insert(text(&asset["name"])?, digest).is_none(), "{asset} is there twice");
        }
        Ok(Some(found))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        // It ends with the bench anyway.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
