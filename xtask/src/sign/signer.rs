//! Who signs what: the kinds of nodes of the plan that are signed by themselves, and what every signer can do.
//!
//! A node is a compiled program or an artifact. A further kind is a variant of [`NodeKind`] and an arm of
//! [`Signers::of`]; a further signer is a module.

use super::apple::Apple;
use super::windows::Windows;
use anyhow::{Context, Result};
use packager::{Os, Recipe, Row, Rows, Target};
use std::path::Path;

/// What to do where nobody signs something.
const ELSE: &str =
    "signing.toml, which docs/signing.md describes; with --attach, name a folder that has such signatures";

/// What is signed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// A program or library for Windows.
    WindowsProgram,
    /// A Windows Installer package.
    WindowsInstaller,
    /// A program for macOS, of one slice.
    MacProgram,
    /// A bundle for macOS, in its archive.
    MacBundle,
    /// A flat package.
    MacPackage,
    /// A disk image.
    MacImage,
}

impl NodeKind {
    /// That of a program for a target, if somebody signs it.
    pub(super) fn of_program(triple: &str) -> Result<Option<NodeKind>> {
        Ok(match triple.parse::<Target>()?.os {
            Os::Windows => Some(NodeKind::WindowsProgram),
            Os::MacOs => Some(NodeKind::MacProgram),
            Os::Linux => None,
        })
    }

    /// That of an artifact, if somebody signs it. One that only holds what is signed has none.
    pub(super) fn of_artifact(row: &Row) -> Result<Option<NodeKind>> {
        Ok(match row.format()?.name() {
            "msi" => Some(NodeKind::WindowsInstaller),
            "app" => Some(NodeKind::MacBundle),
            "pkg" => Some(NodeKind::MacPackage),
            "dmg" => Some(NodeKind::MacImage),
            _ => None,
        })
    }

    /// That of a node with a stored signature, if it is for macOS.
    pub(super) fn of_mac_node(node: &str) -> Option<NodeKind> {
        let ends = [
            ("-apple-darwin", NodeKind::MacProgram),
            ("-app.zip", NodeKind::MacBundle),
            (".pkg", NodeKind::MacPackage),
            (".dmg", NodeKind::MacImage),
        ];
        let name = node.split('/').next().unwrap_or_default();
        ends.into_iter().find(|(end, _)| name.ends_with(end)).map(|(_, kind)| kind)
    }

    /// Whether it is for macOS.
    pub(super) fn is_for_mac(self) -> bool {
        !matches!(self, NodeKind::WindowsProgram | NodeKind::WindowsInstaller)
    }

    /// Everything that is signed in an artifact, and of it.
    pub(super) fn inside(rows: &Rows, row: &Row) -> Result<Vec<NodeKind>> {
        let mut kinds: Vec<NodeKind> = NodeKind::of_artifact(row)?.into_iter().collect();
        for triple in &row.targets {
            kinds.extend(NodeKind::of_program(triple)?);
        }
        for part in &row.of {
            kinds.extend(NodeKind::inside(rows, rows.row(part)?)?);
        }
        Ok(kinds)
    }
}

/// What a signer says when it is asked for a signature.
pub(super) enum Answer {
    /// The detached signature is there. Whether it covers the names and properties of an installer's streams, too.
    Signed { extended: bool },
    /// Somebody outside has not answered yet: whom or what it waits for.
    Waiting(String),
}

/// What came of asking the notary.
pub(super) enum Notarised {
    /// It accepts the file, and its ticket is there, if one is stapled to such files.
    Accepted { submission: String, has_ticket: bool },
    /// It has not answered yet: what it calls the file, if it has it, and what is waited for.
    Waiting { submission: Option<String>, whom: String },
}

/// Makes detached signatures, attaches and judges them.
pub(super) trait Signer {
    /// What attaches signatures, with its version.
    fn tool(&self) -> String;

    /// Asks for the signature of a file, to be put at `signature`. `said` is what the signer waited for when it was
    /// last asked for this one.
    ///
    /// # Errors
    /// If the file cannot be signed.
    fn sign(&self, unsigned: &Path, signature: &Path, said: Option<&str>) -> Result<Answer>;

    /// Whether a stored signature has all that a new one would have.
    ///
    /// # Errors
    /// If it cannot be read.
    fn is_enough(&self, signature: &Path) -> Result<bool>;

    /// Puts `from` with its signature at `to`.
    ///
    /// # Errors
    /// If that fails.
    fn attach(&self, signature: &Path, extended: bool, from_to: [&Path; 2]) -> Result<()>;

    /// Refuses a file that is not signed as it should be, or has in it what is not; tells what it finds.
    ///
    /// # Errors
    /// If it is such; the error says what is wrong.
    fn judge(&self, name: &str, file: &Path) -> Result<()>;

    /// Asks the notary for what is signed, and puts its ticket at `ticket`. `submission` is what it calls the file, if it
    /// has it already.
    ///
    /// # Errors
    /// If it does not accept the file; the error has its reasons.
    fn notarise(&self, signed: &Path, ticket: &Path, submission: Option<&str>) -> Result<Notarised>;

    /// Puts `from` with its ticket at `to`.
    ///
    /// # Errors
    /// If that fails.
    fn staple(&self, ticket: &Path, from_to: [&Path; 2]) -> Result<()>;
}

/// Every signer that the configuration, or the folder of signatures, knows.
pub(super) struct Signers {
    /// For what runs on Windows.
    pub(super) windows: Option<Windows>,
    /// For what runs on macOS.
    pub(super) apple: Option<Apple>,
}

impl Signers {
    /// Refuses an artifact in which something is signed that nobody here signs.
    ///
    /// # Errors
    /// If it is such; the error says what to do.
    pub(super) fn require(&self, recipe: &Recipe, row: &Row) -> Result<()> {
        // What everything is made of first: without it, nothing is.
        for kind in NodeKind::inside(&recipe.rows, row)?.into_iter().rev() {
            self.of(kind)?;
        }
        Ok(())
    }

    /// The one for a kind.
    ///
    /// # Errors
    /// If there is none; the error says what to do.
    pub(super) fn of(&self, kind: NodeKind) -> Result<&dyn Signer> {
        if kind.is_for_mac() {
            let is_package = self.apple.is_some() && kind == NodeKind::MacPackage;
            let (what, table) = if is_package {
                ("packages for macOS", "apple.installer")
            } else {
                ("what is for macOS", "apple")
            };
            let apple = self.apple.as_ref().filter(|apple| apple.kinds.contains(&kind));
            return apple
                .map(|signer| signer as &dyn Signer)
                .with_context(|| format!("nothing says how to sign {what}: give [{table}] in {ELSE}"));
        }
        let windows = self.windows.as_ref().map(|signer| signer as &dyn Signer);
        windows.with_context(|| format!("nothing says how to sign what is for Windows: give [key] in {ELSE}"))
    }
}
