//! `cargo xtask verify`: whether files are signed as they should be, by whom, when, and with what.
//!
//! `osslsigncode` judges signatures, chains and time stamps; what it lets pass, such as SHA-1, is refused here.

use crate::sign::kind::{self, Kind};
use crate::sign::osslsigncode::Osslsigncode;
use crate::sign::signature::Signature;
use anyhow::{Context, Result, bail, ensure};
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
    /// Refuses certificates that are not there: the program that looks for them would not say so.
    ///
    /// # Errors
    /// If a file is missing.
    pub(crate) fn check(&self) -> Result<()> {
        for file in [&self.ca_file, &self.tsa_ca_file].into_iter().flatten() {
            ensure!(file.is_file(), "there is no file {} with certificates", file.display());
        }
        Ok(())
    }
}

impl Verify {
    pub(crate) fn run(self) -> Result<()> {
        self.trust.check()?;
        let tool = Osslsigncode::find(None)?;
        let mut verdicts = Vec::new();
        for file in &self.files {
            verdicts.extend(judge(&tool, &file.display().to_string(), file, &self.trust)?);
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
/// If it cannot be read, or is of no kind that can be signed.
pub(crate) fn judge(tool: &Osslsigncode, name: &str, file: &Path, trust: &Trust) -> Result<Vec<Verdict>> {
    let look = kind::look(file)?;
    match look.kind {
        Some(Kind::Archive) => judge_archive(tool, name, file, trust),
        Some(_) if !look.is_signed => Ok(vec![Verdict::new(name, vec!["it is not signed".to_owned()], None)]),
        Some(_) => Ok(vec![judge_signed(tool, name, file, trust)?]),
        None => bail!("{name} is neither a program for Windows, nor an installer (msi), nor a zip archive"),
    }
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
        if matches!(kind::look_at(&bytes).kind, Some(Kind::Program | Kind::Installer)) {
            let path = folder.path().join(index.to_string());
            fs::write(&path, bytes)?;
            verdicts.extend(judge(tool, &inner, &path, trust)?);
        }
    }
    if verdicts.is_empty() {
        verdicts.push(Verdict::new(
            name,
            vec!["there is nothing in it that could be signed".to_owned()],
            None,
        ));
    }
    Ok(verdicts)
}

fn judge_signed(tool: &Osslsigncode, name: &str, file: &Path, trust: &Trust) -> Result<Verdict> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("signature.pem");
    let signature = match tool.extract(file, &path).and_then(|()| Signature::read(&path)) {
        Ok(signature) => signature,
        Err(error) => {
            crate::process::stop_if_interrupted()?;
            return Ok(Verdict::new(name, vec![format!("its signature cannot be read: {error:#}")], None));
        }
    };
    let mut problems = signature.weak.clone();
    let (lines, ended) = tool.verify(file, trust)?;
    problems.extend(explain(&lines, ended.err().map(|error| format!("{error:#}")), &signature));
    Ok(Verdict::new(name, problems, Some(signature)))
}

/// What osslsigncode says, and what that means.
const MEANINGS: &[(&str, &str)] = &[
    ("MISMATCH!!!", "it was changed after it was signed, or the signature is that of another file"),
    (
        "certificate has expired",
        "the certificate has expired, and no valid time stamp says that it was signed before",
    ),
    ("certificate is not yet valid", "the certificate was not valid yet when it was signed"),
    ("certificate revoked", "the certificate was revoked"),
    ("self-signed certificate", "nobody who is trusted vouches for the certificate (--ca-file names others)"),
    (
        "unable to get local issuer certificate",
        "nobody who is trusted vouches for the certificate (--ca-file names others)",
    ),
    (
        "unable to get issuer certificate",
        "nobody who is trusted vouches for the certificate (--ca-file names others)",
    ),
];

/// What is wrong, as far as osslsigncode can tell. `failure` is how it ended, if not well.
fn explain(lines: &[String], failure: Option<String>, signature: &Signature) -> Vec<String> {
    let mut problems = Vec::new();
    // It lets a bad time stamp pass as long as the certificate is valid. A description may hold any text, so
    // that no line may say "failed" and one must say "ok".
    let stamps: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("Timestamp Server Signature verification: "))
        .collect();
    // It does not come to the time stamp when something else is wrong before.
    let came_to_it = !stamps.is_empty() || failure.is_none();
    if let Some(stamp) = signature.time_stamp.as_ref().filter(|_| came_to_it)
        && (stamps.is_empty() || stamps.iter().any(|outcome| *outcome != "ok"))
    {
        problems.push(format!(
            "the time stamp of {} is not by somebody who is trusted (--tsa-ca-file names others), or is for something else",
            stamp.authority
        ));
    }
    if let Some(failure) = failure {
        let before = problems.len();
        for (words, meaning) in MEANINGS {
            let is_new = !problems.iter().any(|problem| problem == meaning);
            if is_new && lines.iter().any(|line| line.contains(words)) {
                problems.push((*meaning).to_owned());
            }
        }
        if problems.len() == before {
            problems.push(failure);
        }
    }
    problems
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
