//! `artifacts.toml`: what is made of a product, a row an artifact, and what is compiled for it.

use crate::{Format, Os, Platform, Product, Target, Version, formats};
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::path::Path;

/// The table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    /// What is compiled.
    #[serde(default, rename = "program")]
    programs: Vec<ProgramRow>,
    /// What is made.
    #[serde(rename = "artifact")]
    artifacts: Vec<Row>,
    /// What is made only when it is named.
    #[serde(default, rename = "appliance")]
    appliances: Vec<ApplianceRow>,
}

/// One artifact.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What people type: lower-case letters, digits, `-` and `_`.
    pub name: String,
    /// The name of its format.
    format: String,
    /// What the programs inside are compiled for: Rust target triples.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The names of the artifacts that it is made of.
    #[serde(default)]
    pub of: Vec<String>,
    /// The system, where no program and no artifact is inside that says it.
    system: Option<Os>,
    /// The further package of the product that it is, if it is not the product itself.
    package: Option<String>,
}

/// A disk with an artifact installed on it. Packages of an operating system go into it, which the
/// packager does not know how to get: it lists these rows, and others make what they say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplianceRow {
    /// What people type.
    pub name: String,
    /// The machine that it is for.
    pub system: String,
    /// The format of the disk, which is also how the name of its file ends.
    pub format: String,
    /// The artifact that is installed on it.
    pub of: String,
    /// Whether it is among the files of a release.
    #[serde(default)]
    pub release: bool,
}

/// One package of the workspace that is compiled.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramRow {
    /// The package, whose program or library has its name.
    pub package: String,
    /// What is made of it.
    pub kind: ProgramKind,
    /// The systems for which it is compiled; all, if none is named.
    #[serde(default)]
    systems: Vec<Os>,
}

/// What is made of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgramKind {
    /// An executable.
    Program,
    /// A library that an installer runs, beside the executable.
    Actions,
    /// An executable that begins an AppImage, and starts the one inside.
    Runtime,
}

impl ProgramRow {
    /// Whether it is compiled for a system.
    pub fn is_for(&self, os: Os) -> bool {
        self.systems.is_empty() || self.systems.contains(&os)
    }
}

impl Row {
    /// The format.
    ///
    /// # Errors
    /// If there is none of that name; the error lists those there are.
    pub fn format(&self) -> Result<&'static dyn Format> {
        formats::by_name(&self.format)
    }

    /// What of the product it is: the product itself, or one of its further packages.
    ///
    /// # Errors
    /// If the product has no such package.
    pub fn product<'a>(&self, product: &'a Product) -> Result<&'a Product> {
        match &self.package {
            None => Ok(product),
            Some(name) => product.package(name).with_context(|| format!("artifact {:?}", self.name)),
        }
    }
}

impl Rows {
    /// Reads the table.
    ///
    /// # Errors
    /// If the file cannot be read, has unknown or missing keys, or a row says what cannot be made.
    pub fn load(path: &Path) -> Result<Rows> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the table of artifacts {}", path.display()))?;
        Rows::parse(&text).with_context(|| format!("in the table of artifacts {}", path.display()))
    }

    /// Reads the text of the table.
    ///
    /// # Errors
    /// As [`Rows::load`].
    pub fn parse(text: &str) -> Result<Rows> {
        let rows: Rows = toml::from_str(text)?;
        let names = rows.artifacts.iter().map(|row| &row.name);
        let names: Vec<&String> = names.chain(rows.appliances.iter().map(|row| &row.name)).collect();
        for (index, name) in names.iter().enumerate() {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            ensure!(
                name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain),
                "artifact {name:?}: a name has lower-case letters, digits, '-' and '_'"
            );
            ensure!(!names[..index].contains(name), "there are two artifacts {name:?}");
        }
        for row in &rows.appliances {
            rows.row(&row.of).with_context(|| format!("appliance {:?}", row.name))?;
        }
        for row in &rows.artifacts {
            let doing = || format!("artifact {:?}", row.name);
            let format = row.format().with_context(doing)?;
            let platform = rows.platform(row)?;
            ensure!(
                format.supports(&platform),
                "artifact {:?}: there is no {} for {platform}",
                row.name,
                format.name()
            );
        }
        Ok(rows)
    }

    /// Every artifact, in the order of the table.
    pub fn artifacts(&self) -> &[Row] {
        &self.artifacts
    }

    /// Every appliance, in the order of the table. They are no [`artifacts`](Rows::artifacts): whoever makes everything does
    /// without them, but a release has some.
    pub fn appliances(&self) -> &[ApplianceRow] {
        &self.appliances
    }

    /// The appliance of that name, if there is one.
    pub fn appliance(&self, name: &str) -> Option<&ApplianceRow> {
        self.appliances.iter().find(|row| row.name == name)
    }

    /// What is compiled for a system.
    pub fn programs(&self, os: Os) -> impl Iterator<Item = &ProgramRow> {
        self.programs.iter().filter(move |row| row.is_for(os))
    }

    /// The artifact of that name.
    ///
    /// # Errors
    /// If there is none; the error lists those there are.
    pub fn row(&self, name: &str) -> Result<&Row> {
        let found = self.artifacts.iter().find(|row| row.name == name);
        let names = || self.artifacts.iter().map(|row| row.name.as_str()).collect::<Vec<_>>().join(", ");
        ensure!(
            self.appliance(name).is_none(),
            "{name:?} is an appliance, which `cargo xtask dist {name}` makes and nothing else"
        );
        found.with_context(|| format!("there is no artifact {name:?}: use {}", names()))
    }

    /// The artifacts of these names, by default all, and what they are made of; parts come before what is made of
    /// them, and otherwise the order is that of the table.
    ///
    /// # Errors
    /// If there is no artifact of a name; the error lists those there are.
    pub fn chosen(&self, names: &[String]) -> Result<Vec<&Row>> {
        let mut chosen = Vec::new();
        let wanted: Vec<&Row> = match names {
            [] => self.artifacts.iter().collect(),
            names => names.iter().map(|name| self.row(name)).collect::<Result<_>>()?,
        };
        for row in wanted {
            self.choose(row, &mut chosen)?;
        }
        Ok(chosen)
    }

    fn choose<'a>(&'a self, row: &'a Row, chosen: &mut Vec<&'a Row>) -> Result<()> {
        for part in &row.of {
            self.choose(self.row(part)?, chosen)?;
        }
        if !chosen.iter().any(|other| other.name == row.name) {
            chosen.push(row);
        }
        Ok(())
    }

    /// Every target whose programs go into an artifact, those of its parts included, each once.
    ///
    /// # Errors
    /// If a part is missing, or an artifact is made of itself.
    pub fn targets<'a>(&'a self, row: &'a Row) -> Result<Vec<&'a str>> {
        self.targets_below(row, 0)
    }

    fn targets_below<'a>(&'a self, row: &'a Row, depth: usize) -> Result<Vec<&'a str>> {
        ensure!(depth <= self.artifacts.len(), "artifact {:?} is made of itself", row.name);
        let mut targets: Vec<&str> = row.targets.iter().map(String::as_str).collect();
        for part in &row.of {
            let part = self.row(part).with_context(|| format!("artifact {:?}", row.name))?;
            for target in self.targets_below(part, depth + 1)? {
                if !targets.contains(&target) {
                    targets.push(target);
                }
            }
        }
        match (targets.is_empty(), row.system) {
            (true, None) => bail!("artifact {:?} has neither targets nor parts (of) nor a system", row.name),
            (false, Some(_)) => {
                bail!("artifact {:?}: its targets say the system: leave `system` out", row.name)
            }
            _ => Ok(targets),
        }
    }

    /// What an artifact is for.
    ///
    /// # Errors
    /// If its targets are unknown, or no artifact can have them at once.
    pub fn platform(&self, row: &Row) -> Result<Platform> {
        let doing = || format!("artifact {:?}", row.name);
        if let (Some(system), []) = (row.system, &*self.targets(row)?) {
            return Ok(Platform::any_processor(system));
        }
        let targets = self.targets(row)?.into_iter().map(|target| Ok(target.parse::<Target>()?));
        let targets: Vec<Target> = targets.collect::<Result<_>>().with_context(doing)?;
        Platform::new(&targets).with_context(doing)
    }

    /// What the file of an artifact is called.
    ///
    /// # Errors
    /// As [`Rows::platform`].
    pub fn file_name(&self, row: &Row, product: &Product, version: &Version) -> Result<String> {
        Ok(row.format()?.file_name(row.product(product)?, version, &self.platform(row)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = r#"
[[program]]
package = "sample"
kind = "program"
[[program]]
package = "actions"
kind = "actions"
systems = ["windows"]
[[artifact]]
name = "kit"
format = "gpo-kit"
of = ["msi"]
[[artifact]]
name = "msi"
format = "msi"
targets = ["x86_64-pc-windows-gnu"]
[[artifact]]
name = "deb"
format = "deb"
targets = ["x86_64-unknown-linux-musl"]
[[appliance]]
name = "disk"
system = "virtual-machine"
format = "qcow2"
of = "deb"
"#;

    /// Fails if: what an artifact is made of is missing or comes too late, or a program is compiled for the wrong system.
    #[test]
    fn parts_come_first() {
        let rows = Rows::parse(TABLE).unwrap();
        for (names, expected) in [
            (&[][..], &["msi", "kit", "deb"][..]),
            (&["deb", "kit"], &["deb", "msi", "kit"]),
            (&["msi", "msi"], &["msi"]),
        ] {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let found: Vec<&str> = rows.chosen(&names).unwrap().iter().map(|row| row.name.as_str()).collect();
            assert_eq!(found, expected, "{names:?}");
        }
        assert_eq!(rows.platform(rows.row("kit").unwrap()).unwrap().to_string(), "x86_64-windows");
        let programs = |os| rows.programs(os).map(|row| row.package.as_str()).collect::<Vec<_>>();
        assert_eq!(programs(Os::Linux), ["sample"]);
        assert_eq!(programs(Os::Windows), ["sample", "actions"]);
    }

    /// Fails if: a row that cannot be made is accepted, or the error does not say what there is instead.
    #[test]
    fn refuses_with_a_reason() {
        for (from, to, complaints) in [
            ("\"deb\"\nformat = \"deb\"", "\"deb\"\nformat = \"apk\"", &["\"apk\"", "deb, rpm"][..]),
            ("\"deb\"\nformat", "\"msi\"\nformat", &["two artifacts \"msi\""]),
            ("\"deb\"\nformat", "\"D\"\nformat", &["lower-case"]),
            ("linux-musl", "freebsd", &["\"deb\"", "x86_64-unknown-freebsd"]),
            ("linux-musl", "windows-gnu", &["there is no deb for x86_64-windows"]),
            ("targets = [\"x86_64-unknown-linux-musl\"]", "", &["neither targets nor parts"]),
            (
                "targets = [\"x86_64-unknown",
                "system = \"linux\"\ntargets = [\"x86_64-unknown",
                &["leave `system` out"],
            ),
            (
                "targets = [\"x86_64-unknown-linux-musl\"]",
                "system = \"linux\"",
                &["there is no deb for noarch-linux"],
            ),
            ("of = [\"msi\"]", "of = [\"pkg\"]", &["\"kit\"", "\"pkg\"", "kit, msi, deb"]),
            ("of = [\"msi\"]", "of = [\"kit\"]", &["made of itself"]),
            ("systems = [\"windows\"]", "systems = [\"unix\"]", &["unix", "linux"]),
            ("kind = \"actions\"", "kind = \"script\"", &["script", "program"]),
            ("targets", "target", &["unknown field `target`"]),
            ("\"disk\"", "\"deb\"", &["two artifacts \"deb\""]),
            ("of = \"deb\"", "of = \"rpm\"", &["appliance \"disk\"", "\"rpm\""]),
        ] {
            let text = TABLE.replace(from, to);
            assert_ne!(text, TABLE, "{from}");
            let error = format!("{:#}", Rows::parse(&text).expect_err(to));
            for complaint in complaints {
                assert!(error.contains(complaint), "{complaint:?} is not said in: {error}");
            }
        }
    }

    /// Fails if: an artifact that is asked for by a wrong name is not answered by the right ones.
    #[test]
    fn lists_what_there_is() {
        let error = Rows::parse(TABLE).unwrap().chosen(&["apk".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("\"apk\"") && error.contains("kit, msi, deb"), "{error}");
        let error = Rows::parse(TABLE).unwrap().row("disk").unwrap_err().to_string();
        assert!(error.contains("cargo xtask dist disk"), "{error}");
    }
}
