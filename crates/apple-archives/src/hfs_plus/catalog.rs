//! Records of the catalog, "Catalog File" of TN1150: a file or folder under its parent's number and its name, and a
//! thread that leads from its own number back there.

use super::name::{self, Name};

/// The number of a file or folder, by which its own records and those of its children name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(super) u32);

impl Id {
    /// What the root's record has as its parent.
    pub(super) const PARENT_OF_ROOT: Id = Id(1);
    /// The folder that everything is in.
    pub const ROOT: Id = Id(2);
    /// The first that is free for files and folders.
    pub(super) const FIRST: Id = Id(16);

    /// The number itself.
    pub fn number(self) -> u32 {
        self.0
    }
}

/// What records are.
pub(super) const FOLDER: u16 = 1;
pub(super) const FILE: u16 = 2;
pub(super) const FOLDER_THREAD: u16 = 3;
pub(super) const FILE_THREAD: u16 = 4;

/// Bytes of a record of a folder, and of a file.
pub(super) const FOLDER_RECORD: usize = 88;
pub(super) const FILE_RECORD: usize = 248;

/// A file has a thread (`kHFSThreadExistsMask`); folders always have one.
const THREAD_EXISTS: u16 = 2;

/// What Finder keeps with a file or folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinderInfo {
    /// The type of a file; of folders nothing.
    pub kind: [u8; 4],
    /// The program that it belongs to.
    pub creator: [u8; 4],
    /// Such as [`FinderInfo::CUSTOM_ICON`].
    pub flags: u16,
}

impl FinderInfo {
    /// The folder has an icon of its own; that of a volume is in `.VolumeIcon.icns`.
    pub const CUSTOM_ICON: u16 = 0x0400;
    /// Finder does not show it.
    pub const INVISIBLE: u16 = 0x4000;
    /// What symbolic links are marked with.
    pub(super) const LINK: FinderInfo = FinderInfo { kind: *b"slnk", creator: *b"rhap", flags: 0 };

    pub(super) fn bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&self.kind);
        bytes[4..8].copy_from_slice(&self.creator);
        bytes[8..10].copy_from_slice(&self.flags.to_be_bytes());
        bytes
    }
}

/// Where the content of a file lies: in one piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fork {
    pub(super) size: u64,
    pub(super) start: u32,
    pub(super) blocks: u32,
    /// By how many bytes it would grow; for the files of the volume itself alone.
    pub(super) clump: u32,
}

impl Fork {
    pub(super) fn bytes(self) -> [u8; 80] {
        let mut bytes = [0; 80];
        bytes[..8].copy_from_slice(&self.size.to_be_bytes());
        let words = [self.clump, self.blocks, self.start, self.blocks];
        bytes[8..24].copy_from_slice(&words.map(u32::to_be_bytes).concat());
        bytes
    }
}

/// What a record says of a file or folder.
pub(super) struct Facts {
    pub(super) id: Id,
    pub(super) time: u32,
    /// Type and permissions, as `stat` has them.
    pub(super) mode: u16,
    pub(super) finder: FinderInfo,
    /// How many are in a folder, or where a file lies.
    pub(super) holds: Holds,
}

/// What a file or folder holds.
pub(super) enum Holds {
    Entries(u32),
    Data(Fork),
}

impl Facts {
    /// The record.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let (kind, flags, valence) = match self.holds {
            Holds::Entries(count) => (FOLDER, 0, count),
            Holds::Data(_) => (FILE, THREAD_EXISTS, 0),
        };
        let mut bytes = [kind, flags].map(u16::to_be_bytes).concat();
        bytes.extend([valence, self.id.0].map(u32::to_be_bytes).concat());
        let (created, modified, changed, read, backed_up) = (self.time, self.time, self.time, self.time, 0);
        bytes.extend([created, modified, changed, read, backed_up].map(u32::to_be_bytes).concat());
        let (owner, group, links) = (0_u32, 0_u32, 1_u32);
        bytes.extend([owner, group].map(u32::to_be_bytes).concat());
        bytes.extend([0; 2]);
        bytes.extend(self.mode.to_be_bytes());
        bytes.extend(links.to_be_bytes());
        bytes.extend(self.finder.bytes());
        // Encoding of the name for old programs, and a field that is reserved.
        bytes.extend([0; 8]);
        if let Holds::Data(data) = self.holds {
            let resources = Fork::default();
            bytes.extend([data, resources].map(Fork::bytes).concat());
        }
        bytes
    }

    /// The thread to the record.
    pub(super) fn thread(&self, parent: Id, name: &Name) -> Vec<u8> {
        let kind = if matches!(self.holds, Holds::Entries(_)) { FOLDER_THREAD } else { FILE_THREAD };
        let mut bytes = [kind, 0].map(u16::to_be_bytes).concat();
        bytes.extend(parent.0.to_be_bytes());
        bytes.extend(name::stored(name.as_str()));
        bytes
    }
}

/// The key of a record, with its length before it; the name of a thread's is empty.
pub(super) fn key(parent: Id, name: &str) -> Vec<u8> {
    let name = name::stored(name);
    let length = (4 + name.len()) as u16;
    [&length.to_be_bytes()[..], &parent.0.to_be_bytes(), &name].concat()
}
