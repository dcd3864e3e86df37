//! What a finished package is: read back from it, for those who have to name it elsewhere.

use crate::{Error, Platform, Result};
use msi::{Expr, Package, Select};
use std::collections::BTreeMap;
use std::io::{Read, Seek};

/// What Windows knows a package by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The processor it is for.
    pub platform: Platform,
    /// Name of the product.
    pub product_name: String,
    /// Who makes it.
    pub manufacturer: String,
    /// Three numbers.
    pub version: String,
    /// This product in this version, in braces.
    pub product_code: String,
    /// The product in all versions, in braces.
    pub upgrade_code: String,
}

impl Identity {
    /// Reads a package, signed or not.
    ///
    /// # Errors
    /// If it cannot be read, is no package, or does not say one of these things.
    pub fn read(package: impl Read + Seek) -> Result<Identity> {
        let wrong = |reason: String| Error::part("the Windows Installer package", reason);
        let mut package = Package::open(package).map_err(|error| wrong(error.to_string()))?;
        let platform = match package.summary_info().arch() {
            Some("x64") => Platform::X64,
            Some("Arm64") => Platform::Arm64,
            other => return Err(wrong(format!("it is for the processor {other:?}, not x64 or Arm64"))),
        };
        let mut properties = BTreeMap::new();
        let rows = package.select_rows(Select::table("Property").with(Expr::boolean(true)));
        for row in rows.map_err(|error| wrong(error.to_string()))? {
            if let (Some(name), Some(value)) = (row[0].as_str(), row[1].as_str()) {
                properties.insert(name.to_owned(), value.to_owned());
            }
        }
        let mut property =
            |name: &str| properties.remove(name).ok_or_else(|| wrong(format!("it has no property {name}")));
        Ok(Identity {
            platform,
            product_name: property("ProductName")?,
            manufacturer: property("Manufacturer")?,
            version: property("ProductVersion")?,
            product_code: property("ProductCode")?,
            upgrade_code: property("UpgradeCode")?,
        })
    }
}
