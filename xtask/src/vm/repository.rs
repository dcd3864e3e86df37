//! A signed repository for scenarios that install from one: `release-tools repo` makes it of what the guest is handed,
//! with a key that gpg makes and that is thrown away. docs/repositories.md says what is in it.

use super::handed::Handed;
use crate::toolchain::rust::clean_command;
use crate::{process, release_tools, workspace};
use anyhow::{Context, Result, ensure};
use packager::artifacts::Artifact;
use packager::{Artifacts, digest};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

/// Where it is served: outside of the guest.
const PORT: u16 = 8000;

/// Whose key it is.
const OWNER: &str = "packages@example.com";

/// Makes two repositories in `work`, one with the packages, and the same extended by those of the higher version.
/// Returns what the scenario finds as global variables.
///
/// # Errors
/// If gpg or `release-tools` fails.
pub(crate) fn make(handed: &Handed, work: &Path) -> Result<Map<String, Value>> {
    let making = Making { folder: work.join("repositories") };
    fs::create_dir_all(&making.folder)?;
    let fingerprint = making.key().context("making the key of a repository")?;
    let settings = format!(
        "url = \"http://10.0.2.2:{PORT}\"\n[key.file]\nsecret = \"{}\"\n",
        making.path("key.asc").display()
    );
    fs::write(making.path("repository.toml"), settings)?;
    making.publish("given", &handed.packages)?;
    let mut copy = clean_command("cp", &[]);
    copy.arg("-a").args([making.path("given"), making.path("extended")]);
    process::run(copy, |_| {})?;
    making.publish("extended", &handed.upgrades)?;
    let constants = json!({
        "REPOSITORY": making.path("given"),
        "EXTENDED_REPOSITORY": making.path("extended"),
        "REPOSITORY_PORT": PORT,
        "FINGERPRINT": fingerprint,
        "DOCUMENTATION": workspace::root().join("docs"),
    });
    Ok(constants.as_object().cloned().unwrap_or_default())
}

/// Repositories in the making.
struct Making {
    folder: PathBuf,
}

impl Making {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a key without a password, `key.asc`; returns its fingerprint.
    fn key(&self) -> Result<String> {
        // gpg's agent has its socket in it, whose path must be short. The agent ends when the folder is gone.
        let home = tempfile::tempdir()?;
        let mut fingerprint = String::new();
        let mut gpg = |arguments: &[&str]| {
            let mut command = clean_command("gpg", &[]);
            command.args([
                "--batch",
                "--quiet",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
                "--homedir",
            ]);
            command.arg(home.path()).args(arguments).current_dir(&self.folder);
            process::run(command, |line| {
                // https://github.com/gpg/gnupg/blob/master/doc/DETAILS
                if let Some(found) = line.strip_prefix("fpr:") {
                    fingerprint = found.trim_matches(':').to_owned();
                }
            })
        };
        gpg(&["--quick-generate-key", OWNER, "ed25519", "sign", "1y"])?;
        gpg(&["--armor", "--output", "key.asc", "--export-secret-keys", OWNER])?;
        gpg(&["--with-colons", "--list-keys", OWNER])?;
        let mut end = clean_command("gpgconf", &[]);
        end.arg("--homedir").arg(home.path()).args(["--kill", "gpg-agent"]);
        process::run(end, |_| {})?;
        ensure!(!fingerprint.is_empty(), "gpg lists no key of {OWNER}");
        Ok(fingerprint)
    }

    /// Publishes packages in the repository `name`, which may be there.
    fn publish(&self, name: &str, packages: &[PathBuf]) -> Result<()> {
        let folder = self.path(&format!("{name}-packages"));
        fs::create_dir_all(&folder)?;
        list(packages, &folder)?;
        let mut repo = release_tools::command()?;
        repo.arg("repo").arg(self.path(name)).arg("--add").arg(&folder).arg("--sign-rpms");
        repo.arg("--config")
            .arg(self.path("repository.toml"))
            .arg("--product")
            .arg(workspace::product_manifest());
        process::run(repo, |_| {}).with_context(|| format!("publishing the packages in {}", folder.display()))
    }
}

/// Copies packages into a folder, with the list that `cargo xtask dist` writes. It does not tell versions: those of
/// development are published here like those of a release.
fn list(packages: &[PathBuf], folder: &Path) -> Result<()> {
    let mut artifacts = Artifacts::default();
    for package in packages {
        let name = package.file_name().context("a package has a name")?.to_string_lossy().into_owned();
        fs::copy(package, folder.join(&name))?;
        let artifact = Artifact {
            artifact: name.clone(),
            format: name.rsplit_once('.').map_or("", |(_, format)| format).to_owned(),
            version: String::new(),
            programs: Vec::new(),
            made_from: Vec::new(),
            size: fs::metadata(package)?.len(),
            sha256: digest::sha256_file(package)?,
            inputs: String::new(),
            toolchain: String::new(),
            source_date_epoch: 0,
        };
        artifacts.0.insert(name, artifact);
    }
    artifacts.write(folder)
}
