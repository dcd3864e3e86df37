//! The three shapes that dialogs have: a page with a banner, a cover with a picture, a small box.

use super::layout::{
    Control, Dialog, MINIMIZE, MODAL, TRACK_DISK_SPACE, TRANSPARENT, VISIBLE, at, button, icon, line,
    picture, text,
};

/// Keys of the pictures in the table `Binary`.
pub(super) const BANNER: &str = "Banner";
pub(super) const COVER: &str = "Cover";
pub(super) const ICON: &str = "ProductIcon";

/// Size of pages and covers: what everybody's installers have.
const WIDTH: i32 = 370;
const HEIGHT: i32 = 270;
/// Where the row of buttons begins, with the line above it.
const BUTTONS: i32 = 234;
/// Size of a button.
pub(super) const BUTTON: (i32, i32) = (56, 17);

/// Where what a page holds begins, and how wide it is.
pub(super) const LEFT: i32 = 20;
pub(super) const TOP: i32 = 56;
pub(super) const INNER: i32 = WIDTH - 2 * LEFT;

/// Where the text of a cover begins, right of the picture's motif, and how wide it is.
pub(super) const COVER_X: i32 = 135;
pub(super) const COVER_WIDTH: i32 = 220;

/// A dialog of the sequence, over the whole size.
fn large(name: &'static str) -> Dialog {
    Dialog {
        name,
        width: WIDTH,
        height: HEIGHT,
        attributes: VISIBLE | MODAL | MINIMIZE,
        controls: Vec::new(),
        default: None,
        cancel: None,
    }
}

/// A page: a banner with heading and explanation, room from [`TOP`] to 230, and a row for buttons.
pub(super) fn page(name: &'static str, heading: &str, explanation: &str) -> Dialog {
    large(name).with([
        picture("Banner", at(0, 0, WIDTH, 44), BANNER),
        text("BannerHeading", at(LEFT, 6, 300, 14), format!("{{\\Heading}}{heading}")).with(TRANSPARENT),
        text("BannerText", at(LEFT, 21, 300, 22), explanation).with(TRANSPARENT),
        line("BannerLine", 0, 44, WIDTH),
        line("ButtonLine", 0, BUTTONS, WIDTH),
    ])
}

/// A cover, with which an installation begins and ends: a picture with a title, and a row for buttons.
pub(super) fn cover(name: &'static str, title: &str) -> Dialog {
    let title = format!("{{\\Title}}{title}");
    large(name).with([
        picture("Picture", at(0, 0, WIDTH, BUTTONS), COVER),
        line("ButtonLine", 0, BUTTONS, WIDTH),
        text("Title", at(COVER_X, 20, COVER_WIDTH, 50), title).with(TRANSPARENT),
    ])
}

/// A small box over another dialog.
pub(super) fn small(name: &'static str, width: i32, height: i32) -> Dialog {
    let controls = vec![icon("Icon", 15, 15, ICON)];
    Dialog { name, width, height, attributes: VISIBLE | MODAL, controls, default: None, cancel: None }
}

/// The place of a button in the row of pages and covers, counted from the right.
fn in_row(place: i32) -> super::layout::Area {
    let (width, height) = BUTTON;
    // The one at the right stands a little apart.
    let gap = if place == 0 { 0 } else { 12 };
    at(WIDTH - 10 - width - place * width - gap, 243, width, height)
}

/// The button that goes to the page before.
pub(super) fn back() -> Control {
    button("Back", in_row(2), "&Back")
}

/// The button that goes on; the caller says where.
pub(super) fn next() -> Control {
    button("Next", in_row(1), "&Next")
}

/// The button in the place of [`next`] that begins the work.
pub(super) fn begin(name: &str, label: &str) -> Control {
    button(name, in_row(1), label)
}

/// The button that asks whether to give up.
pub(super) fn cancel() -> Control {
    button("Cancel", in_row(0), "Cancel").on("SpawnDialog", super::boxes::CANCEL)
}

/// The button that ends the last dialog, with what that tells the installer.
pub(super) fn finish(ending: &str) -> Control {
    button("Finish", in_row(0), "&Finish").on("EndDialog", ending)
}

impl Dialog {
    /// Names the buttons that the return and escape keys press.
    pub(super) fn keys(mut self, default: &'static str, cancel: &'static str) -> Dialog {
        (self.default, self.cancel) = (Some(default), Some(cancel));
        self
    }

    /// Keeps `OutOfDiskSpace` up to date while the dialog is seen.
    pub(super) fn tracking_disk_space(mut self) -> Dialog {
        self.attributes |= TRACK_DISK_SPACE;
        self
    }

    /// Lets the installer go on while the dialog is seen.
    pub(super) fn modeless(mut self) -> Dialog {
        self.attributes &= !MODAL;
        self
    }
}
