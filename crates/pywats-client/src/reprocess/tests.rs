//! Taking files back, on real folders.

use super::*;
use crate::archive::{self, Archive};
use crate::disposition::{Disposition, Ending, Reason, Sent, Stage};
use sha2::{Digest, Sha256};
use std::fs;
use uuid::Uuid;

fn report(id: Option<Uuid>) -> String {
    let id = id.map_or_else(String::new, |id| format!("\"id\":\"{id}\","));
    format!(
        r#"{{{id}"type":"T","pn":"P","sn":"S","rev":"1","processCode":10,"result":"P","machineName":"M","location":"L","purpose":"T","start":"2026-01-02T03:04:05+00:00","root":{{}},"uut":{{}}}}"#
    )
}

/// Fails if: a file does not come back under its name with the identifier under which it was sent, stays
/// where it was (or leaves the archive), or others come too; or a list changes something.
#[test]
fn files_come_back_under_their_identifier() {
    for from in [Origin::Done, Origin::Archive, Origin::Failed] {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["watch", "done", "failed", "spool"] {
            fs::create_dir(path(name)).unwrap();
        }
        let mut config = Config::new();
        config.client.data_dir = dir.path().to_path_buf();
        let archive = (from == Origin::Archive).then(|| Archive::new(path("archive")));
        let ends = Disposition::new(path("done"), path("failed")).with_archive(archive);
        let spool = Folder::open(&path("spool")).unwrap();
        let id = Uuid::from_u128(5);
        for (name, id) in [("a.json", id), ("b.json", Uuid::from_u128(6))] {
            let reason = reason(id, &report(None), false).to_json(name.as_ref());
            fs::write(path("spool").join(name), report(None)).unwrap();
            let ending = Ending {
                spool: name.as_ref(),
                name: name.as_ref(),
                folder: &path("watch"),
                id,
                sha256: Sha256::digest(report(None)).into(),
                edited: true,
                notes: &["Prüfling".to_owned()],
                reason: (from == Origin::Failed).then_some(reason.as_str()),
            };
            assert!(ends.end(&spool, &[ending])[0].is_ok());
        }
        let args =
            |list| ReprocessArgs { from, names: vec!["a*".to_owned()], list, ..ReprocessArgs::default() };
        let mut said = Vec::new();
        assert_eq!(reprocess(&config, &args(true), |line| said.push(line.to_owned())).unwrap().taken, 1);
        assert!(said[0].contains("a.json"), "{said:?}");
        assert_eq!(fs::read_dir(path("watch")).unwrap().count(), 0, "{from:?}");
        assert_eq!(reprocess(&config, &args(false), |_| {}).unwrap().taken, 1);
        let back = fs::read(path("watch").join("a.json")).unwrap();
        assert_eq!(wats::Report::parse(&back, &wats::Rules::default()).unwrap().id(), Some(id), "{from:?}");
        assert_eq!(fs::read_dir(path("watch")).unwrap().count(), 1, "{from:?}");
        let again = reprocess(&config, &args(true), |_| {}).unwrap().taken;
        assert_eq!(again, usize::from(from == Origin::Archive), "{from:?}");
        let since = ReprocessArgs { from, since: Some("2999-01-01".to_owned()), ..ReprocessArgs::default() };
        assert_eq!(reprocess(&config, &since, |_| {}).unwrap(), Taken::default(), "{from:?}");
    }
    let nothing = ReprocessArgs::default();
    assert!(matches!(reprocess(&Config::new(), &nothing, |_| {}), Err(ReprocessError::Nothing)));
}

/// Fails if: a delivered report is sent again under another identifier than it was, because its note is gone,
/// is not readable or belongs to another file; or what was refused gets the identifier of another file.
#[test]
fn a_note_counts_only_for_its_file() {
    let id = Uuid::from_u128(5);
    let own = Uuid::from_u128(6);
    let plain = report(None);
    let note = |content: &str| {
        let sha256 = Sha256::digest(content).into();
        Sent { id, sha256, notes: &[] }.to_json("a.json".as_ref())
    };
    let whole = note(&plain);
    let no_id = whole.replace("\"id\"", "\"no\"");
    let id_is_no_text = whole.replace(&format!("\"{id}\""), "5");
    let no_sha256 = format!("{{\"file\": \"a.json\", \"id\": \"{id}\"}}");
    let refused = |content: &str| reason(id, content, false).to_json("a.json".as_ref());
    let (of_this, of_another) = (refused(&plain), refused("another"));
    let with_id = report(Some(own));
    // from where, the file, what lies beside it, the identifier with which it comes back (if it does)
    type Case<'a> = (Origin, &'a str, Option<&'a str>, Option<Option<Uuid>>);
    let cases: [Case<'_>; 14] = [
        (Origin::Done, &plain, Some(&whole), Some(Some(id))),
        (Origin::Done, &plain, None, None),
        (Origin::Done, &plain, Some(""), None),
        (Origin::Done, &plain, Some(&whole[..40]), None),
        (Origin::Done, &plain, Some(&note("another")), None),
        (Origin::Done, &plain, Some(&no_sha256), None),
        (Origin::Done, &plain, Some(&no_id), None),
        (Origin::Done, &plain, Some(&id_is_no_text), None),
        (Origin::Done, "no report", None, None),
        (Origin::Done, &with_id, None, Some(Some(own))),
        (Origin::Done, &with_id, Some(&whole), Some(Some(own))),
        (Origin::Failed, &plain, Some(&of_this), Some(Some(id))),
        (Origin::Failed, &plain, Some(&of_another), Some(None)),
        (Origin::Failed, &with_id, Some(&of_another), Some(Some(own))),
    ];
    for (from, file, beside, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (folder, suffix) = match from {
            Origin::Failed => ("failed", REASON_SUFFIX),
            _ => ("done", SENT_SUFFIX),
        };
        for name in ["watch", folder] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let path = dir.path().join(folder).join("a.json");
        fs::write(&path, file).unwrap();
        if let Some(beside) = beside {
            fs::write(dir.path().join(folder).join(format!("a.json{suffix}")), beside).unwrap();
        }
        let mut config = Config::new();
        config.client.data_dir = dir.path().to_path_buf();
        let args = ReprocessArgs { from, all: true, ..ReprocessArgs::default() };
        let mut said = Vec::new();
        let result = reprocess(&config, &args, |line| said.push(line.to_owned()));
        let Some(expected) = expected else {
            assert!(
                matches!(result, Err(ReprocessError::Left { left: 1, taken: 0 })),
                "{beside:?} {result:?}"
            );
            assert!(path.exists() && said[0].contains("a.json"), "{said:?}");
            continue;
        };
        assert_eq!(result.unwrap(), Taken { taken: 1, older: 0 }, "{beside:?}");
        let back = fs::read(dir.path().join("watch/a.json")).unwrap();
        let back = wats::Report::parse(&back, &wats::Rules::default()).unwrap();
        assert_eq!(back.id(), expected, "{beside:?}");
        assert_eq!(fs::read_dir(dir.path().join(folder)).unwrap().count(), 0, "{beside:?}");
    }
}

fn reason(id: Uuid, content: &str, superseded: bool) -> Reason {
    Reason {
        stage: Stage::Upload,
        reason: "r".to_owned(),
        words: None,
        what_to_do: "w",
        server_status: None,
        attempts: 1,
        id: Some(id),
        sha256: Some(Sha256::digest(content).into()),
        superseded,
        incomplete: None,
    }
}

/// Fails if: an old report is taken back while a newer one with its identifier was delivered, wherever that lies,
/// or waits; or is not although somebody asks for it by its name, or although the other one is older.
#[test]
fn newer_ones_elsewhere_count() {
    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Other {
        Done,
        Archive,
        Spool,
        Superseded,
        Older,
    }
    let id = Uuid::from_u128(5);
    for (from, other, taken) in [
        (Origin::Failed, Other::Done, 0),
        (Origin::Failed, Other::Archive, 0),
        (Origin::Failed, Other::Spool, 0),
        (Origin::Failed, Other::Superseded, 0),
        (Origin::Failed, Other::Older, 1),
        (Origin::Done, Other::Archive, 0),
        (Origin::Done, Other::Spool, 0),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["watch", "spool", "done", "failed"] {
            fs::create_dir(path(name)).unwrap();
        }
        let text = report(Some(id));
        let past = "2026-01-01T00:00:00Z";
        let beside = match from {
            Origin::Failed => {
                let reason = reason(id, &text, other == Other::Superseded).to_json("a.json".as_ref());
                let mut reason: serde_json::Value = serde_json::from_str(&reason).unwrap();
                if other != Other::Older {
                    reason["time"] = past.into();
                }
                fs::write(path("failed/a.json"), &text).unwrap();
                (path("failed/a.json.reason.json"), reason.to_string())
            }
            _ => {
                fs::write(path("done/a.json"), &text).unwrap();
                let note = Sent { id, sha256: Sha256::digest(&text).into(), notes: &[] };
                let mut note: serde_json::Value =
                    serde_json::from_str(&note.to_json("a.json".as_ref())).unwrap();
                note["time"] = past.into();
                (path("done/a.json.sent.json"), note.to_string())
            }
        };
        fs::write(beside.0, beside.1).unwrap();
        let spooled = queue::spool::name(id, "b.json".as_ref(), 0);
        let other_text = format!("{text} ");
        let note = |time: &str| {
            let sha256 = Sha256::digest(&other_text).into();
            let note = Sent { id, sha256, notes: &[] }.to_json("b.json".as_ref());
            let mut note: serde_json::Value = serde_json::from_str(&note).unwrap();
            note["time"] = time.into();
            note.to_string()
        };
        match other {
            Other::Done | Other::Older => {
                fs::write(path("done/b.json"), &other_text).unwrap();
                let time = if other == Other::Done { "2026-01-02T00:00:00Z" } else { past };
                fs::write(path("done/b.json.sent.json"), note(time)).unwrap();
            }
            Other::Archive | Other::Spool => {
                fs::write(path("spool").join(&spooled), &text).unwrap();
                if other == Other::Archive {
                    let ending = Ending {
                        spool: &spooled,
                        name: "b.json".as_ref(),
                        folder: &path("watch"),
                        id,
                        sha256: Sha256::digest(&text).into(),
                        edited: false,
                        notes: &[],
                        reason: None,
                    };
                    let spool = Folder::open(&path("spool")).unwrap();
                    assert!(Archive::new(path("archive")).keep(&spool, &[ending])[0].is_ok());
                }
            }
            Other::Superseded => {}
        }
        let mut config = Config::new();
        config.client.data_dir = dir.path().to_path_buf();
        let all = ReprocessArgs { from, all: true, ..ReprocessArgs::default() };
        let mut said = Vec::new();
        let result = reprocess(&config, &all, |line| said.push(line.to_owned())).unwrap();
        assert_eq!(result, Taken { taken, older: 1 - taken }, "{from:?} {other:?} {said:?}");
        assert!(said[0].contains("a.json"), "{said:?}");
        if taken == 0 {
            let named = ReprocessArgs { from, names: vec!["a.json".to_owned()], ..ReprocessArgs::default() };
            assert_eq!(reprocess(&config, &named, |_| {}).unwrap().taken, 1, "{from:?} {other:?}");
        }
        assert!(path("watch/a.json").exists());
    }
}

/// Fails if: a name steers the terminal, or its line is not one line.
#[test]
fn names_are_shown_as_text() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["watch", "done"] {
        fs::create_dir(dir.path().join(name)).unwrap();
    }
    let text = report(Some(Uuid::from_u128(5)));
    let name = if cfg!(windows) { "a\u{202e}b.json" } else { "a\u{1b}[31m\n\u{202e}b.json" };
    fs::write(dir.path().join("done").join(name), text).unwrap();
    let mut config = Config::new();
    config.client.data_dir = dir.path().to_path_buf();
    for list in [true, false] {
        let args = ReprocessArgs { all: true, list, ..ReprocessArgs::default() };
        let said = |line: &str| {
            assert!(
                line.contains("\\u{202e}b.json") && !line.contains(['\n', '\u{1b}', '\u{202e}']),
                "{line}"
            );
        };
        assert_eq!(reprocess(&config, &args, said).unwrap().taken, 1);
    }
}

/// Fails if: a folder that is not there is not named, or nothing is said about what to do.
#[test]
fn a_missing_folder_is_named() {
    for from in [Origin::Done, Origin::Failed, Origin::Archive] {
        let dir = tempfile::tempdir().unwrap();
        let mut config = Config::new();
        config.client.data_dir = dir.path().to_path_buf();
        let args = ReprocessArgs { from, all: true, ..ReprocessArgs::default() };
        let error = reprocess(&config, &args, |_| {}).unwrap_err().to_string();
        assert!(error.contains(dir.path().to_str().unwrap()) && error.contains("check client."), "{error}");
    }
}

/// Fails if: a foreign or broken file in the archive keeps the others, or is not named.
#[test]
fn a_foreign_file_in_the_archive_keeps_no_other() {
    // what stands in place of the first file, whether it counts as left
    for (what, fails) in [("foreign", false), ("empty", false), ("broken", true)] {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in ["watch", "spool"] {
            fs::create_dir(path(name)).unwrap();
        }
        let spool = Folder::open(&path("spool")).unwrap();
        let archive = Archive::new(path("archive"));
        for (number, name) in ["a.json", "b.json"].into_iter().enumerate() {
            fs::write(path("spool").join(name), report(None)).unwrap();
            let ending = Ending {
                spool: name.as_ref(),
                name: name.as_ref(),
                folder: &path("watch"),
                id: Uuid::from_u128(number as u128),
                sha256: Sha256::digest(report(None)).into(),
                edited: false,
                notes: &[],
                reason: None,
            };
            assert!(archive.keep(&spool, &[ending])[0].is_ok());
        }
        let day = archive::days(&Folder::open(&path("archive")).unwrap()).unwrap().remove(0);
        let day = path("archive").join(day);
        let mut names = Folder::open(&day).unwrap().names().unwrap();
        names.sort();
        let mut bytes = fs::read(day.join(&names[0])).unwrap();
        match what {
            "foreign" => bytes = b"x".to_vec(),
            "empty" => bytes.clear(),
            _ => bytes.truncate(bytes.len() - 12),
        }
        fs::write(day.join(&names[0]), bytes).unwrap();
        let mut config = Config::new();
        config.client.data_dir = dir.path().to_path_buf();
        let args = ReprocessArgs { from: Origin::Archive, all: true, ..ReprocessArgs::default() };
        let mut said = Vec::new();
        let result = reprocess(&config, &args, |line| said.push(line.to_owned()));
        assert_eq!(result.is_err(), fails, "{what}: {result:?}");
        assert!(path("watch").join("b.json").exists() && !path("watch").join("a.json").exists());
        let named = names[0].to_string_lossy().into_owned();
        assert!(said.iter().any(|line| line.contains(&named)), "{what}: {said:?}");
    }
}

/// Fails if: a file that got a number in the folder for refused or delivered files comes back with it although its own
/// name is free, overwrites another file, or gets a name that leads elsewhere or that nobody takes.
#[test]
fn files_come_back_under_the_name_they_were_dropped_with() {
    // what lies beside it says, what lies in the watch folder, the name it gets there
    for (file, there, expected) in [
        ("grow.json", None, "grow.json"),
        ("grow.json", Some("grow.json"), "grow.1.json"),
        ("../grow.json", None, "grow.1.1.json"),
        ("/grow.json", None, "grow.1.1.json"),
        ("", None, "grow.1.1.json"),
        ("grow.txt", None, "grow.1.1.json"),
        ("gr\u{fffd}w.json", None, "grow.1.1.json"),
    ] {
        for from in [Origin::Done, Origin::Failed] {
            let dir = tempfile::tempdir().unwrap();
            let (id, content) = (Uuid::from_u128(5), report(None));
            let (folder, suffix, beside) = match from {
                Origin::Failed => {
                    ("failed", REASON_SUFFIX, reason(id, &content, false).to_json(file.as_ref()))
                }
                _ => {
                    let note = Sent { id, sha256: Sha256::digest(&content).into(), notes: &[] };
                    ("done", SENT_SUFFIX, note.to_json(file.as_ref()))
                }
            };
            let watch = dir.path().join("watch");
            for path in [&watch, &dir.path().join(folder)] {
                fs::create_dir(path).unwrap();
            }
            fs::write(dir.path().join(folder).join("grow.1.1.json"), &content).unwrap();
            fs::write(dir.path().join(folder).join(format!("grow.1.1.json{suffix}")), beside).unwrap();
            if let Some(there) = there {
                fs::write(watch.join(there), "another").unwrap();
            }
            let mut config = Config::new();
            config.client.data_dir = dir.path().to_path_buf();
            let args =
                ReprocessArgs { from, names: vec!["grow.1.1.json".to_owned()], ..ReprocessArgs::default() };
            assert_eq!(reprocess(&config, &args, |_| {}).unwrap().taken, 1, "{from:?} {file:?}");
            let mut names: Vec<_> =
                fs::read_dir(&watch).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            names.retain(|name| there.is_none_or(|there| name != there));
            assert_eq!(names, [expected], "{from:?} {file:?}");
            assert!(there.is_none_or(|there| fs::read_to_string(watch.join(there)).unwrap() == "another"));
        }
    }
}
