//! `cargo xtask dist` when something goes wrong: the message says what to do, and the distribution folder
//! never has anything half-written.

mod inputs;

use crate::bench::Bench;
use crate::command::{said, tool};
use crate::products::{self, workspace};
use anyhow::{Context, Result, ensure};
use packager::Artifacts;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// One small artifact whose program is built already.
const ONE: &[&str] = &["dist", "deb-amd64", "--out"];

type Case = fn(&Path) -> Result<()>;

const CASES: &[(&str, Case)] = &[
    ("a second run changes nothing", second_run),
    ("a damaged artifact is made again", damaged_artifact),
    ("an edit makes again what it can change, and nothing else", inputs::edits),
    ("unknown targets and formats are named", unknown_names),
    ("without Python", without_python),
    ("without a network", without_network),
    ("a full disk", full_disk),
    ("Ctrl-C while packing", interrupted_while_packing),
    ("Ctrl-C while toolchains are brought", interrupted_while_preparing),
    ("a killed run leaves nothing for the next", killed),
];

/// Runs every case. It is the program that makes the artifacts that is judged.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    for (name, case) in CASES {
        let folder = bench.folder(name)?;
        bench.case(name, || case(&folder));
    }
    let (folder, ours) = (bench.folder("elsewhere")?, bench.all_artifacts());
    bench
        .case("packing elsewhere, by another user, gives the same bits", || packed_elsewhere(&folder, &ours));
    Ok(())
}

/// The `xtask` that runs this bench, or the one that was built last.
pub(super) fn xtask() -> PathBuf {
    std::env::var_os("XTASK").map_or_else(|| workspace().join("target/debug/xtask"), PathBuf::from)
}

fn dist(out: &Path) -> Result<Output> {
    tool(xtask(), 900).args(ONE).arg(out).output()
}

fn successful(output: &Output) -> Result<String> {
    ensure!(output.status.success(), "dist failed ({})\n{}", output.status, said(output));
    Ok(said(output))
}

/// The names in a folder; none if there is no folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut names: Vec<String> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

/// Everything in the folder is listed in SHA256SUMS with its digest, and everything listed is there.
fn is_consistent(out: &Path) -> Result<()> {
    let sums = fs::read_to_string(out.join("SHA256SUMS")).unwrap_or_default();
    let listed: Vec<(&str, &str)> = sums.lines().filter_map(|line| line.split_once("  ")).collect();
    for name in names(out)?.iter().filter(|name| !["SHA256SUMS", "artifacts.json"].contains(&name.as_str())) {
        let digest = format!("{:x}", Sha256::digest(fs::read(out.join(name))?));
        ensure!(listed.contains(&(&digest, name)), "{name} is not listed with its digest {digest}");
    }
    for (_, name) in listed {
        ensure!(out.join(name).is_file(), "{name} is listed but not there");
    }
    Ok(())
}

/// The run failed, said all of `messages`, and left no artifact.
fn failed_cleanly(output: &Output, out: &Path, messages: &[&str]) -> Result<()> {
    let text = said(output);
    ensure!(!output.status.success(), "it did not fail:\n{text}");
    for message in messages {
        ensure!(text.contains(message), "it does not say {message:?}:\n{text}");
    }
    let left: Vec<_> =
        names(out)?.into_iter().filter(|name| name.ends_with(".deb") || name.starts_with('.')).collect();
    ensure!(left.is_empty(), "it left {left:?}");
    Ok(())
}

/// Fails if: a second run writes an artifact again, or says that it did.
fn second_run(folder: &Path) -> Result<()> {
    let out = folder.join("out");
    successful(&dist(&out)?)?;
    let state = || -> Result<Vec<_>> {
        names(&out)?
            .into_iter()
            .filter(|name| name.ends_with(".deb"))
            .map(|name| Ok((fs::metadata(out.join(&name))?.modified()?, name)))
            .collect()
    };
    let before = state()?;
    ensure!(before.len() == 1, "there is no .deb: {:?}", names(&out)?);
    let text = successful(&dist(&out)?)?;
    ensure!(text.contains("unchanged") && !text.contains("done in"), "it worked again:\n{text}");
    ensure!(state()? == before, "the artifact was written again");
    is_consistent(&out)
}

/// Fails if: an artifact that was cut off later is kept, or comes out different.
fn damaged_artifact(folder: &Path) -> Result<()> {
    let out = folder.join("out");
    successful(&dist(&out)?)?;
    let sums = fs::read(out.join("SHA256SUMS"))?;
    let deb = names(&out)?.into_iter().find(|name| name.ends_with(".deb")).context("there is no .deb")?;
    let bytes = fs::read(out.join(&deb))?;
    fs::write(out.join(&deb), &bytes[..bytes.len() / 2])?;
    successful(&dist(&out)?)?;
    ensure!(fs::read(out.join(&deb))? == bytes, "the artifact is not what it was");
    ensure!(fs::read(out.join("SHA256SUMS"))? == sums, "SHA256SUMS changed");
    is_consistent(&out)
}

/// Fails if: a typing error builds everything, or the error does not list what there is.
fn unknown_names(folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let output = tool(xtask(), 60).args(["dist", "deb-amd64", "apk", "--out"]).arg(&out).output()?;
    failed_cleanly(&output, &out, &["apk", "deb-arm64", "msi"])
}

/// Fails if: without Python the build goes on, or does not say what to install.
fn without_python(folder: &Path) -> Result<()> {
    let programs = folder.join("programs");
    fs::create_dir(&programs)?;
    let path = std::env::var_os("PATH").context("PATH is not set")?;
    for place in std::env::split_paths(&path) {
        for program in fs::read_dir(place).into_iter().flatten().flatten() {
            let name = program.file_name();
            if !name.to_string_lossy().starts_with("python") {
                // The first of a name counts, as in a search path.
                let _ = symlink(program.path(), programs.join(name));
            }
        }
    }
    let out = folder.join("out");
    let output = tool(xtask(), 120)
        .args(ONE)
        .arg(&out)
        .env("PATH", &programs)
        .env("PYWATS_BUILD_CACHE", folder.join("cache"))
        .output()?;
    failed_cleanly(&output, &out, &["Python 3 is needed", "apt-get install python3"])
}

/// Fails if: without a network the build hangs, or does not say what it could not fetch.
fn without_network(folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let alone =
        || tool("unshare", 300).args(["--user", "--map-root-user", "--net"]).arg(xtask()).args(ONE).arg(&out);
    let output = alone().env("PYWATS_BUILD_CACHE", folder.join("cache")).output()?;
    failed_cleanly(&output, &out, &["zig could not be installed", "the network", "pip install"])?;
    let output = alone().env("CARGO_HOME", folder.join("cargo")).output()?;
    failed_cleanly(&output, &out, &["cargo fetch", "registry is needed once"])
}

/// Fails if: a full disk leaves part of a package, or the message names neither file nor reason.
fn full_disk(folder: &Path) -> Result<()> {
    let out = folder.join("out");
    fs::create_dir(&out)?;
    let listing = folder.join("listing");
    // The small disk is seen only inside the namespace, so its content is listed there.
    let script = r#"out=$1 listing=$2; shift 2
        mount -t tmpfs -o size=256k tmpfs "$out" || exit 99
        "$@"; status=$?; ls -A "$out" > "$listing"; exit $status"#;
    let output = tool("unshare", 300)
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"])
        .args([&out, &listing])
        .arg(xtask())
        .args(ONE)
        .arg(&out)
        .output()?;
    ensure!(output.status.code() != Some(99), "no small disk could be mounted\n{}", said(&output));
    let left = fs::read_to_string(&listing)?;
    ensure!(!left.contains(".deb") && !left.contains(".unfinished"), "it left {left}");
    failed_cleanly(&output, &out, &["_amd64.deb", "No space left on device"])
}

/// Fails if: the place, user, umask, time zone, language or number of jobs shows in an artifact.
fn packed_elsewhere(folder: &Path, ours: &[PathBuf]) -> Result<()> {
    let out = folder.join("a folder with spaces");
    let home = folder.join("home");
    fs::create_dir(&home)?;
    let script = r#"umask 077 && test "$(id -u)" = 12345 && exec "$@""#;
    let ours_at_home = |name: &str, below: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(below)))
    };
    // Only packing: the limit is too short for programs to be built again.
    let mut run = tool("unshare", 60)
        .args(["--user", "--map-user=12345", "--map-group=12345", "sh", "-c", script, "sh"])
        .arg(xtask())
        .args(["dist", "--jobs", "3", "--out"])
        .arg(&out)
        .env("HOME", &home)
        .env("USER", "somebody")
        .env("TZ", "Pacific/Kiritimati")
        .env("LANG", "tr_TR.UTF-8")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("TMPDIR", folder);
    // The programs are built, with what this user has; the suite reproducible builds them again without it.
    for (name, below) in
        [("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo"), ("PYWATS_BUILD_CACHE", ".cache/pywats-build")]
    {
        run = run
            .env(name, ours_at_home(name, below).with_context(|| format!("neither {name} nor HOME is set"))?);
    }
    run.run()?;
    let dist = ours.first().and_then(|first| first.parent()).context("there are no artifacts to compare")?;
    let listed = Artifacts::load(dist)?.context("the artifacts have no list")?;
    let rows = products::recipe()?.rows;
    for first in ours {
        let name = first.file_name().context("an artifact has a name")?;
        // Disks of an appliance are made where somebody names them.
        let row = listed.0.get(&*name.to_string_lossy()).map(|artifact| &artifact.artifact);
        if row.is_some_and(|row| rows.appliance(row).is_some()) {
            continue;
        }
        products::compare_files(first, &out.join(name))
            .with_context(|| name.to_string_lossy().into_owned())?;
    }
    Ok(())
}

/// Starts `dist` of every Linux format into an empty folder, so that there is something to pack, and signals
/// it once `begun`.
fn interrupt(
    folder: &Path,
    signal: &str,
    cache: Option<&Path>,
    begun: impl Fn(&Path) -> bool,
) -> Result<Output> {
    let out = folder.join("out");
    let mut command = Command::new(xtask());
    command.args(["dist", "deb-amd64", "rpm-x86_64", "tarball-x86_64-linux", "--out"]).arg(&out);
    command.stdin(Stdio::null());
    if let Some(cache) = cache {
        command.env("PYWATS_BUILD_CACHE", cache);
    }
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    crate::client::wait_until(|| begun(&out)).context("waiting for dist to begin")?;
    tool("kill", 5).arg(format!("-{signal}")).arg(child.id().to_string()).run()?;
    Ok(child.wait_with_output()?)
}

fn has_unfinished(out: &Path) -> bool {
    names(out).is_ok_and(|names| names.iter().any(|name| name.starts_with(".unfinished")))
}

/// Fails if: an interrupted run leaves half-written files, a wrong list, or the wrong exit code.
fn interrupted_while_packing(folder: &Path) -> Result<()> {
    let output = interrupt(folder, "INT", None, has_unfinished)?;
    let out = folder.join("out");
    ensure!(output.status.code() == Some(130), "it ended with {}\n{}", output.status, said(&output));
    ensure!(said(&output).contains("interrupted"), "it does not say why it ended\n{}", said(&output));
    ensure!(!has_unfinished(&out), "it left {:?}", names(&out)?);
    is_consistent(&out)
}

/// Fails if: an interrupt does not end the programs that were started, or leaves a toolchain cut off.
fn interrupted_while_preparing(folder: &Path) -> Result<()> {
    let cache = folder.join("cache");
    let begun = |_: &Path| has_unfinished(&cache);
    let output = interrupt(folder, "INT", Some(&cache), begun)?;
    ensure!(output.status.code() == Some(130), "it ended with {}\n{}", output.status, said(&output));
    std::thread::sleep(Duration::from_millis(200));
    let left = names(&cache)?;
    ensure!(left == ["lock"], "the cache has {left:?}");
    ensure!(names(&folder.join("out"))?.iter().all(|name| !name.ends_with(".deb")), "there is an artifact");
    let running = tool("ps", 5).args(["-e", "-o", "args"]).read()?;
    let marker = cache.to_string_lossy();
    let left: Vec<&str> = running.lines().filter(|line| line.contains(&*marker)).collect();
    ensure!(left.is_empty(), "still running: {left:?}");
    Ok(())
}

/// Fails if: what a run that could not clean up left is there after the next one.
fn killed(folder: &Path) -> Result<()> {
    interrupt(folder, "KILL", None, has_unfinished)?;
    let out = folder.join("out");
    ensure!(has_unfinished(&out), "the run was not killed while it wrote");
    successful(&dist(&out)?)?;
    ensure!(!has_unfinished(&out), "{:?}", names(&out)?);
    is_consistent(&out)
}
