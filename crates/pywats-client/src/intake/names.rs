//! Which names in the watch folder are meant for us, and what else lies there.

use crate::disposition::{REASON_SUFFIX, SENT_SUFFIX};
use crate::folder::{Folder, Item, is_temporary};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use wats::{Report, Rules};

/// More kinds than this are not told apart.
const MOST_KINDS: usize = 20;
/// More than any usual report without attachments.
const MOST_BYTES: u64 = 4 << 20;

/// Whether a name in the watch folder is meant for us: `*.json` and `*.wsjf`, but nothing hidden or
/// unfinished, and none of our own reason files.
pub fn is_report_name(name: &OsStr) -> bool {
    let text = name.to_string_lossy().to_ascii_lowercase();
    let extension = Path::new(&text).extension().and_then(OsStr::to_str);
    matches!(extension, Some("json" | "wsjf")) && !text.starts_with('.') && !is_beside(&text)
}

/// Whether a name is that of a file that we write beside another.
fn is_beside(name: &str) -> bool {
    name.ends_with(REASON_SUFFIX) || name.ends_with(SENT_SUFFIX)
}

/// Why nobody takes a file of this name, and what to do if it is a report; `None` if it is taken.
pub fn why_not(name: &OsStr) -> Option<&'static str> {
    let text = name.to_string_lossy().to_ascii_lowercase();
    if is_report_name(name) {
        None
    } else if text.starts_with('.') {
        Some(
            "begins with a dot, as those of unfinished files do: let the test system write a name without it",
        )
    } else if is_beside(&text) {
        Some("ends as those of the notes that the service writes beside reports: give it another name")
    } else {
        Some("does not end in .json or .wsjf: let the test system write such names")
    }
}

/// What kind of thing lies there that nobody takes; `None` if it is taken, or being written by us.
pub fn untaken_kind(item: &Item) -> Option<String> {
    if item.is_folder {
        return Some("folders".to_owned());
    }
    let text = item.name.to_string_lossy().to_lowercase();
    if is_report_name(&item.name) || is_temporary(&item.name) {
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
pub fn count_untaken(items: &[Item], own: &[OsString]) -> BTreeMap<String, u64> {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for item in items.iter().filter(|item| !(item.is_folder && own.contains(&item.name))) {
        if let Some(kind) = untaken_kind(item) {
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
            assert_eq!(is_report_name(OsStr::new(name)), wanted, "{name:?}");
            let item = Item { name: name.into(), is_folder: false };
            assert_eq!(untaken_kind(&item).as_deref(), kind, "{name:?}");
        }
        for (name, says) in [
            (".a.json", Some("a dot")),
            ("a.sent.json", Some("another name")),
            ("a.txt", Some(".wsjf")),
            ("a.json", None),
        ] {
            let why = why_not(OsStr::new(name));
            assert!(
                why.is_some() == says.is_some() && why.is_none_or(|why| why.contains(says.unwrap())),
                "{name}"
            );
        }
    }

    /// Fails if: the counts name our own folders, or grow without limit.
    #[test]
    fn counts() {
        let item = |name: &str, is_folder| Item { name: name.into(), is_folder };
        let items = [item("done", true), item("sub.json", true), item("a.xml", false), item("b.xml", false)];
        let kinds = count_untaken(&items, &["done".into()]);
        assert_eq!(listed(&kinds), "2 *.xml, 1 folders");
        let many: Vec<Item> = (0..100).map(|number| item(&format!("a.{number}"), false)).collect();
        let kinds = count_untaken(&many, &[]);
        assert_eq!((kinds.len(), kinds["other endings"]), (MOST_KINDS + 1, 100 - MOST_KINDS as u64));
    }
}
