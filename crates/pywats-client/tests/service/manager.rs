//! What the operating system sees: signals, systemd's protocol, the health endpoints and their port.

use crate::station::{PATIENCE, Station, report, server};
use rustix::process::Signal;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};
use wats_test_server::Answer;

/// A stand-in for systemd's end of `NOTIFY_SOCKET`.
struct Systemd(UnixDatagram);

impl Systemd {
    fn listen(station: &mut Station) -> Self {
        let path = station.dir().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        station.set_env("NOTIFY_SOCKET", path.to_str().unwrap());
        Systemd(socket)
    }

    /// Reads messages until one contains `wanted`; the time it took.
    fn expect(&self, wanted: &str, within: Duration) -> Option<Duration> {
        let start = Instant::now();
        loop {
            let left = within.checked_sub(start.elapsed()).filter(|left| !left.is_zero())?;
            self.0.set_read_timeout(Some(left)).unwrap();
            let mut message = [0; 4096];
            let Ok(length) = self.0.recv(&mut message) else { continue };
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line.contains(wanted)) {
                return Some(start.elapsed());
            }
        }
    }
}

/// What is in the data folder while no service runs.
const AT_REST: [&str; 7] = ["done", "failed", "queue.db", "queue.lock", "reserve", "spool", "watch"];

/// Fails if: systemd is not told of start, state, reload and stop, or readiness waits for the server.
#[test]
fn systemd_is_told() {
    let mut station = Station::new();
    let systemd = Systemd::listen(&mut station);
    station.start();
    assert!(systemd.expect("READY=1", PATIENCE).is_some(), "ready although there is no server");
    assert!(systemd.expect("STATUS=not ready: no server address", PATIENCE).is_some());
    station.signal(Signal::HUP);
    assert!(systemd.expect("RELOADING=1", PATIENCE).is_some());
    assert!(systemd.expect("READY=1", PATIENCE).is_some());
    station.signal(Signal::TERM);
    assert!(systemd.expect("STOPPING=1", PATIENCE).is_some());
    assert!(station.wait_for_exit().success());
}

/// Fails if: whoever starts or reloads a service that cannot use its queue waits until systemd gives up; or it does not say
/// why, or does not begin once it can.
#[test]
fn a_start_waits_for_no_queue() {
    let mut station = Station::new();
    let systemd = Systemd::listen(&mut station);
    let queue = station.data().join("queue.db");
    fs::create_dir_all(&queue).unwrap();
    station.launch();
    assert!(systemd.expect("READY=1", PATIENCE).is_some());
    assert!(systemd.expect("queue.db", PATIENCE).is_some(), "{}", station.log());
    station.signal(Signal::HUP);
    assert!(systemd.expect("RELOADING=1", PATIENCE).is_some());
    assert!(systemd.expect("READY=1", PATIENCE).is_some());
    fs::remove_dir(&queue).unwrap();
    assert!(systemd.expect("STATUS=not ready: no server address", PATIENCE).is_some(), "{}", station.log());
    assert!(queue.is_file());
}

/// Fails if: systemd does not hear that the service is alive, or hears it while a worker hangs, here in
/// a database that somebody else has locked.
#[test]
fn a_hung_worker_trips_the_watchdog() {
    let mut station = Station::new();
    let systemd = Systemd::listen(&mut station);
    station.set_env("WATCHDOG_USEC", "1500000");
    station.start();
    for _ in 0..3 {
        assert!(systemd.expect("WATCHDOG=1", Duration::from_millis(1500)).is_some(), "in time");
    }
    let database = rusqlite::Connection::open(station.data().join("queue.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    station.put("a.json", report("HANGS"));
    let until = Instant::now() + PATIENCE;
    let silent = loop {
        if systemd.expect("WATCHDOG=1", Duration::from_millis(1500)).is_none() {
            break true;
        }
        if Instant::now() > until {
            break false;
        }
    };
    assert!(silent, "systemd heard of life although the intake hangs");
    assert!(station.log().contains("intake worker hangs"), "{}", station.log());
    database.execute_batch("ROLLBACK").unwrap();
    assert!(systemd.expect("WATCHDOG=1", PATIENCE).is_some(), "alive again");
}

/// Fails if: SIGTERM or SIGINT does not end the service with success and in time, even during an upload
/// that hangs, or the database is left with a log beside it, or the report is lost.
#[test]
fn stopping_is_quick_and_clean() {
    let server = server();
    for signal in [Signal::TERM, Signal::INT] {
        server.set_default(Answer::Hang);
        let mut station = Station::new();
        let mut settings = station.settings(&server);
        settings["server"]["timeout_seconds"] = serde_json::json!(600);
        // The first question would hang, too.
        server.set_default(Answer::Accept);
        station.configure(&settings);
        station.start();
        station.wait_until_ready();
        server.set_default(Answer::Hang);
        let before = server.received().len();
        station.put("a.json", report("HANGS"));
        station.wait("the upload hangs", |_| server.received().len() > before);
        let start = Instant::now();
        station.signal(signal);
        let status = station.wait_for_exit();
        assert!(status.success(), "{status}");
        assert!(start.elapsed() < Duration::from_secs(12), "{:?}", start.elapsed());
        assert_eq!(Station::names(&station.data()), AT_REST);
        server.set_default(Answer::Accept);
        station.start();
        station.wait_for_done(&["a.json"]);
    }
}

/// Fails if: a stop is heard only when a start has failed that takes long, here because somebody else has locked the
/// database; or what had begun to start is not stopped.
#[test]
fn a_stop_is_heard_while_the_service_starts() {
    let mut station = Station::new();
    let systemd = Systemd::listen(&mut station);
    std::fs::create_dir_all(station.data()).unwrap();
    let database = rusqlite::Connection::open(station.data().join("queue.db")).unwrap();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    station.launch();
    station.wait("it is starting", |station| station.data().join("queue.lock").exists());
    station.signal(Signal::TERM);
    assert!(systemd.expect("STOPPING=1", PATIENCE).is_some());
    assert!(!station.log().contains("locked"), "only after the start had failed: {}", station.log());
    // It starts after all, and has to be stopped like any other.
    database.execute_batch("ROLLBACK").unwrap();
    assert!(station.wait_for_exit().success());
    assert!(station.log().contains("watching "), "{}", station.log());
    assert!(station.log().contains("stopped"), "{}", station.log());
    assert_eq!(Station::names(&station.data()), AT_REST);
}

/// Fails if: an endpoint answers the wrong code or content, can be cached, or takes anything but GET.
#[test]
fn health_endpoints() {
    let server = server();
    let station = Station::running(&server);
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
    station.put("b.json", "{}");
    station.wait_for_failed("b.json");
    station.wait_until_ready();
    station.wait("counted", |station| station.get("/metrics").body.contains("pywats_reports_failed_total 1"));
    for (path, status, part) in [
        ("/", 200, r#""status":"ok""#),
        ("/health", 200, r#""status":"ok""#),
        ("/health/live", 200, r#""status":"alive""#),
        ("/health/ready", 200, r#""status":"ready""#),
        ("/health/details", 200, r#""healthy":true"#),
        ("/health/details?x=1", 200, r#""service_status":"Running""#),
        ("/health/details", 200, r#""api_status":"Online""#),
        ("/health/details", 200, "b.json"),
        ("/metrics", 200, "\npywats_reports_delivered_total 1\n"),
        ("/metrics", 200, "# TYPE pywats_reports_pending gauge"),
        ("/nothing", 404, "Not found"),
    ] {
        let answer = station.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body.contains(part), "{path}: {}", answer.body);
        assert!(answer.head.contains("no-store"), "{path}: {}", answer.head);
        let post = station.request("POST", path).unwrap();
        assert_eq!(post.status, 405, "{path}");
        let head = station.request("HEAD", path).unwrap();
        assert_eq!((head.status, head.body.as_str()), (answer.status, ""), "{path}");
        assert!(head.head.to_lowercase().contains("content-length: "), "{path}: {}", head.head);
    }
}

/// Fails if: whoever opens connections and says nothing takes the descriptors that reports need, or keeps others out.
#[test]
fn silent_connections_to_the_health_endpoints() {
    let server = server();
    let station = Station::running(&server);
    station.wait_until_ready();
    let descriptors = || {
        let folder = format!("/proc/{}/fd", station.pid().as_raw_nonzero());
        std::fs::read_dir(folder).unwrap().count()
    };
    let before = descriptors();
    let begin = |_| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", station.port())).unwrap();
        stream.write_all(b"GET /health HTTP/1.1\r\n").unwrap();
        stream
    };
    let silent: Vec<_> = (0..60).map(begin).collect();
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
    assert!(descriptors() < before + 40, "{before}, now {}", descriptors());
    station.wait_until_ready();
    drop(silent);
}

/// Fails if: a port that is in use stops the service, is not reported, or is not taken when it becomes
/// free.
#[test]
fn a_port_in_use_is_waited_for() {
    let server = server();
    let mut station = Station::new();
    let systemd = Systemd::listen(&mut station);
    station.configure(&station.settings(&server));
    let other = TcpListener::bind(("127.0.0.1", station.port())).unwrap();
    station.start();
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
    assert!(station.log().contains("set health.port"), "{}", station.log());
    assert!(systemd.expect("health endpoints cannot listen", PATIENCE).is_some());
    drop(other);
    station.wait_until_ready();
}
