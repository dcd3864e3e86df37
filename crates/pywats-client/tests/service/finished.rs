//! What became of files, and the way back for them.

use crate::station::{PATIENCE, Station, report, report_with_id, server};
use serde_json::json;
use std::fs;
use wats_test_server::{Answer, Server};

const ID: &str = "0e9b1f6a-6d3c-4c55-9d5e-3f1d2a7b8c90";

fn version(number: u32) -> String {
    let text = report_with_id("UNIT", ID);
    text.replace("\"STATION\"", &format!("\"STATION\",\"comment\":\"version {number}\""))
}

/// The version that the server has, and how many reports came.
fn stored(server: &Server) -> (u32, usize) {
    let text = String::from_utf8(server.stored()[ID].clone()).unwrap();
    let number = (1..10).find(|number| text.contains(&format!("version {number}"))).unwrap();
    (number, server.reports().len())
}

/// What the command says, and its exit code.
fn reprocess(station: &Station, arguments: &[&str]) -> (i32, String) {
    let output = station.command(&[&["reprocess", "--from"], arguments].concat()).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    (output.status.code().unwrap(), text)
}

/// Fails if: an older version of a report is sent over the newest one, from done or from the archive, or is lost
/// there; or is not sent although it is asked for by its name.
#[test]
fn the_newest_version_is_the_one_that_comes_back() {
    for after_delivery in ["done", "archive"] {
        let server = server();
        let mut station = Station::new();
        let mut settings = station.settings(&server);
        settings["client"] = json!({ "after_delivery": after_delivery });
        station.configure(&settings);
        station.start();
        for number in 1..=3 {
            station.put("unit.json", version(number));
            server.wait_for_reports_blocking(number as usize, PATIENCE).unwrap();
            station.wait("the spool is empty", |station| Station::names(&station.spool()).is_empty());
        }
        let folder = match after_delivery {
            "done" => station.done(),
            _ => {
                let archive = station.data().join("archive");
                archive.join(Station::names(&archive).last().unwrap())
            }
        };
        let first = match after_delivery {
            "done" => "unit.json".to_owned(),
            _ => format!("unit~{ID}.json.gz"),
        };
        assert_eq!(Station::names(&folder).len(), 3, "{after_delivery}");
        let (code, text) = reprocess(&station, &[after_delivery, "--all"]);
        assert_eq!((code, text.matches("is newer").count()), (0, 2), "{text}");
        station.wait("it came again", |_| server.reports().len() == 4);
        assert_eq!(stored(&server), (3, 4));
        station.wait("the spool is empty", |station| Station::names(&station.spool()).is_empty());
        let (code, text) = reprocess(&station, &[after_delivery, &first]);
        assert_eq!(code, 0, "{text}");
        station.wait("the first came again", |_| server.reports().len() == 5);
        assert_eq!(stored(&server), (1, 5));
    }
}

/// Fails if: a refused report is not sent again under its identifier, a file that has taken its place gets that, or
/// a reason does not say what was in its file.
#[test]
fn refused_files_come_back() {
    let server = server();
    let station = Station::running(&server);
    for name in ["KEPT", "REPLACED"] {
        server.always(name, Answer::status_with_json(400, r#"{"Message":"no such process"}"#));
    }
    // Refused by the service and by the server.
    station.put("unusable.json", "{]");
    station.put("kept.json", report("KEPT"));
    station.put("replaced.json", report("REPLACED"));
    for name in ["unusable.json", "kept.json", "replaced.json"] {
        station.wait_for_failed(name);
        assert_eq!(station.reason(name)["sha256"].as_str().map(str::len), Some(64), "{name}");
    }
    let id = |name: &str| station.reason(name)["id"].as_str().unwrap().to_owned();
    let (kept, replaced) = (id("kept.json"), id("replaced.json"));
    fs::write(station.failed().join("replaced.json"), report("OTHER")).unwrap();
    server.forgive("KEPT");
    let (code, text) = reprocess(&station, &["failed", "kept.json", "replaced.json"]);
    assert_eq!(code, 0, "{text}");
    station.wait_for_done(&["kept.json", "replaced.json"]);
    let serial_of =
        |id: &str| server.stored().get(id).map(|text| String::from_utf8_lossy(text).contains("KEPT"));
    assert_eq!(serial_of(&kept), Some(true));
    assert_eq!(serial_of(&replaced), None);
    assert_eq!(Station::names(&station.failed()), ["unusable.json", "unusable.json.reason.json"]);
}
