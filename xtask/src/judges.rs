//! Whether a file is signed as it should be, whatever it is for: each part of it is shown to the one who can judge it. Of
//! an archive, that is everything in it that some system would run.

use crate::apple;
use crate::archive::{self, Member};
use crate::authenticode::{self, Osslsigncode, Trust, Verdict};
use crate::untrusted;
use anyhow::Result;
use std::cell::OnceCell;
use std::fs;
use std::path::Path;

/// Who judges, and whom they trust.
pub(crate) struct Judges {
    windows: OnceCell<Osslsigncode>,
    for_windows: Trust,
    for_mac: Trust,
}

impl Judges {
    /// osslsigncode is looked for where something for Windows is first met.
    pub(crate) fn new(for_windows: Trust, for_mac: Trust) -> Judges {
        Judges { windows: OnceCell::new(), for_windows, for_mac }
    }

    /// With that osslsigncode.
    pub(crate) fn with(tool: Osslsigncode, for_windows: Trust) -> Judges {
        Judges { windows: tool.into(), for_windows, for_mac: Trust::default() }
    }

    /// Judges a file, which is shown as `name`.
    ///
    /// # Errors
    /// If it cannot be read, or a judge or roots to judge it by are missing.
    pub(crate) fn judge(&self, name: &str, file: &Path) -> Result<Vec<Verdict>> {
        let bytes = untrusted::read(file)?;
        if let Some(verdicts) = apple::judge(name, &bytes, &self.for_mac)? {
            return Ok(verdicts);
        }
        match archive::members(&bytes)? {
            Some(members) => self.archive(name, &members),
            None => self.for_windows(name, file),
        }
    }

    fn archive(&self, name: &str, members: &[Member]) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for member in members {
            verdicts.extend(self.member(&format!("{name}: {}", member.path), &member.bytes)?);
        }
        if verdicts.is_empty() {
            verdicts.push(Verdict::bad(name, "there is nothing in it that could be signed"));
        }
        Ok(verdicts)
    }

    fn member(&self, name: &str, bytes: &[u8]) -> Result<Vec<Verdict>> {
        let bad = |problem| Ok(vec![Verdict::bad(name, problem)]);
        if archive::is_archive(bytes) {
            return bad("it is an archive in an archive, which is not looked into");
        }
        if let Some(verdicts) = apple::judge(name, bytes, &self.for_mac)? {
            return Ok(verdicts);
        }
        if authenticode::kind::look_at(bytes).kind.is_some() {
            let file = tempfile::NamedTempFile::new()?;
            fs::write(&file, bytes)?;
            return self.for_windows(name, file.path());
        }
        if has_name_of_program(name) {
            return bad("it has the name of a program or installer, but is none");
        }
        Ok(Vec::new())
    }

    fn for_windows(&self, name: &str, file: &Path) -> Result<Vec<Verdict>> {
        let tool = self.windows()?;
        self.for_windows.clone().check()?;
        authenticode::judge(tool, name, file, &self.for_windows)
    }

    /// What judges files for Windows.
    ///
    /// # Errors
    /// If it is not there.
    pub(crate) fn windows(&self) -> Result<&Osslsigncode> {
        if let Some(tool) = self.windows.get() {
            return Ok(tool);
        }
        let found = Osslsigncode::find(&[])?;
        Ok(self.windows.get_or_init(|| found))
    }
}

/// Whether Windows or macOS would run it, going by its name.
fn has_name_of_program(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".exe", ".dll", ".msi", ".pkg", ".dmg"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    /// Fails if: what some system would run out of an archive is passed over because it is packed twice, is of no kind
    /// that is known here, or lies beside something for another system.
    #[test]
    fn passes_nothing_over_in_an_archive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zip");
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in [
            ("LICENSE", &b"text"[..]),
            ("old.EXE", b"a program for something else"),
            ("more.zip", b"PK\x03\x04"),
            ("more.tar.gz", b"\x1f\x8b"),
            ("signed.exe", b"MZ"),
        ] {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        fs::write(&path, archive.finish().unwrap().into_inner()).unwrap();
        let judges = Judges::new(Trust::default(), Trust::default());
        let verdicts = judges.judge("a.zip", &path).unwrap();
        let shown: Vec<String> = verdicts.iter().map(ToString::to_string).collect();
        let none = "it has the name of a program or installer, but is none";
        let packed = "it is an archive in an archive, which is not looked into";
        let expected =
            [("old.EXE", none), ("more.zip", packed), ("more.tar.gz", packed), ("signed.exe", none)];
        let expected =
            expected.map(|(name, problem)| format!("a.zip: {name}: NOT as it should be\n  {problem}"));
        assert_eq!(shown, expected);
    }
}
