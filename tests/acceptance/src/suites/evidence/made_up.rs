//! Results and artifacts that were made up: one of every kind that the table can show.

use crate::products::workspace;
use anyhow::{Context, Result};
use packager::{Artifact, Artifacts};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The commit that counts.
pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const OLDER: &str = "fedcba98765432100123456789abcdef01234567";
/// The file that the results are about.
const FILE: (&str, &str) = ("made-up-x64.msi", "aa");

/// Writes `results` and `dist` into a folder.
pub(super) fn write(folder: &Path) -> Result<()> {
    let cases = cases_of_proofs()?;
    let debian = system("linux", "Debian GNU/Linux 12 (bookworm)", "x86_64");
    let mut server = system("windows", "Windows Server 2022", "x86_64");
    // What a machine calls itself is text, whatever is in it.
    server["runner"] = json!("<b>Server & \"co\"");
    let mac = system("macos", "macOS 15.1", "aarch64");
    let results = [
        ("wine", result("wine", &cases, "passed", COMMIT, &debian)),
        ("dialogs", result("dialogs", &cases, "passed", COMMIT, &debian)),
        ("service", result("service", &cases, "passed", COMMIT, &debian)),
        ("msi", result("msi", &cases, "passed", COMMIT, &debian)),
        ("install", result("install", &cases, "not_run", COMMIT, &debian)),
        ("formats", result("formats", &cases, "passed", OLDER, &debian)),
        ("far/windows", result("windows-installer", &cases, "passed", COMMIT, &server)),
        ("far/mac", result("macos-archive", &cases, "failed", COMMIT, &mac)),
    ];
    fs::create_dir_all(folder.join("results/far"))?;
    for (name, result) in results {
        fs::write(folder.join(format!("results/{name}.json")), result.to_string())?;
    }
    fs::create_dir_all(folder.join("dist"))?;
    let artifact = |name: &str| Artifact {
        artifact: name.to_owned(),
        format: String::new(),
        version: String::new(),
        programs: Vec::new(),
        made_from: Vec::new(),
        size: 1,
        sha256: FILE.1.to_owned(),
        inputs: String::new(),
        toolchain: String::new(),
        source_date_epoch: 0,
    };
    let list = [(FILE.0, artifact("msi")), ("made-up-gpo-kit.zip", artifact("gpo-kit"))];
    Artifacts(list.map(|(file, artifact)| (file.to_owned(), artifact)).into()).write(&folder.join("dist"))
}

fn system(os: &str, name: &str, architecture: &str) -> Value {
    json!({ "os": os, "id": os, "version": "1", "name": name, "kernel": "1", "architecture": architecture })
}

/// Names of cases that fit what the proofs of a suite ask for, by suite.
fn cases_of_proofs() -> Result<BTreeMap<String, Vec<String>>> {
    let text = fs::read_to_string(workspace().join("tests/evidence.toml"))?;
    let claims: toml::Table = toml::from_str(&text)?;
    let mut cases: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for proof in claims["proof"].as_array().context("there are no proofs")? {
        let suite = proof["suite"].as_str().context("a proof without a suite")?;
        let names = proof["cases"].as_array().into_iter().flatten().filter_map(toml::Value::as_str);
        cases.entry(suite.to_owned()).or_default().extend(names.map(|name| name.replace('*', "something")));
    }
    Ok(cases)
}

/// A result of a suite whose first case ended as it says; the others passed.
fn result(
    suite: &str,
    cases: &BTreeMap<String, Vec<String>>,
    first: &str,
    commit: &str,
    system: &Value,
) -> Value {
    let names = cases.get(suite).map(Vec::as_slice).unwrap_or_default();
    let outcome = |number: usize| if number == 0 { first } else { "passed" };
    let cases: Vec<Value> = names
        .iter()
        .enumerate()
        .map(|(number, name)| json!({ "name": name, "outcome": outcome(number), "seconds": 0.0 }))
        .collect();
    let date = if commit == COMMIT { "2026-11-29T01:00:00Z" } else { "2026-11-01T01:00:00Z" };
    json!({
        "suite": suite, "passed": cases.len(), "failed": 0, "not_run": 0, "cases": cases, "commit": commit,
        "clean": true, "date": date, "system": system, "artifacts": [{ "name": FILE.0, "sha256": FILE.1 }],
    })
}
