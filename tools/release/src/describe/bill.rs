//! What the programs for one target are made of: one graph, which both forms of an SBOM write. What else is on the disk of an
//! appliance comes from [`super::appliance`].
//!
//! - Crates and who uses whom come from `cargo tree` for the packages of `artifacts.toml` and the target, which is how
//!   the programs are built: with these features and no others. `cargo metadata` would add those that tests want.
//!   Macros and build scripts are not in a program, and left out; no crate here is linked because a build script
//!   depends on it.
//! - Digests come from `Cargo.lock`.
//! - The rest is in `unlisted.toml`.
//!
//! Names of components are package URLs: <https://github.com/package-url/purl-spec>.

use super::unlisted::Unlisted;
use anyhow::{Context, Result, bail, ensure};
use packager::{Os, Target};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Separates the columns of `cargo tree`: in no name, licence or address.
const COLUMN: char = '|';

/// What stands in place of a licence that nobody has stated, as SPDX has it.
pub(super) const NO_LICENSE: &str = "NOASSERTION";

/// What something is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) name: String,
    pub(super) version: String,
    /// SPDX expression, or [`NO_LICENSE`].
    pub(super) license: String,
    pub(super) purl: String,
    pub(super) cpe: Option<String>,
    /// SHA-256 of the file of the crate or package.
    pub(super) sha256: Option<String>,
    pub(super) description: Option<String>,
    /// Repository or home page.
    pub(super) url: Option<String>,
    /// Whether it is a package of this workspace.
    pub(super) is_ours: bool,
}

/// All components of the programs for one target, by their package URLs, and what each of them uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Bill {
    pub(super) components: BTreeMap<String, Component>,
    pub(super) uses: BTreeMap<String, BTreeSet<String>>,
    /// The package URLs of the packages that were asked for, in that order.
    pub(super) roots: Vec<String>,
    /// The package URLs of what cargo compiles.
    pub(super) from_cargo: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The digests in a lock file, by name and version of the crate.
pub(super) struct Checksums(BTreeMap<(String, String), String>);

impl Checksums {
    /// Reads the lock file of a checkout.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn read(root: &Path) -> Result<Checksums> {
        let path = root.join("Cargo.lock");
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let lock: Lock = toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let locked = lock.package.into_iter();
        let checksums = locked.filter_map(|one| Some(((one.name, one.version), one.checksum?)));
        Ok(Checksums(checksums.collect()))
    }
}

/// What a bill is made from.
pub(super) struct Sources<'a> {
    /// The checkout.
    pub(super) root: &'a Path,
    pub(super) checksums: &'a Checksums,
    pub(super) unlisted: &'a Unlisted,
    /// Where a package of the workspace is, by its folder in the checkout: a package URL.
    pub(super) ours: &'a dyn Fn(&str) -> String,
}

impl Sources<'_> {
    /// The components of these packages of the workspace, compiled for a target.
    ///
    /// # Errors
    /// If cargo fails, or says what is not understood.
    pub(super) fn bill(&self, packages: &[&str], triple: &str) -> Result<Bill> {
        let tree = cargo_tree(self.root, packages, triple)?;
        let mut bill = self.of_tree(&tree)?;
        // cargo tells of them in an order of its own.
        let root = |package: &&str| {
            let found = bill.roots.iter().find(|root| bill.components[*root].name == **package).cloned();
            found.with_context(|| format!("`cargo tree` says nothing of {package}"))
        };
        bill.roots = packages.iter().map(root).collect::<Result<_>>()?;
        bill.add(self.unlisted, triple.parse::<Target>()?.os)?;
        Ok(bill)
    }

    /// Reads what `cargo tree` says: a line for each use, the depth in front, what it uses below it, but only once.
    fn of_tree(&self, tree: &str) -> Result<Bill> {
        let mut bill = Bill::default();
        let mut above: Vec<String> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let (depth, component) =
                self.component(line).with_context(|| format!("`cargo tree` says {line:?}"))?;
            ensure!(depth <= above.len(), "`cargo tree` says {line:?} below nothing");
            above.truncate(depth);
            let purl = component.purl.clone();
            match above.last() {
                Some(user) => {
                    bill.uses.entry(user.clone()).or_default().insert(purl.clone());
                }
                None => bill.roots.push(purl.clone()),
            }
            bill.from_cargo.insert(purl.clone());
            bill.components.insert(purl.clone(), component);
            above.push(purl);
        }
        Ok(bill)
    }

    /// A line: `DEPTHNAME vVERSION (FOLDER)|LICENCE|REPOSITORY`, and `(*)` behind what was said before.
    fn component(&self, line: &str) -> Result<(usize, Component)> {
        let start = line.find(|c: char| !c.is_ascii_digit()).context("that names nothing")?;
        let depth = line[..start].parse().context("that has no depth")?;
        let mut columns = line[start..].trim_end_matches(" (*)").split(COLUMN);
        let mut column = || columns.next().context("that lacks a column");
        let (package, license, url) = (column()?, column()?, column()?);
        let (name, rest) = package.split_once(" v").context("that has no version")?;
        let (version, folder) = rest.split_once(' ').unwrap_or((rest, ""));
        ensure!(!license.is_empty(), "that has no licence: ask its authors, or do without it");
        let checksum = self.checksums.0.get(&(name.to_owned(), version.to_owned())).cloned();
        let folder = Path::new(folder.trim_matches(['(', ')'])).strip_prefix(self.root);
        let purl = match (&checksum, folder) {
            (Some(_), _) => cargo_purl(name, version),
            (None, Ok(folder)) => (self.ours)(&folder.to_string_lossy()),
            (None, Err(_)) => bail!("that is neither in Cargo.lock nor in the workspace"),
        };
        let component = Component {
            name: name.to_owned(),
            version: version.to_owned(),
            license: spdx(license),
            purl,
            cpe: None,
            is_ours: checksum.is_none(),
            sha256: checksum,
            description: None,
            url: (!url.is_empty()).then(|| url.to_owned()),
        };
        Ok((depth, component))
    }
}

impl Bill {
    /// Adds what cargo does not know of.
    fn add(&mut self, unlisted: &Unlisted, os: Os) -> Result<()> {
        let found = unlisted.on(os).collect::<Vec<_>>();
        for row in &found {
            let users = match &row.of {
                None => self.roots.clone(),
                Some(of) => {
                    let beside = found.iter().filter(|other| other.name == *of).map(|other| other.purl());
                    let crates = self.components.values().filter(|component| component.name == *of);
                    beside.chain(crates.map(|component| component.purl.clone())).collect()
                }
            };
            // A library for the installer need not have everything that the program has.
            for user in users {
                self.uses.entry(user).or_default().insert(row.purl());
                self.components.entry(row.purl()).or_insert_with(|| row.component());
            }
        }
        Ok(())
    }

    /// Whether cargo compiles a component, whatever else brings it.
    pub(super) fn is_from_cargo(&self, component: &Component) -> bool {
        self.from_cargo.contains(&component.purl)
    }

    /// What one of the roots is made of.
    pub(super) fn of(&self, root: &str) -> Bill {
        let roots = vec![root.to_owned()];
        let mut bill = Bill { roots, from_cargo: self.from_cargo.clone(), ..Bill::default() };
        let mut left = vec![root];
        while let Some(purl) = left.pop() {
            if bill.components.contains_key(purl) {
                continue;
            }
            bill.components.insert(purl.to_owned(), self.components[purl].clone());
            if let Some(uses) = self.uses.get(purl) {
                bill.uses.insert(purl.to_owned(), uses.clone());
                left.extend(uses.iter().map(String::as_str));
            }
        }
        bill
    }
}

/// The package URL of a crate of the public registry.
pub(super) fn cargo_purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// An SPDX expression: older crates write `/` where they mean `OR`.
fn spdx(license: &str) -> String {
    license.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

/// What `cargo tree` says of packages for a target.
fn cargo_tree(root: &Path, packages: &[&str], triple: &str) -> Result<String> {
    let format = ["{p}", "{l}", "{r}"].join(&COLUMN.to_string());
    let mut arguments = vec!["tree", "--locked", "--edges", "normal,no-proc-macro"];
    arguments.extend(["--prefix", "depth", "--charset", "utf8", "--format", &format, "--target", triple]);
    arguments.extend(packages.iter().flat_map(|package| ["--package", package]));
    cargo(root, &arguments)
}

/// What cargo prints in a checkout.
///
/// # Errors
/// If it fails; with what it said.
pub(super) fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
    let doing = || format!("running `cargo {}` in {}", arguments.join(" "), root.display());
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(root)
        .env("LC_ALL", "C")
        .output()
        .with_context(doing)?;
    ensure!(
        output.status.success(),
        "{} failed:\n{}",
        doing(),
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    String::from_utf8(output.stdout).with_context(doing)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The checkout that this test belongs to.
    pub(in crate::describe) fn checkout() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
    }

    /// Fails if: a use is lost where `cargo tree` does not repeat itself, a crate counts as ours, or a line that is not
    /// understood is passed over.
    #[test]
    fn reads_the_tree() {
        let lock = [("a", "1.0.0"), ("b", "2.0.0+x")]
            .map(|(name, version)| ((name.to_owned(), version.to_owned()), format!("digest of {name}")));
        let sources = Sources {
            root: Path::new("/src"),
            checksums: &Checksums(lock.into()),
            unlisted: &Unlisted::default(),
            ours: &|folder| format!("ours:{folder}"),
        };
        let tree = "0one v0.1.0 (/src/crates/one)|MIT|\n1a v1.0.0|MIT/Apache-2.0|https://a\n2b v2.0.0+x|Zlib|\n\
                    1b v2.0.0+x|Zlib|\n\n0two v0.1.0 (/src/crates/two)|MIT|\n1a v1.0.0|MIT/Apache-2.0|https://a (*)\n";
        let bill = sources.of_tree(tree).unwrap();
        assert_eq!(bill.roots, ["ours:crates/one", "ours:crates/two"]);
        let a = &bill.components["pkg:cargo/a@1.0.0"];
        assert_eq!((a.license.as_str(), a.is_ours), ("MIT OR Apache-2.0", false));
        assert_eq!(a.sha256.as_deref(), Some("digest of a"));
        let all = ["ours:crates/one", "pkg:cargo/a@1.0.0", "pkg:cargo/b@2.0.0%2Bx"];
        assert!(bill.of("ours:crates/one").components.into_keys().eq(all));
        assert_eq!(bill.of("ours:crates/two").components.len(), 3);
        for (line, complaint) in [
            ("0c v1.0.0|MIT|", "neither in Cargo.lock nor"),
            ("0a v1.0.0||", "no licence"),
            ("0a|MIT|", "no version"),
            ("1a v1.0.0|MIT|", "below nothing"),
            ("a v1.0.0|MIT|", "no depth"),
        ] {
            let error = format!("{:#}", sources.of_tree(line).expect_err(line));
            assert!(error.contains(complaint), "{error}");
        }
    }
}
