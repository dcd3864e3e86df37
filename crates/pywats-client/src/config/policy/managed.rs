//! Reads managed preferences of macOS: what device management has set for the machine, as the system leaves it on the
//! disk, in a property list in its binary or its XML form. See "Custom settings" in Apple's
//! [Platform Deployment](https://support.apple.com/guide/deployment/welcome/web) and
//! [plist(5)](https://keith.github.io/xcode-man-pages/plist.5.html).
//!
//! The file is read without the frameworks of Apple: those answer for the user of the process, and merge what users
//! wrote. Only root can write to its folder, and everybody can read it.

use super::{Policies, PolicyValue, Store};
use crate::config::source;
use plist::{Dictionary, Value};
use std::io::Cursor;
use std::path::Path;

/// What profiles leave beside the preferences.
const OF_PROFILES: [&str; 2] = ["Payload", "pfm_"];

/// What this property list enforces.
pub fn read_all(path: &Path) -> Policies {
    let mut policies =
        Policies { store: Store::PropertyList(path.to_path_buf()), values: [].into(), damaged: None };
    match read(path) {
        Ok(Some(dictionary)) => {
            let ours = |name: &str| !OF_PROFILES.iter().any(|start| name.starts_with(start));
            let values = dictionary.into_iter().filter(|(name, _)| ours(name));
            policies.values = values.map(|(name, value)| (name, of(value))).collect();
        }
        Ok(None) => {}
        Err(why) => {
            policies.damaged = Some(format!(
                "the file {why}; let device management install the profile again, or remove it"
            ));
        }
    }
    policies
}

fn read(path: &Path) -> Result<Option<Dictionary>, String> {
    let Some(bytes) = source::read_small(path)? else { return Ok(None) };
    let value = Value::from_reader(Cursor::new(bytes))
        .map_err(|error| format!("is not a property list that can be read: {error}"))?;
    value
        .into_dictionary()
        .map(Some)
        .ok_or_else(|| "is a property list, but not of keys and values".to_owned())
}

fn of(value: Value) -> PolicyValue {
    let unusable = |what: &str| PolicyValue::Unusable(format!("is {what}; write a string or an integer"));
    match value {
        Value::String(text) => PolicyValue::Text(text),
        Value::Integer(number) => match number.as_unsigned().and_then(|number| u32::try_from(number).ok()) {
            Some(number) => PolicyValue::Number(number),
            None => unusable(&format!("{number}, which is no number from 0 to {}", u32::MAX)),
        },
        Value::Boolean(_) => unusable("true or false"),
        Value::Real(_) => unusable("a real number"),
        Value::Array(_) => unusable("an array"),
        Value::Dictionary(_) => unusable("a dictionary"),
        Value::Data(_) => unusable("data"),
        Value::Date(_) => unusable("a date"),
        _ => unusable("of a type that is not known"),
    }
}
