//! `release-tools compare ONE OTHER`: whether two builders made the same bits, and if not, where they differ: the file,
//! the member within the package, the member within that, and the first byte.
//!
//! Packages are opened by libraries that know their formats: deb (ar), tar, gzip, xz, zip, RPM, Windows Installer
//! (compound files). What none of them opens is compared as bytes.

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use packager::Artifacts;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

/// How many places of one file are named.
const SHOWN: usize = 20;
/// How deep packages in packages are opened.
const DEPTH: usize = 8;
/// How many bytes a member may have: nothing that is built has more.
const LIMIT: u64 = 1 << 30;

/// Compares two folders of artifacts; differences are named by file and place within the package
#[derive(clap::Args)]
pub(crate) struct Compare {
    /// A folder with artifacts and their list, artifacts.json
    one: PathBuf,
    /// A folder with what somebody else built; a list counts where there is one
    other: PathBuf,
    /// A file that is not compared, as only one of both has it; may be repeated
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
}

impl Compare {
    pub(crate) fn run(&self) -> Result<()> {
        let list = Artifacts::load(&self.one)?
            .with_context(|| format!("{} has no list of artifacts", self.one.display()))?;
        let (mut differ, mut same) = (0, 0);
        for name in names(&list, &self.other)? {
            if self.without.contains(&name) {
                println!("{name} is not compared");
                continue;
            }
            let paths = [&self.one, &self.other].map(|folder| folder.join(&name));
            let places = match paths.iter().find(|path| !path.is_file()) {
                Some(missing) => vec![format!("{} is not there", missing.display())],
                None => differences(&name, &read(&paths[0])?, &read(&paths[1])?),
            };
            *if places.is_empty() { &mut same } else { &mut differ } += 1;
            places.iter().for_each(|place| println!("{place}"));
        }
        ensure!(
            differ == 0,
            "{differ} artifacts of {} and {} differ",
            self.one.display(),
            self.other.display()
        );
        println!("{same} artifacts are the same, bit for bit");
        Ok(())
    }
}

/// What either folder lists.
fn names(list: &Artifacts, other: &Path) -> Result<BTreeSet<String>> {
    if !other.is_dir() {
        bail!("{} is no folder", other.display());
    }
    let other = Artifacts::load(other)?.unwrap_or_default();
    Ok(list.0.keys().chain(other.0.keys()).cloned().collect())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// Where two files differ, innermost places only; nothing if they do not.
pub(crate) fn differences(name: &str, one: &[u8], other: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    find(name, one, other, DEPTH, &mut found);
    let more = found.len().saturating_sub(SHOWN);
    found.truncate(SHOWN);
    if more > 0 {
        found.push(format!("{name}: {more} more places"));
    }
    found
}

fn find(place: &str, one: &[u8], other: &[u8], depth: usize, found: &mut Vec<String>) {
    if one == other {
        return;
    }
    let opened = if depth == 0 { None } else { members(one).zip(members(other)) };
    let Some((ones, others)) = opened else {
        found.push(format!("{place}: {}", first_difference(one, other)));
        return;
    };
    let before = found.len();
    for name in ones.keys().chain(others.keys()).collect::<BTreeSet<_>>() {
        let place = format!("{place} › {name}");
        match (ones.get(name), others.get(name)) {
            (Some(one), Some(other)) => find(&place, one, other, depth - 1, found),
            (Some(_), None) => found.push(format!("{place}: only in the first")),
            _ => found.push(format!("{place}: only in the second")),
        }
    }
    if found.len() == before {
        found.push(format!(
            "{place}: the same members, but packed otherwise (order, times, owners or compression); {}",
            first_difference(one, other)
        ));
    }
}

fn first_difference(one: &[u8], other: &[u8]) -> String {
    match one.iter().zip(other).position(|(one, other)| one != other) {
        Some(at) => format!("differs from byte {at} on ({} and {} bytes)", one.len(), other.len()),
        None => format!("{} and {} bytes, the same as far as both go", one.len(), other.len()),
    }
}

type Members = BTreeMap<String, Vec<u8>>;

/// What is in a package, by name; nothing if it is none, or damaged.
fn members(bytes: &[u8]) -> Option<Members> {
    let open = match bytes {
        [0x1f, 0x8b, ..] => gzip,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => xz,
        [b'P', b'K', 3, 4, ..] => zip,
        [0xed, 0xab, 0xee, 0xdb, ..] => rpm,
        [0xd0, 0xcf, 0x11, 0xe0, ..] => compound,
        _ if bytes.starts_with(b"!<arch>\n") => ar,
        _ if bytes.get(257..262) == Some(b"ustar") => tar,
        _ => return None,
    };
    open(bytes).ok()
}

/// Adds a member; a name that is there already gets a number.
fn add(members: &mut Members, name: &str, content: Vec<u8>) {
    let mut key = name.to_owned();
    let mut number = 1;
    while members.contains_key(&key) {
        number += 1;
        key = format!("{name} ({number})");
    }
    members.insert(key, content);
}

fn whole(reader: impl Read) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    reader.take(LIMIT).read_to_end(&mut content)?;
    Ok(content)
}

fn gzip(bytes: &[u8]) -> Result<Members> {
    Ok([("content".to_owned(), whole(MultiGzDecoder::new(bytes))?)].into())
}

fn xz(bytes: &[u8]) -> Result<Members> {
    Ok([("content".to_owned(), whole(liblzma::read::XzDecoder::new_multi_decoder(bytes))?)].into())
}

fn ar(bytes: &[u8]) -> Result<Members> {
    let (mut members, mut archive) = (Members::new(), ar::Archive::new(bytes));
    while let Some(entry) = archive.next_entry() {
        let entry = entry?;
        let name = String::from_utf8_lossy(entry.header().identifier()).into_owned();
        let content = whole(entry)?;
        add(&mut members, &name, content);
    }
    Ok(members)
}

/// A member's header is a member, too: its mode, owner and time.
fn tar(bytes: &[u8]) -> Result<Members> {
    let mut members = Members::new();
    for entry in tar::Archive::new(bytes).entries()? {
        let entry = entry?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let header = entry.header().as_bytes().to_vec();
        let content = whole(entry)?;
        add(&mut members, &format!("{name} (header)"), header);
        add(&mut members, &name, content);
    }
    Ok(members)
}

fn zip(bytes: &[u8]) -> Result<Members> {
    let (mut members, mut archive) = (Members::new(), zip::ZipArchive::new(Cursor::new(bytes))?);
    for index in 0..archive.len() {
        let file = archive.by_index(index)?;
        let name = file.name()?.into_owned();
        add(
            &mut members,
            &format!("{name} (time and mode)"),
            format!("{:?} {:?}", file.last_modified(), file.unix_mode()).into(),
        );
        let content = whole(file)?;
        add(&mut members, &name, content);
    }
    Ok(members)
}

fn rpm(bytes: &[u8]) -> Result<Members> {
    let package = rpm::Package::parse(&mut &*bytes)?;
    let mut members = Members::new();
    let mut metadata = Vec::new();
    package.metadata.write(&mut metadata)?;
    add(&mut members, "signatures and header", metadata);
    for file in package.files()? {
        let file = file?;
        add(
            &mut members,
            &file.metadata.path().to_string_lossy(),
            file.content().unwrap_or_default().to_vec(),
        );
    }
    Ok(members)
}

fn compound(bytes: &[u8]) -> Result<Members> {
    let mut file = cfb::CompoundFile::open(Cursor::new(bytes))?;
    let mut members = Members::new();
    let streams: Vec<PathBuf> =
        file.walk().filter(cfb::Entry::is_stream).map(|entry| entry.path().to_owned()).collect();
    for path in streams {
        let content = whole(file.open_stream(&path)?)?;
        add(&mut members, &path.to_string_lossy(), content);
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn tar_of(name: &str, content: &str, mtime: u64) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mtime(mtime);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
        builder.into_inner().unwrap()
    }

    fn gzip_of(content: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn deb_of(data: &[u8]) -> Vec<u8> {
        let mut builder = ar::Builder::new(Vec::new());
        builder.append(&ar::Header::new(b"data.tar.gz".to_vec(), data.len() as u64), data).unwrap();
        builder.into_inner().unwrap()
    }

    fn zip_of(name: &str, content: &[u8]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn compound_of(content: &[u8]) -> Vec<u8> {
        let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
        file.create_stream("/Property").unwrap().write_all(content).unwrap();
        file.into_inner().into_inner()
    }

    /// Fails if: a difference is not found, or not named by its place within the package.
    #[test]
    fn names_the_place() {
        let deb = |content, mtime, level| deb_of(&gzip_of(&tar_of("usr/bin/p", content, mtime), level));
        let long = "a program ".repeat(1000);
        for (one, other, place) in [
            (b"abc".to_vec(), b"abd".to_vec(), "f: differs from byte 2 on"),
            (b"abc".to_vec(), b"ab".to_vec(), "f: 3 and 2 bytes, the same as far"),
            (
                deb("one", 0, 6),
                deb("two", 0, 6),
                "f › data.tar.gz › content › usr/bin/p: differs from byte 0 on",
            ),
            (deb("one", 0, 6), deb("one", 1, 6), "f › data.tar.gz › content › usr/bin/p (header): differs"),
            (deb(&long, 0, 1), deb(&long, 0, 9), "f › data.tar.gz: the same members, but packed otherwise"),
            (zip_of("p.exe", b"one"), zip_of("p.exe", b"two"), "f › p.exe: differs from byte 0"),
            (zip_of("p.exe", b"one"), zip_of("q.exe", b"one"), "f › p.exe: only in the first"),
            (compound_of(b"one"), compound_of(b"two"), "f › /Property: differs from byte 0"),
            (
                zip_of("k.msi", &compound_of(b"1")),
                zip_of("k.msi", &compound_of(b"2")),
                "f › k.msi › /Property",
            ),
        ] {
            assert_eq!(differences("f", &one, &one), Vec::<String>::new());
            let found = differences("f", &one, &other).join("\n");
            assert!(found.contains(place), "{place}:\n{found}");
        }
    }
}
