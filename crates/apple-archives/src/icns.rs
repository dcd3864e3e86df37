//! Icons of macOS: one picture in many sizes.
//!
//! Apple has not published the format; Apple's `iconutil` writes what is written here. The best description is
//! [Wikipedia's](https://en.wikipedia.org/wiki/Apple_Icon_Image_format). Pictures of 16 and 32 pixels are run-length
//! coded, because Finder shows PNG files of that size garbled; all others are PNG files.

use crate::Error;
use std::collections::BTreeMap;

const FORMAT: &str = "icon";

/// The sizes that an icon has, in pixels.
pub const SIZES: [u32; 7] = [16, 32, 64, 128, 256, 512, 1024];

/// The entries: type, size in pixels, and whether it is a PNG file. Each size but the smallest and the largest is there
/// for ordinary screens and, half as large on the screen, for those with twice the pixels.
const ENTRIES: [(&[u8; 4], u32, bool); 10] = [
    (b"ic04", 16, false),
    (b"ic05", 32, false),
    (b"ic07", 128, true),
    (b"ic08", 256, true),
    (b"ic09", 512, true),
    (b"ic10", 1024, true),
    (b"ic11", 32, true),
    (b"ic12", 64, true),
    (b"ic13", 256, true),
    (b"ic14", 512, true),
];

/// A square picture.
#[derive(Debug)]
pub struct Picture {
    /// Red, green, blue and alpha of every pixel; colours are not multiplied by alpha.
    pub rgba: Vec<u8>,
    /// The same as a PNG file.
    pub png: Vec<u8>,
}

/// An icon of pictures by their sizes, which are [`SIZES`].
///
/// # Errors
/// If a size is missing, or a picture has another one than it says.
pub fn write(pictures: &BTreeMap<u32, Picture>) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    for (kind, size, is_png) in ENTRIES {
        let picture = pictures.get(&size);
        let picture = picture.ok_or_else(|| Error::unfit(FORMAT, format!("no picture of {size} pixels")))?;
        if picture.rgba.len() as u64 != u64::from(size) * u64::from(size) * 4 {
            return Err(Error::unfit(FORMAT, format!("a picture of {size} pixels that has another size")));
        }
        if is_png {
            chunk(&mut body, kind, &picture.png)?;
        } else {
            chunk(&mut body, kind, &run_lengths(&picture.rgba))?;
        }
    }
    let mut icon = Vec::new();
    chunk(&mut icon, b"icns", &body)?;
    Ok(icon)
}

/// Type, length with this head, content.
fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], content: &[u8]) -> Result<(), Error> {
    let length = u32::try_from(content.len() + 8).map_err(|_| Error::unfit(FORMAT, "more than 4 GiB"))?;
    out.extend(kind);
    out.extend(length.to_be_bytes());
    out.extend(content);
    Ok(())
}

/// The shortest run, and the longest, that is coded as one.
const RUN: std::ops::RangeInclusive<usize> = 3..=130;
/// The most bytes that are written as they are behind one head.
const LITERALS: usize = 128;

/// The channels one after the other, alpha first: a head below 128 stands before one byte more than it says, as they
/// are; one of 128 or more before a byte that is repeated three times more often than 128 less.
fn run_lengths(rgba: &[u8]) -> Vec<u8> {
    let mut out = b"ARGB".to_vec();
    for channel in [3, 0, 1, 2] {
        let bytes: Vec<u8> = rgba.iter().skip(channel).step_by(4).copied().collect();
        let mut rest = &bytes[..];
        while let Some(first) = rest.first() {
            let run = rest.iter().take(*RUN.end()).take_while(|byte| *byte == first).count();
            if run >= *RUN.start() {
                out.extend([(run - RUN.start()) as u8 | 0x80, *first]);
                rest = &rest[run..];
                continue;
            }
            let next_run =
                rest.windows(*RUN.start()).position(|window| window.iter().all(|byte| *byte == window[0]));
            let literals = next_run.unwrap_or(rest.len()).min(LITERALS);
            out.push((literals - 1) as u8);
            out.extend(&rest[..literals]);
            rest = &rest[literals..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Undoes the coding of one picture.
    fn channels(coded: &[u8]) -> Vec<u8> {
        let mut rest = coded.strip_prefix(b"ARGB").unwrap();
        let mut bytes = Vec::new();
        while let [head, behind @ ..] = rest {
            let count = usize::from(*head);
            if count < 128 {
                bytes.extend(&behind[..=count]);
                rest = &behind[count + 1..];
            } else {
                bytes.resize(bytes.len() + count - 125, behind[0]);
                rest = &behind[1..];
            }
        }
        bytes
    }

    /// Fails if: pixels are lost or changed by the coding, with runs of any length.
    #[test]
    fn coding_keeps_every_pixel() {
        for run in 1..300 {
            let pixels = (0..1024_u32).flat_map(|pixel| {
                let value = (pixel as usize / run) as u8;
                [value, value.wrapping_mul(7), pixel as u8, 255]
            });
            let rgba: Vec<u8> = pixels.collect();
            let decoded = channels(&run_lengths(&rgba));
            for (place, channel) in [3, 0, 1, 2].into_iter().enumerate() {
                let expected: Vec<u8> = rgba.iter().skip(channel).step_by(4).copied().collect();
                assert_eq!(decoded[place * 1024..(place + 1) * 1024], expected, "runs of {run}");
            }
        }
    }

    /// Fails if: an icon has other entries or lengths than the format, or lacks a size without an error.
    #[test]
    fn has_every_size() {
        let picture =
            |size: u32| Picture { rgba: vec![7; (size * size * 4) as usize], png: size.to_string().into() };
        let mut pictures: BTreeMap<u32, Picture> =
            SIZES.into_iter().map(|size| (size, picture(size))).collect();
        let icon = write(&pictures).unwrap();
        let length = |at: usize| u32::from_be_bytes(icon[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!((&icon[..4], length(4)), (&b"icns"[..], icon.len()));
        let (mut at, mut found) = (8, Vec::new());
        while at < icon.len() {
            found.push(std::str::from_utf8(&icon[at..at + 4]).unwrap().to_owned());
            at += length(at + 4);
        }
        let expected: Vec<_> = ENTRIES.iter().map(|(kind, ..)| std::str::from_utf8(*kind).unwrap()).collect();
        assert_eq!(found, expected);
        pictures.remove(&64);
        assert!(write(&pictures).unwrap_err().to_string().contains("64 pixels"));
        pictures.insert(64, picture(63));
        assert!(write(&pictures).unwrap_err().to_string().contains("64 pixels"));
    }
}
