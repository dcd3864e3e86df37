//! Whether what is for macOS is signed as it should be: by our own reading of every digest, and by OpenSSL for what a key
//! signed. Nothing of Apple is needed, and nobody is asked.

use super::bundle::{self, Bundle};
use super::cms::{self, Found};
use super::identity::Usage;
use crate::archive;
use crate::authenticode::{Trust, Verdict};
use anyhow::{Context, Result};
use apple_archives::code_signature::{Directory, Embedded, Hash, image, package, program, slot};
use apple_archives::mach_o;
use serde::Serialize;

/// What somebody may sign for macOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A program, of one slice or several.
    Program,
    /// A bundle in a zip archive.
    Bundle,
    /// A flat package.
    Package,
    /// A disk image.
    Image,
}

impl Kind {
    /// That of what lies before us.
    pub(crate) fn of(bytes: &[u8]) -> Option<Kind> {
        if mach_o::is_program(bytes) {
            Some(Kind::Program)
        } else if package::is_package(bytes) {
            Some(Kind::Package)
        } else if image::is_image(bytes) {
            Some(Kind::Image)
        } else {
            bundle::is_bundle(bytes).then_some(Kind::Bundle)
        }
    }
}

/// What the signature of something for macOS says besides.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Code {
    /// What macOS calls it; a package has no such name.
    pub(crate) identifier: Option<String>,
    /// The ten letters and digits by which Apple knows the organisation.
    pub(crate) team: Option<String>,
    /// The digest by which macOS and the notary know it, hexadecimal.
    pub(crate) code_hash: String,
    /// Whether it asks for the hardened runtime.
    pub(crate) hardened: bool,
    /// Whether the notary's ticket is stapled to it.
    pub(crate) ticket: bool,
}

/// Judges what is in a file, which is shown as `name`. None if it is nothing for macOS.
///
/// # Errors
/// If there are no roots to judge it by.
pub(crate) fn judge(name: &str, bytes: &[u8], trust: &Trust) -> Result<Option<Vec<Verdict>>> {
    let Some(kind) = Kind::of(bytes) else { return Ok(None) };
    trust.clone().check()?;
    let verdicts = match kind {
        Kind::Program => judge_program(name, bytes, None, trust)?,
        Kind::Bundle => {
            archive::check_zip(bytes)?;
            let bundle = Bundle::read(bytes)?.context("it is no bundle")?;
            judge_program(name, bundle.program()?, Some(&bundle), trust)?
        }
        Kind::Package => vec![judge_package(name, bytes, trust)?],
        Kind::Image => vec![judge_image(name, bytes, trust)?],
    };
    Ok(Some(verdicts))
}

fn judge_program(name: &str, bytes: &[u8], bundle: Option<&Bundle>, trust: &Trust) -> Result<Vec<Verdict>> {
    let slices = match mach_o::slices(bytes) {
        Ok(slices) => slices,
        Err(error) => return Ok(vec![Verdict::bad(name, error.to_string())]),
    };
    let judged = slices.into_iter().map(|(cpu, slice)| {
        let name = format!("{name}: {}", cpu.name());
        let (code, signature) = match program::split(slice) {
            Ok((code, Some(signature))) => (code, signature),
            Ok((_, None)) => return Ok(Verdict::bad(&name, "it is not signed")),
            Err(error) => return Ok(Verdict::bad(&name, error.to_string())),
        };
        let embedded = match Embedded::parse(signature) {
            Ok(embedded) => embedded,
            Err(error) => return Ok(Verdict::bad(&name, error.to_string())),
        };
        let mut problems: Vec<String> =
            embedded.check(code).err().map(|e| e.to_string()).into_iter().collect();
        match bundle {
            Some(bundle) => problems.extend(bundle.problems(slice)),
            None => problems.extend(out_of_a_bundle(&embedded)),
        }
        if embedded.blob(slot::TICKET).is_some() {
            problems.push("there is a ticket in its signature, where no program has one".to_owned());
        }
        let ticket = bundle.is_some_and(|bundle| bundle.ticket().is_some());
        judge_embedded(&name, &embedded, problems, Wanted { hardened: true, ticket }, trust)
    });
    judged.collect()
}

/// What a program lacks that was signed with its bundle.
fn out_of_a_bundle(embedded: &Embedded<'_>) -> Option<String> {
    let directories = embedded.directories().ok()?;
    let is_of_a_bundle = directories.iter().any(|directory| directory.special(slot::RESOURCES).is_some());
    is_of_a_bundle.then(|| {
        "it was signed with its bundle, without which it cannot be judged: name the bundle".to_owned()
    })
}

fn judge_image(name: &str, bytes: &[u8], trust: &Trust) -> Result<Verdict> {
    let embedded = match image::check(bytes) {
        Ok(embedded) => embedded,
        Err(error) => return Ok(Verdict::bad(name, error.to_string())),
    };
    let ticket = embedded.blob(slot::TICKET).is_some();
    judge_embedded(name, &embedded, Vec::new(), Wanted { hardened: false, ticket }, trust)
}

/// What there is besides the signature, and what it is to say.
#[derive(Clone, Copy)]
struct Wanted {
    hardened: bool,
    ticket: bool,
}

/// Judges a signature, of which `problems` are known already.
fn judge_embedded(
    name: &str,
    embedded: &Embedded<'_>,
    mut problems: Vec<String>,
    wanted: Wanted,
    trust: &Trust,
) -> Result<Verdict> {
    let read = || -> Result<_> { Ok((embedded.directories()?, embedded.cms()?)) };
    let (directories, cms) = match read() {
        Ok(read) => read,
        Err(error) => return Ok(Verdict::bad(name, error.to_string())),
    };
    let first = &directories[0];
    let strongest = directories.iter().max_by_key(|directory| directory.hash).unwrap_or(first);
    let Some(cms) = cms.filter(|_| !first.is_ad_hoc()) else {
        problems.insert(0, "it is signed ad hoc only: nobody vouches for it".to_owned());
        return Ok(Verdict::with_code(name, problems, None, code(strongest, wanted)));
    };
    let found = match cms::judge(cms, first.bytes(), Usage::Application, trust) {
        Ok(found) => found,
        Err(error) => return Ok(Verdict::bad(name, format!("its signature cannot be read: {error:#}"))),
    };
    problems.extend(found.problems.iter().cloned());
    problems.extend(unsigned_directories(&directories, &found));
    if strongest.hash == Hash::Sha1 {
        problems.push("its digests are SHA-1, which is too weak".to_owned());
    }
    for directory in &directories {
        if wanted.hardened && !directory.is_hardened() {
            problems.push("it does not ask for the hardened runtime, which the notary wants".to_owned());
        }
        if directory.team.is_some() && directory.team != found.team {
            problems.push("it names another team than its certificate".to_owned());
        }
    }
    problems.dedup();
    // Of disk images, the directory need not name it.
    let code = Code { team: found.team, ..code(strongest, wanted) };
    Ok(Verdict::with_code(name, problems, Some(found.signature), code))
}

/// The key signs the first directory; of the others, the signature has the digests.
fn unsigned_directories(directories: &[Directory<'_>], found: &Found) -> Option<String> {
    let is_unsigned = |directory: &Directory<'_>| !found.directories.contains(&directory.digest());
    directories[1..]
        .iter()
        .any(is_unsigned)
        .then(|| "a code directory of it was exchanged after it was signed".to_owned())
}

fn code(directory: &Directory<'_>, wanted: Wanted) -> Code {
    Code {
        identifier: Some(directory.identifier.clone()),
        team: directory.team.clone(),
        code_hash: hex(&directory.cd_hash()),
        hardened: directory.is_hardened(),
        ticket: wanted.ticket,
    }
}

fn judge_package(name: &str, bytes: &[u8], trust: &Trust) -> Result<Verdict> {
    let signed = match package::read(bytes) {
        Ok(signed) => signed,
        Err(error) => return Ok(Verdict::bad(name, error.to_string())),
    };
    let Some(cms) = signed.cms else { return Ok(Verdict::bad(name, "it is not signed")) };
    let found = match cms::judge(cms, signed.checksum, Usage::Installer, trust) {
        Ok(found) => found,
        Err(error) => return Ok(Verdict::bad(name, format!("its signature cannot be read: {error:#}"))),
    };
    let code = Code {
        team: found.team,
        code_hash: hex(signed.checksum),
        ticket: signed.ticket.is_some(),
        ..Code::default()
    };
    Ok(Verdict::with_code(name, found.problems, Some(found.signature), code))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
