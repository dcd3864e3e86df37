//! Whether a program or installer for Windows is signed as it should be.

use super::kind::{self, Kind};
use super::osslsigncode::Osslsigncode;
use super::signature::Signature;
use super::trust::{Roots, Trust};
use crate::apple::Code;
use crate::archive::STRAY;
use crate::process::stop_if_interrupted;
use crate::untrusted;
use anyhow::{Result, ensure};
use serde::Serialize;
use std::path::Path;

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

/// Judges a program or an installer, which is shown as `name`.
///
/// # Errors
/// If it cannot be read, or there are no roots to judge it by.
pub(crate) fn judge(tool: &Osslsigncode, name: &str, file: &Path, trust: &Trust) -> Result<Vec<Verdict>> {
    let bytes = untrusted::read(file)?;
    let look = kind::look_at(&bytes);
    let bad = |problem: &str| Ok(vec![Verdict::bad(name, problem)]);
    match look.kind {
        None => bad(
            "it is nothing that can be signed: a program, an installer (msi, pkg) or a disk image (dmg), or an archive (zip, tar.gz) with such in it",
        ),
        Some(Kind::Program | Kind::Installer) if !look.is_signed => bad("it is not signed"),
        Some(kind) if kind.has_stray_bytes(&bytes) => bad(STRAY),
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
            // Apple does not say how a ticket is made up.
            let ticket =
                if code.ticket { "with a ticket, which only macOS can judge" } else { "without a ticket" };
            write!(f, "\n  code hash {}, {ticket}", code.code_hash)?;
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
