//! Where in a text a JSON pointer leads, for people: line and column. The text was checked before.

/// Line and column, from 1, of the value that the pointer names; where there is none, of what would hold it.
pub(super) fn of(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let mut at = text.find('{')?;
    for part in pointer.split('/').skip(1) {
        match inside(text, at, part) {
            Some(found) => at = found,
            None => break,
        }
    }
    let before = &text[..at];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    Some((line, before[start..].chars().filter(|c| *c != '\u{feff}').count() + 1))
}

/// Where the member or the element of that name begins, in the object or list that begins at `at`.
fn inside(text: &str, at: usize, part: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_object = bytes.get(at)? == &b'{';
    if !is_object && bytes[at] != b'[' {
        return None;
    }
    let mut next = at + 1;
    let mut index = 0_usize;
    let mut found = None;
    loop {
        next = after_space(bytes, next);
        if matches!(bytes.get(next)?, b'}' | b']') {
            return found;
        }
        let is_it = if is_object {
            let end = after_string(bytes, next);
            let is_it = text.get(next + 1..end.checked_sub(1)?)? == part;
            // Past the colon.
            next = after_space(bytes, after_space(bytes, end) + 1);
            is_it
        } else {
            part.parse() == Ok(index)
        };
        if is_it {
            found = Some(next);
        }
        index += 1;
        next = after_space(bytes, after_value(bytes, next));
        if bytes.get(next) == Some(&b',') {
            next += 1;
        }
    }
}

fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

fn after_string(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn after_value(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = after_string(bytes, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    at
}
