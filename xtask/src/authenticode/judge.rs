//! Whether a file is signed as it should be; of an archive, every program in it.

use super::kind::{self, Kind};
use super::osslsigncode::Osslsigncode;
use super::signature::Signature;
use super::trust::{Roots, Trust};
use crate::apple::Code;
use crate::process::stop_if_interrupted;
use crate::untrusted;
use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

/// The largest program in an archive, in bytes.
const LARGEST: u64 = 1 << 29;

/// What is said of bytes that others may read, and nobody signed.
const STRAY: &str = "it has bytes that belong to none of its parts, so that nothing vouches for them: another file may be glued to it, or hidden in it";

/// What is to be said of one file.
#[derive(Serialize)]
pub(crate) struct Verdict {
    /// The file; one in an archive after the archive.
    file: String,
    /// Whether all is right.
    pub(crate) ok: bool,
    /// What is not.
    problems: Vec<String>,
    /// What the signature says of itself. Of one that is not right, nothing of that need be true.
    signature: Option<Signature>,
    /// What that of something for macOS says besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
}

/// Judges a file, which is shown as `name`; of an archive, every program in it.
///
/// # Errors
/// If it cannot be read, or there are no roots to judge it by.
pub(crate) fn judge(tool: &Osslsigncode, name: &str, file: &Path, trust: &Trust) -> Result<Vec<Verdict>> {
    let bytes = untrusted::read(file)?;
    let look = kind::look_at(&bytes);
    let bad = |problem: &str| Ok(vec![Verdict::bad(name, problem)]);
    match look.kind {
        None => bad("it is neither a program for Windows, nor an installer (msi), nor a zip archive"),
        Some(Kind::Program | Kind::Installer) if !look.is_signed => bad("it is not signed"),
        Some(kind) if kind.has_stray_bytes(&bytes) => bad(STRAY),
        Some(Kind::Archive) => judge_archive(tool, name, &bytes, trust),
        Some(Kind::Program | Kind::Installer) => Ok(vec![judge_signed(tool, name, file, trust)?]),
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
        Verdict { file: name.to_owned(), ok: problems.is_empty(), problems, signature, code: None }
    }

    /// One of something for macOS.
    pub(crate) fn with_code(
        name: &str,
        problems: Vec<String>,
        signature: Option<Signature>,
        code: Code,
    ) -> Verdict {
        Verdict { code: Some(code), ..Verdict::new(name, problems, signature) }
    }

    /// What is not right.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }

    /// One of a file that is not right.
    pub(crate) fn bad(name: &str, problem: impl Into<String>) -> Verdict {
        Verdict::new(name, vec![problem.into()], None)
    }
}

fn judge_archive(tool: &Osslsigncode, name: &str, bytes: &[u8], trust: &Trust) -> Result<Vec<Verdict>> {
    let doing = || format!("reading the archive {name}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).with_context(doing)?;
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
    let signature = match tool.signature(file) {
        Ok(signature) => signature,
        Err(error) => {
            stop_if_interrupted()?;
            return Ok(Verdict::bad(name, format!("its signature cannot be read: {error:#}")));
        }
    };
    if signature.time_stamp.is_some() {
        trust.file(Roots::TimeStamps)?;
    }
    let mut problems = signature.problems.clone();
    problems.extend(signature.time_stamp.iter().flat_map(|stamp| stamp.problems.clone()));
    problems.extend(tool.verify(file, trust)?.problems(&signature));
    Ok(Verdict::new(name, problems, Some(signature)))
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file, if self.ok { "ok" } else { "NOT as it should be" })?;
        for problem in &self.problems {
            write!(f, "\n  {problem}")?;
        }
        if let Some(code) = &self.code {
            let known = [("identifier", &code.identifier), ("team", &code.team)];
            for (name, text) in known {
                if let Some(text) = text {
                    write!(f, "\n  {name} {text}")?;
                }
            }
            let ticket = if code.ticket { "with" } else { "without" };
            write!(f, "\n  code hash {}, {ticket} a ticket of the notary", code.code_hash)?;
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
        let mut archive = zip::ZipWriter::new(fs::File::create(&path).unwrap());
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
