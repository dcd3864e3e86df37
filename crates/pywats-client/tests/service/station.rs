//! A test station: a data folder, a running `pywats-client`, and what a person would look at.

use serde_json::{Value, json};
use std::cell::OnceCell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wats_test_server::Server;

/// Long enough for a loaded machine, on top of the half minute after which the service looks at everything again; waits
/// end as soon as what they wait for is there.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// `user:password`
pub(crate) const TOKEN: &str = "dXNlcjpwYXNzd29yZA==";
/// An account without any rights, for tests of permissions.
pub(crate) const NOBODY: u32 = 65534;

/// The calls by which files and folders change.
const TRACED: &[&str] = &[
    "open",
    "creat",
    "openat",
    "openat2",
    "close",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "lseek",
    "write",
    "writev",
    "pwrite64",
    "pwritev",
    "pwritev2",
    "ftruncate",
    "truncate",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "fsync",
    "fdatasync",
    "sync",
    "syncfs",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
];

pub(crate) struct Station {
    dir: TempDir,
    child: Option<Child>,
    port: u16,
    env: Vec<(String, String)>,
    account: Option<u32>,
    prepare: Option<fn() -> std::io::Result<()>>,
    trace: Option<PathBuf>,
}

/// What an HTTP request to the health endpoints brought.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Says that a test did not run, where it cannot.
pub(crate) fn needs_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "NOT RUN: this test needs root to use another account; leave it out with --skip"
    );
}

impl Station {
    pub(crate) fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Station {
            dir: tempfile::tempdir().unwrap(),
            child: None,
            port,
            env: Vec::new(),
            account: None,
            prepare: None,
            trace: None,
        }
    }

    /// A running station that is configured for this server.
    pub(crate) fn running(server: &Server) -> Self {
        let mut station = Station::new();
        station.configure(&station.settings(server));
        station.start();
        station
    }

    /// The least that uploads need, with short waits.
    pub(crate) fn settings(&self, server: &Server) -> Value {
        json!({
            "server": { "url": server.url(), "token": TOKEN, "proxy": "none", "timeout_seconds": 1 },
            "upload": { "retry_initial_seconds": 1, "retry_max_seconds": 2 },
        })
    }

    /// A running station that sends so many reports at once.
    pub(crate) fn sending(server: &Server, at_once: u64) -> Self {
        let mut station = Station::new();
        let mut settings = station.settings(server);
        settings["upload"]["concurrency"] = at_once.into();
        station.configure(&settings);
        station.start();
        station
    }

    pub(crate) fn configure(&self, settings: &Value) {
        self.configure_text(settings.to_string());
    }

    pub(crate) fn configure_text(&self, text: impl AsRef<[u8]>) {
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn set_env(&mut self, name: &str, value: impl Into<String>) {
        self.env.push((name.to_owned(), value.into()));
    }

    /// Runs the program without rights from now on. Only root can do that; everyone else has none.
    pub(crate) fn without_rights(&mut self) {
        let root = rustix::process::geteuid().is_root();
        self.account = root.then_some(NOBODY);
        self.give_folders_away();
    }

    fn give_folders_away(&self) {
        for folder in [self.dir.path().to_path_buf(), self.data(), self.watch(), self.done(), self.failed()] {
            fs::create_dir_all(&folder).unwrap();
            std::os::unix::fs::chown(&folder, self.account, self.account).unwrap();
        }
    }

    /// Runs the program under this account from now on, which only root can do.
    pub(crate) fn as_account(&mut self, account: u32) {
        needs_root();
        self.account = Some(account);
        self.give_folders_away();
    }

    /// Runs this in the new process before the program.
    #[cfg(target_os = "linux")]
    pub(crate) fn prepare(&mut self, prepare: fn() -> std::io::Result<()>) {
        self.prepare = Some(prepare);
    }

    /// From now on, what the program does to files is written to this one, by strace.
    #[cfg(target_os = "linux")]
    pub(crate) fn trace(&mut self, into: Option<&Path>) {
        self.trace = into.map(Path::to_owned);
    }

    /// The program, or strace that runs it as the same process.
    pub(crate) fn program(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_pywats-client");
        let Some(into) = &self.trace else { return Command::new(program) };
        // Not every processor has every call.
        let calls = format!("trace=?{}", TRACED.join(",?"));
        let mut command = Command::new("strace");
        command.args(["-D", "-f", "-q", "-y", "-xx", "-ttt", "-s", "99999999", "--seccomp-bpf"]);
        command.args(["-e", &calls, "-e", "signal=none", "-o"]).arg(into).arg(program);
        command
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program();
        command.args(arguments).arg("--config").arg(self.config());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_ascii_uppercase();
            let foreign = ["PYWATS_", "NOTIFY_", "WATCHDOG_", "JOURNAL_"];
            if text.ends_with("_PROXY") || foreign.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.env("PYWATS_DATA_DIR", self.data()).env("PYWATS_HEALTH_PORT", self.port.to_string());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(account) = self.account {
            command.uid(account).gid(account);
        }
        if let Some(prepare) = self.prepare {
            // SAFETY: the functions given here make system calls only, which is allowed after fork.
            unsafe { command.pre_exec(prepare) };
        }
        command
    }

    /// Starts the service and waits until it watches its folder.
    pub(crate) fn start(&mut self) {
        let seen = self.log().matches("watching ").count();
        self.launch();
        self.wait("the service watches", |station| station.log().matches("watching ").count() > seen);
    }

    /// Starts the service.
    pub(crate) fn launch(&mut self) {
        assert!(self.child.is_none(), "already running");
        let log = File::options().create(true).append(true).open(self.log_path()).unwrap();
        self.child = Some(
            self.command(&["run"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap(),
        );
    }

    pub(crate) fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(self.child.as_ref().expect("running"))
    }

    /// The most memory that the service has had so far, in kilobytes; only Linux tells.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Asks the service to stop and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.wait_for_exit()
    }

    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("running");
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > until {
                child.kill().unwrap();
                panic!("does not end; log:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// As a power cut to the process: no time to do anything.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("running");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir().join("config.json")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir().join("data")
    }

    pub(crate) fn watch(&self) -> PathBuf {
        self.data().join("watch")
    }

    /// Where reports wait.
    pub(crate) fn spool(&self) -> PathBuf {
        self.data().join("spool")
    }

    pub(crate) fn done(&self) -> PathBuf {
        self.data().join("done")
    }

    pub(crate) fn failed(&self) -> PathBuf {
        self.data().join("failed")
    }

    fn log_path(&self) -> PathBuf {
        self.dir().join("log")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Begins the log anew.
    pub(crate) fn forget_log(&self) {
        fs::write(self.log_path(), "").unwrap();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Writes a file into the watch folder as a test system does: open, write, close.
    pub(crate) fn put(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) -> PathBuf {
        fs::create_dir_all(self.watch()).unwrap();
        let path = self.watch().join(name.as_ref());
        fs::write(&path, content).unwrap();
        path
    }

    /// Makes a file look as if it was changed that long ago.
    pub(crate) fn set_age(&self, path: &Path, age: Duration) {
        let file = File::options().append(true).open(path).unwrap();
        file.set_modified(std::time::SystemTime::now() - age).unwrap();
    }

    /// Waits until that many reports are queued and not decided.
    pub(crate) fn wait_for_pending(&self, count: u64) {
        self.wait(&format!("{count} reports wait"), |station| {
            station.get("/health/details").json()["details"]["pending_count"] == count
        });
    }

    pub(crate) fn set_mode(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The names in a folder, sorted, but not of what is written beside a delivered file, be it in place or not;
    /// none if there is no folder.
    pub(crate) fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .map(|entries| entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect())
            .unwrap_or_default();
        // What stands beside files without an identifier of their own, which is most of them here.
        names.retain(|name| !name.ends_with(".sent.json") && !name.starts_with(".pywats-"));
        names.sort();
        names
    }

    /// The reason that lies beside a file in the failed folder.
    pub(crate) fn reason(&self, name: &str) -> Value {
        let path = self.failed().join(format!("{name}.reason.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until `condition` holds.
    pub(crate) fn wait(&self, what: &str, condition: impl Fn(&Station) -> bool) {
        self.wait_within(PATIENCE, what, condition);
    }

    /// Waits until `condition` holds, where much has to be done.
    pub(crate) fn wait_within(&self, limit: Duration, what: &str, condition: impl Fn(&Station) -> bool) {
        let until = Instant::now() + limit;
        while !condition(self) {
            assert!(Instant::now() < until, "not in time: {what}; log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn wait_for_done(&self, names: &[&str]) {
        self.wait(&format!("{names:?} in done"), |station| {
            let done = Station::names(&station.done());
            names.iter().all(|name| done.iter().any(|there| there == name))
        });
    }

    pub(crate) fn wait_for_failed(&self, name: &str) {
        self.wait(&format!("{name} in failed"), |station| {
            Station::names(&station.failed()).iter().any(|there| there == name)
        });
    }

    /// Waits until the service is not ready for a reason that contains `part`.
    pub(crate) fn wait_for_reason(&self, part: &str) {
        self.wait(&format!("not ready because of {part:?}"), |station| {
            station.try_get("/health/ready").is_some_and(|answer| {
                answer.status == 503 && answer.json()["reason"].as_str().unwrap_or_default().contains(part)
            })
        });
    }

    pub(crate) fn wait_until_ready(&self) {
        self.wait("ready", |station| {
            station.try_get("/health/ready").is_some_and(|answer| answer.status == 200)
        });
    }

    /// Asks until there is an answer: a service that has just begun does not listen yet.
    pub(crate) fn get(&self, path: &str) -> Answer {
        let answer = OnceCell::new();
        self.wait("the health endpoints answer", |station| {
            station.try_get(path).is_some_and(|got| answer.set(got).is_ok())
        });
        answer.into_inner().expect("it was waited for")
    }

    pub(crate) fn try_get(&self, path: &str) -> Option<Answer> {
        self.request("GET", path)
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn server() -> Server {
    Server::start_with(wats_test_server::Options { token: Some(TOKEN.to_owned()), ..Default::default() })
        .unwrap()
}

/// A small valid report without an identifier.
pub(crate) fn report(serial_number: &str) -> String {
    json!({
        "type": "T", "pn": "BOARD", "sn": serial_number, "rev": "A", "processCode": 10, "result": "P",
        "machineName": "STATION", "location": "Here", "purpose": "Test",
        "start": "2026-11-22T12:00:00+01:00",
        "root": { "stepType": "SequenceCall", "name": "Main", "group": "M", "status": "P", "steps": [] },
    })
    .to_string()
}

/// A valid report with this identifier.
pub(crate) fn report_with_id(serial_number: &str, id: &str) -> String {
    let mut value: Value = serde_json::from_str(&report(serial_number)).unwrap();
    value["id"] = id.into();
    value.to_string()
}

/// Every submission so far, accepted or not, as (serial number, identifier).
pub(crate) fn submissions(server: &Server) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    server
        .received()
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| {
            let value: Value = serde_json::from_slice(&request.body).unwrap();
            (text(&value["sn"]), text(&value["id"]))
        })
        .collect()
}
