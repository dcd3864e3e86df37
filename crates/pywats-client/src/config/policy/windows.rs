//! Reads policies from the registry of Windows.

use super::{KEY, PolicyValue};
use crate::registry::{self, Data};

/// The registry value of this name below [`KEY`].
pub(super) fn read(value: &str) -> Option<PolicyValue> {
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
