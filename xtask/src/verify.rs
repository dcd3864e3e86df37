//! `cargo xtask verify`: whether files are signed as they should be, by whom, when, and with what.

use crate::authenticode::{Osslsigncode, Trust, Verdict, judge};
use crate::process::stop_if_interrupted;
use crate::settings;
use anyhow::{Result, ensure};
use std::path::PathBuf;

/// Says of signed files who signed them, when and with what, and fails unless all is right
///
/// Takes programs (exe, dll), installers (msi) and zip archives, whose programs are looked at. Needs osslsigncode.
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
        self.trust.complete(settings::trust(self.config.as_deref())?);
        self.trust.check()?;
        let tool = Osslsigncode::find(&[])?;
        let mut verdicts = Vec::new();
        for file in &self.files {
            let name = file.display().to_string();
            match judge(&tool, &name, file, &self.trust) {
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
