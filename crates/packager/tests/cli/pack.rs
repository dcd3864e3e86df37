//! `packager pack`.

use crate::program::{
    DEB, RPM, TAR, TARGET, fails, files, has_exactly, names, pack, pack_arguments, packager, succeeds,
};
use crate::sample::{EPOCH, MANIFEST, PROGRAM, ROWS, Sample};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

fn record(folder: &Path, name: &str) -> serde_json::Value {
    let list = fs::read(folder.join("artifacts.json")).expect("a list");
    serde_json::from_slice::<serde_json::Value>(&list).expect("JSON")["artifacts"][name].clone()
}

/// Fails if: a second package displaces the first from the lists, or one that is packed again is listed as
/// it was or twice.
#[test]
fn pack_adds_to_the_lists() {
    let sample = Sample::new(MANIFEST, ROWS);
    let out = sample.path("out");
    assert_eq!(pack(&sample, "deb", "out").trim(), format!("out/{DEB}"));
    has_exactly(&out, &[DEB]);
    pack(&sample, "rpm", "out");
    has_exactly(&out, &[DEB, RPM]);
    fs::write(sample.path(PROGRAM), "another program").unwrap();
    pack(&sample, "deb", "out");
    has_exactly(&out, &[DEB, RPM]);
}

/// Fails if: the program packs anything else than the library does with the same facts.
#[test]
fn pack_writes_what_the_library_writes() {
    let sample = Sample::new(MANIFEST, ROWS);
    for (row, format, name) in [("deb", "deb", DEB), ("rpm", "rpm", RPM), ("tar", "tar.gz", TAR)] {
        let library = fs::read(sample.pack(format, TARGET, EPOCH).unwrap()).unwrap();
        pack(&sample, row, "by-program");
        assert!(fs::read(sample.path("by-program").join(name)).unwrap() == library, "{name} differs");
    }
}

/// Fails if: two builds that pack into one folder at once lose an entry of each other.
#[test]
fn pack_waits_for_another() {
    let sample = Sample::new(MANIFEST, ROWS);
    let start = |format| {
        packager(&sample, &pack_arguments(format, "out")).stdout(Stdio::null()).spawn().expect("it starts")
    };
    // All are started before the first is waited for.
    for mut child in ["deb", "rpm", "tar"].map(start) {
        assert!(child.wait().unwrap().success());
    }
    has_exactly(&sample.path("out"), &[DEB, RPM, TAR]);
}

/// Fails if: what the lists say of an artifact is not what was given, or not where it should come from.
#[test]
fn pack_records_what_it_is_given() {
    let sample = Sample::new(MANIFEST, ROWS);
    let program_sha256 = packager::digest::sha256_file(&sample.path(PROGRAM)).unwrap();
    let given: &[(&[&str], &str, serde_json::Value)] = &[
        (&[], "artifact", "deb".into()),
        (&[], "format", "deb".into()),
        (&[], "made_from", serde_json::json!([])),
        (
            &[],
            "programs",
            serde_json::json!([{ "name": "sample", "target": TARGET, "sha256": program_sha256 }]),
        ),
        (&[], "toolchain", "unknown".into()),
        (&[], "source_date_epoch", EPOCH.into()),
        (&["--toolchain", "rustc 1, \"zig\" 2"], "toolchain", "rustc 1, \"zig\" 2".into()),
        (&["--inputs", "sha256-abc="], "inputs", "sha256-abc=".into()),
        (&["--epoch", "1700000000"], "source_date_epoch", 1_700_000_000.into()),
    ];
    for (arguments, key, value) in given {
        let mut all = pack_arguments("deb", "out");
        all.extend(*arguments);
        succeeds(&mut packager(&sample, &all));
        assert_eq!(record(&sample.path("out"), DEB)[key], *value, "{arguments:?}");
    }
    succeeds(packager(&sample, &pack_arguments("deb", "out")).env("SOURCE_DATE_EPOCH", "1700000001"));
    assert_eq!(record(&sample.path("out"), DEB)["source_date_epoch"], 1_700_000_001);
}

/// Fails if: the digest of the inputs depends on the folder, or not on something that the package depends on.
#[test]
fn pack_digests_what_it_looks_at() {
    type Change = fn(&Sample, &mut Vec<&'static str>);
    let inputs = |change: Change| {
        let sample = Sample::new(MANIFEST, ROWS);
        let mut arguments = pack_arguments("deb", "out");
        change(&sample, &mut arguments);
        let name = succeeds(&mut packager(&sample, &arguments)).trim().replace("out/", "");
        record(&sample.path("out"), &name)["inputs"].as_str().unwrap().to_owned()
    };
    fn edit(sample: &Sample, name: &str, text: &str) {
        let old = fs::read_to_string(sample.path(name)).expect("a file");
        fs::write(sample.path(name), old + text).expect("a file");
    }
    let base = inputs(|_, _| {});
    assert_eq!(base.len(), 64);
    let same: &[(&str, Change)] = &[
        ("another folder", |_, _| {}),
        ("a source of other formats", |sample, _| edit(sample, "LICENSE", "x")),
        ("the record of the toolchain", |_, arguments| arguments.extend(["--toolchain", "x"])),
    ];
    for (what, change) in same {
        assert_eq!(base, inputs(*change), "{what}");
    }
    let changes: &[(&str, Change)] = &[
        ("the program", |sample, _| edit(sample, PROGRAM, "x")),
        ("the manifest", |sample, _| edit(sample, "product.toml", "# x")),
        ("the changelog", |sample, _| edit(sample, "CHANGELOG.md", "- x")),
        ("a script", |sample, _| edit(sample, "script", "x")),
        ("a manual", |sample, _| edit(sample, "man/sample.1", "x")),
        ("one manual more", |sample, _| fs::write(sample.path("man/x.1"), "x").expect("a file")),
        ("the version", |_, arguments| arguments.extend(["--package-version", "3.0.0"])),
        ("the time", |_, arguments| arguments.extend(["--epoch", "1700000000"])),
        ("the target", |_, arguments| {
            arguments[1] = "deb-arm64";
            arguments[5] = "aarch64-unknown-linux-musl=program";
        }),
        ("the format", |_, arguments| arguments[1] = "rpm"),
    ];
    let mut seen = BTreeMap::from([(base, "nothing")]);
    for (what, change) in changes {
        if let Some(other) = seen.insert(inputs(*change), what) {
            panic!("{what} and {other} give the same digest");
        }
    }
}

/// Fails if: an MSI is not made anew when a file changes that only its dialogs show.
#[test]
fn pack_digests_what_dialogs_show() {
    let actions = "formats = [\"msi\"]\npath = \"actions.dll\"\nkind = \"actions\"";
    let inputs = |changed: Option<&str>| {
        let sample = Sample::new(MANIFEST, &[ROWS, &[actions]].concat());
        fs::write(sample.path("program/actions.dll"), "not really a library").expect("a file");
        if let Some(name) = changed {
            fs::write(sample.path(name), "changed").expect("a file");
        }
        let mut arguments = pack_arguments("msi", "out");
        arguments[5] = "x86_64-pc-windows-gnu=program";
        let name = succeeds(&mut packager(&sample, &arguments)).trim().replace("out/", "");
        record(&sample.path("out"), &name)["inputs"].as_str().unwrap().to_owned()
    };
    let mut seen = BTreeMap::from([(inputs(None), "nothing")]);
    for name in ["LICENSE", "banner.bmp", "dialog.bmp", "sample.ico"] {
        if let Some(other) = seen.insert(inputs(Some(name)), name) {
            panic!("{name} and {other} give the same digest");
        }
    }
}

/// Fails if: an artifact that was changed after packing is listed with its new digest or silently dropped,
/// one that was deleted stays on the lists or stops the next, or there is no way on after the error.
#[test]
fn pack_looks_at_what_is_there() {
    let sample = Sample::new(MANIFEST, ROWS);
    let out = sample.path("out");
    pack(&sample, "deb", "out");
    pack(&sample, "rpm", "out");
    for damage in ["", "changed"] {
        fs::write(out.join(DEB), damage).unwrap();
        let before = files(&out);
        fails(
            &mut packager(&sample, &pack_arguments("tar", "out")),
            &[DEB, "is not what was packed", "delete it, then pack it again"],
        );
        assert!(files(&out) == before, "a refused pack changed something: {:?}", names(&out));
    }
    fs::remove_file(out.join(DEB)).unwrap();
    let text = pack(&sample, "tar", "out");
    assert!(text.contains(&format!("{DEB} was deleted from out")), "{text}");
    has_exactly(&out, &[RPM, TAR]);

    fs::write(out.join(RPM), "changed").unwrap();
    pack(&sample, "rpm", "out");
    has_exactly(&out, &[RPM, TAR]);
}

/// Fails if: a wrong command line or an unusable folder is accepted, not named, or leaves something behind.
#[test]
fn pack_refuses_with_a_reason() {
    let sample = Sample::new(MANIFEST, ROWS);
    type Replacements<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Replacements<'_>, &[&str])] = &[
        (&[("pack", "apk")], &["apk", "deb, deb-arm64, rpm"]),
        (&[("pack", "deb-arm64")], &["takes programs for aarch64-unknown-linux-musl", "x86_64-unknown"]),
        (&[("--program", "riscv64-linux=program")], &["riscv64-linux", "Rust target triple"]),
        (&[("--program", "x86_64-unknown-linux-musl=none")], &["none is not a folder"]),
        (&[("--program", "x86_64-unknown-linux-musl=man")], &["man/sample is not a file"]),
        (&[("--program", "program")], &["TRIPLE=FOLDER"]),
        (&[("--artifacts", "none.toml")], &["none.toml", "No such file"]),
        (&[("--manifest", "none.toml")], &["none.toml", "No such file"]),
        (&[("--epoch", "yesterday")], &["yesterday", "--epoch"]),
        (&[("--epoch", "-1")], &["-1"]),
        (&[("--package-version", "1.2")], &["three fields"]),
        (&[("--out", "LICENSE")], &["LICENSE", "a place that you may write to"]),
        (&[("--out", "LICENSE/out")], &["LICENSE/out", "a place that you may write to"]),
    ];
    for (replacements, complaints) in cases {
        let mut arguments = pack_arguments("deb", "out");
        for (key, value) in *replacements {
            match arguments.iter().position(|argument| argument == key) {
                Some(at) => arguments[at + 1] = value,
                None => arguments.extend([key, value]),
            }
        }
        fails(&mut packager(&sample, &arguments), complaints);
        assert!(!sample.path("out").join(DEB).exists(), "{complaints:?}");
    }
    fails(packager(&sample, &pack_arguments("deb", "out")).env("SOURCE_DATE_EPOCH", "x"), &["--epoch"]);
    fails(&mut packager(&sample, &["--help-me"]), &["--help"]);

    let out = sample.path("out");
    fs::create_dir_all(out.join(DEB)).unwrap();
    fails(&mut packager(&sample, &pack_arguments("deb", "out")), &[DEB, "directory"]);
    assert_eq!(names(&out), [DEB]);
    fs::remove_dir(out.join(DEB)).unwrap();
    for (list, complaint) in
        [("no list", "artifacts.json is damaged"), ("{\"a\": 1}", "artifacts.json was written by an older")]
    {
        fs::write(out.join("artifacts.json"), list).unwrap();
        fails(&mut packager(&sample, &pack_arguments("deb", "out")), &[complaint]);
        assert_eq!(names(&out), ["artifacts.json"]);
    }
}

/// Whether this user is kept from writing by a folder's mode, which does not stop root.
fn is_unwritable(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(folder).expect("a folder");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).expect("its mode");
    fs::write(folder.join("probe"), "").is_err()
}

/// Fails if: a folder that may not be written to is not named, or it is not said what to do.
#[test]
fn unwritable_folders_are_named() {
    let sample = Sample::new(MANIFEST, ROWS);
    pack(&sample, "deb", "one");
    if is_unwritable(&sample.path("closed")) {
        let complaints = &["closed", DEB, "you may write to", "Permission denied"];
        fails(&mut packager(&sample, &pack_arguments("deb", "closed")), complaints);
        fails(&mut packager(&sample, &["merge", "--out", "closed", "one"]), complaints);
        assert_eq!(names(&sample.path("closed")), [""; 0]);
    }
    let complaints = &["LICENSE/out", "you may write to", "Not a directory"];
    fails(&mut packager(&sample, &["merge", "--out", "LICENSE/out", "one"]), complaints);
}
