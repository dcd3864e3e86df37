//! Disk images give the volume back that they were made of, and nothing once they are damaged.
//!
//! That others read them, too, is for the acceptance suite `apple`.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use apple_archives::udif::{Error, Trailer, read, write};
use proptest::prelude::*;

/// Bytes in a run.
const RUN: usize = 256 * 1024;

fn image(volume: &[u8]) -> Vec<u8> {
    let mut image = Vec::new();
    write(volume, &mut image).unwrap();
    image
}

/// Bytes that cannot be compressed, always the same.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// A run of each kind: compressed, as it is, empty; and one that is shorter.
fn sample() -> Vec<u8> {
    let mut volume = b"text ".repeat(RUN / 5 + 1);
    volume.truncate(RUN);
    volume.extend(noise(RUN));
    volume.resize(3 * RUN, 0);
    volume.extend(noise(512));
    volume
}

/// Fails if: a volume comes out otherwise than it went in, or one of its runs is stored larger than it is.
#[test]
fn gives_the_volume_back() {
    let zeros = vec![0; 5 * 512];
    for (volume, largest) in
        [(sample(), RUN + 8_000), (zeros, 4_000), (noise(512), 4_600), (noise(RUN), RUN + 4_000)]
    {
        let image = image(&volume);
        assert!(read(&image).unwrap() == volume, "{} bytes", volume.len());
        assert!(image.len() < largest, "{} bytes became {}", volume.len(), image.len());
    }
}

/// Fails if: the same volume gives other bits, or another one the same identifier.
#[test]
fn equal_images_are_equal_to_the_bit() {
    let (one, again) = (image(&sample()), image(&sample()));
    assert!(one == again);
    let mut other = sample();
    other[0] ^= 1;
    assert_ne!(Trailer::of(&one).unwrap().identifier, Trailer::of(&image(&other)).unwrap().identifier);
}

/// Fails if: a trailer is not the same again once it was read, signature and all.
#[test]
fn trailers_keep_what_they_say() {
    let mut image = image(&sample());
    let mut trailer = Trailer::of(&image).unwrap();
    trailer.signature = (7, 11);
    let start = image.len() - Trailer::SIZE;
    image[start..].copy_from_slice(&trailer.to_bytes());
    assert_eq!(Trailer::of(&image).unwrap(), trailer);
}

/// Fails if: what is no volume becomes an image, or the error does not say why.
#[test]
fn refuses_what_is_not_made_of_sectors() {
    for length in [0, 1, 511, 513] {
        let error = write(&vec![1; length], &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("sectors of 512 bytes"), "{error}");
    }
}

/// Fails if: an image is read although something in it was changed, or the error tells another fault.
#[test]
fn refuses_what_was_changed() {
    let image = image(&sample());
    let trailer = image.len() - Trailer::SIZE;
    let list = Trailer::of(&image).unwrap().list.0 as usize;
    let find =
        |text: &[u8]| list + image[list..].windows(text.len()).position(|window| window == text).unwrap();
    for (place, complaint) in [
        (trailer, "does not end with a trailer"),
        (trailer + 7, "another version"),
        (trailer + 34, "what lies behind its end"),
        (trailer + 63, "divided into several files"),
        (trailer + 91, "data are not those"),
        (trailer + 218, "what lies behind its end"),
        (trailer + 226, "what lies behind its end"),
        (trailer + 363, "table of runs is another one"),
        (trailer + 499, "counts other sectors"),
        (10, "data are not those"),
        (find(b"<dict>"), "no XML"),
        (find(b"resource-fork"), "no tables of runs"),
        (find(b"blkx"), "no tables of runs"),
    ] {
        let mut damaged = image.clone();
        damaged[place] ^= 0x10;
        let error = read(&damaged).map(drop).expect_err(complaint).to_string();
        assert!(error.contains(complaint), "at {place}, {complaint:?} is not said in: {error}");
    }
}

/// Fails if: an image that claims to be larger than anybody needs takes memory for it, or is called damaged.
#[test]
fn refuses_what_is_too_large() {
    let small = image(&[1; 512]);
    let mut trailer = Trailer::of(&small).unwrap();
    trailer.sectors = 1 << 40;
    let text = String::from_utf8_lossy(&small[trailer.list.0 as usize..]).into_owned();
    // The number of sectors is in bytes 16 to 23 of the table: change it in its Base64, and the checksum is still right.
    let start = text.find("bWlzaA").unwrap();
    let mut image = small.clone();
    let at = trailer.list.0 as usize + start;
    let table = &small[at..at + 32];
    assert_eq!(table, b"bWlzaAAAAAEAAAAAAAAAAAAAAAAAAAAB");
    image[at..at + 32].copy_from_slice(b"bWlzaAAAAAEAAAAAAAAAAAAAAQAAAAAA");
    let end = image.len() - Trailer::SIZE;
    image[end..].copy_from_slice(&trailer.to_bytes());
    let error = read(&image).unwrap_err();
    assert!(matches!(error, Error::Unfit(_)) && error.to_string().contains("more than 4 GiB"), "{error}");
}

proptest! {
    /// Fails if: an image that is cut off, or longer, is read.
    #[test]
    fn refuses_another_length(cut in 1_usize..20_000) {
        let whole = image(&noise(8 * 512));
        prop_assert!(read(&whole[..whole.len().saturating_sub(cut)]).is_err());
        prop_assert!(read(&[&whole[..], &noise(cut)].concat()).is_err());
    }

    /// Fails if: changed bytes make the reader panic or hang, or it gives another volume for them.
    #[test]
    fn survives_changed_bytes(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let volume = noise(3 * 512);
        let mut image = image(&volume);
        let length = image.len();
        for (place, value) in &changes {
            image[place.index(length)] = *value;
        }
        if let Ok(found) = read(&image) {
            prop_assert!(found == volume);
        }
    }
}
