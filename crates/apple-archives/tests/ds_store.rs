//! The window of a disk image says the same each time, and does not say more than Finder can read.
//!
//! That others read it is for the acceptance suite `apple`.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use apple_archives::ds_store::{Error, Window};
use apple_archives::hfs_plus::{Content, Id, Volume};

fn window(icons: usize) -> Window {
    let icons = (0..icons).map(|number| (format!("File {number}"), (number as u32, 7))).collect();
    Window { position: (200, 200), size: (640, 448), icon_size: 96, icons }
}

/// A volume with a picture, and the number of that.
fn volume() -> (Volume, Id) {
    let mut volume = Volume::new("Sample Volume", 1_767_312_000).unwrap();
    let picture = volume.add(Id::ROOT, "picture.tiff", Content::File(vec![1]), 0o644).unwrap();
    (volume, picture)
}

/// Fails if: the same window has other bits, or bounds, picture or icons do not show in them.
#[test]
fn depends_on_what_it_says_alone() {
    let (volume, picture) = volume();
    let bytes = |window: &Window, picture| window.to_bytes(&volume, picture).unwrap();
    let named = Some((picture, "picture.tiff"));
    let first = bytes(&window(3), named);
    assert!(first == bytes(&window(3), named));
    let mut wider = window(3);
    wider.size.0 += 1;
    for other in [bytes(&window(2), named), bytes(&wider, named), bytes(&window(3), None)] {
        assert!(first != other);
    }
    let mut shuffled = window(3);
    shuffled.icons.reverse();
    assert!(first == bytes(&shuffled, named), "records are in the order of names");
}

/// Fails if: more icons than a leaf holds are cut off, or a picture is named that the alias would not lead to.
#[test]
fn refuses_with_a_reason() {
    let (volume, picture) = volume();
    assert!(window(40).to_bytes(&volume, Some((picture, "picture.tiff"))).is_ok());
    let error = window(400).to_bytes(&volume, None).unwrap_err();
    assert!(matches!(error, Error::TooMuch(_)) && error.to_string().contains("fewer icons"), "{error}");
    let error = window(1).to_bytes(&volume, Some((picture, "folder/picture.tiff"))).unwrap_err();
    assert!(error.to_string().contains("on the top of its volume"), "{error}");
}
