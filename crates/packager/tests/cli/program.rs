//! The program, a way to start it, and a way to look at what it wrote.

use crate::sample::Sample;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub(crate) const DEB: &str = "sample_0.2.0~rc1_amd64.deb";
pub(crate) const RPM: &str = "sample-0.2.0~rc1-1.x86_64.rpm";
pub(crate) const TAR: &str = "sample-x86_64-unknown-linux-musl.tar.gz";
pub(crate) const TARGET: &str = "x86_64-unknown-linux-musl";
/// What was compiled for [`TARGET`], as an argument.
pub(crate) const PROGRAMS: &str = "x86_64-unknown-linux-musl=program";
const LISTS: [&str; 2] = ["SHA256SUMS", "artifacts.json"];

/// A way to start the program: in the sample's folder, with an environment that says nothing.
pub(crate) fn packager(sample: &Sample, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packager"));
    command.args(arguments).current_dir(sample.folder.path()).env_remove("SOURCE_DATE_EPOCH");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Runs the program, which has to succeed, and returns what it said.
pub(crate) fn succeeds(command: &mut Command) -> String {
    let output = command.output().expect("packager starts");
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    said(&output)
}

/// Runs the program, which has to fail without a panic and to say all of `complaints`.
pub(crate) fn fails(command: &mut Command, complaints: &[&str]) {
    let output = command.output().expect("packager starts");
    let text = said(&output);
    assert!(matches!(output.status.code(), Some(1 | 2)), "{command:?} ended with {}: {text}", output.status);
    for complaint in complaints {
        assert!(text.contains(complaint), "{command:?} does not say {complaint:?}: {text}");
    }
}

pub(crate) fn pack_arguments<'a>(name: &'a str, out: &'a str) -> Vec<&'a str> {
    ["pack", name, "--manifest", "product.toml", "--program", PROGRAMS, "--out", out].into()
}

pub(crate) fn pack(sample: &Sample, name: &str, out: &str) -> String {
    succeeds(&mut packager(sample, &pack_arguments(name, out)))
}

/// Every file of a folder, hidden ones included, with mode and content.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(entries) = fs::read_dir(folder) else { return BTreeMap::new() };
    let file = |entry: fs::DirEntry| {
        let mode = entry.metadata().expect("metadata").permissions().mode() & 0o7777;
        let content = fs::read(entry.path()).unwrap_or_default();
        (entry.file_name().to_string_lossy().into_owned(), (mode, content))
    };
    entries.map(|entry| file(entry.expect("an entry"))).collect()
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    files(folder).into_keys().collect()
}

/// Fails unless the folder has exactly these artifacts, and both lists name each with its digest.
pub(crate) fn has_exactly(folder: &Path, artifacts: &[&str]) {
    let mut expected = artifacts.to_vec();
    expected.extend(LISTS);
    expected.sort_unstable();
    assert_eq!(names(folder), expected);
    let list: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("artifacts.json")).expect("a list")).expect("JSON");
    assert_eq!(list["schema"], 2);
    let list = &list["artifacts"];
    let mut sums = String::new();
    let mut sorted = artifacts.to_vec();
    sorted.sort_unstable();
    assert_eq!(list.as_object().expect("an object").len(), artifacts.len());
    for name in sorted {
        let sha256 = packager::digest::sha256_file(&folder.join(name)).expect("an artifact");
        assert_eq!(list[name]["sha256"], sha256.as_str());
        assert_eq!(list[name]["size"], fs::metadata(folder.join(name)).expect("an artifact").len());
        sums += &format!("{sha256}  {name}\n");
    }
    assert_eq!(fs::read_to_string(folder.join("SHA256SUMS")).expect("sums"), sums);
}
