//! Whole publications: what comes of them, one after another, and by two people at once.

use crate::bench::{Bench, REPOSITORY, releases};
use crate::stand_in::{Asset, At, Commit, Fault, Pull, Release, State};
use serde_json::{Value, json};
use std::fs;

/// Fails if: a publication does not end as documented, a second run changes anything, or the token goes astray.
#[test]
fn publishes_everything_once() {
    let bench = Bench::new("1.2.3");
    let said = bench.run("1.2.3", &["--dry-run"]).fine();
    assert!(said.contains("would: uploading product-1.2.3.msi (2.0 MB)"), "{said}");
    assert!(
        bench.stand_in.log().iter().all(|request| request.starts_with("GET ")),
        "{:?}",
        bench.stand_in.log()
    );
    let said = bench.run("1.2.3", &["--json", "report.json"]).fine();
    assert!(said.contains("packages: not set up"), "{said}");
    let dump = bench.dump();
    let [release] = &*releases(&dump) else { panic!("{dump:#}") };
    assert_eq!(release["tag_name"], "v1.2.3");
    assert_eq!(release["name"], "pyWATS Client 1.2.3");
    assert_eq!(release["body"], "What is new in 1.2.3.\n\n- This.\n");
    assert_eq!([&release["draft"], &release["latest"]], [false, true]);
    assert_eq!(release["assets"].as_array().unwrap().len(), 7);
    let pages = &dump[REPOSITORY]["branches"]["gh-pages"];
    assert_eq!(pages["commits"], 1);
    assert_eq!(pages["files"].as_object().unwrap().len(), 2);
    for (repository, file) in [("maker/bucket", "bucket/product.json"), ("maker/tap", "Formula/product.rb")] {
        let branch = &dump[repository]["branches"]["main"];
        assert_eq!(branch["commits"], 2, "{repository}");
        assert!(
            branch["files"][file].is_string() && branch["files"].as_object().unwrap().len() == 2,
            "{branch:#}"
        );
    }
    let pulls = dump["microsoft/winget-pkgs"]["pulls"].as_array().unwrap();
    assert_eq!(pulls.len(), 1);
    assert_eq!(pulls[0]["head"], "maker:Virinco.pyWATSClient-1.2.3");
    assert_eq!(pulls[0]["base"], "master");
    // On top of the catalogue as it is, and not of the fork as it was.
    let branch = &dump["maker/winget-pkgs"]["branches"]["Virinco.pyWATSClient-1.2.3"];
    assert_eq!(
        branch["files"]["README.md"],
        dump["microsoft/winget-pkgs"]["branches"]["master"]["files"]["README.md"]
    );

    let report: Value = serde_json::from_slice(&fs::read(bench.path("report.json")).unwrap()).unwrap();
    let results: Vec<_> =
        report["steps"].as_array().unwrap().iter().map(|step| step["result"].clone()).collect();
    assert_eq!(results, ["done", "not set up", "not set up", "done", "done", "done", "done"]);
    assert_eq!(report["tag"], "v1.2.3");

    bench.stand_in.restore();
    let said = bench.run("1.2.3", &[]).fine();
    assert_eq!(said.matches(": was done: ").count(), 5, "{said}");
    assert_eq!(bench.dump(), dump);
    // Trees change nothing that anybody sees.
    let writes = bench.stand_in.log().into_iter().filter(|request| !request.starts_with("GET "));
    let writes: Vec<_> =
        writes.filter(|request| !request.ends_with("trees") && !request.ends_with("blobs")).collect();
    assert_eq!(writes, [""; 0]);
    assert_eq!(bench.stand_in.leaks(), [""; 0]);
}

/// Fails if: of several releases another one is called the latest, a pre-release is told to those who want none, or
/// catalogues go back to an older version.
#[test]
fn publishes_one_after_another() {
    let bench = Bench::new("1.1.0");
    bench.run("1.1.0", &[]).fine();
    bench.release("1.2.0");
    bench.run("1.2.0", &[]).fine();
    bench.release("1.1.1");
    let said = bench.run("1.1.1", &[]).fine();
    assert_eq!(said.matches("not for this: a newer version is published").count(), 2, "{said}");
    bench.release("2.0.0-beta.1");
    let said = bench.run("2.0.0-beta.1", &[]).fine();
    assert_eq!(said.matches("not for this: pre-releases").count(), 3, "{said}");
    let dump = bench.dump();
    let all: Vec<_> = releases(&dump)
        .iter()
        .map(|r| {
            json!([
                r["tag_name"],
                r["draft"],
                r["prerelease"],
                r["latest"],
                r["assets"].as_array().unwrap().len()
            ])
        })
        .collect();
    let expected = [
        json!(["v1.1.0", false, false, false, 7]),
        json!(["v1.2.0", false, false, true, 7]),
        json!(["v1.1.1", false, false, false, 7]),
        json!(["v2.0.0-beta.1", false, true, false, 7]),
    ];
    assert_eq!(all, expected);
    assert_eq!(dump["maker/bucket"]["branches"]["main"]["commits"], 3);
    assert_eq!(dump["microsoft/winget-pkgs"]["pulls"].as_array().unwrap().len(), 3);
    let pages = &dump[REPOSITORY]["branches"]["gh-pages"];
    assert_eq!((&pages["commits"], pages["files"].as_object().unwrap().len()), (&json!(4), 8));
}

/// Fails if: a draft among more than a page of releases is not found, what somebody left in a draft stays, or its
/// title and notes stay as they were.
#[test]
fn makes_a_draft_as_it_has_to_be() {
    let bench = Bench::new("1.2.3");
    bench.run("1.2.3", &[]).fine();
    let expected = releases(&bench.dump()).remove(0);
    let bench = Bench::new("1.2.3");
    let draft = |state: &mut State, tag: &str, draft: bool| {
        let id = state.next();
        let facts = json!({"tag_name": tag, "draft": draft, "prerelease": false, "body": "old"});
        let release = Release { id, facts, assets: Vec::new() };
        state.repositories.get_mut(REPOSITORY).unwrap().releases.push(release);
    };
    bench.change(|state| {
        draft(state, "v1.2.3", true);
        let assets = &mut state.repositories.get_mut(REPOSITORY).unwrap().releases[0].assets;
        assets.push(Asset::whole(9001, "notes.txt".to_owned(), b"x".to_vec()));
        assets.push(Asset::whole(9002, "artifacts.json".to_owned(), b"other".to_vec()));
        assets.push(Asset { id: 9003, name: "product-1.2.3.msi".to_owned(), content: None });
        // A second, empty one of two runs at once, and more than a page of others.
        draft(state, "v1.2.3", true);
        (0..150).for_each(|n| draft(state, &format!("v0.0.{n}"), false));
    });
    let said = bench.run("1.2.3", &["github"]).fine();
    assert!(said.contains("removing notes.txt from the draft, which is not of this release"), "{said}");
    assert!(said.contains("removing artifacts.json from the draft, which is another one"), "{said}");
    assert!(said.contains("removing product-1.2.3.msi from the draft, which is not whole"), "{said}");
    assert!(said.contains("removing a second, empty draft"), "{said}");
    let all = releases(&bench.dump());
    let ours: Vec<_> = all.iter().filter(|release| release["tag_name"] == "v1.2.3").collect();
    assert_eq!(ours, [&expected]);
}

/// Fails if: two at once leave two releases, or a wrong one.
#[test]
fn bears_two_at_once() {
    let bench = Bench::new("1.2.3");
    bench.run("1.2.3", &[]).fine();
    let expected = bench.dump();
    for _ in 0..4 {
        let bench = Bench::new("1.2.3");
        let both = [(); 2].map(|()| bench.command("1.2.3", &[]).spawn().unwrap());
        let both = both.map(|run| run.wait_with_output().unwrap());
        for run in &both {
            assert!(!String::from_utf8_lossy(&run.stderr).contains("panicked"));
        }
        bench.run("1.2.3", &[]).fine();
        assert_eq!(bench.dump(), expected);
    }
}

/// Fails if: a limit of requests that is short is not waited for.
#[test]
fn waits_for_short_limits() {
    let bench = Bench::new("1.2.3");
    let wait = || vec![("Retry-After", "1".to_owned())];
    bench.stand_in.fault(At::Next("POST", "/assets"), Fault::Answer(403, wait(), "secondary rate limit"));
    bench.stand_in.fault(At::Next("POST", "/releases"), Fault::Answer(429, wait(), "too many"));
    bench.run("1.2.3", &["github"]).fine();
    assert_eq!(releases(&bench.dump()).len(), 1);
}

/// Somebody else's commit on a branch.
fn push(state: &mut State, repository: &str, path: &str) {
    let head = state.repositories[repository].refs["heads/main"].clone();
    let tree = state.objects.find_commit(&head).unwrap().tree.clone();
    let mut files = state.objects.find_tree(&tree).unwrap().clone();
    files.insert(path.to_owned(), state.objects.blob(b"theirs".to_vec()));
    let tree = state.objects.tree(files);
    let commit = Commit { message: "theirs".to_owned(), tree, parents: vec![head] };
    let commit = state.objects.commit(commit, 1);
    state.repositories.get_mut(repository).unwrap().refs.insert("heads/main".to_owned(), commit);
}

/// Fails if: what somebody else does at the same moment is lost, or keeps ours from being done.
#[test]
fn gives_way_to_others() {
    let bench = Bench::new("1.2.3");
    let meanwhile = |at, change: fn(&mut State)| bench.stand_in.fault(at, Fault::Meanwhile(Box::new(change)));
    meanwhile(At::Next("POST", "/assets"), |state| {
        let assets = &mut state.repositories.get_mut(REPOSITORY).unwrap().releases[0].assets;
        assets.push(Asset::whole(9001, "SHA256SUMS".to_owned(), b"other".to_vec()));
    });
    meanwhile(At::Next("PATCH", "maker/bucket/git/refs"), |state| {
        push(state, "maker/bucket", "bucket/theirs.json");
    });
    meanwhile(At::Next("POST", "/pulls"), |state| {
        let head = "maker:Virinco.pyWATSClient-1.2.3".to_owned();
        let (title, base) = ("theirs".to_owned(), "master".to_owned());
        let pull = Pull { number: 7, head, base, title, is_open: true, is_merged: false };
        state.repositories.get_mut("microsoft/winget-pkgs").unwrap().pulls.push(pull);
    });
    let said = bench.run("1.2.3", &[]).fine();
    assert!(said.contains("already_exists"), "{said}");
    let dump = bench.dump();
    let bucket = &dump["maker/bucket"]["branches"]["main"];
    assert_eq!((&bucket["commits"], bucket["files"].as_object().unwrap().len()), (&json!(3), 3));
    assert_eq!(dump["microsoft/winget-pkgs"]["pulls"].as_array().unwrap().len(), 1);
    // Once it was taken, and the branch removed, nothing is proposed again.
    bench.change(|state| {
        let pull = &mut state.repositories.get_mut("microsoft/winget-pkgs").unwrap().pulls[0];
        (pull.is_open, pull.is_merged) = (false, true);
        state.repositories.get_mut("maker/winget-pkgs").unwrap().refs.clear();
    });
    let before = bench.dump();
    let said = bench.run("1.2.3", &["winget"]).fine();
    assert!(said.contains("winget: was done"), "{said}");
    assert_eq!(bench.dump(), before);
}
