//! The done folder: what the queue remembers putting there.

use super::{Ages, Limits, NOTE, Removed, Unclear, with_content};
use crate::disposition::{self, SENT_SUFFIX, with_suffix};
use crate::folder::{Folder, Kind};
use crate::queue::{Kept, Queue};
use std::io;

/// What of the done folder is over the limits. Removes it if `remove` is set; `go_on` is asked between files.
/// Only files that the queue knows, and that are still the same, count.
///
/// # Errors
/// If the database cannot be used.
pub fn apply(
    queue: &Queue,
    folder: &Folder,
    limits: &Limits,
    now: i64,
    remove: bool,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Removed> {
    if limits.are_none() {
        return Ok(Removed::default());
    }
    let mut ages = Ages::default();
    let mut gone = Vec::new();
    let mut present = false;
    let same_size = |kept: &Kept| match folder.look(&kept.name) {
        Ok(Some(Kind::Plain(identity))) if identity.size == kept.size => Some(true),
        Ok(_) => Some(false),
        // What cannot be looked at stays.
        Err(_) => None,
    };
    queue
        .each_kept(folder.path(), |kept| {
            match same_size(&kept) {
                Some(true) => {
                    present = true;
                    ages.add(kept.time, kept.size);
                }
                Some(false) => gone.push(kept.name),
                None => {}
            }
            true
        })
        .map_err(io::Error::other)?;
    // Where all have gone, the folder itself may be another for a while: a share that is away.
    if present {
        queue.forget_kept(folder.path(), &gone).map_err(io::Error::other)?;
    }
    let cut = ages.cut(limits, now);
    if !remove {
        return Ok(ages.before(cut));
    }
    let mut removed = Removed::default();
    let mut forget = Vec::new();
    queue
        .each_kept(folder.path(), |kept| {
            if kept.time < cut {
                match remove_kept(folder, &kept) {
                    Some(true) => {
                        removed.files += 1;
                        removed.bytes += kept.size;
                        forget.push(kept.name);
                    }
                    Some(false) if present => forget.push(kept.name),
                    _ => {}
                }
            }
            go_on()
        })
        .map_err(io::Error::other)?;
    queue.forget_kept(folder.path(), &forget).map_err(io::Error::other)?;
    Ok(removed)
}

/// Removes a file with its note if it still has the content that was put there; says whether it had. `None`
/// if that cannot be told for now.
fn remove_kept(folder: &Folder, kept: &Kept) -> Option<bool> {
    match folder.look(&kept.name).ok()? {
        Some(Kind::Plain(identity)) if identity.size == kept.size => {}
        _ => return Some(false),
    }
    match with_content(folder, &kept.name, &kept.sha256) {
        Ok(Some(_)) => folder.discard(&kept.name),
        Ok(None) => return Some(false),
        Err(Unclear) => return None,
    }
    let beside = with_suffix(&kept.name, SENT_SUFFIX);
    let note = folder.open_file(&beside).ok().and_then(|mut note| note.read(NOTE).ok());
    if note.is_some_and(|note| disposition::id_for(&note, &kept.sha256).is_some()) {
        folder.discard(&beside);
    }
    Some(!folder.exists(&kept.name).unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retention::DAY;
    use sha2::{Digest, Sha256};

    const LATER: i64 = 3 * DAY;

    /// Fails if: something in the done folder is removed that the service did not put there, or that is not what
    /// it put there any more; or its own stays, or its note.
    #[test]
    fn only_own_files_go() {
        // name, content, what the queue remembers of it, whether it goes
        let cases: [(&str, &str, Option<&str>, bool); 6] = [
            ("a.json", "ours", Some("ours"), true),
            ("b.json", "ours too", Some("ours too"), true),
            ("recipe.json", "theirs", None, false),
            ("changed.json", "edited by them", Some("edited by us!!"), false),
            ("longer.json", "longer than ours", Some("ours"), false),
            ("notes.txt", "theirs", None, false),
        ];
        let dir = tempfile::tempdir().unwrap();
        let data = tempfile::tempdir().unwrap();
        let queue = crate::queue::open(data.path()).unwrap().queue;
        let now = jiff::Timestamp::now().as_second();
        for (name, content, known, _) in cases {
            std::fs::write(dir.path().join(name), content).unwrap();
            if let Some(known) = known {
                let sha256 = Sha256::digest(known).into();
                let kept = Kept { name: name.into(), size: known.len() as u64, sha256, time: now };
                queue.keep_in_mind(dir.path(), &kept).unwrap();
            }
        }
        let sent = |content: &str| {
            let sha256 = Sha256::digest(content).into();
            disposition::Sent { id: uuid::Uuid::nil(), sha256, notes: &[] }.to_json("x".as_ref())
        };
        std::fs::write(dir.path().join("a.json.sent.json"), sent("ours")).unwrap();
        std::fs::write(dir.path().join("b.json.sent.json"), sent("of another")).unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let limits = Limits { days: 1, bytes: 0, must_go: 0 };
        let run = |remove| apply(&queue, &folder, &limits, now + LATER, remove, || true).unwrap();
        run(false);
        assert_eq!(folder.names().unwrap().len(), cases.len() + 2);
        assert_eq!(run(true), Removed { files: 2, bytes: 12 });
        for (name, _, _, goes) in cases {
            assert_eq!(folder.exists(name.as_ref()).unwrap(), !goes, "{name}");
        }
        assert!(!folder.exists("a.json.sent.json".as_ref()).unwrap());
        assert!(folder.exists("b.json.sent.json".as_ref()).unwrap());
        assert_eq!(run(true), Removed::default());
    }
}
