//! What is done to queue and reports: backup, restore, a disk of their own.

use crate::machine::Machine;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use tar::{Builder, EntryType, Header};

const DROP_IN: &str = "etc/systemd/system/pywats-client.service.d/folder-ict.conf";

/// A drop-in as `pywats-client folders add` writes it.
const GOOD: &str = "# Made by pywats-client folders add; pywats-client folders remove ict takes it back.\n\
    # pass pywats 990 -/- none /srv/a\n# acl pywats 990 4/7 -/5 /srv/a/\"b\" %n Prüfung\n# label /srv/a/b\n\
    # boolean pywats_use_nfs\n[Service]\nProtectHome=no\nPrivateTmp=no\nInaccessiblePaths=\n\
    ReadWritePaths=-/srv/a/100%%\nReadWritePaths=\"-/srv/a/\\\"b\\\" \\\\ c\"\n";

/// The machine of a backup, as an archive: files with their modes, and a link.
fn archive(machine: &Machine, drop_in: &str) -> Vec<u8> {
    let mut archive = Builder::new(Vec::new());
    let here = machine.here();
    let place = |name: &str| format!("{}/{name}", here.trim_start_matches('/'));
    let files = [
        ("etc/pywats/config.json", 0o666, "token of the backup"),
        ("etc/pywats/secrets/token", 0o644, "secret"),
        ("etc/passwd", 0o644, "x"),
        (DROP_IN, 0o644, drop_in),
        ("var/lib/pywats/queue.db", 0o640, "queue"),
        ("var/lib/pywats/spool/new", 0o640, "waits there"),
        ("var/lib/pywats/watch/same.json", 0o660, "of the backup"),
        ("var/lib/pywats/failed/same.json", 0o6755, "of the backup"),
        ("var/lib/pywats/failed/equal.json", 0o640, "equal"),
    ];
    for (name, mode, text) in files {
        let mut header = Header::new_gnu();
        header.set_mode(mode);
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, place(name), text.as_bytes()).unwrap();
    }
    for (name, kind) in [("link.json", EntryType::Symlink), ("pipe.json", EntryType::Fifo)] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        let name = place(&format!("var/lib/pywats/watch/{name}"));
        archive.append_link(&mut header, name, "/etc/shadow").unwrap();
    }
    archive.into_inner().unwrap()
}

/// A machine that is set up, with reports.
fn machine(files: &[(&str, &str)]) -> Machine {
    let machine = Machine::new();
    let always = [("etc/pywats/config.json", "token"), ("var/lib/pywats/queue.db-wal", "x")];
    for (name, text) in always.iter().chain(files) {
        machine.write(name, text);
    }
    machine
}

fn restore(machine: &Machine, arguments: &[&str], archive: &[u8]) -> Output {
    let places = ["/etc/pywats/", "/etc/systemd/", "/var/lib/pywats"];
    machine.run("appliance-restore", &places, arguments, &[], archive)
}

const START: &str = "systemctl <start> <--no-block> <pywats-client.service>\n";

/// Fails if: something changes though the restore refuses, or it takes what `folders add` would never write.
#[test]
fn refuses_before_anything_changes() {
    let spool = ("var/lib/pywats/spool/old", "x");
    let watch = ("var/lib/pywats/watch/line/old.json", "x");
    let refused = |file: Option<(&str, &str)>, arguments: &[&str], drop_in: &str, says: &str| {
        let machine = machine(file.as_slice());
        let output = restore(&machine, arguments, &archive(&machine, drop_in));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(says), "{drop_in}: {said}");
        assert!(said.contains("othing was changed"), "{said}");
        assert_eq!(machine.read("etc/pywats/config.json"), "token");
        assert_eq!(machine.read("var/lib/pywats/queue.db-wal"), "x");
        assert!(!machine.path(DROP_IN).exists());
        let entries = fs::read_dir(machine.path("var/lib/pywats")).unwrap().count();
        assert_eq!(entries, 1 + usize::from(file.is_some()), "something was left");
        assert!(machine.read("calls").ends_with(START));
    };
    refused(Some(spool), &[], GOOD, "reports wait here");
    refused(Some(watch), &[], GOOD, "reports wait here");
    for line in [
        "ExecStartPre=/bin/sh -c id",
        "User=root",
        "# label /a\rExecStartPre=/bin/sh",
        "# acl root 0 -/- none /a",
        "ReadWritePaths=-/a /etc",
        "ReadWritePaths=\"-/a\" \"/etc\"",
        "ReadWritePaths=-/a\\",
        "ProtectHome=no\0",
        "[Unit]",
    ] {
        refused(None, &[], &format!("{GOOD}{line}\n"), "folder-ict.conf in the backup is not what");
    }
}

/// Fails if: an archive in which something has another shape than in a backup is found out when half of it is done.
#[test]
fn refuses_what_has_another_shape_than_a_backup() {
    let cases = [
        ("etc/pywats/config.json.new/x", "config.json.new in the backup is no file"),
        ("etc/pywats/config.json/x", "config.json in the backup is no file"),
        (
            "etc/systemd/system/pywats-client.service.d/folder-x.conf/x",
            "folder-x.conf in the backup is no file",
        ),
        ("etc/systemd/system/pywats-client.service.d", "client.service.d in the backup is no folder"),
        ("var/lib/pywats/queue.db/x", "queue.db in the backup is no file"),
        ("var/lib/pywats/queue.db-wal/x", "queue.db-wal in the backup is no file"),
        ("var/lib/pywats/watch", "watch in the backup is no folder"),
        ("var/lib/pywats/spool", "spool in the backup is no folder"),
        ("var/lib/pywats/done", "done in the backup is no folder"),
        ("var/lib/pywats", "pywats in the backup is no folder"),
        // Another one has made them a link or a disk on purpose.
        ("var/lib/pywats/linked/x", "linked is a link or a disk of its own here"),
    ];
    for (odd, says) in cases {
        let machine = machine(&[("var/lib/pywats/watch/of-here.json", "x")]);
        std::os::unix::fs::symlink("/srv", machine.path("var/lib/pywats/linked")).unwrap();
        let mut archive = Builder::new(Vec::new());
        let here = machine.here();
        let config = ("etc/pywats/config.json", "token of the backup");
        for (name, text) in
            [config, (odd, "x")].iter().filter(|(name, _)| !odd.starts_with(&format!("{name}/")))
        {
            let mut header = Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(text.len() as u64);
            let place = format!("{}/{name}", here.trim_start_matches('/'));
            archive.append_data(&mut header, place, text.as_bytes()).unwrap();
        }
        let output = restore(&machine, &["--replace"], &archive.into_inner().unwrap());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains(says), "{odd}: {said}");
        assert!(said.contains("othing was changed"), "{odd}: {said}");
        assert_eq!(machine.read("etc/pywats/config.json"), "token", "{odd}");
        assert_eq!(machine.read("var/lib/pywats/queue.db-wal"), "x", "{odd}");
        assert_eq!(
            fs::read_dir(machine.path("var/lib/pywats")).unwrap().count(),
            3,
            "{odd}: something was left"
        );
        assert!(machine.read("calls").ends_with(START), "{odd}");
    }
}

/// What is in the backup, with a good drop-in, is here.
fn is_restored(machine: &Machine) {
    for (name, text) in [
        ("etc/pywats/config.json", "token of the backup"),
        ("etc/pywats/secrets/token", "secret"),
        (DROP_IN, GOOD),
        ("var/lib/pywats/queue.db", "queue"),
        ("var/lib/pywats/spool/new", "waits there"),
        ("var/lib/pywats/watch/same.json", "of the backup"),
        ("var/lib/pywats/failed/same.json", "of the backup"),
    ] {
        assert_eq!(machine.read(name), text, "{name}");
    }
}

/// Fails if: what a restore that failed has left keeps another one from its end, or anything of it is lost but the queue.
#[test]
fn is_not_kept_from_its_end_by_leftovers() {
    let machine = machine(&[
        ("etc/pywats/config.json.new/x", "left"),
        ("etc/pywats/secrets", "left"),
        ("etc/systemd/system/pywats-client.service.d/folder-ict.conf/x", "left"),
        ("var/lib/pywats/queue.db/x", "left"),
        ("var/lib/pywats/spool", "left"),
        ("var/lib/pywats/watch", "left"),
        ("var/lib/pywats/watch.~1~", "from before"),
        ("var/lib/pywats/failed/same.json/x", "left"),
    ]);
    let output = restore(&machine, &["--replace"], &archive(&machine, GOOD));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    is_restored(&machine);
    for (name, text) in [
        ("var/lib/pywats/watch.~1~", "from before"),
        ("var/lib/pywats/watch.~2~", "left"),
        ("var/lib/pywats/failed/same.json.~1~/x", "left"),
    ] {
        assert_eq!(machine.read(name), text, "{name}");
    }
    assert!(!machine.path("etc/pywats/config.json.new").exists());
}

/// Fails if: what was in the backup is not here, what was here is lost beyond the queue, or something of the archive gets
/// more rights than it is to have.
#[test]
fn restores_what_a_backup_has() {
    let machine = machine(&[
        ("var/lib/pywats/spool/old", "x"),
        ("var/lib/pywats/watch/same.json", "of here"),
        ("var/lib/pywats/watch/other.json", "of here"),
        ("var/lib/pywats/failed/same.json", "of here"),
        ("var/lib/pywats/failed/equal.json", "equal"),
        ("var/lib/pywats/.restore.AAAAAA/left", "by a power cut"),
        ("etc/systemd/system/pywats-client.service.d/folder-old.conf", "x"),
        ("etc/systemd/system/pywats-client.service.d/mine.conf", "x"),
    ]);
    fs::set_permissions(machine.path("etc/pywats"), fs::Permissions::from_mode(0o750)).unwrap();
    let output = restore(&machine, &["--replace"], &archive(&machine, GOOD));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    is_restored(&machine);
    for (name, text) in [
        ("var/lib/pywats/watch/same.json.~1~", "of here"),
        ("var/lib/pywats/watch/other.json", "of here"),
        ("var/lib/pywats/failed/same.json.~1~", "of here"),
        ("var/lib/pywats/failed/equal.json", "equal"),
        ("etc/systemd/system/pywats-client.service.d/mine.conf", "x"),
    ] {
        assert_eq!(machine.read(name), text, "{name}");
    }
    for name in [
        "etc/passwd",
        "etc/systemd/system/pywats-client.service.d/folder-old.conf",
        "var/lib/pywats/.restore.AAAAAA",
        "var/lib/pywats/failed/equal.json.~1~",
        "var/lib/pywats/queue.db-wal",
        "var/lib/pywats/spool/old",
        "var/lib/pywats/watch/link.json",
        "var/lib/pywats/watch/pipe.json",
    ] {
        assert!(fs::symlink_metadata(machine.path(name)).is_err(), "{name}");
    }
    let mode = |name: &str| fs::metadata(machine.path(name)).unwrap().permissions().mode() & 0o7777;
    let modes = ["etc/pywats", "etc/pywats/config.json", "etc/pywats/secrets/token"].map(mode);
    assert_eq!(modes, [0o750, 0o640, 0o640]);
    assert_eq!(mode("var/lib/pywats/failed/same.json"), 0o755);
    let calls = machine.read("calls");
    assert!(calls.contains("install <-o> <root> <-g> <pywats> <-m> <0640>"), "{calls}");
    assert!(calls.ends_with(&format!("systemctl <daemon-reload>\n{START}")), "{calls}");
}

/// Fails if: a service works with half of a queue, or it is not said what to do.
#[test]
fn does_not_run_what_is_half_restored() {
    let machine = machine(&[]);
    machine.program("cp", "#!/bin/sh\necho 'No space left' >&2\nexit 1\n");
    let output = restore(&machine, &[], &archive(&machine, GOOD));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("Do it again with --replace."), "{said}");
    assert!(!machine.read("calls").contains("<start>"), "{}", machine.read("calls"));
    assert_eq!(machine.read("etc/pywats/config.json"), "token");
}

/// Fails if: a backup fails for a file that changes while it is read, or does not for one that cannot be written.
#[test]
fn backs_up_while_a_station_writes() {
    for (code, succeeds) in [(0, true), (1, true), (2, false)] {
        let machine = machine(&[]);
        machine.program("tar", &format!("#!/bin/sh\nexit {code}\n"));
        let places = ["/etc/pywats/"];
        let output = machine.run("appliance-backup", &places, &[], &[], b"");
        assert_eq!(output.status.success(), succeeds, "{code}");
        assert!(machine.read("calls").ends_with(START));
    }
}

/// Fails if: what a station stores while the data moves is hidden afterwards, or a share that nobody asked for is started.
#[test]
fn moves_the_data_while_nobody_writes() {
    for shared in [true, false] {
        let machine = machine(&[("var/lib/pywats/watch/report.json", "x")]);
        let data = machine.path("var/lib/pywats").display().to_string();
        // After a disk that was lost, another one takes its place.
        machine.write(
            "etc/fstab",
            &format!("# mine\nUUID=lost {data} ext4 nofail 0 2\n/dev/sr0 /media iso9660 noauto 0 0\n"),
        );
        machine.write("sdb", "");
        if !shared {
            let called = "{ printf systemctl; printf ' <%s>' \"$@\"; echo; } >>HERE/calls";
            machine.program("systemctl", &format!("#!/bin/sh\n{called}\n[ \"$1\" != is-active ]\n"));
        }
        let places = ["/etc/fstab", "/etc/systemd/", "/run/", "/var/lib/pywats"];
        let disk = machine.path("sdb").display().to_string();
        let output = machine.run("appliance-data-disk", &places, &[&disk], &[], b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(machine.read("disk/watch/report.json"), "x");
        assert_eq!(fs::read_dir(machine.path("var/lib/pywats")).unwrap().count(), 0);
        assert_eq!(
            machine.read("etc/fstab"),
            format!(
                "# mine\n/dev/sr0 /media iso9660 noauto 0 0\nUUID=1234-5678 {data} ext4 noatime,nofail,x-systemd.growfs 0 2\n"
            )
        );
        let calls = machine.read("calls");
        let and_smbd = if shared { " <smbd.service>" } else { "" };
        let stop = format!("systemctl <stop> <pywats-client.service>{and_smbd}\nmount <{disk}>");
        assert!(calls.contains(&stop), "{calls}");
        assert!(calls.contains("chattr <+i> <"), "{calls}");
        let start = "systemctl <start> <--no-block> <srv-operators-watch.mount> <pywats-client.service>";
        assert!(calls.ends_with(&format!("{start}{and_smbd}\n")), "{calls}");
        assert_eq!(fs::read_dir(machine.path("run")).unwrap().count(), 0);
    }
}
