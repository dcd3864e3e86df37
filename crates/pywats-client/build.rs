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
    // Nothing but this program itself, which has the files below in it, decides what comes out.
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS")? != "windows" {
        return Ok(());
    }
    let version: Version = env!("CARGO_PKG_VERSION").parse()?;
    let numbers = version.windows_file();
    let resources = Resources {
        icon: include_bytes!("../../packaging/windows/pywats-client.ico"),
        manifest: include_str!("../../packaging/windows/pywats-client.manifest"),
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
