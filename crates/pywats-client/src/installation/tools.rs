//! Runs the system's own programs, for as long as they may take.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long most of them may take.
pub(super) const USUAL: Duration = Duration::from_secs(60);

/// Why a program did not do what it should.
#[derive(Debug)]
pub(super) enum ToolError {
    /// It is not there.
    Missing,
    /// It did not end in time, and was ended.
    TooLong,
    /// It failed, and said this.
    Failed(String),
}

impl ToolError {
    /// In words.
    pub(super) fn text(self, program: &str) -> String {
        match self {
            ToolError::Missing => format!("the program {program} is not there"),
            ToolError::TooLong => format!("{program} did not end in time"),
            ToolError::Failed(what) => what,
        }
    }
}

/// Runs a program, and gives what it printed.
pub(super) fn run(
    program: &str,
    arguments: &[&str],
    input: &str,
    limit: Duration,
) -> Result<String, ToolError> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::piped());
    let failed = |error: io::Error| ToolError::Failed(format!("{program}: {error}"));
    let mut child = match command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(ToolError::Missing),
        Err(error) => return Err(failed(error)),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // One that does not want it says so by its exit code. It is a few lines, which the pipe holds.
        drop(stdin.write_all(input.as_bytes()));
    }
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if begun.elapsed() > limit => {
                drop(child.kill());
                drop(child.wait());
                return Err(ToolError::TooLong);
            }
            None => thread::sleep(Duration::from_millis(20)),
        }
    };
    let text = |reader: thread::JoinHandle<String>| reader.join().unwrap_or_default();
    let (stdout, stderr) = (text(stdout), text(stderr));
    if status.success() {
        return Ok(stdout);
    }
    let said = if stderr.trim().is_empty() { stdout } else { stderr };
    Err(ToolError::Failed(format!("{program} failed ({status}): {}", said.trim())))
}

fn collect(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(stream) = stream {
            drop(stream.take(16 << 20).read_to_end(&mut bytes));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// Fails if: what a program says is lost, one that hangs is waited for, or one that is missing is not told as such.
    #[test]
    fn programs_are_run() {
        let sh = |script: &str, limit| run("sh", &["-c", script], "in", limit);
        assert_eq!(sh("cat; echo out", USUAL).unwrap(), "inout\n");
        let failed = sh("echo why >&2; exit 3", USUAL).unwrap_err().text("sh");
        assert!(failed.contains("3") && failed.ends_with("why"), "{failed}");
        assert!(matches!(sh("exec sleep 600", Duration::from_millis(50)), Err(ToolError::TooLong)));
        assert!(matches!(run("no-such-program-here", &[], "", USUAL), Err(ToolError::Missing)));
    }
}
