//! Tar archives in the GNU variant (`tar(5)`), which every unpacker of the last decades reads.
//!
//! All entries carry one time. They belong to root, by number and by name, unless the archive is told of accounts.

use crate::{Entry, Kind, Owner};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::io::Write;
use tar::{EntryType, Header};

/// Bytes of the name field; the field needs no terminator when it is full.
const NAME_FIELD: usize = 100;
/// The name GNU tar gives to an entry that holds the long name of the next one.
const LONG_NAME_ENTRY: &[u8] = b"././@LongLink";

/// The number of each account, which is that of the group of its name too.
pub(super) type Accounts = BTreeMap<String, u32>;

/// An archive under construction, whose entries all lie in one top folder.
pub(super) struct Tar<W: Write> {
    builder: tar::Builder<W>,
    top: String,
    epoch: u32,
    accounts: Option<Accounts>,
}

impl<W: Write> Tar<W> {
    /// Starts an archive with its top folder, which ends with `/`. Every entry gets the time `epoch`.
    pub(super) fn new(out: W, top: &str, epoch: u32) -> Result<Self> {
        let mut tar = Tar { builder: tar::Builder::new(out), top: top.to_owned(), epoch, accounts: None };
        tar.append(top, EntryType::Directory, 0o755, &Owner::root(), &[], None)?;
        Ok(tar)
    }

    /// Starts an archive without a top folder, whose entries have the owners that they name.
    pub(super) fn of_root(out: W, accounts: Accounts, epoch: u32) -> Self {
        Tar { builder: tar::Builder::new(out), top: String::new(), epoch, accounts: Some(accounts) }
    }

    /// Adds an entry. Entries come parents first, in the order of their paths.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<()> {
        let name = format!("{}{}", self.top, entry.path);
        let doing = || format!("packing {}", entry.path);
        match (&entry.kind, entry.source()) {
            (Kind::Directory, _) => {
                self.append(&format!("{name}/"), EntryType::Directory, entry.mode, &entry.owner, &[], None)
            }
            (Kind::Link(target), _) => {
                self.append(&name, EntryType::Symlink, entry.mode, &entry.owner, &[], Some(target.as_str()))
            }
            (_, source) => {
                let bytes = source.context("a file without content")?.read()?;
                self.append(&name, EntryType::Regular, entry.mode, &entry.owner, &bytes, None)
            }
        }
        .with_context(doing)
    }

    /// Ends the archive and returns what it was written to.
    pub(super) fn finish(self) -> Result<W> {
        Ok(self.builder.into_inner()?)
    }

    fn append(
        &mut self,
        name: &str,
        kind: EntryType,
        mode: u32,
        owner: &Owner,
        bytes: &[u8],
        link: Option<&str>,
    ) -> Result<()> {
        if name.len() > NAME_FIELD {
            let mut long_name = name.as_bytes().to_vec();
            long_name.push(0);
            let header = self.header(LONG_NAME_ENTRY, EntryType::GNULongName, 0o644, long_name.len());
            self.append_finished(header, &long_name)?;
        }
        let field = &name.as_bytes()[..name.len().min(NAME_FIELD)];
        let mut header = self.header(field, kind, mode, bytes.len());
        if let Some(target) = link {
            ensure!(target.len() <= NAME_FIELD, "the link's target is longer than {NAME_FIELD} bytes");
            header.set_link_name_literal(target)?;
        }
        self.give(&mut header, owner)?;
        self.append_finished(header, bytes)
    }

    /// Gives an entry to its owner, where there are accounts.
    fn give(&self, header: &mut Header, owner: &Owner) -> Result<()> {
        let Some(accounts) = &self.accounts else { return Ok(()) };
        let number = |name: &str| {
            let found = accounts.get(name).copied();
            let known = || accounts.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            found.with_context(|| format!("there is no account {name:?}: use {}", known()))
        };
        header.set_uid(number(&owner.user)?.into());
        header.set_gid(number(&owner.group)?.into());
        if let Some(gnu) = header.as_gnu_mut() {
            (gnu.uname, gnu.gname) = ([0; 32], [0; 32]);
        }
        header.set_username(&owner.user)?;
        Ok(header.set_groupname(&owner.group)?)
    }

    fn header(&self, name: &[u8], kind: EntryType, mode: u32, size: usize) -> Header {
        let mut header = Header::new_gnu();
        // Written here, because `Header::set_path` drops the `./` that Debian's archives begin with.
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(self.epoch.into());
        header.set_size(size as u64);
        header.set_uid(0);
        header.set_gid(0);
        if let Some(gnu) = header.as_gnu_mut() {
            gnu.uname[..4].copy_from_slice(b"root");
            gnu.gname[..4].copy_from_slice(b"root");
        }
        header
    }

    fn append_finished(&mut self, mut header: Header, bytes: &[u8]) -> Result<()> {
        header.set_cksum();
        Ok(self.builder.append(&header, bytes)?)
    }
}
