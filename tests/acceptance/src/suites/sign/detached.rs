//! Stored signatures: the same bits from rebuilt inputs, without a key; and when an input is not the one it was.

use super::Case;
use super::workshop::{ACTIONS, TRIPLE, Workshop, everything, failed_cleanly, files, signatures};
use crate::products;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) const CASES: &[(&str, Case)] = &[
    ("signatures attached to rebuilt files give the same bits", same_bits),
    ("a wrong input to attaching is named", wrong_inputs),
    ("a stored signature that nobody trusts is not attached", untrusted),
    ("attaching needs nothing of a configuration but whom to trust", keyless),
];

/// Fails if: a single bit differs, the signing leaves less, or a key is needed.
fn same_bits(workshop: &Workshop, folder: &Path) -> Result<()> {
    let release = workshop.release()?;
    let out = folder.join("out");
    workshop.attach(&workshop.program, &release.join("signatures"), &out).args(everything()?).run()?;
    let ours: Vec<PathBuf> =
        files(release)?.into_iter().filter(|file| !file.starts_with("signatures")).collect();
    ensure!(files(&out)? == ours, "there are {:?} instead of {ours:?}", files(&out)?);
    for file in &ours {
        products::compare(&release.join(file), &out.join(file))
            .with_context(|| file.display().to_string())?;
    }
    // The unsigned installer is the one in dist only where the bench's sources made it, so it is not compared.
    Ok(())
}

/// A copy of the release's signatures.
fn copy(workshop: &Workshop, folder: &Path) -> Result<PathBuf> {
    let from = signatures(workshop.release()?)?;
    let to = folder.join(from.file_name().unwrap_or_default());
    fs::create_dir_all(&to)?;
    for file in files(&from)? {
        fs::copy(from.join(&file), to.join(&file))?;
    }
    Ok(to)
}

/// Puts the signatures of two files in each other's place.
fn swap(signatures: &Path) -> Result<()> {
    let [program, msi] = stored(signatures)?;
    let other = signatures.join("other");
    fs::rename(&program, &other)?;
    fs::rename(&msi, &program)?;
    Ok(fs::rename(&other, &msi)?)
}

/// The stored signatures of program and installer.
fn stored(signatures: &Path) -> Result<[PathBuf; 2]> {
    let find = |suffix: &str| super::workshop::find(signatures, suffix);
    Ok([find("-pywats-client.exe.p7s")?, find(".msi.p7s")?])
}

/// Changes the list.
fn edit(signatures: &Path, change: impl FnOnce(&mut Value)) -> Result<()> {
    let path = signatures.join("signatures.json");
    let mut list: Value = serde_json::from_slice(&fs::read(&path)?)?;
    change(&mut list);
    Ok(fs::write(&path, list.to_string())?)
}

type Damage = fn(&Path) -> Result<()>;

/// What is done to the folder of signatures, and what has to be said then.
const DAMAGES: &[(&str, Damage, &[&str])] = &[
    (
        "swapped",
        swap,
        &[
            "pywats-client.exe.p7s is not the signature that was stored for x86_64-pc-windows-gnu/pywats-client.exe",
        ],
    ),
    (
        "swapped, and the list with them",
        |signatures| {
            swap(signatures)?;
            edit(signatures, |list| {
                let files = &mut list["files"];
                let names = files.as_object().into_iter().flatten().map(|(name, _)| name.clone());
                let names: Vec<String> = names.filter(|name| !name.ends_with(ACTIONS)).collect();
                let digests = [0, 1].map(|index| files[&names[index]]["signature_sha256"].clone());
                for (name, digest) in names.iter().rev().zip(digests) {
                    files[name]["signature_sha256"] = digest;
                }
            })
        },
        // Newer versions of osslsigncode see it, older ones leave it to the comparison.
        &["attaching ", "pywats-client.exe.p7s to x86_64-pc-windows-gnu/pywats-client.exe"],
    ),
    (
        "the program's is cut off",
        |signatures| {
            let [program, _] = stored(signatures)?;
            let text = fs::read(&program)?;
            Ok(fs::write(&program, &text[..text.len() / 2])?)
        },
        &["pywats-client.exe.p7s is not the signature"],
    ),
    ("the installer's is gone", |signatures| Ok(fs::remove_file(&stored(signatures)?[1])?), &[".msi.p7s"]),
    (
        "the list has no program",
        |signatures| {
            edit(signatures, |list| {
                let files = list["files"].as_object_mut();
                files.map(|files| files.remove(&format!("{TRIPLE}/pywats-client.exe")));
            })
        },
        &["has no signature for x86_64-pc-windows-gnu/pywats-client.exe"],
    ),
    (
        "the list is of another installer",
        |signatures| {
            edit(signatures, |list| {
                for (name, entry) in list["files"].as_object_mut().into_iter().flatten() {
                    if name.ends_with(".msi") {
                        entry["unsigned_sha256"] = "00".into();
                    }
                }
            })
        },
        &["the unsigned pywats-client-", ".msi is not the one that was signed"],
    ),
    (
        "the list is no list",
        |signatures| Ok(fs::write(signatures.join("signatures.json"), "[]")?),
        &["signatures.json is damaged"],
    ),
    ("no list", |signatures| Ok(fs::remove_file(signatures.join("signatures.json"))?), &["name the folder"]),
];

/// Fails if: a wrong input makes a file, or the error does not name it.
fn wrong_inputs(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let signatures = workshop.release()?.join("signatures");
    for changed in ["pywats-client.exe", ACTIONS] {
        let other = folder.join(format!("other {changed}"));
        fs::create_dir(&other)?;
        workshop.bring_actions(&other)?;
        let program = other.join("pywats-client.exe");
        fs::copy(&workshop.program, &program)?;
        let mut bytes = fs::read(other.join(changed))?;
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(other.join(changed), bytes)?;
        let output = workshop.attach(&program, &signatures, &out).args(everything()?).output()?;
        let message = format!("the unsigned {TRIPLE}/{changed} is not the one that was signed");
        failed_cleanly(&output, &out, &[&message, "signatures.json"], &[])?;
    }

    for (index, (name, damage, messages)) in DAMAGES.iter().enumerate() {
        let signatures = folder.join(index.to_string());
        damage(&copy(workshop, &signatures)?)?;
        let output = workshop.attach(&workshop.program, &signatures, &out).args(everything()?).output()?;
        failed_cleanly(&output, &out, messages, &[]).context(*name)?;
    }
    Ok(())
}

/// Fails if: what is attached is not verified as well.
fn untrusted(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let signatures = workshop.release()?.join("signatures");
    let output = workshop
        .sign_program(&workshop.program, &out)
        .args(everything()?)
        .arg("--attach")
        .arg(signatures)
        .arg("--ca-file")
        .arg(workshop.authority.path("other-root.pem"))
        .output()?;
    failed_cleanly(&output, &out, &["nobody who is trusted vouches"], &[])
}

/// Fails if: a configuration that is kept with the sources has to have its key where nobody needs one.
fn keyless(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = folder.join("out");
    let signatures = workshop.release()?.join("signatures");
    let configuration = workshop.configure(folder, "plain nobody")?;
    workshop
        .sign_program(&workshop.program, &out)
        .arg("--attach")
        .arg(signatures)
        .arg("--config")
        .arg(&configuration)
        .arg("zip")
        .run()
}
