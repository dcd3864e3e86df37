//! What indexes are made of: digests, compressed copies that are the same bits each time, and lists of what is there.

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};
use packager::digest::sha256;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// A package that a published index names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    /// Its place below the repository's folder.
    pub(crate) path: String,
    /// Its SHA-256 in hexadecimal digits.
    pub(crate) sha256: String,
}

impl Listed {
    /// The package, which has to be what the index says.
    ///
    /// # Errors
    /// If it is missing or another one.
    pub(crate) fn read(&self, repository: &Path) -> Result<Vec<u8>> {
        ensure!(
            !self.path.split('/').any(|part| part.is_empty() || part == ".."),
            "an index names {}, which is no path in the repository",
            self.path
        );
        let path = repository.join(&self.path);
        let advice = "bring back the file that was published";
        let bytes = fs::read(&path).with_context(|| format!("reading {}: {advice}", path.display()))?;
        ensure!(
            sha256(&bytes) == self.sha256,
            "{} is damaged: it is not what the published index names; {advice}",
            path.display()
        );
        Ok(bytes)
    }
}

/// Compresses for everyone, Enterprise Linux 8 included.
///
/// # Errors
/// Never: memory has no end here.
pub(crate) fn gz(bytes: &[u8]) -> Result<Vec<u8>> {
    // Neither a name nor a time, and no system that it was made on.
    let mut writer = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

/// Compresses better.
///
/// # Errors
/// If the library refuses.
pub(crate) fn xz(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = liblzma::write::XzEncoder::new(Vec::new(), 6);
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

/// Reads what [`gz`] or another program compressed.
///
/// # Errors
/// If it is damaged.
pub(crate) fn from_gz(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(bytes), &mut plain)?;
    Ok(plain)
}

/// A time in seconds since 1970 UTC, as mail has it and apt wants it.
///
/// # Errors
/// If it is out of reach.
pub(crate) fn mail_date(time: u32) -> Result<String> {
    let time = jiff::Timestamp::from_second(time.into())?;
    Ok(time.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string())
}

/// The time of [`mail_date`].
///
/// # Errors
/// If it is none.
pub(crate) fn from_mail_date(text: &str) -> Result<u32> {
    let text = text.trim().replace("UTC", "+0000");
    let time = jiff::fmt::rfc2822::parse(&text).with_context(|| format!("{text:?} is no date"))?;
    Ok(u32::try_from(time.timestamp().as_second())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: what was compressed or dated is read as something else.
    #[test]
    fn goes_there_and_back() {
        assert_eq!(from_gz(&gz(b"text").unwrap()).unwrap(), b"text");
        assert_eq!(mail_date(1_795_824_000).unwrap(), "Sat, 28 Nov 2026 00:00:00 UTC");
        assert_eq!(from_mail_date("Sat, 28 Nov 2026 00:00:00 UTC").unwrap(), 1_795_824_000);
        assert!(from_mail_date("yesterday").is_err());
    }
}
