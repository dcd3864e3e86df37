//! Identifiers derived from what they identify, so that equal inputs give equal packages.
//!
//! All are UUIDs of version 5 ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562)), written as Windows
//! Installer wants them: in braces and upper case.
//!
//! - An **upgrade code** is chosen once and identifies a product over all its versions.
//! - A **product code** identifies one version for one processor with one content. Installing the same file
//!   again is then a repair, and a package of the same version with other content (signed, or linked by
//!   another toolchain) replaces the first like an upgrade, where Windows would refuse it with error 1638 if
//!   both had one product code.
//! - A **component code** identifies a file at a path over all versions, as the
//!   [component rules](https://learn.microsoft.com/en-us/windows/win32/msi/organizing-applications-into-components)
//!   ask for: two versions share a component, and an upgrade can tell what replaces what.
//! - A **package code** identifies one file, bit by bit.

use crate::{Error, Result};
use uuid::Uuid;

/// The namespace of package codes: `6BA7B811-9DAD-11D1-80B4-00C04FD430C8` (URL) and this crate's name.
fn package_namespace() -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, b"windows-installer/package-code")
}

/// The namespace that an upgrade code spans.
#[derive(Clone, Copy, Debug)]
pub struct Product {
    upgrade_code: Uuid,
}

impl Product {
    /// The product of an upgrade code, written with hyphens and without braces.
    ///
    /// # Errors
    /// If it is no UUID.
    pub fn new(upgrade_code: &str) -> Result<Product> {
        let parsed = Uuid::try_parse(upgrade_code).map_err(|error| {
            Error::part(
                "upgrade code",
                format!(
                    "{upgrade_code:?} is not a UUID such as E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A: {error}"
                ),
            )
        })?;
        Ok(Product { upgrade_code: parsed })
    }

    /// The upgrade code.
    pub fn upgrade_code(&self) -> String {
        registry_format(self.upgrade_code)
    }

    /// The product code of a version (`1.2.3`) for a processor (`x64`), with a digest of what is in it.
    pub fn product_code(&self, version: &str, processor: &str, content: &str) -> String {
        self.derive(&format!("product/{version}/{processor}/{content}"))
    }

    /// The code of the component whose key path is `path`, a name that stays the same over versions.
    pub fn component(&self, path: &str) -> String {
        // Windows compares paths without regard to case; so must what is derived from them.
        self.derive(&format!("component/{}", path.to_lowercase()))
    }

    fn derive(&self, name: &str) -> String {
        registry_format(Uuid::new_v5(&self.upgrade_code, name.as_bytes()))
    }
}

/// The package code of a file with that content.
pub(crate) fn package_code(digest: &[u8]) -> Uuid {
    Uuid::new_v5(&package_namespace(), digest)
}

fn registry_format(uuid: Uuid) -> String {
    uuid.braced().to_string().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A";

    /// Fails if: an identifier changes from one build to the next. Installed systems know these values;
    /// changing the derivation breaks upgrades and component rules.
    #[test]
    fn identifiers_stay_as_they_are() {
        let product = Product::new(CODE).unwrap();
        assert_eq!(product.upgrade_code(), "{E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A}");
        assert_eq!(product.component("INSTALLDIR/a.exe"), "{1185E942-A566-5E76-8F64-5F00E2F622D5}");
        assert_eq!(product.component("INSTALLDIR/A.EXE"), product.component("installdir/a.exe"));
    }

    /// Fails if: a version and a processor can be mixed up, or two things share an identifier.
    #[test]
    fn different_things_have_different_identifiers() {
        let product = Product::new(CODE).unwrap();
        let all = [
            product.upgrade_code(),
            product.product_code("1.0.0", "x64", "a"),
            product.product_code("1.0.0", "x64", "b"),
            product.product_code("1.0.0", "arm64", "a"),
            product.product_code("1.0.1", "x64", "a"),
            product.component("a"),
            product.component("b"),
            Product::new("E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5B").unwrap().component("a"),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    /// Fails if: something that is no UUID is taken for one, or the error does not show it.
    #[test]
    fn refuses_what_is_no_uuid() {
        for text in ["", "pywats", "E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5"] {
            let error = Product::new(text).expect_err(text).to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
