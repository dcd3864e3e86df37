//! From the bytes of a file to text: UTF-8 is what JSON is made of (RFC 8259, section 8.1); a byte
//! order mark and UTF-16 are what Windows tools such as PowerShell's `Out-File` write, UTF-16 without
//! a mark what a C program of Windows writes. NUL at the end is no text: a file system leaves it where
//! a power cut kept the content from the disk, a program where it made the file too long beforehand.

use std::borrow::Cow;

use super::error::ReportError;

/// How the characters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Form {
    /// The names in the text form of edits: never change one.
    const NAMES: [(Form, &'static str); 3] =
        [(Form::Utf8, "utf-8"), (Form::Utf16Le, "utf-16le"), (Form::Utf16Be, "utf-16be")];

    pub(super) fn name(self) -> &'static str {
        Form::NAMES.iter().find(|(form, _)| *form == self).map_or("", |(_, name)| name)
    }

    pub(super) fn of_name(name: &str) -> Option<Form> {
        Form::NAMES.iter().find(|(_, known)| *known == name).map(|(form, _)| *form)
    }
}

/// How a file holds its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    pub(super) form: Form,
    /// Bytes before the text: the byte order mark.
    pub(super) lead: usize,
    /// Bytes after the text: NUL, and the Ctrl-Z with which DOS programs end a file.
    pub(super) tail: usize,
}

impl Encoding {
    /// Whether the text's bytes in UTF-8 are the file.
    pub(super) fn is_plain(self) -> bool {
        self.form == Form::Utf8 && self.lead == 0 && self.tail == 0
    }
}

/// Recognises how a file is encoded, and decodes it.
pub(super) fn decode(bytes: &[u8]) -> Result<(Cow<'_, str>, Encoding), ReportError> {
    let (form, lead) = match bytes {
        [0xFF, 0xFE, 0, 0, rest @ ..] | [0, 0, 0xFE, 0xFF, rest @ ..]
            if rest.iter().any(|byte| *byte != 0) =>
        {
            return Err(ReportError::file("encoded as UTF-32; write the report as UTF-8"));
        }
        [0xEF, 0xBB, 0xBF, ..] => (Form::Utf8, 3),
        [0xFF, 0xFE, ..] => (Form::Utf16Le, 2),
        [0xFE, 0xFF, ..] => (Form::Utf16Be, 2),
        [0xFF | 0xFE] => return Err(ReportError::incomplete("cut off in its byte order mark")),
        [b'{', 0, next, ..] if *next != 0 => (Form::Utf16Le, 0),
        [0, b'{', ..] => (Form::Utf16Be, 0),
        _ => (Form::Utf8, 0),
    };
    let content = &bytes[lead..];
    let (text, length) = match form {
        Form::Utf8 => {
            let content = &content[..content.len() - padding(content)];
            (Cow::Borrowed(utf8(content)?), content.len())
        }
        Form::Utf16Le => {
            utf16(content, u16::from_le_bytes).map(|(text, length)| (Cow::Owned(text), length))?
        }
        Form::Utf16Be => {
            utf16(content, u16::from_be_bytes).map(|(text, length)| (Cow::Owned(text), length))?
        }
    };
    Ok((text, Encoding { form, lead, tail: content.len() - length }))
}

/// The text of a file whose encoding is known, without mark and NUL; `None` if it is not encoded so.
pub(super) fn text_of(mut file: Vec<u8>, encoding: Encoding) -> Option<Vec<u8>> {
    file.truncate(file.len().checked_sub(encoding.tail)?);
    if file.len() < encoding.lead {
        return None;
    }
    match encoding.form {
        Form::Utf8 => {
            file.drain(..encoding.lead);
            Some(file)
        }
        Form::Utf16Le => {
            utf16(&file[encoding.lead..], u16::from_le_bytes).ok().map(|(text, _)| text.into_bytes())
        }
        Form::Utf16Be => {
            utf16(&file[encoding.lead..], u16::from_be_bytes).ok().map(|(text, _)| text.into_bytes())
        }
    }
}

const CTRL_Z: u8 = 0x1A;

fn padding(bytes: &[u8]) -> usize {
    bytes.iter().rev().take_while(|byte| matches!(**byte, 0 | CTRL_Z)).count()
}

fn utf8(bytes: &[u8]) -> Result<&str, ReportError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (line, column) = line_and_column(&bytes[..error.valid_up_to()]);
        let refused = match error.error_len() {
            None => ReportError::incomplete("cut off in the middle of a character"),
            Some(_) => ReportError::file("not UTF-8; write the report as UTF-8"),
        };
        refused.at(line, column)
    })
}

/// Decodes up to the last character that is no padding; also gives the bytes to there.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<(String, usize), ReportError> {
    let cut_off = || ReportError::incomplete("cut off in the middle of a character");
    let (pairs, half) = bytes.as_chunks::<2>();
    let is_padding = |pair: &&[u8; 2]| matches!(unit(**pair), 0 | 0x1A);
    let padding = pairs.iter().rev().take_while(is_padding).count();
    let (pairs, nothing) = pairs.split_at(pairs.len() - padding);
    if !half.is_empty() && (nothing.is_empty() || half != [0]) {
        return Err(cut_off());
    }
    let units = pairs.iter().map(|pair| unit(*pair));
    if units.clone().next_back().is_some_and(|last| (0xD800..0xDC00).contains(&last)) {
        return Err(cut_off());
    }
    // Counted before, because a large text that grows is copied and takes twice its size.
    let length = char::decode_utf16(units.clone()).map(|character| character.map_or(0, char::len_utf8)).sum();
    let mut text = String::with_capacity(length);
    for character in char::decode_utf16(units) {
        text.push(character.map_err(|_| ReportError::file("damaged UTF-16; write the report as UTF-8"))?);
    }
    Ok((text, pairs.len() * 2))
}

fn line_and_column(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}
