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
type Named = (String, PathBuf);

/// The same, and where it leads.
type Found<'a> = (&'a str, Place);

/// What a folder for finished files is for. Folders that are watched may share one for the same purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Done,
    Failed,
    Archive,
}

/// What [`clashes`] looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Where reports are dropped, and whether also in folders in it.
    watched: Vec<(Named, bool)>,
    /// Where files are moved to.
    targets: Vec<(Named, Purpose)>,
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
            ("client.data_dir".to_owned(), data.clone()),
            ("the folder logs in client.data_dir".to_owned(), data.join("logs")),
        ];
        own.extend(
            file.parent()
                .map(|folder| ("the folder of the configuration file".to_owned(), folder.to_path_buf())),
        );
        let mut watched = Vec::new();
        let mut targets: Vec<(Named, Purpose)> = Vec::new();
        for folder in config.watch_folders() {
            let label = |key: &str, of_client: &str| match folder.is_default() {
                true => format!("client.{of_client}"),
                false => format!("{key} of the folder {}", folder.name),
            };
            watched.push(((label("path", "watch_folder"), folder.path.clone()), folder.subfolders));
            let mut ends = vec![
                ("done_folder", folder.done.clone(), Purpose::Done),
                ("failed_folder", folder.failed.clone(), Purpose::Failed),
            ];
            // Where nothing is archived, its default may be anything: older versions did not know it.
            let is_named = folder.is_default() && config.client.archive_folder.is_some();
            if folder.after_delivery == AfterDelivery::Archive || is_named {
                ends.push(("archive_folder", folder.archive.clone(), Purpose::Archive));
            }
            for (key, path, purpose) in ends {
                if !targets.iter().any(|((_, known), for_what)| *known == path && *for_what == purpose) {
                    targets.push(((label(key, key), path), purpose));
                }
            }
        }
        Folders {
            watched,
            targets,
            own,
            spool: ("the folder spool in client.data_dir".to_owned(), data.join("spool")),
        }
    }
}

/// Folders for two purposes whose paths are one, however it is spelt. Nothing is opened.
pub(super) fn spelt_alike(config: &Config) -> Vec<String> {
    let folders = Folders::of(config, Path::new(""));
    let mut errors = Vec::new();
    let mut compare = |(one, path): &Named, (other, other_path): &Named| {
        if folder::is_same(path, other_path) {
            errors.push(folder::clash(one, other));
        }
    };
    let data = (folders.own[0].0.clone(), folders.own[0].1.clone());
    for (at, (watched, _)) in folders.watched.iter().enumerate() {
        folders.watched[at + 1..].iter().for_each(|(other, _)| compare(watched, other));
        folders
            .targets
            .iter()
            .filter(|(_, purpose)| *purpose != Purpose::Archive)
            .for_each(|(t, _)| compare(watched, t));
        compare(watched, &data);
    }
    for (at, (target, purpose)) in folders.targets.iter().enumerate() {
        let others = folders.targets[at + 1..].iter().filter(|(_, other)| other != purpose);
        others.filter(|(_, other)| *other != Purpose::Archive).for_each(|(other, _)| compare(target, other));
    }
    errors
}

/// The reasons against folders that are each usable but cannot go together. Blocks.
pub fn clashes(folders: &Folders) -> Vec<String> {
    fn find((name, path): &Named) -> Found<'_> {
        (name, Place::of(path))
    }
    let watched: Vec<(Found<'_>, bool)> =
        folders.watched.iter().map(|(named, sub)| (find(named), *sub)).collect();
    let targets: Vec<(Found<'_>, Purpose)> =
        folders.targets.iter().map(|(named, purpose)| (find(named), *purpose)).collect();
    let own: Vec<Found<'_>> = folders.own.iter().map(find).collect();
    let spool = find(&folders.spool);
    let mut pairs: Vec<(&Found<'_>, &Found<'_>)> = Vec::new();
    for (at, (one, _)) in watched.iter().enumerate() {
        pairs.extend(targets.iter().map(|(target, _)| target).chain(&own).map(|other| (one, other)));
        pairs.extend(watched[at + 1..].iter().map(|(other, _)| (one, other)));
    }
    for (at, (target, purpose)) in targets.iter().enumerate() {
        let others = targets[at + 1..].iter().filter(|(_, other)| other != purpose).map(|(other, _)| other);
        pairs.extend(others.chain(&own).map(|other| (target, other)));
    }
    let same = pairs.into_iter().filter(|(one, other)| one.1.is(&other.1));
    let mut clashes: Vec<String> = same.map(|(one, other)| folder::clash(one.0, other.0)).collect();
    for (name, place) in watched.iter().map(|(found, _)| found).chain(targets.iter().map(|(found, _)| found))
    {
        if place.is_within(&spool.1) {
            clashes.push(format!(
                "{name} is {} or in it, where only reports that wait may be; write another folder",
                spool.0
            ));
        }
    }
    for (at, ((name, place), _)) in watched.iter().enumerate().filter(|(_, (_, subfolders))| *subfolders) {
        let others =
            watched.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, (found, _))| found);
        let others = others.chain(targets.iter().map(|(found, _)| found)).chain(&own);
        let within = others.filter(|(_, other)| other.is_within(place) && !other.is(place));
        clashes.extend(within.map(|(other, _)| {
            format!("{other} is in {name}, whose sub-folders are watched; write a folder outside of it")
        }));
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
            let clashes = clashes(&Folders::of(&config, &at("etc/config.json")));
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
            let clashes = clashes(&Folders::of(&config, &at("etc/config.json")));
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
