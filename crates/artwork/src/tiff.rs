//! Pictures for macOS in several sizes, of which the screen takes one: a TIFF with a page each, as `tiffutil
//! -cathidpicheck` makes it. Specified in [TIFF 6.0]: RGB, compressed by LZW.
//!
//! [TIFF 6.0]: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf

use resvg::tiny_skia::Pixmap;
use std::collections::HashMap;

/// Dots per inch of a picture whose pixels are points.
const DENSITY: u32 = 72;

/// Types of values.
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

/// Fields in the directory of a page, and bytes of it and of the values that are too large for it.
const FIELDS: u16 = 13;
const DIRECTORY: u32 = 2 + FIELDS as u32 * 12 + 4;
const VALUES: u32 = 3 * 2 + 2 * 8;

/// A picture of opaque pages, each with how many pixels it has for a point.
pub(crate) fn encode(pages: &[(u32, Pixmap)]) -> Vec<u8> {
    let mut bytes = b"MM\0*".to_vec();
    let mut first = bytes.len() as u32 + 4;
    bytes.extend(first.to_be_bytes());
    for (index, (scale, page)) in pages.iter().enumerate() {
        let pixels: Vec<u8> =
            page.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
        let strip = lzw(&pixels);
        let (values, data) = (first + DIRECTORY, first + DIRECTORY + VALUES);
        let next = (data + strip.len() as u32).next_multiple_of(2);
        bytes.extend(directory(page, values, (data, strip.len() as u32)));
        let is_last = index + 1 == pages.len();
        bytes.extend(if is_last { 0 } else { next }.to_be_bytes());
        bytes.extend([8_u16; 3].map(u16::to_be_bytes).concat());
        let density = [DENSITY * scale, 1].map(u32::to_be_bytes).concat();
        bytes.extend([&density[..], &density].concat());
        bytes.extend(strip);
        bytes.resize(next as usize, 0);
        first = next;
    }
    bytes
}

/// The fields of a page whose larger values are at `values`, and whose pixels are in one strip.
fn directory(page: &Pixmap, values: u32, (strip, length): (u32, u32)) -> Vec<u8> {
    let densities = values + 3 * 2;
    let (lzw, rgb, inch) = (5, 2, 2);
    let fields: [(u16, u16, u32, u32); FIELDS as usize] = [
        (254, LONG, 1, 0),
        (256, LONG, 1, page.width()),
        (257, LONG, 1, page.height()),
        (258, SHORT, 3, values),
        (259, SHORT, 1, lzw),
        (262, SHORT, 1, rgb),
        (273, LONG, 1, strip),
        (277, SHORT, 1, 3),
        (278, LONG, 1, page.height()),
        (279, LONG, 1, length),
        (282, RATIONAL, 1, densities),
        (283, RATIONAL, 1, densities + 8),
        (296, SHORT, 1, inch),
    ];
    let mut bytes = FIELDS.to_be_bytes().to_vec();
    for (tag, kind, count, value) in fields {
        bytes.extend([tag, kind].map(u16::to_be_bytes).concat());
        bytes.extend(count.to_be_bytes());
        // A short value stands on the left.
        let value = if kind == SHORT && count == 1 { value << 16 } else { value };
        bytes.extend(value.to_be_bytes());
    }
    bytes
}

/// Codes with a meaning of their own, and the first and last that stand for bytes.
const CLEAR: u16 = 256;
const END: u16 = 257;
const FIRST: u16 = 258;
const LAST: u16 = 4093;

/// LZW as TIFF has it: high bits first, and codes grow one code early.
fn lzw(bytes: &[u8]) -> Vec<u8> {
    let mut out = Codes::default();
    let mut table: HashMap<(u16, u8), u16> = HashMap::new();
    out.put(CLEAR);
    let mut prefix: Option<u16> = None;
    for byte in bytes {
        let Some(code) = prefix else {
            prefix = Some(u16::from(*byte));
            continue;
        };
        if let Some(longer) = table.get(&(code, *byte)) {
            prefix = Some(*longer);
            continue;
        }
        out.put(code);
        let next = FIRST + table.len() as u16;
        table.insert((code, *byte), next);
        out.width = width(next);
        if next == LAST {
            out.put(CLEAR);
            table.clear();
            out.width = width(FIRST);
        }
        prefix = Some(u16::from(*byte));
    }
    if let Some(code) = prefix {
        out.put(code);
        // The reader makes an entry for this one, too.
        out.width = width(FIRST + table.len() as u16);
    }
    out.put(END);
    out.finish()
}

/// Bits of a code once the table has `last` as its last one.
fn width(last: u16) -> u32 {
    match last {
        0..=510 => 9,
        511..=1022 => 10,
        1023..=2046 => 11,
        _ => 12,
    }
}

/// Codes of growing width, packed.
struct Codes {
    bytes: Vec<u8>,
    bits: u32,
    count: u32,
    width: u32,
}

impl Default for Codes {
    fn default() -> Codes {
        Codes { bytes: Vec::new(), bits: 0, count: 0, width: 9 }
    }
}

impl Codes {
    fn put(&mut self, code: u16) {
        self.bits = self.bits << self.width | u32::from(code);
        self.count += self.width;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.bits >> self.count) as u8);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.bytes.push((self.bits << (8 - self.count)) as u8);
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use resvg::tiny_skia::Color;

    /// Unpacks LZW, by the specification's own words.
    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let bit = |at: usize| u16::from(packed[at / 8] >> (7 - at % 8) & 1);
        let (mut at, mut out, mut table, mut old) = (0, Vec::new(), Vec::<Vec<u8>>::new(), None::<Vec<u8>>);
        loop {
            let bits = match table.len() + FIRST as usize {
                0..=510 => 9,
                511..=1022 => 10,
                1023..=2046 => 11,
                _ => 12,
            };
            let code = (at..at + bits).fold(0, |code, at| code << 1 | bit(at));
            at += bits;
            match code {
                END => return out,
                CLEAR => (table, old) = (Vec::new(), None),
                code => {
                    let known = match code {
                        0..=255 => Some(vec![code as u8]),
                        _ => table.get((code - FIRST) as usize).cloned(),
                    };
                    let text = known.unwrap_or_else(|| {
                        let old = old.as_ref().unwrap();
                        [&old[..], &old[..1]].concat()
                    });
                    out.extend(&text);
                    if let Some(old) = old {
                        table.push([&old[..], &text[..1]].concat());
                    }
                    old = Some(text);
                }
            }
        }
    }

    /// Fails if: bytes come out otherwise than they went in, at any width of codes or after the table was full.
    #[test]
    fn packs_without_loss() {
        let noise =
            |length: u32| (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let cases: [Vec<u8>; 7] =
            [vec![], vec![7], vec![255; 3], vec![0; 100_000], noise(300), noise(2_000), noise(20_000)];
        for case in cases {
            let packed = lzw(&case);
            assert!(unpacked(&packed) == case, "{} bytes", case.len());
        }
        // An end of the data at every place around those where codes grow.
        for length in (250..260).chain(500..520).chain(1_010..1_030).chain(2_030..2_050).chain(3_820..3_850) {
            let case: Vec<u8> = noise(length);
            assert!(unpacked(&lzw(&case)) == case, "{length} bytes");
        }
    }

    /// Fails if: a page is lost, has another size or density, or its fields are out of order.
    #[test]
    fn has_a_page_for_each_size() {
        let page = |width: u32, height: u32| {
            let mut page = Pixmap::new(width, height).unwrap();
            page.fill(Color::from_rgba8(1, 2, 3, 255));
            page
        };
        let bytes = encode(&[(1, page(5, 3)), (2, page(10, 6))]);
        let long = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let short = |at: usize| u16::from_be_bytes(bytes[at..at + 2].try_into().unwrap());
        let mut directory = long(4);
        for (width, height, density) in [(5, 3, 72), (10, 6, 144)] {
            let tags: Vec<u16> =
                (0..FIELDS as usize).map(|field| short(directory + 2 + field * 12)).collect();
            assert!(tags.is_sorted(), "{tags:?}");
            let field = |tag: u16| {
                let index = tags.iter().position(|found| *found == tag).unwrap();
                long(directory + 2 + index * 12 + 8)
            };
            assert_eq!((field(256), field(257)), (width, height));
            assert_eq!((long(field(282)), long(field(283))), (density, density));
            let strip = &bytes[field(273)..field(273) + field(279)];
            assert_eq!(unpacked(strip), [1, 2, 3].repeat(width * height));
            directory = long(directory + 2 + FIELDS as usize * 12);
        }
        assert_eq!(directory, 0);
    }
}
