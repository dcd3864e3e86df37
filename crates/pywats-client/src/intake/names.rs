//! Which names in the watch folder are meant for us, and what else lies there.

use crate::config::watch_folders;
use crate::disposition::{REASON_SUFFIX, SENT_SUFFIX};
use crate::folder::{Folder, Item, LOCK_NAME, is_temporary};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;
use wats::{Report, Rules};

/// More kinds than this are not told apart.
const MOST_KINDS: usize = 20;
/// More than any usual report without attachments.
const MOST_BYTES: u64 = 4 << 20;

/// Which names in a watch folder are reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// In small letters.
    patterns: Vec<String>,
}

impl Names {
    /// Those of these patterns, in which `*` stands for anything and `?` for one character, in letters of either case.
    pub fn new(patterns: &[String]) -> Self {
        Names { patterns: patterns.iter().map(|pattern| pattern.to_lowercase()).collect() }
    }

    /// Whether a name is meant for us: as the patterns say, but nothing hidden or unfinished, and none of our own
    /// files.
    pub fn take(&self, name: &OsStr) -> bool {
        let text = name.to_string_lossy().to_lowercase();
        !text.starts_with('.')
            && !is_beside(&text)
            && self.patterns.iter().any(|pattern| matches(pattern, &text))
    }

    /// Why nobody takes a file of this name, and what to do if it is a report; `None` if it is taken.
    pub fn why_not(&self, name: &OsStr) -> Option<String> {
        let text = name.to_string_lossy().to_lowercase();
        let why = if self.take(name) {
            return None;
        } else if text.starts_with('.') {
            "begins with a dot, as those of unfinished files do: let the test system write a name without it"
        } else if is_beside(&text) {
            "ends as those of the notes that the service writes beside reports: give it another name"
        } else {
            return Some(format!("is not {self}: let the test system write such names"));
        };
        Some(why.to_owned())
    }
}

impl Default for Names {
    fn default() -> Self {
        Names::new(&watch_folders::PATTERNS.map(str::to_owned))
    }
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.patterns.split_last() {
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} or {last}", others.join(", ")),
            None => Ok(()),
        }
    }
}

/// Whether a text is the pattern, in which `*` stands for anything and `?` for one character.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text) = (0, 0);
    // Where the last star is, and where what it stands for ends so far.
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(&wanted) if wanted == '?' || wanted == text[in_text] => {
                at += 1;
                in_text += 1;
            }
            _ => match &mut star {
                Some((place, end)) => {
                    *end += 1;
                    (at, in_text) = (*place + 1, *end);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

/// Whether a name may be that of a report, where files lie that were taken in: neither hidden nor one that we write
/// beside another.
pub fn may_be_report(name: &OsStr) -> bool {
    let text = name.to_string_lossy().to_ascii_lowercase();
    !text.starts_with('.') && !is_beside(&text)
}

/// Whether a name is that of a file that we write beside another.
fn is_beside(name: &str) -> bool {
    name.ends_with(REASON_SUFFIX) || name.ends_with(SENT_SUFFIX)
}

/// What kind of thing lies there that nobody takes; `None` if it is taken, or being written by us.
pub fn untaken_kind(names: &Names, item: &Item) -> Option<String> {
    if item.is_folder {
        return Some("folders".to_owned());
    }
    let text = item.name.to_string_lossy().to_lowercase();
    if names.take(&item.name) || is_temporary(&item.name) || item.name == LOCK_NAME {
        return None;
    }
    if text.starts_with('.') {
        return Some("hidden files".to_owned());
    }
    if let Some(suffix) = [REASON_SUFFIX, SENT_SUFFIX].into_iter().find(|suffix| text.ends_with(suffix)) {
        return Some(format!("*{suffix}"));
    }
    let extension = Path::new(&text).extension().map(|extension| extension.to_string_lossy().into_owned());
    Some(match extension {
        Some(extension) => {
            let shown: String = extension.chars().filter(|c| !c.is_control()).take(20).collect();
            format!("*.{shown}")
        }
        None => "files without ending".to_owned(),
    })
}

/// How many things of each kind nobody takes. Folders of our own do not count.
pub fn count_untaken(names: &Names, items: &[Item], own: &[OsString]) -> BTreeMap<String, u64> {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for item in items.iter().filter(|item| !(item.is_folder && own.contains(&item.name))) {
        if let Some(kind) = untaken_kind(names, item) {
            let kind = if kinds.len() < MOST_KINDS || kinds.contains_key(&kind) {
                kind
            } else {
                "other endings".to_owned()
            };
            *kinds.entry(kind).or_default() += 1;
        }
    }
    kinds
}

/// The counts as a list for people: `12 *.xml, 3 folders`.
pub fn listed(kinds: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    parts.join(", ")
}

/// Whether a file is a report whatever its name says. Small ones are read as a whole.
pub fn holds_report(folder: &Folder, name: &OsStr) -> bool {
    let Ok(mut open) = folder.open_file(name) else { return false };
    if open.identity.size > MOST_BYTES {
        return false;
    }
    open.read(MOST_BYTES).is_ok_and(|bytes| Report::parse(&bytes, &Rules::default()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a report is overlooked because of how its name is written, or something else is
    /// taken for a report, or is not counted as what it is.
    #[test]
    fn names() {
        for (name, wanted, kind) in [
            ("a.json", true, None),
            ("A.JSON", true, None),
            ("a b.Wsjf", true, None),
            ("line\nbreak.json", true, None),
            ("..json", false, Some("hidden files")),
            (".hidden.json", false, Some("hidden files")),
            ("json", false, Some("files without ending")),
            (".json", false, Some("hidden files")),
            ("a.json.tmp", false, Some("*.tmp")),
            ("a.part", false, Some("*.part")),
            ("a.json.reason.json", false, Some("*.reason.json")),
            ("Unit.Sent.JSON", false, Some("*.sent.json")),
            (".a.sent.json", false, Some("hidden files")),
            (".pywats-0.part", false, None),
            ("A.XML", false, Some("*.xml")),
        ] {
            let names = Names::default();
            assert_eq!(names.take(OsStr::new(name)), wanted, "{name:?}");
            let item = Item { name: name.into(), is_folder: false };
            assert_eq!(untaken_kind(&names, &item).as_deref(), kind, "{name:?}");
        }
        for (name, says) in [
            (".a.json", Some("a dot")),
            ("a.sent.json", Some("another name")),
            ("a.txt", Some("is not *.json or *.wsjf")),
            ("a.json", None),
        ] {
            let why = Names::default().why_not(OsStr::new(name));
            assert!(
                why.is_some() == says.is_some() && why.is_none_or(|why| why.contains(says.unwrap())),
                "{name}"
            );
        }
    }

    /// Fails if: a pattern stands for other names than it says, or takes forever to find out.
    #[test]
    fn patterns() {
        let long = "a".repeat(200);
        for (pattern, name, expected) in [
            ("a.json", "a.json", true),
            ("a.json", "aa.json", false),
            ("*.json", "a.json", true),
            ("*", "", true),
            ("a*b*c", "a--b--c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("unit-??.json", "unit-07.json", true),
            ("unit-??.json", "unit-7.json", false),
            ("?", "", false),
            ("?", "ä", true),
            ("*a*a*a*a*a*a*a*a*a*b", &long, false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        let names = Names::new(&["Unit-*.LOG".to_owned()]);
        for (name, expected) in [("unit-1.log", true), (".unit-1.log", false), ("unit-1.json", false)] {
            assert_eq!(names.take(OsStr::new(name)), expected, "{name}");
        }
    }

    /// Fails if: the counts name our own folders, or grow without limit.
    #[test]
    fn counts() {
        let item = |name: &str, is_folder| Item { name: name.into(), is_folder };
        let items = [item("done", true), item("sub.json", true), item("a.xml", false), item("b.xml", false)];
        let kinds = count_untaken(&Names::default(), &items, &["done".into()]);
        assert_eq!(listed(&kinds), "2 *.xml, 1 folders");
        let many: Vec<Item> = (0..100).map(|number| item(&format!("a.{number}"), false)).collect();
        let kinds = count_untaken(&Names::default(), &many, &[]);
        assert_eq!((kinds.len(), kinds["other endings"]), (MOST_KINDS + 1, 100 - MOST_KINDS as u64));
    }
}
