//! Programs for tests: small, but with everything that a signer looks at.

use crate::mach_o::Cpu;

/// Where code and the last segment begin.
const TEXT_SIZE: u64 = 0x4000;
const CODE: u32 = 0x1000;

/// A program without a signature, which ends with `rest`.
pub(crate) fn program(cpu: Cpu, rest: &[u8]) -> Vec<u8> {
    let (number, variant): (u32, u32) = match cpu {
        Cpu::X86_64 => (0x0100_0007, 3),
        Cpu::Arm64 => (0x0100_000c, 0),
    };
    let segment = |name: &str, start: u64, size: u64, sections: u32| {
        let mut command = [0x19u32, 72 + 80 * sections].map(u32::to_le_bytes).concat();
        command.extend(name.as_bytes());
        command.resize(24, 0);
        command.extend(
            [0x1_0000_0000 + start, size.next_multiple_of(TEXT_SIZE), start, size]
                .map(u64::to_le_bytes)
                .concat(),
        );
        command.extend([5u32, 5, sections, 0].map(u32::to_le_bytes).concat());
        command
    };
    let mut commands = segment("__TEXT", 0, TEXT_SIZE, 1);
    let mut section = b"__text".to_vec();
    section.resize(16, 0);
    section.extend(b"__TEXT");
    section.resize(32, 0);
    section.extend([u64::from(CODE), 16].map(u64::to_le_bytes).concat());
    section.extend([CODE, 0, 0, 0, 0, 0, 0, 0].map(u32::to_le_bytes).concat());
    commands.extend(section);
    commands.extend(segment("__LINKEDIT", TEXT_SIZE, rest.len() as u64, 0));
    let header = [0xfeed_facf, number, variant, 2, 2, commands.len() as u32, 0x20_0085, 0];
    let mut bytes = header.map(u32::to_le_bytes).concat();
    bytes.extend(commands);
    bytes.resize(TEXT_SIZE as usize, 0);
    bytes.extend(rest);
    bytes
}

/// A signature, without a key, of code and of what else is signed, by slot.
pub(crate) fn signature(code: &[u8], specials: &[(u32, &[u8])]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let count = specials.iter().map(|(slot, _)| *slot).max().unwrap_or(0);
    let (head, identifier) = (44, b"sample\0");
    let digests = head + identifier.len() as u32 + 32 * count;
    let pages: Vec<&[u8]> = code.chunks(4096).collect();
    let length = digests + 32 * pages.len() as u32;
    let words =
        [0xfade_0c02, length, 0x2_0001, 2, digests, head, count, pages.len() as u32, code.len() as u32];
    let mut directory = words.map(u32::to_be_bytes).concat();
    directory.extend([32, 2, 0, 12, 0, 0, 0, 0]);
    directory.extend(identifier);
    for slot in (1..=count).rev() {
        let special = specials.iter().find(|(number, _)| *number == slot);
        directory.extend(special.map_or([0; 32], |(_, content)| Sha256::digest(content).into()));
    }
    pages.iter().for_each(|page| directory.extend(Sha256::digest(page)));
    let mut out = [0xfade_0cc0, 20 + length, 1, 0, 20].map(u32::to_be_bytes).concat();
    out.extend(directory);
    out
}
