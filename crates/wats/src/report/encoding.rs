//! From the bytes of a file to text: UTF-8 is what JSON is made of (RFC 8259, section 8.1); a byte
//! order mark and UTF-16 are what Windows tools such as PowerShell's `Out-File` write.

use super::error::ReportError;

/// Decodes a file and drops its byte order mark.
pub(super) fn decode(bytes: &[u8]) -> Result<String, ReportError> {
    match bytes {
        [0xEF, 0xBB, 0xBF, text @ ..] => utf8(text),
        [0xFF, 0xFE, 0x00, 0x00, ..] | [0x00, 0x00, 0xFE, 0xFF, ..] => {
            Err(ReportError::file("encoded as UTF-32; write the report as UTF-8"))
        }
        [0xFF, 0xFE, text @ ..] => utf16(text, u16::from_le_bytes),
        [0xFE, 0xFF, text @ ..] => utf16(text, u16::from_be_bytes),
        text => utf8(text),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, ReportError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ReportError {
        field: String::new(),
        position: Some(line_and_column(&bytes[..error.valid_up_to()])),
        reason: "not UTF-8; write the report as UTF-8".to_owned(),
    })?;
    Ok(text.to_owned())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, ReportError> {
    let refused = || ReportError::file("damaged UTF-16; write the report as UTF-8");
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(refused());
    }
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).map_err(|_| refused())
}

fn line_and_column(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}
