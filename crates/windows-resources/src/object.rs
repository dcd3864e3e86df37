//! The object file around the section.

use crate::Error;
use crate::tree::Section;
use object::write::{Object, Relocation, RelocationFlags};
use object::{Architecture, BinaryFormat, Endianness, SectionKind, pe};

/// Processors by Rust's names, and the relocation that each has for an address relative to the program's.
const ARCHITECTURES: &[(&str, Architecture, pe::RelocationType)] = &[
    ("x86_64", Architecture::X86_64, pe::IMAGE_REL_AMD64_ADDR32NB),
    ("aarch64", Architecture::Aarch64, pe::IMAGE_REL_ARM64_ADDR32NB),
];

pub(crate) fn write(section: &Section, architecture: &str) -> Result<Vec<u8>, Error> {
    let known = ARCHITECTURES.iter().find(|(name, ..)| *name == architecture);
    let Some(&(_, architecture, relocation)) = known else {
        return Err(Error::Architecture(architecture.to_owned()));
    };
    let mut object = Object::new(BinaryFormat::Coff, architecture, Endianness::Little);
    let id = object.add_section(Vec::new(), b".rsrc".to_vec(), SectionKind::ReadOnlyData);
    object.append_section_data(id, &section.bytes, 8);
    let symbol = object.section_symbol(id);
    for (at, to) in &section.addresses {
        let relocation = Relocation {
            offset: *at as u64,
            symbol,
            addend: *to as i64,
            flags: RelocationFlags::Coff { typ: relocation },
        };
        object.add_relocation(id, relocation)?;
    }
    Ok(object.write()?)
}
