//! Time stamps: several servers are asked in order, all of them several times, until one answers as it should.

use super::config::Timestamp;
use super::osslsigncode::Osslsigncode;
use super::signature::Signature;
use crate::process;
use crate::verify::{Judgement, Trust};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Adds a time stamp to a signed file and returns the stamped one, which is in `work`. What a server does wrong is
/// shown.
///
/// # Errors
/// If no server has answered as it should, or what it answers cannot be written.
pub(crate) fn add(
    tool: &Osslsigncode,
    ask: &Timestamp,
    trust: &Trust,
    is_extended: bool,
    signed: &Path,
    work: &Path,
) -> Result<PathBuf> {
    for attempt in 1..=ask.attempts {
        for (index, server) in ask.servers.iter().enumerate() {
            let stamped = work.join(format!("stamped-{attempt}-{index}"));
            let limit = Duration::from_secs(ask.timeout_seconds);
            match add_one(tool, server, limit, trust, is_extended, [signed, &stamped]) {
                Ok(()) => return Ok(stamped),
                Err(error) => {
                    process::stop_if_interrupted()?;
                    eprintln!(
                        "attempt {attempt} of {}: no time stamp from {server}: {error:#}",
                        ask.attempts
                    );
                    can_write(signed, work)?;
                }
            }
        }
        if attempt < ask.attempts {
            wait(Duration::from_secs(ask.pause_seconds << (attempt - 1)))?;
        }
    }
    bail!(
        "none of the time stamp servers ({}) answered as it should, though each was asked {} times; try again later, or name others in timestamp.servers or with --timestamp-server",
        ask.servers.join(", "),
        ask.attempts
    )
}

/// Asks one server, and looks at what it gave: a stamp for something else would only be noticed at the end, when no
/// other server is asked any more.
fn add_one(
    tool: &Osslsigncode,
    server: &str,
    limit: Duration,
    trust: &Trust,
    is_extended: bool,
    [signed, stamped]: [&Path; 2],
) -> Result<()> {
    tool.stamp(server, limit, is_extended, [signed, stamped])?;
    let signature = stamped.with_extension("pem");
    tool.extract(stamped, &signature)?;
    let signature = Signature::read(&signature)?;
    let stamp = signature.time_stamp.as_ref().context("there is none in its answer")?;
    ensure!(stamp.fits, "its time stamp is for something else");
    ensure!(stamp.problems.is_empty(), "{}", stamp.problems.join("; "));
    let (lines, ended) = tool.verify(stamped, trust)?;
    let judgement = Judgement { lines: &lines, failure: ended.err().map(|error| format!("{error:#}")) };
    if let Some(problem) = judgement.time_stamp_problem(stamp) {
        bail!(problem);
    }
    Ok(())
}

/// Whether another file of that size can be written: if not, no server is to blame, and none can help.
fn can_write(signed: &Path, work: &Path) -> Result<()> {
    let path = work.join("another");
    let written = fs::copy(signed, &path).with_context(|| {
        format!("{} takes no more files: make room, or name another folder in TMPDIR", work.display())
    });
    // It may be cut off.
    let _ = fs::remove_file(&path);
    written.map(|_| ())
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
