//! Security descriptors as texts: the
//! [security descriptor string format](https://learn.microsoft.com/en-us/windows/win32/secauthz/security-descriptor-string-format),
//! in which [FormattedSDDLText](https://learn.microsoft.com/en-us/windows/win32/msi/formattedsddltext) also has
//! accounts by name in angle brackets, and environment variables.

use super::formatted::{self, Reference};

const ACE_TYPES: &[&str] =
    &["A", "D", "OA", "OD", "AU", "AL", "OU", "OL", "ML", "XA", "XD", "XU", "ZA", "RA", "SP", "TL", "FL"];
const ACE_FLAGS: &[&str] = &["CI", "OI", "NP", "IO", "ID", "SA", "FA", "TP", "CR"];
const RIGHTS: &[&str] = &[
    "GA", "GR", "GW", "GX", "RC", "SD", "WD", "WO", "RP", "WP", "CC", "DC", "LC", "SW", "LO", "DT", "CR",
    "FA", "FR", "FW", "FX", "KA", "KR", "KW", "KX", "NR", "NW", "NX",
];
/// Abbreviations of well-known accounts, from
/// [SID strings](https://learn.microsoft.com/en-us/windows/win32/secauthz/sid-strings).
const ACCOUNTS: &[&str] = &[
    "AA", "AC", "AN", "AO", "AP", "AS", "AU", "BA", "BG", "BO", "BU", "CA", "CD", "CG", "CN", "CO", "CY",
    "DA", "DC", "DD", "DG", "DU", "EA", "ED", "EK", "ER", "ES", "HA", "HI", "HO", "IS", "IU", "KA", "LA",
    "LG", "LS", "LU", "LW", "ME", "MP", "MS", "MU", "NO", "NS", "NU", "OW", "PA", "PO", "PS", "PU", "RA",
    "RC", "RD", "RE", "RM", "RO", "RS", "RU", "SA", "SI", "SO", "SS", "ST", "SU", "SY", "UD", "WD", "WR",
];

/// Stands for a variable or the name of an account, whose value is not known here.
const UNKNOWN: char = '\u{1}';

/// Refuses what is no security descriptor.
pub(super) fn check(text: &str) -> Result<(), String> {
    if let Some(Reference::Property(name)) = formatted::parse(text)?.first() {
        return Err(format!(
            "Windows resolves no properties here, but there is [{name}]: write the account itself"
        ));
    }
    let text = without_names(text);
    let mut rest = text.trim();
    let mut seen = String::new();
    while let Some(part) = rest.chars().next().filter(|part| "OGDS".contains(*part)) {
        let body = rest[1..].strip_prefix(':').ok_or_else(|| format!("{part} is not followed by ':'"))?;
        if seen.contains(part) {
            return Err(format!("there are two parts {part}:"));
        }
        seen.push(part);
        let length = part_length(body);
        match part {
            'O' | 'G' => account(&body[..length])?,
            _ => acl(&body[..length])?,
        }
        rest = &body[length..];
    }
    match (seen.is_empty(), rest.is_empty()) {
        (_, true) if !seen.is_empty() => Ok(()),
        (true, _) => Err("it begins with none of O:, G:, D: and S:".to_owned()),
        _ => Err(format!("{:?} is no part of a descriptor: O:, G:, D: and S: are", shown(rest))),
    }
}

/// How many bytes of the text belong to the part: up to the next `X:` outside of parentheses.
fn part_length(body: &str) -> usize {
    let ends = |at: usize, depth: usize| {
        depth == 0 && body[at..].starts_with(['O', 'G', 'D', 'S']) && body[at + 1..].starts_with(':')
    };
    depths(body).find(|(at, depth)| ends(*at, *depth)).map_or(body.len(), |(at, _)| at)
}

/// Where each character begins, and in how many parentheses it is with those that it opens or closes.
fn depths(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.char_indices().scan(0usize, |depth, (at, c)| {
        *depth = match c {
            '(' => *depth + 1,
            ')' => depth.saturating_sub(1),
            _ => *depth,
        };
        Some((at, *depth))
    })
}

fn without_names(text: &str) -> String {
    let mut plain = String::new();
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '[' | '<' => depth += 1,
            ']' | '>' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    plain.push(UNKNOWN);
                }
            }
            _ if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    plain
}

/// `PAI(A;;FA;;;SY)(…)`: flags and entries.
fn acl(text: &str) -> Result<(), String> {
    let start = text.find('(').unwrap_or(text.len());
    let (flags, mut rest) = text.split_at(start);
    let mut left = flags;
    while !left.is_empty() && left != "NO_ACCESS_CONTROL" {
        let flag = ["P", "AR", "AI"].iter().find(|flag| left.starts_with(**flag));
        let flag = flag.ok_or_else(|| format!("{flags:?} are no flags of a list: P, AR and AI are"))?;
        left = &left[flag.len()..];
    }
    while !rest.is_empty() {
        // The parenthesis closes with which the rest begins.
        let end = depths(rest).find(|(_, depth)| *depth == 0).map(|(at, _)| at);
        let end = end.ok_or_else(|| format!("the entry {:?} does not end", shown(rest)))?;
        entry(&rest[1..end])?;
        rest = rest[end + 1..].trim_start();
        if !rest.is_empty() && !rest.starts_with('(') {
            return Err(format!("{:?} follows an entry: entries are in parentheses", shown(rest)));
        }
    }
    Ok(())
}

/// `type;flags;rights;object;inherited object;account`, and for some types a condition.
fn entry(text: &str) -> Result<(), String> {
    let fields: Vec<&str> = text.splitn(7, ';').collect();
    let [kind, flags, rights, _, _, trustee, ..] = fields[..] else {
        return Err(format!("({}) has {} fields instead of six", shown(text), fields.len()));
    };
    if !ACE_TYPES.contains(&kind) && !kind.contains(UNKNOWN) {
        return Err(format!("({}): {kind:?} is no type of entry; A allows and D denies", shown(text)));
    }
    pairs(flags, ACE_FLAGS).map_err(|flag| format!("({}): {flag:?} is no flag", shown(text)))?;
    let is_number = rights.starts_with(|c: char| c.is_ascii_digit());
    if !is_number {
        pairs(rights, RIGHTS)
            .map_err(|right| format!("({}): {right:?} is no right; FA is full access", shown(text)))?;
    } else if u32::from_str_radix(rights.trim_start_matches("0x"), 16).is_err() {
        return Err(format!("({}): the rights {rights:?} are no number", shown(text)));
    }
    account(trustee).map_err(|reason| format!("({}): {reason}", shown(text)))
}

/// Refuses a text that is not made of two-letter abbreviations, with the first that is none.
fn pairs<'a>(text: &'a str, known: &[&str]) -> Result<(), &'a str> {
    let mut rest = text;
    while !rest.is_empty() && !rest.starts_with(UNKNOWN) {
        match rest.get(..2) {
            Some(pair) if known.contains(&pair) => rest = &rest[2..],
            other => return Err(other.unwrap_or(rest)),
        }
    }
    Ok(())
}

fn account(text: &str) -> Result<(), String> {
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let is_sid = text.strip_prefix("S-1-").is_some_and(|rest| rest.split('-').all(digits));
    if is_sid || ACCOUNTS.contains(&text) || text.contains(UNKNOWN) {
        return Ok(());
    }
    Err(format!("{text:?} is no account: use a SID, or an abbreviation such as SY, BA or BU"))
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a descriptor that Windows knows is refused, or one that it does not know accepted.
    #[test]
    fn knows_descriptors() {
        for text in [
            "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)",
            "O:BAG:SYD:P(A;;FA;;;S-1-5-80-123-456)S:(AU;SAFA;WD;;;WD)",
            "O:<[%USERDOMAIN]\\[%USERNAME]>G:BAD:(A;OICI;GRGWGX;;;<DOMAIN\\User>)S:ARAI(AU;SAFA;FA;;;WD)",
            "O:SY",
            "D:(XA;;FX;;;WD;(@User.Title==\"PM\"))",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for (text, complaint) in [
            ("", "none of O:, G:, D: and S:"),
            ("D:(A;OICI;FA;;;SY", "does not end"),
            ("D:(A;OICI;FA;;SY)", "has 5 fields"),
            ("D:(A;XX;FA;;;SY)", "\"XX\" is no flag"),
            ("D:(A;;FZ;;;SY)", "\"FZ\" is no right"),
            ("D:(A;;0xg;;;SY)", "are no number"),
            ("D:(Q;;FA;;;SY)", "no type of entry"),
            ("D:(A;;FA;;;SYSTEM)", "\"SYSTEM\" is no account"),
            ("D:Q(A;;FA;;;SY)", "no flags of a list"),
            ("D:(A;;FA;;;SY)D:(A;;FA;;;BA)", "two parts D:"),
            ("D(A;;FA;;;SY)", "not followed by ':'"),
            ("D:(A;;FA;;;SY)x", "follows an entry"),
            ("D:(A;;FA;;;[ACCOUNT])", "there is [ACCOUNT]"),
        ] {
            let error = check(text).expect_err(text);
            assert!(error.contains(complaint), "{text}: {complaint:?} is not in {error:?}");
        }
    }
}
