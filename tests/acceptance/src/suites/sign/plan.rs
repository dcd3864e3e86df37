//! The plan: what is made of what is signed, and signers that let everybody wait.

use super::Case;
use super::keys::{command, script};
use super::workshop::{TRIPLE, Workshop, everything, failed_cleanly, files, find, signatures};
use crate::command::said;
use crate::products;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;

pub(super) const CASES: &[(&str, Case)] = &[
    ("an installer's signer answers at the third call", |workshop, folder| waits(workshop, folder, ".msi")),
    ("a program's signer answers at the third call", |workshop, folder| waits(workshop, folder, ".exe")),
    ("what waits takes nothing of an earlier release away", waiting_anew),
];

/// A signing command that lets the file with this ending wait, and notes in a folder what it was asked for.
fn stand_in(workshop: &Workshop, folder: &Path, ending: &str) -> Result<String> {
    let sign = r#"name=$(basename "$1")
        echo "$PYWATS_SIGN_WAITING" >> "$3/$name"
        case $name in *ENDING) if test "$(wc -l < "$3/$name")" -lt 3; then
            echo "the office, request 4711"; exit 75
        fi; esac
        osslsigncode sign OPTIONS -in "$1" -out "$2""#;
    let asked = folder.join("asked");
    fs::create_dir_all(&asked)?;
    let program = script(workshop, folder, "stand-in", &sign.replace("ENDING", ending))?;
    Ok(command(&program, &["{in}", "{out}", &asked.to_string_lossy()]))
}

/// Fails if: a run that waits fails, does not say for what and what is therefore missing, leaves what is ready out, signs
/// again what is signed, or never ends; or the release differs from what comes of its stored signatures.
fn waits(workshop: &Workshop, folder: &Path, ending: &str) -> Result<()> {
    let (out, asked) = (folder.join("out"), folder.join("asked"));
    let configuration = workshop.configure(folder, &stand_in(workshop, folder, ending)?)?;
    let (node, ready, missing) = match ending {
        ".msi" => (
            find(workshop.release()?, ".msi")?.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            &[".exe", "-windows-gnu.zip", ".whl"][..],
            &["gpo-kit", "msi"][..],
        ),
        _ => (
            format!("{TRIPLE}/pywats-client.exe"),
            &[][..],
            &["exe", "gpo-kit", "msi", "wheel-x86_64-windows", "zip"][..],
        ),
    };
    for call in 1..=2 {
        let report = workshop.sign(&configuration, &out).args(everything()?).arg("--json").read()?;
        let report: Value = serde_json::from_str(&report).context("--json prints no JSON")?;
        ensure!(report["waiting"][0]["node"] == *node, "call {call}: {report:#}");
        ensure!(report["waiting"][0]["for"] == "the office, request 4711", "call {call}: {report:#}");
        let names = report["missing"].as_array().into_iter().flatten().map(|one| &one["artifact"]);
        ensure!(names.eq(missing), "call {call}: {report:#}");
        ensure!(report["missing"][0]["waits_for"][0] == *node, "call {call}: {report:#}");
        for name in ready {
            workshop.verify_good(&find(&out, name)?)?;
        }
        let artifacts = report["artifacts"].as_array().map(Vec::len);
        ensure!(artifacts == Some(ready.len()), "call {call}: {report:#}");
    }
    let again = folder.join("again");
    if ready.is_empty() {
        let output = workshop.attach(&workshop.program, &out.join("signatures"), &again).args(everything()?).output()?;
        failed_cleanly(&output, &again, &[&node, "it waits for the office, request 4711"], &[])?;
    }

    let text = workshop.sign(&configuration, &out).args(everything()?).read()?;
    ensure!(!text.contains("waiting"), "it waits still:\n{text}");
    let asked_for = fs::read_to_string(find(&asked, ending)?)?;
    let said = "the office, request 4711";
    ensure!(asked_for == format!("\n{said}\n{said}\n"), "the command was told {asked_for:?}");
    for name in files(&asked)?.iter().filter(|name| !name.to_string_lossy().ends_with(ending)) {
        let lines = fs::read_to_string(asked.join(name))?.lines().count();
        ensure!(lines == 1, "{} was signed {lines} times", name.display());
    }
    let list = fs::read_to_string(signatures(&out)?.join("signatures.json"))?;
    ensure!(!list.contains("waiting"), "something is waited for still:\n{list}");
    workshop.attach(&workshop.program, &out.join("signatures"), &again).args(everything()?).run()?;
    for file in files(&again)? {
        products::compare(&again.join(&file), &out.join(&file))
            .with_context(|| file.display().to_string())?;
    }
    ensure!(files(&again)?.len() == 7, "there are {:?}", files(&again)?);
    Ok(())
}

/// Fails if: signatures of a release are replaced while some of those that follow them are not there yet.
fn waiting_anew(workshop: &Workshop, folder: &Path) -> Result<()> {
    let out = folder.join("out");
    products::copy_sources(workshop.release()?, &out)?;
    let read = |file: &Path| fs::read(out.join(file));
    let before: Vec<_> = files(&out)?.iter().map(|file| read(file)).collect::<std::io::Result<_>>()?;
    let changed = folder.join("changed/pywats-client.exe");
    fs::create_dir(folder.join("changed"))?;
    fs::write(&changed, [fs::read(&workshop.program)?, vec![0; 8]].concat())?;
    workshop.bring_actions(&folder.join("changed"))?;
    let configuration = workshop.configure(folder, &stand_in(workshop, folder, ".msi")?)?;
    let sign = workshop.sign_program(&changed, &out).arg("--config").arg(configuration);
    let output = sign.args(everything()?).output()?;
    ensure!(output.status.code() == Some(1), "it ended with {}\n{}", output.status, said(&output));
    ensure!(said(&output).contains("which would be lost before all of the new ones"), "{}", said(&output));
    let after: Vec<_> = files(&out)?.iter().map(|file| read(file)).collect::<std::io::Result<_>>()?;
    ensure!(before == after, "it changed something");
    Ok(())
}
