//! The smallest files that count as programs: heads without code.

/// A program for Linux: the head of an ELF file, then text, then the table of its one section.
pub(crate) fn elf(machine: u16) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    file[16] = 3; // ET_DYN
    file[18..20].copy_from_slice(&machine.to_le_bytes());
    file[20] = 1;
    file.extend("not really a program\n".repeat(1000).bytes());
    let sections = file.len() as u64;
    file[40..48].copy_from_slice(&sections.to_le_bytes());
    (file[58], file[60]) = (64, 1);
    file.resize(file.len() + 64, 0);
    file
}

/// A program for Windows that needs these libraries.
pub(crate) fn pe(machine: u16, libraries: &[&str]) -> Vec<u8> {
    const SECTION: u32 = 0x1000;
    let mut section = vec![0; 20 * (libraries.len() + 1)];
    for (index, name) in libraries.iter().enumerate() {
        let at = SECTION + section.len() as u32;
        section[20 * index + 12..20 * index + 16].copy_from_slice(&at.to_le_bytes());
        section.extend(name.bytes().chain([0]));
    }
    let mut file = b"MZ".to_vec();
    file.resize(0x40, 0);
    file[0x3c] = 0x40;
    file.extend(b"PE\0\0");
    file.extend(machine.to_le_bytes());
    file.extend(1_u16.to_le_bytes()); // sections
    file.extend([0; 12]);
    file.extend(240_u16.to_le_bytes()); // bytes of the optional header
    file.extend([0x22, 0]);
    let optional = file.len();
    file.resize(optional + 240, 0);
    file[optional..optional + 2].copy_from_slice(&[0x0b, 0x02]);
    file[optional + 108] = 16; // data directories; the second is that of the imports
    if !libraries.is_empty() {
        file[optional + 120..optional + 124].copy_from_slice(&SECTION.to_le_bytes());
        file[optional + 124..optional + 128].copy_from_slice(&(section.len() as u32).to_le_bytes());
    }
    file.extend(b".idata\0\0");
    for word in [section.len() as u32, SECTION, section.len() as u32, 0x200, 0, 0, 0, 0xc000_0040] {
        file.extend(word.to_le_bytes());
    }
    file.resize(0x200, 0);
    file.extend(section);
    file
}

/// A program for macOS without a signature, or with the mark of one at its end.
pub(crate) fn macho(cpu: u32, is_signed: bool) -> Vec<u8> {
    const TEXT_END: u64 = 0x4000;
    let end = TEXT_END + 100;
    let segment = |name: &str, start: u64, size: u64| {
        let mut command = [0x19_u32, 72].map(u32::to_le_bytes).concat();
        command.extend(name.bytes());
        command.resize(24, 0);
        command.extend([start, size, start, size].map(u64::to_le_bytes).concat());
        command.resize(72, 0);
        command
    };
    let mut commands = vec![segment("__TEXT", 0, TEXT_END), segment("__LINKEDIT", TEXT_END, end - TEXT_END)];
    if is_signed {
        commands.push([0x1d_u32, 16, end as u32 - 20, 20].map(u32::to_le_bytes).concat());
    }
    // LC_BUILD_VERSION: for macOS 11.0, built with 27.0, no tools.
    commands.push([0x32_u32, 24, 1, 11 << 16, 27 << 16, 0].map(u32::to_le_bytes).concat());
    let size: usize = commands.iter().map(Vec::len).sum();
    let words = [0xfeed_facf, cpu, 0, 2, commands.len() as u32, size as u32, 0x85, 0];
    let mut file = words.map(u32::to_le_bytes).concat();
    commands.iter().for_each(|command| file.extend(command));
    file.resize(TEXT_END as usize, 0);
    file.resize(end as usize, b'x');
    file
}
