//! Running other programs for a long time: their output is watched, kept for the error message, and an
//! interrupt ends them and everything they started.

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How long a program that has ended may be silent before its output counts as read: what it started may keep it open.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a line begins that cargo prints for machines. Errors for people do not show it.
pub(crate) const MESSAGE: &str = "{\"reason\":";

/// How many of the last lines of a program's output an error shows.
const LINES_SHOWN: usize = 60;

/// How a program failed, for those who know what its exit codes mean: `error.downcast_ref::<Failed>()`.
#[derive(Debug)]
pub(crate) struct Failed {
    /// How it ended.
    pub(crate) status: ExitStatus,
    text: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failed {}

/// From now on Ctrl-C, SIGTERM and SIGHUP let the running step clean up instead of ending the process.
pub(crate) fn catch_interrupts() {
    // Fails only if called twice; then the first handler is as good.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst));
}

/// Whether the user asked to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// An error if the user asked to stop. Called between steps.
pub(crate) fn stop_if_interrupted() -> Result<()> {
    if interrupted() {
        bail!("interrupted");
    }
    Ok(())
}

/// Runs a program to its end, giving each line it prints to `watch`.
///
/// # Errors
/// If it cannot be started or fails: with the command and the end of its output. If interrupted: after
/// the program and its descendants are gone.
pub(crate) fn run(mut command: Command, watch: impl FnMut(&str)) -> Result<()> {
    command.stdin(Stdio::null());
    run_within(command, None, watch)
}

/// Runs a program as [`run`] does, but leaves its standard input as it is set, and ends the program when it
/// takes longer than `limit`.
///
/// # Errors
/// As [`run`], and if it took too long.
pub(crate) fn run_within(
    mut command: Command,
    limit: Option<Duration>,
    mut watch: impl FnMut(&str),
) -> Result<()> {
    let shown = show(&command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    in_session(&mut command);
    let started = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start `{shown}`"))?;
    // It may hold one end of a pipe that the program waits on.
    drop(command);
    let (sender, lines) = mpsc::channel();
    if let Some(stream) = child.stdout.take() {
        forward_lines(stream, sender.clone());
    }
    if let Some(stream) = child.stderr.take() {
        forward_lines(stream, sender);
    }
    let mut last = VecDeque::with_capacity(LINES_SHOWN);
    // Since when it has ended and said nothing.
    let mut ended: Option<Instant> = None;
    loop {
        match lines.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => {
                watch(&line);
                if !line.starts_with(MESSAGE) {
                    if last.len() == LINES_SHOWN {
                        last.pop_front();
                    }
                    last.push_back(line);
                }
                ended = ended.map(|_| Instant::now());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if interrupted() {
            end_group(&mut child);
            bail!("interrupted while running `{shown}`");
        }
        if ended.is_none() && child.try_wait().is_ok_and(|status| status.is_some()) {
            ended = Some(Instant::now());
        }
        if let Some(ended) = ended {
            if ended.elapsed() > PATIENCE {
                break;
            }
            continue;
        }
        if let Some(limit) = limit.filter(|limit| started.elapsed() > *limit) {
            end_group(&mut child);
            let output = Vec::from(last).join("\n    ");
            bail!("`{shown}` did not end within {} s; its output:\n    {output}", limit.as_secs());
        }
    }
    let status = child.wait().with_context(|| format!("waiting for `{shown}`"))?;
    if !status.success() {
        let output = Vec::from(last).join("\n    ");
        let text = format!("`{shown}` failed ({status}); the end of its output:\n    {output}");
        return Err(Failed { status, text }.into());
    }
    Ok(())
}

/// Lets a program run in a session of its own: an interrupt reaches what it starts, such as compilers that cargo
/// started, and nothing asks the terminal for passwords, where the question would be stopped and wait for ever.
fn in_session(command: &mut Command) {
    let begin = || {
        rustix::process::setsid()?;
        Ok(())
    };
    // SAFETY: between fork and exec only setsid is called, which is safe there and touches no memory.
    unsafe { command.pre_exec(begin) };
}

/// A command as one would type it, without its environment (which may hold secrets).
pub(crate) fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| {
            let word = word.to_string_lossy();
            if word.is_empty() || word.contains([' ', '\'', '"', '\\', '$']) {
                format!("'{}'", word.replace('\'', r"'\''"))
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn forward_lines(stream: impl Read + Send + 'static, to: Sender<String>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        while let Ok(1..) = reader.read_until(b'\n', &mut line) {
            if to.send(String::from_utf8_lossy(&line).trim_end().to_owned()).is_err() {
                break;
            }
            line.clear();
        }
    });
}

fn end_group(child: &mut Child) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    // Errors mean that the group is gone already.
    let _ = kill_process_group(group, Signal::TERM);
    for _ in 0..50 {
        if let Ok(Some(_)) = child.try_wait() {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails if: a failing program's command, status or output is missing from the error, or output is lost.
    #[test]
    fn shows_what_failed() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo first; echo second >&2; exit 3"]);
        let error = run(command, |line| seen.push(line.to_owned())).unwrap_err().to_string();
        seen.sort();
        assert_eq!(seen, ["first", "second"]);
        for part in ["sh -c 'echo first", "exit status: 3", "first", "second"] {
            assert!(error.contains(part), "{error}");
        }
        let missing = run(Command::new("no-such-program"), |_| {}).unwrap_err();
        assert!(format!("{missing:#}").contains("cannot start `no-such-program`"), "{missing:#}");
    }

    /// Fails if: what a program leaves in the background, such as an agent that holds keys, delays it or makes a failure
    /// of its success, or its own last lines are lost.
    #[test]
    fn waits_for_nobody_in_the_background() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 30 & echo $!; seq 5000"]);
        let started = Instant::now();
        let mut lines = Vec::new();
        let ended = run_within(command, Some(Duration::from_secs(10)), |line| lines.push(line.to_owned()));
        ended.unwrap();
        assert!(started.elapsed() < Duration::from_secs(10), "it was waited for");
        assert_eq!(lines.len(), 5001);
        let left = Pid::from_raw(lines[0].parse().unwrap()).unwrap();
        rustix::process::kill_process(left, Signal::KILL).unwrap();
    }

    /// Fails if: a program that hangs is waited for, or what it started outlives it.
    #[test]
    fn ends_what_takes_too_long() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo working; sleep 100 & wait"]);
        let started = Instant::now();
        let error = run_within(command, Some(Duration::from_millis(300)), |_| {}).unwrap_err().to_string();
        assert!(error.contains("did not end within") && error.contains("working"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10), "it was waited for");
    }
}
