//! What the kernel knows of a running process: processor time (`clock_getcpuclockid(3)`), bytes written
//! (`/proc/PID/io`) and memory (`/proc/PID/status`), see `proc(5)`.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// User and system time, of all its threads.
    pub(crate) processor: Duration,
    /// Bytes that it caused to be written to disks, less what was deleted before it was written.
    pub(crate) written: u64,
}

impl Usage {
    pub(crate) fn of(pid: u32) -> Result<Usage> {
        let io = fs::read_to_string(format!("/proc/{pid}/io")).context("reading what a process wrote")?;
        let number = |name| number_after(&io, name).with_context(|| format!("/proc/{pid}/io has no {name}"));
        let written = number("write_bytes:")?.saturating_sub(number("cancelled_write_bytes:")?);
        Ok(Usage { processor: processor_time(pid)?, written })
    }

    pub(crate) fn since(self, before: Usage) -> Usage {
        Usage {
            processor: self.processor.saturating_sub(before.processor),
            written: self.written.saturating_sub(before.written),
        }
    }
}

fn processor_time(pid: u32) -> Result<Duration> {
    let pid = libc::pid_t::try_from(pid)?;
    let mut clock = 0;
    // SAFETY: the call writes one clock's number to the place it is given.
    let failed = unsafe { libc::clock_getcpuclockid(pid, &raw mut clock) };
    ensure!(failed == 0, "process {pid} has no clock of its processor time");
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes one time to the place it is given.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    ensure!(failed == 0, "the processor time of process {pid} cannot be read");
    Ok(Duration::new(u64::try_from(time.tv_sec)?, u32::try_from(time.tv_nsec)?))
}

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Result<Memory> {
        let status =
            fs::read_to_string(format!("/proc/{pid}/status")).context("reading a process's memory")?;
        let bytes = |name| number_after(&status, name).map(|k| k * 1024).context("no memory in the status");
        Ok(Memory { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }
}

fn number_after(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// How many processes wanted to run in the last minute, on average.
pub(crate) fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// The bytes of all files below a folder whose name passes.
pub(crate) fn size_below(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let path = entry.path();
            match entry.metadata() {
                Ok(about) if about.is_dir() => size_below(&path, wanted),
                Ok(about) if wanted(&path) => about.len(),
                _ => 0,
            }
        })
        .sum()
}
