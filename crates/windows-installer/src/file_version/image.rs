//! Finds the version resource of a program.
//!
//! The crate `editpe` reads all resources of a program into memory, each as often as the program names it, so
//! that a small file can take all of it. Here only the way to this one resource is followed.
//!
//! Specified in [PE Format](https://learn.microsoft.com/en-us/windows/win32/debug/pe-format).

use crate::bytes::{u16_at, u32_at};

/// `RT_VERSION`, the name `VS_VERSION_INFO` that Windows asks for, and US English.
const VERSION: u32 = 16;
const VERSION_NAME: u32 = 1;
const ENGLISH: u32 = 1033;

/// Lengths of the entry of a section, and of the head and the entries of a directory of resources.
const SECTION: usize = 40;
const DIRECTORY: usize = 16;
const ENTRY: usize = 8;
/// In an entry: what it leads to is another directory.
const IS_DIRECTORY: u32 = 0x8000_0000;

/// A program or library: a portable executable.
pub(crate) struct Image<'a> {
    content: &'a [u8],
    sections: &'a [u8],
    /// Where the resources are in memory; 0 if there are none.
    resources: u32,
}

impl<'a> Image<'a> {
    /// `None` if it is none, such as a program for DOS or 16-bit Windows.
    pub(crate) fn parse(content: &'a [u8]) -> Option<Image<'a>> {
        let header = u32_at(content, 0x3c)? as usize;
        if !content.starts_with(b"MZ") || !content.get(header..)?.starts_with(b"PE\0\0") {
            return None;
        }
        let optional = header + 24;
        let count = usize::from(u16_at(content, header + 6)?);
        let sections = optional + usize::from(u16_at(content, header + 20)?);
        // Directories follow the fields of the optional header, which are longer in 64-bit programs.
        let directories = match u16_at(content, optional)? {
            0x10b => optional + 96,
            0x20b => optional + 112,
            _ => return None,
        };
        let has_resources = u32_at(content, directories - 4)? > 2 && directories + 3 * 8 <= sections;
        Some(Image {
            content,
            sections: content.get(sections..)?.get(..count * SECTION)?,
            resources: if has_resources { u32_at(content, directories + 2 * 8)? } else { 0 },
        })
    }

    /// The block [`VS_VERSIONINFO`](https://learn.microsoft.com/en-us/windows/win32/menurc/vs-versioninfo).
    pub(crate) fn version_resource(&self) -> Option<&'a [u8]> {
        let root = self.place(self.resources)?;
        let names = self.entry(root, 0, VERSION, false)?;
        let languages = self.entry(root, below(names)?, VERSION_NAME, true)?;
        let data = self.entry(root, below(languages)?, ENGLISH, true)?;
        if data & IS_DIRECTORY != 0 {
            return None;
        }
        let at = root + data as usize;
        let (address, size) = (u32_at(self.content, at)?, u32_at(self.content, at + 4)?);
        self.content.get(self.place(address)?..)?.get(..size as usize)
    }

    /// Where in the file an address in memory is.
    fn place(&self, address: u32) -> Option<usize> {
        if address == 0 {
            return None;
        }
        self.sections.chunks_exact(SECTION).find_map(|section| {
            let field = |at: usize| u32_at(section, at);
            let offset = address.checked_sub(field(12)?)?;
            (offset < field(16)?).then_some(field(20)? as usize + offset as usize)
        })
    }

    /// What the entry of a directory with that number leads to, or else what the first one does.
    fn entry(&self, root: usize, directory: usize, number: u32, or_first: bool) -> Option<u32> {
        let at = root + directory;
        let count = usize::from(u16_at(self.content, at + 12)?) + usize::from(u16_at(self.content, at + 14)?);
        let entries = self.content.get(at + DIRECTORY..)?.chunks_exact(ENTRY).take(count);
        let wanted = entries.clone().find(|entry| u32_at(entry, 0) == Some(number));
        let found = wanted.or_else(|| entries.clone().next().filter(|_| or_first))?;
        u32_at(found, 4)
    }
}

/// Where the directory is that an entry leads to.
fn below(entry: u32) -> Option<usize> {
    (entry & IS_DIRECTORY != 0).then_some((entry & !IS_DIRECTORY) as usize)
}
