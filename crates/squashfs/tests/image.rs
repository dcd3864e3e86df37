//! What is written is what is read, damaged images are refused, and equal entries give equal images. Whether others read
//! them is for the acceptance bench.

use squashfs::{Content, Damage, Entry, Image, Kind, Node, image};
use std::collections::BTreeMap;

const TIME: u32 = 1_767_312_000;

/// What a tree says of a path: its permissions, and what is there.
type Said = BTreeMap<String, (u32, String)>;

fn entry(path: &str, mode: u32, content: Content) -> Entry<'_> {
    Entry { path, mode, content }
}

/// Bytes that do not compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A digest that tells contents from each other.
fn digest(bytes: &[u8]) -> String {
    let sum =
        bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(0x100_0000_01b3).wrapping_add((*byte).into()));
    format!("{} bytes, {sum:x}", bytes.len())
}

fn said_of(entries: &[Entry<'_>]) -> Said {
    let say = |entry: &Entry<'_>| {
        let what = match &entry.content {
            Content::Folder => "folder".to_owned(),
            Content::File(bytes) => digest(bytes),
            Content::Link(target) => format!("-> {target}"),
        };
        (entry.path.to_owned(), (entry.mode, what))
    };
    entries.iter().map(say).collect()
}

/// Everything in an image.
fn read(bytes: &[u8]) -> Result<Said, Damage> {
    let image = Image::new(bytes)?;
    let mut said = Said::new();
    walk(&image, "", &image.root()?, 0, &mut said)?;
    Ok(said)
}

fn walk(image: &Image<'_>, path: &str, node: &Node, depth: usize, said: &mut Said) -> Result<(), Damage> {
    assert!(depth < 100, "a folder is in itself");
    let what = match &node.kind {
        Kind::Folder(folder) => {
            for (name, node) in image.list(folder)? {
                let path = if path.is_empty() { name } else { format!("{path}/{name}") };
                walk(image, &path, &node, depth + 1, said)?;
            }
            "folder".to_owned()
        }
        Kind::File(file) => {
            let mut content = Vec::new();
            image.read(file, |block| {
                content.extend(block);
                Ok::<_, Damage>(())
            })?;
            digest(&content)
        }
        Kind::Link(target) => format!("-> {target}"),
    };
    if !path.is_empty() {
        said.insert(path.to_owned(), (node.mode, what));
    }
    Ok(())
}

/// Fails if: anything that is written is not read again, or something else is.
#[test]
fn what_is_written_is_read() {
    let block = 1 << 20;
    let many: Vec<String> =
        (0..700).map(|number| format!("many/file-{number}-{}", "æ".repeat(number % 50))).collect();
    let deep: Vec<String> = (1..40).map(|depth| vec!["deep"; depth].join("/")).collect();
    let mut entries = vec![
        entry("empty", 0o700, Content::Folder),
        entry("many", 0o755, Content::Folder),
        entry("nothing", 0o600, Content::File(Vec::new())),
        entry("one-block", 0o755, Content::File(vec![b'x'; block])),
        entry("two-blocks", 0o4755, Content::File(vec![b'y'; block + 1])),
        entry("noise", 0o644, Content::File(noise(2 * block + 77))),
        entry("link", 0o777, Content::Link("many/file-1".to_owned())),
        entry("many-", 0o755, Content::Folder),
        entry("many-/between", 0o644, Content::File(b"sorted otherwise as a path than as a name".to_vec())),
    ];
    entries.extend(many.iter().map(|path| entry(path, 0o644, Content::File(path.clone().into_bytes()))));
    entries.extend(deep.iter().map(|path| entry(path, 0o755, Content::Folder)));
    let bytes = image(&entries, TIME).unwrap();
    assert_eq!(bytes.len() % 4096, 0);
    assert_eq!(read(&bytes).unwrap(), said_of(&entries));
    assert_eq!(read(&image(&[], TIME).unwrap()).unwrap(), Said::new());

    let again: Vec<_> = entries.iter().rev().cloned().collect();
    assert!(image(&again, TIME).unwrap() == bytes, "the order of the entries shows");
    assert!(image(&entries, TIME + 1).unwrap() != bytes, "the time does not show");
}

/// Fails if: links are not followed as the kernel does, or one leads out of the image.
#[test]
fn links_are_followed() {
    let link = |target: &str| Content::Link(target.to_owned());
    let entries = [
        entry("usr", 0o755, Content::Folder),
        entry("usr/bin", 0o755, Content::Folder),
        entry("usr/bin/program", 0o755, Content::File(b"program".to_vec())),
        entry("AppRun", 0o777, link("usr/bin/program")),
        entry("usr/up", 0o777, link("../AppRun")),
        entry("absolute", 0o777, link("/usr/./bin")),
        entry("out", 0o777, link("../../AppRun")),
        entry("loop", 0o777, link("loop")),
        entry("gone", 0o777, link("usr/gone")),
    ];
    let bytes = image(&entries, TIME).unwrap();
    let image = Image::new(&bytes).unwrap();
    for (path, is_there) in [
        ("AppRun", true),
        ("usr/up", true),
        ("absolute/program", true),
        ("out", true),
        ("/usr//bin/../bin/program", true),
        ("loop", false),
        ("gone", false),
        ("usr/bin/program/more", false),
        ("none", false),
    ] {
        let found = image.find(path);
        assert_eq!(matches!(found, Ok(Node { kind: Kind::File(_), .. })), is_there, "{path}: {found:?}");
    }
    assert!(matches!(image.find("usr").unwrap().kind, Kind::Folder(_)));
}

/// Fails if: a damaged image lets the reader panic or go on for ever, one that is cut off is read, or a changed bit of a
/// compressed program shows as another program.
#[test]
fn damage_is_told() {
    let program: Vec<u8> = noise(300).repeat(9);
    let entries = [
        entry("AppRun", 0o777, Content::Link("usr/program".to_owned())),
        entry("usr", 0o755, Content::Folder),
        entry("usr/program", 0o755, Content::File(program.clone())),
    ];
    let bytes = image(&entries, TIME).unwrap();
    let end = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
    for length in 0..end {
        assert!(read(&bytes[..length]).is_err(), "{length} of {end} bytes are read");
    }
    let intact = read(&bytes).unwrap();
    let mut found = 0;
    for at in 0..end {
        let (mut damaged, bit) = (bytes.clone(), at % 8);
        damaged[at] ^= 1 << bit;
        match read(&damaged) {
            Ok(said) => {
                let content = said.values().find(|(_, what)| what.contains("bytes")).map(|(_, what)| what);
                let other = content.is_some_and(|what| *what != digest(&program));
                assert!(!other, "bit {bit} of byte {at} makes another program");
                found += usize::from(said != intact);
            }
            Err(_) => found += 1,
        }
    }
    // What the reader does not look at, such as times and owners, may change unseen.
    assert!(found > end / 2, "of {end} changes, {found} are noticed");
    assert!(Image::new(b"no image").unwrap_err().to_string().contains("cut off"));
    assert!(Image::new(&[b'x'; 200]).unwrap_err().to_string().contains("no squashfs"));
}

/// Fails if: what an image cannot hold is taken, or the error does not say what it is.
#[test]
fn refuses_with_a_reason() {
    let file = || Content::File(Vec::new());
    for (entries, complaint) in [
        (vec![entry("a/b", 0o644, file())], "a/b: the folder that it is in has no entry"),
        (vec![entry("a", 0o644, file()), entry("a/b", 0o644, file())], "in something that is no folder"),
        (vec![entry("a", 0o644, file()), entry("a", 0o644, file())], "two entries of this path"),
        (vec![entry("..", 0o644, file())], "no name of a file"),
        (vec![entry("/a", 0o644, file())], "no name of a file"),
        (vec![entry("a", 0o777, Content::Link(String::new()))], "points nowhere"),
    ] {
        let error = image(&entries, TIME).unwrap_err().to_string();
        assert!(error.contains(complaint), "{complaint:?} is not said in: {error}");
    }
}
