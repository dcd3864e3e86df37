//! Gives the program for Windows its icon, version and manifest. Programs for other systems have no such
//! things.

use product_version::Version;
use std::path::PathBuf;
use windows_resources::Resources;

/// The name that people see. Tests hold these texts to the product manifest and to the licence.
const DISPLAY_NAME: &str = "pyWATS Client";
const VENDOR: &str = env!("CARGO_PKG_AUTHORS");
const COPYRIGHT: &str = "Copyright (c) 2026 Virinco AS";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS")? != "windows" {
        return Ok(());
    }
    let (icon, manifest) = (outside("pywats-client.ico")?, outside("pywats-client.manifest")?);
    let version: Version = env!("CARGO_PKG_VERSION").parse()?;
    let numbers = version.windows_file();
    let resources = Resources {
        icon: &icon,
        manifest: std::str::from_utf8(&manifest)?,
        version: windows_resources::Version {
            file: numbers,
            pre_release: version.is_pre_release(),
            texts: &[
                ("CompanyName", VENDOR),
                ("FileDescription", DISPLAY_NAME),
                ("FileVersion", &numbers.map(|number| number.to_string()).join(".")),
                ("InternalName", env!("CARGO_PKG_NAME")),
                ("LegalCopyright", COPYRIGHT),
                ("OriginalFilename", concat!(env!("CARGO_PKG_NAME"), ".exe")),
                ("ProductName", DISPLAY_NAME),
                ("ProductVersion", &version.to_string()),
            ],
        },
    };
    let object = resources.object(&std::env::var("CARGO_CFG_TARGET_ARCH")?)?;
    let path = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?).join("resources.o");
    std::fs::write(&path, object)?;
    println!("cargo::rustc-link-arg-bins={}", path.display());
    Ok(())
}

/// Reads a file of `packaging/windows`. It is not compiled into this program: then it would count for every system.
fn outside(name: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let package =
        PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?);
    let workspace = package.ancestors().nth(2).ok_or("the package is not in a workspace")?;
    let path = workspace.join("packaging/windows").join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    Ok(std::fs::read(&path).map_err(|error| format!("reading {}: {error}", path.display()))?)
}
