//! The application, the package that is made of it, and the disk image that is made of that: each signed by itself.

use super::Case;
use super::workshop::{IDENTIFIER, TEAM, Workshop};
use crate::command::{said, tool};
use crate::products::{self, compare};
use crate::suites::apple::{BUNDLE, same_folders, seal};
use anyhow::{Context, Result, ensure};
use packager::digest::sha256_file;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) const CASES: &[(&str, Case)] = &[
    ("application, package and disk image are signed, and each has the signed one in it", signs),
    ("rcodesign, plistlib and hashlib believe the application, the package and the disk image", believed),
    ("what was changed in an application, a package or a disk image is found", changed),
];

pub(super) const LONG_CASES: &[(&str, Case)] =
    &[("without a key for packages all else is signed, and that is said", without_installer)];

fn unzip(archive: &Path, folder: &Path) -> Result<PathBuf> {
    tool("unzip", 60).arg("-q").arg(archive).arg("-d").arg(folder).run()?;
    Ok(folder.join(BUNDLE))
}

/// Fails if: one of them is not signed as Gatekeeper wants it, has in it what nobody signed, or a key signed something
/// else than what `cargo xtask dist` makes.
fn signs(workshop: &Workshop, folder: &Path) -> Result<()> {
    let [app, pkg, dmg] = ["-macos-app.zip", ".pkg", ".dmg"].map(|ending| workshop.released(ending));
    let (app, pkg, dmg) = (app?, pkg?, dmg?);
    for (file, count) in [(&app, 2), (&pkg, 1), (&dmg, 1)] {
        let verdicts = workshop.verify_good(file)?;
        let verdicts = verdicts.as_array().context("no verdicts")?;
        ensure!(verdicts.len() == count, "{verdicts:#?}");
        for verdict in verdicts {
            let code = &verdict["code"];
            let identifier = if *file == pkg { Value::Null } else { IDENTIFIER.into() };
            ensure!(code["team"] == TEAM && code["identifier"] == identifier, "{verdict:#}");
            ensure!(code["hardened"] == (*file == app) && code["ticket"] == false, "{verdict:#}");
            ensure!(verdict["signature"]["time_stamp"]["authority"] == "CN=Test tsa", "{verdict:#}");
        }
    }
    let name = app.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = products::recipe()?.version.to_string();
    let list = workshop.release()?.join("signatures").join(version).join("signatures.json");
    let list: Value = serde_json::from_str(&fs::read_to_string(list)?)?;
    let unsigned = &list["files"][&name]["unsigned_sha256"];
    ensure!(*unsigned == sha256_file(&workshop.app)?, "another application was signed than was built: {unsigned}");

    tool("7z", 60).arg("x").arg(format!("-o{}", folder.join("volume").display())).arg(&dmg).run()?;
    compare(&folder.join("volume/pyWATS Client/Install pyWATS Client.pkg"), &pkg)?;
    let [opened, payload] = ["opened", "payload"].map(|name| folder.join(name));
    for (folder, archive) in [(&opened, &pkg), (&payload, &opened.join("pywats-client.pkg/Payload"))] {
        fs::create_dir(folder)?;
        tool("bsdtar", 60).arg("-xpf").arg(archive).arg("-C").arg(folder).run()?;
    }
    let bundle = unzip(&app, &folder.join("app"))?;
    same_folders(&payload.join("Applications").join(BUNDLE), &bundle, true)
}

/// Fails if: what others read in the signatures is not what is signed, or they believe everything.
fn believed(workshop: &Workshop, folder: &Path) -> Result<()> {
    let bundle = unzip(&workshop.released("-macos-app.zip")?, &folder.join("signed"))?;
    let found = seal::read(&bundle)?;
    let signature = (IDENTIFIER.to_owned(), "CodeSignatureFlags(RUNTIME)".to_owned());
    ensure!(found.signatures == [signature.clone(), signature], "it is signed by {:?}", found.signatures);
    ensure!(found.problems.is_empty(), "{:#?}", found.problems);
    let built = unzip(&workshop.app, &folder.join("built"))?;
    // rcodesign writes the list of a bundle that it signs: ours is to be the same.
    let list = "Contents/_CodeSignature/CodeResources";
    compare(&bundle.join(list), &built.join(list))?;
    for ending in [".pkg", ".dmg"] {
        let file = workshop.released(ending)?;
        let text = seal::believed(&file)?.to_string();
        ensure!(text.contains(TEAM), "{ending}: it does not say whose it is: {text}");
        let mut bytes = fs::read(&file)?;
        // In the signed attributes: the name of the content's kind, which every CMS signature has.
        let kind = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
        let at = bytes.windows(kind.len()).position(|window| window == kind).context("no signed attributes")?;
        bytes[at + kind.len() + 6] ^= 1;
        let changed = folder.join(format!("changed{ending}"));
        fs::write(&changed, bytes)?;
        ensure!(seal::believed(&changed).is_err(), "{ending}: the engine believes everything");
    }
    Ok(())
}

/// Fails if: a changed byte goes unnoticed, or what is added, removed or appended.
fn changed(workshop: &Workshop, folder: &Path) -> Result<()> {
    for ending in [".pkg", ".dmg"] {
        let good = fs::read(workshop.released(ending)?)?;
        let (length, file) = (good.len(), folder.join(format!("changed{ending}")));
        let change = |at: usize| {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            bytes
        };
        for (what, bytes) in [
            ("its start", change(40)),
            ("its middle", change(length / 2)),
            ("its end", change(length - 1)),
            ("appended", [&good[..], b"more"].concat()),
            ("cut off", good[..length - 1].to_vec()),
        ] {
            fs::write(&file, bytes)?;
            let (ok, verdicts) = workshop.verify(&file)?;
            ensure!(!ok, "{ending}, {what}: {verdicts:#}");
        }
    }
    let bundle = unzip(&workshop.released("-macos-app.zip")?, &folder.join("signed"))?;
    let archive = folder.join("changed.zip");
    let packed = || -> Result<(bool, String)> {
        if archive.exists() {
            fs::remove_file(&archive)?;
        }
        let pack = tool("bsdtar", 60).args(["--format", "zip", "-cf"]).arg(&archive);
        pack.arg("-C").arg(folder.join("signed")).arg(BUNDLE).run()?;
        let (ok, verdicts) = workshop.verify(&archive)?;
        Ok((ok, verdicts.to_string()))
    };
    let (ok, verdicts) = packed()?;
    ensure!(ok, "packed by others it is refused: {verdicts}");
    for (path, content, message) in [
        ("Contents/Resources/LICENSE.txt", "other", "LICENSE.txt was changed"),
        ("Contents/Resources/more", "other", "more was added"),
        ("Contents/Info.plist", "other", "Info.plist is not the one that was signed"),
        ("Contents/_CodeSignature/CodeResources", "other", "is not the one that was signed"),
        ("Contents/Resources/uninstall.sh", "", "uninstall.sh was signed, and is missing"),
    ] {
        let file = bundle.join(path);
        let before = fs::read(&file).ok();
        if content.is_empty() { fs::remove_file(&file)? } else { fs::write(&file, content)? };
        let (ok, verdicts) = packed()?;
        ensure!(!ok && verdicts.contains(message), "{path}: {verdicts}");
        match before {
            Some(before) => fs::write(&file, before)?,
            None => fs::remove_file(&file)?,
        }
    }
    // What is signed vouches for nothing beside it, and for nothing that others would find in its place.
    fs::write(folder.join("signed").join(BUNDLE).with_file_name("setup.exe"), "something else")?;
    let program = bundle.join("Contents/MacOS/pywats-client");
    fs::copy(program, folder.join("signed/program"))?;
    let pack = tool("bsdtar", 60).args(["--format", "zip", "-cf"]).arg(folder.join("mixed.zip"));
    pack.arg("-C").arg(folder.join("signed")).args(["program", "setup.exe"]).run()?;
    let tarball = fs::read(workshop.released("universal-apple-darwin.tar.gz")?)?;
    fs::write(folder.join("twice.tar.gz"), [&tarball[..], &tarball].concat())?;
    for (name, message) in [("mixed.zip", "setup.exe"), ("twice.tar.gz", "belong to none of its parts")] {
        let (ok, verdicts) = workshop.verify(&folder.join(name))?;
        ensure!(!ok && verdicts.to_string().contains(message), "{name}: {verdicts}");
    }
    Ok(())
}

/// Fails if: without a certificate for packages nothing can be signed, what stays as it was is not said, or the signatures
/// that are stored then cannot be attached.
fn without_installer(workshop: &Workshop, folder: &Path) -> Result<()> {
    const WHY: &str = "nothing says how to sign packages for macOS: give [apple.installer]";
    let usual = workshop.configure(folder, &workshop.usual())?;
    let text = fs::read_to_string(&usual)?;
    let (before, after) = text.split_once("[apple.installer.pkcs12]").context("there is no such table")?;
    let (_, after) = after.split_once("[apple.timestamp]").context("there is no such table")?;
    fs::write(&usual, format!("{before}[apple.timestamp]{after}"))?;
    let output = workshop.sign(&usual, &folder.join("no")).arg("dmg").output()?;
    let text = said(&output);
    ensure!(!output.status.success() && text.contains("signing dmg") && text.contains(WHY), "{text}");
    // What is stored when such a configuration signs all it can.
    let signatures = folder.join("signatures");
    products::copy_sources(&workshop.release()?.join("signatures"), &signatures)?;
    let list = signatures.join(products::recipe()?.version.to_string()).join("signatures.json");
    let mut stored: Value = serde_json::from_str(&fs::read_to_string(&list)?)?;
    let files = stored["files"].as_object_mut().context("no files")?;
    files.retain(|node, _| !node.ends_with(".pkg") && !node.ends_with(".dmg"));
    fs::write(&list, stored.to_string())?;
    let out = folder.join("out");
    let output = workshop.attach(&signatures, &out).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{}", said(&output));
    ensure!(text.contains(&format!("not signed: pkg, dmg: {WHY}")), "it does not say so:\n{text}");
    let made: Vec<_> = fs::read_dir(&out)?.flatten().map(|entry| entry.path()).collect();
    let is = |ending: &str| made.iter().any(|path| path.to_string_lossy().ends_with(ending));
    ensure!(is("-macos-app.zip") && !is(".pkg") && !is(".dmg"), "there are {made:?}");
    Ok(())
}
