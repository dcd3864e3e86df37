//! Policies: settings that an administrator enforces, above environment and file. Windows keeps them in the registry,
//! macOS in a property list ([`managed`]), where standard users cannot write; other systems have none.
//!
//! Which settings have one is a column of [`SETTINGS`]. The templates for the policy editor of Windows, and profile and
//! schema for the device management of macOS, are generated from it (`tests/generated`), for ADMX see
//! <https://learn.microsoft.com/en-us/previous-versions/windows/desktop/Policy/admx-schema>.

#[cfg(any(target_os = "macos", test))]
pub mod managed;
#[cfg(test)]
mod tests;
#[cfg(windows)]
mod windows;

use super::Config;
use super::loaded::{Loaded, Origin};
use super::settings::{SETTINGS, Setting, nearest};
use super::source::contradictions;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where the policies of Windows are, below `HKEY_LOCAL_MACHINE`, in the 64-bit view.
pub const KEY: &str = r"SOFTWARE\Policies\Virinco\pyWATS Client";
/// The domain of the managed preferences of macOS.
pub const DOMAIN: &str = "com.virinco.pywats-client";
/// Where macOS keeps them: what device management says of this domain for the machine.
pub const MANAGED: &str = "/Library/Managed Preferences/com.virinco.pywats-client.plist";

/// The policy of one setting.
pub struct Policy {
    /// Name of the registry value, of the key in the property list, and of the policy in the templates.
    pub value: &'static str,
    /// Its name in the policy editor.
    pub title: &'static str,
    /// What it does, as whole sentences.
    pub explanation: &'static str,
    /// What may be entered.
    pub input: Input,
}

/// What may be entered for a policy, which decides the type of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Any text.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A number.
    Number {
        /// The least one that is allowed.
        least: u32,
        /// The highest one that is allowed.
        most: u32,
    },
}

impl Input {
    /// The type of the registry value, in the words of the registry editor.
    pub fn registry_type(self) -> &'static str {
        match self {
            Input::Text | Input::Choice(_) => "REG_SZ",
            Input::Number { .. } => "REG_DWORD",
        }
    }

    /// The type of the value in a property list.
    pub fn plist_type(self) -> &'static str {
        match self {
            Input::Text | Input::Choice(_) => "string",
            Input::Number { .. } => "integer",
        }
    }
}

/// The value of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyValue {
    /// `REG_SZ`, or `REG_EXPAND_SZ` with its variables replaced; a string.
    Text(String),
    /// `REG_DWORD`; an integer.
    Number(u32),
    /// Something else, or it cannot be read: what it is, as the end of the sentence "it …".
    Unusable(String),
}

/// Where policies are kept, which also decides what their types are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// The registry of Windows.
    #[default]
    Registry,
    /// This property list.
    PropertyList(PathBuf),
}

impl Store {
    /// Its name for people.
    fn name(&self) -> String {
        match self {
            Store::Registry => format!(r"HKLM\{KEY}"),
            Store::PropertyList(path) => path.display().to_string(),
        }
    }

    /// The type of a value, with its article.
    fn type_of(&self, input: Input) -> String {
        match self {
            Store::Registry => format!("a {}", input.registry_type()),
            Store::PropertyList(_) => match input {
                Input::Number { .. } => format!("an {}", input.plist_type()),
                Input::Text | Input::Choice(_) => format!("a {}", input.plist_type()),
            },
        }
    }
}

/// The policies of a machine at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// Where they are.
    pub store: Store,
    /// Those that are set, by their names; also names that no policy has.
    pub values: BTreeMap<String, PolicyValue>,
    /// Why none of them can be read, as a sentence without its subject, and what to do.
    pub damaged: Option<String>,
}

impl Policies {
    /// Those of a machine where nothing is enforced.
    pub fn none() -> Policies {
        Policies::default()
    }
}

/// Reads the policies of a machine.
pub type Reader = dyn Fn() -> Policies + Send + Sync;

/// The policies of this machine.
pub fn of_this_machine() -> Policies {
    #[cfg(windows)]
    return windows::read_all();
    #[cfg(target_os = "macos")]
    return managed::read_all(std::path::Path::new(MANAGED));
    #[cfg(not(any(windows, target_os = "macos")))]
    return Policies::none();
}

/// Puts the policies above what was loaded so far. One that cannot be used is ignored, and an error says so.
pub(super) fn apply(policies: &Policies, loaded: &mut Loaded) {
    let place = policies.store.name();
    if let Some(why) = &policies.damaged {
        loaded.errors.push(format!("policies {place}: ignored: {why}"));
    }
    for (setting, origin) in SETTINGS.iter().zip(&mut loaded.origins) {
        let Some((policy, value)) =
            setting.policy.as_ref().and_then(|policy| Some((policy, policies.values.get(policy.value)?)))
        else {
            continue;
        };
        // An empty text is what an editor leaves: the same as no policy.
        if matches!(value, PolicyValue::Text(text) if text.trim().is_empty()) {
            continue;
        }
        match enforce(&loaded.config, setting, policy, value, &policies.store) {
            Ok(config) => {
                loaded.config = config;
                *origin = Origin::Policy;
            }
            Err(reason) => {
                loaded
                    .errors
                    .push(format!("policy {place}: {}: not usable and ignored; {reason}", policy.value));
            }
        }
    }
    let known = || SETTINGS.iter().filter_map(|setting| Some(setting.policy.as_ref()?.value));
    for name in policies.values.keys().filter(|name| known().all(|policy| policy != name.as_str())) {
        let hint = match nearest(name, known()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "remove it".to_owned(),
        };
        loaded.warnings.push(format!("policy {place}: {name}: unknown and ignored; {hint}"));
    }
}

/// The configuration with this policy in force, or what to do instead.
fn enforce(
    config: &Config,
    setting: &Setting,
    policy: &Policy,
    value: &PolicyValue,
    store: &Store,
) -> Result<Config, String> {
    let value = match (value, policy.input) {
        (PolicyValue::Text(text), Input::Text | Input::Choice(_)) => Value::from(text.as_str()),
        (PolicyValue::Number(number), Input::Number { .. }) => Value::from(*number),
        (PolicyValue::Unusable(what), _) => return Err(format!("it {what}")),
        (PolicyValue::Text(_) | PolicyValue::Number(_), input) => {
            return Err(format!("it must be {}", store.type_of(input)));
        }
    };
    let mut enforced = config.clone();
    (setting.read)(&mut enforced, &value).ok_or_else(|| format!("write {}", setting.expects))?;
    let conflicts: Vec<String> =
        contradictions(&enforced).into_iter().filter(|text| !contradictions(config).contains(text)).collect();
    if conflicts.is_empty() { Ok(enforced) } else { Err(conflicts.join("; ")) }
}
