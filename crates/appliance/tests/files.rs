//! The files in `packaging/appliance`: that they fit each other.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use appliance::edit::{self, New};
use appliance::lock::{Lock, wanted};
use appliance::system::SYSTEMS;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/appliance")
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// The value behind a word at the beginning of a line.
fn value<'a>(text: &'a str, word: &str) -> &'a str {
    text.lines()
        .find_map(|line| line.trim_start().strip_prefix(word))
        .unwrap_or_else(|| panic!("no {word} in {text}"))
}

/// Fails if: something was added to what is wanted, and nobody wrote the lock anew.
#[test]
fn locks_have_what_is_wanted() {
    let lists = SYSTEMS.iter().map(|system| (system.lock, system.wanted));
    for (name, lists) in lists.chain([("programs", &["programs"][..])]) {
        let lock = Lock::parse(&read(&format!("{name}.lock"))).unwrap();
        for list in lists {
            lock.satisfies(&wanted(&read(&format!("{list}.txt")))).unwrap();
        }
        assert_eq!(lock.to_string(), read(&format!("{name}.lock")));
    }
}

/// Fails if: operators are shut in where the watch folder is not mounted, or its unit or the one that makes keys is not
/// started.
#[test]
fn operators_find_the_watch_folder() {
    let sshd = read("root/etc/ssh/sshd_config.d/10-appliance.conf");
    let prison = value(&sshd, "ChrootDirectory ");
    let mount = read("root/usr/lib/systemd/system/srv-operators-watch.mount");
    assert_eq!(value(&mount, "Where="), format!("{prison}/watch"));
    assert_eq!(prison, "/srv/operators", "crates/appliance/src/root.rs makes that folder");
    let additions = edit::additions(&folder().join("root")).unwrap();
    for link in
        ["multi-user.target.wants/srv-operators-watch.mount", "ssh.service.wants/appliance-ssh-keys.service"]
    {
        let link = additions.get(&format!("etc/systemd/system/{link}"));
        assert!(matches!(link, Some(New::Link(_))), "{link:?}");
    }
}

/// Fails if: a console asks with something that is not there or cannot be run.
#[test]
fn consoles_start_the_setup() {
    let additions = edit::additions(&folder().join("root")).unwrap();
    for unit in ["getty@tty1", "serial-getty@"] {
        let text = read(&format!("root/usr/lib/systemd/system/{unit}.service.d/setup.conf"));
        let program = value(&text, "ExecStart=-/").split(' ').next().unwrap();
        assert!(matches!(additions.get(program), Some(New::File(0o755, _))), "{program}");
    }
}

/// Fails if: the kernel of a Raspberry Pi starts something that is not there, apt does not let dpkg write, or what a
/// Raspberry Pi does at its start is not started.
#[test]
fn a_raspberry_pi_is_put_together() {
    let additions = edit::additions(&folder().join("raspberry-pi")).unwrap();
    let apt = read("raspberry-pi/etc/apt/apt.conf.d/51appliance-writable");
    let called = apt.lines().filter_map(|line| line.split('"').nth(1)?.strip_prefix('/')?.split(' ').next());
    let programs: Vec<&str> = called.chain(["usr/sbin/appliance-init", "usr/sbin/appliance-grow"]).collect();
    assert_eq!(programs.len(), 4);
    for program in programs {
        assert!(matches!(additions.get(program), Some(New::File(0o755, _))), "{program}");
    }
    for link in [
        "multi-user.target.wants/appliance-grow.service",
        "cloud-init.target.wants/appliance-seed-used.service",
    ] {
        assert!(additions.contains_key(&format!("etc/systemd/system/{link}")), "{link}");
    }
}
