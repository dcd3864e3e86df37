//! Signing by somebody else's program, such as [jsign](https://ebourg.github.io/jsign/) for keys in a cloud.
//!
//! It is run without a shell. Its environment is that of `cargo xtask sign`, from which it may take what it needs
//! to be let in. It may answer later: then it says so by its exit code.

use crate::process::{self, Failed};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A cloud may want a person to agree.
const LIMIT: Duration = Duration::from_secs(600);

/// By this exit code (`EX_TEMPFAIL` in `sysexits.h`) a command says that somebody has not answered yet.
const NOT_YET: i32 = 75;
/// The environment variable that has what the command waited for, when it is asked again.
const SAID: &str = "PYWATS_SIGN_WAITING";

/// Lets the program sign `from` into `to`. Without `{in}` among its arguments it finds a copy at `to`. If it says that
/// it is to be asked again later, what it waits for is returned: the last line that it prints.
///
/// Whether it left a signature, `is_signed` says.
///
/// # Errors
/// If it fails, or leaves no signature.
pub(crate) fn sign(
    words: &[String],
    [from, to]: [&Path; 2],
    said: Option<&str>,
    is_signed: &dyn Fn() -> bool,
) -> Result<Option<String>> {
    if !words.iter().any(|word| word.contains("{in}")) {
        copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    }
    let (program, arguments) = words.split_first().context("there is no program")?;
    let mut command = Command::new(program);
    for word in arguments {
        command.arg(fill(word, from, to)?);
    }
    command.env(SAID, said.unwrap_or_default()).stdin(Stdio::null());
    let mut last = format!("the signing command {program}");
    let ended = process::run_within(command, Some(LIMIT), |line| {
        eprintln!("  {line}");
        if !line.trim().is_empty() {
            line.trim().clone_into(&mut last);
        }
    });
    if let Err(error) = ended {
        let code = error.downcast_ref::<Failed>().and_then(|failed| failed.status.code());
        return if code == Some(NOT_YET) {
            Ok(Some(last))
        } else {
            Err(error.context("the signing command of the configuration failed"))
        };
    }
    ensure!(
        to.exists() && is_signed(),
        "the signing command of the configuration ({program}) ended well, but left no signature at {{out}}"
    );
    Ok(None)
}

/// Copies a file, or the folder of a bundle.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// An argument with the files in it.
fn fill(word: &str, from: &Path, to: &Path) -> Result<String> {
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).with_context(|| format!("{} is not UTF-8", path.display()))
    };
    // In one go: the name of a folder might contain a placeholder.
    let mut filled = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('{') {
        filled += &rest[..at];
        rest = &rest[at..];
        let (placeholder, path) = [("{in}", from), ("{out}", to)]
            .into_iter()
            .find(|(placeholder, _)| rest.starts_with(placeholder))
            .with_context(|| format!("{word:?} has a brace that begins neither {{in}} nor {{out}}"))?;
        filled += &text(path)?;
        rest = &rest[placeholder.len()..];
    }
    Ok(filled + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a placeholder stays, is filled twice, or a misspelt one is taken for text.
    #[test]
    fn fills_in_the_files() {
        for (word, expected) in [
            ("{in}", Some("/a {out}")),
            ("--in={in},{out}", Some("--in=/a {out},/b")),
            ("plain", Some("plain")),
            ("{output}", None),
            ("{", None),
        ] {
            let filled = fill(word, Path::new("/a {out}"), Path::new("/b"));
            assert_eq!(filled.ok().as_deref(), expected, "{word}");
        }
    }
}
