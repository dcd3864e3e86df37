//! What the stand-in knows: repositories with their releases, branches and pull requests, and the objects of git.

use packager::digest::sha256;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everything.
#[derive(Default)]
pub(crate) struct State {
    /// By `OWNER/NAME`.
    pub(crate) repositories: BTreeMap<String, Repository>,
    /// What git stores; forks share it.
    pub(crate) objects: Objects,
    next: u64,
}

/// A repository.
#[derive(Default)]
pub(crate) struct Repository {
    /// The branch that people see first.
    pub(crate) default_branch: String,
    /// `heads/BRANCH` and `tags/TAG`, and what they name.
    pub(crate) refs: BTreeMap<String, String>,
    /// Releases and drafts, the newest last.
    pub(crate) releases: Vec<Release>,
    /// Pull requests, the newest last.
    pub(crate) pulls: Vec<Pull>,
    /// The release that is called the latest.
    pub(crate) latest: Option<u64>,
}

/// A release.
pub(crate) struct Release {
    /// Its number.
    pub(crate) id: u64,
    /// What GitHub stores of it, as it was sent.
    pub(crate) facts: Value,
    /// Its files.
    pub(crate) assets: Vec<Asset>,
}

impl Release {
    /// A text that is stored.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.facts[key].as_str().unwrap_or_default()
    }

    /// Something that is so or not.
    pub(crate) fn is(&self, key: &str) -> bool {
        self.facts[key].as_bool().unwrap_or_default()
    }
}

/// A file of a release.
pub(crate) struct Asset {
    /// Its number.
    pub(crate) id: u64,
    /// Its name.
    pub(crate) name: String,
    /// Its content and the digest of that; of one that is not whole there is none.
    pub(crate) content: Option<(Vec<u8>, String)>,
}

impl Asset {
    /// A whole one.
    pub(crate) fn whole(id: u64, name: String, content: Vec<u8>) -> Asset {
        let digest = sha256(&content);
        Asset { id, name, content: Some((content, digest)) }
    }
}

/// A pull request.
pub(crate) struct Pull {
    /// Its number.
    pub(crate) number: u64,
    /// `OWNER:BRANCH`.
    pub(crate) head: String,
    /// The branch that it is for.
    pub(crate) base: String,
    /// Its title.
    pub(crate) title: String,
    /// Whether it is open.
    pub(crate) is_open: bool,
    /// Whether it was taken.
    pub(crate) is_merged: bool,
}

/// What git stores, by names that are made of the content, as git's are.
#[derive(Default)]
pub(crate) struct Objects {
    blobs: BTreeMap<String, Vec<u8>>,
    trees: BTreeMap<String, BTreeMap<String, String>>,
    commits: BTreeMap<String, Commit>,
    tags: BTreeMap<String, String>,
}

/// A commit.
#[derive(Clone)]
pub(crate) struct Commit {
    /// What it says.
    pub(crate) message: String,
    /// Its files.
    pub(crate) tree: String,
    /// What it follows.
    pub(crate) parents: Vec<String>,
}

fn name(kind: &str, content: &str) -> String {
    let mut name = sha256(format!("{kind} {content}").as_bytes());
    name.truncate(40);
    name
}

impl Objects {
    /// Stores a file.
    pub(crate) fn blob(&mut self, content: Vec<u8>) -> String {
        let name = name("blob", &sha256(&content));
        self.blobs.insert(name.clone(), content);
        name
    }

    /// Stores a tree, as paths and blobs.
    pub(crate) fn tree(&mut self, files: BTreeMap<String, String>) -> String {
        let name = name("tree", &format!("{files:?}"));
        self.trees.insert(name.clone(), files);
        name
    }

    /// Stores a commit; `salt` stands for its time.
    pub(crate) fn commit(&mut self, commit: Commit, salt: u64) -> String {
        let name = name("commit", &format!("{} {} {:?} {salt}", commit.message, commit.tree, commit.parents));
        self.commits.insert(name.clone(), commit);
        name
    }

    /// Stores an annotated tag of a commit.
    pub(crate) fn tag(&mut self, commit: &str) -> String {
        let name = name("tag", commit);
        self.tags.insert(name.clone(), commit.to_owned());
        name
    }

    /// A tree.
    pub(crate) fn find_tree(&self, sha: &str) -> Option<&BTreeMap<String, String>> {
        self.trees.get(sha)
    }

    /// A commit.
    pub(crate) fn find_commit(&self, sha: &str) -> Option<&Commit> {
        self.commits.get(sha)
    }

    /// What an annotated tag names.
    pub(crate) fn find_tag(&self, sha: &str) -> Option<&str> {
        self.tags.get(sha).map(String::as_str)
    }

    /// Whether there is a file.
    pub(crate) fn has_blob(&self, sha: &str) -> bool {
        self.blobs.contains_key(sha)
    }

    /// A commit and all that it follows.
    pub(crate) fn history(&self, sha: &str) -> BTreeSet<String> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![sha.to_owned()]);
        while let Some(sha) = next.pop() {
            let parents = self.commits.get(&sha).map(|commit| commit.parents.clone()).unwrap_or_default();
            if seen.insert(sha) {
                next.extend(parents);
            }
        }
        seen
    }
}

impl State {
    /// Another number.
    pub(crate) fn next(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Makes a repository with one commit on its default branch, or an empty one.
    pub(crate) fn add(&mut self, name: &str, branch: &str, files: &[(&str, &str)]) {
        let mut repository = Repository { default_branch: branch.to_owned(), ..Repository::default() };
        if !files.is_empty() {
            let blobs = files
                .iter()
                .map(|(path, text)| (path.to_string(), self.objects.blob(text.as_bytes().to_vec())));
            let tree = blobs.collect();
            let tree = self.objects.tree(tree);
            let commit = Commit { message: "first".to_owned(), tree, parents: Vec::new() };
            let commit = self.objects.commit(commit, 0);
            repository.refs.insert(format!("heads/{branch}"), commit);
        }
        self.repositories.insert(name.to_owned(), repository);
    }

    /// Pushes a tag; an annotated one has an object of its own.
    pub(crate) fn tag(&mut self, repository: &str, tag: &str, commit: &str, annotated: bool) {
        let target = if annotated { self.objects.tag(commit) } else { commit.to_owned() };
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        repository.refs.insert(format!("tags/{tag}"), target);
    }

    /// Everything that people can see, without numbers and times, so that two publications can be compared.
    pub(crate) fn dump(&self) -> Value {
        let repositories = self.repositories.iter().map(|(name, repository)| {
            let releases: Vec<_> = repository.releases.iter().map(|release| self.release(repository, release)).collect();
            let branches = repository.refs.iter().filter_map(|(name, sha)| {
                let branch = name.strip_prefix("heads/")?;
                let commit = self.objects.find_commit(sha)?;
                let tree = self.objects.find_tree(&commit.tree)?;
                let files: serde_json::Map<String, Value> = tree
                    .iter()
                    .map(|(path, blob)| (path.clone(), json!(sha256(&self.objects.blobs[blob]))))
                    .collect();
                let commits = self.objects.history(sha).len();
                Some((branch.to_owned(), json!({"message": commit.message, "commits": commits, "files": files})))
            });
            let branches: serde_json::Map<_, _> = branches.collect();
            let pulls = repository.pulls.iter().map(|pull| {
                json!({"title": pull.title, "head": pull.head, "base": pull.base, "open": pull.is_open, "merged": pull.is_merged})
            });
            let pulls: Vec<_> = pulls.collect();
            (name.clone(), json!({"releases": releases, "branches": branches, "pulls": pulls}))
        });
        Value::Object(repositories.collect())
    }

    fn release(&self, repository: &Repository, release: &Release) -> Value {
        let mut facts = release.facts.clone();
        let mut assets: Vec<_> = release
            .assets
            .iter()
            .map(|asset| json!({"name": asset.name, "sha256": asset.content.as_ref().map(|(_, digest)| digest)}))
            .collect();
        assets.sort_by_key(|asset| asset["name"].to_string());
        facts["assets"] = json!(assets);
        facts["latest"] = json!(repository.latest == Some(release.id));
        facts
    }
}
