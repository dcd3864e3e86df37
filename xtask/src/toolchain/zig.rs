//! zig and cargo-zigbuild at pinned versions and hashes, as Python wheels: that is how they can be had
//! without root on every Linux.

use super::wheels;
use crate::cache::Cache;
use crate::progress::Progress;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The pinned version of zig, as in `requirements.txt`.
pub(crate) const VERSION: &str = "0.17.1";
/// The pinned version of cargo-zigbuild, as in `requirements.txt`.
pub(crate) const ZIGBUILD_VERSION: &str = "0.24.0";

/// Their wheels.
const PACKAGES: &[&str] = &["ziglang", "cargo-zigbuild"];

/// An installed zig.
pub(crate) struct Zig {
    folder: PathBuf,
}

impl Zig {
    /// The program `zig`.
    pub(crate) fn program(&self) -> PathBuf {
        self.folder.join("ziglang/zig")
    }

    /// The program `cargo-zigbuild`.
    pub(crate) fn zigbuild(&self) -> PathBuf {
        self.folder.join("bin/cargo-zigbuild")
    }

    /// The search path for programs, preceded by those that rustc looks for by name, made in `folder`.
    ///
    /// rustc makes import libraries for Windows with a `dlltool`: zig's, because the one of GNU binutils
    /// fails in folders with a space in their names, and need not be installed.
    pub(crate) fn path_with_aliases(&self, folder: &Path) -> Result<OsString> {
        std::fs::create_dir_all(folder)?;
        let zig = self.program().to_string_lossy().replace('\'', r"'\''");
        for name in ["x86_64-w64-mingw32-dlltool", "aarch64-w64-mingw32-dlltool"] {
            let path = folder.join(name);
            std::fs::write(&path, format!("#!/bin/sh\nexec '{zig}' dlltool \"$@\"\n"))?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
        }
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&rest));
        std::env::join_paths(folders).context("the search path has a folder with ':' in its name")
    }
}

/// Installs zig into the cache, unless it is there.
pub(crate) fn prepare(cache: &Cache, progress: &Progress) -> Result<Zig> {
    let requirements = wheels::only(wheels::REQUIREMENTS, PACKAGES);
    let folder = wheels::prepare(cache, "zig", &requirements, progress)?;
    Ok(Zig { folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the versions here and in requirements.txt differ, or one of the two processors has no hash.
    #[test]
    fn requirements_agree() {
        for (name, version) in PACKAGES.iter().zip([VERSION, ZIGBUILD_VERSION]) {
            let requirements = wheels::only(wheels::REQUIREMENTS, &[name]);
            assert!(requirements.starts_with(&format!("{name}=={version} \\\n")), "{requirements}");
            assert_eq!(requirements.matches("--hash=sha256:").count(), 2, "{name}");
        }
    }
}
