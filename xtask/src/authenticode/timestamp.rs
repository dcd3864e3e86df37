//! Time stamps: several servers are asked in order, all of them several times, until one answers as it should.

use super::osslsigncode::Osslsigncode;
use super::trust::Trust;
use crate::process;
use crate::untrusted;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Who stamps the time, and how patiently to ask.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timestamp {
    /// Addresses of RFC 3161 servers, the first one first.
    pub(crate) servers: Vec<String>,
    /// How often all of them are asked.
    pub(crate) attempts: u32,
    /// How long to wait before all are asked again, in seconds; doubled each time.
    pub(crate) pause_seconds: u64,
    /// How long one may take to answer.
    pub(crate) timeout_seconds: u64,
}

impl Default for Timestamp {
    fn default() -> Timestamp {
        Timestamp { servers: Vec::new(), attempts: 3, pause_seconds: 2, timeout_seconds: 30 }
    }
}

impl Timestamp {
    /// Refuses what cannot work.
    ///
    /// # Errors
    /// If an address is none, or has a password in it.
    pub(crate) fn check(&self) -> Result<()> {
        for server in &self.servers {
            // First, and without showing it: it is a secret.
            ensure!(!server.contains('@'), "timestamp.servers: an address must not have a password in it");
            ensure!(
                ["http://", "https://"].iter().any(|scheme| server.starts_with(scheme)),
                "timestamp.servers: {server:?} is no http address"
            );
        }
        ensure!((1..=10).contains(&self.attempts), "timestamp.attempts: give a number from 1 to 10");
        ensure!(self.pause_seconds <= 60, "timestamp.pause_seconds: give at most 60");
        ensure!(
            (1..=600).contains(&self.timeout_seconds),
            "timestamp.timeout_seconds: give a number from 1 to 600"
        );
        Ok(())
    }

    /// Adds a time stamp to a signed file and returns the stamped one, which is in `work`. What a server does wrong
    /// is shown.
    ///
    /// # Errors
    /// If no server has answered as it should, or what it answers cannot be written.
    pub(crate) fn add(
        &self,
        tool: &Osslsigncode,
        trust: &Trust,
        is_extended: bool,
        signed: &Path,
        work: &Path,
    ) -> Result<PathBuf> {
        let mut asked = 0;
        let one = |server: &str, limit| {
            asked += 1;
            let stamped = work.join(format!("stamped-{asked}"));
            tool.stamp(server, limit, trust, is_extended, [signed, &stamped])?;
            look_at_stamp(tool, trust, &stamped).map(|()| stamped)
        };
        self.ask(one, || can_write(&untrusted::read(signed)?, work))
    }

    /// Asks one server after the other, all of them several times, until one answers as it should. What a server does
    /// wrong is shown.
    ///
    /// # Errors
    /// If none has, or `can_go_on` says after a failure that none can help.
    pub(crate) fn ask<T>(
        &self,
        mut one: impl FnMut(&str, Duration) -> Result<T>,
        can_go_on: impl Fn() -> Result<()>,
    ) -> Result<T> {
        let limit = Duration::from_secs(self.timeout_seconds);
        for attempt in 1..=self.attempts {
            for server in &self.servers {
                let error = match one(server, limit) {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                };
                process::stop_if_interrupted()?;
                eprintln!("attempt {attempt} of {}: no time stamp from {server}: {error:#}", self.attempts);
                can_go_on()?;
            }
            if attempt < self.attempts {
                wait(Duration::from_secs(self.pause_seconds << (attempt - 1)))?;
            }
        }
        bail!(
            "none of the time stamp servers ({}) answered as it should, though each was asked {} times; try again later, or name others in timestamp.servers or with --timestamp-server",
            self.servers.join(", "),
            self.attempts
        )
    }
}

/// Looks at what a server gave: a stamp for something else would only be noticed at the end, when no other server is
/// asked any more.
fn look_at_stamp(tool: &Osslsigncode, trust: &Trust, stamped: &Path) -> Result<()> {
    let signature = tool.signature(stamped)?;
    let stamp = signature.time_stamp.as_ref().context("there is none in its answer")?;
    ensure!(stamp.fits, "its time stamp is for something else");
    ensure!(stamp.problems.is_empty(), "{}", stamp.problems.join("; "));
    match tool.verify(stamped, trust)?.time_stamp_problem(stamp) {
        Some(problem) => bail!(problem),
        None => Ok(()),
    }
}

/// Whether another such file can be written: if not, no server is to blame, and none can help.
///
/// # Errors
/// If it cannot.
pub(crate) fn can_write(file: &[u8], work: &Path) -> Result<()> {
    let path = work.join("another");
    let written = fs::write(&path, file).with_context(|| {
        format!("{} takes no more files: make room, or name another folder in TMPDIR", work.display())
    });
    // It may be cut off.
    let _ = fs::remove_file(&path);
    written
}

/// Waits, unless interrupted.
fn wait(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::sleep(left.min(Duration::from_millis(100)));
        process::stop_if_interrupted()?;
    }
    Ok(())
}
