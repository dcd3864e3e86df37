//! Links objects as a linker would, and reads the resources with other people's code. What real linkers
//! make of them, and what other people's programs say to that, is for the acceptance bench.

use goblin::pe::Coff;
use goblin::pe::data_directories::DataDirectory;
use goblin::pe::resource::{ResourceData, VersionField};
use windows_resources::{Resources, Version};

/// Where the linker puts the section, in the file and in memory.
const BASE: u32 = 0x3000;

/// Two pictures of an odd number of bytes, of which nobody looks at the content.
const ICON: &[u8] = b"\0\0\x01\0\x02\0\
    \x10\x10\0\0\x01\0\x20\0\x03\0\0\0\x26\0\0\0\
    \0\0\0\0\x01\0\x20\0\x05\0\0\0\x29\0\0\0\
    onetwo22";

const TEXTS: &[(&str, &str)] = &[("ProductName", "Prüfling ™"), ("Comments", ""), ("FileVersion", "1.2.3.4")];

fn resources() -> Resources<'static> {
    let version = Version { file: [1, 2, 65499, 4], pre_release: true, texts: TEXTS };
    Resources { icon: ICON, version, manifest: "<assembly/>" }
}

/// The section as it is in a program: every relocation has been carried out.
fn link(object: &[u8]) -> Vec<u8> {
    let coff = Coff::parse(object).expect("an object");
    let [section] = &coff.sections[..] else { panic!("there are {} sections", coff.sections.len()) };
    assert_eq!(section.name().expect("a name"), ".rsrc");
    let start = section.pointer_to_raw_data as usize;
    let mut bytes = vec![0; BASE as usize];
    bytes.extend(&object[start..start + section.size_of_raw_data as usize]);
    for relocation in section.relocations(object).expect("relocations") {
        let at = (BASE + relocation.virtual_address) as usize;
        let field: &mut [u8; 4] = (&mut bytes[at..at + 4]).try_into().expect("a field");
        *field = (u32::from_le_bytes(*field) + BASE).to_le_bytes();
    }
    bytes
}

/// Reads a linked section. Its sections in the file and in memory are at the same place.
fn read(program: &[u8]) -> ResourceData<'_> {
    let size = program.len() as u32 - BASE;
    let section = goblin::pe::section_table::SectionTable {
        virtual_address: BASE,
        virtual_size: size,
        pointer_to_raw_data: BASE,
        size_of_raw_data: size,
        ..Default::default()
    };
    let directory = DataDirectory { virtual_address: BASE, size };
    ResourceData::parse(program, directory, &[section], 0x200).expect("resources")
}

/// Fails if: another reader finds other numbers, texts or another manifest, or the object of a processor
/// differs in more than its name and its relocations.
#[test]
fn others_read_what_was_written() {
    let mut linked = Vec::new();
    for architecture in ["x86_64", "aarch64"] {
        let program = link(&resources().object(architecture).unwrap());
        let data = read(&program);
        assert_eq!(data.manifest_data.unwrap().data, b"<assembly/>");
        let version = data.version_info.unwrap();
        let fixed = version.fixed_info.unwrap();
        assert!(fixed.is_valid());
        let numbers = [
            (fixed.file_version_ms, fixed.file_version_ls),
            (fixed.product_version_ms, fixed.product_version_ls),
        ];
        for (high, low) in numbers {
            assert_eq!(VersionField::from_ms_ls(high, low).to_string(), "1.2.65499.4");
        }
        assert_eq!([fixed.file_flags, fixed.file_flags_mask, fixed.file_type], [2, 0x3f, 1]);
        let texts = version.string_info;
        assert_eq!(texts.product_name().as_deref(), Some("Prüfling ™"));
        assert_eq!(texts.file_version().as_deref(), Some("1.2.3.4"));
        assert_eq!(texts.company_name(), None);
        linked.push(program);
    }
    assert_eq!(linked[0], linked[1]);
}

/// Fails if: the kinds are not in ascending order, which is how Windows looks for them, or a picture of the
/// icon is lost, cut off, or listed under another number.
#[test]
fn icons_are_listed_with_their_pictures() {
    let program = link(&resources().object("x86_64").unwrap());
    let data = read(&program);
    let kinds: Vec<_> = data.entries().map(|entry| entry.unwrap().id().unwrap()).collect();
    assert_eq!(kinds, [3, 14, 16, 24]);
    // After everything that leads to it, the content lies in the order of the kinds.
    let at = program.windows(3).position(|window| window == b"one").unwrap();
    assert_eq!(&program[at..at + 8], b"one\0\0\0\0\0");
    assert_eq!(&program[at + 8..at + 16], b"two22\0\0\0");
    let group = &program[at + 16..at + 16 + 6 + 2 * 14];
    assert_eq!(group[..6], ICON[..6]);
    for (index, id) in [(0, 1), (1, 2)] {
        let entry = &group[6 + index * 14..][..14];
        assert_eq!(entry[..12], ICON[6 + index * 16..][..12]);
        assert_eq!(entry[12..], [id, 0]);
    }
}

/// Fails if: resources that cannot be are written, or the error does not say what is wrong with what.
#[test]
fn refuses_with_a_reason() {
    let long = "x".repeat(1 << 15);
    type Spoil = fn(&mut Resources<'_>);
    let icons: [(Spoil, &str); 5] = [
        (|r| r.icon = b"", "too short"),
        (|r| r.icon = b"\x89PNG\r\n\x1a\n", "begins otherwise"),
        (|r| r.icon = b"\0\0\x01\0\0\0", "no picture"),
        (|r| r.icon = &ICON[..30], "list of pictures is cut off"),
        (|r| r.icon = &ICON[..ICON.len() - 1], "a picture is cut off"),
    ];
    for (spoil, message) in icons {
        let mut resources = resources();
        spoil(&mut resources);
        let error = resources.object("x86_64").expect_err(message).to_string();
        assert!(error.contains(message) && error.contains("icon"), "{error}");
    }
    for (text, message) in [("a\0b", "Comments of the version is a text with a NUL"), (&long, "longer than")]
    {
        let mut resources = resources();
        let texts = [("Comments", text)];
        resources.version.texts = &texts;
        let error = resources.object("x86_64").expect_err(message).to_string();
        assert!(error.contains(message) && error.contains("Comments"), "{error}");
    }
    let error = resources().object("riscv64").expect_err("no such Windows").to_string();
    assert!(error.contains("riscv64") && error.contains("aarch64"), "{error}");
}
