//! The string pool: every text once, and how often it is used.

use msi::CodePage;
use std::rc::Rc;
use windows_installer::bytes::{u16_at, u32_at};

/// In the first four bytes of the pool: cells refer to texts with three bytes instead of two.
const LONG_REFERENCES: u32 = 0x8000_0000;

/// The texts of a database.
pub(super) struct Strings {
    /// Number of their code page.
    pub(super) code_page: u32,
    /// How many bytes a reference takes.
    pub(super) reference_width: usize,
    /// Bytes that belong to no text.
    pub(super) left_over: usize,
    /// Text and whether it decoded, from number 1 on.
    texts: Vec<(Rc<str>, bool)>,
}

impl Strings {
    pub(super) fn read(pool: &[u8], data: &[u8]) -> Result<Strings, String> {
        let header = u32_at(pool, 0).ok_or("the string pool is empty")?;
        let code_page = header & !LONG_REFERENCES;
        // Texts of a code page that cannot be decoded here are shown as if of the usual one, and not judged.
        let known = i32::try_from(code_page).ok().filter(|id| *id != 0).and_then(CodePage::from_id);
        let decoder = known.unwrap_or(CodePage::Windows1252);
        let is_judged = known.is_some() || code_page == 0;
        let mut texts = Vec::new();
        let (mut at, mut start) = (4, 0usize);
        while let (Some(length), Some(uses)) = (u16_at(pool, at), u16_at(pool, at + 2)) {
            at += 4;
            let mut length = usize::from(length);
            if length == 0 && uses != 0 {
                // A text of 64 KiB or more has its length in the next four bytes.
                length = u32_at(pool, at).ok_or("the string pool ends within a length")? as usize;
                at += 4;
            }
            let end = start.checked_add(length).ok_or("the length of a text is impossible")?;
            let raw = data.get(start..end).ok_or("the string data are shorter than the string pool says")?;
            let text = decoder.decode(raw);
            let foreign = |c: char| c == '\u{fffd}' || ('\u{80}'..='\u{9f}').contains(&c);
            let decoded = !is_judged || !text.contains(foreign);
            texts.push((text.into(), decoded));
            start = end;
        }
        let reference_width = if header & LONG_REFERENCES == 0 { 2 } else { 3 };
        Ok(Strings { code_page, reference_width, left_over: data.len() - start, texts })
    }

    /// The text of a number; `None` if there is none.
    pub(super) fn get(&self, number: u32) -> Option<&Rc<str>> {
        let index = (number as usize).checked_sub(1)?;
        Some(&self.texts.get(index)?.0)
    }

    /// Texts with bytes that are not in the code page.
    pub(super) fn undecoded(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().filter(|(_, decoded)| !decoded).map(|(text, _)| &**text)
    }

    /// A text that is more than ASCII.
    pub(super) fn foreign(&self) -> Option<&Rc<str>> {
        self.texts.iter().map(|(text, _)| text).find(|text| !text.is_ascii())
    }
}
