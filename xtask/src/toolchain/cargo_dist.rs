//! [cargo-dist](https://axodotdev.github.io/cargo-dist/) at a pinned version and hash, as a Python wheel: its own
//! package has to be compiled, which takes a quarter of an hour.

use super::wheels;
use crate::progress::Progress;
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// The pinned version, as in `requirements.txt` and in `dist-workspace.toml`.
pub(crate) const VERSION: &str = "0.33.0";
/// What its wheel is called.
const PACKAGE: &str = "astral-dev-toolchain-cargo-dist";

/// The program `dist`: the one on the search path if it is of the pinned version, as in `nix develop`, else the wheel's.
///
/// # Errors
/// If the wheel cannot be had.
pub(crate) fn prepare(progress: &Progress) -> Result<PathBuf> {
    let said = Command::new("dist").arg("--version").output();
    if said.is_ok_and(|said| said.stdout == format!("cargo-dist {VERSION}\n").as_bytes()) {
        return Ok("dist".into());
    }
    let requirements = wheels::only(wheels::REQUIREMENTS, &[PACKAGE]);
    Ok(wheels::ready("cargo-dist", &requirements, progress)?.join("bin/dist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: the version here and in requirements.txt differ, or one of the two processors has no hash.
    #[test]
    fn requirements_agree() {
        let requirements = wheels::only(wheels::REQUIREMENTS, &[PACKAGE]);
        assert!(requirements.starts_with(&format!("{PACKAGE}=={VERSION} \\\n")), "{requirements}");
        assert_eq!(requirements.matches("--hash=sha256:").count(), 2);
    }
}
