//! `cargo xtask verify`: whether files are signed as they should be, by whom, when, and with what.
//!
//! `osslsigncode` judges signatures, chains and time stamps; what it lets pass, such as SHA-1, is refused here.

mod explain;

use crate::process::stop_if_interrupted;
use crate::sign::kind::{self, Kind};
use crate::sign::osslsigncode::Osslsigncode;
use crate::sign::signature::Signature;
use crate::sign::{certificates, config};
use anyhow::{Context, Result, ensure};
pub(crate) use explain::Judgement;
use serde::Serialize;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest program in an archive, in bytes.
const LARGEST: u64 = 1 << 29;

/// Says of signed files who signed them, when and with what, and fails unless all is right
///
/// Takes programs (exe, dll), installers (msi) and zip archives, whose programs are looked at. Needs osslsigncode.
#[derive(clap::Args)]
pub(crate) struct Verify {
    /// The files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The configuration that says whom to trust, by default signing.toml in the workspace, if there is one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    trust: Trust,
    /// Prints the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// Whom to trust.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Trust {
    /// Roots of code signing certificates in PEM, by default the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Roots of time stamp servers in PEM, by default the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) tsa_ca_file: Option<PathBuf>,
    /// Fetches no revocation lists
    #[arg(long)]
    pub(crate) offline: bool,
}

/// What is to be said of one file.
#[derive(Serialize)]
pub(crate) struct Verdict {
    /// The file; one in an archive after the archive.
    file: String,
    /// Whether all is right.
    ok: bool,
    /// What is not.
    problems: Vec<String>,
    /// What the signature says of itself. Of one that is not right, nothing of that need be true.
    signature: Option<Signature>,
}

impl Trust {
    /// Takes what the command line does not say from a configuration.
    pub(crate) fn complete(&mut self, from: config::Trust) {
        self.ca_file = self.ca_file.take().or(from.ca_file);
        self.tsa_ca_file = self.tsa_ca_file.take().or(from.tsa_ca_file);
    }

    /// Refuses files without certificates: the program that looks for them would not say so.
    ///
    /// # Errors
    /// If a file is missing, or is no such file.
    pub(crate) fn check(&self) -> Result<()> {
        for file in [&self.ca_file, &self.tsa_ca_file].into_iter().flatten() {
            certificates::read(file).context("looking for roots to trust")?;
        }
        Ok(())
    }
}

impl Verify {
    pub(crate) fn run(mut self) -> Result<()> {
        self.trust.complete(config::Trust::load(self.config.as_deref())?);
        self.trust.check()?;
        let tool = Osslsigncode::find(None)?;
        let mut verdicts = Vec::new();
        for file in &self.files {
            let name = file.display().to_string();
            match judge(&tool, &name, file, &self.trust) {
                Ok(found) => verdicts.extend(found),
                Err(error) => {
                    stop_if_interrupted()?;
                    verdicts.push(Verdict::bad(&name, format!("{error:#}")));
                }
            }
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(&verdicts)?);
        } else {
            verdicts.iter().for_each(|verdict| println!("{verdict}"));
        }
        let bad = verdicts.iter().filter(|verdict| !verdict.ok).count();
        ensure!(bad == 0, "{bad} of {} files are not signed as they should be", verdicts.len());
        Ok(())
    }
}

/// Judges a file, which is shown as `name`; of an archive, every program in it.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn judge(tool: &Osslsigncode, name: &str, file: &Path, trust: &Trust) -> Result<Vec<Verdict>> {
    let look = kind::look(file)?;
    Ok(match look.kind {
        Some(Kind::Archive) => judge_archive(tool, name, file, trust)?,
        Some(_) if !look.is_signed => vec![Verdict::bad(name, "it is not signed")],
        Some(_) if look.has_unsigned_bytes => {
            vec![Verdict::bad(name, "it has bytes behind or beside its signature, which that does not cover")]
        }
        Some(_) => vec![judge_signed(tool, name, file, trust)?],
        None => vec![Verdict::bad(
            name,
            "it is neither a program for Windows, nor an installer (msi), nor a zip archive",
        )],
    })
}

/// Fails unless all is right.
///
/// # Errors
/// If something is not; the error says what, file by file.
pub(crate) fn require(verdicts: &[Verdict]) -> Result<()> {
    let bad: Vec<String> = verdicts.iter().filter(|verdict| !verdict.ok).map(ToString::to_string).collect();
    ensure!(bad.is_empty(), "{}", bad.join("\n"));
    Ok(())
}

impl Verdict {
    fn new(name: &str, problems: Vec<String>, signature: Option<Signature>) -> Verdict {
        Verdict { file: name.to_owned(), ok: problems.is_empty(), problems, signature }
    }

    fn bad(name: &str, problem: impl Into<String>) -> Verdict {
        Verdict::new(name, vec![problem.into()], None)
    }
}

fn judge_archive(tool: &Osslsigncode, name: &str, file: &Path, trust: &Trust) -> Result<Vec<Verdict>> {
    let doing = || format!("reading the archive {name}");
    let mut archive = zip::ZipArchive::new(File::open(file).with_context(doing)?).with_context(doing)?;
    let folder = tempfile::tempdir()?;
    let mut verdicts = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index(index).with_context(doing)?;
        let inner = format!("{name}: {}", entry.name().with_context(doing)?);
        let mut bytes = Vec::new();
        entry.take(LARGEST + 1).read_to_end(&mut bytes).with_context(|| format!("unpacking {inner}"))?;
        ensure!(bytes.len() as u64 <= LARGEST, "{inner} is larger than {LARGEST} bytes");
        match kind::look_at(&bytes).kind {
            Some(Kind::Program | Kind::Installer) => {
                let path = folder.path().join(index.to_string());
                fs::write(&path, bytes)?;
                verdicts.extend(judge(tool, &inner, &path, trust)?);
            }
            Some(Kind::Archive) => {
                verdicts
                    .push(Verdict::bad(&inner, "it is an archive in an archive, which is not looked into"));
            }
            None if has_name_of_program(&inner) => {
                verdicts.push(Verdict::bad(&inner, "it has the name of a program or installer, but is none"));
            }
            None => {}
        }
    }
    if verdicts.is_empty() {
        verdicts.push(Verdict::bad(name, "there is nothing in it that could be signed"));
    }
    Ok(verdicts)
}

/// Whether Windows would run it, going by its name.
fn has_name_of_program(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".exe", ".dll", ".msi"].iter().any(|end| name.ends_with(end))
}

fn judge_signed(tool: &Osslsigncode, name: &str, file: &Path, trust: &Trust) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("signature.pem");
    let signature = match tool.extract(file, &path).and_then(|()| Signature::read(&path)) {
        Ok(signature) => signature,
        Err(error) => {
            stop_if_interrupted()?;
            return Ok(Verdict::bad(name, format!("its signature cannot be read: {error:#}")));
        }
    };
    let mut problems = signature.problems.clone();
    problems.extend(signature.time_stamp.iter().flat_map(|stamp| stamp.problems.clone()));
    let (lines, ended) = tool.verify(file, trust)?;
    let judgement = Judgement { lines: &lines, failure: ended.err().map(|error| format!("{error:#}")) };
    problems.extend(judgement.problems(&signature));
    Ok(Verdict::new(name, problems, Some(signature)))
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, if self.ok { "ok" } else { "NOT as it should be" })?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        let Some(signature) = &self.signature else { return Ok(()) };
        write!(f, "\n  signed by {}\n  certificate by {}", signature.signer, signature.issuer)?;
        write!(f, ", until {}\n  digest {}", signature.certificate_expires, signature.digest)?;
        match &signature.time_stamp {
            Some(stamp) => write!(f, "\n  signed before {}, says {}", stamp.time, stamp.authority)?,
            None => write!(f, "\n  no time stamp: it is valid until the certificate expires")?,
        }
        let texts = [("description", &signature.description), ("more at", &signature.url)];
        for (name, text) in texts {
            if let Some(text) = text {
                write!(f, "\n  {name} {text:?}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Fails if: what Windows would run out of an archive is passed over because it is packed twice or is of no kind
    /// that is known here.
    #[test]
    fn passes_nothing_over_in_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, bytes) in [
            ("LICENSE", "text"),
            ("old.EXE", "a program for something else"),
            ("more.zip", "PK\x03\x04"),
            ("signed.exe", "MZ"),
        ] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        let tool = Osslsigncode::of_version(2, 9);
        let verdicts = judge(&tool, "a.zip", &path, &Trust::default()).unwrap();
        let found: Vec<_> = verdicts.iter().map(|verdict| (&*verdict.file, &*verdict.problems[0])).collect();
        let none = "it has the name of a program or installer, but is none";
        assert_eq!(
            found,
            [
                ("a.zip: old.EXE", none),
                ("a.zip: more.zip", "it is an archive in an archive, which is not looked into"),
                ("a.zip: signed.exe", none),
            ]
        );
    }
}
