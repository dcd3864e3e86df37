//! Every output of the flake evaluates, and depends on no more files than it must.

use super::workshop::{Workshop, system};
use crate::bench::Bench;
use crate::command::tool;
use crate::edits::{
    self,
    Change::{Byte, Comment, Replace},
    Edit,
};
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What there is besides artifacts and what is compiled for each target.
const FURTHER_PACKAGES: &[&str] =
    &["all", "default", "packager", "pywats-client", "wats-test-server", "xtask"];

/// Programs of Debian that nixpkgs does not have.
const NOT_IN_NIXPKGS: &[&str] = &["lintian", "qcowinfo", "rpmlint", "vhdiinfo", "vmdkinfo"];

/// Programs that work with the rights of root's files only, which nothing in the Nix store has: nixpkgs' would stand
/// before the machine's and fail.
const SETUID: &[&str] = &["newuidmap"];

/// Outputs that stand for all others: what is compiled for a system, the packager, and a package of each program.
const LINUX: &str = "client-x86_64-unknown-linux-musl";
const WINDOWS: &str = "client-x86_64-pc-windows-gnu";
const MACOS: &str = "client-aarch64-apple-darwin";
const PACKAGER: &str = "packager";
const DEB: &str = "deb-amd64";
const MSI: &str = "msi";
/// Made of the MSI.
const KIT: &str = "gpo-kit";
/// Made of two programs.
const TARBALL: &str = "tarball-universal-macos";
const ALL: &str = "all";

/// The outputs that are watched.
const WATCHED: &[&str] = &[LINUX, WINDOWS, MACOS, PACKAGER, DEB, MSI, KIT, TARBALL, ALL];
/// Every package, but nothing that is compiled.
const PACKED: &[&str] = &[DEB, MSI, KIT, TARBALL, ALL];
/// What the packager's sources decide.
const BY_PACKAGER: &[&str] = &[PACKAGER, DEB, MSI, KIT, TARBALL, ALL];
/// What the client's sources decide.
const BY_CLIENT: &[&str] = &[LINUX, WINDOWS, MACOS, DEB, MSI, KIT, TARBALL, ALL];

const EDITS: &[Edit] = &[
    // Documents, tests, and programs that are in no artifact.
    Edit { file: "README.md", change: Comment, rebuilds: &[] },
    Edit { file: "docs/building.md", change: Comment, rebuilds: &[] },
    Edit { file: "xtask/src/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "xtask/src/build.rs", change: Comment, rebuilds: &[] },
    Edit { file: "tests/acceptance/src/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "tests/vm/steps.py", change: Comment, rebuilds: &[] },
    Edit { file: "crates/wats-test-server/src/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/artwork/src/lib.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/pywats-client/tests/service/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/windows-installer/tests/database.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/windows-installer-lint/src/lib.rs", change: Comment, rebuilds: &[] },
    // The rows: what they say counts, not how.
    Edit { file: "artifacts.toml", change: Comment, rebuilds: &[] },
    Edit { file: "targets.toml", change: Comment, rebuilds: &[] },
    Edit {
        file: "targets.toml",
        change: Replace("-Wl,-Brepro", "-Wl,-brepro"),
        rebuilds: &[WINDOWS, MSI, KIT, ALL],
    },
    Edit {
        file: "targets.toml",
        change: Replace("macos_version = \"11.0\"", "macos_version = \"12.0\""),
        rebuilds: &[MACOS, TARBALL, ALL],
    },
    Edit {
        file: "artifacts.toml",
        change: Replace("systems = [\"windows\"]", "systems = [\"macos\"]"),
        rebuilds: &[WINDOWS, MACOS, DEB, MSI, KIT, TARBALL, ALL],
    },
    Edit {
        file: "artifacts.toml",
        change: Replace("\"deb-arm64\"\nformat = \"deb\"", "\"deb-arm64\"\nformat = \"tar.gz\""),
        rebuilds: &[ALL],
    },
    // What packages are made of and by.
    Edit { file: "packaging/debian/postinst", change: Comment, rebuilds: PACKED },
    Edit { file: "LICENSE", change: Byte, rebuilds: PACKED },
    Edit { file: "crates/packager/src/lib.rs", change: Comment, rebuilds: BY_PACKAGER },
    Edit { file: "crates/windows-installer/src/lib.rs", change: Comment, rebuilds: BY_PACKAGER },
    // What programs are made of.
    Edit { file: "crates/pywats-client/src/main.rs", change: Comment, rebuilds: BY_CLIENT },
    Edit { file: "crates/pywats-client/build.rs", change: Comment, rebuilds: BY_CLIENT },
    Edit { file: "crates/wats/src/lib.rs", change: Comment, rebuilds: BY_CLIENT },
    Edit { file: "crates/wats-settings/src/lib.rs", change: Comment, rebuilds: BY_CLIENT },
    Edit { file: "crates/windows-resources/src/lib.rs", change: Comment, rebuilds: BY_CLIENT },
    Edit { file: "packaging/windows/pywats-client.manifest", change: Byte, rebuilds: BY_CLIENT },
    Edit { file: "packaging/windows/pywats-client.ico", change: Byte, rebuilds: BY_CLIENT },
    Edit {
        file: "crates/installer-actions/src/lib.rs",
        change: Comment,
        rebuilds: &[WINDOWS, MSI, KIT, ALL],
    },
    Edit {
        file: "crates/appimage-runtime/src/main.rs",
        change: Comment,
        rebuilds: &[LINUX, DEB, ALL],
    },
    // What all is made of.
    Edit { file: "crates/product-version/src/lib.rs", change: Comment, rebuilds: WATCHED },
    Edit { file: "Cargo.lock", change: Comment, rebuilds: WATCHED },
    Edit {
        file: "xtask/src/toolchain/requirements.txt",
        change: Replace("ziglang==", "ziglang==9"),
        rebuilds: BY_CLIENT,
    },
];

pub(super) fn run(bench: &mut Bench, workshop: &Workshop) -> Result<()> {
    bench.case("every output evaluates, for both kinds of machines", || everything_evaluates(workshop));
    bench.case("the packages are the rows of artifacts.toml and targets.toml, and a few more", || {
        packages_are_rows(workshop)
    });
    bench.case("an edit builds again what depends on it, and nothing else", || edits(workshop));
    bench.case("the development shell has every program of the tests", || shell_is_complete(workshop));
    bench.case("the cargo-dist of the development shell starts", || shell_has_cargo_dist(workshop));
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

/// Fails if: an artifact or a target that has a row has no package of that name, so that `cargo xtask dist NAME` and
/// `nix build .#NAME` part; or there is a package that nobody promised.
fn packages_are_rows(workshop: &Workshop) -> Result<()> {
    let artifacts = names_in("artifacts.toml", "artifact", "name")?;
    let clients = names_in("targets.toml", "target", "triple")?;
    let clients = clients.into_iter().map(|triple| format!("client-{triple}"));
    let further = FURTHER_PACKAGES.iter().map(|name| (*name).to_owned());
    let rows: BTreeSet<String> = artifacts.into_iter().chain(clients).chain(further).collect();
    for cpu in ["x86_64", "aarch64"] {
        let mut expected = rows.clone();
        expected.insert(format!("client-{cpu}-unknown-linux-gnu"));
        let names = workshop.eval(&format!("packages.{cpu}-linux"), "builtins.attrNames")?;
        let names: BTreeSet<String> =
            serde_json::from_value(names).context("Nix printed no list of names")?;
        let missing: Vec<_> = expected.difference(&names).collect();
        let unknown: Vec<_> = names.difference(&expected).collect();
        ensure!(missing.is_empty() && unknown.is_empty(), "{cpu}: missing {missing:?}, unknown {unknown:?}");
    }
    Ok(())
}

/// The names of the rows of a table.
fn names_in(file: &str, table: &str, name: &str) -> Result<Vec<String>> {
    let reading = || format!("reading {file}");
    let text = fs::read_to_string(workspace().join(file)).with_context(reading)?;
    let value: toml::Table = text.parse().with_context(reading)?;
    let rows = value.get(table).and_then(toml::Value::as_array).with_context(reading)?;
    let names = rows.iter().filter_map(|row| row.get(name)?.as_str().map(str::to_owned));
    Ok(names.collect())
}

/// Fails if: an edit of a document or a test builds an artifact again, or an edit of a source does not.
fn edits(workshop: &Workshop) -> Result<()> {
    let derivations = || {
        let list =
            WATCHED.iter().map(|name| format!("packages.{name}.drvPath")).collect::<Vec<_>>().join(" ");
        let value = workshop.eval(&format!("packages.{}", system()), &format!("packages: [ {list} ]"))?;
        serde_json::from_value::<Vec<String>>(value).context("no list of derivations")
    };
    edits::try_all(&workshop.flake, EDITS, WATCHED, derivations)
}

/// Fails if: `cargo xtask test` needs a program that the shell does not bring, although it could.
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
        .filter(|program| !programs.contains(program))
        .filter(|program| !NOT_IN_NIXPKGS.contains(program) && !SETUID.contains(program))
        // A file of a Debian package, not a program.
        .filter(|program| !program.starts_with('/'))
        // nixpkgs builds wine for x86_64 only.
        .filter(|program| system() == "x86_64-linux" || !program.starts_with("wine"))
        .collect();
    ensure!(missing.is_empty(), "the shell lacks {}", missing.join(", "));
    Ok(())
}

/// Fails if: it does not start, or is another than the one that `cargo xtask release` is to take.
fn shell_has_cargo_dist(workshop: &Workshop) -> Result<()> {
    let output = format!("devShells.{}.default.cargoDist", system());
    let built = workshop.build(&[workshop.output(&output)])?;
    let program = built.first().context("nothing was built")?.join("bin/dist");
    let configuration: toml::Table =
        fs::read_to_string(workspace().join("dist-workspace.toml"))?.parse()?;
    let wanted = configuration["dist"]["cargo-dist-version"].as_str().unwrap_or_default();
    let said = tool(program, 30).arg("--version").read()?;
    ensure!(said == format!("cargo-dist {wanted}\n"), "it says {said}, not {wanted}");
    Ok(())
}
