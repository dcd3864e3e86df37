//! Programs for macOS: what their load commands say of them, and universal programs of several slices.
//!
//! A program is specified by `<mach-o/loader.h>`, a universal one by `<mach-o/fat.h>` of
//! [XNU](https://github.com/apple-oss-distributions/xnu). Only 64-bit programs for Intel and Apple processors are known.

use object::LittleEndian;
use object::macho::{
    CPU_TYPE_ARM64, CPU_TYPE_X86_64, FAT_MAGIC, LC_CODE_SIGNATURE, LinkeditDataCommand, MH_EXECUTE,
    MachHeader64, SegmentCommand64,
};
use object::read::macho::{MachHeader as _, Section as _, Segment as _};
use std::ops::Range;

type LE = LittleEndian;

/// Bytes of the head of a universal program, and of what it says of each slice.
const FAT_HEAD: usize = 8;
const FAT_SLICE: usize = 20;
/// More slices than there are processors: such a file is no program (Java classes begin with the same bytes).
const MOST_SLICES: u32 = 16;

/// What is wrong with a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

type Result<T> = std::result::Result<T, Error>;

impl From<object::read::Error> for Error {
    fn from(error: object::read::Error) -> Error {
        Error(format!("it is damaged: {error}"))
    }
}

fn fail<T>(words: impl Into<String>) -> Result<T> {
    Err(Error(words.into()))
}

fn ensure(condition: bool, words: &str) -> Result<()> {
    if condition { Ok(()) } else { fail(words) }
}

/// A processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cpu {
    /// Intel's, with 64 bits.
    X86_64,
    /// Apple's.
    Arm64,
}

impl Cpu {
    fn from_type(number: u32) -> Result<Cpu> {
        match object::macho::CpuType(number) {
            CPU_TYPE_X86_64 => Ok(Cpu::X86_64),
            CPU_TYPE_ARM64 => Ok(Cpu::Arm64),
            other => fail(format!("it is for a processor with the number {:#x}", other.0)),
        }
    }

    /// What Apple calls it.
    pub fn name(self) -> &'static str {
        match self {
            Cpu::X86_64 => "x86_64",
            Cpu::Arm64 => "arm64",
        }
    }

    /// The size of a page of its memory, as a power of two: slices are aligned by it.
    fn page_bits(self) -> u32 {
        match self {
            Cpu::X86_64 => 12,
            Cpu::Arm64 => 14,
        }
    }
}

/// Where the parts of a program of one slice are that matter here.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The processor.
    pub cpu: Cpu,
    /// Its number and the number of its variant.
    cpu_numbers: [u32; 2],
    /// Number and bytes of the load commands.
    pub(crate) commands: (u32, u32),
    /// Where the load commands end, and where what follows them begins.
    pub(crate) room: Range<usize>,
    /// Where the load command of the signature is, if there is one.
    pub(crate) signature_command: Option<usize>,
    /// Where the signature is, with the bytes that fill it up.
    pub signature: Option<Range<usize>>,
    /// Where the load command of the last segment is, and where that begins in the file.
    pub(crate) linkedit: (usize, u64),
    /// Where the executable segment is in the file, and its length.
    pub(crate) text: (u64, u64),
}

impl Layout {
    /// Looks at a program.
    ///
    /// # Errors
    /// If it is none, is damaged, or has bytes behind its end.
    pub fn read(bytes: &[u8]) -> Result<Layout> {
        let Ok(header) = MachHeader64::<LE>::parse(bytes, 0) else {
            return fail("it is no 64-bit program for macOS");
        };
        let Ok(endian) = header.endian() else {
            return fail("it is no program for little-endian processors");
        };
        let cpu = Cpu::from_type(header.cputype(endian).0)?;
        ensure(
            header.filetype(endian) == MH_EXECUTE,
            "it is no program that can be started, but something like a library",
        )?;
        let length = bytes.len() as u64;
        let (mut at, mut free_until) = (size_of::<MachHeader64<LE>>(), bytes.len());
        let (mut signature, mut linkedit, mut text) = (None, None, None);
        let mut commands = header.load_commands(endian, bytes, 0)?;
        while let Some(command) = commands.next()? {
            if let Some((segment, data)) = SegmentCommand64::<LE>::from_command(command)? {
                let (start, size) = (segment.fileoff(endian), segment.filesize(endian));
                let name = String::from_utf8_lossy(segment.name()).into_owned();
                let end = start.checked_add(size).filter(|end| *end <= length);
                let Some(end) = end else {
                    return fail(format!(
                        "its segment {name} reaches behind its end: the file is cut off or damaged"
                    ));
                };
                ensure(
                    name != "__LINKEDIT" || end == length,
                    "its segment __LINKEDIT does not end where the file does: something was cut off or appended",
                )?;
                match segment.name() {
                    b"__LINKEDIT" => linkedit = Some((at, start)),
                    b"__TEXT" => text = Some((start, size)),
                    _ => {}
                }
                let starts =
                    segment.sections(endian, data)?.iter().map(|section| section.offset(endian) as usize);
                free_until = starts.filter(|start| *start > 0).fold(free_until, usize::min);
            } else if command.cmd() == LC_CODE_SIGNATURE {
                let data: &LinkeditDataCommand<LE> = command.data()?;
                let (start, size) = (data.dataoff.get(endian) as usize, data.datasize.get(endian) as usize);
                let ends_with_file = start.checked_add(size) == Some(bytes.len());
                ensure(ends_with_file, "its signature does not end where the file does")?;
                ensure(signature.is_none(), "it has two signatures")?;
                signature = Some((at, start..bytes.len()));
            }
            at += command.cmdsize() as usize;
        }
        if let Some((_, range)) = &signature {
            ensure(range.start >= at, "its signature does not lie behind its load commands")?;
        }
        let Some(linkedit) = linkedit else { return fail("it has no segment __LINKEDIT") };
        let Some(text) = text.filter(|(start, size)| *start == 0 && *size > 0) else {
            return fail("it has no segment __TEXT at its start");
        };
        Ok(Layout {
            cpu,
            cpu_numbers: [header.cputype(endian).0, header.cpusubtype(endian).0],
            commands: (header.ncmds(endian), header.sizeofcmds(endian)),
            room: at..free_until,
            signature_command: signature.as_ref().map(|(command, _)| *command),
            signature: signature.map(|(_, range)| range),
            linkedit,
            text,
        })
    }
}

/// Whether bytes begin as a program of one slice does, or as a universal one.
pub fn is_program(bytes: &[u8]) -> bool {
    bytes.starts_with(&object::macho::MH_MAGIC_64.to_le_bytes()) || is_universal(bytes)
}

fn is_universal(bytes: &[u8]) -> bool {
    let count = bytes.get(4..8).and_then(|four| Some(u32::from_be_bytes(four.try_into().ok()?)));
    bytes.starts_with(&FAT_MAGIC.to_be_bytes()) && count.is_some_and(|count| count <= MOST_SLICES)
}

/// The slices of a program, in the order of the file; of one that is not universal, itself.
///
/// # Errors
/// If it is neither, a slice is not within it or is for another processor than the head says, or something lies between
/// the slices that belongs to none.
pub fn slices(bytes: &[u8]) -> Result<Vec<(Cpu, &[u8])>> {
    if !is_universal(bytes) {
        return Ok(vec![(Layout::read(bytes)?.cpu, bytes)]);
    }
    let word = |at: usize| -> Result<u32> {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
        four.map(u32::from_be_bytes).ok_or_else(|| Error("its list of slices is cut off".to_owned()))
    };
    let count = word(4)? as usize;
    let mut found = Vec::new();
    let mut end = FAT_HEAD + FAT_SLICE * count;
    for at in (0..count).map(|index| FAT_HEAD + FAT_SLICE * index) {
        let (start, size) = (word(at + 8)? as usize, word(at + 12)? as usize);
        let gap = bytes.get(end..start);
        ensure(
            gap.is_some_and(|gap| gap.iter().all(|byte| *byte == 0)),
            "there is something between its slices, or they overlap",
        )?;
        let Some(slice) = bytes.get(start..start.saturating_add(size)) else {
            return fail("a slice of it is cut off");
        };
        let layout = Layout::read(slice)?;
        ensure(
            layout.cpu_numbers == [word(at)?, word(at + 4)?],
            "a slice is for another processor than its list of slices says",
        )?;
        ensure(found.iter().all(|(cpu, _)| *cpu != layout.cpu), "two slices are for one processor")?;
        found.push((layout.cpu, slice));
        end = start + size;
    }
    ensure(!found.is_empty() && end == bytes.len(), "there is something behind its last slice")?;
    Ok(found)
}

/// A program of these slices: of a single one, that; of several, a [universal] one.
///
/// # Errors
/// As [`universal`].
pub fn joined(mut slices: Vec<Vec<u8>>) -> Result<Vec<u8>> {
    if slices.len() == 1 { Ok(slices.remove(0)) } else { universal(&slices) }
}

/// One program of several slices, each bit for bit as it is, in the form and order of Apple's `lipo`.
///
/// # Errors
/// If a slice is no program, two are for one processor, or it would have more than 4 GiB.
pub fn universal(slices: &[Vec<u8>]) -> Result<Vec<u8>> {
    let too_large = |_| Error("it would have more than 4 GiB".to_owned());
    let number = |number: usize| u32::try_from(number).map_err(too_large);
    let mut sorted = Vec::new();
    for slice in slices {
        sorted.push((Layout::read(slice)?, slice));
    }
    sorted.sort_by_key(|(layout, _)| layout.cpu.page_bits());
    ensure(sorted.windows(2).all(|pair| pair[0].0.cpu != pair[1].0.cpu), "two slices are for one processor")?;
    let mut head = [FAT_MAGIC, number(sorted.len())?].map(u32::to_be_bytes).concat();
    let mut end = FAT_HEAD + FAT_SLICE * sorted.len();
    let mut starts = Vec::new();
    for (layout, slice) in &sorted {
        let bits = layout.cpu.page_bits();
        let start = end.next_multiple_of(1 << bits);
        let [cpu, variant] = layout.cpu_numbers;
        let words = [cpu, variant, number(start)?, number(slice.len())?, bits];
        head.extend(words.map(u32::to_be_bytes).concat());
        starts.push(start);
        end = start + slice.len();
    }
    number(end)?;
    let mut out = head;
    for (start, (_, slice)) in starts.into_iter().zip(sorted) {
        out.resize(start, 0);
        out.extend(slice);
    }
    Ok(out)
}
