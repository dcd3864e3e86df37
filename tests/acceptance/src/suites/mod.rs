//! The suites, a module each. What each proves and needs is said in `tests/suites.toml`.

use crate::bench::Bench;
use anyhow::{Context, Result};

/// Runs the cases of a suite.
pub(crate) type Run = fn(&mut Bench) -> Result<()>;

/// Declares the modules, and every suite by its name.
macro_rules! suites {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*
        const ALL: &[(&str, Run)] = &[$((stringify!($name), $name::run)),*];
    };
}

suites! {
    appimage, apple, apple_signing, appliance, binaries, delivery, describe, dialogs, dist, evidence, formats, image,
    install, installers, mingw, models, msi, nix, page, real_server, registry, release, release_signing, repositories,
    reproducible, selinux, service, sign, wheels, wine,
}

/// The suite of this name.
///
/// # Errors
/// If there is none.
pub(crate) fn by_name(name: &str) -> Result<Run> {
    let names = || ALL.iter().map(|(name, _)| name.replace('_', "-")).collect::<Vec<_>>().join(", ");
    let found = ALL.iter().find(|(known, _)| *known == module(name));
    found.map(|(_, run)| *run).with_context(|| format!("no suite {name:?}: use {}", names()))
}

/// The module of a suite.
fn module(name: &str) -> String {
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: `cargo xtask test` does not know a suite, or one that it knows, and that has a module here, does not
    /// run.
    #[test]
    fn suites_are_registered() {
        let registry: toml::Table = toml::from_str(include_str!("../../../suites.toml")).unwrap();
        let rows = registry["suite"].as_array().unwrap();
        let rows: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
        for (name, _) in ALL {
            assert!(rows.iter().any(|row| module(row) == *name), "{name} is not in tests/suites.toml");
        }
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/suites");
        for name in rows {
            let is_module = folder.join(module(name)).is_dir() || folder.join(module(name) + ".rs").is_file();
            assert!(!is_module || by_name(name).is_ok(), "the module {name} is not in the list");
        }
    }
}
