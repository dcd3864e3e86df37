//! Sends reports that the vendor's own Python library has made, of every kind that its models know, through the client
//! of the Linux archive. `tests/models/make_reports.py` makes them and says what is to arrive; the library's wheels are
//! in the folder that `PYWATS_MODELS` names, which `cargo xtask test models` sets.

use crate::bench::Bench;
use crate::client::{self, Running};
use crate::command::tool;
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use wats_test_server::Server;

/// Runs the scenario; a case for each report.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let archive = bench.artifact(&format!("-{ARCH}-unknown-linux-musl.tar.gz"))?;
    let folder = bench.folder("models")?;
    let made = make(&folder)?;
    let received = deliver(&archive, &folder, made.len())?;
    for (name, expected) in made {
        bench.case(&format!("{name} arrives as it was made"), || {
            let id = expected["id"].as_str().context("it has no id")?;
            let report = received.get(id).context("it did not arrive")?;
            ensure!(*report == expected, "what arrived is\n{report}\nin place of\n{expected}");
            Ok(())
        });
    }
    Ok(())
}

/// Makes the reports; returns what is to arrive of each.
fn make(folder: &Path) -> Result<BTreeMap<String, Value>> {
    let set = std::env::var_os("PYWATS_MODELS").context("PYWATS_MODELS: run `cargo xtask test models`")?;
    let script = workspace().join("tests/models/make_reports.py");
    let made = folder.join("made");
    // Compiled modules beside their sources would count as damage to the cached set.
    tool("python3", 300)
        .env("PYTHONPATH", &set)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("-s")
        .arg(&script)
        .arg(&made)
        .run()?;
    let mut reports = BTreeMap::new();
    for entry in fs::read_dir(made.join("expected"))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        reports.insert(name, serde_json::from_slice(&fs::read(&path)?)?);
    }
    Ok(reports)
}

/// Fails if: a report is not delivered, is set aside, or changes on its way.
fn deliver(archive: &Path, folder: &Path, count: usize) -> Result<BTreeMap<String, Value>> {
    let program = extract(archive, folder)?;
    let server = Server::start()?;
    let data = folder.join("data");
    fs::create_dir(&data)?;
    let mut configuration = client::configuration(&data, server.url(), client::free_port()?);
    configuration["reports"]["time_zone"] = "+05:30".into();
    let config = folder.join("config.json");
    fs::write(&config, configuration.to_string())?;
    let running = Running::start(&[], &program, &config, folder.join("log"))?;
    let scenario = || -> Result<()> {
        let watch = data.join("watch");
        client::expect_file(&watch)?;
        for entry in fs::read_dir(folder.join("made/files"))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            client::drop_report(&watch, &name, &fs::read(&path)?)?;
        }
        let ended = |name: &str| fs::read_dir(data.join(name)).map_or(0, Iterator::count);
        client::wait_until(|| server.stored().len() >= count || ended("failed") > 0)?;
        ensure!(ended("failed") == 0, "some were set aside");
        Ok(())
    };
    scenario().with_context(|| running.log_tail())?;
    running.stop()?;
    let parsed = server.stored().into_iter().map(|(id, report)| Ok((id, serde_json::from_slice(&report)?)));
    parsed.collect()
}

/// Takes the program out of the archive.
pub(super) fn extract(archive: &Path, folder: &Path) -> Result<PathBuf> {
    let root = folder.join("root");
    fs::create_dir(&root)?;
    tool("tar", 60).args(["--extract", "--strip-components=1", "--file"]).arg(archive).arg("-C").arg(&root).run()?;
    let program = root.join("pywats-client");
    ensure!(program.is_file(), "there is no pywats-client in {}", archive.display());
    Ok(program)
}
