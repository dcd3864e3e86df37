//! A small product to pack: a folder with a manifest and everything that it names.

#![allow(dead_code, reason = "not every test needs everything")]

pub(crate) mod programs;

use anyhow::Result;
use packager::{Arch, Compiled, Origin, Os, Part, Programs, Recipe, Rows, Target};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The part of the manifest that comes before the payload.
pub(crate) const MANIFEST: &str = r#"
name = "sample"
display_name = "Sample"
vendor = "Example"
maintainer = "Example <mail@example.org>"
homepage = "https://example.org"
license = "MIT"
summary = "Program that stands for another"
description = """
Words that go on until the line is longer than eighty columns, so that every format has to break it.

A second paragraph."""
changelog = "CHANGELOG.md"

[service]
name = "sample"
description = "Stands for another"
windows_arguments = []

[deb]
section = "misc"
relations = { Depends = "libc6 (>= 2.31), base-files" }
scripts = { postinst = "script" }

[rpm]
script_requires = ["systemd"]
scripts = { post = "script" }

[msi]
upgrade_code = "00000000-0000-4000-8000-000000000000"
registry_key = "SOFTWARE/Sample"
install_folder = "Sample"
data_folder = "Sample"
data_subfolders = ["in"]
license = "LICENSE"
banner_bitmap = "banner.bmp"
dialog_bitmap = "dialog.bmp"
icon = "sample.ico"
purge_warning = "Everything is lost"
next_steps = "Begin"
drop_folder = "in"
status_page = "http://127.0.0.1:8080/"
configuration = { file = "config.json", settings = [] }

[wheel]
name = "the-sample"
description = "README"
requires_python = ">=3.9"
macos_version = "11.0"

[image]
repository = "registry.example.org/example/sample"
source = "https://example.org/source"
documentation = "https://example.org/documentation"
account = "sample"
id = 65532
arguments = ["run"]
environment = { SAMPLE_B = "2", SAMPLE_A = "1" }
ports = [8080]
volume = "/var/lib/sample"
health = { arguments = ["health"], interval_seconds = 30, timeout_seconds = 5, start_seconds = 10, retries = 3 }

[macos.app]
info = "Info.plist"
icon = "sample.icns"

[macos.package]
welcome = "welcome.html"
license = "LICENSE"
conclusion = "conclusion.txt"
scripts = { preinstall = "script", postinstall = ["script", "script"] }
"#;

/// Rows of the payload, each for itself, so that tests can change, add and reorder them.
pub(crate) const ROWS: &[&str] = &[
    r#"formats = ["deb", "rpm", "appimage", "docker-archive"]
path = "usr/bin/sample"
kind = "program""#,
    r#"formats = ["appimage"]
path = "appimage-runtime"
kind = "runtime""#,
    r#"formats = ["appimage"]
path = "AppRun"
kind = "link"
target = "usr/bin/sample""#,
    r#"formats = ["appimage"]
path = ".DirIcon"
kind = "file"
source = "sample.ico""#,
    r#"formats = ["tar.gz", "zip", "exe", "msi"]
path = "sample{exe}"
kind = "program""#,
    r#"formats = ["app"]
path = "Contents/MacOS/sample"
kind = "program""#,
    r#"formats = ["pkg"]
path = "Applications"
kind = "directory"
mode = "0775"
owner = "root:admin""#,
    r#"formats = ["pkg"]
path = "Library/sample/scripts"
kind = "file"
source = ["script", "script"]
owner = "root:wheel""#,
    r#"formats = ["deb", "rpm"]
path = "usr/share/man/man1/*.1"
kind = "manual"
source = "man/*.1""#,
    r#"formats = ["wheel"]
path = "the-sample{exe}"
kind = "program""#,
    r#"formats = ["wheel"]
path = "the_sample/a,b.py"
kind = "file"
source = "script""#,
    r#"formats = ["tar.gz", "zip", "wheel"]
path = "LICENSE.txt"
kind = "license"
source = "LICENSE""#,
    r#"formats = ["deb", "rpm", "tar.gz"]
systems = ["linux"]
path = "usr/lib/sample/link"
kind = "link"
target = "../../bin/sample""#,
    r#"formats = ["rpm", "docker-archive"]
path = "var/lib/sample"
kind = "directory"
mode = "0750"
owner = "sample:sample""#,
    r#"formats = ["docker-archive"]
path = "etc/ssl/certs/ca-certificates.crt"
kind = "authorities""#,
    r#"formats = ["deb", "rpm", "tar.gz", "zip"]
path = "etc/a-folder-with-a-long-name/another-folder-with-a-long-name/and-a-third-one-with-a-name-as-long/file-æøå"
kind = "file"
source = "script"
mode = "0640""#,
];

/// The table of its artifacts.
pub(crate) const TABLE: &str = r#"
[[artifact]]
name = "deb"
format = "deb"
targets = ["x86_64-unknown-linux-musl"]
[[artifact]]
name = "deb-arm64"
format = "deb"
targets = ["aarch64-unknown-linux-musl"]
[[artifact]]
name = "rpm"
format = "rpm"
targets = ["x86_64-unknown-linux-musl"]
[[artifact]]
name = "tar"
format = "tar.gz"
targets = ["x86_64-unknown-linux-musl"]
[[artifact]]
name = "msi"
format = "msi"
targets = ["x86_64-pc-windows-gnu"]
[[artifact]]
name = "image-amd64"
format = "docker-archive"
targets = ["x86_64-unknown-linux-musl"]
[[artifact]]
name = "image-arm64"
format = "docker-archive"
targets = ["aarch64-unknown-linux-musl"]
[[artifact]]
name = "image"
format = "oci"
of = ["image-amd64", "image-arm64"]
"#;

/// 2026-01-02, the day of the changelog's top entry.
pub(crate) const EPOCH: u32 = 1_767_312_000;

/// Its program for Linux.
pub(crate) const PROGRAM: &str = "program/sample";

/// The folder of a sample product, removed at the end.
pub(crate) struct Sample {
    pub(crate) folder: TempDir,
}

impl Sample {
    /// A product with the given manifest and payload rows.
    pub(crate) fn new(manifest: &str, rows: &[&str]) -> Sample {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sample = Sample { folder };
        let rows: String = rows.iter().map(|row| format!("\n[[payload]]\n{row}\n")).collect();
        for (name, text) in [
            ("product.toml", format!("{manifest}{rows}").as_str()),
            (
                "CHANGELOG.md",
                "## [0.2.0-rc.1] - 2026-01-02\n- Second.\n\n## [0.1.0] - 2025-12-31\n- First.\n",
            ),
            ("LICENSE", "Do as you like.\n"),
            ("README", "# What it is\n"),
            ("script", "#!/bin/sh\nexit 0\n"),
            ("man/sample.1", ".TH SAMPLE 1\n"),
            ("man/sample-run.1", ".TH SAMPLE-RUN 1\n"),
            ("man/README", "no manual page\n"),
            ("banner.bmp", "a picture\n"),
            ("dialog.bmp", "another picture\n"),
            ("sample.ico", "an icon\n"),
            ("sample.icns", "another icon\n"),
            ("Info.plist", "<plist version=\"1.0\"><dict><key>LSUIElement</key><true/></dict></plist>\n"),
            ("welcome.html", "<p>Welcome.</p>\n"),
            ("conclusion.txt", "It is done.\n"),
            ("artifacts.toml", TABLE),
        ] {
            let path = sample.path(name);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let x64_libraries = ["KERNEL32.dll", "api-ms-win-crt-heap-l1-1-0.dll"];
        for (name, bytes) in [
            (PROGRAM, programs::elf(0x3e)),
            ("program/appimage-runtime", programs::elf(0x3e)),
            ("arm64/appimage-runtime", programs::elf(0xb7)),
            ("program/sample.exe", programs::pe(0x8664, &x64_libraries)),
            ("program/actions.dll", programs::pe(0x8664, &[])),
            ("arm64/sample", programs::elf(0xb7)),
            ("arm64/sample.exe", programs::pe(0xaa64, &[])),
            ("x86_64-macos/sample", programs::macho(0x0100_0007, false)),
            ("aarch64-macos/sample", programs::macho(0x0100_000c, true)),
        ] {
            let path = sample.path(name);
            fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        sample
    }

    /// A path below the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where its programs for a target are.
    fn compiled(&self, triple: String) -> Compiled {
        let target: Target = triple.parse().expect("a target");
        let folder = match (target.os, target.arch) {
            (Os::MacOs, Arch::X86_64) => "x86_64-macos",
            (Os::MacOs, Arch::Aarch64) => "aarch64-macos",
            (_, Arch::X86_64) => "program",
            (_, Arch::Aarch64) => "arm64",
        };
        Compiled { triple, folder: self.path(folder) }
    }

    /// Packs the product into its folder `out` and returns where the package is. There may be several targets, with
    /// commas between them.
    pub(crate) fn pack(&self, format: &str, targets: &str, epoch: u32) -> Result<PathBuf> {
        let targets: Vec<String> = targets.split(',').map(str::to_owned).collect();
        let row = format!("[[artifact]]\nname = \"it\"\nformat = {format:?}\ntargets = {targets:?}\n");
        let mut recipe = Recipe::load(&self.path("product.toml"), &self.path("artifacts.toml"))?;
        (recipe.epoch, recipe.rows) = (epoch, Rows::parse(&row)?);
        let compiled = targets.into_iter().map(|triple| self.compiled(triple)).collect();
        let programs = Programs::new(&recipe.product, compiled)?;
        let origin = Origin { inputs: "", toolchain: "" };
        let (path, _) =
            recipe.make(recipe.rows.row("it")?, &programs, Vec::new(), origin, &self.path("out"))?;
        Ok(path)
    }

    /// Makes the image of its table, of these archives of `docker save` in place of its own.
    pub(crate) fn image_of(&self, parts: Vec<Part>) -> Result<PathBuf> {
        let recipe = Recipe::load(&self.path("product.toml"), &self.path("artifacts.toml"))?;
        let row = recipe.rows.row("image")?;
        let programs = recipe.take(row, Vec::new())?;
        let origin = Origin { inputs: "", toolchain: "" };
        let (path, _) = recipe.make(row, &programs, parts, origin, &self.path("out"))?;
        Ok(path)
    }
}
