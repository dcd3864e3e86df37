//! What is refused, each by a sentence that says what to do, and without a change that anybody sees.

use crate::bench::{Bench, COMMIT, REPOSITORY};
use crate::stand_in::{Asset, At, Fault, Release, State};
use serde_json::json;
use std::fs;

const VERSION: &str = "1.2.3";

type Change = fn(&Bench);

fn publish(bench: &Bench) {
    bench.run(VERSION, &["github"]).fine();
}

/// Somebody else's draft, which was there just before ours.
fn earlier_draft(state: &mut State) {
    let facts = json!({"tag_name": "v1.2.3", "draft": true, "prerelease": false});
    let releases = &mut state.repositories.get_mut(REPOSITORY).unwrap().releases;
    releases.insert(0, Release { id: 0, facts, assets: Vec::new() });
}

fn only_release(state: &mut State) -> &mut Release {
    &mut state.repositories.get_mut(REPOSITORY).unwrap().releases[0]
}

fn foreign_file(state: &mut State) {
    only_release(state).assets.push(Asset::whole(9001, "foreign".to_owned(), b"x".to_vec()));
}

/// What GitHub delivers is not what it has.
fn damage(state: &mut State) {
    let contents = only_release(state).assets.iter_mut().filter_map(|asset| asset.content.as_mut());
    contents.for_each(|(content, _)| content.push(0));
}

fn answer(bench: &Bench, at: At, status: u16, header: Option<(&'static str, &str)>, message: &'static str) {
    let headers = header.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    bench.stand_in.fault(at, Fault::Answer(status, headers, message));
}

/// What is done before, with which arguments it is run, and what it has to say.
const CASES: &[(&str, Change, &[&str], &str)] = &[
    ("not sealed", |b| fs::remove_file(b.file(VERSION, "SHA256SUMS")).unwrap(), &[], "seal it first"),
    (
        "a file changed after sealing",
        |b| fs::write(b.file(VERSION, "artifacts.json"), "x").unwrap(),
        &[],
        "bring back the file that was sealed",
    ),
    (
        "a file that is not sealed",
        |b| fs::write(b.file(VERSION, "more"), "x").unwrap(),
        &[],
        "is not in SHA256SUMS",
    ),
    (
        "no signature",
        |b| fs::remove_file(b.file(VERSION, "SHA256SUMS.sig")).unwrap(),
        &[],
        "seal the release again",
    ),
    ("no notes", |b| fs::remove_file(b.path(VERSION).join("notes.md")).unwrap(), &[], "write them first"),
    (
        "a bad token",
        |b| fs::write(b.path("token"), "nonsense").unwrap(),
        &[],
        "make a new one and put it there",
    ),
    ("no token", |b| fs::remove_file(b.path("token")).unwrap(), &[], "a token for GitHub is needed"),
    ("a token in two lines", |b| fs::write(b.path("token"), "a\nb").unwrap(), &[], "is to have one line"),
    (
        "a token that may not write",
        |b| answer(b, At::Next("POST", "/releases"), 403, None, "Resource not accessible"),
        &[],
        "give the token the permission",
    ),
    (
        "a server that repeats what it was sent",
        |b| answer(b, At::Next("GET", "/git/ref"), 403, None, "authorization: Bearer token-4711 \u{1b}[31m!"),
        &[],
        "authorization: Bearer *** [31m!: ",
    ),
    (
        "no tag",
        |b| b.change(|s| drop(s.repositories.get_mut(REPOSITORY).unwrap().refs.remove("tags/v1.2.3"))),
        &[],
        "push it by `git push origin v1.2.3`",
    ),
    (
        "the tag on another commit",
        |b| b.change(|s| s.tag(REPOSITORY, "v1.2.3", &COMMIT.replace('0', "f"), true)),
        &[],
        "build the release from the tag",
    ),
    (
        "a lightweight tag on another commit",
        |b| b.change(|s| s.tag(REPOSITORY, "v1.2.3", &COMMIT.replace('0', "f"), false)),
        &[],
        "a tag that others may have seen is never moved",
    ),
    ("no repository", |b| b.change(|s| drop(s.repositories.remove(REPOSITORY))), &[], "check the name"),
    (
        "a repository that moved",
        |b| answer(b, At::Nth(1), 301, Some(("Location", "http://127.0.0.1:1/")), "Moved Permanently"),
        &[],
        "name the repository as it is called now",
    ),
    ("no network", |_| (), &["--api", "http://127.0.0.1:1"], "check the network and run this again"),
    ("plain http", |_| (), &["--api", "http://github.example"], "is to begin with https://"),
    ("a clock that is wrong", |b| b.stand_in.set_clock(-86_400), &[], "set the clock"),
    (
        "a long limit of requests",
        |b| answer(b, At::Nth(3), 403, Some(("Retry-After", "3000")), "rate limit"),
        &[],
        "lasts another 50 minutes: run this again then",
    ),
    (
        "two at once",
        |b| b.stand_in.fault(At::Next("POST", "/releases"), Fault::Meanwhile(Box::new(earlier_draft))),
        &[],
        "wait until that run has ended",
    ),
    (
        "two drafts with files",
        |b| {
            b.change(|s| {
                earlier_draft(s);
                earlier_draft(s);
                let releases = &mut s.repositories.get_mut(REPOSITORY).unwrap().releases;
                releases[1].id = 1;
                releases[1].assets.push(Asset { id: 9, name: "x".to_owned(), content: None });
            });
        },
        &[],
        "look which one is right",
    ),
    (
        "somebody else in the same draft",
        |b| b.stand_in.fault(At::Next("POST", "/assets"), Fault::Meanwhile(Box::new(foreign_file))),
        &[],
        "somebody else works on it at the same time",
    ),
    (
        "a download that is not what was uploaded",
        |b| b.stand_in.fault(At::Next("GET", "/asset/"), Fault::Meanwhile(Box::new(damage))),
        &[],
        "delete it in the draft v1.2.3 and run this again",
    ),
    (
        "a page for everything",
        |b| answer(b, At::Nth(1), 200, None, "Welcome to the hotel"),
        &[],
        "the page by which a network wants one to log in",
    ),
    (
        "a download that is nowhere",
        |b| answer(b, At::Next("GET", "/releases/assets/"), 302, None, "Found"),
        &[],
        "does not say where",
    ),
    (
        "a token that may not see a repository",
        |b| {
            publish(b);
            answer(b, At::Next("POST", "/git/trees"), 404, None, "Not Found");
        },
        &["scoop"],
        "or the token may not do this",
    ),
    ("no such repository", |_| (), &["--repository", "nonsense"], "names no repository"),
    (
        "a file changed after publishing",
        |b| {
            publish(b);
            fs::write(b.file(VERSION, "artifacts.json"), "[]").unwrap();
            let sums = fs::read_to_string(b.file(VERSION, "SHA256SUMS")).unwrap();
            let changed = sums.replace(&packager::digest::sha256(b"{}"), &packager::digest::sha256(b"[]"));
            fs::write(b.file(VERSION, "SHA256SUMS"), changed).unwrap();
        },
        &[],
        "release what was changed as a new version",
    ),
    (
        "a file gone after publishing",
        |b| {
            publish(b);
            b.change(|s| drop(only_release(s).assets.remove(0)));
        },
        &[],
        "what was published never changes",
    ),
    ("a step before the release", |_| (), &["scoop"], "publish it there first"),
    (
        "a step that is not set up",
        |b| {
            publish(b);
            fs::write(b.path("release.toml"), "token = { file = 'token' }").unwrap();
        },
        &["homebrew"],
        "homebrew is not set up",
    ),
    (
        "an unknown setting",
        |b| fs::write(b.path("release.toml"), "tokn = 'hush'").unwrap(),
        &[],
        "unknown field `tokn`",
    ),
    (
        "an empty repository",
        |b| {
            publish(b);
            b.change(|s| s.repositories.get_mut("maker/tap").unwrap().refs.clear());
        },
        &["homebrew"],
        "make a first commit there",
    ),
    (
        "nothing to tell",
        |b| {
            publish(b);
            fs::remove_dir_all(b.path(VERSION).join("work/scoop")).unwrap();
        },
        &["scoop"],
        "make them first",
    ),
    (
        "a request that was turned down",
        |b| {
            b.run(VERSION, &["github", "winget"]).fine();
            b.change(|s| s.repositories.get_mut("microsoft/winget-pkgs").unwrap().pulls[0].is_open = false);
        },
        &["winget"],
        "read there why",
    ),
    ("a short commit", |_| (), &["--commit", "abc"], "40 hexadecimal digits"),
];

/// After these there is a draft.
const MAY_CHANGE: &[&str] = &[
    "two at once",
    "somebody else in the same draft",
    "a download that is not what was uploaded",
    "a download that is nowhere",
];

/// Fails if: something wrong is not refused, the sentence does not say what to do, or something changes.
#[test]
fn refuses_what_is_wrong() {
    for (what, change, arguments, message) in CASES {
        let bench = Bench::new(VERSION);
        change(&bench);
        let before = bench.dump();
        let said = bench.run(VERSION, arguments).error();
        assert!(said.contains(message), "{what}: {said}");
        assert!(!said.contains("hush") && !said.contains('\u{1b}'), "{what}: {said}");
        // But for drafts, and what somebody else did meanwhile.
        if !MAY_CHANGE.contains(what) {
            assert_eq!(bench.dump(), before, "{what}");
        }
    }
}
