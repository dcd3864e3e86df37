//! What only an administrator changes of a product that is installed.
//!
//! An ordinary user may have an installed product repaired, by the installation service and with its rights.
//! The public properties reach it then, too, as somebody wrote them.

use crate::records;

/// A public property that an ordinary user's value does not count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept<'a> {
    /// The public property.
    pub property: &'a str,
    /// Where what an administrator chose is remembered, if it is: the value in the registry, and the property
    /// that it is read into.
    pub remembered: Option<(&'a str, &'a str)>,
}

/// Reads the data of the action: `key` and the registry key below HKEY_LOCAL_MACHINE; then a record for each
/// property, `property`, its name, and, if it is remembered, the registry value and the property for that.
pub fn read(data: &str) -> (&str, Vec<Kept<'_>>) {
    let mut registry_key = "";
    let mut kept = Vec::new();
    for record in records::parse(data) {
        match record[..] {
            ["key", key] => registry_key = key,
            ["property", property] => kept.push(Kept { property, remembered: None }),
            ["property", property, value, remembered] => {
                kept.push(Kept { property, remembered: Some((value, remembered)) });
            }
            _ => {}
        }
    }
    (registry_key, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a property is left out, and so could be set by anybody.
    #[test]
    fn reads_what_is_kept() {
        let data =
            "key|SOFTWARE\\Maker\\Product\nproperty|FOLDER|Folder|REMEMBERED_FOLDER\nproperty|ACCOUNT\n";
        let (key, kept) = read(data);
        assert_eq!(key, r"SOFTWARE\Maker\Product");
        let expected = [("FOLDER", Some(("Folder", "REMEMBERED_FOLDER"))), ("ACCOUNT", None)];
        assert_eq!(kept, expected.map(|(property, remembered)| Kept { property, remembered }));
    }
}
