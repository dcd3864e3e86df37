//! A machine that is a folder, with programs that only say how they were called.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Says how it was called: each argument in angle brackets, since arguments may have blanks in them.
const CALLED: &str =
    "#!/bin/sh\n{ printf '%s' \"${0##*/}\"; for a; do printf ' <%s>' \"$a\"; done; echo; } >>HERE/calls\n";

/// The programs that do more than that. A file `fails-NAME` lets one of them fail once.
const PROGRAMS: &[(&str, &str)] = &[
    ("blkid", "echo 1234-5678\n"),
    ("blockdev", "echo 1000000000\n"),
    ("chattr", ""),
    ("chown", ""),
    ("cloud-init", ""),
    ("chpasswd", "cat >>HERE/calls\n"),
    (
        "getent",
        "case $1 in passwd) echo admin:x:1000:1000::HERE/home:/bin/bash ;; *) [ \"$2\" = staff ] ;; esac\n",
    ),
    (
        "id",
        "case $* in -u) echo 0 ;; '-nG daemon') echo daemon pywats-operators-no ;; daemon) ;; *) exit 1 ;; esac\n",
    ),
    // Owners are not there.
    (
        "install",
        "n=$#\nwhile [ $n -gt 0 ]; do\n    a=$1\n    shift\n    n=$((n - 1))\n\
         case $a in -o | -g) shift; n=$((n - 1)) ;; *) set -- \"$@\" \"$a\" ;; esac\ndone\n\
         exec /usr/bin/install \"$@\"\n",
    ),
    ("chgrp", ""),
    ("ip", ""),
    ("logger", ""),
    ("lsblk", ""),
    ("mkfs.ext4", ""),
    // What is mounted in place of something is a link to it. What is on a disk is where it was mounted, and then in `disk`.
    ("mount", "[ \"$1\" != --bind ] || { rmdir \"$3\"; ln -s \"$2\" \"$3\"; }\n"),
    ("mountpoint", "[ -L \"$2\" ]\n"),
    ("umount", "if [ -L \"$1\" ]; then rm \"$1\"; else mv \"$1\" HERE/disk; fi\nmkdir \"$1\"\n"),
    ("networkctl", ""),
    ("smbpasswd", "cat >>HERE/calls\n"),
    ("ssh-keygen", "grep -q ^ssh-\n"),
    ("systemctl", ""),
    ("systemd-tmpfiles", ""),
    ("useradd", ""),
    ("userdel", ""),
    ("usermod", ""),
    ("wait-online", ""),
    ("wipefs", ""),
    // What is packed is not compressed.
    ("zstd", "exec cat\n"),
    // The client writes what it was asked for, and reaches no server. It does not take every token.
    (
        "pywats-client",
        "case \"$1 $2\" in\n'config init') { printf '<%s>\\n' \"$@\"; cat; } >\"$4\"; ! grep -q wrong \"$4\" ;;\n\
         'folders add') case $* in *refused) exit 1 ;; *--dry-run*) exit 0 ;; esac\n\
         [ ! -e HERE/fails-pywats-client-folders ] ;;\n\
         'folders list') cat HERE/folders.json ;;\n'config get') echo HERE/var/lib/pywats ;;\n\
         'check --config') grep -q token \"$3\" ;;\n*) exit 1 ;;\nesac\n",
    ),
];

/// Programs that remove. They are the real ones, but remove nothing of the machine that runs the tests.
const REMOVING: &[&str] = &["find", "rm"];

const WITHIN: &str =
    "#!/bin/sh\nfor a; do case $a in HERE/*) ;; /*) echo \"$a is not in HERE\" >&2; exit 99 ;; esac; done\n";

/// A machine that is not set up.
pub(crate) struct Machine(TempDir);

impl Machine {
    pub(crate) fn new() -> Machine {
        let machine = Machine(tempfile::tempdir().unwrap());
        for folder in [
            "bin",
            "etc/pywats",
            "etc/systemd/network",
            "run",
            "sys/class/net/ens3/device",
            "sys/class/net/ens4/device",
            "sys/class/net/lo",
            "home",
        ] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        let once = "if [ -e \"HERE/fails-${0##*/}\" ]; then /bin/rm \"HERE/fails-${0##*/}\"; exit 1; fi\n";
        for (name, does) in PROGRAMS {
            machine.program(name, &format!("{CALLED}{once}{does}"));
        }
        for name in REMOVING {
            machine.program(name, &format!("{WITHIN}exec /usr/bin/{name} \"$@\"\n"));
        }
        machine
    }

    /// Puts another program in place of one.
    pub(crate) fn program(&self, name: &str, text: &str) {
        let program = self.path("bin").join(name);
        fs::write(&program, text.replace("HERE", &self.here())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Lets a program fail when it is called next.
    pub(crate) fn fails_once(&self, name: &str) {
        fs::write(self.path(&format!("fails-{name}")), "").unwrap();
    }

    /// Has a configuration with a folder in a home, and one for what is refused.
    pub(crate) fn watches(&self, [path, failed]: &[&str; 2]) {
        let folder = |name: &str| self.path("home/line-1").join(name).display().to_string();
        let other = self.path("var/lib/pywats/done").display().to_string();
        let text = format!(
            r#"[{{ "path": "{}", "failed_folder": "{}", "done_folder": "{other}", "archive_folder": "{other}" }}]"#,
            folder(path),
            folder(failed)
        );
        fs::write(self.path("folders.json"), text).unwrap();
    }

    pub(crate) fn here(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Writes a file, and makes the folder that it is in.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// How many networks it is told to have, now or after it has started anew.
    pub(crate) fn networks(&self) -> usize {
        let files = |folder| fs::read_dir(self.path(folder)).map_or(0, Iterator::count);
        ["etc/systemd/network", "run/systemd/network"].into_iter().map(files).sum()
    }

    pub(crate) fn is_set_up(&self) -> bool {
        self.path("etc/pywats/config.json").exists()
    }

    /// Runs a script of the appliance, which gets this to read. Each of these places is one of this machine's.
    pub(crate) fn run(
        &self,
        script: &str,
        places: &[&str],
        arguments: &[&str],
        variables: &[(&str, &str)],
        input: &[u8],
    ) -> Output {
        let sbin = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/appliance/root/usr/sbin");
        let mut text = fs::read_to_string(sbin.join(script)).unwrap();
        for place in places {
            assert!(text.contains(place), "{script} has no {place}");
            text = text.replace(place, &format!("HERE{place}"));
        }
        for (place, other) in [
            ("PATH=/usr/sbin", "PATH=HERE/bin:/usr/sbin"),
            ("/usr/lib/systemd/systemd-networkd-wait-online", "wait-online"),
            // A file stands for a disk.
            ("[ -b ", "[ -f "),
            ("for folder in / ", "for folder in HERE/ "),
        ] {
            text = text.replace(place, other);
        }
        text = text.replace("HERE", &self.here());
        fs::write(self.path("script"), text).unwrap();
        fs::write(self.path("input"), input).unwrap();
        let mut command = Command::new("sh");
        command.arg(self.path("script")).args(arguments).env_clear().envs(variables.iter().copied());
        command.stdin(File::open(self.path("input")).unwrap()).output().unwrap()
    }

    pub(crate) fn setup(&self, arguments: &[&str], variables: &[(&str, &str)], typed: &[&str]) -> Output {
        let places = ["/etc/pywats/", "/etc/skel", "/etc/systemd/", "/home/", "/run/", "/sys/class/net/"];
        self.run("appliance-setup", &places, arguments, variables, &lines(typed))
    }

    pub(crate) fn reset(&self, arguments: &[&str], typed: &[&str]) -> Output {
        let places = [
            "/etc/pywats",
            "/etc/systemd/",
            "/etc/sudoers.d/",
            "/etc/ssh/",
            "/etc/machine-id",
            "/home",
            "/var/lib/pywats",
            "/var/lib/samba/",
        ];
        self.run("appliance-reset", &places, arguments, &[], &lines(typed))
    }
}

fn lines(typed: &[&str]) -> Vec<u8> {
    typed.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes()
}
