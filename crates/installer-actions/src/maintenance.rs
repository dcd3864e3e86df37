//! What only an administrator changes of a product that is installed.
//!
//! A standard user may have an installed product repaired, by the installation service and with its rights.
//! The public properties reach it then, too, as somebody wrote them.

use crate::records;

/// A public property that a standard user's value does not count for.
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
///
/// # Errors
/// If a record is none of these, or one is missing: a property that is passed over could be set by anybody.
pub fn read(data: &str) -> Result<(&str, Vec<Kept<'_>>), String> {
    const OF: &str = "what is kept";
    let mut registry_key = None;
    let mut kept = Vec::new();
    for record in records::parse(data)? {
        match record[..] {
            _ if record.contains(&"") => return Err(records::unknown(OF, &record)),
            ["key", key] if registry_key.is_none() => registry_key = Some(key),
            ["property", property] => kept.push(Kept { property, remembered: None }),
            ["property", property, value, remembered] => {
                kept.push(Kept { property, remembered: Some((value, remembered)) });
            }
            _ => return Err(records::unknown(OF, &record)),
        }
    }
    match registry_key {
        Some(key) if !kept.is_empty() => Ok((key, kept)),
        _ => Err(format!("the package is not understood: a key or every property is missing in {OF}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a property is left out, and so could be set by anybody.
    #[test]
    fn reads_what_is_kept() {
        let data =
            "key|SOFTWARE\\Maker\\Product\nproperty|FOLDER|Folder|REMEMBERED_FOLDER\nproperty|ACCOUNT\n";
        let (key, kept) = read(data).unwrap();
        assert_eq!(key, r"SOFTWARE\Maker\Product");
        let expected = [("FOLDER", Some(("Folder", "REMEMBERED_FOLDER"))), ("ACCOUNT", None)];
        assert_eq!(kept, expected.map(|(property, remembered)| Kept { property, remembered }));
    }

    /// Fails if: what is not understood is passed over.
    #[test]
    fn refuses_what_it_does_not_understand() {
        for (data, part) in [
            ("", "is empty"),
            ("key|k", "every property is missing"),
            ("property|A", "a key or"),
            ("key|k\nkey|l\nproperty|A", "\"key|l\""),
            ("key|\nproperty|A", "\"key|\""),
            ("key|k|l\nproperty|A", "\"key|k|l\""),
            ("key|k\nproperty", "\"property\""),
            ("key|k\nproperty|", "\"property|\""),
            ("key|k\nproperty|A|B", "\"property|A|B\""),
            ("key|k\nproperty|A|B|", "\"property|A|B|\""),
            ("key|k\nproperty|A|B|C|D", "\"property|A|B|C|D\""),
            ("key|k\nPROPERTY|A", "\"PROPERTY|A\""),
            ("key|k\nproperty|A\nunknown|B", "\"unknown|B\""),
        ] {
            let reason = read(data).unwrap_err();
            assert!(reason.contains(part), "{data:?}: {reason}");
        }
    }
}
