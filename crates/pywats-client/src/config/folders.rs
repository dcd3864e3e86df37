//! Which folders cannot be used together: those that are one folder, or one within the other, where a
//! file that was just moved would be taken again, or something of ours be taken for a report.
//!
//! Folders are compared by what the system says about them, not by how their paths are written. That
//! may take as long as a server does not answer, so the configuration asks with [`clashes_soon`].

use super::{AfterDelivery, Config};
use crate::folder::place::Place;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use wats_settings::folder;

/// How long a reader of the configuration waits for the system's answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// A folder by the name of what makes it what it is.
type Named = (&'static str, PathBuf);

/// The same, and where it leads.
type Found = (&'static str, Place);

/// What [`clashes`] looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Where reports are dropped.
    watched: Named,
    /// Where files are moved to.
    targets: Vec<Named>,
    /// Where things of ours are that are no reports.
    own: Vec<Named>,
    /// Where nothing of somebody else may be.
    spool: Named,
}

impl Folders {
    /// The folders of a configuration that was looked for in this file.
    pub fn of(config: &Config, file: &Path) -> Folders {
        let data = &config.client.data_dir;
        let mut own = vec![
            ("client.data_dir", data.clone()),
            ("the folder logs in client.data_dir", data.join("logs")),
        ];
        own.extend(
            file.parent().map(|folder| ("the folder of the configuration file", folder.to_path_buf())),
        );
        let mut targets = vec![
            ("client.done_folder", config.done_folder()),
            ("client.failed_folder", config.failed_folder()),
        ];
        // Where nothing is archived, its default may be anything: older versions did not know it.
        if config.client.after_delivery == AfterDelivery::Archive || config.client.archive_folder.is_some() {
            targets.push(("client.archive_folder", config.archive_folder()));
        }
        Folders {
            watched: ("client.watch_folder", config.watch_folder()),
            targets,
            own,
            spool: ("the folder spool in client.data_dir", data.join("spool")),
        }
    }
}

/// The reasons against folders that are each usable but cannot go together. Blocks.
pub fn clashes(folders: &Folders) -> Vec<String> {
    let find = |(name, path): &Named| -> Found { (*name, Place::of(path)) };
    let watched = find(&folders.watched);
    let targets: Vec<Found> = folders.targets.iter().map(find).collect();
    let own: Vec<Found> = folders.own.iter().map(find).collect();
    let spool = find(&folders.spool);
    let mut pairs: Vec<(&Found, &Found)> = Vec::new();
    pairs.extend(targets.iter().chain(&own).map(|other| (&watched, other)));
    for (at, target) in targets.iter().enumerate() {
        pairs.extend(targets[at + 1..].iter().chain(&own).map(|other| (target, other)));
    }
    let same = pairs.into_iter().filter(|(one, other)| one.1.is(&other.1));
    let mut clashes: Vec<String> = same.map(|(one, other)| folder::clash(one.0, other.0)).collect();
    for (name, place) in std::iter::once(&watched).chain(&targets) {
        if place.is_within(&spool.1) {
            clashes.push(format!(
                "{name} is {} or in it, where only reports that wait may be; write another folder",
                spool.0
            ));
        }
    }
    clashes
}

/// As [`clashes`], but without an answer where the system takes too long: whoever uses the folders
/// asks again.
pub fn clashes_soon(folders: Folders) -> Vec<String> {
    let (answer, answered) = mpsc::channel();
    let asking = thread::Builder::new().name("folders".to_owned()).spawn(move || {
        // Nobody listens any more if this took too long.
        drop(answer.send(clashes(&folders)));
    });
    asking.ok().and_then(|_| answered.recv_timeout(PATIENCE).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Fails if: an archive is accepted in a folder that has another use, or one is refused that is not used.
    #[test]
    fn the_archive_beside_other_folders() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("d/archive")).unwrap();
        fs::create_dir_all(at("etc")).unwrap();
        let (archive, done) = (AfterDelivery::Archive, AfterDelivery::Done);
        // What is made of delivered files, archive, watch and done folder (empty: the default), and what the
        // sentence says.
        for (after, folder, watch, finished, complaint) in [
            (archive, "", "", "", None),
            (archive, "a", "", "", None),
            (archive, "d/done", "", "", Some("client.done_folder and client.archive_folder are the same")),
            (archive, "d/failed", "", "", Some("client.failed_folder and client.archive_folder")),
            (archive, "d/watch", "", "", Some("client.watch_folder and client.archive_folder")),
            (archive, "d/x/../watch", "", "", Some("client.watch_folder and client.archive_folder")),
            (archive, "d", "", "", Some("client.archive_folder and client.data_dir")),
            (archive, "d/logs", "", "", Some("the folder logs")),
            (archive, "etc", "", "", Some("configuration file")),
            (archive, "d/spool/a", "", "", Some("spool")),
            (archive, "", "d/archive", "", Some("client.watch_folder and client.archive_folder")),
            (done, "d/done", "", "", Some("client.done_folder and client.archive_folder")),
            (done, "", "", "d/archive", None),
        ] {
            let set = |path: &str| (!path.is_empty()).then(|| at(path));
            let mut config = Config::new();
            config.client.data_dir = at("d");
            config.client.after_delivery = after;
            config.client.archive_folder = set(folder);
            config.client.watch_folder = set(watch);
            config.client.done_folder = set(finished);
            let clashes = clashes_soon(Folders::of(&config, &at("etc/config.json")));
            let what = format!("{folder} {watch} {finished}: {clashes:?}");
            match complaint {
                None => assert_eq!(clashes, [""; 0], "{what}"),
                Some(part) => assert!(clashes.len() == 1 && clashes[0].contains(part), "{what}"),
            }
        }
    }

    /// Fails if: folders are accepted with which a file is taken again and again or something of ours
    /// for a report, or good ones are refused, or the sentence does not name the settings.
    #[test]
    fn folders_that_cannot_go_together() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        fs::create_dir_all(at("d/done")).unwrap();
        fs::create_dir_all(at("etc")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("d", at("alias")).unwrap();
        // Data, watch, done and failed folder (empty: the default), and what the sentence says.
        let mut cases = vec![
            ("d", "", "", "", None),
            ("d", "d/done", "", "", Some("client.watch_folder and client.done_folder are the same")),
            ("d", "d/x/../done", "", "", Some("client.watch_folder and client.done_folder")),
            ("d", "d/reports", "d/reports/done", "d/reports/failed", None),
            ("d", "", "", "d/done", Some("client.done_folder and client.failed_folder")),
            ("d", "d", "", "", Some("client.watch_folder and client.data_dir")),
            ("d", "", "d", "", Some("client.done_folder and client.data_dir")),
            ("d", "d/logs", "", "", Some("the folder logs")),
            ("d", "etc", "", "", Some("configuration file")),
            ("d", "d/spool", "", "", Some("spool")),
            ("d", "", "", "d/spool/failed", Some("spool")),
            ("d", "d/done/new", "", "", None),
        ];
        if cfg!(unix) {
            cases.extend([
                ("d", "alias/done", "", "", Some("client.watch_folder and client.done_folder")),
                ("d", "alias", "", "", Some("client.watch_folder and client.data_dir")),
                ("d", "", "", "alias/watch", Some("client.watch_folder and client.failed_folder")),
                ("d", "alias/spool/in", "", "", Some("spool")),
            ]);
        }
        for (data, watch, done, failed, complaint) in cases {
            let folder = |path: &str| (!path.is_empty()).then(|| at(path));
            let mut config = Config::new();
            config.client.data_dir = at(data);
            config.client.watch_folder = folder(watch);
            config.client.done_folder = folder(done);
            config.client.failed_folder = folder(failed);
            let clashes = clashes_soon(Folders::of(&config, &at("etc/config.json")));
            match complaint {
                None => assert_eq!(clashes, [""; 0], "{watch} {done} {failed}"),
                Some(part) => assert!(
                    clashes.len() == 1 && clashes[0].contains(part),
                    "{watch} {done} {failed}: {clashes:?}"
                ),
            }
        }
    }
}
