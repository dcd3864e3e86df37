//! Which of the files of one identifier is taken back: the newest, because it replaces what the server has.
//! Pure: no files are touched.

use super::wanted::Meant;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// A file of a folder for finished files, or of the archive.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The folder that it lies in.
    pub folder: PathBuf,
    /// Its name there.
    pub name: OsString,
    /// The name that it gets in the watch folder.
    pub original: OsString,
    /// How the command line means it.
    pub meant: Meant,
    /// When it was delivered or refused.
    pub when: When,
    /// The identifier under which it was sent, if that is known.
    pub id: Option<Uuid>,
    /// Whether its reason says that a later report took its place.
    pub superseded: bool,
}

/// What is known of when a report was delivered or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When {
    /// What a note, a reason or the archive says.
    pub written: Option<Timestamp>,
    /// When the file came to where it lies, in seconds since 1970.
    pub arrived: i64,
    /// When it was last written to, in nanoseconds since 1970: it was dropped then. Of two that came in the
    /// same second it tells which was dropped first.
    pub modified: i64,
}

impl When {
    /// Whether this was later than another. `false` both ways: that cannot be told.
    fn is_later(&self, other: &When) -> bool {
        let rest = |when: &When| (when.arrived, when.modified);
        match (self.written, other.written) {
            (Some(own), Some(its)) => (own, rest(self)) > (its, rest(other)),
            _ => rest(self) > rest(other),
        }
    }
}

/// What is done with a file that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken back.
    Take,
    /// It stays, because of what this says.
    Stay(String),
}

impl Found {
    /// Where it lies.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    fn is_later(&self, other: &Found) -> bool {
        if self.when != other.when {
            return self.when.is_later(&other.when);
        }
        // Files of one name get numbers in the order in which they come.
        let (base, number) = numbered(&self.name);
        let (its_base, its_number) = numbered(&other.name);
        self.folder == other.folder && base == its_base && number > its_number
    }
}

/// A name without its number and extension, and the number that it got because it was taken.
fn numbered(name: &OsStr) -> (String, u64) {
    let stem = Path::new(name).file_stem().unwrap_or(name).to_string_lossy().into_owned();
    let number =
        stem.rsplit_once('.').and_then(|(base, number)| Some((base.to_owned(), number.parse().ok()?)));
    number.unwrap_or((stem, 0))
}

/// What is done with each of the files that are meant, in the order in which they came; `waiting` are the
/// identifiers of what is still to be sent.
pub(super) fn decide(found: &[Found], waiting: &HashSet<Uuid>) -> Vec<(usize, Fate)> {
    let mut same: HashMap<Uuid, Vec<&Found>> = HashMap::new();
    for one in found {
        if let Some(id) = one.id {
            same.entry(id).or_default().push(one);
        }
    }
    let mut fates: Vec<(usize, Fate)> = Vec::new();
    for (index, one) in found.iter().enumerate().filter(|(_, one)| one.meant != Meant::Not) {
        let others = one.id.and_then(|id| same.get(&id)).map(Vec::as_slice).unwrap_or_default();
        fates.push((index, fate(one, others, waiting)));
    }
    fates.sort_by_key(|&(index, _)| {
        let when = &found[index].when;
        (when.written.map_or(when.arrived, Timestamp::as_second), when.modified)
    });
    fates
}

fn fate(one: &Found, same: &[&Found], waiting: &HashSet<Uuid>) -> Fate {
    let by_name = one.meant == Meant::ByName;
    let stay = |why: String| {
        let name = one.name.to_string_lossy();
        Fate::Stay(format!("{why}; to send this one all the same, name it: {name}"))
    };
    if !by_name && one.superseded {
        return stay("a later report with its identifier took its place".to_owned());
    }
    if !by_name && one.id.is_some_and(|id| waiting.contains(&id)) {
        return stay("a report with its identifier waits to be sent".to_owned());
    }
    // What somebody has asked for goes over what nobody has asked for.
    let rivals = same.iter().filter(|other| {
        !std::ptr::eq(**other, one) && if by_name { other.meant == Meant::ByName } else { !other.superseded }
    });
    for other in rivals {
        if !one.is_later(other) {
            let what = if other.is_later(one) { "is newer" } else { "may be newer" };
            return stay(format!("{} has the same identifier and {what}", other.path().display()));
        }
    }
    Fate::Take
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Uuid = Uuid::from_u128(9);

    fn found(name: &str, id: u128, meant: Meant, arrived: i64) -> Found {
        let when = When { written: None, arrived, modified: 0 };
        let id = (id > 0).then(|| Uuid::from_u128(id));
        let name = OsString::from(name);
        Found { folder: "done".into(), original: name.clone(), name, meant, when, id, superseded: false }
    }

    /// Fails if: an older report is taken back over a newer one that nobody has asked to replace, the newest of an
    /// identifier or one that has none stays, or one that was asked for by its name does.
    #[test]
    fn only_the_newest_of_an_identifier() {
        use Meant::{ByName, Not, WithOthers};
        let superseded = |one: Found| Found { superseded: true, ..one };
        let written = |one: Found, time: &str, modified| Found {
            when: When { written: Some(time.parse().unwrap()), modified, ..one.when },
            ..one
        };
        // the files, the names that are taken in their order
        let cases: Vec<(Vec<Found>, Vec<&str>)> = vec![
            (
                vec![
                    found("unit.1.json", 1, WithOthers, 2),
                    found("unit.2.json", 1, WithOthers, 3),
                    found("unit.json", 1, WithOthers, 1),
                    found("b.json", 2, WithOthers, 0),
                ],
                vec!["b.json", "unit.2.json"],
            ),
            // Without an identifier they are reports of their own.
            (vec![found("b", 0, WithOthers, 2), found("a", 0, WithOthers, 1)], vec!["a", "b"]),
            // The newest is not meant.
            (vec![found("a", 1, WithOthers, 1), found("b", 1, Not, 2)], vec![]),
            (vec![found("a", 1, ByName, 1), found("b", 1, Not, 2)], vec!["a"]),
            (vec![found("a", 1, ByName, 1), found("b", 1, WithOthers, 2)], vec!["a", "b"]),
            (vec![found("a", 1, ByName, 1), found("b", 1, ByName, 2)], vec!["b"]),
            // In the same moment: the number tells, or nothing.
            (vec![found("a.json", 1, WithOthers, 1), found("a.1.json", 1, WithOthers, 1)], vec!["a.1.json"]),
            (vec![found("a.json", 1, WithOthers, 1), found("b.json", 1, WithOthers, 1)], vec![]),
            // A later one took its place, or waits.
            (vec![superseded(found("a", 1, WithOthers, 1))], vec![]),
            (vec![superseded(found("a", 1, ByName, 1))], vec!["a"]),
            (vec![superseded(found("a", 1, WithOthers, 2)), found("b", 1, WithOthers, 1)], vec!["b"]),
            (vec![found("a", 9, WithOthers, 1)], vec![]),
            (vec![found("a", 9, ByName, 1)], vec!["a"]),
            // What was written down counts, where all have it.
            (
                vec![
                    written(found("a", 1, WithOthers, 2), "2026-01-01T00:00:01Z", 0),
                    written(found("b", 1, WithOthers, 1), "2026-01-01T00:00:02Z", 0),
                    written(found("c", 2, WithOthers, 2), "2026-01-01T00:00:01Z", 0),
                    found("d", 2, WithOthers, 1),
                    written(found("e", 3, WithOthers, 1), "2026-01-01T00:00:03Z", 8),
                    written(found("f", 3, WithOthers, 1), "2026-01-01T00:00:03Z", 7),
                ],
                vec!["b", "c", "e"],
            ),
        ];
        for (found, expected) in cases {
            let fates = decide(&found, &HashSet::from([NEW]));
            let mut taken: Vec<_> = fates
                .iter()
                .filter(|(_, fate)| *fate == Fate::Take)
                .map(|(index, _)| found[*index].name.to_str().unwrap())
                .collect();
            if found.iter().any(|one| one.when.written.is_some()) {
                taken.sort_unstable();
            }
            assert_eq!(taken, expected, "{found:#?}");
            assert_eq!(fates.len(), found.iter().filter(|one| one.meant != Not).count());
        }
    }
}
