//! Reads policies from the registry of Windows.

use super::{KEY, Policies, PolicyValue, SETTINGS};
use crate::registry::{self, Data};

/// The registry values that are policies, below [`KEY`]. What else is there is not looked at.
pub(super) fn read_all() -> Policies {
    let names = SETTINGS.iter().filter_map(|setting| Some(setting.policy.as_ref()?.value));
    let values = names.filter_map(|name| Some((name.to_owned(), read(name)?))).collect();
    Policies { values, ..Policies::none() }
}

fn read(value: &str) -> Option<PolicyValue> {
    match registry::read(KEY, value) {
        Ok(None) => None,
        Ok(Some(Data::Text(text))) => Some(PolicyValue::Text(text)),
        Ok(Some(Data::Number(number))) => Some(PolicyValue::Number(number)),
        Ok(Some(Data::Other(kind))) => {
            Some(PolicyValue::Unusable(format!("has the type {kind}; write a REG_SZ or a REG_DWORD")))
        }
        Err(error) => Some(PolicyValue::Unusable(format!("cannot be read: {error}"))),
    }
}
