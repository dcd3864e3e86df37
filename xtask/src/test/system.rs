//! On which machine tests ran, and when. `tests/record.py` writes the same of machines without this program.

use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;

/// A machine, as its system describes it: `os-release(5)`, `/proc/sys/kernel/osrelease`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct System {
    /// `linux`, `windows` or `macos`.
    pub(crate) os: String,
    /// `debian`, `ubuntu`; the same as `os` elsewhere.
    pub(crate) id: String,
    /// `12`, `10.0.20348`, `15.1`.
    pub(crate) version: String,
    /// `Debian GNU/Linux 12 (bookworm)`, `Windows Server 2022`.
    pub(crate) name: String,
    /// The version of the kernel.
    pub(crate) kernel: String,
    /// `x86_64` or `aarch64`.
    pub(crate) architecture: String,
    /// What the system shares its kernel with: `docker`, `podman`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) container: Option<String>,
    /// Whose machine it is, if it is one of a workflow: the name of its image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) runner: Option<String>,
}

impl System {
    /// This machine. What it does not say of itself is empty.
    pub(crate) fn of_this_machine() -> System {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let container = [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")];
        System {
            os: std::env::consts::OS.to_owned(),
            id: field(&release, "ID"),
            version: field(&release, "VERSION_ID"),
            name: field(&release, "PRETTY_NAME"),
            kernel: kernel.trim().to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            container: container
                .iter()
                .find(|(mark, _)| Path::new(mark).exists())
                .map(|(_, name)| (*name).into()),
            // GitHub's image, or else the machine's name there.
            runner: environment("ImageOS").or_else(|| environment("RUNNER_NAME")),
        }
    }

    /// In a few words.
    pub(crate) fn shown(&self) -> String {
        if self.os.is_empty() {
            return "a machine that is not recorded".to_owned();
        }
        let mut text = format!("{}, {}", self.name, self.architecture);
        if let Some(container) = &self.container {
            text += &format!(", in {container}");
        }
        if let Some(runner) = &self.runner {
            text += &format!(", runner {runner}");
        }
        text
    }
}

/// The time, as results say it: `2026-11-29T01:06:05Z`.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A field of os-release, without its quotes.
fn field(release: &str, name: &str) -> String {
    let value = release.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a field is taken for another one, or keeps its quotes.
    #[test]
    fn reads_os_release() {
        let release = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nID=debian\n";
        let read = |name| field(release, name);
        assert_eq!(
            [read("PRETTY_NAME"), read("VERSION_ID"), read("ID"), read("NAME")],
            ["Debian GNU/Linux 12 (bookworm)", "12", "debian", ""]
        );
    }
}
