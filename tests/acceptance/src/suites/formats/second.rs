//! A second product, of which the packager knows nothing: packed by its manifest alone, by a packager that was built
//! where there is neither this product's packaging nor its client, and judged by the same programs.

use super::{archive, deb, rpm};
use crate::bench::Bench;
use crate::command::tool;
use crate::products::{copy_sources, workspace};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "hello-station";
/// What must not be in anything of it.
const FOREIGN: &[&str] = &["pywats", "virinco", "wats"];

const MANIFEST: &str = r#"
name = "hello-station"
display_name = "Hello Station"
vendor = "Example"
maintainer = "Example <mail@example.org>"
homepage = "https://example.org"
license = "MIT"
summary = "Program that says nothing"
description = "It is packed to see whether anything can be packed."
changelog = "CHANGELOG.md"

[deb]
section = "misc"

[rpm]

[wheel]
name = "hello-station"
description = "README.md"
requires_python = ">=3.9"
macos_version = "11.0"

[[payload]]
formats = ["deb", "rpm"]
path = "usr/bin/hello-station"
kind = "program"

[[payload]]
formats = ["tar.gz", "zip", "exe", "wheel"]
path = "hello-station{exe}"
kind = "program"

[[payload]]
formats = ["deb", "rpm"]
path = "usr/share/man/man1/hello-station.1"
kind = "manual"
source = "hello-station.1"

[[payload]]
formats = ["deb"]
path = "usr/share/doc/hello-station/copyright"
kind = "license"
source = "copyright"

[[payload]]
formats = ["deb"]
path = "usr/share/lintian/overrides/hello-station"
kind = "file"
source = "overrides"

[[payload]]
formats = ["rpm"]
path = "usr/share/licenses/hello-station"
kind = "directory"

[[payload]]
formats = ["rpm", "tar.gz", "zip"]
path = "usr/share/licenses/hello-station/LICENSE"
kind = "license"
source = "copyright"
"#;

const TABLE: &str = r#"
[[artifact]]
name = "deb"
format = "deb"
targets = ["x86_64-unknown-linux-musl"]
[[artifact]]
name = "rpm"
format = "rpm"
targets = ["x86_64-unknown-linux-musl"]
[[artifact]]
name = "tarball"
format = "tar.gz"
targets = ["x86_64-unknown-linux-musl"]
[[artifact]]
name = "zip"
format = "zip"
targets = ["x86_64-pc-windows-gnu"]
[[artifact]]
name = "exe"
format = "exe"
targets = ["x86_64-pc-windows-gnu"]
[[artifact]]
name = "wheel"
format = "wheel"
targets = ["x86_64-unknown-linux-musl"]
"#;

/// The artifacts of the table, with what their programs are compiled for.
const ARTIFACTS: &[(&str, &str)] = &[
    ("deb", "x86_64-unknown-linux-musl"),
    ("rpm", "x86_64-unknown-linux-musl"),
    ("tarball", "x86_64-unknown-linux-musl"),
    ("zip", "x86_64-pc-windows-gnu"),
    ("exe", "x86_64-pc-windows-gnu"),
    ("wheel", "x86_64-unknown-linux-musl"),
];

const MANUAL: &str = ".TH HELLO-STATION 1\n.SH NAME\nhello-station \\- says nothing\n.SH SYNOPSIS\n.B hello-station\n\
                      .SH DESCRIPTION\nIt says nothing, and says so by ending well.\n";
const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
                         Upstream-Name: hello-station\nSource: https://example.org\n\nFiles: *\n\
                         Copyright: 2026 Example\nLicense: public-domain\n Do with it what you like.\n";

/// What is as it should be in it: it is static, and rpmlint 2.4 misses the manual of every program.
const RPMLINT: &str = "CompressExtension = \"gz\"\nValidLicenses = [\"MIT\"]\nFilters = [\"statically-linked-binary\", \"no-signature\", \
                       \"no-manual-page-for-binary\", \"no-group-tag\"]\n";

/// Packs it into every format it has a section for, and judges what comes out.
pub(super) fn judge(bench: &mut Bench) -> Result<()> {
    let folder = bench.folder("second product")?;
    let out = folder.join("out");
    let packed = bench.case("a second product packs without this one's packaging and client", || {
        write_product(&folder)?;
        let packager = build_packager(&folder)?;
        for (name, target) in ARTIFACTS {
            tool(&packager, 120)
                .args([
                    "pack",
                    name,
                    "--artifacts",
                    "artifacts.toml",
                    "--manifest",
                    "product.toml",
                    "--program",
                ])
                .arg(format!("{target}=programs"))
                .arg("--out")
                .arg(&out)
                .current_dir(&folder)
                .env_remove("SOURCE_DATE_EPOCH")
                .run()?;
        }
        Ok(())
    });
    if !packed {
        bench.not_run("what a second product is packed into", "it was not packed");
        return Ok(());
    }
    if !out.is_dir() {
        // Left out by name.
        return Ok(());
    }
    let find = |ending: &str| -> Result<PathBuf> {
        let mut files = fs::read_dir(&out)?.filter_map(|entry| Some(entry.ok()?.path()));
        let found = files.find(|path| path.to_string_lossy().ends_with(ending));
        found.with_context(|| format!("there is no {ending} of the second product"))
    };
    deb::judge(bench, &find(".deb")?)?;
    rpm::judge(bench, &find(".rpm")?, &folder.join("rpmlint.toml"))?;
    archive::judge_tar(bench, &find(".tar.gz")?)?;
    archive::judge_zip(bench, &find(".zip")?)?;
    bench.case("nothing of this product is in a second one", || {
        for ending in [".deb", ".rpm", ".tar.gz", ".zip", ".exe", ".whl"] {
            nothing_foreign(&find(ending)?, &folder)?;
        }
        Ok(())
    });
    bench.case("a format that the second product has no section for is refused", || {
        let table = TABLE.replace("format = \"zip\"", "format = \"msi\"");
        fs::write(folder.join("with-msi.toml"), table)?;
        let output = tool(folder.join("built/debug/packager"), 60)
            .args(["pack", "zip", "--artifacts", "with-msi.toml", "--manifest", "product.toml"])
            .args(["--program", "x86_64-pc-windows-gnu=programs", "--out", "refused"])
            .current_dir(&folder)
            .output()?;
        let said = crate::command::said(&output);
        ensure!(!output.status.success() && said.contains("no section [msi]"), "{said}");
        ensure!(!folder.join("refused").join("artifacts.json").exists(), "something was written");
        Ok(())
    });
    Ok(())
}

fn write_product(folder: &Path) -> Result<()> {
    let overrides = "hello-station: shared-library-lacks-prerequisites [usr/bin/hello-station]\n";
    for (name, text) in [
        ("product.toml", MANIFEST),
        ("artifacts.toml", TABLE),
        ("CHANGELOG.md", "## [2.0.0] - 2026-01-02\n- It is there.\n"),
        ("hello-station.1", MANUAL),
        ("copyright", COPYRIGHT),
        ("README.md", "# Hello Station\n"),
        ("overrides", overrides),
        ("rpmlint.toml", RPMLINT),
        ("program.c", "int main(void) { return 0; }\n"),
        (
            "program-windows.c",
            "void __stdcall ExitProcess(unsigned);\nvoid start(void) { ExitProcess(0); }\n",
        ),
    ] {
        fs::write(folder.join(name), text)?;
    }
    let programs = folder.join("programs");
    fs::create_dir(&programs)?;
    let linux = ["-static-pie", "-s", "-Os", "program.c", "-o", "programs/hello-station"];
    tool("cc", 60).args(linux).current_dir(folder).run()?;
    // Without a C library, so that it needs nothing that not every Windows has.
    tool("x86_64-w64-mingw32-gcc", 60)
        .args(["-nostdlib", "-s", "-Wl,--entry=start", "program-windows.c", "-lkernel32", "-o"])
        .arg("programs/hello-station.exe")
        .current_dir(folder)
        .run()
}

/// Builds the packager in a copy of the sources that has nothing of this product.
fn build_packager(folder: &Path) -> Result<PathBuf> {
    let copy = folder.join("sources");
    copy_sources(workspace(), &copy)?;
    // The acceptance bench and the fuzz targets try the client.
    for gone in ["packaging", "crates/pywats-client", "crates/fuzz", "tests/acceptance", "artifacts.toml"] {
        let path = copy.join(gone);
        if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) }
            .with_context(|| format!("removing {}", path.display()))?;
    }
    // What `cargo build` means without a package, which is gone.
    let manifest = copy.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    let kept = text.lines().filter(|line| !line.starts_with("default-members"));
    let kept = kept.map(|line| format!("{}\n", line.replace("\"tests/acceptance\", ", "")));
    fs::write(&manifest, kept.collect::<String>())?;
    let built = folder.join("built");
    tool("cargo", 900)
        .args(["build", "--quiet", "--offline", "--package", "packager"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", &built)
        // What others wrote was compiled for this workspace already.
        .env("CARGO_BUILD_BUILD_DIR", workspace().join("target"))
        .run()?;
    Ok(built.join("debug/packager"))
}

/// Unpacks an artifact as far as that goes, and searches all of it for words of this product.
fn nothing_foreign(artifact: &Path, folder: &Path) -> Result<()> {
    let name = artifact.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let tree = folder.join(format!("{name}-unpacked"));
    fs::create_dir(&tree)?;
    if name.ends_with(".exe") {
        fs::copy(artifact, tree.join(&name))?;
    } else {
        tool("bsdtar", 60).arg("-xf").arg(artifact).arg("-C").arg(&tree).run()?;
    }
    if name.ends_with(".deb") {
        for part in ["control.tar.xz", "data.tar.xz"] {
            tool("bsdtar", 60).arg("-xf").arg(tree.join(part)).arg("-C").arg(&tree).run()?;
        }
    }
    if name.ends_with(".rpm") {
        fs::write(tree.join("tags"), tool("rpm", 60).args(["-qp", "--xml"]).arg(artifact).read()?)?;
    }
    let mut files = Vec::new();
    packager::digest::collect_files(&tree, &mut files)?;
    ensure!(files.iter().any(|file| file.to_string_lossy().contains(NAME)), "{name} has no program");
    for file in files {
        let bytes = fs::read(&file).unwrap_or_default().to_ascii_lowercase();
        for word in FOREIGN {
            let path = file.strip_prefix(&tree).unwrap_or(&file).to_string_lossy().to_ascii_lowercase();
            let is_inside = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            ensure!(!is_inside && !path.contains(word), "{name}: {} says {word:?}", file.display());
        }
    }
    Ok(())
}
