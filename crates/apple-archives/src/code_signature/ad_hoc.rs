//! Ad hoc signatures: no key, but a name and the digests of everything. Apple's processors run nothing without one.
//!
//! The linker's names the program by a digest of its own, so every program gets one that says what it is, the same
//! wherever it is made.

use super::directory::{self, AD_HOC, slot};
use super::embedded::{ENTRY, HEAD, MAGIC, WRAPPER};
use super::{Result, number, program};
use crate::mach_o::Layout;
use sha2::{Digest as _, Sha256};

/// Pages of which digests are taken: 4 KiB.
const PAGE_BITS: u8 = 12;
/// `CSMAGIC_REQUIREMENTS`.
const REQUIREMENTS: u32 = 0xfade_0c01;
/// The version of a directory that knows where the executable segment is, and its bytes before the identifier.
const VERSION: u32 = 0x2_0400;
const DIRECTORY_HEAD: usize = 88;
/// `CS_HASHTYPE_SHA256` and its length.
const SHA256: [u8; 2] = [32, 2];
/// `CS_EXECSEG_MAIN_BINARY`.
const MAIN_BINARY: u64 = 1;

const INDEX_SIZE: usize = HEAD + 3 * ENTRY;
const NO_REQUIREMENTS: [u32; 3] = [REQUIREMENTS, 12, 0];
const NO_CMS: [u32; 2] = [WRAPPER, 8];

/// What an ad hoc signature says.
#[derive(Clone, Copy, Debug)]
pub struct AdHoc<'a> {
    /// What macOS is to call it.
    pub identifier: &'a str,
    /// The `Info.plist` of the bundle that it is the program of.
    pub info_plist: Option<&'a [u8]>,
    /// The `CodeResources` of that bundle.
    pub resources: Option<&'a [u8]>,
}

/// The program of one slice with an ad hoc signature in place of the one it may have.
///
/// # Errors
/// If it is no such program, or has no room for a signature.
pub fn sign_ad_hoc(bytes: &[u8], with: &AdHoc<'_>) -> Result<Vec<u8>> {
    let text = Layout::read(bytes)?.text;
    // How long the code is does not depend on how long the signature is.
    let limit = program::make_room(bytes, 0)?.len();
    let size = with.size(limit);
    let mut program = program::make_room(bytes, size)?;
    let mut signature = with.signature(&program, text)?;
    signature.resize(size, 0);
    program.extend(signature);
    Ok(program)
}

impl AdHoc<'_> {
    /// The digests besides those of pages, from the last slot to the first.
    fn specials(&self, requirements: &[u8]) -> Vec<[u8; 32]> {
        let digest = |bytes: Option<&[u8]>| bytes.map_or([0; 32], |bytes| Sha256::digest(bytes).into());
        let resources = self.resources.map(|_| digest(self.resources));
        resources.into_iter().chain([digest(Some(requirements)), digest(self.info_plist)]).collect()
    }

    fn directory_size(&self, limit: usize) -> usize {
        let specials = if self.resources.is_some() { 3 } else { 2 };
        let pages = limit.div_ceil(1 << PAGE_BITS);
        DIRECTORY_HEAD + self.identifier.len() + 1 + (specials + pages) * usize::from(SHA256[0])
    }

    fn size(&self, limit: usize) -> usize {
        (INDEX_SIZE + self.directory_size(limit) + 12 + 8).next_multiple_of(16)
    }

    /// The signature of a program that ends where the signature begins.
    fn signature(&self, program: &[u8], text: (u64, u64)) -> Result<Vec<u8>> {
        let requirements = NO_REQUIREMENTS.map(u32::to_be_bytes).concat();
        let directory = self.directory(program, text, &requirements)?;
        let blobs = [
            (slot::DIRECTORY, directory),
            (slot::REQUIREMENTS, requirements),
            (slot::CMS, NO_CMS.map(u32::to_be_bytes).concat()),
        ];
        let length = INDEX_SIZE + blobs.iter().map(|(_, blob)| blob.len()).sum::<usize>();
        let mut out = [MAGIC, number(length)?, blobs.len() as u32].map(u32::to_be_bytes).concat();
        let mut at = INDEX_SIZE;
        for (slot, blob) in &blobs {
            out.extend([*slot, number(at)?].map(u32::to_be_bytes).concat());
            at += blob.len();
        }
        blobs.iter().for_each(|(_, blob)| out.extend(blob));
        Ok(out)
    }

    fn directory(&self, program: &[u8], text: (u64, u64), requirements: &[u8]) -> Result<Vec<u8>> {
        let pages: Vec<_> = program.chunks(1 << PAGE_BITS).collect();
        let specials = self.specials(requirements);
        let first_page = DIRECTORY_HEAD + self.identifier.len() + 1 + specials.len() * usize::from(SHA256[0]);
        let mut out: Vec<u8> = [
            directory::MAGIC,
            number(self.directory_size(program.len()))?,
            VERSION,
            AD_HOC,
            number(first_page)?,
            DIRECTORY_HEAD as u32,
            number(specials.len())?,
            number(pages.len())?,
            number(program.len())?,
        ]
        .map(u32::to_be_bytes)
        .concat();
        let platform = 0;
        out.extend([SHA256[0], SHA256[1], platform, PAGE_BITS]);
        // Spare, no scatter, no team, spare; no limit of 64 bits.
        out.extend([0; 4 * 4 + 8]);
        out.extend([text.0, text.1, MAIN_BINARY].map(u64::to_be_bytes).concat());
        out.extend(self.identifier.as_bytes());
        out.push(0);
        specials.iter().for_each(|digest| out.extend(digest));
        pages.into_iter().for_each(|page| out.extend(Sha256::digest(page)));
        Ok(out)
    }
}
