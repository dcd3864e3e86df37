//! Which artifacts an edit of the sources makes again: `cargo xtask dist --list --json` says from what each is made.

use super::xtask;
use crate::command::tool;
use crate::edits::{
    self,
    Change::{Byte, Comment, Replace},
    Edit,
};
use crate::products::{copy_sources, workspace};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;

/// Artifacts that stand for all others.
const DEB: &str = "deb-amd64";
const DEB_ARM: &str = "deb-arm64";
const RPM: &str = "rpm-x86_64";
const MSI: &str = "msi";
const ZIP: &str = "zip";
const EXE: &str = "exe";
const TARBALL: &str = "tarball-x86_64-linux";
const APPIMAGE: &str = "appimage-x86_64";
const MACOS: &str = "tarball-aarch64-macos";
/// Made of two programs.
const UNIVERSAL: &str = "tarball-universal-macos";
const WHEEL: &str = "wheel-x86_64-linux";
/// Made of the MSI.
const KIT: &str = "gpo-kit";
/// Made of two programs, and what is made of that.
const APP: &str = "app";
const PKG: &str = "pkg";
const DMG: &str = "dmg";

const WATCHED: &[&str] = &[DEB, DEB_ARM, RPM, MSI, ZIP, EXE, TARBALL, APPIMAGE, MACOS, UNIVERSAL, WHEEL, KIT, APP, PKG, DMG];
const LINUX: &[&str] = &[DEB, DEB_ARM, RPM, TARBALL, APPIMAGE, WHEEL];
const WINDOWS: &[&str] = &[MSI, ZIP, EXE, KIT];

const EDITS: &[Edit] = &[
    // Documents, tests, and programs that are in no artifact.
    Edit { file: "README.md", change: Comment, rebuilds: &[] },
    Edit { file: "docs/building.md", change: Comment, rebuilds: &[] },
    Edit { file: "flake.nix", change: Comment, rebuilds: &[] },
    Edit { file: "xtask/src/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "xtask/src/build.rs", change: Comment, rebuilds: &[] },
    Edit { file: "xtask/Cargo.toml", change: Comment, rebuilds: &[] },
    Edit { file: "tests/acceptance/src/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/artwork/src/lib.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/wats-test-server/src/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/windows-installer-lint/src/lib.rs", change: Comment, rebuilds: &[] },
    Edit {
        file: "crates/windows-installer-lint/src/sequences.rs",
        change: Replace("InstallInitialize", "Initialize"),
        rebuilds: &[],
    },
    Edit { file: "crates/pywats-client/tests/service/main.rs", change: Comment, rebuilds: &[] },
    Edit { file: "crates/packager/tests/msi.rs", change: Comment, rebuilds: &[] },
    Edit {
        file: "crates/packager/Cargo.toml",
        change: Replace("[dev-dependencies]\n", "[dev-dependencies]\ntoml.workspace = true\n"),
        rebuilds: &[],
    },
    // The rows: what they say counts, not how, and for nobody else.
    Edit { file: "artifacts.toml", change: Comment, rebuilds: &[] },
    Edit { file: "targets.toml", change: Comment, rebuilds: &[] },
    Edit {
        file: "artifacts.toml",
        change: Replace("\"rpm-x86_64\"\nformat", "\"rpm-x86_64\"\nof = [\"deb-amd64\"]\nformat"),
        rebuilds: &[RPM],
    },
    Edit { file: "targets.toml", change: Replace("-Wl,-Brepro", "-Wl,-brepro"), rebuilds: WINDOWS },
    Edit {
        file: "targets.toml",
        change: Replace("macos_version = \"11.0\"", "macos_version = \"12.0\""),
        rebuilds: &[MACOS, UNIVERSAL, APP, PKG, DMG],
    },
    Edit {
        file: "targets.toml",
        change: Replace(
            "\"x86_64-apple-darwin\"\nrustflags = [",
            "\"x86_64-apple-darwin\"\nrustflags = [\"-Clink-dead-code\", ",
        ),
        rebuilds: &[UNIVERSAL, APP, PKG, DMG],
    },
    // What packages are made of and by.
    Edit { file: "packaging/debian/postinst", change: Comment, rebuilds: &[DEB, DEB_ARM] },
    Edit { file: "packaging/rpm/post", change: Comment, rebuilds: &[RPM] },
    Edit {
        file: "packaging/systemd/pywats-client.service",
        change: Comment,
        rebuilds: LINUX,
    },
    Edit { file: "packaging/archive/INSTALL-macos.txt", change: Byte, rebuilds: &[MACOS, UNIVERSAL] },
    Edit { file: "packaging/linux/pywats-client.png", change: Byte, rebuilds: &[APPIMAGE] },
    Edit { file: "packaging/python/README.md", change: Byte, rebuilds: &[WHEEL] },
    Edit { file: "packaging/python/pywats_client_native/__init__.py", change: Byte, rebuilds: &[WHEEL] },
    Edit { file: "packaging/macos/Info.plist", change: Byte, rebuilds: &[APP, PKG, DMG] },
    Edit { file: "packaging/macos/pywats-client.icns", change: Byte, rebuilds: &[APP, PKG, DMG] },
    Edit { file: "packaging/macos/stop", change: Comment, rebuilds: &[APP, PKG, DMG] },
    Edit { file: "packaging/macos/postinstall", change: Comment, rebuilds: &[PKG, DMG] },
    Edit { file: "packaging/macos/welcome.txt", change: Byte, rebuilds: &[PKG, DMG] },
    Edit { file: "packaging/macos/disk-image.tiff", change: Byte, rebuilds: &[DMG] },
    Edit { file: "packaging/macos/uninstall-as-root", change: Comment, rebuilds: &[DMG] },
    Edit { file: "packaging/windows/banner.bmp", change: Byte, rebuilds: &[MSI, KIT] },
    Edit { file: "packaging/windows/gpo-checklist.txt", change: Byte, rebuilds: &[KIT] },
    Edit { file: "packaging/product.toml", change: Comment, rebuilds: WATCHED },
    // Its top entry is the version and the time of everything. Packages that do not have its text are made again, too.
    Edit { file: "CHANGELOG.md", change: Replace("] - 2026-", "] - 2027-"), rebuilds: WATCHED },
    Edit { file: "CHANGELOG.md", change: Byte, rebuilds: &[ZIP, TARBALL, MACOS, UNIVERSAL] },
    Edit { file: "crates/packager/src/lib.rs", change: Comment, rebuilds: WATCHED },
    Edit { file: "crates/windows-installer/src/lib.rs", change: Comment, rebuilds: WATCHED },
    Edit { file: "crates/squashfs/src/lib.rs", change: Comment, rebuilds: WATCHED },
    Edit { file: "crates/apple-archives/src/lib.rs", change: Comment, rebuilds: WATCHED },
    // What programs are made of.
    Edit { file: "packaging/windows/pywats-client.ico", change: Byte, rebuilds: WINDOWS },
    Edit { file: "packaging/windows/pywats-client.manifest", change: Byte, rebuilds: WINDOWS },
    Edit { file: "crates/installer-actions/src/lib.rs", change: Comment, rebuilds: WINDOWS },
    Edit { file: "crates/appimage-runtime/src/main.rs", change: Comment, rebuilds: LINUX },
    Edit { file: "crates/pywats-client/src/main.rs", change: Comment, rebuilds: WATCHED },
    Edit { file: "crates/pywats-client/build.rs", change: Comment, rebuilds: WATCHED },
    Edit { file: "crates/wats/src/lib.rs", change: Comment, rebuilds: WATCHED },
    Edit { file: "crates/product-version/src/lib.rs", change: Comment, rebuilds: WATCHED },
];

/// Fails if: an edit of a document, a test or the validator makes an artifact again, an edit makes one again that it
/// cannot change, or one that it changes is left as it was.
pub(super) fn edits(folder: &Path) -> Result<()> {
    let checkout = folder.join("checkout");
    copy_sources(workspace(), &checkout)?;
    let state = || {
        let text = tool(xtask(), 60)
            .args(["dist", "--list", "--json"])
            .args(WATCHED)
            .current_dir(&checkout)
            .read()?;
        let list: Vec<Value> = serde_json::from_str(&text).context("the list is not JSON")?;
        let inputs = |name: &&str| {
            let row = list.iter().find(|row| row["artifact"] == *name);
            row.and_then(|row| row["inputs"].as_str()).map(str::to_owned)
        };
        Ok(WATCHED.iter().filter_map(inputs).collect())
    };
    edits::try_all(&checkout, EDITS, WATCHED, state)
}
