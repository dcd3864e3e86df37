//! Programs for macOS: their ad hoc signature, and universal programs of several slices.
//!
//! A program is specified by `<mach-o/loader.h>`, a universal one by `<mach-o/fat.h>`, a signature by
//! `<kern/cs_blobs.h>` of [XNU](https://github.com/apple-oss-distributions/xnu). Apple's processors run nothing without a
//! signature; an ad hoc one has no key, but names the program and the digests of its pages. The linker's names the
//! program by a digest of its own, so every slice gets one that says what it is, the same wherever it is packed.

use crate::Arch;
use anyhow::{Context, Result, ensure};
use object::LittleEndian;
use object::macho::{
    CPU_TYPE_ARM64, CPU_TYPE_X86_64, FAT_MAGIC, LC_CODE_SIGNATURE, LinkeditDataCommand, MH_EXECUTE,
    MachHeader64, SegmentCommand64,
};
use object::read::macho::{MachHeader as _, Section as _, Segment as _};
use sha2::{Digest as _, Sha256};

type LE = LittleEndian;

/// Pages of which digests are taken: 4 KiB.
const HASH_PAGE_BITS: u8 = 12;
/// What the memory of the last segment is rounded to on either processor: 16 KiB.
const MEMORY_PAGE: u64 = 1 << 14;
/// Bytes of the load command that points to the signature.
const COMMAND_SIZE: usize = 16;
/// `CSMAGIC_EMBEDDED_SIGNATURE` and the blobs in it.
const EMBEDDED_SIGNATURE: u32 = 0xfade_0cc0;
const CODE_DIRECTORY: u32 = 0xfade_0c02;
const REQUIREMENTS: u32 = 0xfade_0c01;
const CMS_WRAPPER: u32 = 0xfade_0b01;
/// The slots that these blobs are in.
const SLOT_CODE_DIRECTORY: u32 = 0;
const SLOT_REQUIREMENTS: u32 = 2;
const SLOT_CMS: u32 = 0x1_0000;
/// The version of a code directory that knows where the executable segment is.
const DIRECTORY_VERSION: u32 = 0x2_0400;
/// Bytes of such a code directory before the identifier.
const DIRECTORY_HEAD: usize = 88;
/// `CS_ADHOC`.
const AD_HOC: u32 = 2;
/// `CS_HASHTYPE_SHA256` and its length.
const SHA256: [u8; 2] = [32, 2];
/// `CS_EXECSEG_MAIN_BINARY`.
const MAIN_BINARY: u64 = 1;

/// What matters here of a program of one slice.
struct Layout {
    arch: Arch,
    /// Type and subtype of the processor.
    cpu: [u32; 2],
    /// Number and bytes of the load commands.
    commands: (u32, u32),
    /// Where the load commands end, and where what follows them begins.
    room: (usize, usize),
    /// Where the load command of the signature and the signature are, if there is one.
    signature: Option<(usize, usize)>,
    /// Where the load command of the last segment is, and where that begins in the file.
    linkedit: (usize, u64),
    /// Where the executable segment is in the file, and its length.
    text: (u64, u64),
}

impl Layout {
    fn read(bytes: &[u8]) -> Result<Layout> {
        let header = MachHeader64::<LE>::parse(bytes, 0).context("it is no 64-bit program for macOS")?;
        let endian = header.endian().context("it is no program for little-endian processors")?;
        let arch = match header.cputype(endian) {
            CPU_TYPE_X86_64 => Arch::X86_64,
            CPU_TYPE_ARM64 => Arch::Aarch64,
            other => anyhow::bail!("it is for a processor with the number {other:#x}"),
        };
        ensure!(
            header.filetype(endian) == MH_EXECUTE,
            "it is no program that can be started, but something like a library"
        );
        let within =
            |start: u64, size: u64| start.checked_add(size).is_some_and(|end| end <= bytes.len() as u64);
        let (mut at, mut free_until) = (size_of::<MachHeader64<LE>>(), bytes.len());
        let (mut signature, mut linkedit, mut text) = (None, None, None);
        let mut commands = header.load_commands(endian, bytes, 0)?;
        while let Some(command) = commands.next()? {
            if let Some((segment, data)) = SegmentCommand64::<LE>::from_command(command)? {
                let (start, size) = (segment.fileoff(endian), segment.filesize(endian));
                let name = String::from_utf8_lossy(segment.name()).into_owned();
                ensure!(
                    within(start, size),
                    "its segment {name} reaches behind its end: the file is cut off or damaged"
                );
                ensure!(
                    name != "__LINKEDIT" || start + size == bytes.len() as u64,
                    "its segment __LINKEDIT does not end where the file does: something was cut off or appended"
                );
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
                let (start, size) =
                    (u64::from(data.dataoff.get(endian)), u64::from(data.datasize.get(endian)));
                ensure!(start + size == bytes.len() as u64, "its signature does not end where the file does");
                signature = Some((at, data.dataoff.get(endian) as usize));
            }
            at += command.cmdsize() as usize;
        }
        Ok(Layout {
            arch,
            cpu: [header.cputype(endian).0, header.cpusubtype(endian).0],
            commands: (header.ncmds(endian), header.sizeofcmds(endian)),
            room: (at, free_until),
            signature,
            linkedit: linkedit.context("it has no segment __LINKEDIT")?,
            text: text
                .filter(|(start, size)| *start == 0 && *size > 0)
                .context("it has no segment __TEXT at its start")?,
        })
    }
}

/// The program of one slice with an ad hoc signature that names it `identifier`, in place of the one it may have.
///
/// # Errors
/// If it is no program for this processor, or has no room for a signature.
pub(super) fn sign_ad_hoc(bytes: &[u8], arch: Arch, identifier: &str) -> Result<Vec<u8>> {
    let layout = Layout::read(bytes)?;
    ensure!(layout.arch == arch, "it is a program for {}, not for {}", layout.arch.name(), arch.name());
    let mut program = bytes.to_vec();
    let command = if let Some((command, start)) = layout.signature {
        let is_behind = (layout.room.0..=program.len()).contains(&start);
        ensure!(is_behind, "its signature does not lie behind its load commands and before its end");
        program.truncate(start);
        command
    } else {
        program.resize(program.len().next_multiple_of(16), 0);
        add_command(&mut program, &layout)?;
        layout.room.0
    };
    let limit = program.len();
    let size = signature_size(limit, identifier);
    let end = u64::try_from(limit + size)?;
    let words = [LC_CODE_SIGNATURE.0, COMMAND_SIZE as u32, u32::try_from(limit)?, u32::try_from(size)?];
    put(&mut program, command, &words.map(u32::to_le_bytes).concat());
    // The last segment holds the signature: its sizes in memory and in the file, 32 and 48 bytes into its command.
    let (linkedit, start) = layout.linkedit;
    let in_file = end.checked_sub(start).context("its segment __LINKEDIT begins behind its end")?;
    put(&mut program, linkedit + 32, &in_file.next_multiple_of(MEMORY_PAGE).to_le_bytes());
    put(&mut program, linkedit + 48, &in_file.to_le_bytes());
    let mut signature = signature(&program, layout.text, identifier)?;
    signature.resize(size, 0);
    program.extend(signature);
    Ok(program)
}

/// Makes room for the load command of the signature behind the others.
fn add_command(program: &mut [u8], layout: &Layout) -> Result<()> {
    let (end, free_until) = layout.room;
    let room = program.get(end..end + COMMAND_SIZE).filter(|_| end + COMMAND_SIZE <= free_until);
    ensure!(
        room.is_some_and(|room| room.iter().all(|byte| *byte == 0)),
        "there is no room for the load command of a signature: link with -headerpad"
    );
    let (count, size) = layout.commands;
    put(program, 16, &(count + 1).to_le_bytes());
    put(program, 20, &(size + COMMAND_SIZE as u32).to_le_bytes());
    Ok(())
}

fn put(program: &mut [u8], at: usize, bytes: &[u8]) {
    program[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Blobs of a signature: directory, requirements, and the place of a CMS signature, which an ad hoc one leaves empty.
const INDEX_SIZE: usize = 12 + 3 * 8;
const NO_REQUIREMENTS: [u32; 3] = [REQUIREMENTS, 12, 0];
const NO_CMS: [u32; 2] = [CMS_WRAPPER, 8];
/// Digests besides those of pages: of the requirements, and of an Info.plist, which a single program has not.
const SPECIAL_SLOTS: usize = 2;

fn directory_size(limit: usize, identifier: &str) -> usize {
    let pages = limit.div_ceil(1 << HASH_PAGE_BITS);
    DIRECTORY_HEAD + identifier.len() + 1 + (SPECIAL_SLOTS + pages) * usize::from(SHA256[0])
}

fn signature_size(limit: usize, identifier: &str) -> usize {
    (INDEX_SIZE + directory_size(limit, identifier) + 12 + 8).next_multiple_of(16)
}

/// The signature of a program that ends where the signature begins. Numbers in it are big-endian.
fn signature(program: &[u8], text: (u64, u64), identifier: &str) -> Result<Vec<u8>> {
    let requirements = NO_REQUIREMENTS.map(u32::to_be_bytes).concat();
    let directory = directory(program, text, identifier, &requirements)?;
    let blobs = [
        (SLOT_CODE_DIRECTORY, directory),
        (SLOT_REQUIREMENTS, requirements),
        (SLOT_CMS, NO_CMS.map(u32::to_be_bytes).concat()),
    ];
    let length = INDEX_SIZE + blobs.iter().map(|(_, blob)| blob.len()).sum::<usize>();
    let mut out =
        [EMBEDDED_SIGNATURE, u32::try_from(length)?, blobs.len() as u32].map(u32::to_be_bytes).concat();
    let mut at = INDEX_SIZE;
    for (slot, blob) in &blobs {
        out.extend([*slot, u32::try_from(at)?].map(u32::to_be_bytes).concat());
        at += blob.len();
    }
    blobs.iter().for_each(|(_, blob)| out.extend(blob));
    Ok(out)
}

fn directory(program: &[u8], text: (u64, u64), identifier: &str, requirements: &[u8]) -> Result<Vec<u8>> {
    let length = directory_size(program.len(), identifier);
    let pages: Vec<_> = program.chunks(1 << HASH_PAGE_BITS).collect();
    let first_page = DIRECTORY_HEAD + identifier.len() + 1 + SPECIAL_SLOTS * usize::from(SHA256[0]);
    let mut out: Vec<u8> = [
        CODE_DIRECTORY,
        u32::try_from(length)?,
        DIRECTORY_VERSION,
        AD_HOC,
        u32::try_from(first_page)?,
        DIRECTORY_HEAD as u32,
        SPECIAL_SLOTS as u32,
        u32::try_from(pages.len())?,
        u32::try_from(program.len())?,
    ]
    .map(u32::to_be_bytes)
    .concat();
    let platform = 0;
    out.extend([SHA256[0], SHA256[1], platform, HASH_PAGE_BITS]);
    // Spare, no scatter, no team, spare; no limit of 64 bits.
    out.extend([0; 4 * 4 + 8]);
    out.extend([text.0, text.1, MAIN_BINARY].map(u64::to_be_bytes).concat());
    out.extend(identifier.as_bytes());
    out.push(0);
    // Slots before the first page, the last of them first.
    out.extend(Sha256::digest(requirements));
    out.extend([0; 32]);
    pages.into_iter().for_each(|page| out.extend(Sha256::digest(page)));
    Ok(out)
}

/// One program of several slices, each bit for bit as it is, in the form and order of Apple's `lipo`.
///
/// # Errors
/// If a slice is no program, two are for one processor, or it would have more than 4 GiB.
pub(super) fn universal(slices: &[Vec<u8>]) -> Result<Vec<u8>> {
    let mut sorted = Vec::new();
    for slice in slices {
        let Layout { arch, cpu, .. } = Layout::read(slice)?;
        // The size of a page of memory on that processor, by which the slice is aligned.
        let bits: u32 = if arch == Arch::X86_64 { 12 } else { 14 };
        sorted.push((bits, cpu, slice));
    }
    sorted.sort_by_key(|(bits, ..)| *bits);
    ensure!(sorted.windows(2).all(|pair| pair[0].1[0] != pair[1].1[0]), "two slices are for one processor");
    let mut head = [FAT_MAGIC, u32::try_from(sorted.len())?].map(u32::to_be_bytes).concat();
    let mut end = (8 + 20 * sorted.len()) as u64;
    let mut starts = Vec::new();
    for (bits, [cpu, subtype], slice) in &sorted {
        let start = end.next_multiple_of(1 << bits);
        let words = [*cpu, *subtype, u32::try_from(start)?, u32::try_from(slice.len())?, *bits];
        head.extend(words.map(u32::to_be_bytes).concat());
        starts.push(usize::try_from(start)?);
        end = start + slice.len() as u64;
    }
    let mut out = head;
    for (start, (.., slice)) in starts.into_iter().zip(sorted) {
        out.resize(start, 0);
        out.extend(slice);
    }
    Ok(out)
}
