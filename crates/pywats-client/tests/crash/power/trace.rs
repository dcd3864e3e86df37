//! What a program did to its files, read from what strace(1) wrote with `-f -y -xx -ttt`: a line a system call, every
//! text as `\xNN`, every descriptor with its path, calls that another thread interrupted in two lines.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A descriptor of the program.
pub(crate) type Descriptor = u64;

/// One call, in the order in which calls ended.
#[derive(Debug)]
pub(crate) struct Event {
    /// When it began, in seconds since 1970.
    pub(crate) at: f64,
    /// How many calls had ended when it began: only those does a sync cover.
    pub(crate) after: usize,
    pub(crate) call: Call,
}

/// What it did. Paths are absolute.
#[derive(Debug)]
pub(crate) enum Call {
    Open {
        descriptor: Descriptor,
        path: PathBuf,
        creates: bool,
        truncates: bool,
        appends: bool,
    },
    Close(Descriptor),
    Duplicate {
        from: Descriptor,
        to: Descriptor,
    },
    Seek {
        descriptor: Descriptor,
        to: u64,
    },
    /// Without an offset: at the descriptor's place.
    Write {
        descriptor: Descriptor,
        offset: Option<u64>,
        data: Vec<u8>,
    },
    Resize {
        descriptor: Descriptor,
        length: u64,
    },
    /// Space is allocated; the file is at least so long then, if it may grow.
    Allocate {
        descriptor: Descriptor,
        end: Option<u64>,
    },
    Copy {
        from: Descriptor,
        to: Descriptor,
        length: u64,
    },
    Sync(Descriptor),
    SyncAll,
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Link {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    MakeFolder(PathBuf),
}

/// Reads every call that did something.
///
/// # Panics
/// On what it does not understand: a call that is left out would make the test say nothing.
pub(crate) fn read(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    // The first half of interrupted calls, by thread.
    let mut begun: HashMap<&str, (f64, usize, String)> = HashMap::new();
    for line in text.lines() {
        let (thread, rest) = line.split_once(' ').unwrap_or_default();
        let (at, rest) = rest.trim_start().split_once(' ').unwrap_or_default();
        let Ok(at) = at.parse::<f64>() else { continue };
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, (at, events.len(), first.to_owned()));
            continue;
        }
        let (at, after, whole) = match rest.strip_prefix("<... ") {
            None => (at, events.len(), rest.to_owned()),
            Some(resumed) => {
                let (_, second) = resumed.split_once(" resumed>").unwrap_or_default();
                let (at, after, first) =
                    begun.remove(thread).unwrap_or_else(|| panic!("no beginning: {line}"));
                (at, after, first + second)
            }
        };
        if let Some(call) = call(&whole) {
            events.push(Event { at, after, call });
        }
    }
    events
}

/// One call; nothing, if it failed, or changed nothing that is looked at.
fn call(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(').unwrap_or_else(|| panic!("no call: {line}"));
    let (arguments, result) = rest.rsplit_once(" = ").unwrap_or_else(|| panic!("no result: {line}"));
    let arguments = split(arguments.trim_end().strip_suffix(')').unwrap_or(arguments));
    let result: i64 = number(result).unwrap_or(-1);
    let result = u64::try_from(result).ok()?;
    let descriptor = |index: usize| number::<u64>(&arguments[index]).unwrap_or_else(|| panic!("{line}"));
    let size = |index: usize| number::<u64>(&arguments[index]);
    let path = |index: usize| PathBuf::from(String::from_utf8(text(&arguments[index])).unwrap());
    // A path that begins at a descriptor's folder.
    let at = |index: usize| folder(&arguments[index]).join(path(index + 1));
    let written = |index: usize, length: u64| {
        let mut data = text(&arguments[index]);
        assert!(data.len() as u64 >= length, "cut off: {line}");
        data.truncate(usize::try_from(length).unwrap());
        data
    };
    Some(match name {
        "openat" | "openat2" | "open" | "creat" => {
            let (path, flags) = match name {
                "creat" => (path(0), "O_CREAT|O_TRUNC"),
                "open" => (path(0), arguments[1].as_str()),
                _ => (at(0), arguments[2].as_str()),
            };
            Call::Open {
                descriptor: result,
                path,
                creates: flags.contains("O_CREAT"),
                truncates: flags.contains("O_TRUNC"),
                appends: flags.contains("O_APPEND"),
            }
        }
        "close" => Call::Close(descriptor(0)),
        "fcntl" if !arguments[1].starts_with("F_DUPFD") => return None,
        "dup" | "dup2" | "dup3" | "fcntl" => Call::Duplicate { from: descriptor(0), to: result },
        "lseek" => Call::Seek { descriptor: descriptor(0), to: result },
        "write" | "writev" => {
            Call::Write { descriptor: descriptor(0), offset: None, data: written(1, result) }
        }
        "pwrite64" | "pwritev" | "pwritev2" => {
            Call::Write { descriptor: descriptor(0), offset: size(3), data: written(1, result) }
        }
        "ftruncate" => Call::Resize { descriptor: descriptor(0), length: size(1)? },
        "fallocate" => {
            let grows = !arguments[1].contains("KEEP_SIZE");
            let end = size(2)? + size(3)?;
            Call::Allocate { descriptor: descriptor(0), end: grows.then_some(end) }
        }
        "copy_file_range" => Call::Copy { from: descriptor(0), to: descriptor(2), length: result },
        "sendfile" => Call::Copy { from: descriptor(1), to: descriptor(0), length: result },
        "fsync" | "fdatasync" => Call::Sync(descriptor(0)),
        "sync" | "syncfs" => Call::SyncAll,
        "rename" => Call::Rename { from: path(0), to: path(1) },
        "renameat" | "renameat2" => {
            assert!(!line.contains("RENAME_EXCHANGE"), "not modelled: {line}");
            Call::Rename { from: at(0), to: at(2) }
        }
        "link" => Call::Link { from: path(0), to: path(1) },
        "linkat" => Call::Link { from: at(0), to: at(2) },
        "unlink" | "rmdir" => Call::Remove(path(0)),
        "unlinkat" => Call::Remove(at(0)),
        "mkdir" => Call::MakeFolder(path(0)),
        "mkdirat" => Call::MakeFolder(at(0)),
        other => panic!("{other} is traced, but not modelled: {line}"),
    })
}

/// The arguments of a call. Texts are `\xNN` only, so that no comma is inside of them.
fn split(arguments: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for character in arguments.chars() {
        match character {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// The number that an argument begins with.
fn number<T: std::str::FromStr>(argument: &str) -> Option<T> {
    let end = argument.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(argument.len());
    argument[..end].parse().ok()
}

/// The folder of `AT_FDCWD<\x2f…>` or `5<\x2f…>`.
fn folder(argument: &str) -> PathBuf {
    let path = argument.split_once('<').map_or("", |(_, rest)| rest.split('>').next().unwrap_or_default());
    Path::new("/").join(String::from_utf8(bytes(path)).unwrap())
}

/// All texts of an argument, one behind the other: those of `writev` are several.
fn text(argument: &str) -> Vec<u8> {
    argument.split('"').skip(1).step_by(2).flat_map(bytes).collect()
}

fn bytes(escaped: &str) -> Vec<u8> {
    escaped.split("\\x").skip(1).map(|hex| u8::from_str_radix(&hex[..2], 16).unwrap()).collect()
}

/// Fails if: a call is misread, or one that failed counts.
#[test]
fn understands_strace() {
    let text = "\
7 1.5 openat(5</\\x64>, \"\\x61\", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 6<\\x2f\\x64\\x2f\\x61>
7 1.6 openat(AT_FDCWD<\\x2f>, \"\\x62\", O_RDONLY) = -1 ENOENT (No such file or directory)
8 1.7 fsync(6<\\x2f\\x64> <unfinished ...>
7 1.8 pwrite64(6<\\x2f\\x61>, \"\\x68\\x69\", 2, 4096) = 2
8 1.9 <... fsync resumed>) = 0
7 2.0 writev(6<\\x2f\\x61>, [{iov_base=\"\\x68\", iov_len=1}, {iov_base=\"\\x69\", iov_len=1}], 2) = 2
7 2.1 +++ exited with 0 +++
";
    let events = read(text);
    let shown: Vec<String> = events.iter().map(|event| format!("{} {:?}", event.after, event.call)).collect();
    let write = |offset| format!("Write {{ descriptor: 6, offset: {offset}, data: [104, 105] }}");
    assert_eq!(shown.len(), 4, "{shown:#?}");
    assert!(shown[0].contains("creates: true, truncates: false"), "{}", shown[0]);
    assert_eq!(shown[1], format!("1 {}", write("Some(4096)")));
    assert_eq!(shown[2], "1 Sync(6)");
    assert_eq!(shown[3], format!("3 {}", write("None")));
}
