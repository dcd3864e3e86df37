//! A plain text as Rich Text Format, which is what dialogs can scroll.
//!
//! Specified by
//! [RTF 1.9.1](https://interoperability.blob.core.windows.net/files/Archive_References/%5bMSFT-RTF%5d.pdf).

/// The text with its lines joined to paragraphs, which empty lines separate.
pub(super) fn from_plain(text: &str) -> String {
    let mut rtf =
        r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss Tahoma;}}\viewkind4\uc1\pard\f0\fs16 ".to_owned();
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>());
    let paragraphs: Vec<_> = paragraphs.filter(|words| !words.is_empty()).collect();
    for (index, words) in paragraphs.iter().enumerate() {
        rtf += if index == 0 { "" } else { r"\par\par " };
        words.join(" ").chars().for_each(|c| rtf += &escaped(c));
    }
    rtf + r"\par}"
}

/// A character as RTF has it. Brackets would be properties for Windows Installer.
fn escaped(c: char) -> String {
    match c {
        '\\' | '{' | '}' | '[' | ']' => format!(r"\'{:02x}", u32::from(c)),
        ' '..='~' => c.to_string(),
        _ => {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!(r"\u{}?", unit.cast_signed())).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::from_plain;

    /// Fails if: a character has another meaning in RTF or in Windows Installer than in the text, or lines
    /// and paragraphs are not told apart.
    #[test]
    fn says_what_the_text_says() {
        for (text, body) in [
            ("one\ntwo\n\n\nthree\n", r"one two\par\par three"),
            ("a {b} [c] \\d", r"a \'7bb\'7d \'5bc\'5d \'5cd"),
            ("é – 😀", r"\u233? \u8211? \u-10179?\u-8704?"),
            ("", ""),
        ] {
            let rtf = from_plain(text);
            assert_eq!(rtf.split_once(r"\fs16 ").map(|(_, rest)| rest), Some(&*format!(r"{body}\par}}")));
        }
    }
}
