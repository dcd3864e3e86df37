//! `.DS_Store`, in which Finder keeps how the window of a folder looks: here that of a disk image, with a picture behind
//! the icons.
//!
//! Apple has not published the format. It is described by Wim Lewis and Mark Mentovai ([Mac::Finder::DSStore]), and read
//! by the Python package [ds_store]: a tree of records in blocks that a buddy allocator gives out. A window needs few
//! records, so the tree is one leaf, and every block has its fixed place.
//!
//! The picture is named by an alias alone. A bookmark (`pBBk`) beside it, which some tools write, makes Finder of macOS
//! 26.2 show [no picture at all].
//!
//! [Mac::Finder::DSStore]: https://metacpan.org/dist/Mac-Finder-DSStore/view/DSStoreFormat.pod
//! [ds_store]: https://ds-store.readthedocs.io/
//! [no picture at all]: https://github.com/dmgbuild/dmgbuild/issues/273

mod alias;
mod binary_plist;

use crate::hfs_plus::{Id, Volume};
use alias::Alias;
use binary_plist::Value;

/// Bytes of the leaf, and so at most of all records.
const LEAF: usize = 4096;

/// Blocks: where each begins, and the power of two that is its size. Offsets count from the fifth byte of the file.
const HEADER: Block = Block { offset: 0, width: 5 };
const TREE: Block = Block { offset: 32, width: 5 };
const ALLOCATOR: Block = Block { offset: 2048, width: 11 };
const RECORDS: Block = Block { offset: 4096, width: 12 };
/// Their numbers are their places here; the header has none.
const NUMBERED: [Block; 3] = [ALLOCATOR, TREE, RECORDS];

/// Bytes of the header that nobody knows the meaning of, as Finder writes them.
const UNKNOWN: [u32; 4] = [0x100c, 0x87, 0x200b, 0];

/// What cannot be in a window.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// More than a leaf holds.
    #[error("a window's .DS_Store has room for {LEAF} bytes, and this one needs {0}: place fewer icons")]
    TooMuch(usize),
    /// The picture is not named as an alias can name it.
    #[error("the picture {0:?} must be a file on the top of its volume")]
    Picture(String),
}

/// How the window of a volume looks: icons on a picture, without bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Left and lower edge on the screen.
    pub position: (u32, u32),
    /// Width and height, with the title.
    pub size: (u32, u32),
    /// Width and height of icons.
    pub icon_size: u32,
    /// Where the middle of each file's icon is, from the upper left.
    pub icons: Vec<(String, (u32, u32))>,
}

impl Window {
    /// The file, for the root of `volume`; `picture` is the number and name of the file with the picture, which lies
    /// there, too.
    ///
    /// # Errors
    /// If there is more in the window than the file can say.
    pub fn to_bytes(&self, volume: &Volume, picture: Option<(Id, &str)>) -> Result<Vec<u8>, Error> {
        let ((left, bottom), (width, height)) = (self.position, self.size);
        let bounds = format!("{{{{{left}, {bottom}}}, {{{width}, {height}}}}}");
        let window = binary_plist::write(&[
            ("ContainerShowSidebar", Value::Boolean(false)),
            ("PreviewPaneVisibility", Value::Boolean(false)),
            ("ShowPathbar", Value::Boolean(false)),
            ("ShowSidebar", Value::Boolean(false)),
            ("ShowStatusBar", Value::Boolean(false)),
            ("ShowTabView", Value::Boolean(false)),
            ("ShowToolbar", Value::Boolean(false)),
            ("WindowBounds", Value::Text(bounds)),
        ]);
        let mut records = vec![
            Record::new(".", *b"bwsp", Data::Blob(window)),
            Record::new(".", *b"icvl", Data::Type(*b"icnv")),
            Record::new(".", *b"icvp", Data::Blob(self.view(volume, picture)?)),
            Record::new(".", *b"vSrn", Data::Long(1)),
        ];
        for (name, (x, y)) in &self.icons {
            let place = [*x, *y, 0xffff_ffff, 0xffff_0000].map(u32::to_be_bytes).concat();
            records.push(Record::new(name, *b"Iloc", Data::Blob(place)));
        }
        records.sort_by_key(Record::order);
        file(&records)
    }

    /// How icons are shown.
    fn view(&self, volume: &Volume, picture: Option<(Id, &str)>) -> Result<Vec<u8>, Error> {
        let mut view = vec![
            ("arrangeBy", Value::Text("none".to_owned())),
            ("backgroundColorBlue", Value::Real(1.0)),
            ("backgroundColorGreen", Value::Real(1.0)),
            ("backgroundColorRed", Value::Real(1.0)),
        ];
        // 0 is no background, 2 a picture.
        let mut kind = 0;
        if let Some((id, name)) = picture {
            if name.contains('/') {
                return Err(Error::Picture(name.to_owned()));
            }
            let alias =
                Alias { volume: volume.name(), time: volume.stored_time(), file: name, id: id.number() };
            view.push(("backgroundImageAlias", Value::Data(alias.to_bytes())));
            kind = 2;
        }
        view.extend([
            ("backgroundType", Value::Integer(kind)),
            ("gridOffsetX", Value::Real(0.0)),
            ("gridOffsetY", Value::Real(0.0)),
            ("gridSpacing", Value::Real(100.0)),
            ("iconSize", Value::Real(f64::from(self.icon_size))),
            ("labelOnBottom", Value::Boolean(true)),
            ("showIconPreview", Value::Boolean(false)),
            ("showItemInfo", Value::Boolean(false)),
            ("textSize", Value::Real(13.0)),
            ("viewOptionsVersion", Value::Integer(1)),
        ]);
        Ok(binary_plist::write(&view))
    }
}

/// One fact about a file, or about the folder itself, which is called `.`.
struct Record {
    name: String,
    code: [u8; 4],
    data: Data,
}

enum Data {
    Long(u32),
    Type([u8; 4]),
    Blob(Vec<u8>),
}

impl Record {
    fn new(name: &str, code: [u8; 4], data: Data) -> Record {
        Record { name: name.to_owned(), code, data }
    }

    fn order(&self) -> (String, [u8; 4]) {
        (self.name.to_lowercase(), self.code)
    }

    fn bytes(&self) -> Vec<u8> {
        let name: Vec<u16> = self.name.encode_utf16().collect();
        let mut bytes = (name.len() as u32).to_be_bytes().to_vec();
        bytes.extend(name.into_iter().flat_map(u16::to_be_bytes));
        bytes.extend(self.code);
        match &self.data {
            Data::Long(number) => bytes.extend([*b"long", number.to_be_bytes()].concat()),
            Data::Type(code) => bytes.extend([*b"type", *code].concat()),
            Data::Blob(blob) => {
                bytes.extend([*b"blob", (blob.len() as u32).to_be_bytes()].concat());
                bytes.extend(blob);
            }
        }
        bytes
    }
}

/// A place that the allocator gave out.
#[derive(Clone, Copy)]
struct Block {
    offset: u32,
    width: u32,
}

impl Block {
    fn size(self) -> u32 {
        1 << self.width
    }

    /// Offset and size in one number.
    fn address(self) -> u32 {
        self.offset | self.width
    }
}

/// The file with these records, which are in order.
fn file(records: &[Record]) -> Result<Vec<u8>, Error> {
    let (no_next, count) = (0, records.len() as u32);
    let mut leaf = words(&[no_next, count]);
    leaf.extend(records.iter().flat_map(Record::bytes));
    if leaf.len() > LEAF {
        return Err(Error::TooMuch(leaf.len()));
    }
    let (root, levels_above_leaves, nodes) = (2, 0, 1);
    let tree = words(&[root, levels_above_leaves, count, nodes, LEAF as u32]);
    let mut header = b"Bud1".to_vec();
    header.extend(words(&[ALLOCATOR.offset, ALLOCATOR.size(), ALLOCATOR.offset]));
    header.extend(words(&UNKNOWN));

    let mut file = vec![0; 4 + (RECORDS.offset + RECORDS.size()) as usize];
    file[..4].copy_from_slice(&1_u32.to_be_bytes());
    for (block, bytes) in [(HEADER, header), (TREE, tree), (ALLOCATOR, allocator()), (RECORDS, leaf)] {
        debug_assert!(bytes.len() <= block.size() as usize);
        let at = 4 + block.offset as usize;
        file[at..at + bytes.len()].copy_from_slice(&bytes);
    }
    Ok(file)
}

/// What is given out, what it is for, and what is free.
fn allocator() -> Vec<u8> {
    let unknown = 0;
    let mut bytes = words(&[NUMBERED.len() as u32, unknown]);
    let mut addresses = NUMBERED.map(Block::address).to_vec();
    addresses.resize(256, 0);
    bytes.extend(words(&addresses));
    let (names, number_of_tree) = (1, 1);
    bytes.extend(words(&[names]));
    bytes.push(4);
    bytes.extend(b"DSDB");
    bytes.extend(words(&[number_of_tree]));
    // Splitting 2 GiB until a block of 32 bytes is left leaves one free block of every size, and its offset is its size.
    // Those that were given out since are missing.
    for width in 0..32 {
        let offset = 1_u32 << width;
        let is_taken = [HEADER, TREE, ALLOCATOR, RECORDS].iter().any(|block| block.offset == offset);
        if (HEADER.width..31).contains(&width) && !is_taken {
            bytes.extend(words(&[1, offset]));
        } else {
            bytes.extend(words(&[0]));
        }
    }
    bytes
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}
