//! The data folder: full, not writable, damaged, or in use by another service.

use crate::station::{Station, report, server, submissions};
use std::fs;
use std::process::Stdio;

/// No file may grow beyond this, as on a disk that is full. Only on Linux the limit of another process can be raised
/// again.
#[cfg(target_os = "linux")]
fn nearly_full() -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // SAFETY: ignoring a signal runs no code; without it the first refused write would end the process.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    Ok(setrlimit(Resource::Fsize, Rlimit { current: Some(200_000), maximum: None })?)
}

/// Fails if: a disk without space loses a report, puts it into `failed/`, ends the service or goes
/// unnoticed, or the report is not taken when there is space again.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let server = server();
    let mut station = Station::new();
    // On another file system: what is only renamed needs no space.
    let other = tempfile::tempdir_in("/dev/shm").expect("NOT RUN: this test needs /dev/shm");
    let mut settings = station.settings(&server);
    settings["client"] = serde_json::json!({ "watch_folder": other.path() });
    station.configure(&settings);
    station.prepare(nearly_full);
    station.start();
    station.wait_until_ready();
    let big =
        report("BIG").replace("\"STATION\"", &format!("\"STATION\",\"comment\":\"{}\"", "x".repeat(500_000)));
    let aside = station.dir().join("big");
    fs::write(&aside, big).unwrap();
    fs::copy(aside, other.path().join("big.json")).unwrap();
    station.wait_for_reason("check for free space");
    assert_eq!(Station::names(other.path()), ["big.json"]);
    assert_eq!(Station::names(&station.spool()), [""; 0]);
    assert_eq!(Station::names(&station.failed()), [""; 0]);
    assert_eq!(submissions(&server), []);
    assert!(station.is_running());
    prlimit(Some(station.pid()), Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    station.wait_for_done(&["big.json"]);
    station.wait_until_ready();
    assert_eq!(submissions(&server).len(), 1);
}

/// Fails if: folders that cannot be made or written end the service, lose a report, or are not named
/// together with what to do; or the service does not recover.
#[test]
fn folders_without_rights_are_waited_for() {
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.without_rights();
    station.set_mode(&station.config(), 0o644);
    station.set_mode(&station.data(), 0o555);
    let path = station.put("a.json", report("A"));
    station.set_mode(&path, 0o644);
    station.launch();
    station.wait_for_reason("let the service's account write to the data folder");
    assert!(station.is_running());
    station.set_mode(&station.data(), 0o755);
    station.wait_for_done(&["a.json"]);
    station.set_mode(&station.done(), 0o555);
    station.put("b.json", report("B"));
    station.wait_for_reason("let the service's account move files");
    assert_eq!(Station::names(&station.spool()).len(), 1);
    station.set_mode(&station.done(), 0o755);
    station.wait_for_done(&["b.json"]);
    station.wait_until_ready();
    assert_eq!(submissions(&server).len(), 2, "each was sent once");
}

/// Fails if: a damaged queue ends the service or is deleted, or its reports are not delivered from the spool, under
/// the same identifiers.
#[test]
fn a_damaged_queue_is_put_aside() {
    let server = server();
    let mut station = Station::new();
    station.start();
    station.put("a.json", report("A"));
    station.wait("queued", |station| station.get("/health/details").json()["details"]["pending_count"] == 1);
    let spool = Station::names(&station.spool());
    station.stop();
    fs::write(station.data().join("queue.db"), vec![0x5a; 50_000]).unwrap();
    station.configure(&station.settings(&server));
    station.start();
    station.wait_for_done(&["a.json"]);
    assert!(Station::names(&station.data()).iter().any(|name| name.starts_with("queue.db.damaged-")));
    assert!(station.log().contains("the database of the queue was damaged"), "{}", station.log());
    let [(_, id)] = submissions(&server).try_into().unwrap();
    assert_eq!(spool, [format!("{id}~a.json")]);
}

/// Fails if: two services share a data folder, or the second does not say why it ends.
#[test]
fn a_second_service_is_refused() {
    let server = server();
    let mut station = Station::running(&server);
    let second =
        station.command(&["run"]).stdin(Stdio::null()).env("PYWATS_HEALTH_PORT", "0").output().unwrap();
    assert_eq!(second.status.code(), Some(30));
    let text = String::from_utf8(second.stderr).unwrap();
    assert!(text.contains("another pywats-client uses this data folder"), "{text}");
    assert!(station.is_running());
    station.put("a.json", report("A"));
    station.wait_for_done(&["a.json"]);
}

/// Fails if: a file cannot be moved to folders on another file system, arrives there changed, is left
/// in the watch folder as well, or what a crash left half-written there stays.
#[test]
fn folders_on_another_file_system() {
    use std::os::unix::fs::MetadataExt;
    let server = server();
    let mut station = Station::new();
    let other = tempfile::tempdir_in("/dev/shm").expect("NOT RUN: this test needs /dev/shm");
    let device = |path: &std::path::Path| fs::metadata(path).unwrap().dev();
    assert_ne!(device(other.path()), device(station.dir()), "NOT RUN: set TMPDIR to another file system");
    let (done, failed) = (other.path().join("done"), other.path().join("failed"));
    let mut settings = station.settings(&server);
    settings["client"] = serde_json::json!({ "done_folder": done, "failed_folder": failed });
    station.configure(&settings);
    fs::create_dir(&done).unwrap();
    fs::write(done.join(".pywats-0123.part"), "half").unwrap();
    fs::write(done.join("good.json"), "there first").unwrap();
    station.start();
    station.put("good.json", report("GOOD"));
    station.put("bad.json", "{]");
    station.wait("both are moved", |_| {
        Station::names(&done) == ["good.1.json", "good.json"]
            && Station::names(&failed) == ["bad.json", "bad.json.reason.json"]
    });
    assert_eq!(fs::read_to_string(done.join("good.1.json")).unwrap(), report("GOOD"));
    assert_eq!(fs::read_to_string(done.join("good.json")).unwrap(), "there first");
    station.wait("the watch folder is empty", |station| Station::names(&station.watch()).is_empty());
    station.wait_until_ready();
}

/// A file system of its own, which only root can mount.
#[cfg(target_os = "linux")]
struct Share(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl Share {
    fn mount(at: std::path::PathBuf) -> Self {
        fs::create_dir_all(&at).unwrap();
        let share = Share(at);
        share.run("mount", &["-t", "tmpfs", "-o", "mode=0777", "none"]);
        share
    }

    fn remount(&self, options: &str) {
        self.run("mount", &["-o", &format!("remount,{options}")]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let done = std::process::Command::new(program).args(arguments).arg(&self.0).output();
        let done = done.unwrap_or_else(|error| panic!("NOT RUN: {program}: {error}"));
        assert!(
            done.status.success(),
            "NOT RUN: this test needs root and mount; leave it out with --skip: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

#[cfg(target_os = "linux")]
impl Drop for Share {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What happens to a station with a share before it is looked at whether its files rest.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meanwhile {
    Nothing,
    Restart,
    AnotherDevice,
}

/// Fails if: files on a share that nothing can be removed from are sent or copied more than once, over
/// restarts and when the share comes back as another device too; or nobody is told, or they are not removed
/// when they can be.
#[cfg(target_os = "linux")]
#[test]
fn a_share_that_is_read_only() {
    std::thread::scope(|scope| {
        for meanwhile in [Meanwhile::Nothing, Meanwhile::Restart, Meanwhile::AnotherDevice] {
            scope.spawn(move || files_rest_on_a_share(meanwhile));
        }
    });
}

#[cfg(target_os = "linux")]
fn files_rest_on_a_share(meanwhile: Meanwhile) {
    let server = server();
    let mut station = Station::new();
    let at = station.dir().join("share");
    let fill = |share: &Share| {
        fs::write(at.join("good.json"), report("GOOD")).unwrap();
        fs::write(at.join("z.json"), "{]").unwrap();
        share.remount("ro");
    };
    let mut share = Share::mount(at.clone());
    fill(&share);
    let mut settings = station.settings(&server);
    settings["client"] = serde_json::json!({ "watch_folder": at });
    station.configure(&settings);
    station.start();
    station.wait_for_done(&["good.json"]);
    station.wait_for_reason("its report was taken in");
    station.wait_for_reason("1 more files");
    if meanwhile != Meanwhile::Nothing {
        station.stop();
        if meanwhile == Meanwhile::AnotherDevice {
            drop(share);
            share = Share::mount(at.clone());
            // The same names and contents.
            fill(&share);
        }
        station.start();
        station.wait_for_reason("its report was taken in");
    }
    std::thread::sleep(std::time::Duration::from_secs(12));
    assert_eq!(submissions(&server).len(), 1, "{meanwhile:?}: {}", station.log());
    assert_eq!(Station::names(&station.done()), ["good.json"], "{meanwhile:?}");
    assert_eq!(Station::names(&station.failed()), [""; 0], "{meanwhile:?}");
    assert_eq!(Station::names(&station.spool()), [""; 0], "{meanwhile:?}");
    share.remount("rw");
    station.wait("the share is empty", |_| Station::names(&at).is_empty());
    station.wait_until_ready();
    assert_eq!(Station::names(&station.failed()), ["z.json", "z.json.reason.json"], "{meanwhile:?}");
    // The same name and content is a new report now.
    fs::write(at.join("good.json"), report("GOOD")).unwrap();
    station.wait_for_done(&["good.1.json"]);
    assert_eq!(submissions(&server).len(), 2, "{meanwhile:?}");
}

/// Takes all instances of inotify that this account may have.
#[cfg(target_os = "linux")]
fn without_inotify() -> std::io::Result<()> {
    // SAFETY: the call takes no pointer; the descriptors live as long as the process.
    while unsafe { libc::inotify_init1(0) } >= 0 {}
    Ok(())
}

/// Fails if: the service does not start, or takes nothing, where the system has no news of folders left; or
/// does not name the limit and how to raise it.
#[cfg(target_os = "linux")]
#[test]
fn without_news_of_the_folder_it_is_looked_at() {
    // An account of its own: the limit holds for all processes of one.
    const ACCOUNT: u32 = 65_531;
    let server = server();
    let mut station = Station::new();
    station.configure(&station.settings(&server));
    station.as_account(ACCOUNT);
    station.set_mode(&station.config(), 0o644);
    station.prepare(without_inotify);
    station.start();
    let path = station.put("a.json", report("A"));
    station.set_mode(&path, 0o644);
    station.wait_for_done(&["a.json"]);
    station.wait_until_ready();
    let note =
        station.get("/health/details").json()["details"]["notes"]["events"].as_str().unwrap().to_owned();
    assert!(note.contains("fs.inotify.max_user_instances") && note.contains("sysctl"), "{note}");
    assert_eq!(station.log().matches("sends no news").count(), 1, "said once:\n{}", station.log());
}
