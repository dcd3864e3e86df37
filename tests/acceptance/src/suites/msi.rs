//! Judges Windows Installer packages without installing them, by programs that know nothing of ours:
//! msitools (`msiinfo`, `msiextract`), 7-Zip, cabextract and osslsigncode; and by the rules of
//! `cargo xtask lint msi`, which are ours, but read the file alone.

use super::binaries::windows;
use crate::bench::Bench;
use crate::command::tool;
use crate::products;
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Judges every `.msi`.
pub(crate) fn run(bench: &mut Bench) -> Result<()> {
    for msi in bench.artifacts(".msi")? {
        let name = msi.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = bench.folder(&name)?;
        bench.case(&format!("{name}: summary and code page are as Windows wants them"), || summary(&msi));
        bench.case(&format!("{name}: the validator finds nothing"), || validator(&msi));
        bench.case(&format!("{name}: tables say what is to be installed"), || tables(&msi));
        bench.case(&format!("{name}: three unpackers agree on the files"), || contents(&msi, &folder));
        bench.case(&format!("{name}: custom actions are for its processor, and are all there"), || {
            actions(&msi, &folder)
        });
        bench.case(&format!("{name}: packing its files again gives the same bits"), || again(&msi, &folder));
        bench.case(&format!("{name}: can be signed, and a change after that shows"), || {
            signing(&msi, &folder)
        });
    }
    let both = [bench.artifact("-x64.msi")?, bench.artifact("-arm64.msi")?];
    bench.case("packages for x64 and Arm64 replace each other", || replace_each_other(&both));
    Ok(())
}

/// Fails if: Windows would take them for two products, for one and the same, or for versions that do not follow each
/// other; or a component of one is another one in the other, so that an upgrade would remove what it has just installed.
fn replace_each_other(both: &[PathBuf; 2]) -> Result<()> {
    let property = |name: &str| -> Result<[String; 2]> {
        let value = |msi: &PathBuf| -> Result<String> {
            let mut properties = column(msi, "Property", "Property", "Value")?;
            properties.remove(name).with_context(|| format!("{} has no {name}", msi.display()))
        };
        Ok([value(&both[0])?, value(&both[1])?])
    };
    let [version, other] = property("ProductVersion")?;
    ensure!(version == other, "they are versions {version} and {other}");
    let [one, two] = property("ProductCode")?;
    ensure!(one != two, "both have the product code {one}");
    let [code, other] = property("UpgradeCode")?;
    ensure!(code == other, "they have the upgrade codes {code} and {other}");
    for msi in both {
        let rows = rows(msi, "Upgrade")?;
        let removes = rows.iter().filter(|row| row["ActionProperty"] == "OLDERVERSION");
        let removes: Vec<_> = removes.collect();
        ensure!(removes.len() == 1, "{}: {} rows remove another package", msi.display(), removes.len());
        let row = removes[0];
        let attributes: u32 = row["Attributes"].parse().context("Upgrade.Attributes")?;
        // Up to the same version, which is included; whatever the language; and not only to be found.
        ensure!(
            row["UpgradeCode"] == code
                && row["VersionMin"].is_empty()
                && row["VersionMax"] == version
                && row["Language"].is_empty()
                && attributes & (0x200 | 0x400 | 0x2) == 0x200,
            "{}: what is removed is {row:?}",
            msi.display()
        );
    }
    let [one, two] = [&both[0], &both[1]].map(|msi| column(msi, "Component", "Component", "ComponentId"));
    let (one, two) = (one?, two?);
    ensure!(one.len() > 5 && one == two, "components are {one:?} and {two:?}");
    Ok(())
}

/// The rows of a table as msitools exports them: column to text.
fn rows(msi: &Path, table: &str) -> Result<Vec<BTreeMap<String, String>>> {
    let text = tool("msiinfo", 30).arg("export").arg(msi).arg(table).read()?;
    let mut lines = text.lines().map(|line| line.trim_end_matches('\r').split('\t').map(str::to_owned));
    let columns: Vec<String> = lines.next().context("msiinfo printed no columns")?.collect();
    // Types and primary keys come next.
    Ok(lines.skip(2).map(|row| columns.iter().cloned().zip(row).collect()).collect())
}

/// One column of a table, by another.
fn column(msi: &Path, table: &str, key: &str, value: &str) -> Result<BTreeMap<String, String>> {
    let pair = |row: BTreeMap<String, String>| Some((row.get(key)?.clone(), row.get(value)?.clone()));
    Ok(rows(msi, table)?.into_iter().filter_map(pair).collect())
}

fn summary(msi: &Path) -> Result<()> {
    let text = tool("msiinfo", 30).arg("suminfo").arg(msi).read()?;
    // Windows Installer knows Arm64 since version 5.
    let is_arm = msi.to_string_lossy().ends_with("-arm64.msi");
    let (arch, version) = if is_arm { ("Arm64", 500) } else { ("x64", 200) };
    for line in [
        &format!("Template: {arch};1033"),
        &format!("Version: {version} ("),
        "Source: 2 (2)",
        "Author: Virinco AS",
        "Revision number (UUID): {",
    ] {
        ensure!(text.contains(line), "{line:?} is not in the summary:\n{text}");
    }
    let code_page = tool("msiinfo", 30).arg("export").arg(msi).arg("_ForceCodepage").read()?;
    ensure!(code_page.contains("1252\t_ForceCodepage"), "the code page is not 1252: {code_page}");
    // Compound file version 3: what signing tools expect.
    let head = std::fs::read(msi)?;
    ensure!(head.get(0x1a) == Some(&3), "the compound file is not of version 3");
    Ok(())
}

fn validator(msi: &Path) -> Result<()> {
    let findings = windows_installer_lint::lint(&std::fs::read(msi)?)?;
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    ensure!(lines.is_empty(), "{} findings:\n{}", lines.len(), lines.join("\n"));
    Ok(())
}

fn tables(msi: &Path) -> Result<()> {
    let properties = column(msi, "Property", "Property", "Value")?;
    for (property, expected) in [
        ("ProductName", "pyWATS Client"),
        ("Manufacturer", "Virinco AS"),
        ("UpgradeCode", "{E7F2D8A1-4B5C-6D7E-8F9A-0B1C2D3E4F5A}"),
        ("ALLUSERS", "1"),
    ] {
        let found = properties.get(property);
        ensure!(
            found.is_some_and(|value| value == expected),
            "property {property} is {found:?}, not {expected}"
        );
    }
    let services = rows(msi, "ServiceInstall")?;
    ensure!(services.len() == 1, "there are {} services", services.len());
    for (column, expected) in
        [("Name", "pywats-client"), ("Arguments", "run --service"), ("StartName", "[SERVICEACCOUNT]")]
    {
        ensure!(services[0][column] == expected, "ServiceInstall.{column} is {:?}", services[0][column]);
    }
    // What Wine does not show can only be read here: the data of the custom actions, a record a line.
    let exported = tool("msiinfo", 30).arg("export").arg(msi).arg("Property").read()?;
    for record in [
        "restart_delay_seconds|60",
        "restart_reset_seconds|86400",
        "preshutdown_seconds|30",
        r"default_account|NT SERVICE\pywats-client",
        "tree|[DataFolder]|O:BAG:SYD:P(",
        "folder|[DataFolder.watch]|O:BAG:SYD:P(",
        "own-folder|INSTALLDIR|pywats-client.exe|",
        "text|server.url|[SERVERURL]",
        "folder|WATCHFOLDER|DataFolder|INSTALLDIR|done|failed|",
        "purge|[DataFolder]",
    ] {
        // The first record of an action stands behind the name of its property.
        let is_it = |line: &str| line.rsplit('\t').next().is_some_and(|found| found.starts_with(record));
        let found = exported.lines().any(is_it);
        ensure!(found, "no custom action has the record {record:?}:\n{exported}");
    }
    let first = |action: &str| properties.get(&format!("{action}.Data")).cloned().unwrap_or_default();
    for (action, record) in [
        ("SecureFolders", "tree|[INSTALLDIR]|O:BAG:SYD:P("),
        ("WriteConfiguration", "file|[DataFolder]config.json|O:BAG:SYD:P("),
    ] {
        ensure!(first(action).starts_with(record), "{action} begins with {:?}", first(action));
    }
    let folders = column(msi, "Directory", "Directory", "Directory_Parent")?;
    ensure!(folders["INSTALLDIR"] == "ProgramFiles64Folder", "INSTALLDIR is below {}", folders["INSTALLDIR"]);
    let attributes = column(msi, "Component", "Component", "Attributes")?;
    for (component, bits) in &attributes {
        let bits: u32 = bits.parse().with_context(|| format!("attributes {bits:?} of {component}"))?;
        ensure!(bits & 0x100 != 0, "component {component} is not for 64-bit Windows");
    }
    let names = column(msi, "File", "FileName", "File")?;
    ensure!(!names.keys().any(|name| name.contains("config.json")), "a component owns the configuration");
    Ok(())
}

/// The files of a package, unpacked by msiextract: path below the installation folder, and file.
fn extract(msi: &Path, folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let target = folder.join("msiextract");
    tool("msiextract", 60).arg("--directory").arg(&target).arg(msi).run()?;
    let mut files = BTreeMap::new();
    let root = target.join("Program Files/pyWATS");
    collect(&root, &root, &mut files)?;
    Ok(files)
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            files.insert(path.strip_prefix(root)?.to_string_lossy().into_owned(), path);
        }
    }
    Ok(())
}

fn contents(msi: &Path, folder: &Path) -> Result<()> {
    let files = extract(msi, folder)?;
    ensure!(files.contains_key("pywats-client.exe"), "there is no program among {:?}", files.keys());
    let license = std::fs::read(products::workspace().join("LICENSE"))?;
    let packed = files.get("LICENSE.txt").context("there is no LICENSE.txt")?;
    ensure!(std::fs::read(packed)? == license, "LICENSE.txt is not the licence");

    let unpacked = folder.join("7z");
    tool("7z", 60).args(["x", "-y"]).arg(format!("-o{}", unpacked.display())).arg(msi).run()?;
    let cabinet = folder.join("files.cab");
    let raw = tool("msiinfo", 30).arg("extract").arg(msi).arg("files.cab").output()?;
    std::fs::write(&cabinet, raw.stdout)?;
    let from_cabinet = folder.join("cabextract");
    tool("cabextract", 60).arg("-q").arg("-d").arg(&from_cabinet).arg(&cabinet).run()?;

    let rows = rows(msi, "File")?;
    ensure!(rows.len() == files.len(), "{} rows, but {} files", rows.len(), files.len());
    let hashes = self::rows(msi, "MsiFileHash")?;
    for row in rows {
        let long = row["FileName"].rsplit('|').next().unwrap_or_default();
        let path = files.iter().find(|(path, _)| path.rsplit('/').next() == Some(long));
        let (_, path) = path.with_context(|| format!("msiextract did not unpack {long}"))?;
        let content = std::fs::read(path)?;
        ensure!(row["FileSize"] == content.len().to_string(), "FileSize of {long} is {}", row["FileSize"]);
        for other in [&unpacked, &from_cabinet] {
            let other = other.join(&row["File"]);
            ensure!(std::fs::read(&other)? == content, "{} differs from {long}", other.display());
        }
        let hash = hashes.iter().find(|hash| hash["File_"] == row["File"]);
        is_told_apart(&row, hash, path).with_context(|| format!("how Windows tells {long} apart"))?;
    }
    Ok(())
}

/// A program has the version that 7-Zip finds in it, any other file the hash that md5sum computes.
fn is_told_apart(
    row: &BTreeMap<String, String>,
    hash: Option<&BTreeMap<String, String>>,
    path: &Path,
) -> Result<()> {
    let (version, language) = (&row["Version"], &row["Language"]);
    if std::fs::read(path)?.starts_with(b"MZ") {
        let listing = tool("7z", 60).arg("l").arg(path).read()?;
        let found = listing.lines().find_map(|line| line.strip_prefix("FileVersion: "));
        let found = found.context("7z finds no version in the program")?;
        ensure!(version == found, "Version is {version:?}, 7z finds {found}");
        ensure!(language == "1033", "Language is {language:?}");
        ensure!(hash.is_none(), "there is a hash, too");
        return Ok(());
    }
    ensure!(version.is_empty() && language.is_empty(), "Version is {version:?}, Language {language:?}");
    let hash = hash.context("there is neither version nor hash")?;
    let mut text = String::new();
    for part in ["HashPart1", "HashPart2", "HashPart3", "HashPart4"] {
        let number: i32 = hash[part].parse().with_context(|| format!("{part} is {:?}", hash[part]))?;
        number.to_le_bytes().iter().for_each(|byte| text += &format!("{byte:02x}"));
    }
    let sum = tool("md5sum", 30).arg(path).read()?;
    ensure!(sum.starts_with(&text), "the hash is {text}, md5sum says {sum}");
    Ok(())
}

/// The version in a package's file name.
pub(crate) fn version(msi: &Path) -> Result<String> {
    let name = msi.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let version = name.strip_prefix("pywats-client-").and_then(|rest| rest.rsplit_once('-'));
    Ok(version.with_context(|| format!("{name} does not name a version"))?.0.to_owned())
}

/// The Rust target that a package is for.
fn target(msi: &Path) -> &'static str {
    if msi.to_string_lossy().ends_with("-arm64.msi") { "aarch64-windows" } else { "x86_64-windows" }
}

/// Unpacks the program of a package, with the DLL of its custom actions beside it, as a build leaves them.
pub(crate) fn program(msi: &Path, folder: &Path) -> Result<PathBuf> {
    let program =
        extract(msi, folder)?.remove("pywats-client.exe").context("there is no program in the package")?;
    let actions = tool("msiinfo", 30).arg("extract").arg(msi).arg("Binary.InstallerActions").output()?;
    ensure!(actions.stdout.starts_with(b"MZ"), "the package has no custom actions");
    std::fs::write(program.with_file_name("installer_actions.dll"), actions.stdout)?;
    Ok(program)
}

/// Fails if: Windows Installer could not run the library of the custom actions, or does not find one of them in it.
fn actions(msi: &Path, folder: &Path) -> Result<()> {
    let library = program(msi, &folder.join("actions"))?.with_file_name("installer_actions.dll");
    let target: packager::Target = target(msi).parse()?;
    windows::read_by_llvm(&library, target.arch)?;
    let exports = windows::exports(&library)?;
    let rows = rows(msi, "CustomAction")?;
    let wanted = rows.iter().filter(|row| row["Source"] == "InstallerActions").map(|row| &row["Target"]);
    let missing: Vec<_> = wanted.clone().filter(|name| !exports.contains(name)).collect();
    ensure!(wanted.count() > 5 && missing.is_empty(), "the library lacks {missing:?}");
    Ok(())
}

fn again(msi: &Path, folder: &Path) -> Result<()> {
    let program = program(msi, folder)?;
    let second = products::package("msi", target(msi), &version(msi)?, &program, &folder.join("again"))?;
    ensure!(std::fs::read(second)? == std::fs::read(msi)?, "the package differs when it is made here");
    Ok(())
}

fn signing(msi: &Path, folder: &Path) -> Result<()> {
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    tool("openssl", 30)
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Test"])
        .args(["-addext", "extendedKeyUsage=codeSigning", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .run()?;
    let signed = folder.join("signed.msi");
    tool("osslsigncode", 60)
        .args(["sign", "-h", "sha256", "-add-msi-dse", "-certs"])
        .arg(&certificate)
        .arg("-key")
        .arg(&key)
        .arg("-in")
        .arg(msi)
        .arg("-out")
        .arg(&signed)
        .run()?;
    let verify = |file: &Path| {
        tool("osslsigncode", 60).arg("verify").arg("-CAfile").arg(&certificate).arg("-in").arg(file)
    };
    verify(&signed).run()?;
    let mut bytes = std::fs::read(&signed)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let tampered = folder.join("tampered.msi");
    std::fs::write(&tampered, bytes)?;
    ensure!(!verify(&tampered).output()?.status.success(), "a changed package still verifies");
    Ok(())
}
