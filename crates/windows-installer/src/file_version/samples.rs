//! Programs with versions, for tests of this crate and of the validator, which takes this file by its path.

use object::read::coff::CoffFile;
use object::{Object, ObjectSection};
use windows_resources::{Resources, Version};

/// Where the section is in the file, and where in memory.
const FILE: usize = 0x200;
const MEMORY: u32 = 0x1000;

/// An icon with one picture of one byte.
const ICON: &[u8] = b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x01\0\0\0\x16\0\0\0x";

/// The resources of a program of that version, as they are linked.
pub(crate) fn resources(file: [u16; 4]) -> Vec<u8> {
    let version = Version { file, pre_release: false, texts: &[("ProductName", "Sample")] };
    let object = Resources { icon: ICON, version, manifest: "" }.object("x86_64").expect("resources");
    let coff: CoffFile<'_> = CoffFile::parse(object.as_slice()).expect("an object");
    let section = coff.sections().next().expect("a section");
    let mut bytes = section.data().expect("its content").to_vec();
    for (at, _) in section.relocations() {
        let at = usize::try_from(at).expect("a place");
        let field: &mut [u8; 4] = (&mut bytes[at..at + 4]).try_into().expect("a field");
        *field = (u32::from_le_bytes(*field) + MEMORY).to_le_bytes();
    }
    bytes
}

/// The least that is a program: headers and one section, which has the resources if there are any.
pub(crate) fn program(resources: &[u8]) -> Vec<u8> {
    let size = resources.len() as u32;
    let mut bytes = vec![0; FILE];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0\x64\x86\x01\0");
    put(0x54, &240_u16.to_le_bytes());
    let optional = 0x58;
    put(optional, &0x020b_u16.to_le_bytes());
    for (at, value) in [(32, 0x1000), (36, 0x200), (56, 0x10000), (60, FILE as u32), (108, 16)] {
        put(optional + at, &u32::to_le_bytes(value));
    }
    if size > 0 {
        put(optional + 112 + 2 * 8, &MEMORY.to_le_bytes());
        put(optional + 112 + 2 * 8 + 4, &size.to_le_bytes());
    }
    let section = optional + 240;
    put(section, b".rsrc\0\0\0");
    for (index, value) in [size, MEMORY, size, FILE as u32].into_iter().enumerate() {
        put(section + 8 + index * 4, &value.to_le_bytes());
    }
    bytes.extend(resources);
    bytes
}
