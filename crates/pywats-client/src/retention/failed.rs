//! The failed folder: files beside which our reason lies, and that nobody has touched since.

use super::{Ages, Limits, NOTE, Removed, with_content};
use crate::disposition::{Beside, REASON_SUFFIX, with_suffix};
use crate::folder::{self, Folder, Kind};
use crate::intake::may_be_report;
use serde_json::Value;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

/// What of the failed folder is over the limits, as [`super::apply`] does. A file is ours if our reason lies
/// beside it and says that it has this name and content: what was corrected there, or put there by others, stays.
///
/// # Errors
/// If the folder cannot be read.
pub fn apply_to_failed(
    folder: &Folder,
    limits: &Limits,
    now: i64,
    remove: bool,
    mut go_on: impl FnMut() -> bool,
) -> io::Result<Removed> {
    if limits.are_none() {
        return Ok(Removed::default());
    }
    let cut = Ages::default().cut(limits, now);
    let mut due = Removed::default();
    for entry in std::fs::read_dir(folder.path())? {
        let name = entry?.file_name();
        if !go_on() {
            break;
        }
        let Ok(arrival) = folder.arrival(&name) else { continue };
        if !may_be_report(&name) || arrival >= cut {
            continue;
        }
        let Some(size) = size_of_ours(folder, &name) else { continue };
        if remove {
            folder.discard(&name);
            folder.discard(&with_suffix(&name, REASON_SUFFIX));
        }
        due.files += 1;
        due.bytes += size;
    }
    Ok(due)
}

/// The size of a file that lies there as we have put it there; `None` of any other, or if that cannot be told.
fn size_of_ours(folder: &Folder, name: &OsStr) -> Option<u64> {
    let beside = with_suffix(name, REASON_SUFFIX);
    let Ok(Some(Kind::Plain(_))) = folder.look(&beside) else { return None };
    let reason = folder.open_file(&beside).ok()?.read(NOTE).ok()?;
    let sha256 = sha256_in(&reason)?;
    let refused = Beside::of(&reason, &sha256)?.refused?;
    if !is_named_after(name, &refused) {
        return None;
    }
    with_content(folder, name, &sha256).ok()?.map(|identity| identity.size)
}

/// The SHA-256 in a reason; those of earlier versions hold none.
fn sha256_in(reason: &[u8]) -> Option<[u8; 32]> {
    let reason: Value = serde_json::from_slice(reason).ok()?;
    let text = reason["sha256"].as_str().filter(|text| text.len() == 64 && text.is_ascii())?;
    let mut sha256 = [0; 32];
    for (index, byte) in sha256.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(sha256)
}

/// Whether a file that was dropped as `original` may have got this name: the same one, or with a number.
fn is_named_after(name: &OsStr, original: &str) -> bool {
    let original = folder::shortened(OsStr::new(original));
    if name.to_string_lossy() == original.to_string_lossy() {
        return true;
    }
    let parts = |name: &OsStr| {
        let path = Path::new(name);
        let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        (text(path.file_stem()), text(path.extension()))
    };
    let ((stem, extension), (of, its)) = (parts(name), parts(&original));
    let number = stem.strip_prefix(&of).and_then(|rest| rest.strip_prefix('.'));
    extension == its && number.is_some_and(|number| number.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disposition::{Reason, Stage, hex};
    use crate::retention::DAY;
    use sha2::{Digest, Sha256};

    /// Fails if: a file goes that has been corrected, replaced or renamed since it was refused, that lies beside
    /// the reason of another one, or whose reason does not say what was in it; or one that is as it was stays.
    #[test]
    fn only_untouched_files_go() {
        let reason = |file: &str, content: Option<&str>| {
            let reason = Reason {
                stage: Stage::Intake,
                reason: "r".to_owned(),
                words: None,
                what_to_do: "w",
                server_status: None,
                attempts: 0,
                id: None,
                sha256: content.map(|content| Sha256::digest(content).into()),
                superseded: false,
                incomplete: None,
            };
            reason.to_json(file.as_ref())
        };
        let ours = reason("a.json", Some("x"));
        let of_others = format!("{{\"sha256\": \"{}\", \"file\": \"a.json\"}}", hex(&Sha256::digest("x")));
        // the name in the folder, its content, its reason, whether it goes
        let cases: [(&str, &str, Option<&str>, bool); 12] = [
            ("a.json", "x", Some(&ours), true),
            ("a.1.json", "x", Some(&ours), true),
            ("a.json", "corrected", Some(&ours), false),
            ("a.json", "", Some(&ours), false),
            ("b.json", "x", Some(&ours), false),
            ("a.old.json", "x", Some(&ours), false),
            ("a.json", "x", Some(&reason("a.json", Some("y"))), false),
            ("a.json", "x", Some(&reason("a.json", None)), false),
            ("a.json", "x", Some(&of_others), false),
            ("a.json", "x", Some("{}"), false),
            ("a.json", "x", Some("x"), false),
            ("a.json", "x", None, false),
        ];
        for (name, content, reason, goes) in cases {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(name), content).unwrap();
            if let Some(reason) = reason {
                std::fs::write(dir.path().join(format!("{name}.reason.json")), reason).unwrap();
            }
            let folder = Folder::open(dir.path()).unwrap();
            let limits = Limits { days: 1, bytes: 0, must_go: 0 };
            let later = folder.arrival(name.as_ref()).unwrap() + 3 * DAY;
            for remove in [false, true] {
                let due = apply_to_failed(&folder, &limits, later, remove, || true).unwrap();
                assert_eq!(due.files, u64::from(goes), "{name} {content} {reason:?}");
            }
            let left = usize::from(!goes) * (1 + usize::from(reason.is_some()));
            assert_eq!(folder.names().unwrap().len(), left, "{name} {content} {reason:?}");
        }
    }
}
