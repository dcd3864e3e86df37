//! Edits of a checkout, and what has to be made again after each: no less, and no more.

use anyhow::{Context, Result, ensure};
use std::fmt;
use std::fs;
use std::path::Path;

/// An edit of a file, and what it makes necessary.
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    pub(crate) change: Change,
    /// Some of what is watched, in its order.
    pub(crate) rebuilds: &'static [&'static str],
}

/// What is edited.
pub(crate) enum Change {
    /// A comment is added to the end.
    Comment,
    /// A byte is added to the end of a file without comments.
    Byte,
    /// A text is put in place of another.
    Replace(&'static str, &'static str),
}

/// Makes each edit in a checkout, and takes it back. `state` tells for each of what is watched what it is made from, which
/// takes seconds: so edits that must make nothing again are tried all at once, and one by one only if that is not so.
///
/// # Errors
/// If an edit has other consequences than it should.
pub(crate) fn try_all(
    checkout: &Path,
    edits: &[Edit],
    watched: &[&'static str],
    state: impl Fn() -> Result<Vec<String>>,
) -> Result<()> {
    let before = state()?;
    let changed_by = |edits: &[&Edit]| -> Result<Vec<&str>> {
        let mut contents = Vec::new();
        for edit in edits {
            let path = checkout.join(edit.file);
            let content = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            fs::write(&path, edit.apply(content.clone())?)?;
            contents.push((path, content));
        }
        let after = state();
        // The first edit of a file last: it had the file as it was.
        for (path, content) in contents.into_iter().rev() {
            fs::write(&path, content)?;
        }
        let shown = || edits.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let after = after.with_context(|| format!("after {}", shown()))?;
        ensure!(
            [before.len(), after.len()] == [watched.len(); 2],
            "{}: something that is watched is missing",
            shown()
        );
        let changed = watched.iter().zip(before.iter().zip(&after)).filter(|(_, (a, b))| a != b);
        Ok(changed.map(|(name, _)| *name).collect())
    };
    let (idle, mut others): (Vec<_>, Vec<_>) = edits.iter().partition(|edit| edit.rebuilds.is_empty());
    if !changed_by(&idle)?.is_empty() {
        others.extend(idle);
    }
    let mut faults = Vec::new();
    for edit in others {
        let changed = changed_by(&[edit])?;
        if changed != edit.rebuilds {
            faults.push(format!("{edit}: builds {changed:?} again, not {:?}", edit.rebuilds));
        }
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    Ok(())
}

impl Edit {
    /// The content after the edit.
    fn apply(&self, mut content: Vec<u8>) -> Result<Vec<u8>> {
        let comment = if self.file.ends_with(".rs") { "//" } else { "#" };
        match self.change {
            Change::Comment => content.extend(format!("\n{comment} edited\n").bytes()),
            Change::Byte => content.push(b'\n'),
            Change::Replace(from, to) => {
                let text = String::from_utf8(content)?;
                ensure!(text.contains(from), "{} has no {from:?} that could be edited", self.file);
                return Ok(text.replace(from, to).into_bytes());
            }
        }
        Ok(content)
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Comment | Change::Byte => write!(f, "an edit of {}", self.file),
            Change::Replace(from, to) => write!(f, "{to:?} in place of {from:?} in {}", self.file),
        }
    }
}
