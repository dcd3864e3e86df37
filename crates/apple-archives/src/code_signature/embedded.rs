//! The signature of a program or disk image: a list of blobs.

use super::directory::{Directory, slot};
use super::{Result, ensure, fail, only_der, place_at, u32_at};

/// `CSMAGIC_EMBEDDED_SIGNATURE`.
pub(super) const MAGIC: u32 = 0xfade_0cc0;
/// `CSMAGIC_BLOBWRAPPER`.
pub(super) const WRAPPER: u32 = 0xfade_0b01;
/// Bytes of the head, and of what it says of each blob.
pub(super) const HEAD: usize = 12;
pub(super) const ENTRY: usize = 8;
/// Far more than there are kinds.
const MOST_BLOBS: usize = 64;

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Embedded<'a> {
    blobs: Vec<(u32, &'a [u8])>,
}

impl<'a> Embedded<'a> {
    /// Whether there is a CMS signature in bytes, right or wrong; those of linkers are not as strict as is asked for
    /// below.
    pub(super) fn has_cms(bytes: &[u8]) -> bool {
        let count = place_at(bytes, 8).unwrap_or(0).min(MOST_BLOBS);
        let is_cms = |at: usize| -> Result<bool> {
            let start = place_at(bytes, at + 4)?;
            Ok(u32_at(bytes, at)? == slot::CMS && u32_at(bytes, start.saturating_add(4))? > 8)
        };
        u32_at(bytes, 0) == Ok(MAGIC) && (0..count).any(|index| is_cms(HEAD + ENTRY * index).unwrap_or(false))
    }

    /// Reads a signature, with the zeros that fill up its place.
    ///
    /// # Errors
    /// If it is none, is damaged, or has bytes that belong to no blob: nothing would vouch for them.
    pub fn parse(bytes: &'a [u8]) -> Result<Embedded<'a>> {
        ensure(u32_at(bytes, 0)? == MAGIC, "it has no signature where one should be")?;
        let (length, count) = (place_at(bytes, 4)?, place_at(bytes, 8)?);
        ensure(count <= MOST_BLOBS, "its signature has more parts than there are kinds")?;
        let Some((signature, rest)) = bytes.split_at_checked(length) else {
            return fail("its signature is cut off");
        };
        ensure(rest.iter().all(|byte| *byte == 0), "there is something behind its signature")?;
        let mut blobs: Vec<(u32, &[u8])> = Vec::new();
        let mut end = HEAD + ENTRY * count;
        for at in (0..count).map(|index| HEAD + ENTRY * index) {
            let (slot, start) = (u32_at(signature, at)?, place_at(signature, at + 4)?);
            ensure(start == end, "the parts of its signature do not follow one another")?;
            let size = start.checked_add(4).map_or(Ok(0), |at| place_at(signature, at))?;
            let Some(blob) = signature.get(start..start.saturating_add(size)).filter(|_| size >= 8) else {
                return fail("a part of its signature is cut off");
            };
            ensure(blobs.iter().all(|(other, _)| *other != slot), "its signature has a part twice")?;
            blobs.push((slot, blob));
            end = start + size;
        }
        ensure(end == signature.len(), "there is something behind the parts of its signature")?;
        Ok(Embedded { blobs })
    }

    /// The blob of that number, with its head of eight bytes.
    pub fn blob(&self, slot: u32) -> Option<&'a [u8]> {
        self.blobs.iter().find(|(number, _)| *number == slot).map(|(_, blob)| *blob)
    }

    /// All blobs, with their numbers.
    pub fn blobs(&self) -> &[(u32, &'a [u8])] {
        &self.blobs
    }

    /// The directory that is signed, and those with other digests, in their order.
    ///
    /// # Errors
    /// If there is none, or one is damaged.
    pub fn directories(&self) -> Result<Vec<Directory<'a>>> {
        let Some(first) = self.blob(slot::DIRECTORY) else {
            return fail("its signature has no code directory");
        };
        let others = slot::OTHER_DIRECTORIES.filter_map(|slot| self.blob(slot));
        [first].into_iter().chain(others).map(Directory::parse).collect()
    }

    /// The CMS signature in DER, which an ad hoc signature has not.
    ///
    /// # Errors
    /// If the part for it is something else.
    pub fn cms(&self) -> Result<Option<&'a [u8]>> {
        let Some(blob) = self.blob(slot::CMS) else { return Ok(None) };
        ensure(u32_at(blob, 0)? == WRAPPER, "the place of its CMS signature has something else")?;
        if blob.len() == 8 { Ok(None) } else { only_der(&blob[8..]).map(Some) }
    }

    /// Refuses code, or other blobs, that are not those of which the directories have digests.
    ///
    /// # Errors
    /// If something is another; the error says what.
    pub fn check(&self, code: &[u8]) -> Result<()> {
        for directory in self.directories()? {
            directory.check_code(code)?;
            for (number, blob) in &self.blobs {
                let is_vouched_for_otherwise = [slot::DIRECTORY, slot::CMS, slot::TICKET].contains(number)
                    || slot::OTHER_DIRECTORIES.contains(number);
                if !is_vouched_for_otherwise {
                    directory.check_special(*number, &format!("part {number} of its signature"), blob)?;
                }
            }
            let of_blob =
                |slot: &u32| !matches!(*slot, slot::INFO_PLIST | slot::RESOURCES | slot::REPRESENTATION);
            for slot in directory.specials().filter(of_blob) {
                ensure(self.blob(slot).is_some(), "a part of its signature is missing")?;
            }
        }
        Ok(())
    }
}
