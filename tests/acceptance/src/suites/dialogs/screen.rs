//! A display that nobody sees, and pictures of it for people to look at.

use crate::command::tool;
use crate::products;
use anyhow::{Context, Result};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// How often a picture is taken of what does not stay the same, such as a bar that moves.
const MOST_PICTURES: usize = 5;

/// An X server without hardware, which ends when this is dropped.
pub(super) struct Screen {
    server: Child,
    /// Its name: `:0`.
    pub(super) name: String,
    pictures: PathBuf,
    /// Names of the pictures that were taken.
    taken: RefCell<BTreeSet<String>>,
}

impl Screen {
    /// Starts a display of 800 x 600 pixels. Older pictures are deleted.
    pub(super) fn start() -> Result<Screen> {
        let pictures = products::workspace().join("target/test/dialogs");
        if pictures.exists() {
            fs::remove_dir_all(&pictures).with_context(|| format!("deleting {}", pictures.display()))?;
        }
        fs::create_dir_all(&pictures).with_context(|| format!("creating {}", pictures.display()))?;
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot run `Xvfb`")?;
        let mut number = String::new();
        let output = server.stdout.take().context("Xvfb has no output")?;
        let read = BufReader::new(output).read_line(&mut number);
        let screen =
            Screen { server, name: format!(":{}", number.trim()), pictures, taken: RefCell::default() };
        read.ok().filter(|length| *length > 0).context("Xvfb did not start")?;
        Ok(screen)
    }

    /// Takes a picture, `NN-name.png` in `target/test/dialogs`, unless there is one of that name.
    pub(super) fn picture(&self, name: &str) -> Result<()> {
        let mut taken = self.taken.borrow_mut();
        if !taken.insert(name.to_owned()) {
            return Ok(());
        }
        let file = self.pictures.join(format!("{:02}-{name}.png", taken.len()));
        // What is drawn comes to the display a moment later: the picture is good when it stays the same.
        let mut before = Vec::new();
        for _ in 0..MOST_PICTURES {
            // Without the date, which would make each picture another one.
            tool("import", 20)
                .args(["-window", "root", "-define", "png:exclude-chunks=date,time"])
                .arg(&file)
                .env("DISPLAY", &self.name)
                .run()?;
            let now = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            if now == before {
                break;
            }
            before = now;
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
