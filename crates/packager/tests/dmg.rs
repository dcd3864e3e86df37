//! Disk images hold what they are made of, and the window shows what is on them.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod sample;

use anyhow::Result;
use apple_archives::hfs_plus::{self, Content, Contents, FinderInfo};
use apple_archives::udif;
use packager::{Origin, Part, Recipe, Rows, Source};
use sample::{EPOCH, MANIFEST, Sample};
use std::fs;
use std::path::PathBuf;

/// What a disk image needs to know.
const SECTION: &str = r#"
[macos.disk_image]
package = "Install Sample.pkg"
icon = "sample.ico"
background = "banner.bmp"
window = [640, 420]
icon_size = 96
places = { "Install Sample.pkg" = [320, 170], "LICENSE.txt" = [200, 350], "Folder" = [440, 350] }
"#;

const ROWS: &[&str] = &[
    "formats = [\"dmg\"]\npath = \"LICENSE.txt\"\nkind = \"license\"\nsource = \"LICENSE\"",
    "formats = [\"dmg\"]\npath = \"Folder/Run me.command\"\nkind = \"file\"\nmode = \"0755\"\nsource = \"script\"",
    "formats = [\"dmg\"]\npath = \"Folder/link\"\nkind = \"link\"\ntarget = \"../LICENSE.txt\"",
];

const TABLE: &str = r#"
[[artifact]]
name = "part"
format = "tar.gz"
targets = ["x86_64-apple-darwin", "aarch64-apple-darwin"]
[[artifact]]
name = "it"
format = "dmg"
of = ["part"]
"#;

fn pack(sample: &Sample, epoch: u32) -> Result<PathBuf> {
    let mut recipe = Recipe::load(&sample.path("product.toml"), &sample.path("artifacts.toml"))?;
    (recipe.epoch, recipe.rows) = (epoch, Rows::parse(TABLE)?);
    let row = recipe.rows.row("it")?;
    let source = Source::Bytes(b"the package".to_vec());
    let part = Part { name: "part".to_owned(), file_name: "sample.pkg".to_owned(), source };
    let origin = Origin { inputs: "", toolchain: "" };
    let programs = recipe.take(row, Vec::new())?;
    Ok(recipe.make(row, &programs, vec![part], origin, &sample.path("out"))?.0)
}

fn contents(image: &PathBuf) -> Contents {
    hfs_plus::read(&udif::read(&fs::read(image).unwrap()).unwrap()).unwrap()
}

/// Fails if: something is missing on the volume or another thing than it was, or Finder cannot know what to show.
#[test]
fn holds_what_it_is_made_of() {
    let sample = Sample::new(&format!("{MANIFEST}{SECTION}"), ROWS);
    let path = pack(&sample, EPOCH).unwrap();
    assert_eq!(path.file_name().unwrap(), "sample-0.2.0-rc.1.dmg");
    let found = contents(&path);
    assert_eq!((found.name.as_str(), found.time), ("Sample", EPOCH));
    assert_eq!(found.finder.flags, FinderInfo::CUSTOM_ICON);
    let entry = |name: &str| &found.entries[name];
    for (name, mode, content) in [
        (".VolumeIcon.icns", 0o644, "an icon\n"),
        (".background.bmp", 0o644, "a picture\n"),
        ("Folder/Run me.command", 0o755, "#!/bin/sh\nexit 0\n"),
        ("Install Sample.pkg", 0o644, "the package"),
        ("LICENSE.txt", 0o644, "Do as you like.\n"),
    ] {
        let expected = Content::File(content.as_bytes().to_vec());
        assert_eq!((entry(name).mode, &entry(name).content), (mode, &expected), "{name}");
    }
    assert_eq!(entry("Folder/link").content, Content::Link("../LICENSE.txt".to_owned()));
    assert_eq!(found.entries.len(), 8, "{:?}", found.entries.keys());
    let Content::File(window) = &entry(".DS_Store").content else { panic!("no window") };
    assert!(window.windows(4).any(|bytes| bytes == b"Iloc"));
}

/// Fails if: the bits depend on more than the sources, or the time does not show.
#[test]
fn bytes_depend_on_content_alone() {
    let rows: Vec<&str> = ROWS.iter().rev().copied().collect();
    let manifest = format!("{MANIFEST}{SECTION}");
    let bytes = |rows: &[&str], epoch| fs::read(pack(&Sample::new(&manifest, rows), epoch).unwrap()).unwrap();
    let first = bytes(ROWS, EPOCH);
    assert!(first == bytes(&rows, EPOCH), "differs in another folder");
    assert!(first != bytes(ROWS, EPOCH + 1), "does not carry the time it was given");
}

/// Fails if: an image is made in which a file has no place, or the error does not say what to write.
#[test]
fn refuses_with_a_reason() {
    let places = "places = {";
    for (from, to, complaint) in [
        (SECTION, "", "no section [macos.disk_image]"),
        ("\"LICENSE.txt\" = [200, 350], ", "", "does not say where \"LICENSE.txt\" is"),
        (places, "places = { \"none\" = [1, 1],", "names \"none\", which is not on the volume"),
        ("[320, 170]", "[640, 170]", "outside of the window"),
        ("Install Sample.pkg", "license.TXT", "upper and lower case are the same"),
        ("Install Sample.pkg", "a:b", "without ':' and '/'"),
        ("banner.bmp\"\nwindow", "none.tiff\"\nwindow", "none.tiff"),
    ] {
        let manifest = format!("{MANIFEST}{SECTION}").replace(from, to);
        let error = pack(&Sample::new(&manifest, ROWS), EPOCH).expect_err(complaint);
        assert!(format!("{error:#}").contains(complaint), "{complaint:?} is not said in: {error:#}");
    }
}
