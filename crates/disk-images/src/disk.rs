//! The disk that images are made of: a raw, sparse file.
//!
//! A disk of 8 GB with 1 GB on it is read as 1 GB: holes of the file are passed over where the system tells of them. What
//! is read and holds only zeros counts as a hole, so that an image depends on what the disk says, and never on how its
//! file came to be.

use crate::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Bytes in a sector.
pub const SECTOR: u64 = 512;

/// Bytes that are digested at a time. Identifiers depend on it.
const DIGESTED: usize = 64 * 1024;

/// What identifiers of disks are derived in. Any constant does; another one makes others of all identifiers.
const NAMESPACE: Uuid = Uuid::from_bytes(*b"disk-images\0\0\0\0\x01");

/// A raw disk in a file.
#[derive(Debug)]
pub struct Disk {
    file: File,
    path: PathBuf,
    size: u64,
    digest: Option<[u8; 32]>,
}

/// A piece of a disk in which at least one byte is not zero.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// How many pieces of the same length are before it.
    pub(crate) index: u64,
    /// As many bytes as asked for. What is beyond the end of the disk is zero.
    pub(crate) bytes: Vec<u8>,
}

impl Disk {
    /// Opens a disk.
    ///
    /// # Errors
    /// If the file cannot be read, or is not made of whole sectors.
    pub fn open(path: &Path) -> Result<Disk> {
        let failed = |error: std::io::Error| Error::disk(path, error.to_string());
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            return Err(Error::disk(path, "it is not a regular file; copy the disk into one"));
        }
        let size = about.len();
        if size == 0 {
            return Err(Error::disk(path, "it is empty; a disk has one sector at least"));
        }
        if !size.is_multiple_of(SECTOR) {
            return Err(Error::disk(
                path,
                format!("its {size} bytes are not whole sectors of {SECTOR}; is it cut off, or compressed?"),
            ));
        }
        Ok(Disk { file, path: path.to_owned(), size, digest: None })
    }

    /// Bytes of the disk, holes included.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// An identifier for something about this disk. Disks that differ have others; so have names that differ.
    ///
    /// # Errors
    /// If the disk cannot be read, which is done the first time.
    pub fn identifier(&mut self, of: &str) -> Result<Uuid> {
        let digest = match self.digest {
            Some(digest) => digest,
            None => self.digested()?,
        };
        self.digest = Some(digest);
        Ok(Uuid::new_v5(&Uuid::new_v5(&NAMESPACE, &digest), of.as_bytes()))
    }

    /// SHA-256 of the size and of all that is not zero, with its place.
    fn digested(&mut self) -> Result<[u8; 32]> {
        let mut digest = Sha256::new();
        digest.update(self.size.to_le_bytes());
        for chunk in self.chunks(DIGESTED) {
            let chunk = chunk?;
            digest.update(chunk.index.to_le_bytes());
            digest.update(&chunk.bytes);
        }
        Ok(digest.finalize().into())
    }

    /// All pieces of a length that hold something, in their order.
    pub(crate) fn chunks(&mut self, length: usize) -> impl Iterator<Item = Result<Chunk>> {
        let mut next = 0;
        std::iter::from_fn(move || self.next_chunk(&mut next, length).transpose())
    }

    fn next_chunk(&mut self, next: &mut u64, length: usize) -> Result<Option<Chunk>> {
        loop {
            let Some(data) = self.next_data(*next * length as u64)? else { return Ok(None) };
            let index = data / length as u64;
            let bytes = self.read(index * length as u64, length)?;
            *next = index + 1;
            if !is_zero(&bytes) {
                return Ok(Some(Chunk { index, bytes }));
            }
        }
    }

    /// Where the file may have something else than zeros, from a place on.
    fn next_data(&mut self, from: u64) -> Result<Option<u64>> {
        if from >= self.size {
            return Ok(None);
        }
        // Where the file system knows of no holes, all of it is data.
        #[cfg(target_os = "linux")]
        return match rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(from)) {
            Ok(data) => Ok((data < self.size).then_some(data)),
            Err(rustix::io::Errno::NXIO) => self.still_whole().map(|()| None),
            Err(error) => Err(Error::disk(&self.path, std::io::Error::from(error).to_string())),
        };
        #[cfg(not(target_os = "linux"))]
        Ok(Some(from))
    }

    /// Nothing follows in the file: is that a hole up to the end of the disk, or has somebody cut it off?
    #[cfg(target_os = "linux")]
    fn still_whole(&self) -> Result<()> {
        let now = self.file.metadata().map_err(|error| Error::disk(&self.path, error.to_string()))?.len();
        if now < self.size { Err(self.cut_off()) } else { Ok(()) }
    }

    fn read(&mut self, start: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let there = (self.size - start).min(length as u64) as usize;
        let read = self.file.seek(SeekFrom::Start(start));
        match read.and_then(|_| self.file.read_exact(&mut bytes[..there])) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.cut_off()),
            Err(error) => Err(Error::disk(&self.path, format!("at byte {start}: {error}"))),
        }
    }

    fn cut_off(&self) -> Error {
        let what = format!("it had {} bytes and is shorter now; let nobody change it meanwhile", self.size);
        Error::disk(&self.path, what)
    }
}

/// Whether there is nothing in it. Or-ing whole blocks is what the compiler makes wide instructions of.
fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(4096).all(|block| block.iter().fold(0, |all, byte| all | byte) == 0)
}
