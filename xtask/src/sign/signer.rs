//! Who signs what: the kinds of nodes of the plan that are signed by themselves, and what every signer can do.
//!
//! A node is a compiled program or an artifact. A further kind is a variant of [`NodeKind`] and an arm of
//! [`Signers::of`]; a further signer is a module.

use super::windows::Windows;
use anyhow::Result;
use packager::{Os, Row, Rows, Target};
use std::path::Path;

/// What is signed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// A program or library for Windows.
    WindowsProgram,
    /// A Windows Installer package.
    WindowsInstaller,
}

impl NodeKind {
    /// That of a program for a target, if somebody signs it.
    pub(super) fn of_program(triple: &str) -> Result<Option<NodeKind>> {
        Ok((triple.parse::<Target>()?.os == Os::Windows).then_some(NodeKind::WindowsProgram))
    }

    /// That of an artifact, if somebody signs it. One that only holds what is signed has none.
    pub(super) fn of_artifact(row: &Row) -> Result<Option<NodeKind>> {
        Ok((row.format()?.name() == "msi").then_some(NodeKind::WindowsInstaller))
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
}

/// Every signer.
pub(super) struct Signers {
    /// For what runs on Windows.
    pub(super) windows: Windows,
}

impl Signers {
    /// The one for a kind.
    pub(super) fn of(&self, kind: NodeKind) -> &dyn Signer {
        match kind {
            NodeKind::WindowsProgram | NodeKind::WindowsInstaller => &self.windows,
        }
    }
}
