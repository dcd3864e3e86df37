//! Pictures for an icon of macOS: <https://developer.apple.com/design/human-interface-guidelines/app-icons>.

use crate::icon::straight;
use crate::{Result, blank, draw};
use apple_archives::icns::Picture;
use ico::IconImage;
use resvg::tiny_skia::Transform;
use resvg::usvg::Tree;

/// What of an icon its picture takes, and the margin around it: those of Apple's template, of 1024 pixels.
const SHARE: f32 = 824.0 / 1024.0;
const MARGIN: f32 = 100.0 / 1024.0;

/// The logo in a square of `size` pixels.
pub(crate) fn picture(logo: &Tree, size: u32) -> Result<Picture> {
    let mut canvas = blank(size, size)?;
    let pixels = size as f32;
    draw(logo, pixels * SHARE, Transform::from_translate(pixels * MARGIN, pixels * MARGIN), &mut canvas);
    let rgba = straight(&canvas);
    let mut png = Vec::new();
    IconImage::from_rgba_data(size, size, rgba.clone()).write_png(&mut png)?;
    Ok(Picture { rgba, png })
}
