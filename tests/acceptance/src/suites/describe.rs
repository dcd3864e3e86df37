//! `release-tools describe`: other people's validators accept the bills of materials, they have what cargo says is in the
//! programs, what zig and rustc add and what is on the disk of the appliance, and everything is the same bits when it is made again elsewhere.
//!
//! `PYWATS_JUDGES` names the folder with the validators, `PYWATS_ZIG` that of zig: `cargo xtask test describe` sets both.

use crate::bench::Bench;
use crate::command::{Tool, said, tool};
use crate::products::{RELEASE_TOOLS, recipe, release_tools_program, workspace};
use crate::suites::dist;
use anyhow::{Context, Result, bail, ensure};
use packager::digest::{collect_files, sha256, sha256_file};
use packager::{Artifact, Artifacts, Target};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs, thread};

/// How the names of the files of disks go on behind the version, and those of their bills.
const DISK: &str = "appliance-amd64";

/// Some commit.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Describes a release of the artifacts.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    // The program for Windows is an artifact as it is: its digest is in a bill.
    let exe = bench.artifact("-x86_64-windows.exe")?;
    let dist = exe.parent().context("an artifact lies in a folder")?.to_owned();
    let folder = bench.folder("releases")?;
    let world = &World { dist, release: folder.join("release"), signed: folder.join("signed") };
    let made = bench.case("two runs in different folders give the same bits", || {
        if env::var_os(RELEASE_TOOLS).is_none() {
            // Compiles the program.
            tool(dist::xtask(), 900).args(["repo", "--help"]).run()?;
        }
        world.describe(&world.release)?;
        let again = folder.join("elsewhere with spaces/again");
        world.describe(&again)?;
        let (first, second) = (files(&world.release)?, files(&again)?);
        ensure!(first == second && first.len() > 15, "{first:#?}\nand\n{second:#?}");
        Ok(())
    });
    if !made {
        bench.not_run("everything else", "nothing was described");
        return Ok(());
    }
    bench.case("a signed program has its digest, and descends from what was built", || signed(world));
    bench.case("cyclonedx-python-lib, spdx-tools and packageurl-python accept every bill", || judge(world));
    bench.case("bills have what `cargo tree` says", || as_cargo_says(world));
    bench.case("the bill of the program for Windows has its digest", || {
        let bill = world.bill("pywats-client", "x86_64-pc-windows-gnu", "cdx")?;
        let found = &bill["metadata"]["component"]["hashes"][0]["content"];
        ensure!(*found == sha256_file(&exe)?.as_str(), "it has {found}");
        Ok(())
    });
    bench.case("the bill of the appliance has Debian's packages, and what is in the client", || on_the_disk(world));
    bench.case("versions of what zig brings are zig's", as_zig_says);
    bench.case("the crates in the standard library are rustc's", as_rustc_says);
    bench.case("the page is well-formed, needs nothing else, and has every artifact", || page(world));
    bench.case("notes and provenance have every artifact", || notes_and_provenance(world));
    bench.case("what does not belong together is refused, with what to do", || refused(world, &folder));
    Ok(())
}

struct World {
    dist: PathBuf,
    release: PathBuf,
    signed: PathBuf,
}

impl World {
    /// Puts the list of artifacts into the folder of a release, with the disks of the appliance, whether they were made or
    /// not.
    fn lay_out(&self, folder: &Path, edit: impl FnOnce(&mut Artifacts)) -> Result<()> {
        let mut artifacts = Artifacts::load(&self.dist)?.context("the artifacts have no list")?;
        let recipe = recipe()?;
        let (_, client) = artifacts.of_row("deb-amd64").context("the artifacts have no deb-amd64")?;
        let client = client.clone();
        artifacts.0.retain(|_, artifact| recipe.rows.appliance(&artifact.artifact).is_none());
        for row in recipe.rows.appliances().iter().filter(|row| row.release) {
            let file = format!("{}-{}-{DISK}.{}", recipe.product.name, recipe.version, row.format);
            let disk = Artifact {
                artifact: row.name.clone(),
                format: row.format.clone(),
                programs: Vec::new(),
                sha256: sha256(row.name.as_bytes()),
                ..client.clone()
            };
            artifacts.0.insert(file, disk);
        }
        edit(&mut artifacts);
        artifacts.write(&folder.join("files"))
    }

    /// `release-tools describe`.
    fn tool(folder: &Path, commit: &str) -> Tool {
        let tool = tool(release_tools_program(), 120).arg("describe").arg("--folder").arg(folder);
        tool.arg("--root").arg(workspace()).args(["--commit", commit])
    }

    fn describe(&self, folder: &Path) -> Result<()> {
        self.lay_out(folder, |_| ())?;
        World::tool(folder, COMMIT).current_dir("/").run()
    }

    /// What is in the release.
    fn described(&self) -> Result<Artifacts> {
        Artifacts::load(&self.release.join("files"))?.context("the release has no list")
    }

    /// A bill of the release.
    fn bill(&self, package: &str, triple: &str, form: &str) -> Result<Value> {
        let name = format!("{package}-{}-{triple}.{form}.json", recipe()?.version);
        let path = self.release.join("files").join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    }
}

/// The digests of all files of a folder, by their names.
fn files(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut paths = Vec::new();
    collect_files(folder, &mut paths)?;
    let name = |path: &Path| path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    paths.iter().map(|path| Ok((name(path), sha256_file(path)?))).collect()
}

/// Fails if: the bill of a program that was signed does not have the digest of what is published, or not that of what was
/// signed.
fn signed(world: &World) -> Result<()> {
    let sign = |artifacts: &mut Artifacts| {
        for program in artifacts.0.values_mut().flat_map(|artifact| &mut artifact.programs) {
            if program.target.contains("windows") {
                program.sha256 = program.sha256.chars().rev().collect();
            }
        }
    };
    world.lay_out(&world.signed, sign)?;
    let unsigned = Artifacts::load(&world.dist)?.context("the artifacts have no list")?;
    unsigned.write(&world.signed.join("unsigned"))?;
    World::tool(&world.signed, COMMIT).run()?;
    for (file, _) in files(&world.signed)?.iter().filter(|(file, _)| file.ends_with("json")) {
        if !file.contains("windows") {
            continue;
        }
        let bill: Value = serde_json::from_str(&fs::read_to_string(world.signed.join(file))?)?;
        let of = |list: &Value, id: &str| {
            let hash = &list[0][id];
            hash.as_str().map(str::to_owned).with_context(|| format!("{file} has no digest"))
        };
        let (published, built) = if file.ends_with(".cdx.json") {
            let program = &bill["metadata"]["component"];
            let ancestor = &program["pedigree"]["ancestors"][0];
            (of(&program["hashes"], "content")?, of(&ancestor["hashes"], "content")?)
        } else {
            let package = |id: &Value| {
                let packages = bill["packages"].as_array().into_iter().flatten();
                packages.clone().find(|package| package["SPDXID"] == *id).cloned().unwrap_or_default()
            };
            let related = |kind: &str| {
                let relations = bill["relationships"].as_array().into_iter().flatten();
                let found = relations.clone().find(|relation| relation["relationshipType"] == kind);
                package(&found.cloned().unwrap_or_default()["relatedSpdxElement"])
            };
            let digest = |kind: &str| of(&related(kind)["checksums"], "checksumValue");
            (digest("DESCRIBES")?, digest("DESCENDANT_OF")?)
        };
        ensure!(published == built.chars().rev().collect::<String>(), "{file}: {published}, of {built}");
        let listed = unsigned.0.values().flat_map(|artifact| &artifact.programs);
        ensure!(listed.clone().any(|program| program.sha256 == built), "{file}: nobody built {built}");
    }
    Ok(())
}

/// Fails if: a bill is not what its specification asks for.
fn judge(world: &World) -> Result<()> {
    let set = env::var_os("PYWATS_JUDGES").context("PYWATS_JUDGES: run `cargo xtask test describe`")?;
    let mut bills: [Vec<PathBuf>; 2] = Default::default();
    // Of what was signed there is more in them.
    for (place, is_signed) in [(&world.release, false), (&world.signed, true)] {
        let names = files(place)?.into_keys().filter(|name| name.contains("windows") == is_signed);
        for name in names.filter(|name| name.ends_with(".cdx.json") || name.ends_with(".spdx.json")) {
            let shorter = usize::from(bills[0].len() > bills[1].len());
            bills[shorter].push(place.join(name));
        }
    }
    ensure!(bills[1].len() > 5, "there are only {bills:?}");
    let judge = |bills: &[PathBuf]| -> Result<()> {
        let python = tool("python3", 300).env("PYTHONPATH", &set).env("PYTHONDONTWRITEBYTECODE", "1").arg("-s");
        python.arg(workspace().join("tests/describe/judge.py")).args(bills).run()
    };
    thread::scope(|scope| {
        let running = bills.each_ref().map(|bills| scope.spawn(|| judge(bills)));
        running.into_iter().try_for_each(|one| one.join().expect("a judge does not panic"))
    })
}

/// What is compiled for each target of the artifacts: packages of the workspace.
fn compiled(world: &World) -> Result<BTreeSet<(String, String)>> {
    let artifacts = Artifacts::load(&world.dist)?.context("the artifacts have no list")?;
    let recipe = recipe()?;
    let mut compiled = BTreeSet::new();
    for program in artifacts.0.values().flat_map(|artifact| &artifact.programs) {
        for row in recipe.rows.programs(program.target.parse::<Target>()?.os) {
            compiled.insert((row.package.clone(), program.target.clone()));
        }
    }
    Ok(compiled)
}

/// Fails if: a crate that cargo compiles into a program is not in its bills, or one that it does not is.
fn as_cargo_says(world: &World) -> Result<()> {
    for (package, triple) in compiled(world)? {
        let tree = tool("cargo", 120)
            .args(["tree", "--locked", "--edges", "normal,no-proc-macro", "--prefix", "none"])
            .args(["--format", "{p}", "--package", &package, "--target", &triple])
            .current_dir(workspace())
            .read()?;
        let lines = tree.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once(" v"));
        let crates = lines.map(|(name, rest)| format!("{name} {}", rest.split(' ').next().unwrap_or(rest)));
        let crates: BTreeSet<String> = crates.collect();
        ensure!(crates.len() > 5, "cargo names only {crates:?}");
        let name = |one: &Value, version: &str| {
            format!("{} {}", one["name"].as_str().unwrap_or(""), one[version].as_str().unwrap_or(""))
        };
        for (form, version) in [("cdx", "version"), ("spdx", "versionInfo")] {
            let bill = world.bill(&package, &triple, form)?;
            let list = if form == "cdx" { &bill["components"] } else { &bill["packages"] };
            let mut listed: BTreeSet<String> =
                list.as_array().into_iter().flatten().map(|one| name(one, version)).collect();
            if form == "cdx" {
                listed.insert(name(&bill["metadata"]["component"], version));
            }
            let missing: Vec<_> = crates.difference(&listed).collect();
            ensure!(missing.is_empty(), "{package} for {triple}: {form} lacks {missing:?}");
            let mut further: BTreeSet<_> = listed.difference(&crates).cloned().collect();
            let os = triple.parse::<Target>()?.os;
            for (row, systems, _) in unlisted()? {
                if systems.is_empty() || systems.iter().any(|system| system == os.name()) {
                    further.remove(&row);
                }
            }
            ensure!(further.is_empty(), "{package} for {triple}: {form} has {further:?}, and cargo has not");
        }
    }
    let bill = world.bill("pywats-client", "x86_64-unknown-linux-musl", "cdx")?.to_string();
    for name in ["musl", "libunwind", "SQLite", "zig", "rust-std"] {
        ensure!(bill.contains(&format!("\"name\":\"{name}\"")), "the bill for Linux lacks {name}");
    }
    ensure!(!bill.contains("mingw-w64"), "the bill for Linux has mingw-w64");
    Ok(())
}

/// Fails if: a package of the lock is not in the bill of the disk, or not by its digest and the release of Debian; what is in
/// the client is not; or the bill is not about every disk.
fn on_the_disk(world: &World) -> Result<()> {
    let lock = fs::read_to_string(workspace().join("packaging/appliance/packages.lock"))?;
    let packages = lock.lines().filter(|line| !line.starts_with('#') && line.contains(".deb"));
    let packages: Vec<Vec<&str>> = packages.map(|line| line.split(' ').collect()).collect();
    ensure!(packages.len() > 100, "the lock has {} packages", packages.len());
    let bill = world.bill("pywats-client", DISK, "cdx")?;
    let components = bill["components"].as_array().context("the bill has no components")?;
    for package in &packages {
        let [name, version, sha256, _] = package[..] else { bail!("the lock has {package:?}") };
        let is_it = |one: &Value| {
            let purl = one["purl"].as_str().unwrap_or_default();
            let right = purl.starts_with("pkg:deb/debian/") && purl.contains("distro=debian-13");
            right && one["name"] == name && one["version"] == version && one["hashes"][0]["content"] == sha256
        };
        ensure!(components.iter().any(is_it), "the bill lacks {name} {version}");
    }
    let client = world.bill("pywats-client", "x86_64-unknown-linux-musl", "cdx")?;
    let of_client = client["components"].as_array().context("the client's has none")?;
    for one in of_client.iter().chain([&client["metadata"]["component"]]) {
        let found = components.iter().any(|other| other["purl"] == one["purl"]);
        ensure!(found, "the bill of the disk lacks {} of the client", one["purl"]);
    }
    ensure!(components.len() == packages.len() + of_client.len() + 1, "it has {} components", components.len());
    let hashes = bill["metadata"]["component"]["hashes"].to_string();
    let recipe = recipe()?;
    for row in recipe.rows.appliances().iter().filter(|row| row.release) {
        ensure!(hashes.contains(&sha256(row.name.as_bytes())), "the bill is not about {}: {hashes}", row.name);
    }
    Ok(())
}

/// What cargo does not know of, by its table: name with version, systems, and what brings it.
fn unlisted() -> Result<Vec<(String, Vec<String>, String)>> {
    let path = workspace().join("tools/release/src/describe/unlisted.toml");
    let table: toml::Table = toml::from_str(&fs::read_to_string(path)?)?;
    let rows = table["component"].as_array().context("the table has no rows")?;
    let text = |row: &toml::Value, key: &str| row.get(key).and_then(|it| it.as_str()).unwrap_or("").to_owned();
    let list = |row: &toml::Value| {
        let systems = row.get("systems").and_then(|it| it.as_array()).into_iter().flatten();
        systems.filter_map(|it| it.as_str().map(str::to_owned)).collect()
    };
    let row = |row| (format!("{} {}", text(row, "name"), text(row, "version")), list(row), text(row, "of"));
    Ok(rows.iter().map(row).collect())
}

/// Fails if: the table has another version of something than zig has.
fn as_zig_says() -> Result<()> {
    let zig = env::var_os("PYWATS_ZIG").context("PYWATS_ZIG: run `cargo xtask test describe`")?;
    let zig = Path::new(&zig);
    let read = |file: &str| {
        let path = zig.join("lib/libc").join(file);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let defined = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("#define {name} ")));
        let value = line.with_context(|| format!("zig's headers do not define {name}"))?;
        Ok::<_, anyhow::Error>(value.trim().trim_matches('"').to_owned())
    };
    let musl = defined(&read("musl/src/internal/version.h")?, "VERSION")?;
    let mingw = read("include/any-windows-any/_mingw_mac.h")?;
    let part = |name: &str| defined(&mingw, &format!("__MINGW64_VERSION_{name}"));
    let mingw = format!("{}.{}.{}-{}", part("MAJOR")?, part("MINOR")?, part("BUGFIX")?, part("STATE")?);
    let program = zig.join("zig");
    let clang = tool(&program, 60).args(["clang", "--version"]).read()?;
    let llvm = clang.split_whitespace().nth(2).context("zig's clang says no version")?.to_owned();
    let own = tool(&program, 60).arg("version").read()?.trim().to_owned();
    let rows: BTreeSet<String> = unlisted()?.into_iter().map(|(row, ..)| row).collect();
    for (name, version) in [("musl", musl), ("mingw-w64", mingw), ("libunwind", llvm), ("zig", own)] {
        let row = format!("{name} {version}");
        ensure!(rows.contains(&row), "zig has {row}, and unlisted.toml has something else: {rows:?}");
    }
    Ok(())
}

/// Fails if: a crate is in the standard library and not in the table, or the other way round.
fn as_rustc_says() -> Result<()> {
    // Of the Rust project itself, or not linked into programs.
    const OWN: &[&str] = &[
        "alloc", "compiler_builtins", "core", "getopts", "panic_abort", "panic_unwind", "proc_macro",
        "profiler_builtins", "rustc_literal_escaper", "rustc_std_workspace_alloc", "rustc_std_workspace_core",
        "rustc_std_workspace_std", "std", "std_detect", "sysroot", "test", "unwind",
    ];
    let sysroot = tool("rustc", 60).args(["--print", "sysroot"]).current_dir(workspace()).read()?;
    let targets = Path::new(sysroot.trim()).join("lib/rustlib");
    let mut judged = 0;
    for (triple, os) in
        [("x86_64-unknown-linux-musl", "linux"), ("x86_64-pc-windows-gnu", "windows"),
        ("aarch64-pc-windows-gnullvm", "windows"), ("aarch64-apple-darwin", "macos")]
    {
        // What was built from source is elsewhere, from the same lock file.
        let Ok(libraries) = fs::read_dir(targets.join(triple).join("lib")) else { continue };
        let mut found = BTreeSet::new();
        for library in libraries {
            let name = library?.file_name().to_string_lossy().into_owned();
            let name = name.strip_prefix("lib").and_then(|name| name.strip_suffix(".rlib"));
            if let Some((name, _)) = name.and_then(|name| name.rsplit_once('-'))
                && !OWN.contains(&name)
            {
                found.insert(name.to_owned());
            }
        }
        let rows = unlisted()?.into_iter();
        let rows = rows.filter(|(_, systems, of)| {
            of == "rust-std" && (systems.is_empty() || systems.iter().any(|system| system == os))
        });
        let rows: BTreeSet<String> = rows
            .filter_map(|(row, ..)| row.split_once(' ').map(|(name, _)| name.replace('-', "_")))
            .collect();
        ensure!(found == rows, "{triple}: rustc has {found:?}, unlisted.toml {rows:?}");
        judged += 1;
    }
    ensure!(judged > 0, "this rustc has no standard library but that of this machine: install one by rustup");
    Ok(())
}

/// Fails if: a browser would have to guess or to load something, or an artifact is not on the page.
fn page(world: &World) -> Result<()> {
    let path = world.release.join("files/install.html");
    let parse = "import sys, xml.etree.ElementTree as tree; tree.parse(sys.argv[1])";
    tool("python3", 30).args(["-c", parse]).arg(&path).run()?;
    let text = fs::read_to_string(&path)?;
    for word in ["<script", "<link", "src=", "url(", "@import"] {
        ensure!(!text.contains(word), "the page has {word:?}");
    }
    ensure!(text.contains("color-scheme: light dark") && text.contains("name=\"viewport\""), "{text}");
    has_all(world, &text, "the page")
}

/// Fails if: an artifact or its digest is missing.
fn has_all(world: &World, text: &str, what: &str) -> Result<()> {
    for (file, artifact) in world.described()?.0 {
        ensure!(text.contains(&file) && text.contains(&artifact.sha256), "{what} lacks {file}");
    }
    Ok(())
}

/// Fails if: somebody who reads the notes, or a program that reads the provenance, does not find an artifact.
fn notes_and_provenance(world: &World) -> Result<()> {
    let notes = fs::read_to_string(world.release.join("notes.md"))?;
    for file in world.described()?.0.into_keys() {
        ensure!(notes.contains(&format!("| `{file}` (")), "the notes lack {file}");
    }
    let recipe = recipe()?;
    let changelog = recipe.product.changelog()?;
    for change in &changelog.latest().changes {
        ensure!(notes.contains(change), "the notes lack: {change}");
    }
    let text = fs::read_to_string(world.release.join("provenance.json"))?;
    has_all(world, &text, "the provenance")?;
    let statement: Value = serde_json::from_str(&text)?;
    let definition = &statement["predicate"]["buildDefinition"];
    ensure!(statement["_type"] == "https://in-toto.io/Statement/v1", "{text}");
    ensure!(statement["predicateType"] == "https://slsa.dev/provenance/v1", "{text}");
    ensure!(definition["externalParameters"]["commit"] == COMMIT, "{text}");
    ensure!(definition["resolvedDependencies"][0]["digest"]["gitCommit"] == COMMIT, "{text}");
    let documents = fs::read_to_string(workspace().join("docs/describing.md"))?.to_lowercase();
    for address in [&definition["buildType"], &statement["predicate"]["runDetails"]["builder"]["id"]] {
        let heading = address.as_str().and_then(|address| address.split_once("docs/describing.md#"));
        let heading = heading.with_context(|| format!("{address} is not documented"))?.1.replace('-', " ");
        ensure!(documents.contains(&format!("## {heading}\n")), "docs/describing.md has no {heading:?}");
    }
    Ok(())
}

/// Fails if: artifacts of another version, a folder without any, or half a commit are described.
fn refused(world: &World, folder: &Path) -> Result<()> {
    let other = folder.join("other");
    world.lay_out(&other, |artifacts| {
        let renamed = std::mem::take(&mut artifacts.0).into_iter();
        artifacts.0 = renamed.map(|(name, artifact)| (format!("old-{name}"), artifact)).collect();
    })?;
    for (place, commit, words) in [
        (&other, COMMIT, "take the checkout that the artifacts were made from"),
        (&folder.join("nothing"), COMMIT, "build the artifacts of the release first"),
        (&world.release, "0123456", "give all of its 40 digits"),
    ] {
        let before = if place.exists() { files(place)? } else { BTreeMap::new() };
        let output = World::tool(place, commit).output()?;
        let text = said(&output);
        ensure!(!output.status.success() && text.contains(words), "{}: {text}", place.display());
        ensure!(!place.exists() || files(place)? == before, "something was written");
    }
    Ok(())
}
