//! Group policies: settings that an administrator enforces, above environment and file. Windows keeps them
//! in the registry, where standard users cannot write; other systems have none.
//!
//! Which settings have one is a column of [`SETTINGS`]. The templates for the policy editor are generated
//! from it (`tests/generated`), for ADMX see
//! <https://learn.microsoft.com/en-us/previous-versions/windows/desktop/Policy/admx-schema>.

#[cfg(test)]
mod tests;
#[cfg(windows)]
mod windows;

use super::Config;
use super::loaded::{Loaded, Origin};
use super::settings::{SETTINGS, Setting};
use super::source::contradictions;
use serde_json::Value;

/// Where the policies are, below `HKEY_LOCAL_MACHINE`, in the 64-bit view.
pub const KEY: &str = r"SOFTWARE\Policies\Virinco\pyWATS Client";

/// The policy of one setting.
pub struct Policy {
    /// Name of the registry value, and of the policy in the templates.
    pub value: &'static str,
    /// Its name in the policy editor.
    pub title: &'static str,
    /// What it does, as whole sentences.
    pub explanation: &'static str,
    /// What may be entered.
    pub input: Input,
}

/// What may be entered for a policy, which decides the type of its registry value.
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
}

/// What stands in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyValue {
    /// `REG_SZ`, or `REG_EXPAND_SZ` with its variables replaced.
    Text(String),
    /// `REG_DWORD`.
    Number(u32),
    /// Something else, or it cannot be read: what it is, as the end of the sentence "it …".
    Unusable(String),
}

/// Gives the registry value of this name, if there is one.
pub type Policies = dyn Fn(&str) -> Option<PolicyValue> + Send + Sync;

/// The policies of this machine.
pub fn of_this_machine(value: &str) -> Option<PolicyValue> {
    #[cfg(windows)]
    return windows::read(value);
    #[cfg(not(windows))]
    {
        let _ = value;
        None
    }
}

/// Puts the policies above what was loaded so far. One that cannot be used is ignored, and an error says so.
pub(super) fn apply(policies: &Policies, loaded: &mut Loaded) {
    for (setting, origin) in SETTINGS.iter().zip(&mut loaded.origins) {
        let Some((policy, value)) = setting.policy.as_ref().and_then(|p| Some((p, policies(p.value)?)))
        else {
            continue;
        };
        // An empty text is what an editor leaves: the same as no policy.
        if matches!(&value, PolicyValue::Text(text) if text.trim().is_empty()) {
            continue;
        }
        match enforce(&loaded.config, setting, policy, value) {
            Ok(config) => {
                loaded.config = config;
                *origin = Origin::Policy;
            }
            Err(reason) => {
                loaded
                    .errors
                    .push(format!(r"policy HKLM\{KEY}: {}: not usable and ignored; {reason}", policy.value));
            }
        }
    }
}

/// The configuration with this policy in force, or what to do instead.
fn enforce(
    config: &Config,
    setting: &Setting,
    policy: &Policy,
    value: PolicyValue,
) -> Result<Config, String> {
    let value = match (value, policy.input) {
        (PolicyValue::Text(text), Input::Text | Input::Choice(_)) => Value::from(text),
        (PolicyValue::Number(number), Input::Number { .. }) => Value::from(number),
        (PolicyValue::Unusable(what), _) => return Err(format!("it {what}")),
        (PolicyValue::Text(_) | PolicyValue::Number(_), input) => {
            return Err(format!("it must be a {}", input.registry_type()));
        }
    };
    let mut enforced = config.clone();
    (setting.read)(&mut enforced, &value).ok_or_else(|| format!("write {}", setting.expects))?;
    let conflicts: Vec<String> =
        contradictions(&enforced).into_iter().filter(|text| !contradictions(config).contains(text)).collect();
    if conflicts.is_empty() { Ok(enforced) } else { Err(conflicts.join("; ")) }
}
