//! The status page.

use super::Audience;
use serde_json::Value;

/// The page.
pub fn html(_body: &Value, _audience: Audience) -> String {
    String::new()
}

/// The policy.
pub fn content_security_policy() -> String {
    "default-src 'none'".to_owned()
}
