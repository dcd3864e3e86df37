//! Edits the root folder while it is a tar: no account of this machine has the rights that its files need.
//!
//! What is kept is copied block by block, so that nothing gets lost that this program does not know, such as
//! capabilities of files. Names are without the leading `./`.

use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use tar::{EntryType, Header, PaxExtensions};

/// Something that comes, in place of what has the same name. All of it is root's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum New {
    /// A file: its mode and content.
    File(u32, Vec<u8>),
    /// A symbolic link: where to.
    Link(String),
    /// A folder, with the mode 0755, where there is none.
    Folder,
}

/// What comes, by name.
pub type Additions = BTreeMap<String, New>;

/// Below these folders files are programs, whatever the mode is that a checkout gave them.
const PROGRAMS: &[&str] = &["usr/sbin/", "usr/bin/"];

/// Where units are, and their links for those that are to be started.
const UNITS: &str = "usr/lib/systemd/system/";
const ENABLED: &str = "etc/systemd/system/";

/// The files of a folder, and the links that start the units among them: what `systemctl enable` would make.
///
/// # Errors
/// If the folder cannot be read.
pub fn additions(folder: &Path) -> Result<Additions> {
    let mut found = Additions::new();
    collect(folder, "", &mut found)?;
    let mut links = Additions::new();
    for (name, new) in &found {
        let (Some(unit), New::File(_, content)) = (name.strip_prefix(UNITS), new) else { continue };
        let text = std::str::from_utf8(content).with_context(|| format!("reading {name}"))?;
        for target in text.lines().filter_map(|line| line.strip_prefix("WantedBy=")) {
            links.insert(format!("{ENABLED}{target}.wants/{unit}"), New::Link(format!("/{UNITS}{unit}")));
        }
    }
    found.extend(links);
    Ok(found)
}

fn collect(folder: &Path, below: &str, into: &mut Additions) -> Result<()> {
    let reading = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .with_context(|| format!("a name in {} is not UTF-8", folder.display()))?;
        let (path, name) = (entry.path(), format!("{below}{name}"));
        if entry.file_type().with_context(reading)?.is_dir() {
            collect(&path, &format!("{name}/"), into)?;
            continue;
        }
        let mode = if PROGRAMS.iter().any(|program| name.starts_with(program)) { 0o755 } else { 0o644 };
        let content = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        into.insert(name, New::File(mode, content));
    }
    Ok(())
}

/// Copies a tar, without what `goes` says, with what is added at its end. Returns the names of all that is no folder.
///
/// # Errors
/// If the tar is damaged, or something would have to be added behind a link.
pub fn edit(
    input: impl Read,
    output: impl Write,
    goes: impl Fn(&str) -> bool,
    additions: &Additions,
    epoch: u32,
) -> Result<BTreeSet<String>> {
    let mut output = Output { output, folders: BTreeSet::new(), others: BTreeSet::new(), epoch };
    let mut archive = tar::Archive::new(input);
    // What a member's own header has no room for is in members in front of it.
    let (mut in_front, mut long_name) = (Vec::new(), None);
    for entry in archive.entries().context("reading the root folder")?.raw(true) {
        let mut entry = entry.context("reading the root folder: is it cut off?")?;
        let header = entry.header().clone();
        let kind = header.entry_type();
        if kind.is_pax_local_extensions() || kind.is_gnu_longname() || kind.is_gnu_longlink() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).context("reading the root folder: is it cut off?")?;
            long_name = long_name_in(kind, &content)?.or(long_name);
            in_front.extend(header.as_bytes());
            in_front.extend(&content);
            in_front.resize(in_front.len().next_multiple_of(BLOCK), 0);
            continue;
        }
        let name = match long_name.take() {
            Some(name) => name,
            None => String::from_utf8(entry.path_bytes().into_owned())
                .context("a name in the root folder is not UTF-8")?,
        };
        let name = name.trim_start_matches("./").trim_end_matches('/').to_owned();
        let replaced = additions.get(&name).is_some_and(|new| *new != New::Folder);
        if replaced || goes(&name) {
            in_front.clear();
            continue;
        }
        if kind.is_dir() { &mut output.folders } else { &mut output.others }.insert(name);
        output.output.write_all(&std::mem::take(&mut in_front))?;
        output.output.write_all(header.as_bytes())?;
        let length = std::io::copy(&mut entry, &mut output.output)?;
        ensure!(length == header.entry_size()?, "reading the root folder: it is cut off");
        output.pad(length)?;
    }
    ensure!(in_front.is_empty(), "reading the root folder: it is cut off");
    ensure!(!output.folders.is_empty(), "the root folder has no folder in it: is it a tar of mmdebstrap?");
    for (name, new) in additions {
        output.add(name, new)?;
    }
    // The end of a tar.
    output.output.write_all(&[0; 2 * BLOCK])?;
    output.output.flush().context("writing the root folder")?;
    Ok(output.others)
}

/// Bytes that everything in a tar is a multiple of.
const BLOCK: usize = 512;

fn long_name_in(kind: EntryType, content: &[u8]) -> Result<Option<String>> {
    let name = if kind.is_gnu_longname() {
        Some(content.strip_suffix(&[0]).unwrap_or(content))
    } else if kind.is_pax_local_extensions() {
        let mut name = None;
        for record in PaxExtensions::new(content) {
            let record = record.context("reading the root folder: a damaged header")?;
            if record.key_bytes() == b"path" {
                name = Some(record.value_bytes());
            }
        }
        name
    } else {
        None
    };
    let name = name.map(|name| String::from_utf8(name.to_vec()));
    name.transpose().context("a name in the root folder is not UTF-8")
}

/// The tar that is written, and what it has by now.
struct Output<W: Write> {
    output: W,
    folders: BTreeSet<String>,
    others: BTreeSet<String>,
    epoch: u32,
}

impl<W: Write> Output<W> {
    fn add(&mut self, name: &str, new: &New) -> Result<()> {
        if let Some((parent, _)) = name.rsplit_once('/') {
            if self.others.contains(parent) {
                bail!("{name} cannot be added to the root folder: {parent} there is no folder");
            }
            if !self.folders.contains(parent) {
                self.add(parent, &New::Folder)?;
            }
        }
        let mut header = Header::new_gnu();
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.epoch.into());
        header.set_size(0);
        let (kind, mode, content): (_, _, &[u8]) = match new {
            New::File(mode, content) => (EntryType::Regular, *mode, content),
            New::Link(_) => (EntryType::Symlink, 0o777, &[]),
            New::Folder if self.folders.contains(name) => return Ok(()),
            New::Folder => (EntryType::Directory, 0o755, &[]),
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        let adding = || format!("adding {name} to the root folder");
        header.set_path(name).with_context(adding)?;
        if let New::Link(target) = new {
            header.set_link_name_literal(target).with_context(adding)?;
        }
        header.set_cksum();
        if *new == New::Folder { &mut self.folders } else { &mut self.others }.insert(name.to_owned());
        self.output.write_all(header.as_bytes())?;
        self.output.write_all(content)?;
        self.pad(content.len() as u64)
    }

    fn pad(&mut self, length: u64) -> Result<()> {
        let over = length.next_multiple_of(BLOCK as u64) - length;
        Ok(self.output.write_all(&[0; BLOCK][..over as usize])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long name, which no header has room for.
    fn long() -> String {
        format!("usr/share/{}/{}", "d".repeat(90), "f".repeat(90))
    }

    /// Gives a member its name as it is; the crate would leave out the `./`.
    fn named(header: &mut Header, name: &str) {
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
    }

    /// A root as mmdebstrap leaves it: names begin with `./`, a file has a capability.
    fn root() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let header = |kind, size| {
            let mut header = Header::new_ustar();
            header.set_entry_type(kind);
            header.set_mode(0o640);
            header.set_size(size);
            header.set_mtime(7);
            header
        };
        let mut put = |name: &str, kind, content: &str| {
            let mut header = header(kind, content.len() as u64);
            if kind == EntryType::Symlink {
                header.set_link_name(content).unwrap();
                header.set_size(0);
            }
            let content = if kind == EntryType::Regular { content } else { "" };
            header.set_size(content.len() as u64);
            if name.len() > 99 {
                return builder.append_data(&mut header, name, content.as_bytes()).unwrap();
            }
            named(&mut header, name);
            builder.append(&header, content.as_bytes()).unwrap();
        };
        for folder in ["./etc/", "./dev/", "./usr/", "./usr/share/"] {
            put(folder, EntryType::Directory, "");
        }
        put("./sbin", EntryType::Symlink, "usr/sbin");
        put("./dev/null", EntryType::Regular, "");
        put("./etc/hostname", EntryType::Regular, "builder\n");
        put("./etc/passwd", EntryType::Regular, "root:x:0:0\n");
        put(&long(), EntryType::Regular, "long");
        builder
            .append_pax_extensions([("SCHILY.xattr.security.capability", &b"\x01\x00\x00\x02"[..])])
            .unwrap();
        let mut capable = header(EntryType::Regular, 4);
        named(&mut capable, "./usr/ping");
        builder.append(&capable, &b"ping"[..]).unwrap();
        builder.into_inner().unwrap()
    }

    /// Everything that a program of others sees in a tar.
    fn listed(tar: &[u8]) -> BTreeMap<String, (EntryType, u32, u64, String)> {
        let mut archive = tar::Archive::new(tar);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = String::new();
            for extension in entry.pax_extensions().unwrap().into_iter().flatten() {
                content += extension.unwrap().key().unwrap().strip_prefix("SCHILY.").unwrap_or("");
            }
            entry.read_to_string(&mut content).unwrap();
            if let Some(target) = entry.link_name().unwrap() {
                content += &target.to_string_lossy();
            }
            let header = entry.header();
            let about = (header.entry_type(), header.mode().unwrap(), header.mtime().unwrap(), content);
            (entry.path().unwrap().to_string_lossy().into_owned(), about)
        });
        entries.collect()
    }

    fn edited(input: &[u8], additions: &Additions) -> Result<Vec<u8>> {
        let mut output = Vec::new();
        edit(input, &mut output, |name| name.starts_with("dev/"), additions, 99)?;
        Ok(output)
    }

    /// Fails if: what is to go stays, what is to come does not or not as said, or anything else changes.
    #[test]
    fn changes_what_is_said_and_nothing_else() {
        let new = Additions::from([
            ("etc/hostname".to_owned(), New::File(0o644, b"pywats\n".to_vec())),
            ("etc/systemd/system/a.wants/b".to_owned(), New::Link("/usr/lib/b".to_owned())),
            ("etc".to_owned(), New::Folder),
            ("srv/x".to_owned(), New::Folder),
        ]);
        let root = root();
        let (before, after) = (listed(&root), listed(&edited(&root, &new).unwrap()));
        let mut expected = before;
        assert_eq!(expected.remove("./dev/null").unwrap().0, EntryType::Regular);
        expected.remove("./etc/hostname").unwrap();
        expected.insert("etc/hostname".into(), (EntryType::Regular, 0o644, 99, "pywats\n".into()));
        for folder in ["etc/systemd", "etc/systemd/system", "etc/systemd/system/a.wants", "srv", "srv/x"] {
            expected.insert(folder.into(), (EntryType::Directory, 0o755, 99, String::new()));
        }
        expected.insert(
            "etc/systemd/system/a.wants/b".into(),
            (EntryType::Symlink, 0o777, 99, "/usr/lib/b".into()),
        );
        assert_eq!(after, expected);
        assert!(after[&long()].3.ends_with("long"));
        assert_eq!(after["./usr/ping"].3, "xattr.security.capabilityping");
    }

    /// Fails if: a file would be put where a link leads, which is another place than the one that is meant.
    #[test]
    fn adds_nothing_behind_a_link() {
        let new = Additions::from([("sbin/x".to_owned(), New::File(0o755, Vec::new()))]);
        let error = edited(&root(), &new).unwrap_err().to_string();
        assert!(error.contains("sbin/x") && error.contains("sbin there is no folder"), "{error}");
    }

    /// Fails if: half a root folder passes for a whole one.
    #[test]
    fn refuses_a_root_that_is_cut_off() {
        let root = root();
        // The end are two blocks of zeros, which some programs leave out.
        let end = root.len() - 1024;
        for length in (1..end).filter(|length| length % 512 != 0) {
            assert!(edited(&root[..length], &Additions::new()).is_err(), "{length} bytes of {end}");
        }
        assert!(edited(&[], &Additions::new()).is_err());
    }

    /// Fails if: a program cannot be run, a unit is not started, or the modes of a checkout matter.
    #[test]
    fn reads_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("usr/sbin/setup", "#!/bin/sh\n"),
            ("usr/lib/systemd/system/a.mount", "[Install]\nWantedBy=b.target\n"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let found = additions(folder.path()).unwrap();
        let modes = found.iter().map(|(name, new)| match new {
            New::File(mode, _) => (&**name, format!("{mode:o}")),
            New::Link(target) => (&**name, target.clone()),
            New::Folder => (&**name, String::new()),
        });
        let expected = [
            ("etc/systemd/system/b.target.wants/a.mount", "/usr/lib/systemd/system/a.mount".to_owned()),
            ("usr/lib/systemd/system/a.mount", "644".to_owned()),
            ("usr/sbin/setup", "755".to_owned()),
        ];
        assert_eq!(modes.collect::<Vec<_>>(), expected);
    }
}
