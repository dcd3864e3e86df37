//! The cabinet with the files to install, compressed with MSZIP.
//!
//! Specified by [MS-CAB](https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-cab/).

use crate::{Error, Result};
use std::io::{Cursor, Write};
use time::{OffsetDateTime, PrimitiveDateTime};

/// A file of a cabinet.
#[derive(Clone, Copy, Debug)]
pub struct CabinetFile<'a> {
    /// The name in the cabinet, which is the key of its row in `File`.
    pub name: &'a str,
    /// Its content.
    pub content: &'a [u8],
}

/// A finished cabinet.
#[derive(Debug)]
pub struct Cabinet(Vec<u8>);

impl Cabinet {
    /// Packs files in the given order, which must be that of their sequence numbers.
    ///
    /// `epoch` is the time of every file, in seconds since 1970 UTC; cabinets hold times from 1980 on, in
    /// steps of two seconds.
    ///
    /// # Errors
    /// If there are no files, or more than a cabinet holds.
    pub fn pack(files: &[CabinetFile<'_>], epoch: u32) -> Result<Cabinet> {
        if files.is_empty() {
            return Err(Error::part("cabinet", "there are no files to pack"));
        }
        let time = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(epoch.into());
        let time = PrimitiveDateTime::new(time.date(), time.time());
        let mut builder = cab::CabinetBuilder::new();
        let folder = builder.add_folder(cab::CompressionType::MsZip);
        for file in files {
            folder.add_file(file.name).set_datetime(time);
        }
        let refuse = |error: std::io::Error| Error::part("cabinet", error.to_string());
        let mut writer = builder.build(Cursor::new(Vec::new())).map_err(refuse)?;
        for file in files {
            let mut entry = writer
                .next_file()
                .map_err(refuse)?
                .ok_or_else(|| Error::part("cabinet", "the writer lost a file"))?;
            entry.write_all(file.content).map_err(refuse)?;
        }
        Ok(Cabinet(writer.finish().map_err(refuse)?.into_inner()))
    }

    /// The bytes of the cabinet.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Fails if: a file does not come out of the cabinet as it went in, or two runs differ.
    #[test]
    fn gives_back_what_went_in() {
        let large: Vec<u8> = (0..200_000u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
        let files = [("empty", &[][..]), ("small", b"text"), ("large", &large)];
        let files = files.map(|(name, content)| CabinetFile { name, content });
        let bytes = Cabinet::pack(&files, 1_795_305_600).unwrap().into_bytes();
        assert_eq!(bytes, Cabinet::pack(&files, 1_795_305_600).unwrap().into_bytes());
        let mut cabinet = cab::Cabinet::new(Cursor::new(&bytes)).unwrap();
        for file in files {
            let mut content = Vec::new();
            cabinet.read_file(file.name).unwrap().read_to_end(&mut content).unwrap();
            assert_eq!(content, file.content, "{}", file.name);
        }
        let entry = cabinet.get_file_entry("small").unwrap().datetime().unwrap();
        assert_eq!(entry.to_string(), "2026-11-22 0:00:00.0");
    }

    /// Fails if: a cabinet without files is made, which Windows cannot read.
    #[test]
    fn refuses_to_be_empty() {
        assert!(Cabinet::pack(&[], 0).is_err());
    }
}
