//! What is in an AppImage, as others see it.

use super::{Subject, judge_head};
use crate::bench::Bench;
use crate::command::tool;
use crate::products;
use anyhow::{Context, Result, ensure};
use packager::{Entry, Kind, Payload, Programs};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a tree has: for each path what it is, with its permissions.
type Tree = BTreeMap<String, Item>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Folder,
    File { mode: u32, content: Vec<u8> },
    Link(PathBuf),
}

pub(super) fn judge(bench: &mut Bench, file: &Subject) -> Result<()> {
    let name = &file.name;
    let folder = bench.folder(name)?;
    let image = folder.join("image.squashfs");
    fs::write(&image, &file.bytes[file.offset..])?;

    bench.case(&format!("{name}: is a hardened program with the mark of an AppImage"), || {
        ensure!(file.bytes[8..11] == *b"AI\x02", "bytes 8 to 10 are {:x?}", &file.bytes[8..11]);
        judge_head(file)
    });
    let root = folder.join("unsquashfs");
    let tar = bench.artifact(&format!("-{}-unknown-linux-musl.tar.gz", file.arch))?;
    bench.case_needing(&["unsquashfs"], &format!("{name}: unsquashfs finds what is to be in it, bit for bit"), || {
        // By the offset, as it is told to those who look for it.
        let offset = file.start().arg("--appimage-offset").read()?;
        ensure!(offset.trim() == file.offset.to_string(), "it says that the squashfs begins at {offset}");
        let unpack = tool("unsquashfs", 60).args(["-strict-errors", "-no-progress", "-offset", offset.trim()]);
        unpack.arg("-dest").arg(&root).arg(&file.path).run()?;
        same(&tree(&root)?, &expected(file, &tar, &folder)?)
    });
    bench.case_needing(&["rdsquashfs"], &format!("{name}: so does squashfs-tools-ng"), || {
        let to = folder.join("rdsquashfs");
        tool("rdsquashfs", 60).args(["--chmod", "--unpack-path", "/", "--unpack-root"]).arg(&to).arg(&image).run()?;
        same(&tree(&to)?, &tree(&root)?)
    });
    bench.case_needing(&["7z"], &format!("{name}: so does 7-Zip"), || {
        let to = folder.join("7z");
        tool("7z", 60).arg("x").arg("-y").arg(format!("-o{}", to.display())).arg(&image).run()?;
        same(&without_modes(tree(&to)?), &without_modes(tree(&root)?))
    });
    bench.case(&format!("{name}: so does --appimage-extract"), || {
        file.start().arg("--appimage-extract").current_dir(&folder).run()?;
        same(&tree(&folder.join("squashfs-root"))?, &tree(&root)?)
    });
    bench.case_needing(&["unsquashfs"], &format!("{name}: no trace of the building machine"), || {
        let listed = tool("unsquashfs", 60).args(["-UTC", "-llnumeric"]).arg(&image).read()?;
        let rows: Vec<Vec<&str>> = listed
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|row| row.get(5).is_some_and(|path| path.starts_with("squashfs-root")))
            .collect();
        ensure!(rows.len() > 20, "{listed}");
        let epoch = products::recipe()?.epoch;
        let date = tool("date", 10).args(["--utc", "--date", &format!("@{epoch}"), "+%F %H:%M"]).read()?;
        for row in rows {
            ensure!(row[1] == "0/0", "it belongs to somebody: {row:?}");
            ensure!(format!("{} {}", row[3], row[4]) == date.trim(), "it has another time: {row:?}");
        }
        Ok(())
    });
    bench.case_needing(
        &["appstreamcli", "desktop-file-validate"],
        &format!("{name}: desktops and shops find what they look for"),
        || presents_itself(&root),
    );
    Ok(())
}

/// Fails if: the desktop file, the metadata or the icon is missing, is not where it is looked for, or is refused.
fn presents_itself(root: &Path) -> Result<()> {
    let names = super::names_in(root)?;
    let desktop: Vec<_> = names.iter().filter(|name| name.ends_with(".desktop")).collect();
    ensure!(desktop.len() == 1, "the desktop files in the root are {desktop:?}");
    let desktop = root.join(desktop[0]);
    tool("desktop-file-validate", 60).arg(&desktop).run()?;
    let text = fs::read_to_string(&desktop)?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let icon = value("Icon").context("no icon")?;
    for path in [format!("usr/share/icons/hicolor/256x256/apps/{icon}.png"), format!("{icon}.png"), ".DirIcon".into()] {
        let picture = fs::read(root.join(&path)).with_context(|| path.clone())?;
        // https://www.w3.org/TR/png-3/#11IHDR
        let size = picture.get(16..24).unwrap_or_default();
        ensure!(
            picture.starts_with(b"\x89PNG") && size == [0, 0, 1, 0, 0, 0, 1, 0],
            "{path} is no picture of 256 x 256 pixels"
        );
    }
    let metadata = root.join("usr/share/metainfo");
    let files = super::names_in(&metadata)?;
    ensure!(files.len() == 1 && files[0].ends_with(".appdata.xml"), "the metadata are {files:?}");
    tool("appstreamcli", 60).args(["validate", "--explain", "--no-net"]).arg(metadata.join(&files[0])).run()
}

/// What the manifest says is to be in it, with the program of the archive.
fn expected(file: &Subject, tar: &Path, folder: &Path) -> Result<Tree> {
    let recipe = products::recipe()?;
    let row = recipe.rows.row(&format!("appimage-{}", file.arch))?;
    let platform = recipe.rows.platform(row)?;
    let programs = Programs::none(platform.clone());
    let payload = Payload::resolve(&recipe.product, "appimage", &platform, &programs)?;
    let unpacked = folder.join("archive");
    fs::create_dir(&unpacked)?;
    let unpack = tool("tar", 60).args(["--extract", "--strip-components=1", "--file"]);
    unpack.arg(tar).arg("-C").arg(&unpacked).run()?;
    let mut tree = Tree::new();
    for Entry { path, kind, mode, .. } in payload.with_parents().entries() {
        let content = |source: &packager::Source| source.read();
        let item = match kind {
            Kind::Runtime(_) => continue,
            Kind::Program(_) => {
                Item::File { mode: *mode, content: fs::read(unpacked.join("pywats-client"))? }
            }
            Kind::Document(source) | Kind::License(source) | Kind::Manual(source) | Kind::File(source) => {
                Item::File { mode: *mode, content: content(source)? }
            }
            Kind::Directory => Item::Folder,
            Kind::Link(target) => Item::Link(target.into()),
            Kind::Actions(_) => anyhow::bail!("{path} is for installers"),
        };
        tree.insert(path.clone(), item);
    }
    Ok(tree)
}

/// What a folder has.
fn tree(folder: &Path) -> Result<Tree> {
    let mut found = Tree::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("reading {}", next.display()))? {
            let path = entry?.path();
            let metadata = path.symlink_metadata()?;
            let item = if metadata.is_dir() {
                waiting.push(path.clone());
                Item::Folder
            } else if metadata.is_symlink() {
                Item::Link(fs::read_link(&path)?)
            } else {
                Item::File { mode: metadata.permissions().mode() & 0o7777, content: fs::read(&path)? }
            };
            found.insert(path.strip_prefix(folder)?.to_string_lossy().into_owned(), item);
        }
    }
    Ok(found)
}

/// 7-Zip keeps no permissions.
fn without_modes(mut tree: Tree) -> Tree {
    for item in tree.values_mut() {
        if let Item::File { mode, .. } = item {
            *mode = 0;
        }
    }
    tree
}

fn same(found: &Tree, expected: &Tree) -> Result<()> {
    ensure!(!found.is_empty(), "nothing is found");
    for (path, item) in expected {
        let other = found.get(path).with_context(|| format!("{path} is missing"))?;
        ensure!(item == other, "{path} is another one: {} in place of {}", said(other), said(item));
    }
    let more: Vec<_> = found.keys().filter(|path| !expected.contains_key(*path)).collect();
    ensure!(more.is_empty(), "nobody expects {more:?}");
    Ok(())
}

fn said(item: &Item) -> String {
    match item {
        Item::Folder => "a folder".to_owned(),
        Item::File { mode, content } => format!("a file of {} bytes with the mode {mode:o}", content.len()),
        Item::Link(target) => format!("a link to {}", target.display()),
    }
}
