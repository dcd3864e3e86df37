//! Podman, with storage of its own, so that nothing of this machine's containers is seen or touched.
//!
//! It runs where there is no systemd and in containers: without a network of its own, and with limits that a process
//! without capabilities may set. What is left of a run that is killed ends by itself after a while.

use crate::command::{Tool, tool};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// As long as a container may take for anything, in seconds.
const LONGEST: u32 = 900;

/// The limits of the machine may be lower than those that Podman asks for by itself.
const CONFIGURATION: &str = r#"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
netns = "host"

[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "runc"
"#;

/// See the module. Containers and volumes end with it.
pub(super) struct Engine {
    folder: PathBuf,
}

impl Engine {
    pub(super) fn new(folder: PathBuf) -> Result<Engine> {
        fs::write(folder.join("containers.conf"), CONFIGURATION).context("writing containers.conf")?;
        Ok(Engine { folder })
    }

    /// Podman, to be told what to do.
    pub(super) fn podman(&self, seconds: u32) -> Tool {
        tool("podman", seconds)
            .env("CONTAINERS_CONF", self.folder.join("containers.conf"))
            .arg("--root")
            .arg(self.folder.join("root"))
            .arg("--runroot")
            .arg(self.folder.join("run"))
            .args(["--storage-driver", "vfs"])
    }

    /// A folder for what tests mount.
    pub(super) fn place(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        Ok(folder)
    }

    /// Takes an image from a file, and returns its name.
    pub(super) fn load(&self, archive: &Path) -> Result<String> {
        let said = self.podman(120).arg("load").arg("--quiet").arg("--input").arg(archive).read()?;
        let name = said.trim().rsplit(": ").next().unwrap_or_default().trim();
        Ok(name.to_owned())
    }

    /// Starts a container in the background, hardened as the documentation says.
    pub(super) fn start(&self, name: &str, options: &[String], image: &str, arguments: &[&str]) -> Result<()> {
        let limit = LONGEST.to_string();
        self.podman(120)
            .args(["run", "--detach", "--name", name, "--timeout", &limit])
            .args(["--read-only", "--cap-drop=all", "--security-opt=no-new-privileges"])
            .args(options)
            .arg(image)
            .args(arguments)
            .run()
    }

    /// What a container wrote to standard output.
    pub(super) fn log(&self, name: &str) -> Result<String> {
        let output = self.podman(30).args(["logs", name]).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A fact of a container, by a template.
    pub(super) fn fact(&self, name: &str, template: &str) -> Result<String> {
        let said = self.podman(30).args(["container", "inspect", "--format", template, name]).read()?;
        Ok(said.trim().to_owned())
    }

    /// Removes a container at once; one that is not there is no error.
    pub(super) fn remove(&self, name: &str) {
        let _ = self.podman(60).args(["rm", "--force", "--time", "0", name]).output();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.podman(60).args(["rm", "--all", "--force", "--time", "0"]).output();
        let _ = self.podman(60).args(["volume", "rm", "--all", "--force"]).output();
    }
}
