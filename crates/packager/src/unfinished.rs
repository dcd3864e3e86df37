//! Files that appear whole or not at all: written under another name, then renamed.

use anyhow::{Context, Result, ensure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What the names of unfinished files begin with; a run that was killed may leave some.
pub const PREFIX: &str = ".unfinished-";

/// A file on its way to its name. Dropped before it appears, it leaves nothing behind.
pub struct Unfinished {
    file: NamedTempFile,
    path: PathBuf,
}

impl Unfinished {
    /// Begins the file `name` of `folder`, which is made if need be.
    ///
    /// # Errors
    /// If the folder cannot be made or written.
    pub fn begin(folder: &Path, name: &str) -> Result<Unfinished> {
        let path = folder.join(name);
        let doing = || {
            format!(
                "writing {}: check that {} is a folder that you may write to",
                path.display(),
                folder.display()
            )
        };
        fs::create_dir_all(folder).with_context(doing)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        let file = builder.tempfile_in(folder).with_context(doing)?;
        Ok(Unfinished { file, path })
    }

    /// What to write to.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Where it is as long as it has not appeared.
    pub(crate) fn unfinished_path(&self) -> &Path {
        self.file.path()
    }

    /// What is being done, for errors.
    pub(crate) fn doing(&self) -> String {
        format!("writing {}", self.path.display())
    }

    /// Makes the content last, readable for everyone whatever the umask says. What can fail fails here.
    ///
    /// # Errors
    /// If it cannot be written, or a directory has its name.
    pub fn seal(&self) -> Result<()> {
        ensure!(!self.path.is_dir(), "{}: a directory has this name; move it away", self.doing());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let readable = fs::Permissions::from_mode(0o644);
            self.file().set_permissions(readable).with_context(|| self.doing())?;
        }
        self.file().sync_all().with_context(|| self.doing())
    }

    /// Lets the sealed file appear and returns its path.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn appear(self) -> Result<PathBuf> {
        let doing = self.doing();
        self.file.persist(&self.path).context(doing)?;
        Ok(self.path)
    }
}

/// A file with this content that only waits for its name.
///
/// # Errors
/// If it cannot be written, or a directory has its name.
pub fn prepare(folder: &Path, name: &str, content: &[u8]) -> Result<Unfinished> {
    use std::io::Write as _;
    let unfinished = Unfinished::begin(folder, name)?;
    unfinished.file().write_all(content).with_context(|| unfinished.doing())?;
    unfinished.seal()?;
    Ok(unfinished)
}

/// Writes a text file of a folder.
pub(crate) fn write_text(folder: &Path, name: &str, text: &str) -> Result<()> {
    prepare(folder, name, text.as_bytes())?.appear()?;
    Ok(())
}
