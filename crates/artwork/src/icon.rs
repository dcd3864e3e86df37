//! Windows icons: <https://learn.microsoft.com/en-us/previous-versions/ms997538(v=msdn.10)>, and PNG files.

use ico::{IconDir, IconDirEntry, IconImage, ResourceType};
use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};
use std::io;

/// From this size on, pictures are PNG files inside the icon, which Windows reads since Vista. Some readers
/// want smaller ones as bitmaps.
const PNG_FROM: u32 = 256;

/// An icon of square pictures.
pub(crate) fn encode(pictures: &[Pixmap]) -> io::Result<Vec<u8>> {
    let mut icon = IconDir::new(ResourceType::Icon);
    for picture in pictures {
        let image = IconImage::from_rgba_data(picture.width(), picture.height(), straight(picture));
        let encode = if picture.width() < PNG_FROM {
            IconDirEntry::encode_as_bmp
        } else {
            IconDirEntry::encode_as_png
        };
        icon.add_entry(encode(&image)?);
    }
    let mut bytes = Vec::new();
    icon.write(&mut bytes)?;
    Ok(bytes)
}

/// A picture as a PNG file.
pub(crate) fn png(picture: &Pixmap) -> io::Result<Vec<u8>> {
    let image = IconImage::from_rgba_data(picture.width(), picture.height(), straight(picture));
    let mut bytes = Vec::new();
    image.write_png(&mut bytes)?;
    Ok(bytes)
}

/// Red, green, blue and alpha of every pixel, with colours that are not multiplied by alpha.
pub(crate) fn straight(picture: &Pixmap) -> Vec<u8> {
    let pixels = picture.pixels().iter().map(PremultipliedColorU8::demultiply);
    pixels.flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]).collect()
}
