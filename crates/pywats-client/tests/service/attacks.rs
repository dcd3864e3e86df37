//! Somebody who may write to the watch folder tries to make the service, which may read more than they
//! may, reveal or move something else.

use crate::station::{NOBODY, PATIENCE, Station, report, server, submissions};
use pywats_client::folder::{Folder, Kind, Moved, OpenRefused};
use std::ffi::{CString, OsStr};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Fails if: a link, a hard link or a pipe in the watch folder is followed, read, moved or blocks the
/// service, or nobody is told.
#[test]
fn links_and_pipes_are_left_alone() {
    let server = server();
    let station = Station::running(&server);
    let secret = station.dir().join("secret.json");
    fs::write(&secret, report("SECRET")).unwrap();
    symlink(&secret, station.watch().join("symbolic.json")).unwrap();
    symlink("../../secret.json", station.watch().join("relative.json")).unwrap();
    fs::hard_link(&secret, station.watch().join("hard.json")).unwrap();
    let pipe = station.watch().join("pipe.json");
    let name = CString::new(pipe.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name ends with a zero and lives until the call returns.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o644) }, 0, "{}", std::io::Error::last_os_error());
    let _socket = std::os::unix::net::UnixListener::bind(station.watch().join("socket.json")).unwrap();
    // A scan finds what no event tells of: a restart makes it look at everything.
    station.put("good.json", report("GOOD"));
    station.wait_for_done(&["good.json"]);
    let mut station = station;
    station.stop();
    station.start();
    station.wait_for_reason("hard.json");
    station.wait_for_reason("4 more files");
    station.put("next.json", report("NEXT"));
    station.wait_for_done(&["next.json"]);
    let sent: Vec<String> = submissions(&server).into_iter().map(|(sn, _)| sn).collect();
    assert_eq!(sent, ["GOOD", "NEXT"]);
    assert_eq!(
        Station::names(&station.watch()),
        ["hard.json", "pipe.json", "relative.json", "socket.json", "symbolic.json"]
    );
    assert!(station.log().contains("a pipe") || station.log().contains("hard links"), "{}", station.log());
    assert_eq!(fs::read_to_string(&secret).unwrap(), report("SECRET"));
}

/// Fails if: a file that becomes a link between the look and the opening is ever read through.
#[test]
fn swapping_a_file_for_a_link_never_reveals_the_target() {
    let dir = tempfile::tempdir().unwrap();
    let watch = dir.path().join("watch");
    fs::create_dir(&watch).unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let target = watch.join("x.json");
    let over = AtomicBool::new(false);
    let (mut opened, mut refused, mut revealed) = (0, 0, false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (plain, link) = (watch.join("plain"), watch.join("link"));
            while !over.load(Ordering::Relaxed) {
                fs::write(&plain, "harmless").unwrap();
                fs::rename(&plain, &target).unwrap();
                symlink(&secret, &link).unwrap();
                fs::rename(&link, &target).unwrap();
            }
        });
        let folder = Folder::open(&watch).unwrap();
        let started = Instant::now();
        // On a loaded machine the two take turns that are longer than the race.
        let enough =
            |opened, refused| opened > 10 && refused > 10 && started.elapsed() > Duration::from_secs(2);
        while !enough(opened, refused) && started.elapsed() < PATIENCE {
            match folder.open_file(OsStr::new("x.json")) {
                Ok(mut open) => {
                    opened += 1;
                    revealed |= open.read(100).unwrap() == b"secret";
                }
                Err(OpenRefused::Foreign(_)) => refused += 1,
                Err(_) => {}
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(!revealed);
    assert!(opened > 10 && refused > 10, "the race took place: {opened} opened, {refused} refused");
}

/// Fails if: what is moved is not the file that was judged, or something is overwritten.
#[test]
fn only_the_judged_file_is_moved() {
    let dir = tempfile::tempdir().unwrap();
    for folder in ["watch", "done"] {
        fs::create_dir(dir.path().join(folder)).unwrap();
    }
    let (watch, done) =
        (Folder::open(&dir.path().join("watch")).unwrap(), Folder::open(&dir.path().join("done")).unwrap());
    let name = OsStr::new("x.json");
    let path = watch.path().join(name);
    let judge = || {
        fs::write(&path, "judged").unwrap();
        match watch.look(name).unwrap() {
            Some(Kind::Plain(identity)) => identity,
            other => panic!("{other:?}"),
        }
    };
    let secret = dir.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    type Swap<'a> = &'a dyn Fn();
    let swaps: [(&str, Swap<'_>); 4] = [
        ("for a link", &|| symlink(&secret, &path).unwrap()),
        ("for another file", &|| fs::write(&path, "judgeD").unwrap()),
        ("for a hard link", &|| fs::hard_link(&secret, &path).unwrap()),
        ("for nothing", &|| {}),
    ];
    for (what, swap) in swaps {
        let identity = judge();
        // Kept, so that its inode is not used again.
        let aside = dir.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        swap();
        assert_eq!(watch.move_file(name, &identity, &done, name).unwrap(), Moved::Changed, "{what}");
        assert_eq!(Station::names(done.path()), [""; 0], "{what}");
        let _ = fs::remove_file(&path);
        fs::remove_file(aside).unwrap();
    }
    let identity = judge();
    fs::write(done.path().join(name), "there first").unwrap();
    assert_eq!(watch.move_file(name, &identity, &done, name).unwrap(), Moved::NameTaken);
    assert_eq!(fs::read_to_string(done.path().join(name)).unwrap(), "there first");
    let free = done.free_name(name).unwrap();
    assert_eq!(free, "x.1.json");
    assert_eq!(watch.move_file(name, &identity, &done, &free).unwrap(), Moved::Done);
    assert_eq!(fs::read_to_string(done.path().join("x.1.json")).unwrap(), "judged");
    assert_eq!(fs::read_to_string(&secret).unwrap(), "secret");
}

/// Fails if: a done folder that was swapped for a link makes the service move files to another place,
/// or a report is lost or sent again because of it.
#[test]
fn a_done_folder_swapped_for_a_link_is_not_used() {
    let server = server();
    let mut station = Station::new();
    let done = station.watch().join("done");
    let mut settings = station.settings(&server);
    settings["client"] = serde_json::json!({ "done_folder": done });
    station.configure(&settings);
    station.start();
    // The folders are open now: what is in a watch folder whose done folder is a link from the start is not taken.
    station.put("first.json", report("FIRST"));
    station.wait("the first is moved", |_| done.join("first.json").exists());
    station.wait("the spool is empty", |_| Station::names(&station.spool()).is_empty());
    let elsewhere = station.dir().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(&done, station.dir().join("moved away")).unwrap();
    symlink(&elsewhere, &done).unwrap();
    station.put("a.json", report("A"));
    // The folder alone is reason enough to say it: the report may be taken in later.
    station.wait("queued", |_| Station::names(&station.spool()).len() == 1);
    station.wait_for_reason("symbolic link");
    assert_eq!(Station::names(&elsewhere), [""; 0]);
    fs::remove_file(&done).unwrap();
    fs::create_dir(&done).unwrap();
    station.wait("moved at last", |_| done.join("a.json").exists());
    station.wait_until_ready();
    assert_eq!(submissions(&server).len(), 2, "each was sent once");
}

/// Fails if: a file whose rights are taken away just after it was dropped stops the intake, the upload or the start
/// for others, is not named, or is not delivered once it may be read again.
#[test]
fn rights_that_change_stop_no_other_report() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.as_account(NOBODY);
    station.set_mode(&station.config(), 0o644);
    station.start();
    // At different moments of the way from the watch folder to the server.
    let files: Vec<fs::File> = (0..30)
        .map(|number| {
            let aside = station.dir().join("aside");
            fs::write(&aside, report(&format!("LOCKED{number}"))).unwrap();
            station.set_mode(&aside, 0o644);
            let file = fs::File::open(&aside).unwrap();
            fs::rename(&aside, station.watch().join(format!("locked{number}.json"))).unwrap();
            std::thread::sleep(Duration::from_micros(300 * number));
            file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
            if number % 10 == 9 {
                station.put(format!("good{number}.json"), report("GOOD"));
                station.wait_for_done(&[&format!("good{number}.json")]);
            }
            file
        })
        .collect();
    let left =
        |station: &Station| Station::names(&station.watch()).len() + Station::names(&station.spool()).len();
    assert!(left(&station) > 0, "the race took place");
    station.wait_for_reason("locked");
    station.wait_for_reason("Permission denied");
    station.stop();
    station.start();
    station.put("later.json", report("LATER"));
    station.wait_for_done(&["later.json"]);
    for file in files {
        file.set_permissions(fs::Permissions::from_mode(0o644)).unwrap();
    }
    station.wait("all are delivered", |station| Station::names(&station.done()).len() == 34);
    station.wait_until_ready();
    assert_eq!(left(&station), 0);
    let sent = submissions(&server);
    assert_eq!(sent.len(), 34, "each was sent once: {sent:#?}\n{}", station.log());
}
