//! Windows bitmaps of 24 bits a pixel:
//! <https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage>.

use resvg::tiny_skia::Pixmap;

/// `BITMAPFILEHEADER` and `BITMAPINFOHEADER`.
const HEADERS: u32 = 14 + 40;
/// 96 dots per inch, in dots per metre.
const DENSITY: u32 = 3780;

/// A bitmap of an opaque picture.
pub(crate) fn encode(picture: &Pixmap) -> Vec<u8> {
    let (width, height) = (picture.width(), picture.height());
    let row = (width * 3).next_multiple_of(4);
    let size = row * height;
    let mut bytes = Vec::with_capacity((HEADERS + size) as usize);
    bytes.extend(b"BM");
    for field in [HEADERS + size, 0, HEADERS] {
        bytes.extend(field.to_le_bytes());
    }
    let (planes, bits, compression, colours) = (1_u32, 24 << 16, 0, 0);
    for field in [40, width, height, planes | bits, compression, size, DENSITY, DENSITY, colours, colours] {
        bytes.extend(field.to_le_bytes());
    }
    // The lowest row comes first.
    for line in picture.pixels().chunks(width as usize).rev() {
        bytes.extend(line.iter().flat_map(|pixel| [pixel.blue(), pixel.green(), pixel.red()]));
        bytes.extend(std::iter::repeat_n(0, (row - width * 3) as usize));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use resvg::tiny_skia::{Color, Paint, Rect, Transform};

    /// Fails if: the headers, the order of rows and colours, or the padding of rows differ from the format's.
    #[test]
    fn writes_the_lowest_row_first_and_blue_first() {
        let mut picture = Pixmap::new(1, 2).unwrap();
        picture.fill(Color::from_rgba8(1, 2, 3, 255));
        let mut paint = Paint::default();
        paint.set_color_rgba8(4, 5, 6, 255);
        let lower = Rect::from_xywh(0.0, 1.0, 1.0, 1.0).unwrap();
        picture.fill_rect(lower, &paint, Transform::identity(), None);

        let bytes = encode(&picture);
        let field = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!(&bytes[..2], b"BM");
        assert_eq!([field(2), field(10), field(14)], [62, 54, 40], "size of the file and of the headers");
        assert_eq!([field(18), field(22), field(26), field(34)], [1, 2, 24 << 16 | 1, 8]);
        assert_eq!(bytes[54..], [6, 5, 4, 0, 3, 2, 1, 0]);
    }
}
