//! The directory of a signature: digests of everything that is signed.

use super::{Result, ensure, fail, place_at, u32_at, u64_at};
use sha2::Digest as _;

/// `CSMAGIC_CODEDIRECTORY`.
pub(super) const MAGIC: u32 = 0xfade_0c02;
/// `CS_ADHOC`, `CS_RUNTIME` (hardened runtime) and `CS_LINKER_SIGNED`.
pub(super) const AD_HOC: u32 = 2;
const RUNTIME: u32 = 0x1_0000;
const LINKER_SIGNED: u32 = 0x2_0000;
/// Versions from which on there is a team, a length of 64 bits.
const WITH_TEAM: u32 = 0x2_0200;
const WITH_LONG_LIMIT: u32 = 0x2_0300;

/// The numbers of blobs, and of the digests of what is signed besides the code.
pub mod slot {
    /// The directory.
    pub const DIRECTORY: u32 = 0;
    /// `Info.plist`, a file of the bundle.
    pub const INFO_PLIST: u32 = 1;
    /// What those who check may ask of the signer.
    pub const REQUIREMENTS: u32 = 2;
    /// `CodeResources`, a file of the bundle.
    pub const RESOURCES: u32 = 3;
    /// What a format wants to be signed besides: of a disk image, its trailer.
    pub const REPRESENTATION: u32 = 6;
    /// Further directories, with other digests.
    pub const OTHER_DIRECTORIES: std::ops::Range<u32> = 0x1000..0x1005;
    /// The CMS signature.
    pub const CMS: u32 = 0x1_0000;
    /// The notary's ticket.
    pub const TICKET: u32 = 0x1_0002;
}

/// Which digests a directory has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hash {
    /// Weak: of systems before macOS 10.11.4.
    Sha1,
    /// What everybody uses today.
    Sha256,
    /// Longer.
    Sha384,
}

impl Hash {
    /// The digest of bytes.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Hash::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Hash::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Hash::Sha1 => "SHA-1",
            Hash::Sha256 => "SHA-256",
            Hash::Sha384 => "SHA-384",
        }
    }
}

/// A directory.
#[derive(Clone, Debug)]
pub struct Directory<'a> {
    bytes: &'a [u8],
    /// What is signed, as macOS calls it.
    pub identifier: String,
    /// Whose it is: the ten letters and digits by which Apple knows an organisation.
    pub team: Option<String>,
    /// Which digests it has.
    pub hash: Hash,
    /// How many bytes of code it is for.
    pub limit: u64,
    flags: u32,
    /// Where the digests of pages begin, how long each is, how many there are, and how many of other things before.
    digests: usize,
    digest_size: usize,
    pages: usize,
    specials: usize,
    /// The size of a page, as a power of two; none if all of the code is one.
    page_bits: u8,
}

impl<'a> Directory<'a> {
    /// Reads the blob of a directory.
    ///
    /// # Errors
    /// If it is none, or is damaged.
    pub fn parse(bytes: &'a [u8]) -> Result<Directory<'a>> {
        ensure(u32_at(bytes, 0)? == MAGIC, "it is no code directory")?;
        ensure(place_at(bytes, 4)? == bytes.len(), "its code directory has another length than it says")?;
        let version = u32_at(bytes, 8)?;
        let [digests, identifier] = [place_at(bytes, 16)?, place_at(bytes, 20)?];
        let [specials, pages] = [place_at(bytes, 24)?, place_at(bytes, 28)?];
        let [digest_size, hash, _platform, page_bits] = u32_at(bytes, 36)?.to_be_bytes();
        let (hash, size) = match hash {
            1 => (Hash::Sha1, 20),
            2 => (Hash::Sha256, 32),
            3 => (Hash::Sha256, 20),
            4 => (Hash::Sha384, 48),
            other => return fail(format!("its digests are of the unknown kind {other}")),
        };
        ensure(digest_size == size, "its digests have another length than their kind has")?;
        ensure(page_bits < 32, "its pages are too large")?;
        let digest_size = usize::from(digest_size);
        let before = specials.checked_mul(digest_size);
        let behind = pages.checked_mul(digest_size).and_then(|length| digests.checked_add(length));
        ensure(
            before.is_some_and(|length| length <= digests) && behind.is_some_and(|end| end <= bytes.len()),
            "its code directory has not all of its digests",
        )?;
        let team = if version >= WITH_TEAM { place_at(bytes, 48)? } else { 0 };
        let long = if version >= WITH_LONG_LIMIT { u64_at(bytes, 56)? } else { 0 };
        let limit = if long == 0 { u64::from(u32_at(bytes, 32)?) } else { long };
        Ok(Directory {
            identifier: text_at(bytes, identifier)?,
            team: (team != 0).then(|| text_at(bytes, team)).transpose()?,
            hash,
            limit,
            flags: u32_at(bytes, 12)?,
            digests,
            digest_size,
            pages,
            specials,
            page_bits,
            bytes,
        })
    }

    /// The digest by which macOS, and Apple's notary, know what is signed: the first 20 bytes of that of the directory.
    pub fn cd_hash(&self) -> Vec<u8> {
        let mut hash = self.digest();
        hash.truncate(20);
        hash
    }

    /// The digest of the directory, whole.
    pub fn digest(&self) -> Vec<u8> {
        self.hash.of(self.bytes)
    }

    /// The blob: what a key signs.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether it says that nobody signed it.
    pub fn is_ad_hoc(&self) -> bool {
        self.flags & AD_HOC != 0
    }

    /// Whether a linker signed it, which every signer replaces.
    pub fn is_by_linker(&self) -> bool {
        self.flags & LINKER_SIGNED != 0
    }

    /// Whether it asks for the hardened runtime, which the notary wants.
    pub fn is_hardened(&self) -> bool {
        self.flags & RUNTIME != 0
    }

    /// The digest of something besides the code, if there is one. See [`slot`].
    pub fn special(&self, slot: u32) -> Option<&'a [u8]> {
        let slot = usize::try_from(slot).ok().filter(|slot| (1..=self.specials).contains(slot))?;
        let start = self.digests - slot * self.digest_size;
        let digest = self.bytes.get(start..start + self.digest_size)?;
        digest.iter().any(|byte| *byte != 0).then_some(digest)
    }

    /// The numbers of everything besides the code of which it has a digest.
    pub fn specials(&self) -> impl Iterator<Item = u32> {
        (1..=self.specials).filter_map(|slot| {
            let slot = u32::try_from(slot).ok()?;
            self.special(slot).map(|_| slot)
        })
    }

    /// Refuses what is not what has this digest in it.
    ///
    /// # Errors
    /// If it is another, or there is no digest of it; the error calls it `name`.
    pub fn check_special(&self, slot: u32, name: &str, content: &[u8]) -> Result<()> {
        let Some(digest) = self.special(slot) else {
            return fail(format!("there is {name}, but no digest of it in the signature"));
        };
        if self.short(content) == digest {
            return Ok(());
        }
        fail(format!("{name} is not the one that was signed"))
    }

    /// Refuses code that is not what was signed.
    ///
    /// # Errors
    /// If its length is another, or a page; the error says which.
    pub fn check_code(&self, code: &[u8]) -> Result<()> {
        if code.len() as u64 != self.limit {
            return fail(format!("the signature is for {} bytes, not for {}", self.limit, code.len()));
        }
        let page = if self.page_bits == 0 { code.len().max(1) } else { 1 << self.page_bits };
        ensure(code.len().div_ceil(page) == self.pages, "there are not as many digests as pages")?;
        for (index, content) in code.chunks(page).enumerate() {
            let start = self.digests + index * self.digest_size;
            if self.bytes.get(start..start + self.digest_size) != Some(&self.short(content)) {
                return fail(format!(
                    "it was changed after it was signed: between byte {} and {}",
                    index * page,
                    index * page + content.len()
                ));
            }
        }
        Ok(())
    }

    /// A digest as long as they are here.
    fn short(&self, content: &[u8]) -> Vec<u8> {
        let mut digest = self.hash.of(content);
        digest.truncate(self.digest_size);
        digest
    }
}

/// A text that ends with a zero.
fn text_at(bytes: &[u8], at: usize) -> Result<String> {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some(end) = rest.iter().position(|byte| *byte == 0) else {
        return fail("a text in its code directory has no end");
    };
    match std::str::from_utf8(&rest[..end]) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => fail("a text in its code directory is not UTF-8"),
    }
}
