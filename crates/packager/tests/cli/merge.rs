//! `packager merge`.

use crate::program::{
    DEB, RPM, TAR, fails, files, has_exactly, names, pack, pack_arguments, packager, succeeds,
};
use crate::sample::programs::elf;
use crate::sample::{MANIFEST, PROGRAM, ROWS, Sample};
use std::fs;
use std::process::Command;

/// A sample with packages in the folders `one` (deb, rpm), `two` (tar.gz) and `three` (the rpm of `one`).
fn three_folders() -> Sample {
    let sample = Sample::new(MANIFEST, ROWS);
    for (name, out) in [("deb", "one"), ("rpm", "one"), ("tar", "two"), ("rpm", "three")] {
        pack(&sample, name, out);
    }
    sample
}

/// Fails if: the order of the folders, a second run, a merge of merges, the umask, the place or packing all
/// into one folder in the first place shows in any bit or mode.
#[test]
fn merge_depends_on_content_alone() {
    let sample = three_folders();
    let printed = succeeds(&mut packager(&sample, &["merge", "--out", "a", "one", "two", "three"]));
    assert_eq!(printed, format!("a/{RPM}\na/{TAR}\na/{DEB}\n"));
    has_exactly(&sample.path("a"), &[DEB, RPM, TAR]);
    let first = files(&sample.path("a"));
    assert!(first.values().all(|(mode, _)| *mode == 0o644), "not everyone may read everything");

    let ways: &[&[&[&str]]] = &[
        &[&["merge", "--out", "b", "three", "two", "one"]],
        &[&["merge", "--out", "a", "two", "one"]],
        &[&["merge", "--out", "one", "one", "two"], &["merge", "--out", "b", "one"]],
        &[&["merge", "--out", "c", "two", "three"], &["merge", "--out", "b", "c", "./one/", "c"]],
        &[&pack_arguments("tar", "b"), &pack_arguments("rpm", "b"), &pack_arguments("deb", "b")],
    ];
    for umask in ["022", "077", "000"] {
        for way in ways {
            let _ = fs::remove_dir_all(sample.path("b"));
            for arguments in *way {
                let script = format!("umask {umask}; exec \"$0\" \"$@\"");
                let mut shell = Command::new("sh");
                shell.args(["-c", &script, env!("CARGO_BIN_EXE_packager")]).args(*arguments);
                succeeds(shell.current_dir(sample.folder.path()).env_remove("SOURCE_DATE_EPOCH"));
            }
            let last = way[way.len() - 1];
            let out = if last.contains(&"a") { "a" } else { "b" };
            assert!(files(&sample.path(out)) == first, "{way:?} with umask {umask} differs");
        }
    }
}

/// Fails if: a merge accepts what is not what was packed, does not name it, or leaves anything behind.
#[test]
fn merge_refuses_with_a_reason() {
    type Damage = fn(&Sample);
    fn write(sample: &Sample, name: &str, text: &str) {
        fs::write(sample.path(name), text).expect("a file");
    }
    fn edit(sample: &Sample, from: &str, to: &str) {
        let text = fs::read_to_string(sample.path("two/artifacts.json")).expect("a list");
        assert!(text.contains(from), "{text}");
        write(sample, "two/artifacts.json", &text.replace(from, to));
    }
    let cases: &[(Damage, &[&str])] = &[
        (|s| write(s, "two/sample-x86_64-unknown-linux-musl.tar.gz", "x"), &[TAR, "damaged", "1 bytes"]),
        (
            |s| {
                let size = fs::metadata(s.path("two").join(TAR)).expect("an artifact").len();
                write(s, "two/sample-x86_64-unknown-linux-musl.tar.gz", &"x".repeat(size as usize));
            },
            &[TAR, "damaged", "SHA-256 is", "pack it again"],
        ),
        (|s| fs::remove_file(s.path("two").join(TAR)).expect("gone"), &[TAR, "lists", "pack it again"]),
        (
            |s| {
                fs::remove_file(s.path("two").join(TAR)).expect("gone");
                fs::create_dir(s.path("two").join(TAR)).expect("a folder");
            },
            &[TAR, "not a file"],
        ),
        (|s| fs::remove_file(s.path("two/artifacts.json")).expect("gone"), &["two has no artifacts.json"]),
        (|s| fs::remove_dir_all(s.path("two")).expect("gone"), &["two has no artifacts.json"]),
        (|s| write(s, "two/artifacts.json", "{"), &["two/artifacts.json is damaged", "EOF"]),
        (|s| edit(s, TAR, "../program"), &["two/artifacts.json", "../program", "not the name"]),
        (|s| edit(s, TAR, "SHA256SUMS"), &["two/artifacts.json", "not the name"]),
        (|s| edit(s, "\"sha256\": \"", "\"sha256\": \"0"), &[TAR, "damaged"]),
        (
            |s| {
                fs::write(s.path(PROGRAM), elf(0x3e).repeat(2)).expect("a file");
                pack(s, "rpm", "three");
            },
            &[RPM, "one", "three", "different files"],
        ),
        (
            |s| {
                let mut arguments = pack_arguments("rpm", "three");
                arguments.extend(["--toolchain", "another"]);
                succeeds(&mut packager(s, &arguments));
            },
            &[RPM, "one", "three", "the same file, but their lists say different things"],
        ),
    ];
    for (damage, complaints) in cases {
        let sample = three_folders();
        damage(&sample);
        for order in [["one", "two", "three"], ["three", "two", "one"]] {
            fails(packager(&sample, &["merge", "--out", "out"]).args(order), complaints);
            assert_eq!(names(&sample.path("out")), [""; 0], "{complaints:?}: something was left behind");
        }
    }
    let sample = three_folders();
    fails(&mut packager(&sample, &["merge", "--out", "out"]), &["FOLDER"]);
    fails(&mut packager(&sample, &["merge", "one"]), &["--out"]);
}

/// Fails if: a merge into a folder with other artifacts makes its lists forget them, or a failed one changes
/// what is there.
#[test]
fn merge_never_forgets() {
    let sample = three_folders();
    let before = files(&sample.path("one"));
    fails(
        &mut packager(&sample, &["merge", "--out", "one", "two"]),
        &["one lists", RPM, "name it among them too", "choose an empty folder"],
    );
    assert!(files(&sample.path("one")) == before);
    fs::write(sample.path("two").join(TAR), "x").unwrap();
    fails(&mut packager(&sample, &["merge", "--out", "one", "two", "one"]), &[TAR, "damaged"]);
    assert!(files(&sample.path("one")) == before);
    fs::write(sample.path(PROGRAM), elf(0x3e).repeat(2)).unwrap();
    pack(&sample, "rpm", "three");
    succeeds(&mut packager(&sample, &["merge", "--out", "three", "three"]));
    has_exactly(&sample.path("three"), &[RPM]);

    // The last name in the way, so that all others could have appeared before it.
    let sample = three_folders();
    fs::create_dir_all(sample.path("out").join(DEB)).unwrap();
    fails(&mut packager(&sample, &["merge", "--out", "out", "one", "two"]), &[DEB, "directory"]);
    assert_eq!(names(&sample.path("out")), [DEB]);
}
