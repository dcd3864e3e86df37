//! How much room a text takes, by the widths of Tahoma's letters.

/// Widths of the characters from space to `~` in thousandths of the font's height.
const REGULAR: [u32; 95] = [
    312, 332, 401, 728, 546, 977, 674, 211, 383, 383, 546, 728, 303, 363, 303, 382, 546, 546, 546, 546, 546,
    546, 546, 546, 546, 546, 354, 354, 728, 728, 728, 474, 909, 600, 589, 601, 678, 561, 521, 667, 675, 373,
    417, 588, 498, 771, 667, 708, 551, 708, 621, 557, 584, 656, 597, 902, 581, 576, 559, 383, 382, 383, 728,
    546, 546, 525, 553, 461, 553, 526, 318, 553, 558, 229, 282, 498, 229, 840, 558, 543, 553, 553, 360, 446,
    334, 558, 498, 742, 495, 498, 444, 480, 382, 480, 728,
];
const BOLD: [u32; 95] = [
    293, 343, 489, 818, 637, 1199, 781, 275, 454, 454, 637, 818, 312, 431, 312, 577, 637, 637, 637, 637, 637,
    637, 637, 637, 637, 637, 363, 363, 818, 818, 818, 566, 920, 685, 686, 667, 757, 615, 581, 745, 764, 483,
    500, 696, 572, 893, 771, 770, 657, 770, 726, 633, 612, 739, 675, 1028, 685, 670, 623, 454, 577, 454, 818,
    637, 546, 599, 632, 527, 629, 594, 382, 629, 640, 302, 363, 603, 302, 954, 640, 617, 629, 629, 434, 515,
    416, 640, 579, 890, 604, 576, 503, 623, 637, 623, 818,
];

/// A font of the table `TextStyle`.
#[derive(Clone, Copy)]
pub(super) struct Font {
    widths: &'static [u32; 95],
    /// Height of the letters and distance of the lines, in pixels where nothing is enlarged.
    height: u32,
    line: u32,
}

impl Font {
    /// The font of a style.
    pub(super) fn named(style: &str) -> Font {
        match style {
            "Plain" | "Hint" => Font { widths: &REGULAR, height: 11, line: 13 },
            "Heading" => Font { widths: &BOLD, height: 12, line: 14 },
            "Title" => Font { widths: &BOLD, height: 16, line: 19 },
            _ => panic!("the height of style {style} is not known here"),
        }
    }

    /// Width of a text in installer units; a twentieth more than computed, since letters are drawn at whole
    /// pixels.
    pub(super) fn width(self, text: &str) -> u32 {
        let letter = |c: char| {
            let index = usize::try_from(u32::from(c).wrapping_sub(32)).unwrap_or(usize::MAX);
            self.widths.get(index).copied().unwrap_or(1000)
        };
        let thousandths: u32 = text.chars().map(letter).sum();
        // Four pixels are three units.
        (thousandths * self.height * 3 * 21 / 20).div_ceil(4000)
    }

    /// Height in installer units of a text that is broken into lines of that width.
    pub(super) fn height(self, text: &str, width: u32) -> u32 {
        let lines: u32 = text.split("\r\n").map(|paragraph| self.lines(paragraph, width)).sum();
        (lines * self.line * 3).div_ceil(4)
    }

    fn lines(self, paragraph: &str, width: u32) -> u32 {
        let (mut lines, mut line) = (1, String::new());
        for word in paragraph.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer) <= width || line.is_empty() {
                line = longer;
            } else {
                lines += 1;
                line = word.to_owned();
            }
        }
        lines
    }
}

/// Fails if: a text is measured as much wider or narrower than Windows draws it.
#[test]
fn measures_as_windows_does() {
    let plain = Font::named("Plain");
    // Drawn in Tahoma of 8 points, this is 281 pixels wide.
    let width = plain.width("This takes a moment. The service stops while its files");
    assert!((200..=225).contains(&width), "{width}");
    assert_eq!(plain.height("one\r\n\r\ntwo", 100), 30);
    assert_eq!(plain.height("one two three four", plain.width("one two")), 30);
}
