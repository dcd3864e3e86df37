//! A registry of others, Debian's `docker-registry`, at a socket that only the way to it knows.

use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Who may push, and by which password.
pub(super) const USER: &str = "robot";
pub(super) const PASSWORD: &str = "registry-token-4711";
/// The same, as `htpasswd` has it, at the least cost.
const HASHED: &str = "robot:$2y$04$abcdefghijklmnopqrstuugcSPQ7Q9RdlIiccLySsY3BsvSZ3WAWG\n";

/// How it finds out who somebody is.
pub(super) enum Doors<'a> {
    /// By name and password.
    Password,
    /// By tokens of the service at an address, signed by the key of a certificate.
    Tokens { realm: &'a str, certificate: &'a Path },
    /// Not at all.
    Open,
    /// Not at all, and nothing may be changed.
    ReadOnly,
}

/// See the [module](self).
pub(super) struct Server {
    program: Child,
    folder: PathBuf,
    storage: TempDir,
}

/// Where storage is: in memory, if the machine has such a folder, for the registry waits at every file until a disk has it.
const MEMORY: &str = "/dev/shm";

impl Server {
    pub(super) fn start(folder: &Path, doors: &Doors<'_>) -> Result<Server> {
        fs::create_dir_all(folder)?;
        let password = folder.join("htpasswd");
        fs::write(&password, HASHED)?;
        let auth = match doors {
            Doors::Password => format!("auth: {{ htpasswd: {{ realm: here, path: {password:?} }} }}\n"),
            Doors::Tokens { realm, certificate } => format!(
                "auth: {{ token: {{ realm: {realm:?}, service: {SERVICE:?}, issuer: {ISSUER:?}, rootcertbundle: {certificate:?} }} }}\n"
            ),
            Doors::Open | Doors::ReadOnly => String::new(),
        };
        let in_memory = Path::new(MEMORY);
        let storage = tempfile::tempdir_in(if in_memory.is_dir() { in_memory } else { folder })?;
        let is_read_only = matches!(doors, Doors::ReadOnly);
        let settings = format!(
            "version: 0.1\nlog: {{ level: error, accesslog: {{ disabled: true }} }}\nstorage:\n  filesystem: {{ rootdirectory: {:?} }}\n  maintenance: {{ readonly: {{ enabled: {is_read_only} }} }}\nhttp: {{ net: unix, addr: {:?}, secret: x }}\n{auth}",
            storage.path(),
            folder.join("socket"),
        );
        let path = folder.join("config.yml");
        fs::write(&path, settings)?;
        let program = Command::new("docker-registry")
            .arg("serve")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log"))?)
            .spawn()
            .context("starting docker-registry")?;
        let server = Server { program, folder: folder.to_owned(), storage };
        let begun = Instant::now();
        while UnixStream::connect(server.socket()).is_err() {
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            ensure!(begun.elapsed() < Duration::from_secs(60), "docker-registry does not start:\n{}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// What it has stored as the digest of a tag of a repository, if there is one.
    pub(super) fn tag(&self, name: &str, tag: &str) -> Result<Option<String>> {
        let tags = self.storage.path().join("docker/registry/v2/repositories").join(name).join("_manifests/tags");
        let link = tags.join(tag).join("current/link");
        if !link.is_file() {
            return Ok(None);
        }
        Ok(Some(fs::read_to_string(&link).with_context(|| format!("reading {}", link.display()))?))
    }

    /// Forgets everything.
    pub(super) fn clear(&self) -> Result<()> {
        for entry in fs::read_dir(&self.storage)? {
            fs::remove_dir_all(entry?.path())?;
        }
        Ok(())
    }

    /// Everything that it keeps for somebody, by the names of files: contents are named after their digests. What was
    /// not sent to its end does not count.
    pub(super) fn state(&self) -> Result<BTreeMap<PathBuf, String>> {
        let mut files = Vec::new();
        let storage = self.storage.path();
        packager::digest::collect_files(storage, &mut files)?;
        let mut state = BTreeMap::new();
        for file in files {
            if file.iter().any(|part| part == "_uploads") {
                continue;
            }
            let link = if file.ends_with("link") { fs::read_to_string(&file)? } else { String::new() };
            state.insert(file.strip_prefix(storage)?.to_owned(), link);
        }
        Ok(state)
    }
}

/// What a service calls the registry, and itself, in its tokens.
pub(super) const SERVICE: &str = "registry of the test";
pub(super) const ISSUER: &str = "service of the test";

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
