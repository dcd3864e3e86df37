//! Takes the program out of every Linux package and sends a report through it: the packages must not only
//! install, what they install must do its work. arm64 programs run under qemu's user-mode emulation.

mod resolver;

use crate::bench::Bench;
use crate::client::{self, Running};
use crate::command::tool;
use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use wats_test_server::Server;

/// Suffixes of the packages of one processor's program.
const PACKAGES: &[(&str, &str)] = &[
    ("_amd64.deb", "x86_64"),
    (".x86_64.rpm", "x86_64"),
    ("-x86_64-unknown-linux-musl.tar.gz", "x86_64"),
    ("_arm64.deb", "aarch64"),
    (".aarch64.rpm", "aarch64"),
    ("-aarch64-unknown-linux-musl.tar.gz", "aarch64"),
];

/// Runs the scenario with every Linux package.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    let mut judged = 0;
    for (suffix, arch) in PACKAGES {
        for package in bench.artifacts(suffix).unwrap_or_default() {
            judged += 1;
            let name = package.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let folder = bench.folder(&name)?;
            bench.case(&format!("{name}: its program delivers a report"), || {
                let emulator = format!("qemu-{arch}-static");
                let runner: &[&OsStr] =
                    if *arch == std::env::consts::ARCH { &[] } else { &[OsStr::new(&emulator)] };
                deliver(&extract(&package, &folder)?, runner, &folder)
            });
        }
    }
    if let Ok(package) = bench.artifact(".x86_64.rpm") {
        let folder = bench.folder("resolver")?;
        bench.case_needing(resolver::NEEDS, "the server is found whatever DNS says of IPv6", || {
            resolver::finds_the_server(&extract(&package, &folder)?, &folder)
        });
    }
    ensure!(judged > 0, "there is no .deb, .rpm or .tar.gz for Linux to judge");
    Ok(())
}

/// Fails if: a report dropped while there is no configuration, or while the server is away, does not
/// arrive unchanged once both are there; or the client is ready too early, or does not stop cleanly.
pub(super) fn deliver(program: &Path, runner: &[&OsStr], folder: &Path) -> Result<()> {
    let data = folder.join("data with spaces");
    fs::create_dir(&data)?;
    let config = folder.join("config.json");
    let port = client::free_port()?;
    // Without a server: it runs, is live, and says that it is not ready.
    fs::write(&config, client::configuration(&data, "", port).to_string())?;
    let running = Running::start(runner, program, &config, folder.join("log"))?;
    let scenario = || -> Result<()> {
        client::wait_until(|| client::health(port, "/health/live").is_ok_and(|(code, _)| code == 200))
            .context("waiting for it to be live")?;
        let (code, body) = client::health(port, "/health/ready")?;
        ensure!(code == 503, "it is ready without a server: {code} {body}");
        let report = client::sample()?;
        let watch = data.join("watch");
        client::wait_until(|| watch.is_dir()).context("waiting for its watch folder")?;
        client::drop_report(&watch, "first.json", &report)?;
        // The address appears in the file while the service runs.
        let server = Server::start()?;
        fs::write(&config, client::configuration(&data, server.url(), port).to_string())?;
        client::expect_report(&server, 1, &report)?;
        client::expect_file(&data.join("done/first.json"))?;
        client::wait_until(|| client::health(port, "/health/ready").is_ok_and(|(code, _)| code == 200))
            .context("waiting for it to be ready")?;
        client::drop_report(&data.join("watch"), "second.json", &report)?;
        client::expect_report(&server, 2, &report)
    };
    scenario().with_context(|| running.log_tail())?;
    running.stop()
}

/// Takes the program out of a package without installing it.
fn extract(package: &Path, folder: &Path) -> Result<PathBuf> {
    let name = package.to_string_lossy();
    let root = folder.join("root");
    fs::create_dir(&root)?;
    if name.ends_with(".deb") {
        tool("dpkg-deb", 60).arg("--extract").arg(package).arg(&root).run()?;
    } else if name.ends_with(".rpm") {
        let archive = folder.join("archive.cpio");
        tool("sh", 60).args(["-c", "rpm2cpio \"$0\" > \"$1\""]).arg(package).arg(&archive).run()?;
        tool("sh", 60).args(["-c", "cpio --quiet -idm < \"$0\""]).arg(&archive).current_dir(&root).run()?;
    } else {
        tool("tar", 60)
            .args(["--extract", "--strip-components=1", "--file"])
            .arg(package)
            .arg("-C")
            .arg(&root)
            .run()?;
    }
    for path in ["usr/bin/pywats-client", "pywats-client"] {
        if root.join(path).is_file() {
            return Ok(root.join(path));
        }
    }
    bail!("there is no pywats-client in {name}")
}
