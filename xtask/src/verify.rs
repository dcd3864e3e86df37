//! `cargo xtask verify`: whether files are signed as they should be, by whom, when, and with what.

use crate::authenticode::{Trust, Verdict};
use crate::judges::Judges;
use crate::process::stop_if_interrupted;
use crate::settings;
use anyhow::{Context, Result, ensure};
use std::io::{self, Write};
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
        let judges = Judges::new(self.trust, for_apple);
        let mut verdicts = Vec::new();
        for file in &self.files {
            let name = file.display().to_string();
            let judged = judges.judge(&name, file);
            match judged {
                Ok(found) => verdicts.extend(found),
                Err(error) => {
                    stop_if_interrupted()?;
                    verdicts.push(Verdict::bad(&name, format!("{error:#}")));
                }
            }
        }
        let shown = if self.json {
            format!("{}\n", serde_json::to_string_pretty(&verdicts)?)
        } else {
            verdicts.iter().map(|verdict| format!("{verdict}\n")).collect()
        };
        io::stdout().write_all(shown.as_bytes()).context("showing what was found")?;
        let bad = verdicts.iter().filter(|verdict| !verdict.ok).count();
        ensure!(bad == 0, "{bad} of {} files are not signed as they should be", verdicts.len());
        Ok(())
    }
}
