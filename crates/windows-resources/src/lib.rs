//! Resources of a Windows program: its icon, its version and its manifest, as an object file that is linked
//! into the program like any other. It takes no resource compiler, so that every linker gives the program
//! the same resources.
//!
//! What is specified where:
//! the tree of resources and objects in [PE Format](https://learn.microsoft.com/en-us/windows/win32/debug/pe-format#the-rsrc-section),
//! versions in [`VS_VERSIONINFO`](https://learn.microsoft.com/en-us/windows/win32/menurc/vs-versioninfo),
//! icons in [`GRPICONDIR`](https://devblogs.microsoft.com/oldnewthing/20120720-00/?p=7083),
//! manifests in [Application manifests](https://learn.microsoft.com/en-us/windows/win32/sbscs/application-manifests).

mod icon;
mod object;
mod tree;
mod version;

pub use version::Version;

use tree::Tree;

/// The language of all resources: English (United States).
const LANGUAGE: u16 = 0x0409;

/// Kinds of resources, as `winuser.h` numbers them.
mod kind {
    pub(crate) const ICON: u16 = 3;
    pub(crate) const GROUP_ICON: u16 = 14;
    pub(crate) const VERSION: u16 = 16;
    pub(crate) const MANIFEST: u16 = 24;
}

/// Why there can be no such resources.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The icon is none.
    #[error("the icon is not a Windows icon file: {0}")]
    Icon(&'static str),
    /// A text of the version is too long, or has a NUL.
    #[error("{name} of the version is {reason}")]
    Version {
        /// Which text.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no such processor.
    #[error("Windows does not run on the processor {0:?}: use x86_64 or aarch64")]
    Architecture(String),
    /// The object could not be written.
    #[error("writing the object: {0}")]
    Object(#[from] ::object::write::Error),
}

/// The resources of a program.
#[derive(Clone, Copy, Debug)]
pub struct Resources<'a> {
    /// The content of an `.ico` file. Windows shows its pictures as the icon of the program.
    pub icon: &'a [u8],
    /// What the program is, and of which version.
    pub version: Version<'a>,
    /// The manifest, an XML document: how Windows is to run the program.
    pub manifest: &'a str,
}

impl Resources<'_> {
    /// An object file (COFF) for a processor by Rust's name: `x86_64`.
    ///
    /// # Errors
    /// If the icon is not one, a text of the version does not fit, or the processor is not known.
    pub fn object(&self, architecture: &str) -> Result<Vec<u8>, Error> {
        let mut tree = Tree::default();
        let pictures = icon::pictures(self.icon)?;
        tree.add(kind::GROUP_ICON, 1, icon::group(&pictures));
        for (id, picture) in (1..=u16::MAX).zip(pictures) {
            tree.add(kind::ICON, id, picture.content.to_vec());
        }
        tree.add(kind::VERSION, 1, self.version.encode()?);
        // 1 makes it the manifest of the program, CREATEPROCESS_MANIFEST_RESOURCE_ID.
        tree.add(kind::MANIFEST, 1, self.manifest.as_bytes().to_vec());
        object::write(&tree.section(), architecture)
    }
}
