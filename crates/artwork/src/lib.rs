//! Renders the pictures in `packaging/artwork` into what installers and programs need: see [`OUTPUTS`]. Nearly everything
//! is made from one of them, the logo. The results are committed, so that building a package takes none of this; a test
//! holds them to the pictures.
//!
//! The same picture gives the same bits everywhere, as long as it has no gradients, arcs or text.

mod apple;
mod bitmap;
mod icon;
mod tiff;

use apple_archives::icns;
use resvg::tiny_skia::{Color, Pixmap, Rect, Transform};
use resvg::usvg::{self, Node, Paint, Tree};

/// Why the picture could not be rendered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not an SVG picture.
    #[error("this is not a picture that can be rendered: {0}")]
    Picture(#[from] usvg::Error),
    /// It lacks something that artwork is made from.
    #[error("the logo {0}")]
    Lacks(&'static str),
    /// An icon could not be encoded.
    #[error("encoding the icon: {0}")]
    Icon(#[from] std::io::Error),
    /// The icon for macOS could not be encoded.
    #[error("encoding the icon for macOS: {0}")]
    AppleIcon(#[from] apple_archives::Error),
}

type Result<T> = std::result::Result<T, Error>;

/// A file made from a picture.
#[derive(Debug)]
pub struct Output {
    /// Where it lies, below `packaging/`.
    pub path: &'static str,
    /// The picture, there as well.
    pub source: &'static str,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A Windows icon with these sizes in pixels.
    Icon(&'static [u32]),
    /// A PNG file of this size in pixels.
    Png(u32),
    /// An icon for macOS.
    AppleIcon,
    /// A bitmap without transparency.
    Bitmap(Scene),
    /// A TIFF without transparency, with a page for each number of pixels a point.
    Tiff(&'static [u32]),
}

/// What a bitmap shows: the logo before white, in pixels.
#[derive(Debug)]
struct Scene {
    width: u32,
    height: u32,
    /// How many pixels from the left have the colour of the logo's tile instead.
    panel: u32,
    /// Left edge, upper edge and size of the logo.
    logo: (u32, u32, u32),
}

/// The picture that nearly everything is made from.
const LOGO: &str = "artwork/logo.svg";

/// Every file that is made from a picture.
///
/// The bitmaps are 370 by 234 and 370 by 44 dialog units of Windows Installer, at 4/3 pixels a unit: the sizes
/// that its dialogs have had since its first version.
pub const OUTPUTS: &[Output] = &[
    // The sizes that the Windows shell shows at 100 to 400 %.
    // https://learn.microsoft.com/en-us/windows/apps/design/style/iconography/app-icon-construction
    Output {
        path: "windows/pywats-client.ico",
        source: LOGO,
        kind: Kind::Icon(&[16, 20, 24, 32, 40, 48, 64, 256]),
    },
    // What an AppImage shows: https://github.com/AppImage/AppImageSpec asks for this size.
    Output { path: "linux/pywats-client.png", source: LOGO, kind: Kind::Png(256) },
    // Of the application.
    Output { path: "macos/pywats-client.icns", source: LOGO, kind: Kind::AppleIcon },
    // Behind the first and the last dialog: a branded left third, the rest is written on.
    Output {
        path: "windows/dialog.bmp",
        source: LOGO,
        kind: Kind::Bitmap(Scene { width: 493, height: 312, panel: 164, logo: (18, 64, 128) }),
    },
    // Across the top of all other dialogs, whose titles are on its left.
    Output {
        path: "windows/banner.bmp",
        source: LOGO,
        kind: Kind::Bitmap(Scene { width: 493, height: 58, panel: 0, logo: (437, 9, 40) }),
    },
    // Behind the files in the window of the disk image, on ordinary screens and on those with twice the pixels.
    Output { path: "macos/disk-image.tiff", source: "artwork/disk-image.svg", kind: Kind::Tiff(&[1, 2]) },
];

impl Output {
    /// The content of the file, from the text of the picture.
    ///
    /// # Errors
    /// If the text is not a picture that can be rendered.
    pub fn render(&self, svg: &str) -> Result<Vec<u8>> {
        let drawing = Tree::from_str(svg, &usvg::Options::default())?;
        match &self.kind {
            Kind::Icon(sizes) => {
                let images = sizes.iter().map(|size| picture(&drawing, *size)).collect::<Result<Vec<_>>>()?;
                Ok(icon::encode(&images)?)
            }
            Kind::Png(size) => Ok(icon::png(&picture(&drawing, *size)?)?),
            Kind::AppleIcon => {
                let pictures =
                    icns::SIZES.into_iter().map(|size| Ok((size, apple::picture(&drawing, size)?)));
                Ok(icns::write(&pictures.collect::<Result<_>>()?)?)
            }
            Kind::Bitmap(scene) => Ok(bitmap::encode(&scene.draw(&drawing)?)),
            Kind::Tiff(scales) => {
                let page = |scale: &u32| Ok((*scale, whole(&drawing, *scale)?));
                Ok(tiff::encode(&scales.iter().map(page).collect::<Result<Vec<_>>>()?))
            }
        }
    }
}

impl Scene {
    fn draw(&self, logo: &Tree) -> Result<Pixmap> {
        let mut canvas = blank(self.width, self.height)?;
        canvas.fill(Color::WHITE);
        if let Some(panel) = Rect::from_xywh(0.0, 0.0, self.panel as f32, self.height as f32) {
            let mut paint = resvg::tiny_skia::Paint::default();
            paint.set_color(tile(logo)?);
            canvas.fill_rect(panel, &paint, Transform::identity(), None);
        }
        let (x, y, size) = self.logo;
        let place = Transform::from_translate(x as f32, y as f32);
        draw(logo, size as f32, place, &mut canvas);
        Ok(canvas)
    }
}

/// The logo alone, as a square of `size` pixels.
fn picture(logo: &Tree, size: u32) -> Result<Pixmap> {
    let mut canvas = blank(size, size)?;
    draw(logo, size as f32, Transform::identity(), &mut canvas);
    Ok(canvas)
}

/// All of a picture that is opaque, with `scale` pixels for each of its units.
fn whole(drawing: &Tree, scale: u32) -> Result<Pixmap> {
    let (width, height) = (drawing.size().width() as u32, drawing.size().height() as u32);
    let mut canvas = blank(width * scale, height * scale)?;
    canvas.fill(Color::WHITE);
    draw(drawing, (width * scale) as f32, Transform::identity(), &mut canvas);
    Ok(canvas)
}

fn blank(width: u32, height: u32) -> Result<Pixmap> {
    Pixmap::new(width, height).ok_or(Error::Lacks("has an empty output"))
}

fn draw(logo: &Tree, size: f32, place: Transform, canvas: &mut Pixmap) {
    let scale = size / logo.size().width();
    resvg::render(logo, place.pre_scale(scale, scale), &mut canvas.as_mut());
}

/// The colour of the logo's background.
fn tile(logo: &Tree) -> Result<Color> {
    let Some(Node::Path(tile)) = logo.node_by_id("tile") else {
        return Err(Error::Lacks("has no shape with the id \"tile\""));
    };
    match tile.fill().map(usvg::Fill::paint) {
        Some(Paint::Color(color)) => Ok(Color::from_rgba8(color.red, color.green, color.blue, 255)),
        _ => Err(Error::Lacks("has a \"tile\" that is not filled with one colour")),
    }
}
