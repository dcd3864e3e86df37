//! The stream with the summary information, a
//! [property set](https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-oleps/).

use msi::CodePage;
use std::collections::BTreeMap;
use windows_installer::bytes::{u16_at, u32_at};

/// Numbers of the properties.
pub(crate) mod id {
    pub(crate) const CODE_PAGE: u32 = 1;
    pub(crate) const TITLE: u32 = 2;
    pub(crate) const SUBJECT: u32 = 3;
    pub(crate) const AUTHOR: u32 = 4;
    pub(crate) const TEMPLATE: u32 = 7;
    pub(crate) const REVISION: u32 = 9;
    pub(crate) const PAGE_COUNT: u32 = 14;
    pub(crate) const WORD_COUNT: u32 = 15;
    pub(crate) const SECURITY: u32 = 19;
}
pub(crate) use id as property;

/// The properties that are texts. Others are not kept: a thousand could claim the same bytes.
const TEXTS: &[u32] = &[id::TITLE, id::SUBJECT, id::AUTHOR, id::TEMPLATE, id::REVISION];

/// Types of values.
const I2: u32 = 2;
const I4: u32 = 3;
const TEXT: u32 = 30;

/// The values that rules ask for: texts and numbers, by the number of the property.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    texts: BTreeMap<u32, String>,
    numbers: BTreeMap<u32, i32>,
}

impl Summary {
    pub(super) fn read(bytes: &[u8]) -> Result<Summary, String> {
        let short = || "it ends too early".to_owned();
        if u16_at(bytes, 0) != Some(0xfffe) {
            return Err("it does not begin as a property set".to_owned());
        }
        let section = u32_at(bytes, 44).ok_or_else(short)? as usize;
        let section = bytes.get(section..).ok_or_else(short)?;
        let count = u32_at(section, 4).ok_or_else(short)? as usize;
        let mut places = BTreeMap::new();
        for index in 0..count {
            let at = 8 + 8 * index;
            let property = u32_at(section, at).ok_or_else(short)?;
            let place = u32_at(section, at + 4).ok_or_else(short)? as usize;
            places.insert(property, section.get(place..).ok_or_else(short)?);
        }
        let mut summary = Summary::default();
        // In the order of their numbers: the code page comes first.
        for (property, value) in places {
            match u32_at(value, 0).ok_or_else(short)? {
                I2 => {
                    let number = u16_at(value, 4).ok_or_else(short)?;
                    summary.numbers.insert(property, i32::from(number.cast_signed()));
                }
                I4 => {
                    let number = u32_at(value, 4).ok_or_else(short)?;
                    summary.numbers.insert(property, number.cast_signed());
                }
                TEXT => {
                    let length = u32_at(value, 4).ok_or_else(short)? as usize;
                    let raw = value[8..].get(..length).ok_or_else(short)?;
                    if TEXTS.contains(&property) {
                        let text = summary.decoder().decode(raw);
                        summary.texts.insert(property, text.trim_end_matches('\0').to_owned());
                    }
                }
                _ => {}
            }
        }
        Ok(summary)
    }

    /// A text; empty if there is none.
    pub(crate) fn text(&self, property: u32) -> &str {
        self.texts.get(&property).map_or("", String::as_str)
    }

    pub(crate) fn number(&self, property: u32) -> Option<i32> {
        self.numbers.get(&property).copied()
    }

    /// The number of the code page, which is stored in two signed bytes.
    pub(crate) fn code_page(&self) -> Option<u32> {
        Some(u32::from(i16::try_from(self.number(property::CODE_PAGE)?).ok()?.cast_unsigned()))
    }

    fn decoder(&self) -> CodePage {
        let known = self.code_page().and_then(|id| CodePage::from_id(i32::try_from(id).ok()?));
        known.unwrap_or(CodePage::Windows1252)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: properties that nobody asks for are kept, all of which can claim the same bytes, or one is
    /// accepted that ends beyond the stream.
    #[test]
    fn keeps_what_is_asked_for() {
        const COUNT: u32 = 900;
        let place = 8 + 8 * COUNT;
        let mut bytes = vec![0; 48];
        bytes[..2].copy_from_slice(&0xfffe_u16.to_le_bytes());
        bytes[44..48].copy_from_slice(&48_u32.to_le_bytes());
        bytes.extend([0, COUNT].map(u32::to_le_bytes).concat());
        bytes.extend((1..=COUNT).flat_map(|property| [property, place].map(u32::to_le_bytes).concat()));
        bytes.extend([TEXT, 4].map(u32::to_le_bytes).concat());
        bytes.extend(b"text");
        let summary = Summary::read(&bytes).expect("a summary");
        assert_eq!(summary.texts.keys().copied().collect::<Vec<_>>(), TEXTS);
        assert_eq!(summary.text(id::TITLE), "text");
        bytes.pop();
        assert!(Summary::read(&bytes).is_err());
    }
}
