//! `tests/vm/bench.toml`: guests and scenarios. The file says what its fields mean.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::sync::LazyLock;

/// A machine that can be made.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guest {
    pub(crate) name: String,
    pub(crate) release: String,
    pub(crate) architecture: String,
    pub(crate) kernel: String,
    pub(crate) format: String,
    pub(crate) selinux: bool,
    pub(crate) packages: Vec<String>,
}

/// What can happen in a guest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) guests: Vec<String>,
    #[serde(default)]
    pub(crate) long: bool,
    #[serde(default)]
    pub(crate) repository: bool,
    #[serde(default)]
    pub(crate) appimage: bool,
    #[serde(default)]
    pub(crate) with: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registry {
    guest: Vec<Guest>,
    scenario: Vec<Scenario>,
}

/// The file as it was when this program was compiled: `cargo xtask` compiles it again when it changes.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../tests/vm/bench.toml")).expect("a test reads tests/vm/bench.toml")
});

/// A guest by its name.
///
/// # Errors
/// If there is none.
pub(crate) fn guest(name: &str) -> Result<&'static Guest> {
    let names = || REGISTRY.guest.iter().map(|guest| guest.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = REGISTRY.guest.iter().find(|guest| guest.name == name);
    found.with_context(|| format!("no guest {name:?}: use {}", names()))
}

/// What is to run: the scenarios of these names, or else all that are not long, each in its first guest; with
/// `everything` the long ones, too, and each in all of its guests. With guests named, in these.
///
/// # Errors
/// If there is no scenario or guest of a name, or nothing is left.
pub(crate) fn choose(
    named: &[String],
    guests: &[String],
    everything: bool,
) -> Result<Vec<(&'static Scenario, &'static Guest)>> {
    for name in named {
        let names = || REGISTRY.scenario.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        ensure!(REGISTRY.scenario.iter().any(|s| s.name == *name), "no scenario {name:?}: use {}", names());
    }
    for name in guests {
        guest(name)?;
    }
    let mut chosen = Vec::new();
    for scenario in &REGISTRY.scenario {
        let by_itself = everything || !scenario.long;
        if if named.is_empty() { !by_itself } else { !named.contains(&scenario.name) } {
            continue;
        }
        let wanted = |(place, name): &(usize, &String)| match guests {
            [] => everything || *place == 0,
            _ => guests.contains(name),
        };
        for (_, name) in scenario.guests.iter().enumerate().filter(wanted) {
            chosen.push((scenario, guest(name)?));
        }
    }
    ensure!(!chosen.is_empty(), "no scenario is for such a guest");
    Ok(chosen)
}

/// The guests and scenarios for a terminal.
pub(crate) fn list() -> String {
    let guests = REGISTRY.guest.iter().map(|guest| {
        let selinux = if guest.selinux { ", SELinux enforcing" } else { "" };
        format!("guest     {:<14} Debian {}, {}{selinux}\n", guest.name, guest.release, guest.architecture)
    });
    let scenarios = REGISTRY.scenario.iter().map(|scenario| {
        let long = if scenario.long { "; only with --all or by its name" } else { "" };
        format!("scenario  {:<14} in {}{long}\n", scenario.name, scenario.guests.join(", "))
    });
    guests.chain(scenarios).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Fails if: a scenario has no script or names a guest that there is not, or two guests have one name.
    #[test]
    fn the_registry_is_well_formed() {
        let names: BTreeSet<_> = REGISTRY.guest.iter().map(|guest| &guest.name).collect();
        assert_eq!(names.len(), REGISTRY.guest.len());
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vm");
        for scenario in &REGISTRY.scenario {
            for script in scenario.with.iter().chain([&scenario.name]) {
                assert!(scripts.join(format!("{script}.py")).is_file(), "{script}");
            }
            assert!(scenario.guests.iter().all(|name| names.contains(name)), "{}", scenario.name);
        }
    }

    /// Fails if: a scenario runs in a guest that nobody asked for, or not in one that was asked for.
    #[test]
    fn chooses() {
        let choose = |named: &[&str], guests: &[&str], everything| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let chosen = choose(&owned(named), &owned(guests), everything)?;
            let names = chosen.iter().map(|(scenario, guest)| format!("{} {}", scenario.name, guest.name));
            Ok::<_, anyhow::Error>(names.collect::<Vec<_>>())
        };
        assert_eq!(choose(&["package"], &[], false).unwrap(), ["package debian-13"]);
        assert_eq!(choose(&["package"], &["debian-12"], false).unwrap(), ["package debian-12"]);
        assert!(choose(&["package"], &[], true).unwrap().len() > 1);
        assert!(choose(&["no-such"], &[], false).unwrap_err().to_string().contains("package"));
        assert!(choose(&[], &["no-such"], false).unwrap_err().to_string().contains("debian-13"));
    }
}
