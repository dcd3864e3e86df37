//! The signature of a disk image ([UDIF](https://newosxbook.com/DMG.html)): it lies before the trailer of 512 bytes, which
//! says where. Its directory has the digests of everything before it, and of the trailer, in which the length of the
//! signature counts as zero. A ticket is a further blob, so an image with a ticket has another signature to store.

use super::{Directory, Embedded, Error, Result, ensure, fail, slot, u64_at};

/// How the trailer begins, its size, and where it says where the signature is and how long.
const MAGIC: &[u8] = b"koly";
const TRAILER_SIZE: usize = 512;
const SIGNATURE: usize = 296;
const SIGNATURE_SIZE: usize = 304;

/// Whether bytes end as a disk image does.
pub fn is_image(bytes: &[u8]) -> bool {
    bytes.len() >= TRAILER_SIZE && bytes[bytes.len() - TRAILER_SIZE..].starts_with(MAGIC)
}

/// What is signed of an image, its signature if there is one, and its trailer.
struct Layout<'a> {
    body: &'a [u8],
    signature: Option<&'a [u8]>,
    trailer: &'a [u8],
}

impl<'a> Layout<'a> {
    fn read(bytes: &'a [u8]) -> Result<Layout<'a>> {
        ensure(is_image(bytes), "it is no disk image")?;
        let (body, trailer) = bytes.split_at(bytes.len() - TRAILER_SIZE);
        let place = |at: usize| -> Result<usize> {
            usize::try_from(u64_at(trailer, at)?).map_err(|_| Error("it is cut off".to_owned()))
        };
        let (start, size) = (place(SIGNATURE)?, place(SIGNATURE_SIZE)?);
        if size == 0 {
            ensure(start == 0, "it says that it is signed, and has no signature")?;
            return Ok(Layout { body, signature: None, trailer });
        }
        ensure(
            start.checked_add(size) == Some(body.len()),
            "its signature is not what lies before its trailer",
        )?;
        let (body, signature) = body.split_at(start);
        Ok(Layout { body, signature: Some(signature), trailer })
    }

    /// The trailer as it is signed, or with a signature of that length.
    fn trailer_with(&self, length: usize) -> Vec<u8> {
        let mut trailer = self.trailer.to_vec();
        trailer[SIGNATURE..SIGNATURE_SIZE].copy_from_slice(&(self.body.len() as u64).to_be_bytes());
        trailer[SIGNATURE_SIZE..SIGNATURE_SIZE + 8].copy_from_slice(&(length as u64).to_be_bytes());
        trailer
    }
}

/// The signature of an image, if there is one.
///
/// # Errors
/// If it is no image.
pub fn detach(image: &[u8]) -> Result<Option<&[u8]>> {
    Ok(Layout::read(image)?.signature)
}

/// An image with a signature in place of the one that it may have.
///
/// # Errors
/// If it is no image, or the signature is for something else.
pub fn attach(image: &[u8], signature: &[u8]) -> Result<Vec<u8>> {
    let layout = Layout::read(image)?;
    let trailer = layout.trailer_with(signature.len());
    let signed = [layout.body, signature, &trailer].concat();
    check(&signed)?;
    Ok(signed)
}

/// Refuses an image that is not what its signature is for, and returns the signature.
///
/// # Errors
/// If it is such; the error says what was changed.
pub fn check(image: &[u8]) -> Result<Embedded<'_>> {
    let layout = Layout::read(image)?;
    let Some(signature) = layout.signature else { return fail("it is not signed") };
    let embedded = Embedded::parse(signature)?;
    embedded.check(layout.body)?;
    let trailer = layout.trailer_with(0);
    for directory in embedded.directories()? {
        check_trailer(&directory, &trailer)?;
    }
    Ok(embedded)
}

fn check_trailer(directory: &Directory<'_>, trailer: &[u8]) -> Result<()> {
    directory.check_special(slot::REPRESENTATION, "its trailer", trailer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code_signature::sample;

    fn image() -> Vec<u8> {
        let mut trailer = MAGIC.to_vec();
        trailer.resize(TRAILER_SIZE, 7);
        trailer[SIGNATURE..SIGNATURE_SIZE + 8].fill(0);
        [vec![1; 5000], trailer].concat()
    }

    fn signed() -> Vec<u8> {
        let image = image();
        let body = &image[..image.len() - TRAILER_SIZE];
        let trailer = Layout::read(&image).unwrap().trailer_with(0);
        let signature = sample::signature(body, &[(slot::REPRESENTATION, &trailer)]);
        attach(&image, &signature).unwrap()
    }

    /// Fails if: a signature is not taken off as it was put on, or the image differs from the unsigned one in more than
    /// signature and trailer.
    #[test]
    fn attaches_what_it_detached() {
        let (image, signed) = (image(), signed());
        assert_eq!(detach(&image), Ok(None));
        let signature = detach(&signed).unwrap().unwrap();
        assert_eq!(attach(&image, signature).unwrap(), signed);
        assert_eq!(attach(&signed, signature).unwrap(), signed);
        assert!(check(&image).unwrap_err().to_string().contains("not signed"));
    }

    /// Fails if: a changed byte changes nothing that is looked at, or a cut-off image makes the reader panic.
    #[test]
    fn finds_every_change() {
        let checked = |image: &[u8]| Ok::<_, Error>(check(image)?.directories()?[0].digest());
        let signed = signed();
        let good = checked(&signed);
        assert!(good.is_ok());
        for at in 0..signed.len() {
            let mut changed = signed.clone();
            changed[at] ^= 1;
            assert_ne!(checked(&changed), good, "byte {at} of {}", signed.len());
            assert!(check(&signed[..at]).is_err(), "cut off at {at}");
        }
    }
}
