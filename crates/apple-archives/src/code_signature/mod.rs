//! Code signatures of macOS: read, made ad hoc, taken off a signed file and put onto the unsigned one again.
//!
//! A signature is a list of blobs ([`Embedded`]), of which the [`Directory`] matters most: it has the digests of every
//! page of the code and of the other blobs. A key signs the directory, in a CMS blob; an ad hoc signature has none.
//! `<kern/cs_blobs.h>` of [XNU](https://github.com/apple-oss-distributions/xnu) specifies the directory,
//! `OSX/libsecurity_codesigning` of [Security](https://github.com/apple-oss-distributions/Security) the rest. Numbers in it
//! are big-endian.
//!
//! | signed | where the signature is | what is stored of it |
//! |---|---|---|
//! | program | behind its last segment ([`program`]) | those bytes |
//! | bundle | in its program, and `_CodeSignature/CodeResources` ([`resources`]) | both |
//! | flat package | in its table of contents, and at the start of its heap ([`package`]) | both, with the header |
//! | disk image | before its trailer ([`image`]) | those bytes |
//!
//! The unsigned file and what is stored make the signed file, bit for bit, without a key. A ticket of Apple's notary is a
//! further blob, a file in the bundle, or bytes behind a package.

mod ad_hoc;
mod directory;
mod embedded;
pub mod image;
pub mod package;
pub mod program;
pub mod resources;
#[cfg(test)]
pub(crate) mod sample;

pub use ad_hoc::{AdHoc, sign_ad_hoc};
pub use directory::{Directory, Hash, slot};
pub use embedded::Embedded;
pub use resources::code_resources;

/// What is wrong with a signature, or with what is signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

type Result<T> = std::result::Result<T, Error>;

impl From<crate::mach_o::Error> for Error {
    fn from(error: crate::mach_o::Error) -> Error {
        Error(error.to_string())
    }
}

fn fail<T>(words: impl Into<String>) -> Result<T> {
    Err(Error(words.into()))
}

fn ensure(condition: bool, words: &str) -> Result<()> {
    if condition { Ok(()) } else { fail(words) }
}

/// A number in a blob.
fn u32_at(bytes: &[u8], at: usize) -> Result<u32> {
    let four = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>());
    four.map(|four| u32::from_be_bytes(*four)).ok_or_else(|| Error("it is cut off".to_owned()))
}

/// A place or length in a blob.
fn place_at(bytes: &[u8], at: usize) -> Result<usize> {
    Ok(u32_at(bytes, at)? as usize)
}

fn u64_at(bytes: &[u8], at: usize) -> Result<u64> {
    let eight = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>());
    eight.map(|eight| u64::from_be_bytes(*eight)).ok_or_else(|| Error("it is cut off".to_owned()))
}

fn number(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error("it is larger than 4 GiB".to_owned()))
}

/// Something in DER ([X.690](https://www.itu.int/rec/T-REC-X.690), section 8.1.3) without the zeros that fill up its
/// place.
fn only_der(place: &[u8]) -> Result<&[u8]> {
    let head = match place.get(1) {
        Some(short @ 0..=0x7f) => Some((2, usize::from(*short))),
        Some(long @ 0x81..=0x84) => place.get(2..2 + usize::from(long & 0x7f)).map(|bytes| {
            (2 + bytes.len(), bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }),
        _ => None,
    };
    let der = head.and_then(|(head, length)| place.split_at_checked(head.checked_add(length)?));
    match der {
        Some((der, rest)) if rest.iter().all(|byte| *byte == 0) => Ok(der),
        Some(_) => fail("there is something behind its signature, in its place"),
        None => fail("its signature is cut off"),
    }
}
