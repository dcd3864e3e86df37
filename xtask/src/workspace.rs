//! Where things are.

use anyhow::{Context, Result};
use packager::Changelog;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where releases are published: the folder of the repository, without a slash at its end.
pub(crate) const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// Files that a folder has which is the workspace, and which no other folder has.
const MARKS: [&str; 2] = ["xtask/Cargo.toml", "packaging/product.toml"];

static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// Decides which folder is the workspace, before anything asks for it.
///
/// # Errors
/// If there is none around the current folder, and none where this program was compiled.
pub(crate) fn find() -> Result<()> {
    let current = std::env::current_dir().context("asking for the current folder")?;
    let root = search(&current, compiled_in())?;
    ROOT.get_or_init(|| root);
    Ok(())
}

/// The folder of the workspace: the one that [`find`] found, or, before that, as in unit tests, the one that
/// this program was compiled in.
pub(crate) fn root() -> &'static Path {
    ROOT.get().map_or(compiled_in(), PathBuf::as_path)
}

/// The checkout this program was compiled in, which may be gone.
fn compiled_in() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The innermost workspace around `start`, or else `fallback`. The program may have been compiled elsewhere
/// and is to work on the checkout it is started in.
fn search(start: &Path, fallback: &Path) -> Result<PathBuf> {
    let is_workspace = |folder: &&Path| MARKS.iter().all(|mark| folder.join(mark).is_file());
    let found = start.ancestors().chain([fallback]).find(is_workspace);
    found.map(Path::to_owned).with_context(|| {
        format!(
            "{} is not in a checkout (a folder with {}): change to one and try again",
            start.display(),
            MARKS.join(" and ")
        )
    })
}

/// The product manifest.
pub(crate) fn product_manifest() -> PathBuf {
    root().join("packaging/product.toml")
}

/// Where finished artifacts go unless the command line says otherwise.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// Where signed artifacts go unless the command line says otherwise: not below the unsigned ones, whose lists
/// know nothing of them.
pub(crate) fn signed() -> PathBuf {
    root().join("dist-signed")
}

/// Where intermediate results go: `target/NAME`.
pub(crate) fn target(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// The time in the headers of packages, in seconds since 1970 UTC: `SOURCE_DATE_EPOCH`, or else the date of the
/// changelog's top entry.
///
/// # Errors
/// If the variable holds no number.
pub(crate) fn epoch(changelog: &Changelog) -> Result<u32> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => {
            text.parse().with_context(|| format!("SOURCE_DATE_EPOCH {text:?} is no number of seconds"))
        }
        Err(_) => Ok(changelog.latest().epoch()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Fails if: another checkout than the one around the current folder is worked on, a folder that only
    /// looks like one is taken for it, or the error does not say where it was looked for.
    #[test]
    fn finds_the_checkout_it_is_started_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["one", "one/inner/two", "compiled"] {
            for mark in MARKS {
                fs::create_dir_all(path(name).join(mark).parent().unwrap()).unwrap();
                fs::write(path(name).join(mark), "").unwrap();
            }
        }
        fs::create_dir_all(path("one/half/xtask")).unwrap();
        fs::write(path("one/half").join(MARKS[0]), "").unwrap();
        fs::create_dir_all(path("elsewhere")).unwrap();
        for (start, fallback, found) in [
            ("one", "compiled", Some("one")),
            ("one/xtask", "compiled", Some("one")),
            ("one/half/xtask", "compiled", Some("one")),
            ("one/inner", "compiled", Some("one")),
            ("one/inner/two/packaging", "compiled", Some("one/inner/two")),
            ("elsewhere", "compiled", Some("compiled")),
            ("elsewhere", "gone", None),
            ("elsewhere", "one/half", None),
        ] {
            match (search(&path(start), &path(fallback)), found) {
                (Ok(root), Some(found)) => assert_eq!(root, path(found), "from {start}"),
                (Err(error), None) => {
                    let text = error.to_string();
                    let said = path(start).display().to_string();
                    assert!(text.contains(&said) && text.contains(MARKS[0]), "{text}");
                }
                (other, _) => panic!("from {start}, compiled in {fallback}: {other:?}"),
            }
        }
    }
}
