//! The registry: every suite is a row of `tests/suites.toml`, which says how to read it.

use anyhow::{Result, ensure};
use serde::Deserialize;
use std::sync::LazyLock;

/// One suite.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    /// Its name on the command line, and in the acceptance bench.
    pub(crate) name: String,
    /// What it proves, in the words of the documentation.
    pub(crate) proves: String,
    /// What it proves besides with `--all`.
    #[serde(default)]
    thorough: Option<String>,
    /// Whose programs judge.
    with: String,
    /// Programs it needs from the machine.
    #[serde(default, deserialize_with = "of_this_machine")]
    pub(crate) needs: Vec<String>,
    /// It starts the programs of `tools/release`.
    #[serde(default)]
    pub(crate) tools: bool,
    /// It spends its time waiting: it runs beside suites that compute.
    #[serde(default)]
    pub(crate) waits: bool,
    /// Only with `--all`, or when asked for by name.
    #[serde(default)]
    pub(crate) long: bool,
    /// Only when asked for by name; it judges no artifact.
    #[serde(default)]
    pub(crate) asked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registry {
    suite: Vec<Suite>,
}

/// The file as it was when this program was compiled: `cargo xtask` compiles it again when it changes.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../tests/suites.toml")).expect("a test reads tests/suites.toml")
});

/// Every suite, in the order in which they begin.
pub(crate) fn all() -> &'static [Suite] {
    &REGISTRY.suite
}

/// Folders of libraries are named after the processor.
fn of_this_machine<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let needs = Vec::<String>::deserialize(deserializer)?;
    Ok(needs.into_iter().map(|need| need.replace("{arch}", std::env::consts::ARCH)).collect())
}

/// The suites that a command line asks for: those named, or else every one that need not be asked for by name, or else
/// every one of these that is not long; without those left out.
///
/// # Errors
/// If there is no suite of a name.
pub(crate) fn choose(named: &[String], without: &[String], everything: bool) -> Result<Vec<&'static Suite>> {
    for name in named.iter().chain(without) {
        let names = || all().iter().map(|suite| suite.name.as_str()).collect::<Vec<_>>().join(", ");
        ensure!(all().iter().any(|suite| suite.name == *name), "no suite {name:?}: use {}", names());
    }
    let chosen = |suite: &&Suite| {
        let by_itself = !suite.asked && (everything || !suite.long);
        let asked = if named.is_empty() { by_itself } else { named.contains(&suite.name) };
        asked && !without.contains(&suite.name)
    };
    let chosen: Vec<_> = all().iter().filter(chosen).collect();
    ensure!(!chosen.is_empty(), "every suite is left out");
    Ok(chosen)
}

/// The suites for a terminal: what each proves, and with whose programs.
pub(crate) fn list() -> String {
    let line = |suite: &Suite| format!("{:<13} {} [{}]\n", suite.name, suite.describe(), suite.with);
    all().iter().map(line).collect()
}

impl Suite {
    /// What it proves, and when.
    fn describe(&self) -> String {
        let mut text = self.proves.clone();
        if let Some(thorough) = &self.thorough {
            text += &format!("; with `--all`: {thorough}");
        }
        if self.asked {
            text += "; only by its name";
        }
        if self.long {
            text += "; only with `--all` or by its name";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::{commands, prerequisites};
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Fails if: two suites have one name, it is not known which package has a program that one needs, or a suite is
    /// neither ours nor one of the acceptance bench.
    #[test]
    fn suites_are_well_formed() {
        let names: BTreeSet<_> = all().iter().map(|suite| &suite.name).collect();
        assert_eq!(names.len(), all().len());
        for program in all().iter().flat_map(|suite| &suite.needs) {
            assert!(prerequisites::package_of(program).is_some(), "no package is known for {program}");
        }
        let modules = crate::workspace::root().join("tests/acceptance/src/suites");
        for Suite { name, .. } in all() {
            let module = name.replace('-', "_");
            let is_module = modules.join(&module).is_dir() || modules.join(module + ".rs").is_file();
            assert!(commands::own(name).is_some() != is_module, "{name} is to be one or the other");
        }
    }

    /// Fails if: a suite of the long mode runs without being asked for, or one that was named does not.
    #[test]
    fn chooses() {
        let names = |named: &[&str], without: &[&str], everything| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            choose(&owned(named), &owned(without), everything)
                .map(|suites| suites.iter().map(|suite| suite.name.as_str()).collect::<Vec<_>>())
        };
        let default = names(&[], &[], false).unwrap();
        assert!(default.contains(&"lint") && !default.contains(&"advisories"), "{default:?}");
        let everything = names(&[], &[], true).unwrap();
        assert_eq!(everything.len(), all().iter().filter(|suite| !suite.asked).count());
        assert!(!everything.contains(&"real-server"));
        assert_eq!(names(&["real-server"], &[], false).unwrap(), ["real-server"]);
        assert_eq!(names(&["advisories", "unit"], &["unit"], false).unwrap(), ["advisories"]);
        assert!(names(&["unit"], &["unit"], false).is_err());
        assert!(names(&["no-such-suite"], &[], false).unwrap_err().to_string().contains("lint"));
    }

    /// The suites as a table in Markdown.
    fn table() -> String {
        let row = |suite: &Suite| format!("| `{}` | {} | {} |\n", suite.name, suite.describe(), suite.with);
        "| suite | proves | with |\n|---|---|---|\n".to_owned() + &all().iter().map(row).collect::<String>()
    }

    /// Fails if: the documentation's table of suites is not made of the registry.
    #[test]
    fn suites_are_documented() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/testing.md");
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once("| suite |").expect("a table of suites");
        let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
        let expected = format!("{before}{}\n{after}", table());
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(&path, expected).unwrap();
            return;
        }
        assert!(
            text == expected,
            "docs/testing.md: run: UPDATE_GENERATED=1 cargo test -p xtask suites_are_documented"
        );
    }
}
