//! Whether what `tests/evidence.toml` names is there: a case that was renamed must not leave a claim behind.
//!
//! The name of a case is often put together of words and a file's name, so its words are looked for in the sources of
//! its suite, and a file's name among those of artifacts.

use super::claims::{Claims, Proof};
use crate::plan;
use crate::test::suites;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Refuses suites, cases, artifacts and guests that there are not.
///
/// # Errors
/// If there is one; the error names it.
pub(crate) fn check(claims: &Claims, root: &Path) -> Result<()> {
    let recipe = plan::recipe()?;
    let mut files = BTreeMap::new();
    for row in recipe.rows.chosen(&[])? {
        files.insert(row.name.as_str(), recipe.file_name(row)?);
    }
    for platform in &claims.platforms {
        for artifact in &platform.artifacts {
            ensure!(
                files.contains_key(&**artifact),
                "{}: there is no artifact {artifact:?} in artifacts.toml",
                platform.name
            );
        }
    }
    let mut sources = BTreeMap::new();
    for proof in &claims.proofs {
        let suite = proof.suite.as_str();
        if !sources.contains_key(suite) {
            sources.insert(suite, source_of(claims, suite, root)?);
        }
        for case in &proof.cases {
            words(claims, proof, case, &sources[suite], &files)
                .with_context(|| format!("the proof {:?} of {}", proof.name, super::claims::FILE))?;
        }
    }
    for seed in &claims.seeds {
        for behind in &seed.behind {
            if let super::claims::Behind::Suite(suite) = claims.behind(behind)? {
                ensure!(
                    suites::all().iter().any(|known| known.name == suite),
                    "there is no suite {suite:?}, which stands behind {:?}",
                    seed.row
                );
            }
        }
    }
    // Of the flake's checks, and of `cargo xtask vm`.
    let guests = text_of(&root.join("nix/vm/guests.nix"))? + &text_of(&root.join("tests/vm/bench.toml"))?;
    for place in &claims.places {
        if let Some(guest) = place.guest.as_deref().filter(|guest| *guest != "nixos") {
            ensure!(
                guests.contains(&format!("\"{guest}\"")),
                "there is no guest {guest:?} in nix/vm/guests.nix or tests/vm/bench.toml"
            );
        }
    }
    Ok(())
}

/// Looks for the words of a case.
fn words(
    claims: &Claims,
    proof: &Proof,
    case: &str,
    source: &str,
    files: &BTreeMap<&str, String>,
) -> Result<()> {
    let mut rest = case;
    if let Some((file, words)) = case.strip_prefix('*').and_then(|case| case.split_once(": ")) {
        ensure!(files.values().any(|name| name.ends_with(file)), "no artifact's file ends with {file:?}");
        rest = words;
    }
    let elsewhere = claims.suites.iter().find(|suite| suite.name == proof.suite);
    for prefix in elsewhere.into_iter().flat_map(|suite| &suite.prefixes) {
        rest = rest.strip_prefix(prefix.as_str()).unwrap_or(rest);
    }
    let pieces = rest.split('*').flat_map(|piece| piece.split(": ")).map(str::trim);
    for piece in pieces.filter(|piece| !piece.is_empty()) {
        ensure!(source.contains(piece), "no case of the suite {} has the words {piece:?}", proof.suite);
    }
    Ok(())
}

/// The sources that have the words of a suite's cases.
fn source_of(claims: &Claims, suite: &str, root: &Path) -> Result<String> {
    if let Some(elsewhere) = claims.suites.iter().find(|known| known.name == suite) {
        return elsewhere.sources.iter().map(|path| text_of(&root.join(path))).collect();
    }
    if !suites::all().iter().any(|known| known.name == suite) {
        bail!("there is no suite {suite:?} in tests/suites.toml");
    }
    let module = root.join("tests/acceptance/src/suites").join(suite.replace('-', "_"));
    let file = module.with_extension("rs");
    let mut text = if file.is_file() { text_of(&file)? } else { String::new() };
    if module.is_dir() {
        text += &text_of(&module)?;
    }
    ensure!(!text.is_empty(), "the suite {suite} has no cases with names: its proofs cannot name any");
    Ok(text)
}

/// The text of a file, or of all files in a folder.
fn text_of(path: &Path) -> Result<String> {
    if !path.is_dir() {
        return fs::read_to_string(path).with_context(|| format!("reading {}", path.display()));
    }
    let mut text = String::new();
    for entry in fs::read_dir(path).with_context(|| format!("reading {}", path.display()))? {
        text += &text_of(&entry?.path())?;
    }
    Ok(text)
}
