//! What is inside the packages, read back member by member.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod sample;

use packager::Recipe;
use sample::{EPOCH, MANIFEST, ROWS, Sample};
use std::fs::File;
use std::io::Read;

/// The members of a tar archive: name, mode, size, link target; owner and time are checked here.
fn members(tar: impl Read) -> Vec<(String, u32, u64, String)> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().unwrap().map(|entry| {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), u64::from(EPOCH));
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
        assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some("root"), Some("root")));
        let link = entry.link_name_bytes().map(|link| String::from_utf8_lossy(&link).into_owned());
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        (name, header.mode().unwrap(), header.size().unwrap(), link.unwrap_or_default())
    });
    entries.collect()
}

/// The bytes of a member of a Debian package.
fn deb_member(sample: &Sample, name: &str) -> Vec<u8> {
    let path = sample.pack("deb", "x86_64-linux", EPOCH).unwrap();
    let mut archive = ar::Archive::new(File::open(path).unwrap());
    while let Some(entry) = archive.next_entry() {
        let mut entry = entry.unwrap();
        if entry.header().identifier() == name.as_bytes() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            return bytes;
        }
    }
    panic!("no member {name}");
}

/// Fails if: a folder is missing or follows what it holds, manual pages are not compressed, or a file's
/// name, mode or size is not that of the payload.
#[test]
fn deb_holds_the_payload() {
    let sample = Sample::new(MANIFEST, ROWS);
    let data = deb_member(&sample, "data.tar.xz");
    let members = members(liblzma::read::XzDecoder::new(&data[..]));
    let names: Vec<_> = members.iter().map(|(name, ..)| name.as_str()).collect();
    let long = "./etc/a-folder-with-a-long-name/another-folder-with-a-long-name/and-a-third-one-with-a-name-as-long/";
    assert_eq!(
        names,
        [
            "./",
            "./etc/",
            "./etc/a-folder-with-a-long-name/",
            "./etc/a-folder-with-a-long-name/another-folder-with-a-long-name/",
            long,
            &format!("{long}file-æøå"),
            "./usr/",
            "./usr/bin/",
            "./usr/bin/sample",
            "./usr/lib/",
            "./usr/lib/sample/",
            "./usr/lib/sample/link",
            "./usr/share/",
            "./usr/share/doc/",
            "./usr/share/doc/sample/",
            "./usr/share/doc/sample/changelog.gz",
            "./usr/share/man/",
            "./usr/share/man/man1/",
            "./usr/share/man/man1/sample-run.1.gz",
            "./usr/share/man/man1/sample.1.gz",
        ]
    );
    for (name, mode, size, link) in [
        ("./usr/bin/sample", 0o755, 21_128, ""),
        (names[5], 0o640, 17, ""),
        ("./usr/lib/sample/link", 0o777, 0, "../../bin/sample"),
        ("./usr/share/man/", 0o755, 0, ""),
    ] {
        let expected = (name.to_owned(), mode, size, link.to_owned());
        assert!(members.contains(&expected), "{expected:?} is not in {members:?}");
    }
}

/// Fails if: a control field, its order, the folding of the description, the size or a digest is wrong.
#[test]
fn deb_describes_itself() {
    let sample = Sample::new(MANIFEST, ROWS);
    let control = deb_member(&sample, "control.tar.xz");
    let mut archive = tar::Archive::new(liblzma::read::XzDecoder::new(&control[..]));
    let mut files = std::collections::BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        files.insert(name, (entry.header().mode().unwrap(), text));
    }
    assert_eq!(files.keys().collect::<Vec<_>>(), ["./", "./control", "./md5sums", "./postinst"]);
    assert_eq!(files["./postinst"], (0o755, "#!/bin/sh\nexit 0\n".to_owned()));
    // 14 folders with the root, 21 KiB of program, and 1 KiB for each of 4 files and the link.
    let expected = "Package: sample\n\
        Version: 0.2.0~rc1\n\
        Architecture: amd64\n\
        Maintainer: Example <mail@example.org>\n\
        Installed-Size: 40\n\
        Depends: libc6 (>= 2.31), base-files\n\
        Section: misc\n\
        Priority: optional\n\
        Homepage: https://example.org\n\
        Description: Program that stands for another\n \
        Words that go on until the line is longer than eighty columns, so that every\n \
        format has to break it.\n \
        .\n \
        A second paragraph.\n";
    assert_eq!(files["./control"].1, expected);
    // What `md5sum` prints for the script.
    let digest = "33e4fd94e2560e008e2c3b431d0e3419  etc/a-folder-with-a-long-name/another-folder-with-a-long-name/and-a-third-one-with-a-name-as-long/file-æøå";
    assert_eq!(files["./md5sums"].1.lines().next(), Some(digest));
    assert_eq!(files["./md5sums"].1.lines().count(), 5);
}

/// The changelog in a Debian package.
fn deb_changelog(sample: &Sample) -> String {
    let data = deb_member(sample, "data.tar.xz");
    let mut archive = tar::Archive::new(liblzma::read::XzDecoder::new(&data[..]));
    let changelog = archive
        .entries()
        .unwrap()
        .map(Result::unwrap)
        .find(|entry| entry.path_bytes().ends_with(b"changelog.gz"))
        .expect("a changelog");
    let mut text = String::new();
    flate2::read::GzDecoder::new(changelog).read_to_string(&mut text).unwrap();
    text
}

/// Fails if: the changelog does not have the form of deb-changelog(5), or its weekday is wrong.
#[test]
fn deb_carries_its_changelog() {
    let sample = Sample::new(MANIFEST, ROWS);
    let text = deb_changelog(&sample);
    assert_eq!(
        text,
        "sample (0.2.0~rc1) unstable; urgency=medium\n\n  * Second.\n\n \
         -- Example <mail@example.org>  Fri, 02 Jan 2026 00:00:00 +0000\n\n\
         sample (0.1.0) unstable; urgency=medium\n\n  * First.\n\n \
         -- Example <mail@example.org>  Wed, 31 Dec 2025 00:00:00 +0000\n"
    );
}

/// Fails if: what is built between releases has another time than the release before, or does not say in its name and
/// in its changelog that it comes after that one.
#[test]
fn what_is_not_released_is_packed_as_such() {
    let sample = Sample::new(MANIFEST, ROWS);
    let path = sample.path("CHANGELOG.md");
    let released = std::fs::read_to_string(&path).unwrap();
    let epoch = || Recipe::load(&sample.path("product.toml"), &sample.path("artifacts.toml")).unwrap().epoch;
    let epoch_of_the_release = epoch();
    std::fs::write(&path, format!("## [Unreleased]\n- Third.\n\n{released}")).unwrap();
    assert_eq!(epoch(), epoch_of_the_release);
    let text = deb_changelog(&sample);
    assert!(text.starts_with("sample (0.2.0~rc1+dev) unstable; urgency=medium\n\n  * Third.\n"), "{text}");
    assert!(text.contains(" Fri, 02 Jan 2026 00:00:01 +0000\n\nsample (0.2.0~rc1) unstable"), "{text}");
}

/// Fails if: an archive has no top folder, or carries what is meant for other systems.
#[test]
fn archives_hold_one_folder() {
    let sample = Sample::new(MANIFEST, ROWS);
    for (target, triple, links) in
        [("x86_64-linux", "x86_64-unknown-linux-musl", 1), ("x86_64-macos", "x86_64-apple-darwin", 0)]
    {
        let path = sample.pack("tar.gz", target, EPOCH).unwrap();
        let members = members(flate2::read::GzDecoder::new(File::open(path).unwrap()));
        let top = format!("sample-{triple}/");
        assert_eq!(members[0].0, top);
        assert!(members.iter().all(|(name, ..)| name.starts_with(&top)), "{members:?}");
        assert!(members.iter().any(|(name, mode, ..)| *name == format!("{top}sample") && *mode == 0o755));
        assert_eq!(members.iter().filter(|(.., link)| !link.is_empty()).count(), links, "{target}");
    }
}

/// Fails if: a file of a wheel lies where an installer does not look for it, its mode or a field of the metadata is
/// wrong, or the list of the files does not name each with its digest.
#[test]
fn wheels_describe_themselves() {
    let sample = Sample::new(MANIFEST, ROWS);
    let path = sample.pack("wheel", "x86_64-linux", EPOCH).unwrap();
    let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).unwrap();
        members.push((member.name().unwrap().to_string(), member.unix_mode().unwrap() & 0o7777, bytes));
    }
    let information = "the_sample-0.2.0rc1.dist-info";
    let names: Vec<_> = members.iter().map(|(name, mode, _)| (name.as_str(), *mode)).collect();
    assert_eq!(
        names,
        [
            ("the_sample-0.2.0rc1.data/scripts/the-sample", 0o755),
            ("the_sample/a,b.py", 0o644),
            (&*format!("{information}/licenses/LICENSE.txt"), 0o644),
            (&*format!("{information}/METADATA"), 0o644),
            (&*format!("{information}/WHEEL"), 0o644),
            (&*format!("{information}/RECORD"), 0o644),
        ]
    );
    let text = |index: usize| String::from_utf8(members[index].2.clone()).unwrap();
    assert_eq!(
        text(3),
        "Metadata-Version: 2.4\nName: the-sample\nVersion: 0.2.0rc1\nSummary: Program that stands for another\n\
         Maintainer-email: Example <mail@example.org>\nLicense-Expression: MIT\nLicense-File: LICENSE.txt\n\
         Project-URL: Homepage, https://example.org\nRequires-Python: >=3.9\n\
         Description-Content-Type: text/markdown; charset=UTF-8\n\n# What it is\n"
    );
    let tags: Vec<String> =
        text(4).lines().filter_map(|line| line.strip_prefix("Tag: py3-none-")).map(str::to_owned).collect();
    assert_eq!(tags, ["manylinux2014_x86_64", "manylinux_2_17_x86_64", "musllinux_1_1_x86_64"]);
    // What `sha256sum` prints for the script, in the notation of the list.
    let lines: Vec<String> = text(5).lines().map(str::to_owned).collect();
    assert_eq!(lines[1], "\"the_sample/a,b.py\",sha256=MGxsp0B1YDQHl4ZuB34FNietQJJ30bnaWBBvzkz3F8s,17");
    assert_eq!(lines.last().unwrap(), &format!("{information}/RECORD,,"));
    assert_eq!(lines.len(), members.len());
}
