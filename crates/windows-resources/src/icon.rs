//! From an icon file to resources: a resource for each picture, and one that lists them.

use crate::Error;

/// Sizes of `ICONDIR` and `ICONDIRENTRY`.
const HEADER: usize = 6;
const ENTRY: usize = 16;

/// A picture of an icon.
pub(crate) struct Picture<'a> {
    /// Size, colours and length, as the file and the resource say them in the same bytes.
    facts: [u8; 12],
    /// A bitmap or a PNG.
    pub(crate) content: &'a [u8],
}

/// The pictures in an icon file.
pub(crate) fn pictures(file: &[u8]) -> Result<Vec<Picture<'_>>, Error> {
    let (header, entries) = file.split_at_checked(HEADER).ok_or(Error::Icon("it is too short"))?;
    let [0, 0, 1, 0, low, high] = header[..] else { return Err(Error::Icon("it begins otherwise")) };
    let count = usize::from(u16::from_le_bytes([low, high]));
    if count == 0 {
        return Err(Error::Icon("it has no picture"));
    }
    let (entries, _) = entries.as_chunks::<ENTRY>();
    let entries = entries.get(..count).ok_or(Error::Icon("its list of pictures is cut off"))?;
    entries.iter().map(|entry| picture(file, entry)).collect()
}

fn picture<'a>(file: &'a [u8], entry: &[u8; ENTRY]) -> Result<Picture<'a>, Error> {
    let [facts @ .., o0, o1, o2, o3] = *entry;
    let [.., s0, s1, s2, s3] = facts;
    let (size, offset) = (u32::from_le_bytes([s0, s1, s2, s3]), u32::from_le_bytes([o0, o1, o2, o3]));
    let content = file.get(offset as usize..).and_then(|rest| rest.get(..size as usize));
    let content = content.ok_or(Error::Icon("a picture is cut off"))?;
    Ok(Picture { facts, content })
}

/// The list of the pictures, which are the resources from 1 on.
pub(crate) fn group(pictures: &[Picture<'_>]) -> Vec<u8> {
    let count = u16::try_from(pictures.len()).unwrap_or(u16::MAX);
    let mut bytes = vec![0, 0, 1, 0];
    bytes.extend(count.to_le_bytes());
    for (id, picture) in (1..=u16::MAX).zip(pictures) {
        bytes.extend(picture.facts);
        bytes.extend(id.to_le_bytes());
    }
    bytes
}
