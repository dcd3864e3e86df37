//! A bundle in a zip archive: what is in it, and its signature taken out and put in again.
//!
//! The signature of a bundle is that of each slice of its program, and the list of its other files. So what is stored is an
//! archive of these: [`LIST`] and `arm64`, `x86_64`. The signed archive is the unsigned one with two members replaced.

use anyhow::{Context, Result, ensure};
use apple_archives::code_signature::{Embedded, program, resources, slot};
use apple_archives::mach_o;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The list of the files of a bundle.
pub(crate) const LIST: &str = "_CodeSignature/CodeResources";
/// The notary's ticket.
const TICKET: &str = "CodeResources";
/// Where the program is.
const PROGRAMS: &str = "MacOS/";
/// The largest file in a bundle, in bytes.
const LARGEST: u64 = 1 << 29;

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// A bundle out of an archive.
pub(crate) struct Bundle {
    /// What lies before the paths: `NAME.app/Contents/`.
    contents: String,
    /// The files below `Contents`.
    files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    /// The bundle of an archive, if it is one of a bundle.
    ///
    /// # Errors
    /// If it cannot be unpacked, or there is more in it than one bundle.
    pub(crate) fn read(archive: &[u8]) -> Result<Option<Bundle>> {
        let Some(contents) = contents_of(archive) else { return Ok(None) };
        let mut archive = open(archive)?;
        let mut files = BTreeMap::new();
        for index in 0..archive.len() {
            let entry = archive.by_index(index)?;
            let name = entry.name()?.into_owned();
            if entry.is_dir() {
                continue;
            }
            ensure!(entry.is_file(), "{name} in it is neither file nor folder");
            let path = name.strip_prefix(&contents).map(str::to_owned);
            let path = path.with_context(|| format!("{name} in it is outside of the bundle"))?;
            let mut bytes = Vec::new();
            entry.take(LARGEST + 1).read_to_end(&mut bytes).with_context(|| format!("unpacking {name}"))?;
            ensure!(bytes.len() as u64 <= LARGEST, "{name} in it is larger than {LARGEST} bytes");
            ensure!(files.insert(path, bytes).is_none(), "{name} is in it twice");
        }
        Ok(Some(Bundle { contents, files }))
    }

    /// The path of its program below `Contents`.
    fn program_path(&self) -> Result<&str> {
        let mut found = self.files.keys().filter(|path| path.starts_with(PROGRAMS));
        match (found.next(), found.next()) {
            (Some(path), None) => Ok(path),
            _ => anyhow::bail!("the bundle has not exactly one program in Contents/MacOS"),
        }
    }

    /// Its program.
    ///
    /// # Errors
    /// If there is not exactly one.
    pub(crate) fn program(&self) -> Result<&[u8]> {
        Ok(&self.files[self.program_path()?])
    }

    /// The notary's ticket, if there is one.
    pub(crate) fn ticket(&self) -> Option<&[u8]> {
        self.files.get(TICKET).map(Vec::as_slice)
    }

    /// What is in it that the signature of its program, by this slice, does not vouch for.
    pub(crate) fn problems(&self, slice: &[u8]) -> Vec<String> {
        self.check(slice).err().map(|error| format!("{error:#}")).into_iter().collect()
    }

    fn check(&self, slice: &[u8]) -> Result<()> {
        let signature = Embedded::parse(program::detach(slice)?)?;
        let file =
            |path: &str| self.files.get(path).with_context(|| format!("the bundle has no Contents/{path}"));
        let list = file(LIST)?;
        for directory in signature.directories()? {
            directory.check_special(slot::INFO_PLIST, "Info.plist", file("Info.plist")?)?;
            directory.check_special(slot::RESOURCES, "the list of the bundle's files", list)?;
        }
        let files = self.files.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
        Ok(resources::check(list, self.program_path()?, files)?)
    }

    /// Writes it into a folder, and returns where it is.
    ///
    /// # Errors
    /// If that fails.
    pub(crate) fn unpack(&self, folder: &Path) -> Result<PathBuf> {
        let program = self.program_path()?;
        for (path, content) in &self.files {
            let is_plain = !path.split('/').any(|part| matches!(part, "" | "." | ".."));
            ensure!(is_plain, "the bundle has a file {path:?}");
            let to = folder.join(format!("{}{path}", self.contents));
            let doing = || format!("writing {}", to.display());
            to.parent().map_or(Ok(()), fs::create_dir_all).with_context(doing)?;
            fs::write(&to, content).with_context(doing)?;
            if path == program {
                fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).with_context(doing)?;
            }
        }
        let name = self.contents.split('/').next().unwrap_or_default();
        Ok(folder.join(name))
    }

    /// The signature that somebody made of the bundle in a folder, as it is stored.
    ///
    /// # Errors
    /// If it is not signed.
    pub(crate) fn signature_in(&self, bundle: &Path) -> Result<Vec<u8>> {
        let read = |path: &str| {
            let path = bundle.join("Contents").join(path);
            fs::read(&path).with_context(|| format!("reading {}", path.display()))
        };
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: &str, content: &[u8]| -> Result<()> {
            writer.start_file(name, options::<Cursor<&[u8]>>(None))?;
            Ok(writer.write_all(content)?)
        };
        add(LIST, &read(LIST)?)?;
        let signed = read(self.program_path()?)?;
        let mut slices = mach_o::slices(&signed)?;
        slices.sort_by_key(|(cpu, _)| cpu.name());
        for (cpu, slice) in slices {
            add(cpu.name(), program::detach(slice)?)?;
        }
        Ok(writer.finish()?.into_inner())
    }

    /// The ticket that somebody put into the bundle in a folder.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn ticket_in(bundle: &Path) -> Result<Vec<u8>> {
        let path = bundle.join("Contents").join(TICKET);
        fs::read(&path).with_context(|| format!("reading {}", path.display()))
    }
}

/// Whether an archive has a bundle in it, by the names of what is in it.
pub(crate) fn is_bundle(archive: &[u8]) -> bool {
    contents_of(archive).is_some()
}

/// The archive of a bundle with a stored signature.
///
/// # Errors
/// If it is none, or the signature is for something else.
pub(crate) fn attach(archive: &[u8], signature: &[u8]) -> Result<Vec<u8>> {
    let bundle = Bundle::read(archive)?.context("it is no archive of a bundle")?;
    let mut parts = BTreeMap::new();
    let mut stored = open(signature)?;
    for index in 0..stored.len() {
        let entry = stored.by_index(index)?;
        let (name, mut bytes) = (entry.name()?.into_owned(), Vec::new());
        entry.take(LARGEST).read_to_end(&mut bytes)?;
        parts.insert(name, bytes);
    }
    let part = |name: &str| parts.get(name).with_context(|| format!("the signature has no {name}"));
    let list = part(LIST)?;
    let mut signed = Vec::new();
    for (cpu, slice) in mach_o::slices(bundle.program()?)? {
        let one = program::attach(slice, part(cpu.name())?);
        signed.push(one.with_context(|| format!("the slice for {}", cpu.name()))?);
    }
    let signed = mach_o::joined(signed)?;
    let program = format!("{}{}", bundle.contents, bundle.program_path()?);
    replace(archive, &[(program, &signed), (format!("{}{LIST}", bundle.contents), list)], None)
}

/// The archive of a signed bundle with a ticket.
///
/// # Errors
/// If it is none.
pub(crate) fn staple(archive: &[u8], ticket: &[u8]) -> Result<Vec<u8>> {
    let contents = contents_of(archive).context("it is no archive of a bundle")?;
    let list = format!("{contents}{LIST}");
    replace(archive, &[], Some(&(&list, format!("{contents}{TICKET}"), ticket)))
}

/// An archive with other members in the place of some, and one more behind another, all else as it is.
fn replace(
    archive: &[u8],
    others: &[(String, &Vec<u8>)],
    more: Option<&(&str, String, &[u8])>,
) -> Result<Vec<u8>> {
    let mut archive = open(archive)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let (mut replaced, mut added) = (0, more.is_none());
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index)?;
        let name = entry.name()?.into_owned();
        let like = options(Some(&entry));
        if let Some((_, content)) = others.iter().find(|(other, _)| *other == name) {
            writer.start_file(&*name, like)?;
            writer.write_all(content)?;
            replaced += 1;
        } else {
            writer.raw_copy_file(entry)?;
        }
        if let Some((_, path, content)) = more.filter(|(before, ..)| *before == name) {
            writer.start_file(&**path, like)?;
            writer.write_all(content)?;
            added = true;
        }
    }
    ensure!(
        replaced == others.len() && added,
        "the archive has no list of the bundle's files: it is not sealed"
    );
    Ok(writer.finish()?.into_inner())
}

/// How a member is written: as another is, or as one of a signature. None of it depends on the system.
fn options<R: Read>(like: Option<&zip::read::ZipFile<'_, R>>) -> SimpleFileOptions {
    let plain = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .system(zip::System::Unix)
        .unix_permissions(0o644)
        .last_modified_time(zip::DateTime::default());
    let Some(like) = like else { return plain };
    let plain = plain.last_modified_time(like.last_modified().unwrap_or_default());
    like.unix_mode().map_or(plain, |mode| plain.unix_permissions(mode & 0o777))
}

/// Where the bundle of an archive has its contents: `NAME.app/Contents/`.
fn contents_of(archive: &[u8]) -> Option<String> {
    const END: &str = ".app/Contents/Info.plist";
    let archive = open(archive).ok()?;
    let names = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned()));
    let mut names = names.filter(|name| name.ends_with(END) && name.matches('/').count() == 2);
    let name = names.next().filter(|_| names.next().is_none())?;
    name.strip_suffix("Info.plist").map(str::to_owned)
}

fn open(bytes: &[u8]) -> Result<Archive<'_>> {
    ZipArchive::new(Cursor::new(bytes)).context("it is no zip archive, or a damaged one")
}
