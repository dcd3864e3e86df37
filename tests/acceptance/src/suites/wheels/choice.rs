//! Which wheel installers take: the one for their system, from a folder that has those for all.

use super::{NAME, World};
use crate::bench::Bench;
use crate::command::{said, tool};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// Systems as uv calls them, and what the name of their wheel ends with; nothing, where there is none.
const BY_UV: &[(&str, Option<&str>)] = &[
    ("x86_64-unknown-linux-gnu", Some("musllinux_1_1_x86_64.whl")),
    ("x86_64-manylinux2014", Some("musllinux_1_1_x86_64.whl")),
    ("x86_64-unknown-linux-musl", Some("musllinux_1_1_x86_64.whl")),
    ("aarch64-unknown-linux-gnu", Some("musllinux_1_1_aarch64.whl")),
    ("aarch64-unknown-linux-musl", Some("musllinux_1_1_aarch64.whl")),
    ("x86_64-apple-darwin", Some("_universal2.whl")),
    ("aarch64-apple-darwin", Some("_universal2.whl")),
    ("x86_64-pc-windows-msvc", Some("win_amd64.whl")),
    ("aarch64-pc-windows-msvc", Some("win_arm64.whl")),
    ("i686-pc-windows-msvc", None),
    ("riscv64-unknown-linux", None),
];

/// The same, as pip calls them.
const BY_PIP: &[(&str, Option<&str>)] = &[
    ("manylinux2014_x86_64", Some("musllinux_1_1_x86_64.whl")),
    ("musllinux_1_1_x86_64", Some("musllinux_1_1_x86_64.whl")),
    ("manylinux2014_aarch64", Some("musllinux_1_1_aarch64.whl")),
    ("macosx_11_0_arm64", Some("_universal2.whl")),
    ("macosx_15_0_x86_64", Some("_universal2.whl")),
    ("win_amd64", Some("win_amd64.whl")),
    ("win_arm64", Some("win_arm64.whl")),
    ("macosx_10_15_x86_64", None),
    ("manylinux2014_i686", None),
    ("win32", None),
];

/// What `packaging` says of each system, which is how pip knows its own: the tags of the interpreters in question, the
/// best first, and the wheel that they choose.
const BY_TAGS: &str = r#"
import sys
from packaging.tags import cpython_tags, compatible_tags, mac_platforms
from packaging.utils import parse_wheel_filename
wheels = {file: parse_wheel_filename(file)[3] for file in sys.argv[1:]}
def glibc(minor, arch):
    return [f"manylinux_2_{m}_{arch}" for m in range(minor, 16, -1)] + [f"manylinux2014_{arch}", f"linux_{arch}"]
def musl(arch):
    return [f"musllinux_1_{m}_{arch}" for m in (2, 1, 0)] + [f"linux_{arch}"]
for platforms, end in [
    (glibc(36, "x86_64"), "_x86_64.whl"), (glibc(17, "x86_64"), "_x86_64.whl"), (musl("x86_64"), "_x86_64.whl"),
    (glibc(36, "aarch64"), "_aarch64.whl"), (musl("aarch64"), "_aarch64.whl"), (glibc(36, "armv7l"), None),
    (list(mac_platforms((11, 0), "arm64")), "_universal2.whl"), (list(mac_platforms((26, 0), "arm64")), "_universal2.whl"),
    (list(mac_platforms((11, 0), "x86_64")), "_universal2.whl"), (list(mac_platforms((10, 15), "x86_64")), None),
    (["win_amd64"], "win_amd64.whl"), (["win_arm64"], "win_arm64.whl"), (["win32"], None),
]:
    for python in [(3, 9), (3, 11), (3, 14)]:
        tags = list(cpython_tags(python, platforms=platforms)) + list(compatible_tags(python, f"cp3{python[1]}", platforms))
        found = [file for file, offered in wheels.items() if offered & set(tags)]
        assert [file[-len(end):] for file in found] == [end] if end else found == [], (platforms[0], found)
"#;

pub(super) fn run(bench: &mut Bench, world: &World, folder: &Path) {
    bench.case("by the tags of `packaging`, each system has one wheel", || {
        let names = world.paths().map(|path| path.file_name().unwrap_or_default());
        let ask = world.alone(tool("python3", 60)).env("PYTHONPATH", &world.judges).args(["-s", "-c", BY_TAGS]);
        ask.args(names).run()
    });
    bench.case("uv takes on each system the wheel for it", || {
        for (platform, expected) in BY_UV {
            by_uv(world, &folder.join("uv").join(platform), platform, *expected).context(*platform)?;
        }
        Ok(())
    });
    // It takes a second each.
    let some = if bench.thorough { BY_PIP } else { &BY_PIP[..1] };
    bench.case("pip takes on each system the wheel for it", || {
        for (platform, expected) in some {
            by_pip(world, &folder.join("pip").join(platform), platform, *expected).context(*platform)?;
        }
        Ok(())
    });
}

/// Fails if: uv installs for a platform another program than that of its wheel, or any where there is none for it.
fn by_uv(world: &World, into: &Path, platform: &str, expected: Option<&str>) -> Result<()> {
    let install = world.uv().args(["pip", "install", "--prerelease", "allow", "--python-version", "3.11"]);
    let install = install.args(["--python-platform", platform, "--find-links"]).arg(&world.links);
    let output = install.arg("--target").arg(into).arg(NAME).output()?;
    let Some(expected) = expected else {
        ensure!(!output.status.success() && !into.join("bin").exists(), "it installed something");
        let said = said(&output);
        ensure!(said.contains("no wheels with a matching platform tag"), "it says\n{said}");
        return Ok(());
    };
    ensure!(output.status.success(), "{}", said(&output));
    let found = world.wheels.iter().find(|wheel| wheel.path.to_string_lossy().ends_with(expected));
    let program = found.with_context(|| format!("there is no wheel {expected}"))?.program(world);
    let exe = if expected.starts_with("win_") { ".exe" } else { "" };
    let installed = fs::read(into.join("bin").join(format!("{NAME}{exe}")))?;
    ensure!(installed == fs::read(program)?, "it installed another program");
    Ok(())
}

/// Fails if: pip takes for a platform another wheel than the one for it, or any where there is none.
fn by_pip(world: &World, into: &Path, platform: &str, expected: Option<&str>) -> Result<()> {
    let download = world.pip().args(["download", "--quiet", "--pre", "--no-deps"]);
    let download = download.args(["--only-binary=:all:", "--platform", platform, "--find-links"]);
    let output = download.arg(&world.links).arg("--dest").arg(into).arg(NAME).output()?;
    let found = fs::read_dir(into).into_iter().flatten();
    let found = found.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
    let found: Vec<String> = found.collect::<Result<_>>()?;
    match expected {
        Some(end) => {
            ensure!(output.status.success(), "{}", said(&output));
            ensure!(found.len() == 1 && found[0].ends_with(end), "it took {found:?}");
        }
        None => ensure!(!output.status.success() && found.is_empty(), "it took {found:?}"),
    }
    Ok(())
}
