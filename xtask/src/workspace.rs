//! Where things are.

use std::path::{Path, PathBuf};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    // The checkout this program was compiled in: `cargo xtask` works from every folder below it.
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The product manifest.
pub(crate) fn product_manifest() -> PathBuf {
    root().join("packaging/product.toml")
}

/// Where finished artifacts go unless the command line says otherwise.
pub(crate) fn dist() -> PathBuf {
    root().join("dist")
}

/// Where intermediate results go: `target/NAME`.
pub(crate) fn target(name: &str) -> PathBuf {
    root().join("target").join(name)
}
