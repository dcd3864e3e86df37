//! The signature of an RPM: how it is put into the package, and what it is made over.
//!
//! A package is a lead of 96 bytes, a header with signatures and digests, padded to 8 bytes, a header that says
//! everything else, and the content. The signature is made over the second header, which has the digest of the content.
//! Specified in [RPM's package format](https://rpm-software-management.github.io/rpm/manual/format_v4.html). The crate
//! `rpm` can do this, too, but only with libraries that it takes along unfinished or that link Apple frameworks.

use anyhow::{Context, Result, bail, ensure};
use std::ops::Range;

/// The size of the lead.
const LEAD: usize = 96;
/// What a header begins with; four bytes follow that mean nothing.
const MAGIC: &[u8] = &[0x8e, 0xad, 0xe8, 0x01];
/// Bytes before a header's index: the magic, then the number of entries and of bytes of data.
const PREAMBLE: usize = 16;
/// Bytes of an entry, and of the trailer that says how many entries nobody may change.
const ENTRY: usize = 16;

/// `HEADERSIGNATURES`, the entry with the trailer.
const REGION: u32 = 62;
/// `RPMSIGTAG_DSA`: a signature that is not by RSA.
const DSA: u32 = 267;
/// `RPMSIGTAG_RSA`.
const RSA: u32 = 268;
/// The type of bytes.
const BINARY: u32 = 7;

/// An entry of a header, with its data.
struct Entry<'a> {
    tag: u32,
    kind: u32,
    count: u32,
    data: &'a [u8],
}

/// Where what is signed is in a package, and with the content behind it, which its digests cover.
///
/// # Errors
/// If this is no RPM.
pub(crate) fn signed_part(package: &[u8]) -> Result<Range<usize>> {
    let start = header_start(package)?;
    Ok(start..start + header_size(&package[start..])?)
}

/// The start of the second header.
///
/// # Errors
/// If this is no RPM.
pub(crate) fn header_start(package: &[u8]) -> Result<usize> {
    let signatures = package.get(LEAD..).context("it is too short for an RPM")?;
    let start = LEAD + header_size(signatures)?.next_multiple_of(8);
    ensure!(start <= package.len(), "it ends in the middle of a header");
    Ok(start)
}

/// The package with one more signature.
///
/// # Errors
/// If this is no RPM.
pub(crate) fn attach(package: &[u8], signature: &[u8], is_rsa: bool) -> Result<Vec<u8>> {
    let start = header_start(package)?;
    let mut entries = read(&package[LEAD..])?;
    let tag = if is_rsa { RSA } else { DSA };
    ensure!(entries.iter().all(|entry| entry.tag != tag), "it has a signature already");
    let count = u32::try_from(signature.len())?;
    entries.push(Entry { tag, kind: BINARY, count, data: signature });
    entries.sort_by_key(|entry| entry.tag);
    let mut signed = package[..LEAD].to_vec();
    signed.extend(write(&entries)?);
    signed.resize(signed.len().next_multiple_of(8), 0);
    signed.extend(&package[start..]);
    Ok(signed)
}

/// The package without its signature: what was signed, bit for bit, if [`attach`] signed it.
///
/// # Errors
/// If this is no RPM.
pub(crate) fn detach(package: &[u8]) -> Result<Vec<u8>> {
    let start = header_start(package)?;
    let mut entries = read(&package[LEAD..])?;
    entries.retain(|entry| ![DSA, RSA].contains(&entry.tag));
    let mut unsigned = package[..LEAD].to_vec();
    unsigned.extend(write(&entries)?);
    unsigned.resize(unsigned.len().next_multiple_of(8), 0);
    unsigned.extend(&package[start..]);
    Ok(unsigned)
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    let four = bytes.get(at..at + 4).context("it ends in the middle of a header")?;
    Ok(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

fn size(bytes: &[u8], at: usize) -> Result<usize> {
    Ok(usize::try_from(number(bytes, at)?)?)
}

/// The size of the header at the start of these bytes, without padding.
fn header_size(bytes: &[u8]) -> Result<usize> {
    ensure!(bytes.starts_with(MAGIC), "it is no RPM: a header is missing");
    let size = PREAMBLE + size(bytes, 8)?.saturating_mul(ENTRY) + size(bytes, 12)?;
    ensure!(size <= bytes.len(), "it ends in the middle of a header");
    Ok(size)
}

/// The entries of the header at the start of these bytes, but for the region's.
fn read(bytes: &[u8]) -> Result<Vec<Entry<'_>>> {
    let end = header_size(bytes)?;
    let store = &bytes[PREAMBLE + size(bytes, 8)? * ENTRY..end];
    let mut entries = Vec::new();
    for at in (PREAMBLE..end - store.len()).step_by(ENTRY) {
        let (tag, kind, offset, count) =
            (number(bytes, at)?, number(bytes, at + 4)?, size(bytes, at + 8)?, number(bytes, at + 12)?);
        if tag != REGION {
            let rest = store.get(offset..).context("an entry of its header points behind the end")?;
            let length = length(rest, kind, count)?;
            let data = rest.get(..length).context("an entry of its header ends behind the end")?;
            entries.push(Entry { tag, kind, count, data });
        }
    }
    Ok(entries)
}

/// How many bytes so many values of a type take.
fn length(bytes: &[u8], kind: u32, count: u32) -> Result<usize> {
    let count = usize::try_from(count)?;
    Ok(match kind {
        // Strings, with a NUL behind each.
        6 | 8 | 9 => {
            let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == 0);
            let last = count.checked_sub(1).and_then(|last| ends.nth(last));
            last.context("a text of its header has no end")?.0 + 1
        }
        _ => count.saturating_mul(width(kind)?),
    })
}

/// The bytes of a value, to a multiple of which its place is rounded up.
fn width(kind: u32) -> Result<usize> {
    Ok(match kind {
        0 | 1 | 2 | 6 | 7 | 8 | 9 => 1,
        3 => 2,
        4 => 4,
        5 => 8,
        _ => bail!("its header has values of the unknown type {kind}"),
    })
}

/// A header of these entries, in a region that nobody may change.
fn write(entries: &[Entry<'_>]) -> Result<Vec<u8>> {
    let mut index = Vec::new();
    let mut store = Vec::new();
    for Entry { tag, kind, count, data } in entries {
        store.resize(store.len().next_multiple_of(width(*kind)?), 0);
        for value in [*tag, *kind, u32::try_from(store.len())?, *count] {
            index.extend(value.to_be_bytes());
        }
        store.extend(*data);
    }
    let bytes = u32::try_from(ENTRY)?;
    let number = u32::try_from(entries.len() + 1)?;
    let region = [REGION, BINARY, u32::try_from(store.len())?, bytes];
    // The trailer points back to the beginning of the index.
    let trailer = [REGION, BINARY, (number * bytes).wrapping_neg(), bytes];
    store.extend(trailer.iter().flat_map(|value| value.to_be_bytes()));
    let mut header = [MAGIC, &[0; 4]].concat();
    let numbers = [number, u32::try_from(store.len())?].into_iter().chain(region);
    header.extend(numbers.flat_map(u32::to_be_bytes));
    header.extend(index);
    header.extend(store);
    Ok(header)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::Path;

    /// A small RPM in a file.
    pub(crate) fn write_package(path: &Path, version: &str, content: &str) {
        let config = rpm::BuildConfig::v4()
            .compression(rpm::CompressionWithLevel::Xz(6))
            .source_date(1_700_000_000_u32);
        let mut builder = rpm::PackageBuilder::new("x", version, "MIT", "x86_64", "for a test");
        builder.using_config(config).release("1").build_host("localhost");
        builder.with_file_contents(content, rpm::FileOptions::new("/usr/share/x/content")).unwrap();
        let package = builder.build().unwrap();
        package.write_file(path).unwrap();
    }

    /// Fails if: the package with a signature cannot be read, has another content, or loses digests; or nonsense
    /// panics.
    #[test]
    fn attaches_signatures() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.rpm");
        write_package(&path, "1.0", "text");
        let package = std::fs::read(&path).unwrap();
        let signed = attach(&package, b"a signature", true).unwrap();
        assert!(attach(&signed, b"another", true).is_err());
        assert!(detach(&signed).unwrap() == package, "another package comes of taking the signature off");
        let read = rpm::Package::parse(&mut &*signed).unwrap();
        assert_eq!(read.raw_signatures().unwrap()[0], &b"a signature"[..]);
        read.verify_digests().unwrap();
        let parts = [&package, &signed].map(|bytes| bytes[header_start(bytes).unwrap()..].to_vec());
        assert_eq!(parts[0], parts[1]);
        assert_eq!(signed[signed_part(&signed).unwrap()], read.header_bytes().unwrap());
        for end in (0..package.len()).step_by(7).take(400) {
            let _ = attach(&package[..end], b"x", false);
            let mut changed = package.clone();
            changed[end] ^= 0xff;
            let _ = attach(&changed, b"x", false);
            let _ = detach(&changed);
        }
    }
}
