//! Files that are not what they should be.

use crate::station::{PATIENCE, Station, report, report_with_id, server, submissions};
use std::fs::{self, File};
use std::time::Duration;

/// Fails if: a file that is no report is lost, is put aside without a reason that names field or place
/// and says what to do, or keeps good ones from passing.
#[test]
fn unusable_files_are_put_aside_with_a_reason() {
    let server = server();
    let station = Station::running(&server);
    let good = report("GOOD");
    // The name, the content, and what the reason must say.
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("damaged.json", good.replacen(':', ";", 1).into_bytes(), "line 1"),
        ("no-unit.json", good.replace(r#""sn":"GOOD","#, "").into_bytes(), "\"sn\""),
        ("no-object.json", b"[1, 2, 3]".to_vec(), "object"),
        ("wrong-field.json", good.replace(r#""sn":"GOOD""#, r#""sn":true"#).into_bytes(), "\"sn\""),
        ("missing-field.json", good.replace(r#""sn":"GOOD","#, "").into_bytes(), "\"sn\""),
        ("binary.json", vec![0xff, 0x00, 0x80, 0x01], ""),
        ("deep.json", "[".repeat(200_000).into_bytes(), ""),
    ];
    for (name, content, _) in &cases {
        station.put(name, content);
    }
    station.put("good.json", &good);
    station.wait_for_done(&["good.json"]);
    for (name, content, complaint) in &cases {
        station.wait_for_failed(name);
        assert_eq!(&fs::read(station.failed().join(name)).unwrap(), content, "{name} as it was");
        let reason = station.reason(name);
        assert_eq!(reason["stage"], "intake");
        assert_eq!(reason["file"], *name);
        assert!(reason["reason"].as_str().unwrap().contains(complaint), "{name}: {reason}");
        assert!(reason["what_to_do"].as_str().unwrap().contains("watch folder"), "{reason}");
    }
    assert_eq!(Station::names(&station.watch()), [""; 0]);
    assert_eq!(submissions(&server).len(), 1);
}

/// Fails if: a text that ends too early is put aside before its writer had the time that is configured,
/// over a restart too, or stays forever, or its reason does not say so; or if it is not taken once it is
/// complete, in the watch folder or in the failed folder.
#[test]
fn incomplete_files_wait_for_the_rest() {
    let server = server();
    let mut station = Station::running(&server);
    let text = report("REST");
    let half = &text.as_bytes()[..text.len() / 2];
    for (name, content) in
        [("fresh.json", half), ("empty.json", b""), ("old.json", half), ("older.json", b"")]
    {
        station.put(name, content);
    }
    station.put("good.json", report("GOOD"));
    station.wait_for_done(&["good.json"]);
    station.stop();
    // As if the service had been stopped for as long.
    station.set_age(&station.watch().join("old.json"), Duration::from_secs(11 * 60));
    station.set_age(&station.watch().join("older.json"), Duration::from_secs(11 * 60));
    station.set_age(&station.watch().join("fresh.json"), Duration::from_secs(9 * 60));
    station.start();
    station.wait_for_failed("old.json");
    station.wait_for_failed("older.json");
    assert_eq!(Station::names(&station.watch()), ["empty.json", "fresh.json"]);
    for (name, why) in [("old.json", "ends too early"), ("older.json", "the file is empty")] {
        let reason = station.reason(name);
        let told = reason["reason"].as_str().unwrap();
        assert!(told.contains(why) && told.contains("10 minutes"), "{reason}");
        assert!(reason["what_to_do"].as_str().unwrap().contains("where it is now"), "{reason}");
    }
    station.wait("those that wait are shown", |station| {
        station.get("/health/details").json()["details"]["not_taken"]["incomplete reports"] == 2
    });
    let status = String::from_utf8(station.command(&["status"]).output().unwrap().stdout).unwrap();
    for name in ["empty.json", "fresh.json"] {
        assert!(
            status.contains(&format!("default: {name}: it is empty, or its text ends too early")),
            "{status}"
        );
    }
    // Completed where they are: one in the watch folder, one in the failed folder.
    station.put("fresh.json", report("FRESH"));
    fs::write(station.failed().join("old.json"), report("OLD")).unwrap();
    station.wait_for_done(&["fresh.json", "old.json"]);
    assert_eq!(Station::names(&station.failed()), ["older.json", "older.json.reason.json"]);
    let mut sent: Vec<String> = submissions(&server).into_iter().map(|(sn, _)| sn).collect();
    sent.sort();
    assert_eq!(sent, ["FRESH", "GOOD", "OLD"]);
}

/// Fails if: files that are unusable cost a good one its turn, or one of them is lost.
#[test]
fn a_good_report_passes_many_unusable_ones() {
    let server = server();
    let station = Station::running(&server);
    for number in 0..500 {
        station.put(format!("bad{number}.json"), "{]");
    }
    let start = std::time::Instant::now();
    station.put("good.json", report("GOOD"));
    server.wait_for_reports_blocking(1, PATIENCE).unwrap();
    let put_aside = Station::names(&station.failed()).len();
    // On a loaded machine the time says little, the order does.
    assert!(
        start.elapsed() < Duration::from_secs(5) || put_aside < 400,
        "sent after {:?}, when {put_aside} were put aside already",
        start.elapsed()
    );
    station.wait("all are put aside", |station| Station::names(&station.watch()).is_empty());
    assert_eq!(Station::names(&station.failed()).len(), 1000, "each with its reason");
}

/// Fails if: a huge file is read into memory, is lost, or its reason does not name the limit.
#[test]
fn huge_files_are_not_read() {
    let server = server();
    let station = Station::running(&server);
    let huge = station.dir().join("huge");
    File::create(&huge).unwrap().set_len(200 << 20).unwrap();
    fs::rename(huge, station.watch().join("huge.json")).unwrap();
    station.wait_for_failed("huge.json");
    assert_eq!(fs::metadata(station.failed().join("huge.json")).unwrap().len(), 200 << 20);
    let reason = station.reason("huge.json")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("209715200") && reason.contains("67108864"), "{reason}");
    #[cfg(target_os = "linux")]
    assert!(station.peak_memory() < 150 << 10, "peak memory {} kB", station.peak_memory());
}

/// Fails if: a file that may not be read is lost, moved or not reported, is complained of every time it
/// is tried, or is not taken once it may be read.
#[test]
fn unreadable_files_stay_until_they_can_be_read() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.without_rights();
    station.set_mode(&station.config(), 0o644);
    station.start();
    let secret = station.dir().join("locked.tmp");
    fs::write(&secret, report("LOCKED")).unwrap();
    station.set_mode(&secret, 0o000);
    fs::rename(&secret, station.watch().join("locked.json")).unwrap();
    station.wait_for_reason("locked.json");
    station.put("next.json", report("NEXT"));
    station.wait_for_done(&["next.json"]);
    assert_eq!(Station::names(&station.watch()), ["locked.json"]);
    std::thread::sleep(std::time::Duration::from_secs(11));
    assert_eq!(station.log().matches("cannot be read").count(), 1, "said once:\n{}", station.log());
    station.set_mode(&station.watch().join("locked.json"), 0o644);
    station.wait_for_done(&["locked.json"]);
    station.wait_until_ready();
}

/// Fails if: names that are hard to write keep a report from passing, or files that are not meant for
/// the service are touched.
#[test]
fn names() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let server = server();
    let station = Station::running(&server);
    let foreign = [".hidden.json", "a.json.tmp", "b.part", "c.txt", "d.json.reason.json", "json"];
    for name in foreign {
        station.put(name, "left alone");
    }
    fs::create_dir_all(station.watch().join("folder.json")).unwrap();
    fs::write(station.watch().join("folder.json/inner.json"), report("INNER")).unwrap();
    let long = format!("{}.json", "x".repeat(250));
    let wanted: [&[u8]; 6] = [
        b"UPPER.JSON",
        b"sp ace.WSJF",
        b"line\nbreak.json",
        b"not\xff\xfeutf8.json",
        b"..dots.json",
        long.as_bytes(),
    ];
    for name in wanted {
        station.put(OsStr::from_bytes(name), report("NAMED"));
    }
    station.wait("all but the hidden one arrive", |_| server.reports().len() == wanted.len() - 1);
    station.wait("all are moved", |station| Station::names(&station.done()).len() == wanted.len() - 1);
    assert!(station.done().join(OsStr::from_bytes(b"not\xff\xfeutf8.json")).exists());
    let mut left: Vec<&str> = foreign.into_iter().chain(["folder.json", "..dots.json"]).collect();
    left.sort_unstable();
    assert_eq!(Station::names(&station.watch()), left);
    station.wait_until_ready();
}

/// Fails if: what nobody takes is not shown by kind and count, is told more than once, or a report under
/// another ending gets no hint.
#[test]
fn what_nobody_takes_is_shown() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    for name in ["a.xml", "b.xml", "c.csv", "README"] {
        station.put(name, "left alone");
    }
    station.put("report.txt", report("HIDDEN"));
    station.put("unit.sent.json", report("HIDDEN"));
    station.put("unit.json.reason.json", "{}");
    fs::create_dir_all(station.watch().join("folder")).unwrap();
    station.start();
    let shown =
        |station: &Station, what: &str| station.get("/health/details").json()["details"][what].clone();
    station.wait("the kinds are shown", |station| {
        shown(station, "not_taken")
            == serde_json::json!({ "*.csv": 1, "*.txt": 1, "*.xml": 2, "*.sent.json": 1,
                "*.reason.json": 1, "files without ending": 1, "folders": 1 })
    });
    station.wait("the hint", |station| {
        shown(station, "notes")["not_taken"].as_str().is_some_and(|text| text.contains("report.txt"))
    });
    station.put("good.json", report("GOOD"));
    station.wait_for_done(&["good.json"]);
    station.wait_until_ready();
    let diagnosis = station.command(&["diagnose"]).output().unwrap();
    let text = String::from_utf8(diagnosis.stdout).unwrap();
    assert!(text.contains("2 *.xml") && text.contains("report.txt"), "{text}");
}

/// Fails if: an identifier is used for two reports without a word, or a corrected report may not come
/// back, or an equal one is not sent again; or the settings about identifiers do nothing.
#[test]
fn one_identifier_is_one_report() {
    let server = server();
    let mut station = Station::running(&server);
    let id = "11111111-2222-4333-8444-555555555555";
    let corrected = report_with_id("UNIT", id).replace(r#""result":"P""#, r#""result":"F""#);
    let later = report_with_id("UNIT", id).replace("12:00:00", "12:00:01");
    station.put("first.json", report_with_id("UNIT", id));
    station.wait_for_done(&["first.json"]);
    station.put("equal.json", report_with_id("UNIT", id));
    station.put("corrected.json", corrected);
    station.wait_for_done(&["equal.json", "corrected.json"]);
    for (name, content, says) in [
        ("other-unit.json", report_with_id("OTHER", id), r#"serial number "UNIT", this one of "OTHER""#),
        ("other-start.json", later, "started at"),
    ] {
        station.put(name, content);
        station.wait_for_failed(name);
        let reason = station.reason(name)["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(id) && reason.contains(says), "{reason}");
    }
    assert_eq!(submissions(&server).len(), 3);
    station.stop();
    let mut settings = station.settings(&server);
    settings["reports"] = serde_json::json!({ "same_id": "new_id", "missing_id": "content" });
    station.configure(&settings);
    station.start();
    station.put("other.json", report_with_id("OTHER", id));
    station.put("other-again.json", report_with_id("OTHER", id));
    station.put("twin1.json", report("TWIN"));
    station.put("twin2.json", report("TWIN"));
    station.wait_for_done(&["other.json", "other-again.json", "twin1.json", "twin2.json"]);
    let sent = submissions(&server);
    let ids = |wanted: &str| {
        sent.iter().filter(|(sn, _)| sn == wanted).map(|(_, id)| id.clone()).collect::<Vec<_>>()
    };
    assert!(ids("OTHER").len() == 2 && ids("OTHER")[0] != id, "{sent:?}");
    assert_eq!(ids("OTHER")[0], ids("OTHER")[1], "the same file is the same report: {sent:?}");
    assert!(ids("TWIN").len() == 2 && ids("TWIN")[0] == ids("TWIN")[1], "{sent:?}");
}
