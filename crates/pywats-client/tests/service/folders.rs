//! Several watch folders, each with its own patterns, ends and priority.

use crate::station::{PATIENCE, Station, report, server, submissions};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use wats_test_server::{Answer, Kind, Server};

/// A station with these folders beside the default one, configured and not started.
fn station(server: &Server, folders: &[Value]) -> Station {
    let station = Station::new();
    configure(&station, server, folders);
    station
}

fn configure(station: &Station, server: &Server, folders: &[Value]) {
    let mut settings = station.settings(server);
    settings["folders"] = folders.into();
    station.configure(&settings);
}

/// What `/health/details` says of a folder.
fn view(station: &Station, name: &str) -> Value {
    let details = station.get("/health/details").json();
    let folders = details["details"]["folders"].as_array().unwrap().clone();
    folders.into_iter().find(|folder| folder["name"] == name).unwrap()
}

fn drop_file(folder: &Path, name: &str, content: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(name), content).unwrap();
}

/// Fails if: a folder does not take what its patterns say and nothing else, its files do not end where it says, or the
/// default folder changes its ways.
#[test]
fn each_folder_has_its_own_ways() {
    let server = server();
    server.always("REFUSED", Answer::status_with_json(400, r#"{"Message":"no such process"}"#));
    let station = Station::new();
    let at = |name: &str| station.dir().join(name);
    let folders = [
        json!({ "name": "ict", "path": at("ict"), "patterns": ["unit-?.log"], "done_folder": at("ict-done"),
                "failed_folder": at("ict-failed") }),
        json!({ "name": "gone", "path": at("gone"), "after_delivery": "delete" }),
        json!({ "name": "kept", "path": at("kept"), "after_delivery": "archive", "look": "polling" }),
    ];
    for name in ["ict", "gone", "kept"] {
        fs::create_dir(at(name)).unwrap();
    }
    configure(&station, &server, &folders);
    // What is not taken is counted when everything is looked at, which is at the start and twice a minute.
    drop_file(&at("ict"), "unit-11.log", &report("NOT MEANT"));
    let mut station = station;
    station.start();
    let at = |name: &str| station.dir().join(name);
    drop_file(&at("ict"), "unit-1.log", &report("ICT"));
    drop_file(&at("ict"), "unit-2.log", &report("REFUSED"));
    drop_file(&at("ict"), "unit-10.log", &report("NOT MEANT"));
    drop_file(&at("gone"), "a.json", &report("GONE"));
    drop_file(&at("kept"), "a.json", &report("KEPT"));
    station.put("a.json", report("DEFAULT"));
    station.wait_for_done(&["a.json"]);
    station.wait("all are at their ends", |station| {
        let names = |name: &str| Station::names(&station.dir().join(name));
        names("ict-done") == ["unit-1.log"]
            && names("ict-failed") == ["unit-2.log", "unit-2.log.reason.json"]
            && names("gone").is_empty()
            && names("kept").is_empty()
            && Station::names(&station.spool()).is_empty()
    });
    let archive = station.data().join("archive");
    let day = archive.join(Station::names(&archive).last().unwrap());
    assert_eq!(Station::names(&day).len(), 1);
    assert_eq!(Station::names(&station.done()), ["a.json"]);
    assert!(Station::names(&station.failed()).is_empty());
    assert_eq!(Station::names(&at("ict")), ["unit-10.log", "unit-11.log"]);
    let mut sent: Vec<String> = submissions(&server).into_iter().map(|(serial, _)| serial).collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent, ["DEFAULT", "GONE", "ICT", "KEPT", "REFUSED"]);
    station.wait("what is not taken is told", |station| {
        view(station, "ict")["not_taken"]["*.log"].as_u64().is_some_and(|count| count > 0)
    });
    let ict = view(&station, "ict");
    assert_eq!((&ict["problem"], &ict["events"]), (&Value::Null, &json!(true)), "{ict}");
    assert_eq!(view(&station, "kept")["events"], false);
    assert_eq!(view(&station, "default")["path"], json!(station.watch()));
    // What was refused in a folder of its own comes back into it.
    server.forgive("REFUSED");
    let output = station.command(&["reprocess", "--from", "failed", "unit-2.log"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    station.wait("it is delivered", |_| Station::names(&at("ict-done")) == ["unit-1.log", "unit-2.log"]);
}

/// Fails if: a folder that is missing, or goes away, keeps others from their work or the service from starting; is not
/// told of; or is not watched when it is there again.
#[test]
fn a_folder_that_is_away_stops_no_other() {
    let server = server();
    let station = Station::new();
    let share = station.dir().join("share");
    let mut station = {
        configure(&station, &server, &[json!({ "name": "share", "path": share })]);
        station
    };
    station.launch();
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
    station.wait_for_reason("share");
    assert!(view(&station, "share")["problem"].as_str().unwrap().contains("create it"));
    assert!(!share.exists(), "a mount point that is missing must not be made");
    drop_file(&share, "b.json", &report("B"));
    station.wait_for_done(&["b.json"]);
    station.wait_until_ready();
    fs::rename(&share, station.dir().join("elsewhere")).unwrap();
    drop_file(&station.dir().join("elsewhere"), "x.json", &report("X"));
    station.put("c.json", report("C"));
    station.wait_for_done(&["c.json"]);
    fs::rename(station.dir().join("elsewhere"), &share).unwrap();
    station.wait_for_done(&["x.json"]);
    assert!(station.stop().success());
}

/// Fails if: reports in sub-folders are not taken, be they there before or come later; a link, a hidden folder or one
/// that is not to be watched is followed; or a folder that has gone is complained of.
#[test]
fn subfolders() {
    let server = server();
    let station = Station::new();
    let tree = station.dir().join("tree");
    let outside = station.dir().join("outside");
    drop_file(&tree.join("monday/late"), "a.json", &report("A"));
    drop_file(&tree.join(".hidden"), "h.json", &report("H"));
    drop_file(&outside, "o.json", &report("O"));
    std::os::unix::fs::symlink(&outside, tree.join("link")).unwrap();
    drop_file(&station.watch().join("sub"), "n.json", &report("N"));
    configure(&station, &server, &[json!({ "name": "tree", "path": tree, "subfolders": true })]);
    let mut station = station;
    station.start();
    station.wait_for_done(&["a.json"]);
    drop_file(&tree.join("tuesday"), "b.json", &report("B"));
    drop_file(&tree, "c.json", &report("C"));
    station.wait_within(PATIENCE * 3, "the new folder is seen", |station| {
        Station::names(&station.done()) == ["a.json", "b.json", "c.json"]
    });
    fs::remove_dir_all(tree.join("monday")).unwrap();
    station.put("d.json", report("D"));
    station.wait_for_done(&["d.json"]);
    station.wait_within(PATIENCE * 3, "nobody misses a folder that was removed", |station| {
        station.get("/health/ready").status == 200
    });
    assert_eq!(server.reports().len(), 4);
    assert!(outside.join("o.json").exists() && tree.join(".hidden/h.json").exists());
}

/// Fails if: two services take files from one folder, the second one does not say so, or does not take over.
#[test]
fn a_folder_has_one_service() {
    let server = server();
    let mut first = Station::new();
    let shared = first.dir().join("shared");
    fs::create_dir(&shared).unwrap();
    let folders = [json!({ "name": "shared", "path": shared })];
    configure(&first, &server, &folders);
    first.start();
    first.wait_until_ready();
    let mut second = station(&server, &folders);
    second.start();
    second.wait_for_reason("another pywats-client watches this folder");
    second.put("own.json", report("OWN"));
    second.wait_for_done(&["own.json"]);
    drop_file(&shared, "a.json", &report("A"));
    first.wait_for_done(&["a.json"]);
    assert!(first.stop().success());
    second.wait_until_ready();
    drop_file(&shared, "b.json", &report("B"));
    second.wait_for_done(&["b.json"]);
}

/// Fails if: what waits is not sent in the order of the folders' priorities once the server answers, or a change of the
/// configuration does not count for what waits already.
#[test]
fn urgent_reports_are_sent_first() {
    let server = server();
    let station = Station::new();
    let urgent = station.dir().join("urgent");
    fs::create_dir(&urgent).unwrap();
    let mut settings = station.settings(&server);
    let there = settings["server"]["url"].take();
    // Nobody answers, so that nothing is known of any report, and none waits for a reason of its own.
    settings["server"]["url"] = "http://127.0.0.1:1".into();
    settings["folders"] = json!([{ "name": "urgent", "path": urgent }]);
    settings["upload"]["concurrency"] = 1.into();
    station.configure(&settings);
    let mut station = station;
    station.start();
    for number in 0..10 {
        station.put(format!("{number}.json"), report(&format!("PLAIN {number}")));
    }
    station.wait_for_pending(10);
    for number in 0..10 {
        drop_file(&urgent, &format!("{number}.json"), &report(&format!("URGENT {number}")));
    }
    station.wait_for_pending(20);
    assert!(station.stop().success());
    settings["folders"][0]["priority"] = 1.into();
    settings["server"]["url"] = there;
    station.configure(&settings);
    station.start();
    server.wait_for_reports_blocking(20, PATIENCE).unwrap();
    let order: Vec<bool> =
        submissions(&server).iter().map(|(serial, _)| serial.starts_with("URGENT")).collect();
    assert_eq!(order, [[true; 10], [false; 10]].concat());
}

/// Fails if: folders that cannot go together are taken, or the reason does not name the one that is wrong.
#[test]
fn folders_that_cannot_go_together_are_refused() {
    let station = Station::new();
    let at = |name: &str| station.dir().join(name);
    for (folders, complaint) in [
        (
            json!([{ "name": "a", "path": station.watch() }]),
            "client.watch_folder and path of the folder a are the same",
        ),
        (
            json!([{ "name": "a", "path": at("a") }, { "name": "b", "path": at("x/../a") }]),
            "path of the folder b",
        ),
        (json!([{ "name": "a", "path": at("a"), "done_folder": at("a") }]), "done_folder of the folder a"),
        (
            json!([{ "name": "a", "path": at("a"), "failed_folder": station.done() }]),
            "failed_folder of the folder a",
        ),
        (
            json!([{ "name": "a", "path": at("t"), "subfolders": true, "done_folder": at("t/done") }]),
            "whose sub-folders",
        ),
        (
            json!([{ "name": "a", "path": station.dir(), "subfolders": true }]),
            "whose sub-folders are watched",
        ),
        (json!([{ "name": "a", "path": at("a"), "prio": 1 }]), "did you mean"),
        (json!([{ "name": "a", "path": at("a"), "priority": 11 }]), "folders[0].priority: not usable"),
    ] {
        fs::create_dir_all(at("a")).unwrap();
        fs::create_dir_all(at("t/done")).unwrap();
        fs::create_dir_all(station.done()).unwrap();
        fs::create_dir_all(station.watch()).unwrap();
        station.configure(&json!({ "folders": folders }));
        let output = station.command(&["check"]).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(text.contains(complaint), "{folders}: {text}");
    }
}

/// Fails if: a report that does not say where it comes from is sent without that, one that says it is changed, what was
/// filled in is not listed beside the file, or what is queued changes with the configuration.
#[test]
fn the_station_is_filled_in_where_a_report_lacks_it() {
    let server = server();
    server.set_for(Kind::Submission, Answer::status(503));
    let station = Station::new();
    let mut settings = station.settings(&server);
    settings["station"] = json!({ "location": "Hall 2", "purpose": "Production", "process_code": 30 });
    station.configure(&settings);
    let mut station = station;
    station.set_env("PYWATS_STATION_NAME", "ICT 7");
    station.set_env("PYWATS_STATION_OPERATOR", "anna");
    station.start();
    station.put("full.json", report("FULL"));
    station.put("bare.json", r#"{"sn": "BARE", "start": "2026-11-22T12:00:00+01:00", "uut": {}}"#);
    station.wait_for_pending(2);
    settings["station"]["location"] = "Hall 3".into();
    station.configure(&settings);
    station.wait("the change is noticed", |station| station.log().contains("starting the pipeline anew"));
    server.set_for(Kind::Submission, None);
    station.wait_for_done(&["full.json", "bare.json"]);
    let sent = |serial: &str| -> Value {
        let mut reports =
            server.reports().into_iter().map(|body| serde_json::from_slice::<Value>(&body).unwrap());
        reports.rfind(|report| report["sn"] == serial).unwrap()
    };
    let bare = sent("BARE");
    let fields = ["machineName", "location", "purpose", "processCode"].map(|field| bare[field].clone());
    assert_eq!(fields, [json!("ICT 7"), json!("Hall 2"), json!("Production"), json!(30)]);
    assert_eq!(bare["uut"]["user"], "anna");
    let full = sent("FULL");
    assert_eq!((&full["machineName"], &full["processCode"]), (&json!("STATION"), &json!(10)));
    let note = fs::read_to_string(station.done().join("bare.json.sent.json")).unwrap();
    for field in ["machineName", "location", "purpose", "processCode", "uut.user"] {
        assert!(note.contains(&format!("{field}: missing; ")), "{field}: {note}");
    }
}

/// Fails if: what a crash has left in the spool without a row does not end where files of its watch folder do, or the
/// original of a copy is taken for another report.
#[test]
fn a_crash_before_the_row_costs_no_report_its_folder() {
    let server = server();
    server.always("REFUSED", Answer::status_with_json(400, r#"{"Message":"no such process"}"#));
    let station = Station::new();
    let (ict, share) = (station.dir().join("ict"), station.dir().join("share"));
    let ends = |name: &str| station.dir().join(name);
    let folders = [
        json!({ "name": "ict", "path": ict, "done_folder": ends("ict-done"), "failed_folder": ends("ict-failed") }),
        json!({ "name": "share", "path": share, "subfolders": true, "done_folder": ends("share-done") }),
    ];
    fs::create_dir(&ict).unwrap();
    configure(&station, &server, &folders);
    // The name of the file in the spool, what is in it, and the name of its original, if it is there still.
    let id = |number: u8| format!("00000000-0000-4000-8000-00000000000{number}");
    let original = |folder: &Path, name: &str| Some(folder.join(name));
    for (spooled, content, original) in [
        (format!("{}~a.json", id(1)), report("DEFAULT"), None),
        (format!("{}@ict~a.json", id(2)), report("ICT"), None),
        (format!("{}@ict~b.json", id(3)), report("REFUSED"), None),
        (format!("{}@ict~c.json", id(4)), "[1]".to_owned(), None),
        (format!("{}@gone~d.json", id(5)), report("GONE"), None),
        (format!("{}+~e.json", id(6)), report("COPY"), original(&station.watch(), "e.json")),
        (format!("{}@share+~f.json", id(7)), report("NESTED"), original(&share.join("sub"), "f.json")),
    ] {
        drop_file(&station.spool(), &spooled, &content);
        if let Some(original) = original {
            drop_file(original.parent().unwrap(), "another.json", &report("BESIDE"));
            fs::write(original, content).unwrap();
        }
    }
    let mut station = station;
    station.start();
    let names = |folder: &str| Station::names(&station.dir().join(folder));
    station.wait("all are at their ends", |station| {
        Station::names(&station.done()) == ["a.json", "another.json", "d.json", "e.json"]
            && names("ict-done") == ["a.json"]
            && names("ict-failed") == ["b.json", "b.json.reason.json", "c.json", "c.json.reason.json"]
            && names("share-done") == ["another.json", "f.json"]
            && Station::names(&station.watch()).is_empty()
            && names("share/sub").is_empty()
    });
    assert!(Station::names(&station.failed()).is_empty());
    let mut sent = submissions(&server);
    sent.retain(|(serial, _)| serial != "BESIDE");
    sent.sort();
    let expected = [("COPY", 6), ("DEFAULT", 1), ("GONE", 5), ("ICT", 2), ("NESTED", 7), ("REFUSED", 3)];
    assert_eq!(sent, expected.map(|(serial, number)| (serial.to_owned(), id(number))));
}
