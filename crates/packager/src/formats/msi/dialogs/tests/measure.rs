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
    /// In points, which are installer units: both grow with the screen's resolution.
    size: u32,
}

impl Font {
    /// The font of a style.
    pub(super) fn named(style: &str) -> Font {
        let (widths, size) = match style {
            "Plain" | "Hint" => (&REGULAR, 8),
            "Heading" => (&BOLD, 9),
            "Title" => (&BOLD, 12),
            _ => panic!("the font of style {style} is not known here"),
        };
        Font { widths, size }
    }

    /// Width of a text in installer units; an eighth more than computed, since letters and the font itself
    /// have whole pixels.
    pub(super) fn width(self, text: &str) -> u32 {
        let letter = |c: char| {
            let index = usize::try_from(u32::from(c).wrapping_sub(32)).unwrap_or(usize::MAX);
            self.widths.get(index).copied().unwrap_or(1000)
        };
        let thousandths: u32 = text.chars().map(letter).sum();
        (thousandths * self.size * 9 / 8).div_ceil(1000)
    }

    /// Height of that many lines in installer units. A line takes 1.2 times the size, in whole pixels.
    pub(super) fn lines(self, lines: u32) -> u32 {
        (lines * self.size * 49).div_ceil(40)
    }

    /// Height of a text that is broken at spaces into lines of that width, and the width of its widest word.
    pub(super) fn broken(self, text: &str, width: u32) -> (u32, u32) {
        let lines: u32 = text.split("\r\n").map(|paragraph| self.lines_of(paragraph, width)).sum();
        let words = text.split([' ', '\r', '\n']).map(|word| self.width(word));
        (self.lines(lines), words.max().unwrap_or_default())
    }

    fn lines_of(self, paragraph: &str, width: u32) -> u32 {
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

/// Fails if: a text is measured as narrower or lower than it is drawn, or as so much larger that dialogs would
/// have to be too large.
#[test]
fn measures_what_is_drawn() {
    let suggestion = "Choose where the program goes, or go on with the folder that is";
    let moment = "This takes a moment. The service stops while its files";
    // Pixels of Wine's Tahoma, four of which are three units: width, and height of a line.
    for (style, text, width, line) in [
        ("Plain", suggestion, 333, 13),
        ("Plain", moment, 276, 13),
        ("Heading", suggestion, 413, 14),
        ("Heading", moment, 345, 14),
        ("Title", suggestion, 540, 19),
        ("Title", moment, 445, 19),
    ] {
        let font = Font::named(style);
        let measured = font.width(text) * 4;
        assert!((width * 3..=width * 3 * 11 / 10).contains(&measured), "{style}: {measured} for {width}");
        assert!((line * 3..=line * 3 * 11 / 10).contains(&(font.lines(4))), "{style}: {}", font.lines(4));
    }
    let plain = Font::named("Plain");
    assert_eq!(plain.broken("one\r\n\r\ntwo", 100).0, plain.lines(3));
    let words = "one two three four";
    assert_eq!(plain.broken(words, plain.width("one two")), (plain.lines(3), plain.width("three")));
}
