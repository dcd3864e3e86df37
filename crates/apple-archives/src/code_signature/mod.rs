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
