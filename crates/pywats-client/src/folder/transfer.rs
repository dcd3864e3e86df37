//! Writing files so that they appear whole or not at all, and moving files to another file system.

use super::{Folder, Identity, Moved, OpenFile, OpenRefused, temporary_name};
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

impl Folder {
    /// Writes a file that appears with all of its content, or not at all. An existing one is replaced
    /// if `replace` is set; otherwise the answer is [`Moved::NameTaken`].
    ///
    /// # Errors
    /// If the system fails to write, for example because the disk is full.
    pub fn write(&self, name: &OsStr, content: &[u8], replace: bool) -> io::Result<Moved> {
        let written = self.appear(name, replace, |file| file.write_all(content))?;
        if written == Moved::Done {
            self.sync()?;
        }
        Ok(written)
    }

    /// Writes a new file that appears with all of its content, or not at all. Its content survives a
    /// power cut; [`Folder::sync`] makes its name survive, too.
    ///
    /// # Errors
    /// If the system fails to write, for example because the disk is full.
    pub fn put(&self, name: &OsStr, content: &[u8]) -> io::Result<Moved> {
        self.appear(name, false, |file| file.write_all(content))
    }

    /// Whether a new file can be made here.
    pub fn takes_files(&self) -> bool {
        let temporary = temporary_name();
        let made = self.create(&temporary).map(drop);
        if made.is_ok() {
            self.discard(&temporary);
        }
        made.is_ok()
    }

    /// Writes small files under temporary names and gives these back. Their content is on the disk when this
    /// returns. They are given their names by [`Folder::rename_over`], or discarded.
    ///
    /// # Errors
    /// If the system fails to write; none of them is left then.
    pub fn write_temporaries(&self, contents: &[String]) -> io::Result<Vec<OsString>> {
        let mut names = Vec::with_capacity(contents.len());
        let written = contents
            .iter()
            .try_for_each(|content| {
                let name = temporary_name();
                let mut file = self.create(&name)?;
                names.push(name);
                file.write_all(content.as_bytes())
            })
            .and_then(|()| self.sync_files(&names));
        match written {
            Ok(()) => Ok(names),
            Err(error) => {
                names.iter().for_each(|name| self.discard(name));
                Err(error)
            }
        }
    }

    /// Writes a file that appears with all of its content, in place of one of the same name. The content is
    /// on the disk when this returns; that it has this name only after [`Folder::sync`].
    ///
    /// # Errors
    /// If the system fails to write; nothing has changed then.
    pub fn replace(
        &self,
        name: &OsStr,
        fill: impl FnOnce(&mut std::fs::File) -> io::Result<()>,
    ) -> io::Result<()> {
        let temporary = temporary_name();
        let mut file = self.create(&temporary)?;
        let written = fill(&mut file).and_then(|()| file.sync_all()).and_then(|()| {
            drop(file);
            self.rename_over(&temporary, name)
        });
        if written.is_err() {
            self.discard(&temporary);
        }
        written
    }

    /// Moves a plain file to a name in another folder, if it is still the one that `identity` says and
    /// if that name is free. Copies where the folders are on different file systems.
    ///
    /// # Errors
    /// If the system refuses; the file is then where it was.
    pub fn move_file(
        &self,
        name: &OsStr,
        identity: &Identity,
        to: &Folder,
        new: &OsStr,
    ) -> io::Result<Moved> {
        match self.rename(name, identity, to, new) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                self.copy_then_remove(name, identity, to, new)
            }
            result => result,
        }
    }

    fn copy_then_remove(
        &self,
        name: &OsStr,
        identity: &Identity,
        to: &Folder,
        new: &OsStr,
    ) -> io::Result<Moved> {
        let OpenFile { mut file, identity: opened, .. } = match self.open_file(name) {
            Ok(open) => open,
            Err(OpenRefused::Gone | OpenRefused::Foreign(_)) => return Ok(Moved::Changed),
            Err(OpenRefused::InUse) => return Err(io::ErrorKind::ResourceBusy.into()),
            Err(OpenRefused::Failed(error)) => return Err(error),
        };
        if opened != *identity {
            return Ok(Moved::Changed);
        }
        let copied = to.appear(new, false, |target| io::copy(&mut file, target).map(drop))?;
        if copied != Moved::Done {
            return Ok(copied);
        }
        to.sync()?;
        // Between here and the removal a crash leaves both files: more than needed, but nothing lost.
        // If somebody replaced the file meanwhile it stays: what was copied is what had been judged.
        drop(file);
        if let Err(error) = self.remove(name, identity) {
            // Without this every retry would add another copy.
            to.discard(new);
            return Err(error);
        }
        Ok(Moved::Done)
    }

    fn appear(
        &self,
        name: &OsStr,
        replace: bool,
        fill: impl FnOnce(&mut std::fs::File) -> io::Result<()>,
    ) -> io::Result<Moved> {
        let temporary = temporary_name();
        let mut file = self.create(&temporary)?;
        let written = fill(&mut file).and_then(|()| file.sync_all()).and_then(|()| {
            drop(file);
            self.put_in_place(&temporary, name, replace)
        });
        if !matches!(written, Ok(Moved::Done)) {
            self.discard(&temporary);
        }
        written
    }
}
