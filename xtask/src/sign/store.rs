//! A folder of detached signatures: from them and the unsigned files come the signed files, bit for bit, without a
//! key. Whatever still waits for its signature is in the list as well, so that the next run goes on from there.
//!
//! For each version of the product a folder; in it a PEM file `NODE.p7s` for each signed file, or `NODE.signature` for one
//! of macOS, with `NODE.ticket` if a notary accepted it; and [`LIST`], which says which files they are for. A program's node
//! is `TRIPLE/NAME`, an artifact's is the name of its file.

use super::signer::NodeKind;
use anyhow::{Context, Result, bail, ensure};
use packager::digest::sha256_file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The list of a folder's signatures.
pub(crate) const LIST: &str = "signatures.json";

/// What is known of one signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// SHA-256 of the file without signature, hexadecimal.
    pub(crate) unsigned_sha256: String,
    /// SHA-256 of the file with it.
    pub(crate) signed_sha256: String,
    /// SHA-256 of the file with the signature alone.
    pub(crate) signature_sha256: String,
    /// Whether an installer's signature covers the names and properties of its streams, too.
    pub(crate) extended: bool,
    /// What attached it, with its version.
    pub(crate) attached_by: String,
    /// What a program was made with, as far as that was known: it is listed with the artifacts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) toolchain: String,
    /// What the notary said of the signed file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notarised: Option<Notarised>,
}

/// That a notary accepted a signed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notarised {
    /// What the notary calls it.
    pub(crate) submission: String,
    /// The ticket that was stapled to it; nothing is stapled to programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<Ticket>,
}

/// A stored ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ticket {
    /// SHA-256 of the file with the ticket alone.
    pub(crate) ticket_sha256: String,
    /// SHA-256 of the signed file with it.
    pub(crate) stapled_sha256: String,
}

/// A signed file that the notary has not judged yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submitted {
    /// SHA-256 of the signed file.
    pub(crate) signed_sha256: String,
    /// What the notary calls it, if it has it.
    pub(crate) submission: Option<String>,
    /// What is waited for.
    #[serde(rename = "for")]
    pub(crate) whom: String,
}

/// A file that somebody outside is to sign, and has not yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Waiting {
    /// SHA-256 of the file, hexadecimal.
    pub(crate) unsigned_sha256: String,
    /// Whom or what it waits for.
    #[serde(rename = "for")]
    pub(crate) whom: String,
}

/// The signatures of one version, by node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    /// What is known of each.
    pub(crate) files: BTreeMap<String, Entry>,
    /// What is still waited for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) waiting: BTreeMap<String, Waiting>,
    /// What is signed, and waits for the notary.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) submitted: BTreeMap<String, Submitted>,
}

/// What the signature of a node is called.
pub(crate) fn file_name(node: &str) -> String {
    let ending = if is_for_mac(node) { "signature" } else { "p7s" };
    format!("{}.{ending}", node.replace('/', "-"))
}

/// What the notary's ticket of a node is called.
pub(crate) fn ticket_name(node: &str) -> String {
    format!("{}.ticket", node.replace('/', "-"))
}

/// Whether a node, or a target, is for macOS.
pub(crate) fn is_for_mac(node: &str) -> bool {
    NodeKind::of_mac_node(node).is_some()
}

impl Store {
    /// Reads the list of a folder.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub(crate) fn load(folder: &Path) -> Result<Store> {
        let path = folder.join(LIST);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("reading {}: name the folder that `cargo xtask sign` wrote signatures to", path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
    }

    /// The signature for an unsigned file, and what is known of it.
    ///
    /// # Errors
    /// If there is none, or the file or the signature is not the one that was signed with; the error says which.
    pub(crate) fn signature(&self, folder: &Path, node: &str, unsigned: &Path) -> Result<(PathBuf, &Entry)> {
        let list = folder.join(LIST);
        if let Some(waiting) = self.waiting.get(node) {
            bail!("{} has no signature for {node} yet: it waits for {}", list.display(), waiting.whom);
        }
        let entry = self.files.get(node).with_context(|| {
            format!("{} has no signature for {node}: was another version signed?", list.display())
        })?;
        let found = sha256_file(unsigned)?;
        ensure!(
            found == entry.unsigned_sha256,
            "the unsigned {node} is not the one that was signed: its SHA-256 is {found}, and {} says {}; build it from the sources that were signed, with the same toolchain",
            list.display(),
            entry.unsigned_sha256
        );
        let signature = folder.join(file_name(node));
        let found = sha256_file(&signature)?;
        ensure!(
            found == entry.signature_sha256,
            "{} is not the signature that was stored for {node}: its SHA-256 is {found}, and {} says {}; fetch it again, or, to sign anew, move the folder away",
            signature.display(),
            list.display(),
            entry.signature_sha256
        );
        Ok((signature, entry))
    }

    /// Every node that is known.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &str> {
        self.files.keys().chain(self.waiting.keys()).map(String::as_str)
    }

    /// The stored ticket of a node, if there is one.
    ///
    /// # Errors
    /// If the file is not the one that was stored.
    pub(crate) fn ticket(&self, folder: &Path, node: &str) -> Result<Option<(PathBuf, &Ticket)>> {
        let entry = self.files.get(node).and_then(|entry| entry.notarised.as_ref());
        let Some(ticket) = entry.and_then(|notarised| notarised.ticket.as_ref()) else { return Ok(None) };
        let path = folder.join(ticket_name(node));
        let found = sha256_file(&path)?;
        ensure!(
            found == ticket.ticket_sha256,
            "{} is not the ticket that was stored for {node}: its SHA-256 is {found}, and {} says {}; fetch it again",
            path.display(),
            folder.join(LIST).display(),
            ticket.ticket_sha256
        );
        Ok(Some((path, ticket)))
    }

    /// The list, as it is written.
    ///
    /// # Errors
    /// If it cannot be.
    pub(crate) fn list(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

impl Entry {
    /// SHA-256 of what is released: the signed file, with its ticket if it has one.
    pub(crate) fn released_sha256(&self) -> &str {
        let ticket = self.notarised.as_ref().and_then(|notarised| notarised.ticket.as_ref());
        ticket.map_or(&self.signed_sha256, |ticket| &ticket.stapled_sha256)
    }

    /// Refuses a signed file that is not the one that was released.
    ///
    /// # Errors
    /// If it differs, although file and signature are the same.
    pub(crate) fn check_signed(&self, node: &str, signed: &Path, tool: &str) -> Result<()> {
        let found = sha256_file(signed)?;
        ensure!(
            found == self.signed_sha256,
            "the signed {node} has other bits than it had, although the unsigned file and the signature are the same: its SHA-256 is {found}, and {LIST} says {}; {} attached it then, {tool} does now",
            self.signed_sha256,
            self.attached_by
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a signature for something else is handed out, or the error does not say what differs.
    #[test]
    fn says_what_differs() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("unsigned"), "unsigned").unwrap();
        fs::write(path("t-a.exe.p7s"), "signature").unwrap();
        let digest = |text: &str| packager::digest::sha256(text.as_bytes());
        let entry = |unsigned: &str, signature: &str| Entry {
            unsigned_sha256: digest(unsigned),
            signed_sha256: digest("signed"),
            signature_sha256: digest(signature),
            extended: false,
            attached_by: String::new(),
            toolchain: String::new(),
            notarised: None,
        };
        for (name, entry, message) in [
            ("t/a.exe", entry("unsigned", "signature"), None),
            (
                "t/a.exe",
                entry("other", "signature"),
                Some("the unsigned t/a.exe is not the one that was signed"),
            ),
            (
                "t/a.exe",
                entry("unsigned", "other"),
                Some("t-a.exe.p7s is not the signature that was stored for t/a.exe"),
            ),
            ("t/b.exe", entry("unsigned", "signature"), Some("has no signature for t/a.exe")),
        ] {
            let store = Store { files: [(name.to_owned(), entry)].into(), ..Store::default() };
            match (store.signature(folder.path(), "t/a.exe", &path("unsigned")), message) {
                (Ok((found, _)), None) => assert_eq!(found, path("t-a.exe.p7s")),
                (Err(error), Some(message)) => assert!(format!("{error:#}").contains(message), "{error:#}"),
                (other, _) => panic!("{message:?}: {other:?}"),
            }
        }
    }

    /// Fails if: what was written is read otherwise, what is waited for is lost, or a damaged list is believed.
    #[test]
    fn writes_what_it_reads() {
        let folder = tempfile::tempdir().unwrap();
        let waiting = Waiting { unsigned_sha256: "00".into(), whom: "the notary, request 4711".into() };
        let store = Store { waiting: [("a.msi".to_owned(), waiting)].into(), ..Store::default() };
        fs::write(folder.path().join(LIST), store.list().unwrap()).unwrap();
        assert_eq!(Store::load(folder.path()).unwrap(), store);
        let error = store.signature(folder.path(), "a.msi", &folder.path().join("a.msi")).unwrap_err();
        assert!(error.to_string().contains("it waits for the notary, request 4711"), "{error}");
        fs::write(folder.path().join(LIST), "{}").unwrap();
        assert!(format!("{:#}", Store::load(folder.path()).unwrap_err()).contains("is damaged"));
    }
}
