//! Runs an installed client against a test server and sends reports through it.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wats_test_server::Server;

/// How long a report may take from the watch folder to the server: emulated processors are slow, and so are machines
/// that do other work. Whoever waits, waits for what he wants to see, and not longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60 * crate::command::LOADED as u64);

/// A report as a WATS server exported it.
pub(crate) fn sample() -> Result<Vec<u8>> {
    let path = crate::products::workspace().join("tests/fixtures/uut-wsjf-export.json");
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

/// The configuration of a client whose data is in `data` and whose server is `url`.
pub(crate) fn configuration(data: &Path, url: &str, health_port: u16) -> Value {
    json!({
        "server": { "url": url, "token": TOKEN, "proxy": "none" },
        "client": { "data_dir": data },
        "upload": { "retry_initial_seconds": 1, "retry_max_seconds": 2 },
        "health": { "port": health_port },
    })
}

/// The token that the tests give to client and server: `user:password` in base64.
pub(crate) const TOKEN: &str = "dXNlcjpwYXNzd29yZA==";

/// A port of the loopback interface that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Puts a report into a watch folder the way careful programs do: under another name, then renamed.
pub(crate) fn drop_report(watch: &Path, name: &str, report: &[u8]) -> Result<()> {
    let (temporary, path) = (watch.join(format!("{name}.tmp")), watch.join(name));
    fs::write(&temporary, report).with_context(|| format!("writing {}", temporary.display()))?;
    fs::rename(&temporary, &path).with_context(|| format!("renaming to {}", path.display()))
}

/// Waits until the server has `count` reports, the last of which must mean the same as `sent`.
pub(crate) fn expect_report(server: &Server, count: usize, sent: &[u8]) -> Result<()> {
    let reports = server.wait_for_reports_blocking(count, PATIENCE)?;
    ensure!(reports.len() == count, "the server has {} reports, not {count}", reports.len());
    let [received, sent] = [&reports[count - 1][..], sent].map(serde_json::from_slice::<Value>);
    let (received, sent) = (received.context("what arrived is no JSON")?, sent?);
    ensure!(received == sent, "what arrived differs from what was sent:\n{received}\n{sent}");
    Ok(())
}

/// Waits for a file to appear.
pub(crate) fn expect_file(path: &Path) -> Result<()> {
    wait_until(|| path.exists()).with_context(|| format!("{} did not appear", path.display()))
}

/// Waits for a condition, for [`PATIENCE`] at most.
pub(crate) fn wait_until(mut condition: impl FnMut() -> bool) -> Result<()> {
    let started = Instant::now();
    while !condition() {
        ensure!(started.elapsed() < PATIENCE, "not within {} s", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// The status code and body of a health endpoint.
pub(crate) fn health(port: u16, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("nobody answers on the health port")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let code = answer.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((code.context("the health port does not speak HTTP")?, body.to_owned()))
}

/// A running client, ended when dropped.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts `program run` (under `runner`, such as an emulator) with a configuration file.
    pub(crate) fn start(runner: &[&OsStr], program: &Path, config: &Path, log: PathBuf) -> Result<Running> {
        let words = [runner, &[program.as_os_str()]].concat();
        let output = fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(["run", "--config"]).arg(config);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PYWATS_"))
        {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Running { child, log })
    }

    /// Asks it to stop, as a service manager does, and expects it to end well.
    pub(crate) fn stop(mut self) -> Result<()> {
        crate::command::tool("kill", 5).arg("-TERM").arg(self.child.id().to_string()).run()?;
        let mut status = None;
        let ended = wait_until(|| {
            status = self.child.try_wait().ok().flatten();
            status.is_some()
        });
        match (ended, status) {
            (Ok(()), Some(status)) if status.success() => Ok(()),
            (_, status) => bail!("the client did not stop well ({status:?})\n{}", self.log_tail()),
        }
    }

    /// The end of what it logged.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        format!("the client's log:\n{}", lines[lines.len().saturating_sub(30)..].join("\n"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
