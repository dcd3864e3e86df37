//! Archives, read by tar, gzip, unzip and 7-Zip.

use super::{file_name, names, one_value, same_names};
use crate::bench::Bench;
use crate::command::tool;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

pub(super) fn judge_tar(bench: &mut Bench, path: &Path) -> Result<()> {
    let name = file_name(path);
    bench.case_needing(&["bsdtar"], &format!("{name}: gzip, tar and bsdtar read it"), || {
        tool("gzip", 120).arg("--test").arg(path).run()?;
        let listed = tool("tar", 120).arg("-tzf").arg(path).read()?;
        one_top_folder(&listed, name.trim_end_matches(".tar.gz"))?;
        same_names(&listed, &tool("bsdtar", 120).arg("-tf").arg(path).read()?)
    });
    bench.case(&format!("{name}: no trace of the building machine"), || {
        // RFC 1952: method, flags (no name, no comment), four bytes of time, level, system (3 is Unix).
        let header = fs::read(path)?.get(..10).context("shorter than a gzip header")?.to_vec();
        ensure!(header == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3], "the gzip header is {header:x?}");
        let listed = tool("tar", 120).args(["--full-time", "-tvzf"]).arg(path).read()?;
        for (what, number) in [("the owner", 1), ("the date", 3), ("the time", 4)] {
            let column = listed
                .lines()
                .map(|line| line.split_whitespace().nth(number).unwrap_or_default())
                .collect::<Vec<_>>();
            let value = one_value(what, &column.join("\n"))?;
            ensure!(number != 1 || value == "root/root", "the owner is {value}");
        }
        Ok(())
    });
    Ok(())
}

pub(super) fn judge_zip(bench: &mut Bench, path: &Path) -> Result<()> {
    let name = file_name(path);
    bench.case_needing(
        &["unzip", "7z", "bsdtar"],
        &format!("{name}: unzip, 7-Zip and bsdtar read it"),
        || {
            tool("unzip", 120).arg("-tq").arg(path).run()?;
            tool("7z", 120).arg("t").arg(path).run()?;
            let listed = tool("unzip", 120).arg("-Z1").arg(path).read()?;
            match name.strip_suffix(".zip") {
                Some(top) if top.ends_with("-gpo-kit") => one_top_folder(&listed, top)?,
                // The suite `apple` looks into it.
                Some(top) if top.ends_with("-macos-app") => one_top_folder(&listed, "pyWATS Client.app")?,
                _ => program_on_top(&listed)?,
            }
            same_names(&listed, &tool("bsdtar", 120).arg("-tf").arg(path).read()?)
        },
    );
    bench.case_needing(&["zipinfo"], &format!("{name}: no trace of the building machine"), || {
        let listed = tool("zipinfo", 120).args(["-T", "-s"]).arg(path).read()?;
        let lines = listed.lines().filter(|line| line.contains(" unx ") || line.contains(" fat "));
        let entries: Vec<Vec<_>> = lines.map(|line| line.split_whitespace().collect()).collect();
        ensure!(!entries.is_empty(), "no entries");
        for entry in &entries {
            ensure!(entry.get(2) == Some(&"unx"), "made on another system: {entry:?}");
            // Neither data descriptors, extra fields nor comments, which carry further times.
            ensure!(
                entry.get(4) == Some(&"b-") || entry.get(4) == Some(&"t-"),
                "has extra fields: {entry:?}"
            );
        }
        let times: Vec<_> = entries.iter().filter_map(|entry| entry.get(6).copied()).collect();
        one_value("the time", &times.join("\n")).map(drop)
    });
    Ok(())
}

/// Programs as files of their own, by what their names end with, and the archives of the same programs.
pub(super) const PROGRAMS: &[(&str, &str)] = &[
    ("-x86_64-windows.exe", "-x86_64-pc-windows-gnu.zip"),
    ("-aarch64-windows.exe", "-aarch64-pc-windows-gnullvm.zip"),
    ("-x86_64-linux", "-x86_64-unknown-linux-musl.tar.gz"),
    ("-aarch64-linux", "-aarch64-unknown-linux-musl.tar.gz"),
    ("-universal-macos", "-universal-apple-darwin.tar.gz"),
];

/// The program as a file of its own is the one in the archive.
pub(super) fn judge_exe(bench: &mut Bench, path: &Path, archive: &Path) {
    let name = file_name(path);
    bench.case_needing(&["unzip"], &format!("{name}: is the program in the archive, bit for bit"), || {
        ensure!(program_of(archive)? == fs::read(path)?, "the program in {} is another one", archive.display());
        Ok(())
    });
}

/// The program in an archive.
pub(in crate::suites) fn program_of(archive: &Path) -> Result<Vec<u8>> {
    let name = file_name(archive);
    let output = match name.strip_suffix(".tar.gz") {
        Some(top) => tool("tar", 60)
            .args(["--extract", "--to-stdout", "--file"])
            .arg(archive)
            .arg(format!("{top}/pywats-client"))
            .output()?,
        None => tool("unzip", 60).arg("-p").arg(archive).arg("pywats-client.exe").output()?,
    };
    ensure!(output.status.success() && output.stdout.len() > 1 << 20, "there is no program in {name}");
    Ok(output.stdout)
}

/// As cargo-dist's installers and Scoop look for it.
fn program_on_top(listing: &str) -> Result<()> {
    let programs = names(listing).into_iter().filter(|name| name.ends_with(".exe"));
    let programs: Vec<_> = programs.collect();
    ensure!(programs.len() == 1 && !programs[0].contains('/'), "the programs are {programs:?}");
    Ok(())
}

fn one_top_folder(listing: &str, top: &str) -> Result<()> {
    let inside = |name: &String| name == top || name.starts_with(&format!("{top}/"));
    let outside: Vec<_> = names(listing).into_iter().filter(|name| !inside(name)).collect();
    ensure!(outside.is_empty(), "not in the folder {top}: {outside:?}");
    Ok(())
}
