//! The verbs that ask the running service, who may use them, and what they do when it is down.

use crate::station::{self, NOBODY, Station, report, report_with_id, server};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use wats_test_server::Answer;

/// The account of the service, that of an operator, and the group of operators.
const SERVICE: u32 = 41_241;
const OPERATOR: u32 = 41_242;
const OPERATORS: u32 = 41_243;

/// What a command ended with, and what it said.
struct Said {
    code: i32,
    out: String,
    all: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.all))
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        Said { code: output.status.code().unwrap(), all: format!("{out}\n{err}"), out }
    }
}

fn say(station: &Station, arguments: &[&str]) -> Said {
    station.command(arguments).output().unwrap().into()
}

/// Runs a command as this account and group, which only root can do.
fn say_as(station: &Station, (user, group): (u32, u32), arguments: &[&str]) -> Said {
    station.command(arguments).uid(user).gid(group).output().unwrap().into()
}

/// Waits until the doors are open: a first start makes their folder meanwhile.
fn wait_for_doors(station: &Station) {
    station.wait("doors", |station| {
        ["control.sock", "admin.sock"].iter().all(|door| station.data().join(door).exists())
    });
}

fn write(station: &Station, name: &str, content: &str) -> String {
    let path = station.dir().join(name);
    fs::write(&path, content).unwrap();
    station.set_mode(&path, 0o644);
    path.to_str().unwrap().to_owned()
}

const ID: &str = "01234567-89ab-4def-8123-456789abcdef";

/// Fails if: a report that is sent is not queued and delivered under its name, or its exit code and words do not say
/// what is wrong with one that is not; or `status` says something else than the health endpoints.
#[test]
fn reports_are_sent() {
    let server = server();
    let station = Station::running(&server);
    wait_for_doors(&station);
    let good = write(&station, "good.json", &report_with_id("GOOD", ID));
    let said = say(&station, &["send", &good, "--json"]);
    assert_eq!((said.code, &said.json()["id"]), (0, &json!(ID)), "{}", said.all);
    assert!(Path::new(&good).exists(), "the file is the sender's");
    station.wait_for_done(&["good.json"]);
    let mut child = station
        .command(&["send", "-", "--name", "../x/piped.json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(report("PIPED").as_bytes()).unwrap();
    let said = Said::from(child.wait_with_output().unwrap());
    assert!(said.code == 0 && said.out.starts_with("piped.json: queued"), "{}", said.all);
    station.wait_for_done(&["piped.json"]);
    for (name, content, code, part) in [
        ("bad.json", r#"{"a": 1}"#, 61, "not a WSJF report"),
        ("cut.json", r#"{"type": "T""#, 61, "ends too early"),
        ("other.json", &report_with_id("OTHER", ID), 61, "Give each report an id of its own"),
    ] {
        let said = say(&station, &["send", &write(&station, name, content)]);
        assert!(said.code == code && said.all.contains(part), "{name}: {}", said.all);
        assert!(!said.all.contains("watch folder"), "{name}: it was sent: {}", said.all);
    }
    assert_eq!(say(&station, &["send", "/does/not/exist"]).code, 60);
    station.wait_until_ready();
    let said = say(&station, &["status", "--json"]);
    assert_eq!(said.code, 0, "{}", said.all);
    let details = station.get("/health/details").json();
    for key in ["delivered_count", "failed_count", "config_path", "problems"] {
        assert_eq!(said.json()["details"][key], details["details"][key], "{key}");
    }
    assert!(said.json()["details"]["free_bytes"].is_u64(), "{}", said.all);
    assert!(say(&station, &["status"]).out.contains("2 reports"));
    assert!(Station::names(&station.spool()).is_empty() && Station::names(&station.failed()).is_empty());
}

/// Fails if: a report that waits is not listed as what it is, cannot be tried again at once, or one that is dropped is
/// lost, sent, or does not say so in its reason; or it cannot be taken back.
#[test]
fn the_queue_is_listed_and_changed() {
    let server = server();
    let mut station = Station::new();
    let mut settings = station.settings(&server);
    settings["upload"] = json!({ "retry_initial_seconds": 300, "retry_max_seconds": 3600 });
    station.configure(&settings);
    server.always("ODD", Answer::status(500));
    station.start();
    wait_for_doors(&station);
    station.put("odd.json", report_with_id("ODD", ID));
    station.wait("a suspect", |station| {
        let list = say(station, &["queue", "list", "--json"]).json();
        // Others pass, so that this one waits for a reason of its own.
        station.put("other.json", report("OTHER"));
        list["entries"].as_array().unwrap().iter().any(|one| one["id"] == ID && one["state"] == "suspect")
    });
    station.wait("only the suspect", |station| {
        say(station, &["queue", "list", "--json"]).json()["entries"].as_array().unwrap().len() == 1
    });
    let shown = say(&station, &["queue", "show", &ID[..6]]);
    for part in [ID, "odd.json", "ODD", "suspect", "the server fail"] {
        assert!(shown.out.contains(part), "{part}: {}", shown.all);
    }
    let tries = |station: &Station| {
        let list = say(station, &["queue", "list", "--json"]).json();
        list["entries"][0]["attempts"].as_u64().unwrap_or_default()
    };
    for arguments in [&["queue", "retry", ID][..], &["queue", "retry", "--all"]] {
        let before = tries(&station);
        assert_eq!(say(&station, arguments).code, 0);
        station.wait("tried at once", |station| tries(station) > before);
    }
    for (arguments, code, part) in [
        (&["queue", "show", "zzzz"][..], 2, "no identifier"),
        (&["queue", "drop", "fedc"], 60, "no report waits"),
        (&["queue", "retry"], 2, "name a report"),
        (&["failed", "retry"], 2, "name a report"),
        (&["failed", "retry", "odd.json"], 60, "no such file"),
        (&["reprocess", "--from", "done"], 2, "reprocess --from done report.json"),
        (&["reprocess", "--from", "failed", "--since", "heute"], 2, "--since 2026-11-28"),
    ] {
        let said = say(&station, arguments);
        assert!(said.code == code && said.all.contains(part), "{arguments:?}: {}", said.all);
        assert!(!said.all.contains("of this version"), "{arguments:?}: {}", said.all);
    }
    station.wait("dropped", |station| say(station, &["queue", "drop", ID]).code == 0);
    station.wait_for_failed("odd.json");
    assert!(station.reason("odd.json")["reason"].as_str().unwrap().contains("dropped"));
    assert_eq!(say(&station, &["queue", "list"]).out.trim(), "no report waits");
    let failed = say(&station, &["failed", "list"]);
    assert!(failed.out.contains("odd.json") && failed.out.contains("dropped"), "{}", failed.all);
    server.always("ODD", Answer::Accept);
    let lie_there = |station: &Station| {
        say(station, &["status", "--json"]).json()["details"]["failed_folder_files"].clone()
    };
    assert_eq!(lie_there(&station), 1);
    let said = say(&station, &["failed", "retry", "odd.json"]);
    assert_eq!(said.code, 0, "{}", said.all);
    assert_eq!(lie_there(&station), 0, "it is counted when it is taken back");
    station.wait_for_done(&["odd.json"]);
    let said = say(&station, &["reprocess", "--from", "done", "odd.json"]);
    assert!(said.code == 0 && said.out.contains("back in the watch folder"), "{}", said.all);
}

/// Fails if: a service that is killed right after a drop was confirmed still has the report, or one that was dropped can
/// be dropped again.
#[test]
fn a_drop_outlives_the_service() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    server.set_default(Answer::status(503));
    station.start();
    wait_for_doors(&station);
    let kept = "11111111-89ab-4def-8123-456789abcdef";
    station.put("dropped.json", report_with_id("DROPPED", ID));
    station.put("kept.json", report_with_id("KEPT", kept));
    station.wait_for_pending(2);
    station.wait("dropped", |station| say(station, &["queue", "drop", ID]).code == 0);
    station.kill();
    server.set_default(Answer::Accept);
    let said = say(&station, &["queue", "drop", ID]);
    assert_eq!(said.code, 60, "{}", said.all);
    station.start();
    station.wait_for_done(&["kept.json"]);
    station.wait_for_failed("dropped.json");
    assert!(!server.stored().contains_key(ID));
}

/// Fails if: an operator may do more than look and send, or not that; somebody else may do anything; or who may not is
/// not told who may.
#[test]
fn who_may() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.as_account(SERVICE);
    station.set_mode(&station.config(), 0o644);
    station.set_mode(station.dir(), 0o755);
    // As the folder that the installers make for the sockets.
    std::os::unix::fs::chown(station.data(), None, Some(OPERATORS)).unwrap();
    station.set_mode(&station.data(), 0o2750);
    station.start();
    let file = write(&station, "a.json", &report("A"));
    wait_for_doors(&station);
    for (door, mode) in [("control.sock", 0o660), ("admin.sock", 0o600)] {
        let found = fs::metadata(station.data().join(door)).unwrap();
        assert_eq!(
            (found.permissions().mode() & 0o777, found.uid(), found.gid()),
            (mode, SERVICE, OPERATORS)
        );
    }
    let may = [&["status"][..], &["queue", "list"], &["failed", "list"], &["send", &file]];
    let may_not = [
        &["queue", "retry", "--all"][..],
        &["queue", "drop", ID],
        &["failed", "retry", "--all"],
        &["reprocess", "--from", "done", "--all"],
    ];
    station.wait_until_ready();
    for arguments in may {
        let said = say_as(&station, (OPERATOR, OPERATORS), arguments);
        assert_eq!(said.code, 0, "{arguments:?}: {}", said.all);
    }
    for arguments in may_not {
        let said = say_as(&station, (OPERATOR, OPERATORS), arguments);
        assert!(said.code == 14 && said.all.contains("sudo"), "{arguments:?}: {}", said.all);
    }
    for arguments in may.iter().chain(&may_not) {
        let said = say_as(&station, (NOBODY, NOBODY), arguments);
        assert!(said.code == 14 && said.all.contains("pywats-operators"), "{arguments:?}: {}", said.all);
        // The service's own account, and root.
        for account in [SERVICE, 0] {
            let said = say_as(&station, (account, account), arguments);
            assert!([0, 60].contains(&said.code), "{account} {arguments:?}: {}", said.all);
        }
    }
    station.stop();
    for arguments in [["status"].as_slice(), &["queue", "list"], &["send", &file]] {
        let said = say_as(&station, (OPERATOR, OPERATORS), arguments);
        assert!(said.code == 32 && said.all.contains("start"), "{arguments:?}: {}", said.all);
    }
}

/// Fails if: a socket of another account is used by a client or replaced by the service, or it keeps the service from
/// its work, or nobody is told.
#[test]
fn squatters() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.as_account(SERVICE);
    station.set_mode(&station.config(), 0o644);
    let path = station.data().join("control.sock");
    let squatter = UnixListener::bind(&path).unwrap();
    std::os::unix::fs::chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
    station.set_mode(&path, 0o666);
    station.start();
    station.wait("a note", |station| {
        let details = station.get("/health/details").json();
        let note = details["details"]["notes"]["control"].as_str().unwrap_or_default().to_owned();
        note.contains("control.sock") && note.contains("belongs to the account 65534")
    });
    station.wait_until_ready();
    // Administrators have a door of their own.
    assert_eq!(say(&station, &["status"]).code, 0);
    station.stop();
    assert!(path.exists(), "it is not the service's to remove");
    let said = say(&station, &["status"]);
    assert!(said.code == 1 && said.all.contains("belongs to another account"), "{}", said.all);
    squatter.set_nonblocking(true).unwrap();
    assert!(squatter.accept().is_err(), "nobody talked to it");
}

/// Fails if: what a killed service has left keeps the next one from opening its doors, another one takes the doors of
/// one that lives, or they stay behind when it stops.
#[test]
fn doors_of_the_dead_are_replaced() {
    let server = server();
    let mut station = Station::running(&server);
    wait_for_doors(&station);
    station.kill();
    assert!(station.data().join("control.sock").exists());
    station.start();
    station.wait("doors", |station| say(station, &["status"]).code == 0);
    let before = fs::metadata(station.data().join("admin.sock")).unwrap().ino();
    let second = station.command(&["run"]).env("PYWATS_HEALTH_PORT", "0").output().unwrap();
    assert_eq!(second.status.code(), Some(30), "{second:?}");
    assert_eq!(fs::metadata(station.data().join("admin.sock")).unwrap().ino(), before);
    assert_eq!(say(&station, &["status"]).code, 0);
    station.stop();
    assert!(!station.data().join("control.sock").exists() && !station.data().join("admin.sock").exists());
}

/// Fails if: the doors close while the pipeline is started anew, or are not those of the new data folder.
#[test]
fn doors_stay_open_while_the_pipeline_is_started_anew() {
    let server = server();
    let station = Station::running(&server);
    station.wait("doors", |station| say(station, &["status"]).code == 0);
    let before = fs::metadata(station.data().join("admin.sock")).unwrap().ino();
    let mut settings = station.settings(&server);
    settings["client"] = json!({ "watch_folder": station.dir().join("elsewhere") });
    let seen = station.log().matches("watching ").count();
    station.configure(&settings);
    station.wait("another folder", |station| {
        let said = say(station, &["queue", "list"]);
        assert!(said.code == 0 || said.all.contains("starting"), "{}", said.all);
        station.log().matches("watching ").count() > seen
    });
    assert_eq!(fs::metadata(station.data().join("admin.sock")).unwrap().ino(), before);
    station.wait("answers", |station| say(station, &["status"]).code == 0);
    let file = write(&station, "a.json", &report("A"));
    assert_eq!(say(&station, &["send", &file]).code, 0);
    station.wait_for_done(&["a.json"]);
}

/// Fails if: with the service down root or the account of the service is not answered, root makes a file in the data
/// folder, or what was changed does not hold when the service runs again.
#[test]
fn answers_while_the_service_is_down() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.as_account(SERVICE);
    station.set_mode(&station.config(), 0o644);
    station.set_mode(station.dir(), 0o755);
    server.set_default(Answer::status(503));
    station.start();
    for name in ["a.json", "b.json"] {
        // Owned by the service before it has its name: what has it is claimed at once.
        let path = station.put(format!("{name}.tmp"), report(name));
        std::os::unix::fs::chown(&path, Some(SERVICE), Some(SERVICE)).unwrap();
        fs::rename(&path, station.watch().join(name)).unwrap();
    }
    station.wait_for_pending(2);
    station.stop();
    let file = write(&station, "c.json", &report("c.json"));
    let root = (0, 0);
    let mut id = String::new();
    for (who, arguments, code) in [
        (root, &["status"][..], 32),
        (root, &["queue", "list", "--json"], 0),
        ((SERVICE, SERVICE), &["queue", "list"], 0),
        (root, &["failed", "list"], 0),
        (root, &["queue", "drop", "THE ID"], 0),
        (root, &["queue", "retry", "--all"], 0),
        (root, &["send", &file], 0),
        (root, &["failed", "retry", "--all"], 0),
        (root, &["queue", "drop", ID], 60),
    ] {
        let arguments: Vec<&str> =
            arguments.iter().map(|word| if *word == "THE ID" { id.as_str() } else { word }).collect();
        let said = say_as(&station, who, &arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.all);
        if arguments.contains(&"--json") {
            let list = said.json();
            assert_eq!(list["entries"].as_array().unwrap().len(), 2, "{list}");
            id = list["entries"][0]["id"].as_str().unwrap().to_owned();
        }
        assert_owned(&station.data());
    }
    server.set_default(Answer::Accept);
    station.start();
    station.wait_for_done(&["a.json", "b.json", "c.json"]);
}

/// Fails if: an operator whose report comes slowly takes the room of the administrators.
#[test]
fn operators_do_not_keep_administrators_out() {
    let server = server();
    let station = Station::running(&server);
    wait_for_doors(&station);
    let mut slow = UnixStream::connect(station.data().join("control.sock")).unwrap();
    let size = 8 << 20;
    write!(slow, "POST /v1/reports?name=a.json HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{{")
        .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let started = Instant::now();
    let said = say(&station, &["failed", "retry", "--all"]);
    assert_eq!(said.code, 60, "there is none: {}", said.all);
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
}

/// Fails if: root works in a folder in which another account may put a link to where root is to write.
#[test]
fn root_keeps_out_of_folders_that_others_change() {
    station::needs_root();
    let server = server();
    let station = Station::new();
    station.configure(&station.settings(&server));
    fs::create_dir_all(station.data()).unwrap();
    let elsewhere = station.dir().join("elsewhere");
    fs::write(&elsewhere, "as it was").unwrap();
    symlink(&elsewhere, station.data().join("reserve")).unwrap();
    let group_may_write = |path: &Path| station.set_mode(path, 0o2770);
    let of_somebody = |path: &Path| std::os::unix::fs::chown(path, Some(SERVICE), None).unwrap();
    let spoil: [(&str, &dyn Fn()); 2] = [
        ("a data folder", &|| group_may_write(&station.data())),
        ("a folder above", &|| {
            station.set_mode(&station.data(), 0o755);
            of_somebody(station.dir());
        }),
    ];
    for (what, spoil) in spoil {
        spoil();
        let said = say(&station, &["queue", "list"]);
        assert!(said.code == 1 && said.all.contains("other accounts may change"), "{what}: {}", said.all);
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "as it was", "{what}");
        assert!(!station.data().join("queue.db").exists(), "{what}");
    }
}

/// Everything belongs to the account of the service.
fn assert_owned(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        assert_eq!(found.uid(), SERVICE, "{}", path.display());
        if found.is_dir() {
            assert_owned(&path);
        }
    }
}
