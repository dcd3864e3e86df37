//! Many files that lie in several watch folders before the service starts: the small form of what `client-bench` measures
//! with 100,000.

use crate::station::{PATIENCE, Station, TOKEN, report_with_id};
use serde_json::json;
use std::fs;
use wats_test_server::{Options, Server};

const FILES: usize = 2500;
const FOLDERS: usize = 10;
/// In kilobytes: what the service may take for forty times as many.
#[cfg(target_os = "linux")]
const MOST_MEMORY: u64 = 64_000;

/// Fails if: a file of a backlog in ten folders, some of them with sub-folders, is left, lost or sent twice; or the
/// memory grows over what is promised.
#[test]
fn ten_folders_that_lie_full() {
    let options = Options { token: Some(TOKEN.to_owned()), keep: false, ..Options::default() };
    let server = Server::start_with(options).unwrap();
    let mut station = Station::new();
    let mut places = vec![station.watch()];
    let mut folders = Vec::new();
    for number in 1..FOLDERS {
        let path = station.dir().join(format!("line{number}"));
        let has_subfolders = number % 3 == 0;
        places.push(if has_subfolders { path.join("monday") } else { path.clone() });
        folders.push(json!({ "name": format!("line{number}"), "path": path, "subfolders": has_subfolders }));
    }
    for place in &places {
        fs::create_dir_all(place).unwrap();
    }
    let serials: Vec<String> = (0..FILES).map(|number| format!("SN{number}")).collect();
    for (number, serial) in serials.iter().enumerate() {
        let report = report_with_id(serial, &format!("{number:08}-0000-4000-8000-000000000000"));
        fs::write(places[number % FOLDERS].join(format!("{serial}.json")), report).unwrap();
    }
    let mut settings = station.settings(&server);
    settings["folders"] = folders.into();
    station.configure(&settings);
    station.start();
    server.wait_for_reports_blocking(FILES, PATIENCE * 4).unwrap();
    station.wait_for_pending(0);
    let count = |station: &Station| fs::read_dir(station.done()).map_or(0, Iterator::count);
    station.wait("all are moved", |station| count(station) == FILES);
    for place in &places {
        assert_eq!(Station::names(place), [""; 0], "{}", place.display());
    }
    server.each_once(serials.iter().map(String::as_str)).unwrap();
    #[cfg(target_os = "linux")]
    assert!(station.peak_memory() < MOST_MEMORY, "peak memory {} kB", station.peak_memory());
}
