//! Text files as people save them: UTF-8, and UTF-16 with a byte order mark, which is what `>` and `Out-File`
//! of Windows PowerShell 5.1 write. See the [Unicode standard](https://www.unicode.org/faq/utf_bom.html).

/// The text of a file, without its byte order mark.
///
/// # Errors
/// If the bytes are neither UTF-8 nor UTF-16 with a byte order mark: what they are, and what to do.
pub fn decode(bytes: &[u8]) -> Result<String, String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, 3)?,
        _ => utf8(bytes, 0)?,
    };
    if text.contains('\0') {
        return Err("holds zero bytes, as UTF-16 without a byte order mark does; save it as UTF-8".to_owned());
    }
    Ok(text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err("is damaged UTF-16; save it as UTF-8".to_owned()),
    }
}

fn utf8(bytes: &[u8], before: usize) -> Result<String, String> {
    let text = str::from_utf8(bytes).map_err(|error| {
        format!("is not UTF-8 (at byte {}); save it as UTF-8", before + error.valid_up_to())
    })?;
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a text is lost or changed in a form that people save it in, or bytes that are none are let
    /// through.
    #[test]
    fn reads_what_people_save() {
        for (bytes, expected) in [
            (&b"ab\r\n"[..], Ok("ab\r\n")),
            (b"", Ok("")),
            (b"\xef\xbb\xbfab", Ok("ab")),
            (b"\xff\xfea\0b\0\r\0\n\0", Ok("ab\r\n")),
            (b"\xfe\xff\0a\0b", Ok("ab")),
            (b"\xff\xfe\xfc\0\x3d\xd8\0\xde", Ok("ü\u{1f600}")),
            (b"\xff\xfe", Ok("")),
            (b"\xff\xfea", Err("damaged UTF-16")),
            (b"\xff\xfe\0\xd8a\0", Err("damaged UTF-16")),
            (b"a\0b\0", Err("zero bytes")),
            (b"\xff\xfe\0\0a\0\0\0", Err("zero bytes")),
            (b"ab\xfc", Err("at byte 2")),
            (b"\xef\xbb\xbfab\xfc", Err("at byte 5")),
        ] {
            match (decode(bytes), expected) {
                (Ok(text), Ok(expected)) => assert_eq!(text, expected, "{bytes:?}"),
                (Err(reason), Err(part)) => assert!(reason.contains(part), "{bytes:?}: {reason}"),
                (found, _) => panic!("{bytes:?}: {found:?}"),
            }
        }
    }
}
