//! The watch folders of a station, one table for all of these tests, and where the reports of each end. The serial
//! number of a report says which folder it is dropped into: it begins with that one's name.

use crate::station::{Station, report};
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use wats_test_server::Server;

/// What becomes of delivered files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Done,
    Archive,
    Delete,
}

/// A watch folder.
pub(crate) struct Place {
    /// Its name in the configuration.
    name: &'static str,
    /// The folders in it that reports are dropped into; "" is itself.
    inner: &'static [&'static str],
    /// Whether it has done and failed folders of its own.
    own_ends: bool,
    after: After,
    priority: u8,
}

const PLACE: Place = Place { name: "", inner: &[""], own_ends: false, after: After::Done, priority: 5 };

/// All of them; the first one is always there.
pub(crate) const ALL: &[Place] = &[
    Place { name: "default", ..PLACE },
    Place { name: "tree", inner: &["", "monday", "monday/late"], ..PLACE },
    Place { name: "urgent", own_ends: true, priority: 1, ..PLACE },
    Place { name: "kept", after: After::Archive, ..PLACE },
    Place { name: "gone", after: After::Delete, ..PLACE },
    Place { name: SHARE, own_ends: true, ..PLACE },
];

/// Only the one that every station has.
pub(crate) const DEFAULT: &[Place] = ALL.split_at(1).0;

/// The one that may lie on another file system.
pub(crate) const SHARE: &str = "share";

/// Serial numbers for so many reports, which are spread over these folders.
pub(crate) fn serial_numbers(places: &[Place], count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{}-{number:05}", places[number % places.len()].name)).collect()
}

/// The folder of a report.
pub(crate) fn of(serial_number: &str) -> &'static Place {
    let name = serial_number.split('-').next();
    ALL.iter().find(|place| Some(place.name) == name).unwrap()
}

/// Where a report is dropped.
pub(crate) fn file(station: &Station, serial_number: &str) -> PathBuf {
    let place = of(serial_number);
    let number = serial_number.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
    let inner = place.inner[number.unwrap_or_default() / ALL.len() % place.inner.len()];
    place.path(station).join(inner).join(format!("{serial_number}.json"))
}

/// Drops a report, as a test system does that writes into the watch folder.
pub(crate) fn put(station: &Station, serial_number: &str) {
    fs::write(file(station, serial_number), report(serial_number)).unwrap();
}

/// Makes the folders, which the service does not, and configures the station with all of them.
pub(crate) fn make(station: &Station, server: &Server) {
    for place in ALL {
        for inner in place.inner {
            fs::create_dir_all(place.path(station).join(inner)).unwrap();
        }
    }
    configure(station, server);
}

/// Configures the station with all folders, which are there.
pub(crate) fn configure(station: &Station, server: &Server) {
    let mut settings = station.settings(server);
    settings["folders"] = ALL[1..].iter().map(|place| place.row(station)).collect();
    station.configure(&settings);
}

/// Fails unless exactly these reports were refused, and each lies in the failed folder of its watch folder.
pub(crate) fn assert_refused(station: &Station, serial_numbers: &[&str]) {
    let expected: BTreeMap<String, Vec<PathBuf>> = serial_numbers
        .iter()
        .map(|serial_number| ((*serial_number).to_owned(), vec![of(serial_number).failed(station)]))
        .collect();
    assert_eq!(lying_in(ALL.iter().map(|place| place.failed(station))), expected, "{}", station.log());
}

/// In which of the folders for delivered reports each report lies; one that lies there twice is named twice.
pub(crate) fn delivered(station: &Station) -> BTreeMap<String, Vec<PathBuf>> {
    let places = ALL.iter().flat_map(|place| [Some(place.done(station)), place.end(station)]);
    lying_in(places.flatten())
}

/// The reports that lie in a watch folder.
pub(crate) fn left(station: &Station) -> Vec<PathBuf> {
    let reports = ALL.iter().flat_map(|place| reports(&place.path(station)));
    reports.map(|(path, _)| path).collect()
}

/// Whether a file lies in a watch folder.
pub(crate) fn is_to_be_taken(station: &Station, file: &Path) -> bool {
    ALL.iter().any(|place| file.starts_with(place.path(station)))
}

impl Place {
    pub(crate) fn path(&self, station: &Station) -> PathBuf {
        if self.name == ALL[0].name { station.watch() } else { station.data().join(self.name) }
    }

    /// Where its delivered reports end; nowhere, if they are removed.
    pub(crate) fn end(&self, station: &Station) -> Option<PathBuf> {
        match self.after {
            After::Done => Some(self.done(station)),
            After::Archive => Some(station.data().join("archive")),
            After::Delete => None,
        }
    }

    /// Whether its delivered reports are archived.
    pub(crate) fn archives(&self) -> bool {
        self.after == After::Archive
    }

    fn done(&self, station: &Station) -> PathBuf {
        self.own("done", station).unwrap_or_else(|| station.done())
    }

    pub(crate) fn failed(&self, station: &Station) -> PathBuf {
        self.own("failed", station).unwrap_or_else(|| station.failed())
    }

    fn own(&self, end: &str, station: &Station) -> Option<PathBuf> {
        self.own_ends.then(|| station.data().join(format!("{}-{end}", self.name)))
    }

    fn row(&self, station: &Station) -> Value {
        json!({
            "name": self.name,
            "path": self.path(station),
            "subfolders": self.inner.len() > 1,
            "done_folder": self.own("done", station),
            "failed_folder": self.own("failed", station),
            "after_delivery": match self.after {
                After::Done => "done",
                After::Archive => "archive",
                After::Delete => "delete",
            },
            "priority": self.priority,
        })
    }
}

/// The serial number in the content of a file, if it is a report, be it archived or not.
pub(crate) fn serial_number(path: &Path, content: &[u8]) -> Option<String> {
    let mut unpacked = Vec::new();
    let content = if path.extension().is_some_and(|extension| extension == "gz") {
        GzDecoder::new(content).read_to_end(&mut unpacked).ok()?;
        &unpacked
    } else {
        content
    };
    let report: Value = serde_json::from_slice(content).ok()?;
    report["root"].as_object()?;
    Some(report["sn"].as_str()?.to_owned())
}

/// The reports in a folder and those in it, with the serial numbers of their units.
pub(crate) fn reports(folder: &Path) -> Vec<(PathBuf, String)> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let found = paths.flat_map(|path| {
        if path.is_dir() {
            return reports(&path);
        }
        let serial_number = fs::read(&path).ok().and_then(|content| serial_number(&path, &content));
        serial_number.map(|serial_number| (path, serial_number)).into_iter().collect()
    });
    found.collect()
}

/// In which of these folders each report lies.
fn lying_in(folders: impl Iterator<Item = PathBuf>) -> BTreeMap<String, Vec<PathBuf>> {
    let mut folders: Vec<PathBuf> = folders.collect();
    folders.sort();
    folders.dedup();
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for folder in folders {
        for (_, serial_number) in reports(&folder) {
            found.entry(serial_number).or_default().push(folder.clone());
        }
    }
    found
}
