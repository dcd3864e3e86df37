//! What matters here of a program or library for Windows: its version resource and the table of its signatures.
//!
//! Specified in [PE Format](https://learn.microsoft.com/en-us/windows/win32/debug/pe-format), which the crate
//! `object` reads. Of the resources only the way to the version is followed: directories can lead to each other.

use object::LittleEndian as LE;
use object::pe::{
    IMAGE_DIRECTORY_ENTRY_RESOURCE, IMAGE_DIRECTORY_ENTRY_SECURITY, ImageDosHeader, ImageNtHeaders32,
    ImageNtHeaders64,
};
use object::read::pe::{
    DataDirectories, ImageNtHeaders, ResourceDirectory, ResourceDirectoryEntryData, ResourceDirectoryTable,
    SectionTable,
};

/// `RT_VERSION`, the name `VS_VERSION_INFO` that Windows asks for, and US English.
const VERSION: u32 = 16;
const VERSION_NAME: u32 = 1;
const ENGLISH: u32 = 1033;

/// Whether a file begins as a program or library, damaged or not.
pub fn begins_as_program(content: &[u8]) -> bool {
    let header = ImageDosHeader::parse(content).ok().map(|header| header.nt_headers_offset() as usize);
    header.and_then(|at| content.get(at..)).is_some_and(|headers| headers.starts_with(b"PE\0\0"))
}

/// A program or library: a portable executable.
#[derive(Debug)]
pub struct Image<'a> {
    content: &'a [u8],
    directories: DataDirectories<'a>,
    sections: SectionTable<'a>,
}

impl<'a> Image<'a> {
    /// `None` if it is none, such as a program for DOS or 16-bit Windows, or a damaged one.
    pub fn parse(content: &'a [u8]) -> Option<Image<'a>> {
        Image::with::<ImageNtHeaders64>(content).or_else(|| Image::with::<ImageNtHeaders32>(content))
    }

    fn with<Headers: ImageNtHeaders>(content: &'a [u8]) -> Option<Image<'a>> {
        let mut at = ImageDosHeader::parse(content).ok()?.nt_headers_offset().into();
        let (headers, directories) = Headers::parse(content, &mut at).ok()?;
        let sections = headers.sections(content, at).ok()?;
        Some(Image { content, directories, sections })
    }

    /// Where the table of signatures begins in the file and how long it is, if it is not empty.
    pub fn signatures(&self) -> Option<(usize, usize)> {
        // The one directory whose address is a place in the file.
        let (at, size) = self.directories.iter().nth(IMAGE_DIRECTORY_ENTRY_SECURITY)?.address_range();
        Some((at as usize, size as usize)).filter(|(_, size)| *size > 0)
    }

    /// The block [`VS_VERSIONINFO`](https://learn.microsoft.com/en-us/windows/win32/menurc/vs-versioninfo).
    pub(crate) fn version_resource(&self) -> Option<&'a [u8]> {
        let (address, _) = self.directories.get(IMAGE_DIRECTORY_ENTRY_RESOURCE)?.address_range();
        let resources = ResourceDirectory::new(self.sections.pe_data_at(self.content, address)?);
        let names = entry(resources, &resources.root().ok()?, VERSION, false)?.table()?;
        let languages = entry(resources, &names, VERSION_NAME, true)?.table()?;
        let data = entry(resources, &languages, ENGLISH, true)?.data()?;
        let content = self.sections.pe_data_at(self.content, data.offset_to_data.get(LE))?;
        content.get(..data.size.get(LE) as usize)
    }
}

/// What the entry of a directory with that number leads to, or else what the first one does.
fn entry<'a>(
    resources: ResourceDirectory<'a>,
    directory: &ResourceDirectoryTable<'a>,
    number: u32,
    or_first: bool,
) -> Option<ResourceDirectoryEntryData<'a>> {
    let wanted = directory.entries.iter().find(|entry| entry.name_or_id.get(LE) == number);
    wanted.or_else(|| directory.entries.first().filter(|_| or_first))?.data(resources).ok()
}
