//! `cargo xtask verify`: whether files are signed as they should be, by whom, when, and with what.

use crate::apple;
use crate::authenticode::{self, Osslsigncode, Trust, Verdict};
use crate::process::stop_if_interrupted;
use crate::settings;
use anyhow::{Result, ensure};
use std::cell::OnceCell;
use std::path::PathBuf;

/// Says of signed files who signed them, when and with what, and fails unless all is right
///
/// Takes programs, installers (msi, pkg), disk images (dmg) and archives, whose programs are looked at. For what is for
/// Windows it needs osslsigncode, for macOS openssl.
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

impl Verify {
    pub(crate) fn run(mut self) -> Result<()> {
        let trusted = settings::trust(self.config.as_deref())?;
        let mut for_apple = self.trust.clone();
        for_apple.complete(trusted.apple);
        self.trust.complete(trusted.windows);
        self.trust.check()?;
        let tool = OnceCell::new();
        let mut verdicts = Vec::new();
        for file in &self.files {
            let name = file.display().to_string();
            let judged = match apple::judge(&name, file, &for_apple) {
                Ok(None) => {
                    windows(&tool).and_then(|tool| authenticode::judge(tool, &name, file, &self.trust))
                }
                other => other.map(Option::unwrap_or_default),
            };
            match judged {
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

/// What judges files for Windows, which is needed only where there is one.
fn windows(tool: &OnceCell<Osslsigncode>) -> Result<&Osslsigncode> {
    if let Some(tool) = tool.get() {
        return Ok(tool);
    }
    let found = Osslsigncode::find(&[])?;
    Ok(tool.get_or_init(|| found))
}
