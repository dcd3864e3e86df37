//! `cargo xtask lint`: judges files that are finished, by rules that know nothing of how they were made.

use crate::untrusted;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use windows_installer_lint::{self as lint, Finding};

/// Judges finished files
#[derive(clap::Args)]
pub(crate) struct Lint {
    #[command(subcommand)]
    kind: Kind,
}

/// What is to be judged.
#[derive(clap::Subcommand)]
enum Kind {
    Msi(Msi),
}

/// Judges Windows Installer packages, ours or anybody's, by the rules of docs/msi-lint.md
///
/// Ends with exit code 1 if there is a finding.
#[derive(clap::Args)]
struct Msi {
    /// The packages (.msi)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Writes what was found to this file too, for other programs to read
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Lint {
    pub(crate) fn run(self) -> Result<()> {
        let Kind::Msi(msi) = self.kind;
        msi.run()
    }
}

impl Msi {
    fn run(&self) -> Result<()> {
        // A file that cannot be judged does not keep the others from being judged.
        let judged: Vec<_> = self.files.iter().map(|file| (file.as_path(), judge(file))).collect();
        for (file, result) in &judged {
            print!("{}", summary(file, result));
        }
        if let Some(path) = &self.json {
            let values: Vec<Value> = judged.iter().map(|(file, result)| to_json(file, result)).collect();
            let text = serde_json::to_string_pretty(&values)? + "\n";
            fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        let findings: usize =
            judged.iter().filter_map(|(_, result)| result.as_ref().ok()).map(Vec::len).sum();
        let unreadable = judged.iter().filter(|(_, result)| result.is_err()).count();
        match (findings, unreadable) {
            (0, 0) => Ok(()),
            (_, 0) => bail!("{findings} found: docs/msi-lint.md says what each rule is about"),
            _ => bail!("{unreadable} of {} files could not be judged, as said above", self.files.len()),
        }
    }
}

fn judge(file: &Path) -> Result<Vec<Finding>> {
    let bytes = untrusted::read(file)?;
    lint::lint(&bytes).with_context(|| format!("cannot judge {}", file.display()))
}

/// What people read: every finding, and how many there are of each rule.
fn summary(file: &Path, result: &Result<Vec<Finding>>) -> String {
    let name = file.display();
    let findings = match result {
        Err(error) => return format!("{error:#}\n"),
        Ok(findings) if findings.is_empty() => {
            return format!("{name}: nothing found by {} rules\n", lint::rules().count());
        }
        Ok(findings) => findings,
    };
    let mut text = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        text += &format!("{name}: {finding}\n");
        *counts.entry(finding.rule).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(rule, count)| format!("{count} × {rule}")).collect();
    text + &format!("{name}: {} found ({})\n", findings.len(), counts.join(", "))
}

fn to_json(file: &Path, result: &Result<Vec<Finding>>) -> Value {
    let name = file.display().to_string();
    match result {
        Err(error) => json!({ "file": name, "error": format!("{error:#}") }),
        Ok(findings) => {
            let findings: Vec<Value> = findings
                .iter()
                .map(|finding| {
                    json!({
                        "rule": finding.rule,
                        "table": finding.table,
                        "row": finding.row,
                        "column": finding.column,
                        "message": finding.message,
                    })
                })
                .collect();
            json!({ "file": name, "findings": findings })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a file that cannot be judged passes, or the error does not say which file and why.
    #[test]
    fn says_what_cannot_be_judged() {
        let folder = tempfile::tempdir().unwrap();
        let with = |content: &[u8]| {
            let file = folder.path().join(format!("{}.msi", content.len()));
            fs::write(&file, content).unwrap();
            file
        };
        let compound = || {
            let file = folder.path().join("empty.msi");
            cfb_without_tables(&file);
            file
        };
        for (file, complaint) in [
            (folder.path().join("missing.msi"), "No such file"),
            (with(b""), "no compound file"),
            (with(b"MZ a program, which is not a package at all"), "no compound file"),
            (with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0]), "damaged or truncated"),
            (compound(), "no table _StringPool"),
        ] {
            let json = folder.path().join("out.json");
            let verb = Msi { files: vec![file.clone()], json: Some(json.clone()) };
            assert!(verb.run().is_err(), "{complaint}");
            let text = summary(&file, &judge(&file));
            assert!(text.contains(complaint) && text.contains(&*file.to_string_lossy()), "{text}");
            let written: Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
            assert!(written[0]["error"].as_str().unwrap().contains(complaint), "{written}");
        }
    }

    /// An Office document, say: the smallest compound file, of one sector of each kind.
    fn cfb_without_tables(path: &Path) {
        const FREE: [u8; 4] = u32::MAX.to_le_bytes();
        let mut file = vec![0; 512];
        file[..8].copy_from_slice(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
        file[0x18..0x24].copy_from_slice(&[0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0, 0, 0]);
        file[0x2c] = 1; // sectors of the allocation table
        file[0x30] = 1; // where the directory starts
        file[0x38..0x3c].copy_from_slice(&4096u32.to_le_bytes());
        for at in [0x3c, 0x44] {
            file[at..at + 4].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
        }
        (0x50..512).step_by(4).for_each(|at| file[at..at + 4].copy_from_slice(&FREE));
        let mut table = [0xff; 512];
        table[..8].copy_from_slice(&[0xfd, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff]);
        let mut directory = vec![0; 512];
        let name: Vec<u8> = "Root Entry\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
        directory[..name.len()].copy_from_slice(&name);
        directory[0x40..0x44].copy_from_slice(&[22, 0, 5, 1]);
        (0x44..0x50).for_each(|at| directory[at] = 0xff);
        directory[0x74..0x78].copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
        for at in [128, 256, 384] {
            (at + 0x44..at + 0x50).for_each(|at| directory[at] = 0xff);
        }
        fs::write(path, [file, table.to_vec(), directory].concat()).unwrap();
    }
}
