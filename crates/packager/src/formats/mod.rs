//! The formats, a module each, and below them what several formats share.

pub mod app;
pub mod appimage;
pub mod deb;
pub mod dmg;
pub mod docker_archive;
pub mod exe;
pub mod gpo_kit;
pub mod msi;
pub mod oci;
pub mod pkg;
pub mod rpm;
pub mod tar_gz;
pub mod wheel;
pub mod zip;

mod compress;
mod image;
mod tar;
mod text;

use crate::Format;
use anyhow::{Result, bail};

/// Every format, in the order in which they are listed to people.
pub const ALL: &[&dyn Format] = &[
    &deb::Deb,
    &rpm::Rpm,
    &appimage::AppImage,
    &msi::Msi,
    &pkg::Pkg,
    &dmg::Dmg,
    &tar_gz::TarGz,
    &zip::Zip,
    &app::App,
    &exe::Exe,
    &wheel::Wheel,
    &gpo_kit::GpoKit,
    &docker_archive::DockerArchive,
    &oci::Oci,
];

/// The format of that name.
///
/// # Errors
/// If there is none; the error lists those there are.
pub fn by_name(name: &str) -> Result<&'static dyn Format> {
    match ALL.iter().find(|format| format.name() == name) {
        Some(format) => Ok(*format),
        None => {
            let names: Vec<_> = ALL.iter().map(|format| format.name()).collect();
            bail!("unknown format {name:?}: use {}", names.join(", "))
        }
    }
}
