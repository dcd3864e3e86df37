//! The application and the package for macOS, read back part by part.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod sample;

use anyhow::Result;
use apple_archives::code_signature::{Embedded, program, resources, slot};
use apple_archives::plist::{self, Value};
use apple_archives::{bom, cpio, mach_o, tree::Tree, xar};
use flate2::read::GzDecoder;
use packager::{Origin, Part, Programs, Recipe, Rows};
use sample::{EPOCH, MANIFEST, ROWS, Sample};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use zip::ZipArchive;

const BOTH: &str = "aarch64-macos,x86_64-macos";
const TABLE: &str = "[[artifact]]\nname = \"app\"\nformat = \"app\"\ntargets = [\"x86_64-macos\", \"aarch64-macos\"]\n\
    [[artifact]]\nname = \"pkg\"\nformat = \"pkg\"\nof = [\"app\"]\n";

/// Packs the package of an application.
fn pack(sample: &Sample, app: &Path) -> Result<PathBuf> {
    let mut recipe = Recipe::load(&sample.path("product.toml"), &sample.path("artifacts.toml"))?;
    (recipe.epoch, recipe.rows) = (EPOCH, Rows::parse(TABLE)?);
    let row = recipe.rows.row("pkg")?;
    let programs = Programs::none(recipe.rows.platform(row)?);
    let origin = Origin { inputs: "", toolchain: "" };
    let parts = vec![Part::new("app", app.to_owned())];
    Ok(recipe.make(row, &programs, parts, origin, &sample.path("out"))?.0)
}

/// The tree in a part of a package.
fn tree(bytes: &[u8]) -> Tree {
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut unpacked).unwrap();
    cpio::read(&unpacked).unwrap()
}

/// Fails if: the package does not have the application as it is, another file, owner or script than the manifest says,
/// or tells Installer another version, system or processor than the application.
#[test]
fn a_package_holds_the_application() {
    let sample = Sample::new(MANIFEST, ROWS);
    let app = sample.pack("app", BOTH, EPOCH).unwrap();
    let package = pack(&sample, &app).unwrap();
    assert_eq!(package.file_name().unwrap(), "sample-0.2.0-rc.1.pkg");
    let bytes = fs::read(package).unwrap();
    let archive = xar::Archive::open(&bytes).unwrap();
    let read = |name: &str| archive.read(name).unwrap();

    let payload = tree(&read("sample.pkg/Payload"));
    let facts: Vec<_> = payload
        .entries()
        .iter()
        .map(|entry| (entry.path.as_str(), entry.mode, entry.user, entry.group))
        .collect();
    assert_eq!(
        facts,
        [
            ("", 0o755, 0, 0),
            ("Applications", 0o775, 0, 80),
            ("Applications/Sample.app", 0o755, 0, 0),
            ("Applications/Sample.app/Contents", 0o755, 0, 0),
            ("Applications/Sample.app/Contents/Info.plist", 0o644, 0, 0),
            ("Applications/Sample.app/Contents/MacOS", 0o755, 0, 0),
            ("Applications/Sample.app/Contents/MacOS/sample", 0o755, 0, 0),
            ("Applications/Sample.app/Contents/Resources", 0o755, 0, 0),
            ("Applications/Sample.app/Contents/Resources/sample.icns", 0o644, 0, 0),
            ("Applications/Sample.app/Contents/_CodeSignature", 0o755, 0, 0),
            ("Applications/Sample.app/Contents/_CodeSignature/CodeResources", 0o644, 0, 0),
            ("Library", 0o755, 0, 0),
            ("Library/sample", 0o755, 0, 0),
            ("Library/sample/scripts", 0o644, 0, 0),
        ]
    );
    let script = "#!/bin/sh\nexit 0\n";
    let twice = format!("{script}\n{script}");
    assert_eq!(payload.entry("Library/sample/scripts").unwrap().data(), twice.as_bytes());
    assert_eq!(bom::read(&read("sample.pkg/Bom")).unwrap().len(), facts.len());
    let scripts = tree(&read("sample.pkg/Scripts"));
    assert_eq!(scripts.entry("preinstall").unwrap().data(), script.as_bytes());
    assert_eq!(scripts.entry("postinstall").unwrap().data(), twice.as_bytes());

    let info = payload.entry("Applications/Sample.app/Contents/Info.plist").unwrap();
    let info = plist::read(std::str::from_utf8(info.data()).unwrap()).unwrap();
    let text = |key: &str| info[key].text().unwrap().to_owned();
    assert_eq!(info["LSUIElement"], Value::Boolean(true));
    assert_eq!([text("CFBundleShortVersionString"), text("CFBundleVersion")], ["0.2.0", "0.2.61"]);
    assert_eq!([text("LSMinimumSystemVersion"), text("CFBundleExecutable")], ["11.0", "sample"]);
    let distribution = String::from_utf8(read("Distribution")).unwrap();
    for words in
        ["version=\"0.2.61.0\"", "\"x86_64,arm64\"", "min=\"11.0\"", "welcome.html\" mime-type=\"text/html\""]
    {
        assert!(distribution.contains(words), "{words}: {distribution}");
    }
    assert_eq!(read("Resources/license.txt"), b"Do as you like.\n");
}

/// The files of an application, by their paths below `Contents`.
fn contents(app: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(fs::File::open(app).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let path = file.name().unwrap().strip_prefix("Sample.app/Contents/").map(str::to_owned);
        if let Some(path) = path.filter(|_| file.is_file()) {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).unwrap();
            files.insert(path, bytes);
        }
    }
    files
}

/// Fails if: a file of the bundle could be changed, added or removed without the signature of a slice being wrong.
#[test]
fn a_bundle_is_sealed() {
    let sample = Sample::new(MANIFEST, ROWS);
    let files = contents(&sample.pack("app", BOTH, EPOCH).unwrap());
    let (program, seal) = ("MacOS/sample", "_CodeSignature/CodeResources");
    let slices = mach_o::slices(&files[program]).unwrap();
    assert_eq!(slices.len(), 2);
    for (_, slice) in slices {
        let (code, signature) = program::split(slice).unwrap();
        let signature = Embedded::parse(signature.unwrap()).unwrap();
        signature.check(code).unwrap();
        let directory = &signature.directories().unwrap()[0];
        assert!(directory.is_ad_hoc());
        assert_eq!(directory.identifier, "sample");
        directory.check_special(slot::INFO_PLIST, "Info.plist", &files["Info.plist"]).unwrap();
        directory.check_special(slot::RESOURCES, seal, &files[seal]).unwrap();
    }
    let given = files.iter().map(|(path, content)| (path.as_str(), content.as_slice()));
    resources::check(&files[seal], program, given.clone()).unwrap();
    let without = given.filter(|(path, _)| !path.ends_with(".icns"));
    assert!(resources::check(&files[seal], program, without).is_err());
}

/// Fails if: what is no application of the product becomes a package, what nobody could install is packed, or the error
/// does not say what is wrong with which file.
#[test]
fn refuses_with_a_reason() {
    let refused = |manifest: &str, rows: &[&str], change: &dyn Fn(&Sample), complaint: &str| {
        let sample = Sample::new(manifest, rows);
        change(&sample);
        let packed = sample.pack("app", BOTH, EPOCH).and_then(|app| pack(&sample, &app));
        let error = format!("{:#}", packed.expect_err(complaint));
        assert!(error.contains(complaint), "{complaint:?} is not said in: {error}");
    };
    let nothing = |_: &Sample| ();
    let with = |row| [ROWS, &[row]].concat();
    let pkg = |rest: &str| format!("formats = [\"pkg\"]\n{rest}");
    refused(
        MANIFEST,
        &with(&pkg("path = \"x\"\nkind = \"directory\"\nowner = \"sample:sample\"")),
        &nothing,
        "belongs to sample",
    );
    let moved: Vec<&str> = ROWS
        .iter()
        .map(|row| {
            if row.contains("Contents/MacOS") {
                "formats = [\"app\"]\npath = \"sample\"\nkind = \"program\""
            } else {
                row
            }
        })
        .collect();
    refused(MANIFEST, &moved, &nothing, "a program lies in Contents/MacOS");
    let without: Vec<&str> = ROWS.iter().filter(|row| !row.contains("root:admin")).copied().collect();
    refused(MANIFEST, &without, &nothing, "whose Applications is");
    refused(&MANIFEST.replace("preinstall =", "preflight ="), ROWS, &nothing, "\"preflight\"");
    let write = |name: &'static str, text: &'static str| {
        move |sample: &Sample| fs::write(sample.path(name), text).unwrap()
    };
    refused(MANIFEST, ROWS, &write("Info.plist", "no list"), "Info.plist");
    let repeated = "<plist><dict><key>CFBundleName</key><string>x</string></dict></plist>";
    refused(MANIFEST, ROWS, &write("Info.plist", repeated), "CFBundleName is said by the packager");
    refused(MANIFEST, ROWS, &write("conclusion.txt", "æøå"), "conclusion.txt: plain text");

    let sample = Sample::new(MANIFEST, ROWS);
    for (archive, complaint) in [
        ("LICENSE", "it is no zip archive"),
        ("out/sample-x86_64-pc-windows-gnu.zip", "lies outside of Sample.app"),
    ] {
        sample.pack("zip", "x86_64-windows", EPOCH).unwrap();
        let error = format!("{:#}", pack(&sample, &sample.path(archive)).expect_err(complaint));
        assert!(error.contains(complaint), "{error}");
    }
}
