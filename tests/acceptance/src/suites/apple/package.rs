//! The package: unpacked by 7-Zip and bsdtar, its parts by GNU cpio and bsdtar, its bill read by apple-bom (by its name in
//! Python, pyapplebom), its texts by Python.

use super::{BUNDLE, property_list, python, same_folders};
use crate::bench::Bench;
use crate::command::{Tool, tool};
use crate::products::{self, compare, workspace};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The component in the package.
const COMPONENT: &str = "pywats-client.pkg";
const DAEMON: &str = "Library/LaunchDaemons/com.virinco.pywats-client.plist";

/// What a package is unpacked to.
pub(super) struct Package {
    pub(super) payload: PathBuf,
    pub(super) scripts: PathBuf,
}

/// Judges the package, which has this application in it.
pub(super) fn judge(bench: &mut Bench, pkg: &Path, app: &Path) -> Result<Package> {
    let folder = bench.folder("pkg")?;
    let name = pkg.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let opened = folder.join("bsdtar");
    fs::create_dir(&opened)?;
    tool("bsdtar", 60).arg("-xf").arg(pkg).arg("-C").arg(&opened).run()?;
    let [payload, scripts] = ["Payload", "Scripts"].map(|part| folder.join(part));
    for part in [&payload, &scripts] {
        fs::create_dir(part)?;
        let file = opened.join(COMPONENT).join(part.file_name().unwrap_or_default());
        cpio("-idm", &file, part).run()?;
    }
    let component = opened.join(COMPONENT);

    bench.case(&format!("{name}: bsdtar, 7-Zip and our own reader find the same files"), || {
        let seven = folder.join("7z");
        // Or it would open what is in it, too.
        let open = tool("7z", 60).args(["x", "-txar"]).arg(format!("-o{}", seven.display())).arg(pkg);
        open.run()?;
        let table = seven.join("[TOC].xml");
        if table.exists() {
            fs::remove_file(table)?;
        }
        same_folders(&opened, &seven, false)?;
        let bytes = fs::read(pkg)?;
        let archive = apple_archives::xar::Archive::open(&bytes)?;
        ensure!(archive.members().len() == 8, "it has {:#?}", archive.members());
        for member in archive.members() {
            ensure!(archive.read(&member.path)? == fs::read(opened.join(&member.path))?, "{}", member.path);
        }
        Ok(())
    });
    bench.case(&format!("{name}: cpio and bsdtar unpack the same payload, with the application as it is"), || {
        let other = folder.join("Payload-by-bsdtar");
        fs::create_dir(&other)?;
        tool("bsdtar", 60).arg("-xpf").arg(component.join("Payload")).arg("-C").arg(&other).run()?;
        same_folders(&payload, &other, true)?;
        same_folders(&payload.join("Applications").join(BUNDLE), app, true)?;
        compare(&payload.join(DAEMON), &workspace().join("packaging/macos/com.virinco.pywats-client.plist"))
    });
    bench.case(&format!("{name}: nothing that is the system's or a user's gets other owners or modes"), || {
        let rows = laid_down(&component)?;
        // As they are on every Mac.
        let shared = [
            (".", "drwxr-xr-x 0 0"),
            ("./Applications", "drwxrwxr-x 0 80"),
            ("./Library", "drwxr-xr-x 0 0"),
            ("./Library/LaunchDaemons", "drwxr-xr-x 0 0"),
        ];
        for (path, facts) in shared {
            ensure!(rows.get(path).is_some_and(|found| found == facts), "{path}: {:?}", rows.get(path));
        }
        ensure!(rows[&format!("./{DAEMON}")] == "-rw-r--r-- 0 0", "launchd refuses what others may write");
        let ours = |path: &str| path.starts_with("./Applications/pyWATS Client.app") || path[2..] == *DAEMON;
        for (path, facts) in &rows {
            let is_shared = shared.iter().any(|(shared, _)| shared == path);
            ensure!(is_shared || ours(path), "{path} is not the package's");
            ensure!(is_shared || facts.ends_with(" 0 0"), "{path}: {facts}");
            ensure!(is_shared || !facts[..10].ends_with("rwx") && &facts[8..9] != "w", "{path}: {facts}");
        }
        Ok(())
    });
    bench.case(&format!("{name}: pyapplebom reads its bill, which is that of the payload"), || {
        judge_bill(&component, &payload)
    });
    bench.case(&format!("{name}: Installer is told title, licence, processors, system and scripts"), || {
        judge_texts(&opened, &payload)
    });
    bench.case(&format!("{name}: launchd is told what the package lays down"), || {
        judge_daemon(&property_list(&payload.join(DAEMON))?, &payload)
    });
    bench.case(&format!("{name}: carries no time but that of the release, and no name of a file in gzip"), || {
        for part in ["Payload", "Scripts"] {
            let head = fs::read(component.join(part))?.get(..10).context("shorter than a header")?.to_vec();
            ensure!(head == [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3], "the header of {part} is {head:x?}");
            let listed = tool("bsdtar", 60).arg("-tvf").arg(component.join(part)).env("TZ", "UTC").read()?;
            let dates: Vec<String> = listed
                .lines()
                .map(|line| line.split_whitespace().skip(5).take(3).collect::<Vec<_>>().join(" "))
                .collect();
            ensure!(dates.windows(2).all(|pair| pair[0] == pair[1]), "{dates:?}");
        }
        Ok(())
    });
    bench.case("the package's scripts and the uninstaller are sound", || {
        let scripts = ["preinstall", "postinstall"].map(|name| scripts.join(name));
        let uninstall = app.join("Contents/Resources/uninstall.sh");
        // Functions are asked in conditions (SC2310), and what fails in a pipe or a substitution says nothing (SC2312).
        tool("shellcheck", 120)
            .args(["--shell", "sh", "--enable", "all", "--exclude", "SC2250,SC2292,SC2310,SC2312"])
            .args(scripts)
            .arg(uninstall)
            .run()
    });
    Ok(Package { payload, scripts })
}

/// GNU cpio, fed with a compressed archive.
fn cpio(options: &str, archive: &Path, folder: &Path) -> Tool {
    let script = r#"gzip -dc "$1" | cpio --quiet "$2""#;
    tool("sh", 60).args(["-c", script, "sh"]).arg(archive).arg(options).current_dir(folder)
}

/// Mode and owners by number of each path, as cpio lists them.
fn laid_down(component: &Path) -> Result<BTreeMap<String, String>> {
    let listed = cpio("-itvn", &component.join("Payload"), component).read()?;
    let rows = listed.lines().map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mode, _, user, group, _, _, _, _, ..] = words[..] else {
            anyhow::bail!("cpio lists {line:?}");
        };
        // The path may have spaces: it follows the eighth word.
        let mut rest = line;
        for _ in 0..8 {
            rest = rest.trim_start().split_once(' ').map_or("", |(_, rest)| rest);
        }
        Ok((rest.to_owned(), format!("{mode} {user} {group}")))
    });
    rows.collect()
}

/// The bill says of each path what is laid down, with the checksum that `cksum` gives.
fn judge_bill(component: &Path, payload: &Path) -> Result<()> {
    let script = "\
import json, sys
import pyapplebom
bom = pyapplebom.parse_bom_file(sys.argv[1], include_blocks=False)
print(json.dumps(bom['paths']))
";
    let text = python()?.args(["-c", script]).arg(component.join("Bom")).read()?;
    let said: Vec<Value> = serde_json::from_str(&text)?;
    let rows = laid_down(component)?;
    ensure!(said.len() == rows.len(), "{} paths in the bill, {} in the payload", said.len(), rows.len());
    let mut sums = 0;
    for item in said {
        let path = item["path"].as_str().with_context(|| format!("no path: {item}"))?;
        let facts = rows.get(path).with_context(|| format!("{path} is not in the payload"))?;
        let told = format!("{} {} {}", text_of(&item["symbolic_mode"]), item["user_id"], item["group_id"]);
        ensure!(told == *facts, "{path}: {told} in the bill, {facts} in the payload");
        if item["path_type"] == "file" {
            let summed = tool("cksum", 60).arg(payload.join(path)).read()?;
            let words: Vec<&str> = summed.split_whitespace().take(2).collect();
            ensure!(words == [item["crc32"].to_string(), item["size"].to_string()], "{path}: {item}, {words:?}");
            sums += 1;
        }
    }
    ensure!(sums > 20, "only {sums} files were compared");
    Ok(())
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The texts that Installer reads, by tag and attributes, as Python's parser finds them.
fn elements(file: &Path) -> Result<Vec<Value>> {
    let script = "\
import json, sys
import xml.etree.ElementTree as tree
print(json.dumps([dict(it.attrib, tag=it.tag, text=(it.text or '').strip()) for it in tree.parse(sys.argv[1]).iter()]))
";
    let text = tool("python3", 60).args(["-s", "-c", script]).arg(file).read()?;
    Ok(serde_json::from_str(&text)?)
}

fn judge_texts(opened: &Path, payload: &Path) -> Result<()> {
    let recipe = products::recipe()?;
    let (product, identifier) = (&recipe.product, recipe.product.macos_identifier());
    let version = recipe.version.windows_file().map(|number| number.to_string()).join(".");
    let list = property_list(&payload.join("Applications").join(BUNDLE).join("Contents/Info.plist"))?;
    let oldest = &list["LSMinimumSystemVersion"];
    let said = |elements: &[Value], expected: Value| {
        let facts = expected.as_object().cloned().unwrap_or_default();
        let is_it = |element: &&Value| facts.iter().all(|(key, value)| element[key] == *value);
        let found = elements.iter().filter(is_it).count();
        ensure!(found == 1, "{found} times {expected} in {elements:#?}");
        Ok(())
    };
    let distribution = elements(&opened.join("Distribution"))?;
    let reference = format!("#{COMPONENT}");
    for expected in [
        json!({ "tag": "title", "text": product.display_name }),
        json!({ "tag": "welcome", "file": "welcome.txt", "mime-type": "text/plain" }),
        json!({ "tag": "license", "file": "license.txt", "mime-type": "text/plain" }),
        json!({ "tag": "conclusion", "file": "conclusion.txt", "mime-type": "text/plain" }),
        json!({ "tag": "options", "customize": "never", "hostArchitectures": "x86_64,arm64", "rootVolumeOnly": "true" }),
        json!({ "tag": "domains", "enable_localSystem": "true", "enable_currentUserHome": "false" }),
        json!({ "tag": "os-version", "min": oldest }),
        json!({ "tag": "pkg-ref", "id": identifier, "version": version, "text": reference, "auth": "root" }),
        json!({ "tag": "product", "id": identifier, "version": version }),
    ] {
        said(&distribution, expected)?;
    }
    for (page, file) in [
        ("welcome.txt", "packaging/macos/welcome.txt"),
        ("license.txt", "LICENSE"),
        ("conclusion.txt", "packaging/macos/conclusion.txt"),
    ] {
        compare(&opened.join("Resources").join(page), &workspace().join(file)).with_context(|| page.to_owned())?;
    }
    let information = elements(&opened.join(COMPONENT).join("PackageInfo"))?;
    let bundle = format!("./Applications/{BUNDLE}");
    let count = laid_down(&opened.join(COMPONENT))?.len().to_string();
    for expected in [
        json!({ "tag": "pkg-info", "identifier": identifier, "version": version, "relocatable": "false", "auth": "root",
            "install-location": "/", "minimumSystemVersion": oldest }),
        json!({ "tag": "payload", "numberOfFiles": count }),
        json!({ "tag": "bundle", "path": bundle, "id": list["CFBundleIdentifier"],
            "CFBundleShortVersionString": list["CFBundleShortVersionString"], "CFBundleVersion": list["CFBundleVersion"] }),
        json!({ "tag": "preinstall", "file": "./preinstall" }),
        json!({ "tag": "postinstall", "file": "./postinstall" }),
    ] {
        said(&information, expected)?;
    }
    Ok(())
}

/// The service is what the package lays down, under the account that its scripts make.
fn judge_daemon(list: &Value, payload: &Path) -> Result<()> {
    let identifier = products::recipe()?.product.macos_identifier().to_owned();
    let arguments = list["ProgramArguments"].as_array().context("it has no arguments")?;
    let program = arguments.first().and_then(Value::as_str).and_then(|program| program.strip_prefix('/'));
    ensure!(program.is_some_and(|program| payload.join(program).is_file()), "there is no {program:?}");
    ensure!(DAEMON == format!("Library/LaunchDaemons/{identifier}.plist"), "{DAEMON} is not named by its label");
    let account = format!("account={}\n", text_of(&list["UserName"]));
    let named = fs::read_to_string(workspace().join("packaging/macos/owned"))?;
    ensure!(named.contains(&account), "the scripts make another account than {account}");
    let errors = format!("errors=\"{}\"\n", text_of(&list["StandardErrorPath"]));
    ensure!(named.contains(&errors), "the scripts make another file than {errors}");
    for (key, value) in [
        ("Label", json!(identifier)),
        ("AssociatedBundleIdentifiers", json!(identifier)),
        ("GroupName", list["UserName"].clone()),
        ("RunAtLoad", json!(true)),
        ("KeepAlive", json!(true)),
        ("ExitTimeOut", json!(30)),
        ("Umask", json!(0o027)),
    ] {
        ensure!(list[key] == value, "{key} is {}", list[key]);
    }
    ensure!(list["StandardOutPath"].is_null(), "nothing is written there");
    Ok(())
}
