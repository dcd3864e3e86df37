//! Aliases, by which Finder finds a file again: by names, numbers and times. Version 2, as the Python package [mac_alias]
//! describes it.
//!
//! [mac_alias]: https://mac-alias.readthedocs.io/

use crate::hfs_plus::Id;

/// Facts about the file that only some need, each with a number before it.
const FOLDER_NAME: u16 = 0;
const PATH: u16 = 2;
const FILE_NAME: u16 = 14;
const VOLUME_NAME: u16 = 15;
const VOLUME_TIME: u16 = 16;
const FILE_TIME: u16 = 17;
const POSIX_PATH: u16 = 18;
const MOUNT_POINT: u16 = 19;
const END: u16 = 0xffff;

/// An alias of a file on the top of a volume, which is as old as the volume.
pub(super) struct Alias<'a> {
    pub(super) volume: &'a str,
    /// Seconds since 1904.
    pub(super) time: u32,
    pub(super) file: &'a str,
    pub(super) id: u32,
}

impl Alias<'_> {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let (version, file_kind) = (2_u16, 0_u16);
        let mut body = [version, file_kind].map(u16::to_be_bytes).concat();
        body.extend(counted(self.volume, 28));
        body.extend(self.time.to_be_bytes());
        let fixed_disk = 0_u16;
        body.extend(b"H+");
        body.extend(fixed_disk.to_be_bytes());
        body.extend(Id::ROOT.number().to_be_bytes());
        body.extend(counted(self.file, 64));
        body.extend([self.id, self.time].map(u32::to_be_bytes).concat());
        let (no_type, no_creator) = ([0; 4], [0; 4]);
        body.extend([no_type, no_creator].concat());
        // How many folders up and down from the alias: unknown. Attributes and number of the volume: none.
        body.extend([0xff; 4]);
        body.extend([0; 4 + 2 + 10]);

        // Times to 1/65536 of a second.
        let time = (u64::from(self.time) << 16).to_be_bytes();
        fact(&mut body, FOLDER_NAME, self.volume.as_bytes());
        fact(&mut body, VOLUME_TIME, &time);
        fact(&mut body, FILE_TIME, &time);
        fact(&mut body, PATH, format!("{}:{}", self.volume, self.file).as_bytes());
        fact(&mut body, FILE_NAME, &unicode(self.file));
        fact(&mut body, VOLUME_NAME, &unicode(self.volume));
        fact(&mut body, POSIX_PATH, format!("/{}", self.file).as_bytes());
        fact(&mut body, MOUNT_POINT, format!("/Volumes/{}", self.volume).as_bytes());
        fact(&mut body, END, &[]);

        let no_application = [0; 4];
        let length = (no_application.len() + 2 + body.len()) as u16;
        [&no_application[..], &length.to_be_bytes(), &body].concat()
    }
}

fn fact(body: &mut Vec<u8>, number: u16, value: &[u8]) {
    body.extend([number, value.len() as u16].map(u16::to_be_bytes).concat());
    body.extend(value);
    body.resize(body.len().next_multiple_of(2), 0);
}

/// A name with its length before it in a field of `size` bytes, as much of it as fits.
fn counted(name: &str, size: usize) -> Vec<u8> {
    let name = &name.as_bytes()[..name.len().min(size - 1)];
    let mut field = vec![name.len() as u8];
    field.extend(name);
    field.resize(size, 0);
    field
}

fn unicode(name: &str) -> Vec<u8> {
    let units: Vec<u16> = name.encode_utf16().collect();
    std::iter::once(units.len() as u16).chain(units).flat_map(u16::to_be_bytes).collect()
}
