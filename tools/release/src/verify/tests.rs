//! Sealed releases, and what strangers may find instead.

use super::*;
use crate::fetch::tests::serve;
use crate::openpgp::{Kind, tests::write_key};
use crate::seal::tests::{Place, RPM};
use crate::signatures::now;
use packager::artifacts::LIST;
use std::path::Path;

fn verify(place: &str) -> Verify {
    Verify {
        place: place.to_owned(),
        key: None,
        fingerprint: None,
        allowed_signers: None,
        into: None,
        json: false,
    }
}

fn judge(place: &Place) -> Verdict {
    verify(place.path("release/files").to_str().unwrap()).judge().unwrap()
}

/// What is wrong with a folder, a line each.
fn wrong(verdict: &Verdict) -> Vec<String> {
    assert_eq!(verdict.ok, verdict.report.wrong() == 0);
    let wrong = verdict.report.checks.iter().filter(|check| check.outcome == Outcome::Wrong);
    wrong.map(|check| format!("{}: {}", check.what, check.said)).collect()
}

fn not_checked(verdict: &Verdict, what: &str) -> bool {
    verdict
        .report
        .checks
        .iter()
        .any(|check| check.outcome == Outcome::NotChecked && check.what.contains(what))
}

/// Vouches for the files as they are now, as their publisher would.
fn seal_again(place: &Place) {
    let folder = place.path("release/files");
    let text = sums::Sums::of_folder(&folder, &[]).unwrap().text();
    sign_list(place, &text, now().unwrap());
}

fn sign_list(place: &Place, text: &str, time: u32) {
    let signature = place.key().sign(Kind::Detached, text.as_bytes(), time).unwrap();
    fs::write(place.file(SUMS), text).unwrap();
    fs::write(place.file(sums::OPENPGP), signature.armored().unwrap()).unwrap();
}

/// Fails if: a release is refused as it was sealed, or it is not said what was not checked.
#[test]
fn believes_what_was_sealed() {
    let place = Place::sealed();
    let verdict = judge(&place);
    assert_eq!(wrong(&verdict), Vec::<String>::new());
    for what in ["pywats-client.asc", "SHA256SUMS.sig", "the same bits from the sources"] {
        assert!(not_checked(&verdict, what), "{what}: {}", verdict.report.table());
    }
    let right = verdict.report.checks.iter().filter(|check| check.outcome == Outcome::Right);
    let right: Vec<_> = right.map(|check| check.what.as_str()).collect();
    for what in [RPM, LIST, "SHA256SUMS.asc", "x-t.cdx.json", "x-t.spdx.json", "9 files"] {
        assert!(right.contains(&what), "{what} is not among {right:?}");
    }
    for end in [".intoto.jsonl", "-signatures.tar.gz"] {
        assert!(right.iter().any(|what| what.ends_with(end)), "{end} is not among {right:?}");
    }
    // With the key from elsewhere, nothing about it is left open.
    let fingerprint = place.key().public().unwrap().fingerprint();
    let folder = place.path("release/files");
    let mut pinned = verify(folder.to_str().unwrap());
    pinned.fingerprint = Some(format!("0x{} {}", &fingerprint[..20], fingerprint[20..].to_lowercase()));
    pinned.key = Some(place.ending(".asc"));
    let verdict = pinned.judge().unwrap();
    assert!(verdict.ok && !not_checked(&verdict, "pywats-client.asc"), "{}", verdict.report.table());
    write_key(&place.path("key.asc"));
    pinned.key = None;
    pinned.fingerprint = Some(place.key().public().unwrap().fingerprint());
    let verdict = pinned.judge().unwrap();
    assert!(wrong(&verdict)[0].contains("and not the one that you gave"), "{:?}", wrong(&verdict));
    pinned.fingerprint = Some(fingerprint[24..].to_owned());
    assert!(pinned.judge().is_err());
}

/// Fails if: any file can be changed, cut off, emptied, removed or renamed, or one added, and nobody names it.
#[test]
fn refuses_whatever_was_changed() {
    type Spoil = fn(&Path);
    let changes: &[(&str, Spoil)] = &[
        ("changed", |path| {
            let mut content = fs::read(path).unwrap();
            let middle = content.len() / 2;
            content[middle] ^= 1;
            fs::write(path, content).unwrap();
        }),
        ("cut off", |path| {
            let content = fs::read(path).unwrap();
            fs::write(path, &content[..content.len() - 1]).unwrap();
        }),
        ("emptied", |path| fs::write(path, "").unwrap()),
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("renamed", |path| fs::rename(path, path.with_file_name("renamed")).unwrap()),
        ("linked", |path| {
            let to = path.parent().unwrap().parent().unwrap().join("elsewhere");
            fs::rename(path, &to).unwrap();
            std::os::unix::fs::symlink(&to, path).unwrap();
        }),
    ];
    let place = Place::sealed();
    let names = sums::files(&place.path("release/files")).unwrap();
    assert_eq!(names.len(), 11, "{names:?}");
    for name in &names {
        let path = place.file(name);
        let before = fs::read(&path).unwrap();
        for (change, spoil) in changes {
            // The armor of a signature has an end that says nothing.
            if name == sums::OPENPGP && *change == "cut off" {
                continue;
            }
            spoil(&path);
            let wrong = wrong(&judge(&place));
            assert!(wrong.iter().any(|line| line.starts_with(name.as_str())), "{name} {change}: {wrong:?}");
            assert!(
                wrong.iter().all(|line| line.contains("get it")
                    || line.contains("give")
                    || line.contains("move")
                    || line.contains("do not")
                    || line.contains("again")
                    || line.contains("look")),
                "{wrong:?}"
            );
            let _ = fs::remove_file(place.file("renamed"));
            let _ = fs::remove_file(&path);
            fs::write(&path, &before).unwrap();
        }
    }
    fs::write(place.file("added"), "").unwrap();
    assert!(wrong(&judge(&place))[0].starts_with("added: it is not in SHA256SUMS"));
    fs::remove_file(place.file("added")).unwrap();
    fs::create_dir(place.file("folder")).unwrap();
    assert!(wrong(&judge(&place))[0].contains("folder is no plain file"));
    fs::remove_dir(place.file("folder")).unwrap();
    assert!(judge(&place).ok);
}

/// Fails if: a list that is signed is believed although its signature, the names in it, or what the files say of each
/// other is wrong.
#[test]
fn refuses_what_cannot_be_right() {
    type Spoil = fn(&Place);
    let cases: &[(&str, Spoil, &[&str])] = &[
        (
            "signed by another key",
            |place| {
                write_key(&place.path("key.asc"));
                seal_again(place);
            },
            &["SHA256SUMS.asc", "another key"],
        ),
        (
            "signed in the future",
            |place| {
                let text = fs::read_to_string(place.file(SUMS)).unwrap();
                sign_list(place, &text, now().unwrap() + 86_400);
            },
            &["SHA256SUMS.asc", "in the future", "set this machine's clock"],
        ),
        (
            "signed before the key was made",
            |place| {
                let text = fs::read_to_string(place.file(SUMS)).unwrap();
                sign_list(place, &text, 1_600_000_000);
            },
            &["SHA256SUMS.asc", "before the key"],
        ),
        (
            "a path in the list",
            |place| {
                let text = fs::read_to_string(place.file(SUMS)).unwrap();
                sign_list(place, &text.replace("x.tar.gz", "../x.tar.gz"), now().unwrap());
            },
            &["SHA256SUMS", "line", "../x.tar.gz"],
        ),
        (
            "no key",
            |place| {
                fs::remove_file(place.ending(".asc")).unwrap();
                seal_again(place);
            },
            &["the key", "give it by --key"],
        ),
        (
            "an unsigned package",
            |place| {
                crate::rpm_header::tests::write_package(&place.file(RPM), "1.0", "a");
                seal_again(place);
            },
            &[RPM, "has no signature"],
        ),
        (
            "a package that is not of the unsigned one",
            |place| {
                let text = fs::read_to_string(place.file(LIST)).unwrap();
                let at = text.find("made_from").unwrap();
                let at = at + text[at..].find("\"sha256\": \"").unwrap() + 12;
                fs::write(place.file(LIST), format!("{}f{}", &text[..at], &text[at + 1..])).unwrap();
                seal_again(place);
            },
            &[RPM, "not the unsigned package that artifacts.json names"],
        ),
        (
            "a list of artifacts that says something else",
            |place| {
                fs::write(place.file("x.tar.gz"), "another archive").unwrap();
                seal_again(place);
            },
            &[LIST, "x.tar.gz"],
        ),
        (
            "a statement about something else",
            |place| {
                let statement = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"x.tar.gz\",\"digest\":{\"sha256\":\"00\"}}]}";
                fs::write(place.path("release/provenance.json"), statement).unwrap();
                place.seal(false).unwrap();
            },
            &["intoto.jsonl", "it says of x.tar.gz that its SHA-256 is 00"],
        ),
        (
            "a statement about another version",
            |place| {
                let path = place.path("release/provenance.json");
                let statement = fs::read_to_string(&path).unwrap();
                fs::write(path, statement.replace("refs/tags/v", "refs/tags/v0.9.0")).unwrap();
                place.seal(false).unwrap();
            },
            &["intoto.jsonl", "made of \"refs/tags/v0.9.0\""],
        ),
        (
            "a bill about another program",
            |place| {
                let text = fs::read_to_string(place.file("x-t.cdx.json")).unwrap();
                fs::write(place.file("x-t.cdx.json"), text.replace("0f0e", "0e0f")).unwrap();
                place.seal(false).unwrap();
            },
            &["x-t.cdx.json", "neither a file nor a program of artifacts.json has this SHA-256"],
        ),
        (
            "a bill about nothing",
            |place| {
                fs::write(place.file("x-t.spdx.json"), "{\"spdxVersion\":\"SPDX-2.3\"}").unwrap();
                place.seal(false).unwrap();
            },
            &["x-t.spdx.json", "does not say"],
        ),
        (
            "signatures that are missing",
            |place| {
                fs::rename(place.path("release/signatures/openpgp"), place.path("release/signatures/other"))
                    .unwrap();
                fs::remove_file(place.path("release/signatures/other/key.asc")).unwrap();
                for entry in fs::read_dir(place.path("release/signatures/other")).unwrap() {
                    fs::write(entry.unwrap().path(), "{}").unwrap();
                }
                place.seal(false).unwrap();
            },
            &["-signatures.tar.gz", "does not have the signature of x-1.0"],
        ),
    ];
    for (name, spoil, words) in cases {
        let place = Place::sealed();
        spoil(&place);
        let verdict = judge(&place);
        let wrong = wrong(&verdict).join("\n");
        assert!(words.iter().all(|word| wrong.contains(word)), "{name}: {wrong}\n{}", verdict.report.table());
    }
}

/// Fails if: a release on a server is refused, another one is downloaded, or files stay that nobody wants.
#[test]
fn downloads_what_somebody_vouches_for() {
    let place = Place::sealed();
    let url = serve(place.path("release/files"), 1);
    assert!(verify(&url).judge().unwrap().ok);
    let into = place.path("into");
    let mut keeping = verify(&url);
    keeping.into = Some(into.clone());
    assert!(keeping.judge().unwrap().ok);
    assert_eq!(sums::files(&into).unwrap(), sums::files(&place.path("release/files")).unwrap());
    // Nothing but list and keys is fetched of what nobody vouches for.
    let text = fs::read_to_string(place.file(SUMS)).unwrap();
    fs::write(place.file(SUMS), text.replace("install.html", "install.htm")).unwrap();
    fs::rename(place.file("install.html"), place.file("install.htm")).unwrap();
    keeping.into = Some(place.path("less"));
    let verdict = keeping.judge().unwrap();
    assert!(wrong(&verdict)[0].starts_with("SHA256SUMS.asc: it does not vouch"), "{:?}", wrong(&verdict));
    assert!(not_checked(&verdict, "all other files"));
    assert_eq!(
        sums::files(&place.path("less")).unwrap(),
        ["SHA256SUMS", "SHA256SUMS.asc", "pywats-client.asc"]
    );
    // A file that the server does not have, and one that is too large to be what it should be.
    seal_again(&place);
    fs::remove_file(place.file("install.htm")).unwrap();
    assert!(wrong(&verify(&url).judge().unwrap())[0].starts_with("install.htm: it is missing"));
    fs::write(place.file(sums::OPENPGP), vec![b'x'; 2 << 20]).unwrap();
    assert!(wrong(&verify(&url).judge().unwrap())[0].contains("more than 1048576 bytes"));
}
