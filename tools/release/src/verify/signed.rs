//! What is signed: the list of files, the RPMs, and the archive with the detached signatures.

use super::release::{Release, WHOLE};
use super::report::{Outcome, Report};
use crate::openpgp::{Detached, Kind, PublicKey, date};
use crate::signatures::now;
use crate::sums;
use crate::{rpm_header, rpm_signature, ssh};
use anyhow::{Context, Result, ensure};
use packager::Artifacts;
use packager::artifacts::{LIST, SUMS};
use packager::digest::sha256;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Component, Path};

/// The largest archive of signatures, unpacked.
const ARCHIVE: u64 = 1 << 26;

/// The list's signature by OpenPGP. Whether it is right.
pub(super) fn list(report: &mut Report, release: &Release, key: &PublicKey) -> bool {
    let check = || -> Result<String> {
        let signature = Detached::parse(release.small(sums::OPENPGP)?.as_bytes())?;
        key.verify(Kind::Detached, release.small(SUMS)?.as_bytes(), &signature)
            .with_context(|| format!("it does not vouch for {SUMS}"))?;
        let now = now()?;
        let time = key.check_time(&signature, now)?;
        let since = if key.has_expired(now) { "; the key has expired since" } else { "" };
        Ok(format!("vouches for {SUMS}, on {}, by the key {}{since}", date(time.into()), key.fingerprint()))
    };
    let advice = format!("get it and {SUMS} again; if that does not help, use none of these files");
    report.judge(sums::OPENPGP, &advice, check())
}

/// The list's signature by ssh. `given` is the text that says whom to trust, unless that is to come from the files.
pub(super) fn list_by_ssh(report: &mut Report, release: &Release, given: Option<&str>) {
    let is_listed = release.sums.0.contains_key(ssh::ALLOWED);
    if given.is_none() && !is_listed && !release.folder.join(sums::SSH).exists() {
        report.add(sums::SSH, Outcome::NotChecked, "the release has none");
        return;
    }
    let check = || -> Result<Option<String>> {
        let signature = release.small(sums::SSH)?;
        let allowed = match given {
            Some(text) => text.to_owned(),
            None => release.small(ssh::ALLOWED).context("allowed_signers")?,
        };
        ssh::verify(&allowed, release.small(SUMS)?.as_bytes(), &signature)
    };
    match check().transpose() {
        None => report.add(sums::SSH, Outcome::NotChecked, "ssh-keygen is not there, or older than 8.2"),
        Some(found) => {
            let whose = if given.is_some() { "" } else { "; allowed_signers came with the files" };
            let advice = format!("get it and {SUMS} again; if that does not help, use none of these files");
            report.judge(sums::SSH, &advice, found.map(|said| format!("{said}{whose}")));
        }
    }
}

/// The RPMs. Their signatures, by the names of the files.
pub(super) fn rpms(
    report: &mut Report,
    release: &Release,
    key: Option<&PublicKey>,
    artifacts: &Artifacts,
) -> BTreeMap<String, Vec<u8>> {
    let mut signatures = BTreeMap::new();
    for name in release.ending(".rpm").into_iter().filter(|name| release.digests.contains_key(name)) {
        let Some(key) = key else {
            report.add(name, Outcome::NotChecked, "there is no key to check it with");
            continue;
        };
        let check = || -> Result<(String, Vec<u8>)> {
            let bytes = release.read(&name, WHOLE)?;
            let signature = rpm_signature::check(&bytes, key)?.context("it has no signature")?;
            let time = key.check_time(&signature, now()?)?;
            let made_from = artifacts.0.get(&name).into_iter().flat_map(|artifact| &artifact.made_from);
            for unsigned in made_from.filter(|part| part.file == name) {
                ensure!(
                    sha256(&rpm_header::detach(&bytes)?) == unsigned.sha256,
                    "it is not the unsigned package that {LIST} names, with a signature"
                );
            }
            Ok((format!("header and content are signed, on {}", date(time.into())), signature.bytes()?))
        };
        let found = check().map(|(said, signature)| {
            signatures.insert(name.clone(), signature);
            said
        });
        report.judge(&name, "get it again; if that does not help, do not install it", found);
    }
    signatures
}

/// The archive of detached signatures: nothing in it leads elsewhere, and those of the RPMs are there.
pub(super) fn archive(report: &mut Report, release: &Release, of_rpms: &BTreeMap<String, Vec<u8>>) {
    for name in release.ending("-signatures.tar.gz") {
        let found = release.read(&name, ARCHIVE).and_then(|bytes| read_archive(&bytes)).and_then(|members| {
            let stored: Vec<Vec<u8>> = members.values().flat_map(|content| openpgp(content)).collect();
            for (rpm, signature) in of_rpms {
                ensure!(stored.contains(signature), "it does not have the signature of {rpm}");
            }
            Ok(format!("has {} files; the signatures of RPMs are in it", members.len()))
        });
        report.judge(&name, "get it again; do not unpack it as it is", found);
    }
}

fn read_archive(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>> {
    let plain = flate2::read::GzDecoder::new(bytes).take(ARCHIVE);
    let mut members = BTreeMap::new();
    for entry in tar::Archive::new(plain).entries().context("it is no archive")? {
        let mut entry = entry.context("it is damaged, or unpacked larger than signatures are")?;
        let name = entry.path()?.to_string_lossy().into_owned();
        ensure!(entry.header().entry_type().is_file(), "{name:?} in it is no plain file");
        let is_below = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
        let is_plain =
            name.starts_with("signatures/") && !name.contains('\\') && !name.chars().any(char::is_control);
        ensure!(is_below && is_plain, "{name:?} in it leads to another folder");
        ensure!(members.len() < 10_000, "it has more files than signatures are");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).context("it is damaged, or unpacked larger than signatures are")?;
        ensure!(members.insert(name.clone(), content).is_none(), "{name:?} is in it twice");
    }
    Ok(members)
}

/// The OpenPGP signatures in a stored file.
fn openpgp(content: &[u8]) -> Vec<Vec<u8>> {
    let stored: Value = serde_json::from_slice(content).unwrap_or_default();
    let armored = stored["signatures"].as_array().into_iter().flatten().filter_map(Value::as_str);
    armored.filter_map(|text| Detached::parse(text.as_bytes()).ok()?.bytes().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::gz;

    fn tar(name: &str, kind: tar::EntryType, size: usize) -> Vec<u8> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(u64::try_from(size).unwrap());
        // The library itself refuses to write such names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        let mut archive = tar::Builder::new(Vec::new());
        archive.append(&header, &*vec![0; size]).unwrap();
        gz(&archive.into_inner().unwrap()).unwrap()
    }

    /// Fails if: an archive that leads elsewhere, has links or unpacks to very much is believed.
    #[test]
    fn refuses_dangerous_archives() {
        use tar::EntryType;
        read_archive(&tar("signatures/a", EntryType::Regular, 5)).unwrap();
        for (name, kind, size, message) in [
            ("../a", EntryType::Regular, 5, "leads to another folder"),
            ("signatures/../../a", EntryType::Regular, 5, "leads to another folder"),
            ("/etc/passwd", EntryType::Regular, 5, "leads to another folder"),
            ("elsewhere/a", EntryType::Regular, 5, "leads to another folder"),
            ("signatures/a\nb", EntryType::Regular, 5, "leads to another folder"),
            ("signatures/a", EntryType::Symlink, 0, "no plain file"),
            ("signatures/a", EntryType::Directory, 0, "no plain file"),
            ("signatures/a", EntryType::Regular, 1 << 26, "larger than signatures"),
        ] {
            let error = format!("{:#}", read_archive(&tar(name, kind, size)).expect_err(name));
            assert!(error.contains(message), "{name:?}: {error}");
        }
        assert!(read_archive(b"nonsense").is_err());
    }
}
