//! Where finished files go, on real folders.

use super::*;
use crate::queue::spool;
use std::fs;

/// Fails if: what lies beside a delivered file lies beside nothing or beside another one, or is half-written; or
/// one that cannot be moved keeps the others.
#[test]
fn what_lies_beside_goes_along() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    for name in ["spool", "done", "failed"] {
        fs::create_dir(path(name)).unwrap();
    }
    let ends = Disposition::new(path("done"), path("failed"));
    let open = Folder::open(&path("spool")).unwrap();
    let notes = ["start: completed".to_owned()];
    // Name, whether it was edited, and whether its file is in the spool.
    let rows =
        [("a.json", true, true), ("gone.json", true, false), ("b.json", false, true), ("a.json", true, true)];
    let names: Vec<OsString> = (0..4).map(|row| spool::name(Uuid::from_u128(row), "x".as_ref(), 0)).collect();
    for (name, _) in names.iter().zip(rows).filter(|(_, row)| row.2) {
        fs::write(path("spool").join(name), "x").unwrap();
    }
    let endings: Vec<Ending<'_>> = (0..4)
        .map(|row| Ending {
            spool: &names[row],
            name: rows[row].0.as_ref(),
            folder: dir.path(),
            id: Uuid::from_u128(row as u128),
            sha256: [0; 32],
            edited: rows[row].1,
            notes: &notes,
            reason: None,
        })
        .collect();
    let found: Vec<Whereabouts> = ends.end(&open, &endings).into_iter().map(Result::unwrap).collect();
    let done = |name: &str| Whereabouts::Done(name.into());
    assert_eq!(found, [done("a.json"), Whereabouts::Absent, done("b.json"), done("a.1.json")]);
    let mut names = Folder::open(&path("done")).unwrap().names().unwrap();
    names.sort();
    assert_eq!(names, ["a.1.json", "a.1.json.sent.json", "a.json", "a.json.sent.json", "b.json"]);
    for (name, row) in [("a.json", 0), ("a.1.json", 3)] {
        let text = fs::read_to_string(path("done").join(format!("{name}.sent.json"))).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["id"], Uuid::from_u128(row).to_string());
    }
}

/// Fails if: something else than refused files is counted in `failed/`.
#[test]
fn what_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.json", "a.json.reason.json", "b.xml", "b.json.sent.json", ".hidden", ".pywats-1.part"] {
        fs::write(dir.path().join(name), "{}").unwrap();
    }
    assert_eq!(Census::of(&Folder::open(dir.path()).unwrap()).unwrap().files, 2);
}
