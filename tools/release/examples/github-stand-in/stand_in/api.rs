//! What the stand-in answers, as far as publishing asks: <https://docs.github.com/en/rest>.

use super::state::{Asset, Commit, Pull, Release, State};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is stored of a release.
const FACTS: &[&str] = &["tag_name", "target_commitish", "name", "body", "draft", "prerelease"];

/// A request.
pub(crate) struct Request {
    /// The method.
    pub(crate) method: String,
    /// The path.
    pub(crate) path: String,
    /// What follows `?`.
    pub(crate) query: BTreeMap<String, String>,
    /// By names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// More headers.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer in JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Answer {
        Answer { status, headers: Vec::new(), body: body.to_string().into_bytes() }
    }

    /// A refusal, with errors as GitHub lists them.
    pub(crate) fn refusal(status: u16, message: &str, errors: Value) -> Answer {
        let mut body = json!({"message": message, "documentation_url": "https://docs.github.com/rest"});
        if errors.is_array() {
            body["errors"] = errors;
        }
        Answer::json(status, &body)
    }

    fn missing() -> Answer {
        Answer::refusal(404, "Not Found", Value::Null)
    }
}

/// Where the stand-in is.
pub(crate) struct Addresses {
    /// The API.
    pub(crate) api: String,
    /// Where files are downloaded from.
    pub(crate) downloads: String,
}

/// Answers a request.
pub(crate) fn answer(state: &mut State, at: &Addresses, token: &str, request: &Request) -> Answer {
    let is_known = match request.headers.get("authorization") {
        Some(header) if *header == format!("Bearer {token}") => true,
        Some(_) => return Answer::refusal(401, "Bad credentials", Value::Null),
        None if request.method == "GET" => false,
        None => return Answer::refusal(401, "Requires authentication", Value::Null),
    };
    let path = request.path.strip_prefix("/uploads").unwrap_or(&request.path);
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let [first, owner, name, rest @ ..] = parts.as_slice() else { return Answer::missing() };
    let repository = format!("{owner}/{name}");
    if *first != "repos" || !state.repositories.contains_key(&repository) {
        return Answer::missing();
    }
    let mut call = Call { state, at, request, repository, is_known };
    match rest {
        [] => call.about(),
        ["releases", rest @ ..] => call.releases(rest),
        ["git", rest @ ..] => call.git(rest),
        ["pulls"] => call.pulls(),
        _ => Answer::missing(),
    }
}

struct Call<'a> {
    state: &'a mut State,
    at: &'a Addresses,
    request: &'a Request,
    repository: String,
    is_known: bool,
}

impl Call<'_> {
    fn url(&self, path: &str) -> String {
        format!("{}/repos/{}{path}", self.at.api, self.repository)
    }

    fn body(&self) -> Value {
        serde_json::from_slice(&self.request.body).unwrap_or(Value::Null)
    }

    fn text(&self, key: &str) -> String {
        self.body()[key].as_str().unwrap_or_default().to_owned()
    }

    fn here(&mut self) -> &mut super::state::Repository {
        self.state.repositories.get_mut(&self.repository).expect("it was asked for")
    }

    fn about(&mut self) -> Answer {
        let full_name = self.repository.clone();
        let branch = self.here().default_branch.clone();
        Answer::json(200, &json!({"full_name": full_name, "default_branch": branch}))
    }

    /// A page of a list, with the header that names the next one.
    fn page(&self, all: &[Value]) -> Answer {
        let number =
            |key: &str, default| self.request.query.get(key).and_then(|n| n.parse().ok()).unwrap_or(default);
        let (size, page) = (number("per_page", 30).clamp(1, 100), number("page", 1).max(1));
        let items: Vec<_> = all.iter().skip((page - 1) * size).take(size).collect();
        let mut answer = Answer::json(200, &json!(items));
        if page * size < all.len() {
            let next = format!("<{}{}?page={}>; rel=\"next\"", self.at.api, self.request.path, page + 1);
            answer.headers.push(("Link".to_owned(), next));
        }
        answer
    }

    // Releases

    fn releases(&mut self, rest: &[&str]) -> Answer {
        let id = |text: &str| text.parse::<u64>().unwrap_or(0);
        match (self.request.method.as_str(), rest) {
            ("GET", []) => {
                // The newest first, and drafts only for those who may write.
                let is_known = self.is_known;
                let ids =
                    self.here().releases.iter().rev().filter(|r| is_known || !r.is("draft")).map(|r| r.id);
                let ids: Vec<_> = ids.collect();
                let all: Vec<_> = ids.into_iter().map(|id| self.release(id)).collect();
                self.page(&all)
            }
            ("POST", []) => self.create_release(),
            ("GET", ["tags", tag]) => {
                let found =
                    self.here().releases.iter().find(|r| r.text("tag_name") == *tag && !r.is("draft"));
                match found.map(|release| release.id) {
                    Some(id) => Answer::json(200, &self.release(id)),
                    None => Answer::missing(),
                }
            }
            (method, ["assets", asset]) => self.asset(method, id(asset)),
            (_, [release, ..]) if !self.here().releases.iter().any(|r| r.id == id(release)) => {
                Answer::missing()
            }
            ("GET", [release]) => Answer::json(200, &self.release(id(release))),
            ("PATCH", [release]) => self.change_release(id(release)),
            ("DELETE", [release]) => self.delete_release(id(release)),
            ("GET", [release, "assets"]) => {
                let release = self.release(id(release));
                self.page(release["assets"].as_array().map_or(&[], Vec::as_slice))
            }
            ("POST", [release, "assets"]) => self.upload(id(release)),
            _ => Answer::missing(),
        }
    }

    fn release(&mut self, id: u64) -> Value {
        let (url, api) = (self.url(""), self.at.api.clone());
        let repository = self.repository.clone();
        let release = self.here().releases.iter().find(|release| release.id == id).expect("it was found");
        let mut value = release.facts.clone();
        value["id"] = json!(id);
        value["html_url"] = json!(format!("{api}/{repository}/releases/{id}"));
        value["upload_url"] =
            json!(format!("{api}/uploads/repos/{repository}/releases/{id}/assets{{?name,label}}"));
        let assets = release.assets.iter().map(|asset| {
            let digest = asset.content.as_ref().map(|(_, digest)| format!("sha256:{digest}"));
            json!({
                "id": asset.id,
                "name": asset.name,
                "state": if asset.content.is_some() { "uploaded" } else { "starter" },
                "size": asset.content.as_ref().map_or(0, |(content, _)| content.len()),
                "digest": digest,
                "url": format!("{url}/releases/assets/{}", asset.id),
            })
        });
        value["assets"] = json!(assets.collect::<Vec<_>>());
        value
    }

    fn create_release(&mut self) -> Answer {
        let body = self.body();
        let tag = self.text("tag_name");
        // Drafts of one tag may be as many as anybody likes.
        if self.here().releases.iter().any(|r| r.text("tag_name") == tag && !r.is("draft")) {
            let error = json!([{"resource": "Release", "code": "already_exists", "field": "tag_name"}]);
            return Answer::refusal(422, "Validation Failed", error);
        }
        let mut facts = json!({"draft": false, "prerelease": false});
        for key in FACTS.iter().filter(|key| !body[**key].is_null()) {
            facts[*key] = body[*key].clone();
        }
        let id = self.state.next();
        self.here().releases.push(Release { id, facts, assets: Vec::new() });
        Answer::json(201, &self.release(id))
    }

    fn change_release(&mut self, id: u64) -> Answer {
        let body = self.body();
        let latest = body["make_latest"].as_str().map(str::to_owned);
        let release = self.here().releases.iter_mut().find(|release| release.id == id).expect("it was found");
        let is_published = !release.is("draft");
        let is_fixed = |key: &&&'static str| ["tag_name", "target_commitish", "draft"].contains(*key);
        let changed =
            FACTS.iter().filter(|key| !body[**key].is_null() && body[**key] != release.facts[**key]);
        let changed: Vec<_> = changed.collect();
        if is_published && changed.iter().any(is_fixed) {
            return Answer::refusal(422, "Cannot change an immutable release", Value::Null);
        }
        for key in changed {
            release.facts[*key] = body[*key].clone();
        }
        if latest.as_deref() == Some("true") && (release.is("draft") || release.is("prerelease")) {
            return Answer::refusal(422, "Drafts and prereleases cannot be latest", Value::Null);
        }
        // Published without a word, a release is the latest.
        let is_public = !release.is("draft");
        if is_public && !release.is("prerelease") && latest.as_deref().unwrap_or("true") == "true" {
            self.here().latest = Some(id);
        }
        Answer::json(200, &self.release(id))
    }

    fn delete_release(&mut self, id: u64) -> Answer {
        let release = self.here().releases.iter().find(|release| release.id == id).expect("it was found");
        if !release.is("draft") {
            return Answer::refusal(422, "Cannot delete an immutable release", Value::Null);
        }
        self.here().releases.retain(|release| release.id != id);
        Answer { status: 204, headers: Vec::new(), body: Vec::new() }
    }

    fn upload(&mut self, id: u64) -> Answer {
        let name = stored_name(self.request.query.get("name").map_or("", String::as_str));
        let content = self.request.body.clone();
        let next = self.state.next();
        let release = self.here().releases.iter_mut().find(|release| release.id == id).expect("it was found");
        if !release.is("draft") {
            return Answer::refusal(422, "Cannot upload assets to an immutable release.", Value::Null);
        }
        if release.assets.iter().any(|asset| asset.name == name) {
            let error = json!([{"resource": "ReleaseAsset", "code": "already_exists", "field": "name"}]);
            return Answer::refusal(422, "Validation Failed", error);
        }
        if content.is_empty() {
            return Answer::refusal(400, "Bad Content-Length", Value::Null);
        }
        release.assets.push(Asset::whole(next, name, content));
        let release = self.release(id);
        let asset = release["assets"].as_array().and_then(|assets| assets.last().cloned());
        Answer::json(201, &asset.unwrap_or_default())
    }

    fn asset(&mut self, method: &str, id: u64) -> Answer {
        let is_known = self.is_known;
        let wants_content =
            self.request.headers.get("accept").is_some_and(|accept| accept == "application/octet-stream");
        let releases = &mut self.here().releases;
        let found = releases.iter().position(|release| release.assets.iter().any(|asset| asset.id == id));
        let Some(at) = found else { return Answer::missing() };
        let is_published = !releases[at].is("draft");
        match method {
            "DELETE" if is_published => {
                Answer::refusal(422, "Cannot delete assets of an immutable release", Value::Null)
            }
            "DELETE" => {
                releases[at].assets.retain(|asset| asset.id != id);
                Answer { status: 204, headers: Vec::new(), body: Vec::new() }
            }
            _ if !is_known && !is_published => Answer::missing(),
            _ if wants_content => {
                let place = format!("{}/asset/{id}?signature=secret", self.at.downloads);
                Answer { status: 302, headers: vec![("Location".to_owned(), place)], body: Vec::new() }
            }
            _ => {
                let release = releases[at].id;
                let assets = self.release(release)["assets"].clone();
                let asset =
                    assets.as_array().and_then(|all| all.iter().find(|asset| asset["id"] == id).cloned());
                Answer::json(200, &asset.unwrap_or_default())
            }
        }
    }

    // Git

    fn git(&mut self, rest: &[&str]) -> Answer {
        match (self.request.method.as_str(), rest) {
            ("GET", ["ref", rest @ ..]) => self.reference(&rest.join("/")),
            ("GET", ["tags", sha]) => match self.state.objects.find_tag(sha) {
                Some(commit) => Answer::json(200, &json!({"object": {"type": "commit", "sha": commit}})),
                None => Answer::missing(),
            },
            ("GET", ["commits", sha]) => match self.state.objects.find_commit(sha) {
                Some(commit) => Answer::json(200, &json!({"sha": sha, "tree": {"sha": commit.tree}})),
                None => Answer::missing(),
            },
            ("POST", ["blobs"]) => {
                let content = STANDARD.decode(self.text("content")).unwrap_or_default();
                Answer::json(201, &json!({"sha": self.state.objects.blob(content)}))
            }
            ("POST", ["trees"]) => self.create_tree(),
            ("POST", ["commits"]) => self.create_commit(),
            ("POST", ["refs"]) => self.create_reference(),
            ("PATCH", ["refs", rest @ ..]) => self.move_reference(&rest.join("/")),
            _ => Answer::missing(),
        }
    }

    fn reference(&mut self, name: &str) -> Answer {
        if self.here().refs.is_empty() {
            return Answer::refusal(409, "Git Repository is empty.", Value::Null);
        }
        let Some(sha) = self.here().refs.get(name).cloned() else { return Answer::missing() };
        let kind = if self.state.objects.find_tag(&sha).is_some() { "tag" } else { "commit" };
        Answer::json(200, &json!({"ref": format!("refs/{name}"), "object": {"type": kind, "sha": sha}}))
    }

    fn create_tree(&mut self) -> Answer {
        let body = self.body();
        let mut files = match body["base_tree"].as_str() {
            Some(base) => match self.state.objects.find_tree(base) {
                Some(files) => files.clone(),
                None => return Answer::refusal(404, "Not Found", Value::Null),
            },
            None => BTreeMap::new(),
        };
        for entry in body["tree"].as_array().into_iter().flatten() {
            let path = entry["path"].as_str().unwrap_or_default().to_owned();
            let blob = match (entry["content"].as_str(), entry["sha"].as_str()) {
                (Some(text), _) => self.state.objects.blob(text.as_bytes().to_vec()),
                (None, Some(sha)) if self.state.objects.has_blob(sha) => sha.to_owned(),
                _ => return Answer::refusal(422, "tree.sha does not exist", Value::Null),
            };
            files.insert(path, blob);
        }
        Answer::json(201, &json!({"sha": self.state.objects.tree(files)}))
    }

    fn create_commit(&mut self) -> Answer {
        let (tree, message) = (self.text("tree"), self.text("message"));
        let parents = self.body()["parents"].as_array().cloned().unwrap_or_default();
        let parents: Vec<_> = parents.iter().filter_map(|sha| sha.as_str().map(str::to_owned)).collect();
        let objects = &self.state.objects;
        if objects.find_tree(&tree).is_none() || parents.iter().any(|sha| objects.find_commit(sha).is_none())
        {
            return Answer::refusal(422, "Tree SHA or parent does not exist", Value::Null);
        }
        let salt = self.state.next();
        Answer::json(201, &json!({"sha": self.state.objects.commit(Commit { message, tree, parents }, salt)}))
    }

    fn create_reference(&mut self) -> Answer {
        let (name, sha) = (self.text("ref"), self.text("sha"));
        let Some(name) = name.strip_prefix("refs/") else {
            return Answer::refusal(422, "Reference name is not valid", Value::Null);
        };
        if self.here().refs.contains_key(name) {
            return Answer::refusal(422, "Reference already exists", Value::Null);
        }
        if self.state.objects.find_commit(&sha).is_none() {
            return Answer::refusal(422, "Object does not exist", Value::Null);
        }
        self.here().refs.insert(name.to_owned(), sha);
        Answer::json(201, &json!({"ref": name}))
    }

    fn move_reference(&mut self, name: &str) -> Answer {
        let (sha, force) = (self.text("sha"), self.body()["force"] == true);
        let Some(from) = self.here().refs.get(name).cloned() else {
            return Answer::refusal(422, "Reference does not exist", Value::Null);
        };
        if !force && !self.state.objects.history(&sha).contains(&from) {
            return Answer::refusal(422, "Update is not a fast forward", Value::Null);
        }
        self.here().refs.insert(name.to_owned(), sha);
        Answer::json(200, &json!({"ref": name}))
    }

    // Pull requests

    fn pulls(&mut self) -> Answer {
        let page = format!("{}/{}/pull", self.at.api, self.repository);
        let show = |pull: &Pull| {
            let merged = pull.is_merged.then_some("2026-01-01T00:00:00Z");
            let state = if pull.is_open { "open" } else { "closed" };
            json!({"number": pull.number, "html_url": format!("{page}/{}", pull.number), "state": state, "merged_at": merged})
        };
        if self.request.method == "GET" {
            let head = self.request.query.get("head").cloned();
            let pulls = self.here().pulls.iter().rev();
            let all: Vec<_> =
                pulls.filter(|pull| head.as_ref().is_none_or(|head| *head == pull.head)).map(show).collect();
            return self.page(&all);
        }
        let (title, head, base) = (self.text("title"), self.text("head"), self.text("base"));
        if self.here().pulls.iter().any(|pull| pull.head == head && pull.is_open) {
            let error = json!([{"resource": "PullRequest", "code": "custom", "message": format!("A pull request already exists for {head}.")}]);
            return Answer::refusal(422, "Validation Failed", error);
        }
        let (owner, branch) = head.split_once(':').unwrap_or(("", &head));
        let reference = format!("heads/{branch}");
        let forks = self.state.repositories.iter().filter(|(name, _)| name.starts_with(&format!("{owner}/")));
        if !forks.clone().any(|(_, fork)| fork.refs.contains_key(&reference)) {
            return Answer::refusal(
                422,
                "Validation Failed",
                json!([{"resource": "PullRequest", "field": "head", "code": "invalid"}]),
            );
        }
        let number = self.state.next();
        let pull = Pull { number, head, base, title, is_open: true, is_merged: false };
        let answer = Answer::json(201, &show(&pull));
        self.here().pulls.push(pull);
        answer
    }
}

/// GitHub stores other names than it is given.
pub(crate) fn stored_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    name.chars().map(|c| if fits(c) { c } else { '.' }).collect()
}
