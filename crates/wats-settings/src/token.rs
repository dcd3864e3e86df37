//! The API token: the base64 form of `user:password`, as a WATS server hands it out and as the `Basic` scheme
//! ([RFC 7617](https://www.rfc-editor.org/rfc/rfc7617)) sends it.

use crate::text;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// A token is a line; a file that is larger is another one.
pub const MAX_FILE_BYTES: usize = 64 << 10;

/// Tokens are copied by hand; one without its padding is still unambiguous.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The token in a text: the same without the white space around it.
///
/// # Errors
/// If it is not the base64 form of `user:password`. The text itself is not repeated: it is a secret.
pub fn read(text: &str) -> Result<&str, String> {
    let token = text.trim();
    match BASE64.decode(token) {
        Ok(decoded) if decoded.contains(&b':') => Ok(token),
        _ => {
            Err("the API token is not usable: expected the base64 form of user:password, as the WATS server \
                  shows it; copy it again, without the word Basic, quotes or line breaks"
                .to_owned())
        }
    }
}

/// The token in a file, of which at least the first [`MAX_FILE_BYTES`] and one byte more were read.
///
/// # Errors
/// If the file is too large, is no text, is empty, or holds something else.
pub fn of_file(bytes: &[u8]) -> Result<String, String> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(format!(
            "has more than {MAX_FILE_BYTES} bytes, more than any token; is it the right file?"
        ));
    }
    let text = text::decode(bytes).map_err(|reason| format!("the file {reason}"))?;
    if text.trim().is_empty() {
        return Err("the file is empty; save the token in it".to_owned());
    }
    read(&text).map(str::to_owned)
}

/// `user:password` in plain, where it is text.
pub fn credentials(token: &str) -> Option<String> {
    String::from_utf8(BASE64.decode(token).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a good token is refused in a form that people save it in, or one that no server takes is let
    /// through.
    #[test]
    fn reads_files_of_tokens() {
        const TOKEN: &str = "c3RhdGlvbjpzZWNyZXQ=";
        let utf16 = |text: &str| -> Vec<u8> {
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        };
        let line = format!("{TOKEN}\r\n");
        for bytes in [TOKEN.into(), line.clone().into(), format!("\u{feff}{line}").into(), utf16(&line)] {
            assert_eq!(of_file(&bytes).as_deref(), Ok(TOKEN), "{bytes:?}");
        }
        for (bytes, part) in [
            (Vec::new(), "is empty"),
            (utf16("\r\n"), "is empty"),
            (vec![b'a'; MAX_FILE_BYTES + 1], "more than any token"),
            (format!("Basic {TOKEN}").into(), "without the word Basic"),
            (utf16(&format!("Basic {TOKEN}")), "without the word Basic"),
            (format!("{TOKEN}\n{TOKEN}").into(), "line breaks"),
            (b"station:secret".into(), "base64"),
            (utf16(TOKEN)[2..].into(), "zero bytes"),
        ] {
            let reason = of_file(&bytes).unwrap_err();
            assert!(reason.contains(part) && !reason.contains(TOKEN), "{bytes:?}: {reason}");
        }
        assert_eq!(credentials(TOKEN).as_deref(), Some("station:secret"));
    }
}
