//! Tests of the table: what is claimed, what results make of it, and what the repository shows.

use super::cell::Mark;
use super::claims::Claims;
use super::record::Record;
use super::{PAGE, markdown, results, words};
use crate::workspace;
use packager::{Artifact, Artifacts};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Fails if: a suite, a case, an artifact or a guest that a claim names is not there, or one that is not there is not
/// noticed.
#[test]
fn claims_name_what_there_is() {
    let root = workspace::root();
    let text = fs::read_to_string(root.join(super::claims::FILE)).unwrap();
    let check = |text: &str| Claims::parse(text).and_then(|claims| words::check(&claims, root));
    check(&text).unwrap();
    for (name, other) in [
        ("DEB: installs, enables and starts the service", "DEB: installs and dances"),
        ("*_amd64.deb: ", "*_amd65.deb: "),
        ("vm-deb-debian-12", "vm-deb-debian-11"),
        ("suite = \"wine\"", "suite = \"vine\""),
        ("artifacts = [\"msi\"]", "artifacts = [\"msj\"]"),
        ("suite:models", "suite:modules"),
        ("place = \"wine\"", "place = \"vine\""),
        ("kind = \"stand-in\", shown = \"Wine\"", "kind = \"real\", shown = \"Wine\""),
    ] {
        assert!(
            text.contains(name),
            "{name:?} is not in the file any more: choose another one for this test"
        );
        assert!(check(&text.replace(name, other)).is_err(), "{other:?} was not noticed");
    }
}

/// Fails if: the page, or the table in the README, is not what the record in the repository and the claims say.
#[test]
fn what_is_shown_is_made_of_the_record() {
    let root = workspace::root();
    let (claims, record) = (Claims::load(root).unwrap(), Record::load(root).unwrap());
    let update = std::env::var_os("UPDATE_GENERATED").is_some();
    let compare = |path: &Path, expected: &str| {
        if update {
            fs::write(path, expected).unwrap();
        }
        let same = fs::read_to_string(path).unwrap() == expected;
        assert!(
            same,
            "{}: run: UPDATE_GENERATED=1 cargo test -p xtask what_is_shown_is_made_of_the_record",
            path.display()
        );
    };
    compare(&root.join("docs").join(PAGE), &markdown::page(&claims, &record).unwrap());
    let readme = root.join("README.md");
    let text = fs::read_to_string(&readme).unwrap();
    compare(&readme, &markdown::readme(&text, &claims, &record).unwrap());
}

const CLAIMS: &str = r#"
deed = [{ name = "built", means = "" }, { name = "installed", means = "" }]
suite = [{ name = "far", sources = [] }]
seed = [{ table = "t", row = "r", behind = ["pc:installed"] }, { table = "t", row = "n", behind = [] }]
place = [
    { name = "emulator", kind = "stand-in", shown = "Emulator" },
    { name = "machine", kind = "real", shown = "Machine", where = { os = "linux", architecture = "x86_64" } },
]
proof = [
    { name = "near", place = "emulator", suite = "near", cases = ["one", "*.deb: two"] },
    { name = "far", place = "itself", suite = "far", cases = ["one"] },
]
[[platform]]
name = "pc"
group = "g"
shown = "PC"
file = "DEB"
artifacts = ["deb"]
system = "machine"
[platform.cells]
installed = ["near", "far"]
"#;

const COMMIT: &str = "0123456789abcdef";

/// An artifact of that name and digest.
fn artifact(name: &str, sha256: &str) -> Artifact {
    let text = String::new;
    Artifact {
        artifact: name.to_owned(),
        format: text(),
        version: text(),
        programs: Vec::new(),
        made_from: Vec::new(),
        size: 1,
        sha256: sha256.to_owned(),
        inputs: text(),
        toolchain: text(),
        source_date_epoch: 0,
    }
}

/// The record that these results make of the claims above, with one artifact.
fn record(found: &[Value]) -> Record {
    let folder = tempfile::tempdir().unwrap();
    for (number, result) in found.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.json")), result.to_string()).unwrap();
    }
    let artifacts = Artifacts([("x.deb".to_owned(), artifact("deb", "aa"))].into());
    let outcomes = results::load(&[folder.path().to_owned()]).unwrap();
    Record::make(&Claims::parse(CLAIMS).unwrap(), &artifacts, &outcomes, None).unwrap()
}

/// A result of a suite whose cases ended so.
fn result(suite: &str, cases: &[(&str, &str)]) -> Value {
    let cases: Vec<Value> =
        cases.iter().map(|(name, outcome)| json!({ "name": name, "outcome": outcome })).collect();
    json!({
        "suite": suite, "passed": 1, "failed": 0, "not_run": 0, "cases": cases, "commit": COMMIT, "clean": true,
        "date": "2026-11-29T01:00:00Z", "artifacts": [{ "name": "x.deb", "sha256": "aa" }],
        "system": { "os": "linux", "id": "debian", "version": "12", "name": "Debian", "kernel": "6",
            "architecture": "x86_64" },
    })
}

/// A result of which something is otherwise.
fn with(mut result: Value, name: &str, value: Value) -> Value {
    result[name] = value;
    result
}

/// Fails if: a claim holds that no case, not every case, or a case of other sources, other files or another machine
/// stands behind; or a failure does not show.
#[test]
fn results_decide() {
    let near = || result("near", &[("one", "passed"), ("x.deb: two", "passed")]);
    let far = || result("far", &[("one", "passed")]);
    let arm = json!({ "os": "linux", "id": "", "version": "", "name": "", "kernel": "", "architecture": "aarch64" });
    let of = |suite: &str, one: &str, two: &str| result(suite, &[("one", one), ("x.deb: two", two)]);
    let older = |result: Value| with(with(result, "commit", "older".into()), "date", "2026-11-28".into());
    let other = json!([{ "name": "x.deb", "sha256": "bb" }]);
    let unable = with(result("near", &[]), "error", "no emulator".into());
    let broken =
        result("near", &[("one", "passed"), ("x.deb: two", "passed"), ("the suite itself", "failed")]);
    let cases: Vec<(&str, Vec<Value>, Mark)> = vec![
        ("nothing", vec![], Mark::NotTested),
        ("a stand-in", vec![near()], Mark::StandIn),
        ("the real system", vec![far()], Mark::Real),
        ("both", vec![near(), far()], Mark::Real),
        ("another machine in place of the real one", vec![with(far(), "system", arm)], Mark::NotTested),
        ("a machine that is not recorded", vec![with(far(), "system", Value::Null)], Mark::NotTested),
        ("a case that failed", vec![of("near", "passed", "failed"), far()], Mark::Failed),
        ("a suite that broke down", vec![broken], Mark::Failed),
        ("a case that did not run", vec![of("near", "not_run", "passed")], Mark::Incomplete),
        ("a case that is gone", vec![result("near", &[("one", "passed")])], Mark::Incomplete),
        ("a suite that could not begin", vec![unable], Mark::Incomplete),
        ("cases of something else", vec![result("near", &[("three", "failed")])], Mark::NotTested),
        ("an older commit", vec![older(near()), of("else", "passed", "passed")], Mark::Elsewhere),
        ("a failure of an older commit", vec![older(of("near", "failed", "passed")), far()], Mark::Real),
        ("other files", vec![with(near(), "artifacts", other)], Mark::Elsewhere),
        ("changed sources", vec![with(near(), "clean", false.into())], Mark::Elsewhere),
        ("two machines, one of which fails", vec![far(), result("far", &[("one", "failed")])], Mark::Failed),
    ];
    for (what, found, expected) in cases {
        let (claims, record) = (Claims::parse(CLAIMS).unwrap(), record(&found));
        let cell = record.cell(&claims, &claims.platforms[0], "installed").unwrap();
        assert_eq!(cell.mark, expected, "{what}");
        let page = markdown::page(&claims, &record).unwrap();
        assert_eq!(page.contains("● Machine"), expected == Mark::Real, "{what}: {page}");
        assert_eq!(page.contains("| r |  | nothing yet |"), expected == Mark::NotTested, "{what}: {page}");
        assert!(page.contains("| n |  | nothing yet |"), "{page}");
        let built = record.cell(&claims, &claims.platforms[0], "built").unwrap();
        assert_eq!(built.mark, Mark::Bench);
    }
}

/// Fails if: a record goes on counting after its claim has changed, or a machine in it is taken for one that it is not.
#[test]
fn a_record_counts_for_its_own_claim() {
    let record = record(&[
        result("near", &[("one", "passed"), ("x.deb: two", "passed")]),
        result("far", &[("one", "passed")]),
    ]);
    for (text, other, expected) in [
        ("", "", Mark::Real),
        ("suite = \"far\", cases = [\"one\"]", "suite = \"far\", cases = [\"two\"]", Mark::StandIn),
        ("architecture = \"x86_64\"", "architecture = \"aarch64\"", Mark::StandIn),
    ] {
        let claims = Claims::parse(&CLAIMS.replace(text, other)).unwrap();
        let cell = record.cell(&claims, &claims.platforms[0], "installed").unwrap();
        assert_eq!(cell.mark, expected, "{other}");
    }
}

/// Fails if: a result in a folder of another machine is not found, PowerShell's byte order mark is in the way, another
/// file is taken for a result, or a damaged one is passed over.
#[test]
fn results_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("windows")).unwrap();
    fs::write(path("near.json"), result("near", &[]).to_string()).unwrap();
    fs::write(path("summary.json"), "{ \"suites\": [] }").unwrap();
    fs::write(path("windows/far.json"), format!("\u{feff}{}", result("far", &[]))).unwrap();
    let load = || results::load(&[folder.path().to_owned()]);
    let suites: Vec<String> = load().unwrap().into_iter().map(|outcome| outcome.suite).collect();
    assert_eq!(suites, ["near", "far"]);
    fs::write(path("half.json"), "{ \"suite\":").unwrap();
    let error = load().err().expect("an error").to_string();
    assert!(error.contains("half.json"), "{error}");
    let error = results::load(&[path("nowhere")]).err().expect("an error").to_string();
    assert!(error.contains("nowhere") && error.contains("cargo xtask test"), "{error}");
}
