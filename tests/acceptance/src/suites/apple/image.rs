//! The disk image: others' programs find in it what was put there, bit for bit, and the window that Finder is to show.
//!
//! `fsck.hfsplus`, Apple's own, is not among Debian's free packages. The Sleuth Kit, libfshfs and dpp stand in for it,
//! each of which walks the catalog by itself. No Mac has seen the window.

use super::python;
use crate::bench::Bench;
use crate::command::tool;
use crate::products::workspace;
use anyhow::{Context, Result, ensure};
use apple_archives::{hfs_plus, udif};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Names and contents of what is on the volume.
type Files = BTreeMap<String, Vec<u8>>;

const VOLUME: &str = "pyWATS Client";
const PACKAGE: &str = "Install pyWATS Client.pkg";
const UNINSTALLER: &str = "Uninstall pyWATS Client.command";
const WINDOW: &str = ".DS_Store";
const PICTURE: &str = ".background.tiff";

/// Judges the disk image, which has this package in it.
pub(super) fn judge(bench: &mut Bench, image: &Path, pkg: &Path) -> Result<()> {
    let name = image.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = bench.folder("image")?;
    let packed = Packed::new(image, pkg, folder)?;
    bench.case(&format!("{name}: holds package, licence, uninstaller, icon and picture"), || packed.is_complete());
    bench.case(&format!("{name}: dmg2img unpacks the same volume"), || {
        let unpacked = packed.folder.join("unpacked");
        tool("dmg2img", 60).arg("-s").arg(image).arg(&unpacked).run()?;
        ensure!(fs::read(unpacked)? == fs::read(&packed.volume)?, "it is another volume");
        Ok(())
    });
    bench.case(&format!("{name}: 7-Zip finds the same files"), || by_7zip(image, &packed));
    bench.case(&format!("{name}: The Sleuth Kit finds the same files"), || {
        by_sleuth_kit(&packed)
    });
    let read = by_libraries(image, &packed);
    let read = read.as_ref().map_err(|error| format!("{error:#}"));
    for library in ["libfshfs", "dpp"] {
        bench.case(&format!("{name}: {library} finds the same files"), || {
            let found = &read.clone().map_err(anyhow::Error::msg)?[library];
            same_digests(&found["entries"], &packed.files)
        });
    }
    bench.case(&format!("{name}: ds_store reads the window, whose picture and icons are on the volume"), || {
        window(read.clone().map_err(anyhow::Error::msg)?, &packed)
    });
    bench.case(&format!("{name}: the picture has a page for each kind of screen"), || {
        picture(&packed)
    });
    bench.case(&format!("{name}: the uninstaller asks for the rights it needs"), || {
        uninstaller(&packed)
    });
    Ok(())
}

/// The image, unpacked.
struct Packed {
    folder: PathBuf,
    volume: PathBuf,
    /// The package that it is made of.
    package: Vec<u8>,
    files: Files,
    contents: hfs_plus::Contents,
}

impl Packed {
    /// Reads the image by our own reader, which refuses whatever contradicts itself.
    fn new(image: &Path, package: &Path, folder: PathBuf) -> Result<Packed> {
        let bytes = udif::read(&fs::read(image)?).with_context(|| format!("in {}", image.display()))?;
        let contents = hfs_plus::read(&bytes).with_context(|| format!("in {}", image.display()))?;
        let volume = folder.join("volume");
        fs::write(&volume, &bytes)?;
        let file = |(name, found): (&String, &hfs_plus::Found)| match &found.content {
            hfs_plus::Content::File(bytes) => Some((name.clone(), bytes.clone())),
            _ => None,
        };
        let files = contents.entries.iter().filter_map(file).collect();
        Ok(Packed { folder, volume, package: fs::read(package)?, files, contents })
    }

    fn file(&self, name: &str) -> Result<&[u8]> {
        self.files.get(name).map(Vec::as_slice).with_context(|| format!("there is no {name}"))
    }

    /// What is on the volume is what it was made of.
    fn is_complete(&self) -> Result<()> {
        let source = |name: &str| fs::read(workspace().join(name)).with_context(|| format!("reading {name}"));
        let names: Vec<&str> = self.contents.entries.keys().map(String::as_str).collect();
        let expected = [WINDOW, ".VolumeIcon.icns", PICTURE, PACKAGE, "LICENSE.txt", UNINSTALLER];
        ensure!(names == expected, "on the volume are {names:?}");
        ensure!(self.file(PACKAGE)? == self.package, "the package on the volume is another one");
        for (name, file) in [
            (".VolumeIcon.icns", "packaging/macos/pywats-client.icns"),
            (PICTURE, "packaging/macos/disk-image.tiff"),
            ("LICENSE.txt", "LICENSE"),
        ] {
            ensure!(self.file(name)? == source(file)?, "{name} is not {file}");
        }
        let finder = self.contents.finder.flags;
        ensure!(finder & hfs_plus::FinderInfo::CUSTOM_ICON != 0, "Finder would not look for the icon of the volume");
        for (name, found) in &self.contents.entries {
            let mode = if name == UNINSTALLER { 0o755 } else { 0o644 };
            ensure!(found.mode == mode, "{name} has the mode {:o}", found.mode);
        }
        Ok(())
    }
}

fn same(found: &Files, expected: &Files, who: &str) -> Result<()> {
    ensure!(found.keys().eq(expected.keys()), "{who} finds {:?}", found.keys());
    for (name, bytes) in expected {
        ensure!(found.get(name) == Some(bytes), "{who} finds something else in {name}");
    }
    Ok(())
}

fn by_7zip(image: &Path, packed: &Packed) -> Result<()> {
    let out = packed.folder.join("7z");
    tool("7z", 60).arg("x").arg("-y").arg(format!("-o{}", out.display())).arg(image).run()?;
    let mut found = Files::new();
    // The volume is a folder there.
    for entry in fs::read_dir(out.join(VOLUME))? {
        let entry = entry?;
        found.insert(entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?);
    }
    same(&found, &packed.files, "7-Zip")
}

fn by_sleuth_kit(packed: &Packed) -> Result<()> {
    let facts = tool("fsstat", 60).arg(&packed.volume).read()?;
    for fact in ["File System Version: HFS+\n", "Volume Unmounted Properly\n", "Number of Free Blocks: 0\n"] {
        ensure!(facts.contains(fact), "fsstat does not say {fact:?}\n{facts}");
    }
    ensure!(facts.contains(&format!("Volume Name: {VOLUME}\n")), "fsstat tells another name\n{facts}");
    // `r/r 16:<tab>name`; files of the volume itself begin with a dollar.
    let listed = tool("fls", 60).args(["-r", "-p"]).arg(&packed.volume).read()?;
    let mut found = Files::new();
    for line in listed.lines() {
        let (number, name) = line.split_once(":\t").with_context(|| format!("fls says {line}"))?;
        if name.starts_with('$') {
            continue;
        }
        let number = number.rsplit(' ').next().unwrap_or_default();
        let content = tool("icat", 60).arg(&packed.volume).arg(number).output()?;
        ensure!(content.status.success(), "icat cannot read {name}");
        found.insert(name.to_owned(), content.stdout);
    }
    same(&found, &packed.files, "The Sleuth Kit")
}

/// What the libraries of `tests/apple/read_image.py` find.
fn by_libraries(image: &Path, packed: &Packed) -> Result<Value> {
    let store = packed.folder.join("store");
    fs::write(&store, packed.file(WINDOW)?)?;
    let found = python()?
        .arg("-s")
        .arg(workspace().join("tests/apple/read_image.py"))
        .arg(image)
        .arg(&packed.volume)
        .arg(&store)
        .read()?;
    Ok(serde_json::from_str(&found)?)
}

fn same_digests(found: &Value, expected: &Files) -> Result<()> {
    let found = found.as_object().context("nothing is found")?;
    ensure!(found.keys().len() == expected.len(), "it finds {:?}", found.keys());
    for (name, bytes) in expected {
        let digest: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        ensure!(found.get(name).is_some_and(|facts| facts["sha256"] == digest), "it finds something else in {name}");
    }
    Ok(())
}

/// The window is as the manifest says, and whatever it names is there.
fn window(read: &Value, packed: &Packed) -> Result<()> {
    let store = &read["ds_store"];
    let product = packager::Product::load(&workspace().join("packaging/product.toml"))?;
    let facts = product.disk_image()?;
    ensure!(store["places"] == json!(facts.places), "icons are at {}", store["places"]);
    for name in facts.places.keys() {
        packed.file(name)?;
    }
    let view = &store["view"];
    let (width, height) = facts.window;
    let bounds = format!("{{{{200, 200}}, {{{width}, {}}}}}", height + 28);
    ensure!(view["bwsp"]["WindowBounds"] == bounds, "the window is {}", view["bwsp"]["WindowBounds"]);
    ensure!(view["icvl"] == "icnv" && view["icvp"]["backgroundType"] == 2, "it has no picture: {view}");
    ensure!(view["icvp"]["iconSize"] == f64::from(facts.icon_size), "icons are as large as {}", view["icvp"]);
    ensure!(view.get("pBBk").is_none(), "a bookmark hides the picture from macOS 26.2");
    let picture = &store["picture"];
    let id = read["libfshfs"]["entries"][PICTURE]["id"].clone();
    for (fact, expected) in [
        ("volume", json!(VOLUME)),
        ("volume_time", json!(f64::from(packed.contents.time))),
        ("time", json!(f64::from(packed.contents.time))),
        ("mount_point", json!(format!("/Volumes/{VOLUME}"))),
        ("file_system", json!("H+")),
        ("folder", json!(2)),
        ("id", id),
        ("name", json!(PICTURE)),
        ("path", json!(format!("/{PICTURE}"))),
        ("carbon_path", json!(format!("{VOLUME}:{PICTURE}"))),
    ] {
        ensure!(picture[fact] == expected, "{fact} of the picture's alias is {}, not {expected}", picture[fact]);
    }
    Ok(())
}

fn picture(packed: &Packed) -> Result<()> {
    let file = packed.folder.join("picture.tiff");
    fs::write(&file, packed.file(PICTURE)?)?;
    let pages = tool("identify", 60).args(["-format", "%w %h %x %U %C\n"]).arg(&file).read()?;
    let expected = ["640 420 72 PixelsPerInch LZW", "1280 840 144 PixelsPerInch LZW"];
    ensure!(pages.lines().map(str::trim).eq(expected), "the pages are\n{pages}");
    Ok(())
}

/// Opened by an ordinary user, it runs itself again with the rights of root, and does nothing before.
fn uninstaller(packed: &Packed) -> Result<()> {
    let stubs = packed.folder.join("stubs");
    fs::create_dir(&stubs)?;
    let script = packed.folder.join("Uninstall it.command");
    fs::write(&script, packed.file(UNINSTALLER)?)?;
    tool("shellcheck", 60).args(["--shell=sh", "--severity=warning"]).arg(&script).run()?;
    for (name, body) in [("id", "echo 501"), ("sudo", "printf '%s\\n' \"$@\"")] {
        let stub = stubs.join(name);
        fs::write(&stub, format!("#!/bin/sh\n{body}\n"))?;
        tool("chmod", 10).arg("755").arg(&stub).run()?;
    }
    let path = format!("{}:{}", stubs.display(), std::env::var("PATH").unwrap_or_default());
    let said = tool("sh", 10).env("PATH", path).arg(&script).arg("--keep").read()?;
    let last: Vec<&str> = said.lines().rev().take(3).collect();
    ensure!(last == ["--keep", &*script.to_string_lossy(), "/bin/sh"], "it says\n{said}");
    Ok(())
}
