//! Which station this is: what reports that do not say it are completed with when they are taken in
//! ([`wats::Identity`] says how). What is queued stays as it was decided.

use super::Config;
use serde_json::Value;
use wats::{Identity, Rules};

/// The most characters that a server takes of each text.
const MOST: usize = 100;
/// What a text must be, as the end of the sentence "write …".
pub const TEXT_WANTED: &str =
    "a text of 1 to 100 characters, without control characters, or an empty one to leave reports as they are";
/// What a process code must be.
pub const CODE_WANTED: &str =
    "the number of a test operation that the server knows, from 1 to 2147483647, as 10";

/// Which station this is, as it is configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Station {
    /// Its name; the host's, where nothing is configured.
    pub name: Option<String>,
    /// Where it stands.
    pub location: Option<String>,
    /// What it is used for.
    pub purpose: Option<String>,
    /// The test operation that it does.
    pub process_code: Option<u32>,
    /// Who works there.
    pub operator: Option<String>,
}

impl Station {
    /// The name that reports get: the configured one, or that of the host.
    pub fn name(&self) -> Option<String> {
        self.name.clone().or_else(host_name)
    }

    /// What reports are completed with.
    pub fn identity(&self) -> Identity {
        Identity {
            name: self.name(),
            location: self.location.clone(),
            purpose: self.purpose.clone(),
            process_code: self.process_code,
            operator: self.operator.clone(),
        }
    }
}

impl Config {
    /// By which rules reports are completed.
    pub fn rules(&self) -> Rules {
        // The setting was taken over only because there is such a zone.
        Rules::in_time_zone(&self.reports.time_zone).unwrap_or_default().at_station(self.station.identity())
    }
}

/// Reads a text; an empty one is what a template leaves, the same as none.
pub(super) fn text(value: &Value) -> Option<Option<String>> {
    let text = value.as_str()?.trim();
    if text.is_empty() {
        return Some(None);
    }
    is_text(text).then(|| Some(text.to_owned()))
}

/// Reads a process code; an empty text is none, as in a template.
pub(super) fn code(value: &Value) -> Option<Option<u32>> {
    if value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Some(None);
    }
    let code = value.as_u64().filter(|code| (1..=i32::MAX as u64).contains(code))?;
    u32::try_from(code).ok().map(Some)
}

fn is_text(text: &str) -> bool {
    (1..=MOST).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// What the host calls itself, if a server would take it.
fn host_name() -> Option<String> {
    Some(own_name().trim().to_owned()).filter(|name| is_text(name))
}

/// The name of this machine.
#[cfg(unix)]
pub fn own_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of this machine: the one that Windows shows and that the vendor's own client uses.
#[cfg(windows)]
pub fn own_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fails if: a text is taken that the server refuses, or a good one is not.
    #[test]
    fn texts_and_codes() {
        for (value, wanted) in [
            (json!("Asker"), Some(Some("Asker"))),
            (json!("  Prüfstand 3 "), Some(Some("Prüfstand 3"))),
            (json!(""), Some(None)),
            (json!("a\nb"), None),
            (json!(3), None),
        ] {
            assert_eq!(text(&value), wanted.map(|text| text.map(str::to_owned)), "{value}");
        }
        assert!(text(&json!("ü".repeat(100))).is_some() && text(&json!("ü".repeat(101))).is_none());
        for (value, wanted) in [
            (json!(10), Some(Some(10))),
            (json!(""), Some(None)),
            (json!(0), None),
            (json!(-1), None),
            (json!(2_147_483_648_u64), None),
            (json!("ten"), None),
        ] {
            assert_eq!(code(&value), wanted, "{value}");
        }
    }

    /// Fails if: a station without a configured name has none at all.
    #[test]
    fn the_name_is_that_of_the_host() {
        assert!(Station::default().name().is_some());
        let named = Station { name: Some("ICT".to_owned()), ..Station::default() };
        assert_eq!(named.identity().name.as_deref(), Some("ICT"));
    }
}
