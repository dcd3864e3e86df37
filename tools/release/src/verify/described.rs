//! What describes the files: `artifacts.json`, the signed statement of their provenance, and bills of materials.
//!
//! Specified by [in-toto](https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md),
//! [CycloneDX](https://cyclonedx.org/docs/1.6/json/) and [SPDX 2.3](https://spdx.github.io/spdx-spec/v2.3/).

use super::release::Release;
use super::report::{Outcome, Report};
use crate::openpgp::{PublicKey, date};
use crate::{dsse, signatures};
use anyhow::{Context, Result, anyhow, bail, ensure};
use packager::Artifacts;
use packager::artifacts::LIST;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How files were made, as [SLSA](https://slsa.dev/spec/v1.0/provenance) has it.
const SLSA: &str = "https://slsa.dev/provenance/v1";

const AGAIN: &str =
    "get the file again; if that does not help, do not use these files, and tell who published them";

/// `artifacts.json`, if it is right.
pub(super) fn artifacts(report: &mut Report, release: &Release) -> Artifacts {
    if release.intact(LIST).is_empty() {
        report.add(LIST, Outcome::NotChecked, "the release has none that is what the list says");
        return Artifacts::default();
    }
    let list = release.read(LIST, 1 << 26).and_then(|_| Artifacts::load(&release.folder));
    let list = list.map(Option::unwrap_or_default);
    let agrees = list.as_ref().map_err(|error| anyhow!("{error:#}")).and_then(|artifacts| {
        agree(artifacts, release)?;
        Ok(format!("agrees with the files of {} artifacts", artifacts.0.len()))
    });
    report.judge(LIST, AGAIN, agrees);
    // What a list of the release says of programs counts also where a file is not what it says.
    list.unwrap_or_default()
}

/// Refuses a list that says something else of files than they are.
fn agree(artifacts: &Artifacts, release: &Release) -> Result<()> {
    for (name, artifact) in &artifacts.0 {
        release.is(name, &artifact.sha256)?;
        let size = std::fs::metadata(release.folder.join(name))?.len();
        ensure!(size == artifact.size, "it says that {name} has {} bytes, and it has {size}", artifact.size);
        for part in artifact.made_from.iter().filter(|part| part.file != *name) {
            // What is released only inside another file has no file of its own.
            if release.digests.contains_key(&part.file) {
                release.is(&part.file, &part.sha256).with_context(|| format!("of what {name} is made"))?;
            }
        }
    }
    Ok(())
}

/// Which version it is; a release under the address of another one is an old one that somebody passes off as new.
pub(super) fn version(report: &mut Report, artifacts: &Artifacts, address: &str) {
    let versions: BTreeSet<&str> = artifacts.0.values().map(|artifact| artifact.version.as_str()).collect();
    if versions.is_empty() {
        return;
    }
    let found = versions.iter().copied().collect::<Vec<_>>().join(", ");
    let tag = address
        .split_once("/download/v")
        .or_else(|| address.split_once("/tag/v"))
        .map(|(_, rest)| rest.split('/').next().unwrap_or_default());
    let judged = match tag {
        _ if versions.len() > 1 => Err(anyhow!("it has artifacts of several versions: {found}")),
        Some(tag) if tag != found => Err(anyhow!("it is {found}, and its address says {tag}")),
        _ => Ok(format!("is {found}")),
    };
    report.judge("the version", "do not use these files, and tell who published them", judged);
}

/// The provenance of the files.
pub(super) fn provenance(report: &mut Report, release: &Release, key: &PublicKey, artifacts: &Artifacts) {
    let names = release.intact(".intoto.jsonl");
    if names.is_empty() {
        report.add(
            "provenance",
            Outcome::NotChecked,
            "the release has no *.intoto.jsonl that is what the list says",
        );
    }
    for name in names {
        let mut subjects = BTreeSet::new();
        let found = statement(release, &name, key, artifacts).map(|(named, time, commit)| {
            subjects = named;
            let (day, count) = (date(time.into()), subjects.len());
            format!("signed on {day}; agrees with {count} files, made of the commit {commit}")
        });
        let advice =
            "get it again; if that does not help, do not trust what it says of how the files were made";
        if report.judge(&name, advice, found) {
            let others: Vec<_> = artifacts
                .0
                .keys()
                .filter(|artifact| !subjects.contains(*artifact))
                .map(String::as_str)
                .collect();
            if !others.is_empty() {
                let said = format!("it says nothing of {}", others.join(", "));
                report.add(name, Outcome::NotChecked, said);
            }
        }
    }
}

/// The names of the files that a statement is about, which are what it says, when it was signed, and the commit that it
/// names.
fn statement(
    release: &Release,
    name: &str,
    key: &PublicKey,
    artifacts: &Artifacts,
) -> Result<(BTreeSet<String>, u32, String)> {
    let text = String::from_utf8(release.read(name, 1 << 26)?).context("it is no text")?;
    let (payload, signature) = dsse::open(&text, key)?;
    let time = key.check_time(&signature, signatures::now()?)?;
    let statement: Value = serde_json::from_slice(&payload).context("the statement in it is no JSON")?;
    let kind = statement["_type"].as_str().unwrap_or_default();
    ensure!(
        kind.starts_with("https://in-toto.io/Statement/"),
        "it has something else than a statement of in-toto in it"
    );
    let mut names = BTreeSet::new();
    for subject in statement["subject"].as_array().context("its statement is about nothing")? {
        let (Some(name), Some(digest)) = (subject["name"].as_str(), subject["digest"]["sha256"].as_str())
        else {
            bail!("a subject of its statement has no name, or no SHA-256")
        };
        release.is(name, digest)?;
        names.insert(name.to_owned());
    }
    ensure!(!names.is_empty(), "its statement is about nothing");
    let kind = statement["predicateType"].as_str().unwrap_or_default();
    ensure!(kind == SLSA, "it says {kind:?} of the files, and not how they were made ({SLSA})");
    let parameters = &statement["predicate"]["buildDefinition"]["externalParameters"];
    let tag = parameters["ref"].as_str().unwrap_or_default();
    for artifact in artifacts.0.values() {
        ensure!(
            tag == format!("refs/tags/v{}", artifact.version),
            "it says that the files were made of {tag:?}, and {LIST} that they are {}",
            artifact.version
        );
    }
    let commit = parameters["commit"].as_str().unwrap_or("that it does not name");
    Ok((names, time, commit.to_owned()))
}

/// The bills of materials.
pub(super) fn materials(report: &mut Report, release: &Release, artifacts: &Artifacts) {
    type Described = fn(&Value) -> Result<Vec<String>>;
    let kinds: [(&str, Described); 2] = [(".cdx.json", of_cyclonedx), (".spdx.json", of_spdx)];
    let programs = || artifacts.0.values().flat_map(|artifact| &artifact.programs);
    let programs: BTreeMap<&str, String> = programs()
        .map(|program| (program.sha256.as_str(), format!("{} for {}", program.name, program.target)))
        .collect();
    // An artifact can have a bill of its own, as the disk of an appliance has.
    let files = artifacts.0.iter().map(|(file, artifact)| (artifact.sha256.as_str(), file.clone()));
    let known: BTreeMap<&str, String> = files.chain(programs.clone()).collect();
    for (end, described) in kinds {
        let names = release.intact(end);
        if programs.is_empty() {
            let said = format!("without {LIST} it is not known which programs there are");
            report.add(format!("*{end}"), Outcome::NotChecked, said);
            continue;
        }
        if names.is_empty() {
            report.add(
                format!("*{end}"),
                Outcome::NotChecked,
                "the release has none that is what the list says",
            );
            continue;
        }
        let mut all = BTreeSet::new();
        for name in names {
            let found = release.json(&name).and_then(|bill| described(&bill)).and_then(|digests| {
                ensure!(!digests.is_empty(), "it does not say by SHA-256 what it is about");
                let named = digests.iter().map(|digest| {
                    let what = known.get(digest.as_str()).map(String::as_str);
                    what.with_context(|| {
                        format!("it is about {digest}, and neither a file nor a program of {LIST} has this SHA-256")
                    })
                });
                let named = named.collect::<Result<Vec<_>>>()?.join(", ");
                all.extend(digests);
                Ok(format!("is about {named}"))
            });
            report.judge(&name, AGAIN, found);
        }
        let others: Vec<_> = programs
            .iter()
            .filter(|(digest, _)| !all.contains(**digest))
            .map(|(_, name)| name.as_str())
            .collect();
        if !others.is_empty() {
            report.add(
                format!("*{end}"),
                Outcome::NotChecked,
                format!("there is none about {}", others.join(", ")),
            );
        }
    }
}

/// The digests of the component that a bill of CycloneDX is about.
fn of_cyclonedx(bill: &Value) -> Result<Vec<String>> {
    ensure!(bill["bomFormat"] == "CycloneDX", "it is no bill of CycloneDX");
    let hashes = bill["metadata"]["component"]["hashes"].as_array();
    let hashes = hashes.into_iter().flatten().filter(|hash| hash["alg"] == "SHA-256");
    Ok(hashes.filter_map(|hash| hash["content"].as_str()).map(str::to_lowercase).collect())
}

/// The digests of the packages that a bill of SPDX is about.
fn of_spdx(bill: &Value) -> Result<Vec<String>> {
    ensure!(
        bill["spdxVersion"].as_str().is_some_and(|it| it.starts_with("SPDX-2.")),
        "it is no bill of SPDX 2"
    );
    let array = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let mut described = array(&bill["documentDescribes"]);
    let relations = array(&bill["relationships"]).into_iter();
    described.extend(
        relations
            .filter(|it| it["relationshipType"] == "DESCRIBES")
            .map(|it| it["relatedSpdxElement"].clone()),
    );
    let packages = array(&bill["packages"]).into_iter().chain(array(&bill["files"]));
    let packages = packages.filter(|package| described.contains(&package["SPDXID"]));
    let sums =
        packages.flat_map(|package| array(&package["checksums"])).filter(|sum| sum["algorithm"] == "SHA256");
    let mut digests: Vec<_> =
        sums.filter_map(|sum| sum["checksumValue"].as_str().map(str::to_lowercase)).collect();
    digests.dedup();
    Ok(digests)
}
