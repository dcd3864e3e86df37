//! Numbers and parts of bytes that may end anywhere.

use super::{Result, damaged};

/// Bytes that others wrote.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    /// `length` bytes from `at` on.
    pub(super) fn part(self, at: usize, length: usize) -> Result<&'a [u8]> {
        let part = at.checked_add(length).and_then(|end| self.0.get(at..end));
        part.ok_or_else(|| damaged(format!("{} bytes end before {length} at {at}", self.0.len())))
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.part(at, N)?);
        Ok(array)
    }

    pub(super) fn short(self, at: usize) -> Result<u16> {
        self.array(at).map(u16::from_be_bytes)
    }

    pub(super) fn word(self, at: usize) -> Result<u32> {
        self.array(at).map(u32::from_be_bytes)
    }

    pub(super) fn long(self, at: usize) -> Result<u64> {
        self.array(at).map(u64::from_be_bytes)
    }
}
