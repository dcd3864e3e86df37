//! Every output of the flake evaluates, and depends on no more files than it must.

use super::workshop::{Workshop, system};
use crate::bench::Bench;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What users are promised, for every kind of machine.
const PACKAGES: &[&str] = &[
    "all",
    "client-aarch64-apple-darwin",
    "client-aarch64-unknown-linux-musl",
    "client-x86_64-apple-darwin",
    "client-x86_64-pc-windows-gnu",
    "client-x86_64-unknown-linux-musl",
    "deb-amd64",
    "deb-arm64",
    "default",
    "exe",
    "msi",
    "packager",
    "pywats-client",
    "rpm-aarch64",
    "rpm-x86_64",
    "tarball-aarch64-linux",
    "tarball-aarch64-macos",
    "tarball-x86_64-linux",
    "tarball-x86_64-macos",
    "wats-test-server",
    "xtask",
    "zip",
];

/// A file, and which outputs an edit of it must build again.
struct Edit {
    file: &'static str,
    rebuilds: &'static [&'static str],
}

/// Programs of Debian that nixpkgs does not have.
const NOT_IN_NIXPKGS: &[&str] = &["lintian", "rpmlint"];

/// The outputs that are watched.
const WATCHED: &[&str] = &["client-x86_64-unknown-linux-musl", "packager", "deb-amd64", "msi", "all"];

const EDITS: &[Edit] = &[
    Edit { file: "README.md", rebuilds: &[] },
    Edit { file: "docs/building.md", rebuilds: &[] },
    Edit { file: "xtask/src/main.rs", rebuilds: &[] },
    Edit { file: "tests/acceptance/src/main.rs", rebuilds: &[] },
    Edit { file: "tests/vm/steps.py", rebuilds: &[] },
    Edit { file: "crates/wats-test-server/src/main.rs", rebuilds: &[] },
    Edit { file: "crates/artwork/src/lib.rs", rebuilds: &[] },
    Edit { file: "crates/pywats-client/tests/service/main.rs", rebuilds: &[] },
    Edit { file: "packaging/debian/postinst", rebuilds: &["deb-amd64", "msi", "all"] },
    Edit { file: "crates/packager/src/lib.rs", rebuilds: &["packager", "deb-amd64", "msi", "all"] },
    Edit {
        file: "crates/pywats-client/src/main.rs",
        rebuilds: &["client-x86_64-unknown-linux-musl", "deb-amd64", "msi", "all"],
    },
    Edit {
        file: "packaging/windows/pywats-client.manifest",
        rebuilds: &["client-x86_64-unknown-linux-musl", "deb-amd64", "msi", "all"],
    },
    Edit {
        file: "crates/windows-resources/src/lib.rs",
        rebuilds: &["client-x86_64-unknown-linux-musl", "deb-amd64", "msi", "all"],
    },
    Edit { file: "crates/product-version/src/lib.rs", rebuilds: WATCHED },
    Edit { file: "Cargo.lock", rebuilds: WATCHED },
];

pub(super) fn run(bench: &mut Bench, workshop: &Workshop) -> Result<()> {
    bench.case("every output evaluates, for both kinds of machines", || everything_evaluates(workshop));
    bench.case("every promised package is there", || promised(workshop));
    bench.case("an edit builds again what depends on it, and nothing else", || edits(workshop));
    bench.case("the development shell has every program of the tests", || shell_is_complete(workshop));
    Ok(())
}

/// The same over the real crane, rust-overlay, nix-vm-test and library of nixpkgs, where copies are at hand.
pub(super) fn run_with_repositories(bench: &mut Bench, tools: &Path) -> Result<()> {
    let folder = bench.folder("repositories")?;
    let workshop = Workshop::open_with_repositories(tools, &folder)?;
    let names = workshop.repositories();
    if names.is_empty() {
        println!("left out: evaluating over the real crane and others; `cargo xtask test --help` says how");
        return Ok(());
    }
    let name = format!("every output evaluates over the real {}", names.join(", "));
    bench.case(&name, || everything_evaluates(&workshop));
    bench.case("the stand-in's module system does what the real one does", || same_module_system(&workshop));
    Ok(())
}

/// Fails if: a configuration is accepted, refused or merged by our `lib.evalModules` otherwise than by nixpkgs'.
fn same_module_system(workshop: &Workshop) -> Result<()> {
    let cases = workshop.flake.join("tests/nix/module-semantics.nix");
    let evaluate = |library: &Path| {
        let expression = format!("import {} {{ lib = import {}; }}", cases.display(), library.display());
        workshop.nix(&["eval", "--json", "--impure", "--expr", &expression]).read()
    };
    let ours: Value =
        serde_json::from_str(&evaluate(&workshop.flake.join("tests/nix/stand-ins/nixpkgs/lib"))?)?;
    let theirs: Value = serde_json::from_str(&evaluate(&workshop.stand_ins.join("nixpkgs/lib"))?)?;
    let theirs = theirs.as_object().context("there are no cases")?;
    let different: Vec<_> = theirs.iter().filter(|(name, value)| ours[name.as_str()] != **value).collect();
    ensure!(theirs.len() > 100, "there are only {} cases", theirs.len());
    ensure!(different.is_empty(), "nixpkgs has other results: {different:?}");
    Ok(())
}

/// Fails if: an output of any kind does not evaluate, needs a build for that, or is not what a flake may have.
fn everything_evaluates(workshop: &Workshop) -> Result<()> {
    let flake = workshop.flake();
    workshop.nix(&["flake", "check", "--no-build", "--all-systems", &flake]).run()
}

fn promised(workshop: &Workshop) -> Result<()> {
    for system in ["x86_64-linux", "aarch64-linux"] {
        let names = workshop.eval(&format!("packages.{system}"), "builtins.attrNames")?;
        let names: BTreeSet<&str> =
            names.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for package in PACKAGES {
            ensure!(names.contains(package), "there is no {package} for {system}");
        }
    }
    Ok(())
}

/// Fails if: an edit of a document or a test builds an artifact again, or an edit of a source does not.
fn edits(workshop: &Workshop) -> Result<()> {
    let derivations = || {
        let list =
            WATCHED.iter().map(|name| format!("packages.{name}.drvPath")).collect::<Vec<_>>().join(" ");
        let value = workshop.eval(&format!("packages.{}", system()), &format!("packages: [ {list} ]"))?;
        serde_json::from_value::<Vec<String>>(value).context("no list of derivations")
    };
    let before = derivations()?;
    for edit in EDITS {
        let path = workshop.flake.join(edit.file);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let comment = if edit.file.ends_with(".rs") { "//" } else { "#" };
        fs::write(&path, format!("{text}\n{comment} edited\n"))?;
        let after = derivations();
        fs::write(&path, text)?;
        let after = after.with_context(|| format!("after an edit of {}", edit.file))?;
        let changed = WATCHED.iter().zip(before.iter().zip(&after)).filter(|(_, (a, b))| a != b);
        let changed: Vec<&str> = changed.map(|(name, _)| *name).collect();
        let expected: Vec<&str> =
            WATCHED.iter().copied().filter(|name| edit.rebuilds.contains(name)).collect();
        ensure!(changed == expected, "an edit of {} builds {changed:?} again, not {expected:?}", edit.file);
    }
    Ok(())
}

/// Fails if: `cargo xtask test` needs a program that the shell does not bring, although nixpkgs has it.
fn shell_is_complete(workshop: &Workshop) -> Result<()> {
    let function = "shell: builtins.concatMap (program: program.passthru.programs) shell.programs";
    let programs = workshop.eval(&format!("devShells.{}.default", system()), function)?;
    let programs: BTreeSet<&str> =
        programs.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let missing: Vec<&str> = workshop
        .tools
        .prerequisites
        .iter()
        .map(String::as_str)
        .filter(|program| !programs.contains(program) && !NOT_IN_NIXPKGS.contains(program))
        // A file of a Debian package, not a program.
        .filter(|program| !program.starts_with('/'))
        // nixpkgs builds wine for x86_64 only.
        .filter(|program| system() == "x86_64-linux" || !program.starts_with("wine"))
        .collect();
    ensure!(missing.is_empty(), "the shell lacks {}", missing.join(", "));
    Ok(())
}
