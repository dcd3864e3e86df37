//! Those who are measured, as running programs: the client and the loop, each with folders of its own.

use crate::machine::Usage;
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `user:password`
pub(crate) const TOKEN: &str = "dXNlcjpwYXNzd29yZA==";
/// Waits end as soon as what they wait for is there.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Client,
    Loop,
}

impl Who {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Who::Client => "client",
            Who::Loop => "loop",
        }
    }
}

/// Where programs and scratch folders are.
pub(crate) struct Programs {
    pub(crate) client: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) scratch: PathBuf,
    pub(crate) strace: bool,
}

/// One of them, running. It ends with this, and its folders go.
pub(crate) struct Contestant {
    who: Who,
    /// strace, if it is there.
    child: Child,
    pid: u32,
    port: u16,
    dir: TempDir,
}

impl Contestant {
    /// Starts it, and waits until it takes reports. With `traced`, its syncs are counted.
    pub(crate) fn start(programs: &Programs, who: Who, url: &str, traced: bool) -> Result<Contestant> {
        let dir = tempfile::tempdir_in(&programs.scratch).context("making a folder to measure in")?;
        Contestant::start_in(programs, who, url, traced, dir, &json!([]))
    }

    /// Starts the client in a folder that lies ready, with these watch folders beside the default one.
    pub(crate) fn start_on(
        programs: &Programs,
        url: &str,
        dir: TempDir,
        folders: &Value,
    ) -> Result<Contestant> {
        Contestant::start_in(programs, Who::Client, url, false, dir, folders)
    }

    fn start_in(
        programs: &Programs,
        who: Who,
        url: &str,
        traced: bool,
        dir: TempDir,
        watched: &Value,
    ) -> Result<Contestant> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        for folder in ["watch", "spool", "done", "staging"] {
            fs::create_dir_all(dir.path().join("data").join(folder))?;
        }
        let data = dir.path().join("data");
        let mut command = Command::new(if traced { Path::new("strace") } else { programs.program(who) });
        if traced {
            command.args([
                "-f",
                "--seccomp-bpf",
                "-qq",
                "-e",
                "trace=fsync,fdatasync,sync_file_range,msync",
                "-o",
            ]);
            command.arg(dir.path().join("syncs")).arg(programs.program(who));
        }
        match who {
            Who::Client => {
                let config = dir.path().join("config.json");
                fs::write(&config, settings(&data, url, port, watched).to_string())?;
                command.args(["run", "--config"]).arg(config);
            }
            Who::Loop => {
                let script = dir.path().join("loop.py");
                fs::write(&script, include_str!("loop.py"))?;
                let (host, server_port) =
                    url.trim_start_matches("http://").split_once(':').context("the server has no port")?;
                let folders = ["watch", "spool", "done"].map(|folder| data.join(folder));
                command.arg(script).args(folders).args([host, server_port, TOKEN]);
            }
        }
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_ascii_uppercase();
            if text.starts_with("PYWATS_") || text.ends_with("_PROXY") || text.starts_with("NOTIFY_") {
                command.env_remove(name);
            }
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        // A pipe, so that the log does not count as written.
        command.stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting the {}", who.name()))?;
        let log = dir.path().join("log");
        if let Some(mut stderr) = child.stderr.take() {
            let mut log = File::options().create(true).append(true).open(log)?;
            std::thread::spawn(move || std::io::copy(&mut stderr, &mut log));
        }
        let pid = child.id();
        let mut contestant = Contestant { who, child, pid, port, dir };
        if who == Who::Loop {
            let stdout = contestant.child.stdout.take().context("the loop has no output")?;
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line)?;
            ensure!(line == "ready\n", "the loop did not start: {}", contestant.log());
        } else {
            contestant.wait("the client is alive", |one| {
                one.health("/health").is_some_and(|(code, _)| code == 200)
            })?;
            contestant.wait("the client watches", |one| one.log().contains("watching "))?;
        }
        if traced {
            contestant.pid = child_of(contestant.child.id())?;
        }
        Ok(contestant)
    }

    /// The same with the same folders, started anew; and when it was.
    pub(crate) fn restart(mut self, programs: &Programs, url: &str) -> Result<(Contestant, Instant)> {
        self.end()?;
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir_in(&programs.scratch)?);
        fs::write(dir.path().join("log"), "")?;
        let (who, started) = (self.who, Instant::now());
        let again = Contestant::start_in(programs, who, url, false, dir, &json!([]))?;
        Ok((again, started))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(self.pid)
    }

    /// Writes reports beside the watch folder, so that they can appear in it at once.
    pub(crate) fn stage(&self, reports: impl IntoIterator<Item = (String, String)>) -> Result<Vec<String>> {
        let staging = self.data().join("staging");
        let mut names = Vec::new();
        for (name, report) in reports {
            let mut file = File::create(staging.join(&name)).context("writing a report")?;
            file.write_all(report.as_bytes())?;
            names.push(name);
        }
        // They are not synced: whoever takes a report has to, as the loop has to sync its copy.
        Ok(names)
    }

    /// Renames staged reports into the watch folder.
    pub(crate) fn drop_in(&self, names: &[String]) -> Result<()> {
        let data = self.data();
        for name in names {
            fs::rename(data.join("staging").join(name), data.join("watch").join(name))?;
        }
        Ok(())
    }

    /// Waits until so many files lie in `done/`.
    pub(crate) fn wait_for_done(&self, count: usize) -> Result<()> {
        let done = self.data().join("done");
        let files = || fs::read_dir(&done).map_or(0, Iterator::count);
        self.wait_long(&format!("{count} files in done"), |_| files() >= count)
    }

    /// How many syncs there were so far, if it is traced.
    pub(crate) fn syncs(&self) -> u64 {
        let text = fs::read_to_string(self.dir.path().join("syncs")).unwrap_or_default();
        // A call that another thread interrupted has a second line, `resumed`.
        text.lines().filter(|line| line.contains('(') && !line.contains("resumed")).count() as u64
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Reports that wait, as the client's health endpoint says.
    pub(crate) fn pending(&self) -> Option<u64> {
        let (_, body) = self.health("/health/details")?;
        serde_json::from_str::<Value>(&body).ok()?["details"]["pending_count"].as_u64()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.health("/health/ready").is_some_and(|(code, _)| code == 200)
    }

    fn health(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    pub(crate) fn wait(&self, what: &str, condition: impl Fn(&Contestant) -> bool) -> Result<()> {
        self.wait_within(what, PATIENCE, Duration::from_millis(2), condition)
    }

    /// For what may take many minutes.
    pub(crate) fn wait_long(&self, what: &str, condition: impl Fn(&Contestant) -> bool) -> Result<()> {
        self.wait_within(what, PATIENCE * 60, Duration::from_millis(20), condition)
    }

    fn wait_within(
        &self,
        what: &str,
        limit: Duration,
        pause: Duration,
        condition: impl Fn(&Contestant) -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        while !condition(self) {
            if started.elapsed() > limit {
                let log = self.log();
                let end: Vec<&str> = log.lines().rev().take(10).collect();
                bail!("not within {} s: {what}; the end of the log:\n{}", limit.as_secs(), end.join("\n"));
            }
            std::thread::sleep(pause);
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid)?).context("no process")?;
        // It may have ended by itself.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let until = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() > until {
                self.child.kill()?;
                bail!("the {} does not end", self.who.name());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        if self.end().is_err() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Programs {
    fn program(&self, who: Who) -> &Path {
        match who {
            Who::Client => &self.client,
            Who::Loop => &self.python,
        }
    }
}

fn settings(data: &Path, url: &str, port: u16, folders: &Value) -> Value {
    json!({
        "folders": folders,
        "server": { "url": url, "token": TOKEN, "proxy": "none" },
        "client": { "data_dir": data },
        "upload": { "retry_initial_seconds": 1, "retry_max_seconds": 5 },
        "health": { "port": port },
    })
}

/// The program that strace runs.
fn child_of(tracer: u32) -> Result<u32> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let children =
            fs::read_to_string(format!("/proc/{tracer}/task/{tracer}/children")).unwrap_or_default();
        if let Some(pid) = children.split_whitespace().next().and_then(|pid| pid.parse().ok()) {
            return Ok(pid);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    bail!("strace started nothing")
}
