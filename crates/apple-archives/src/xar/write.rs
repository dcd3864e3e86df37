//! Writing an archive.

use super::{Encoding, FORMAT, HEADER, MAGIC, SHA1, SHA1_SIZE, VERSION, hexadecimal};
use crate::Error;
use crate::xml::escape;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use jiff::Timestamp;
use sha1::{Digest, Sha1};
use std::fmt::Write as _;
use std::io::Write;

/// An archive in the making. Folders are made as the paths of files need them, and everything belongs to root.
#[derive(Debug)]
pub struct Writer {
    time: u32,
    files: Vec<Stored>,
    heap: Vec<u8>,
}

/// A file in the heap.
#[derive(Debug)]
struct Stored {
    path: String,
    encoding: Encoding,
    offset: usize,
    length: usize,
    size: usize,
    archived: String,
    extracted: String,
}

impl Writer {
    /// An archive that says it was made at this time, in seconds since 1970.
    pub fn new(time: u32) -> Writer {
        Writer { time, files: Vec::new(), heap: vec![0; SHA1_SIZE] }
    }

    /// Adds a file. Those of one folder come one after the other.
    ///
    /// # Errors
    /// If the path is not clean, or is another file's or that of a folder which another file needs.
    pub fn add(&mut self, path: &str, bytes: &[u8], encoding: Encoding) -> Result<(), Error> {
        let is_clean = path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0'));
        let is_below =
            |path: &str, other: &str| path.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'));
        let is_taken =
            |file: &Stored| file.path == path || is_below(path, &file.path) || is_below(&file.path, path);
        if !is_clean || self.files.iter().any(is_taken) {
            return Err(Error::unfit(
                FORMAT,
                format!("the path {path:?}, which is not clean or not the only one"),
            ));
        }
        let stored = match encoding {
            Encoding::Plain => bytes.to_vec(),
            Encoding::Zlib => compress(bytes)?,
        };
        let sha1 = |bytes: &[u8]| hexadecimal(&Sha1::digest(bytes));
        self.files.push(Stored {
            path: path.to_owned(),
            encoding,
            offset: self.heap.len(),
            length: stored.len(),
            size: bytes.len(),
            archived: sha1(&stored),
            extracted: sha1(bytes),
        });
        self.heap.extend(stored);
        Ok(())
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub fn write(self, out: &mut dyn Write) -> Result<(), Error> {
        out.write_all(&assemble(&self.table()?, &self.heap)?)?;
        Ok(())
    }

    fn table(&self) -> Result<String, Error> {
        let time = Timestamp::from_second(self.time.into())
            .map_err(|error| Error::unfit(FORMAT, error.to_string()))?;
        let time = time.strftime("%Y-%m-%dT%H:%M:%S");
        let mut table = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<xar>\n <toc>\n  <creation-time>{time}</creation-time>\n  \
             <checksum style=\"sha1\">\n   <offset>0</offset>\n   <size>{SHA1_SIZE}</size>\n  </checksum>\n"
        );
        let (mut open, mut id) = (Vec::new(), 0);
        for file in &self.files {
            let mut folders: Vec<&str> = file.path.split('/').collect();
            let name = folders.pop().unwrap_or_default();
            let common = open.iter().zip(&folders).take_while(|(one, other)| one == other).count();
            close(&mut table, open.len() - common);
            open.truncate(common);
            for folder in folders.drain(common..) {
                id += 1;
                begin(&mut table, id, folder, "directory", "0755");
                open.push(folder);
            }
            id += 1;
            begin(&mut table, id, name, "file", "0644");
            let Stored { encoding, offset, length, size, archived, extracted, .. } = file;
            let style = encoding.style();
            let _ = write!(
                table,
                "<data><length>{length}</length><offset>{offset}</offset><size>{size}</size>\
                 <encoding style=\"{style}\"/><extracted-checksum style=\"sha1\">{extracted}</extracted-checksum>\
                 <archived-checksum style=\"sha1\">{archived}</archived-checksum></data>"
            );
            close(&mut table, 1);
        }
        close(&mut table, open.len());
        table += " </toc>\n</xar>\n";
        Ok(table)
    }
}

fn begin(table: &mut String, id: usize, name: &str, kind: &str, mode: &str) {
    let name = escape(name);
    let _ = write!(
        table,
        "  <file id=\"{id}\"><name>{name}</name><type>{kind}</type><mode>{mode}</mode><uid>0</uid><gid>0</gid>\
         <user>root</user><group>wheel</group>"
    );
    if kind == "directory" {
        table.push('\n');
    }
}

fn close(table: &mut String, count: usize) {
    (0..count).for_each(|_| *table += "  </file>\n");
}

fn compress(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// An archive of a table and of a heap, which has room for the checksum of the table at its start.
pub(super) fn assemble(table: &str, heap: &[u8]) -> Result<Vec<u8>, Error> {
    let compressed = compress(table.as_bytes())?;
    let mut out = MAGIC.to_vec();
    out.extend([HEADER as u16, VERSION].map(u16::to_be_bytes).concat());
    out.extend([compressed.len() as u64, table.len() as u64].map(u64::to_be_bytes).concat());
    out.extend(SHA1.to_be_bytes());
    out.extend(&compressed);
    out.extend(Sha1::digest(&compressed));
    out.extend(&heap[SHA1_SIZE..]);
    Ok(out)
}
