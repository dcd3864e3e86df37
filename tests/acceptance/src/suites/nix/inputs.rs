//! The lock, and the names that the flake takes from its inputs.

use super::workshop::Workshop;
use crate::bench::Bench;
use crate::command::{Tool, said, tool};
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;

pub(super) fn run(bench: &mut Bench, workshop: &Workshop) -> Result<()> {
    let folder = bench.folder("lock")?;
    bench.case("flake.lock is in sync with flake.nix", || {
        let output = with_lock(workshop, &folder.join("same"), |text| text)?.output()?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(())
    });
    bench.case("a lock that is out of sync would be noticed", || {
        let change = |text: String| text.replace("NixOS/nixpkgs/", "NixOS/nixpkgs/another-");
        let output = with_lock(workshop, &folder.join("another"), change)?.output()?;
        ensure!(!output.status.success(), "Nix took a lock that does not fit");
        ensure!(said(&output).contains("lock file"), "Nix failed for another reason: {}", said(&output));
        Ok(())
    });
    bench.case("every input follows the one nixpkgs and is pinned", one_nixpkgs);
    bench.case("only names that were read in the inputs' sources are used", || names_are_confirmed(workshop));
    bench.case("docs/nix.md says how many names those are, and which mingw-w64 zig has", || {
        documented(workshop)
    });
    Ok(())
}

/// Asks Nix for the inputs of a flake, whose lock it must not touch.
fn with_lock(workshop: &Workshop, folder: &Path, change: impl Fn(String) -> String) -> Result<Tool> {
    fs::create_dir(folder)?;
    let text = fs::read_to_string(workspace().join("flake.nix"))?;
    fs::write(folder.join("flake.nix"), change(text))?;
    fs::copy(workspace().join("flake.lock"), folder.join("flake.lock"))?;
    let flake = format!("path:{}", folder.display());
    let never = ["--offline", "--no-update-lock-file", "--no-write-lock-file"];
    Ok(workshop.nix(&["flake", "metadata", &flake]).args(never))
}

/// Fails if: an input brings another nixpkgs, or is not pinned by revision and hash.
fn one_nixpkgs() -> Result<()> {
    let lock: Value = serde_json::from_str(&fs::read_to_string(workspace().join("flake.lock"))?)?;
    let nodes = lock["nodes"].as_object().context("flake.lock has no nodes")?;
    ensure!(!nodes.keys().any(|name| name.contains('_')), "an input is there twice: {:?}", nodes.keys());
    for (name, node) in nodes.iter().filter(|(name, _)| *name != "root") {
        for field in ["rev", "narHash"] {
            ensure!(node["locked"][field].is_string(), "{name} has no {field}");
        }
        let follows = &node["inputs"]["nixpkgs"];
        ensure!(follows.is_null() || *follows == serde_json::json!(["nixpkgs"]), "{name} follows {follows}");
    }
    Ok(())
}

/// Fails if: a stand-in offers a name that is not in the list of those that were read in the real sources, so
/// that the flake could use something that does not exist there; or the list has a name that nobody offers.
fn names_are_confirmed(workshop: &Workshop) -> Result<()> {
    // Those of the copy: the folder of the workspace may have a name that Nix cannot read.
    let comparison = workshop.flake.join("tests/nix/unconfirmed.nix");
    let expression =
        format!("import {} {{ standIns = {}; }}", comparison.display(), workshop.stand_ins.display());
    let text = workshop.nix(&["eval", "--json", "--impure", "--expr", &expression]).read()?;
    let faults: Vec<String> = serde_json::from_str(&text).context("Nix printed no list")?;
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

/// Fails if: the document has another number of names than the list of confirmed ones, or another version of
/// mingw-w64 than the pinned zig.
fn documented(workshop: &Workshop) -> Result<()> {
    let document = fs::read_to_string(workspace().join("docs/nix.md"))?;
    let confirmed: toml::Table = fs::read_to_string(workspace().join("tests/nix/confirmed.toml"))?.parse()?;
    let names = confirmed["nixpkgs"].as_table().context("confirmed.toml has no names of nixpkgs")?.len();
    let mingw = mingw_version(&workshop.wheel("ziglang")?)?;
    for text in [format!("{names} names of nixpkgs"), format!("mingw-w64 {mingw}")] {
        ensure!(document.contains(&text), "docs/nix.md does not say \"{text}\"");
    }
    Ok(())
}

/// The version that mingw-w64's own header says, in the wheel of zig.
fn mingw_version(wheel: &Path) -> Result<String> {
    const HEADER: &str = "ziglang/lib/libc/include/any-windows-any/_mingw_mac.h";
    let header = tool("unzip", 60).arg("-p").arg(wheel).arg(HEADER).read()?;
    let number = |part: &str| -> Result<&str> {
        let define = format!("#define __MINGW64_VERSION_{part} ");
        let value = header.lines().find_map(|line| line.strip_prefix(&define));
        value.map(str::trim).with_context(|| format!("{HEADER} has no {part}"))
    };
    Ok([number("MAJOR")?, number("MINOR")?, number("BUGFIX")?].join("."))
}
