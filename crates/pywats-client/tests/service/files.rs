//! Files that are not what they should be.

use crate::station::{Station, report, server, submissions};
use std::fs::{self, File};

/// Fails if: a file that is no report is lost, is put aside without a reason that names field or place
/// and says what to do, or keeps good ones from passing.
#[test]
fn unusable_files_are_put_aside_with_a_reason() {
    let server = server();
    let station = Station::running(&server);
    let good = report("GOOD");
    // The name, the content, and what the reason must say.
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("damaged.json", good.replacen(':', ";", 1).into_bytes(), "line 1"),
        ("truncated.json", good.as_bytes()[..good.len() / 2].to_vec(), "line 1"),
        ("no-object.json", b"[1, 2, 3]".to_vec(), "object"),
        ("wrong-field.json", good.replace(r#""sn":"GOOD""#, r#""sn":17"#).into_bytes(), "\"sn\""),
        ("missing-field.json", good.replace(r#""pn":"BOARD","#, "").into_bytes(), "\"pn\""),
        ("binary.json", vec![0xff, 0x00, 0x80, 0x01], ""),
        ("spaces.json", b"   \n".to_vec(), ""),
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

/// Fails if: an empty file is put aside before its writer had time to fill it, or stays forever.
#[test]
fn empty_files_get_some_time() {
    let server = server();
    let station = Station::running(&server);
    station.put("filled.json", "");
    station.put("empty.json", "");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(Station::names(&station.watch()), ["empty.json", "filled.json"]);
    station.put("filled.json", report("FILLED"));
    station.wait_for_done(&["filled.json"]);
    station.wait_for_failed("empty.json");
    assert_eq!(station.reason("empty.json")["reason"], "the file is empty");
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
    let status = fs::read_to_string(format!("/proc/{}/status", station.pid().as_raw_nonzero()));
    if cfg!(target_os = "linux") {
        let status = status.unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < 150 << 10, "peak memory {peak} kB");
    }
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
