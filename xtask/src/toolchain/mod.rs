//! Everything a cross build needs besides rustc and cargo, brought without root.
//!
//! zig is the C compiler, the linker and the C library of every target; the Rust standard library of a
//! target comes from rustup or is built from its source. `docs/building.md` tells it to users.

pub(crate) mod cargo_dist;
pub(crate) mod crates;
pub(crate) mod debian;
pub(crate) mod nix;
pub(crate) mod qemu;
pub(crate) mod rust;
pub(crate) mod std;
pub(crate) mod wheels;
pub(crate) mod zig;

use crate::build::BuildTarget;
use crate::cache::Cache;
use crate::progress::Progress;
use ::std::fs;
use ::std::io::ErrorKind;
use ::std::os::unix::fs::symlink;
use ::std::path::{Path, PathBuf};
use anyhow::{Context, Result};
use rust::Rust;

/// A toolchain that is ready to build for the targets it was prepared for.
pub(crate) struct Toolchain {
    /// The Rust compiler.
    pub(crate) rust: Rust,
    /// Where zig and cargo-zigbuild are.
    pub(crate) zig: zig::Zig,
    /// Private sysroots, for the targets whose standard library the compiler does not have itself.
    pub(crate) sysroots: Vec<(&'static str, PathBuf)>,
    /// zig's own cache of C libraries.
    pub(crate) zig_cache: PathBuf,
    // No other process changes the cache while this one builds with it.
    _cache: Cache,
}

impl Toolchain {
    /// Brings what is missing.
    ///
    /// # Errors
    /// If something cannot be had; the error says what to install.
    pub(crate) fn prepare(targets: &[&'static BuildTarget], progress: &Progress) -> Result<Toolchain> {
        let cache = Cache::open()?;
        let rust = Rust::find()?;
        let zig = zig::prepare(&cache, progress)?;
        let sysroots = std::prepare(&rust, &zig, targets, &cache, progress)?;
        let zig_cache = cache.scratch(&format!("zig-cache-{}", zig::VERSION));
        Ok(Toolchain { rust, zig, sysroots, zig_cache, _cache: cache })
    }

    /// A sysroot, made in `folder`, with the standard libraries of these targets; none if the compiler's own
    /// has them all. A run of cargo that builds for several targets can be given only one.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn sysroot_for(&self, triples: &[&str], folder: &Path) -> Result<Option<PathBuf>> {
        let private = |triple: &str| self.sysroots.iter().find(|(other, _)| *other == triple);
        if triples.iter().all(|triple| private(triple).is_none()) {
            return Ok(None);
        }
        let doing = || format!("making the sysroot {}", folder.display());
        let rustlib = Path::new("lib/rustlib");
        fs::create_dir_all(folder.join(rustlib)).with_context(doing)?;
        for triple in triples {
            let origin = private(triple).map_or(&self.rust.sysroot, |(_, sysroot)| sysroot);
            let link = folder.join(rustlib).join(triple);
            match fs::remove_file(&link) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).with_context(doing),
                _ => symlink(origin.join(rustlib).join(triple), &link).with_context(doing)?,
            }
        }
        Ok(Some(folder.to_owned()))
    }
}
