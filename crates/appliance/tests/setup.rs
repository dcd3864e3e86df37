//! `appliance-setup` and `appliance-reset`, with programs of the system that only say how they were called.
//!
//! The real ones are on the disk; whether they do what is asked of them is seen there.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Says how it was called: each argument in angle brackets, since arguments may have blanks in them.
const CALLED: &str =
    "#!/bin/sh\n{ printf '%s' \"${0##*/}\"; for a; do printf ' <%s>' \"$a\"; done; echo; } >>HERE/calls\n";

/// The programs that do more than that.
const PROGRAMS: &[(&str, &str)] = &[
    ("cloud-init", ""),
    ("chpasswd", "cat >>HERE/calls\n"),
    ("getent", "echo admin:x:1000:1000::HERE/home:/bin/bash\n"),
    ("id", "[ \"$1\" = -u ] && echo 0\n"),
    (
        "install",
        "for a; do s=${d-}; d=$a; done\ncase $* in -d*) mkdir -p \"$d\" ;; *) cp \"$s\" \"$d\" ;; esac\n",
    ),
    ("ip", ""),
    ("networkctl", ""),
    ("smbpasswd", "cat >>HERE/calls\n"),
    ("ssh-keygen", "grep -q ^ssh-\n"),
    ("systemctl", ""),
    ("systemd-tmpfiles", ""),
    ("useradd", ""),
    ("userdel", ""),
    ("wait-online", ""),
    // The client writes what it was asked for, and reaches no server. It does not take every token.
    (
        "pywats-client",
        "case \"$1 $2\" in\n'config init') { printf '<%s>\\n' \"$@\"; cat; } >\"$4\"; ! grep -q wrong \"$4\" ;;\n\
         'folders add') ;;\n*) exit 1 ;;\nesac\n",
    ),
];

/// Programs that remove. They are the real ones, but remove nothing of the machine that runs the tests.
const REMOVING: &[&str] = &["find", "rm"];

const WITHIN: &str =
    "#!/bin/sh\nfor a; do case $a in HERE/*) ;; /*) echo \"$a is not in HERE\" >&2; exit 99 ;; esac; done\n";

/// A machine that is not set up.
struct Machine(TempDir);

impl Machine {
    fn new() -> Machine {
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
        for (name, does) in PROGRAMS {
            machine.program(name, &format!("{CALLED}{does}"));
        }
        for name in REMOVING {
            machine.program(name, &format!("{WITHIN}exec /usr/bin/{name} \"$@\"\n"));
        }
        machine
    }

    fn program(&self, name: &str, text: &str) {
        let program = self.path("bin").join(name);
        fs::write(&program, text.replace("HERE", &self.here())).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn here(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn is_set_up(&self) -> bool {
        self.path("etc/pywats/config.json").exists()
    }

    /// Runs a script of the appliance. Each of these places is one of this machine's.
    fn run(
        &self,
        script: &str,
        places: &[&str],
        arguments: &[&str],
        variables: &[(&str, &str)],
        typed: &[&str],
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
        ] {
            text = text.replace(place, other);
        }
        text = text.replace("HERE", &self.here());
        fs::write(self.path("script"), text).unwrap();
        let lines: String = typed.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.path("typed"), lines).unwrap();
        let mut command = Command::new("sh");
        command.arg(self.path("script")).args(arguments).env_clear().envs(variables.iter().copied());
        command.stdin(File::open(self.path("typed")).unwrap()).output().unwrap()
    }

    fn setup(&self, arguments: &[&str], variables: &[(&str, &str)], typed: &[&str]) -> Output {
        let places = ["/etc/pywats/", "/etc/systemd/", "/run/", "/sys/class/net/"];
        self.run("appliance-setup", &places, arguments, variables, typed)
    }

    fn reset(&self, arguments: &[&str], typed: &[&str]) -> Output {
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
        self.run("appliance-reset", &places, arguments, &[], typed)
    }
}

/// What a shell would do something to.
const NASTY: &str = r#" pä"s's $HOME $(id) \n `id` * "#;

/// The lines of somebody who makes every mistake once. The first are empty: Enter begins.
const TYPED: &[&str] = &[
    "",
    "x",
    "f",
    "eth9",
    "ens4",
    "oops!",
    "192.0.2.10/24",
    "192.0.2.1",
    "192.0.2.53", //
    NASTY,
    "other",
    NASTY,
    NASTY,
    "no key",
    "ssh-ed25519 AAAA me", //
    "https://one.example",
    "wrong",
    NASTY,
    "",
    "token",
    "",
    "k", //
    "Root",
    "line-1",
    "a:b",
    "a:b",
    "maybe",
    "y",
    "",
];

/// Fails if: an answer does not arrive as it was typed, a mistake ends the setup or is taken, or the machine counts as set
/// up before it is.
#[test]
fn hands_on_what_was_typed() {
    let machine = Machine::new();
    let output = machine.setup(&["--then", "echo", "a login"], &[], TYPED);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && said.ends_with("\na login\n"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let configuration = machine.read("etc/pywats/config.json");
    let asked =
        format!("<--server-url=https://one.example>\n<--token-file>\n<->\n<--station-name={NASTY}>\ntoken");
    assert!(configuration.ends_with(&asked), "{configuration}");
    assert_eq!(
        machine.read("etc/systemd/network/50-setup.network"),
        "[Match]\nName=ens4\n\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\nDNS=192.0.2.53\n"
    );
    assert_eq!(machine.read("home/.ssh/authorized_keys"), "ssh-ed25519 AAAA me\n");

    let calls = machine.read("calls");
    for call in [
        &*format!("\nadmin:{NASTY}\n"),
        "\nline-1:a:b\n",
        " <--groups> <pywats-operators> <line-1>\n",
        "\nsmbpasswd <-s> <-a> <line-1>\na:b\na:b\n",
    ] {
        assert!(calls.contains(call), "{call} is not in {calls}");
    }
    // Only the start of the services comes behind the configuration.
    let (_, behind) = calls.rsplit_once("config.json.new>\n").unwrap();
    assert_eq!(
        behind,
        "systemctl <enable> <--quiet> <smbd.service>\n\
         systemctl <start> <--no-block> <pywats-client.service> <ssh.service> <smbd.service>\n"
    );
    assert_eq!(fs::read_dir(machine.path("run")).unwrap().count(), 1, "only the lock is left");
}

/// Fails if: a machine is set up by half when somebody hangs up or the power goes, at whichever question.
#[test]
fn is_set_up_as_a_whole_or_not_at_all() {
    for typed in (0..TYPED.len()).rev().step_by(4) {
        let machine = Machine::new();
        let output = machine.setup(&["--then", "echo", "a login"], &[], &TYPED[..typed]);
        assert!(!output.status.success() && !machine.is_set_up(), "after {typed} lines");
        assert!(!machine.read("calls").contains("chpasswd"), "after {typed} lines");
    }
}

/// Fails if: the variables do not set a machine up, what lacks is not said, or a wrong one sets it up by half.
#[test]
fn takes_variables() {
    let server = ("PYWATS_SERVER_URL", "https://one.example");
    let token = ("PYWATS_API_TOKEN", "token");
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[token], "PYWATS_SERVER_URL is not set"),
        (&[server], "PYWATS_API_TOKEN is not set"),
        (&[server, ("PYWATS_API_TOKEN", "wrong")], "nothing was set up"),
        (&[server, token, ("PYWATS_FAILED_FOLDER", "/f")], "belong to PYWATS_WATCH_FOLDER"),
    ];
    for (variables, says) in cases {
        let machine = Machine::new();
        let output = machine.setup(&["--silent"], variables, &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && said.contains(says) && !machine.is_set_up(),
            "{variables:?}: {said}"
        );
    }
    let machine = Machine::new();
    let watch = machine.path("a b");
    let folder = ("PYWATS_WATCH_FOLDER", watch.to_str().unwrap());
    let variables = [server, token, ("PYWATS_STATION_NAME", NASTY), folder];
    let output = machine.setup(&["--silent"], &variables, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(machine.read("etc/pywats/config.json").contains(&format!("<--station-name={NASTY}>\ntoken")));
    let added = format!("pywats-client <folders> <add> <--name> <setup> <--> <{}>\n", watch.display());
    assert!(machine.read("calls").contains(&added), "{}", machine.read("calls"));
    assert!(!machine.read("calls").contains("smbd"), "nobody has asked for a share");
    // A second time would forget what was changed since.
    let output = machine.setup(&["--silent"], &variables, &[]);
    assert!(
        !output.status.success() && String::from_utf8_lossy(&output.stderr).contains("it has been set up")
    );
    // A console of it is a login.
    assert_eq!(machine.setup(&["--then", "echo", "a login"], &[], &[]).stdout, b"a login\n");
}

/// Fails if: a machine that was reset still has an account, a key, a token or the address of somebody, reports go that were
/// to stay, or anything else goes.
#[test]
fn forgets_what_was_set_up() {
    let files = [
        ("etc/pywats/config.json", false),
        ("etc/pywats/ca.pem", true),
        ("etc/systemd/network/10-cloud-init-ens3.network", false),
        ("etc/systemd/network/50-setup.network", false),
        ("etc/systemd/network/70-mine.network", true),
        ("etc/systemd/system/pywats-client.service.d/folder-setup.conf", false),
        ("etc/systemd/system/pywats-client.service.d/mine.conf", true),
        ("etc/sudoers.d/90-cloud-init-users", false),
        ("etc/ssh/ssh_host_ed25519_key", false),
        ("etc/ssh/sshd_config", true),
        ("home/admin/.ssh/authorized_keys", false),
        ("var/lib/pywats/watch/report.json", true),
        ("var/lib/samba/private/passdb.tdb", false),
    ];
    let is_there = |machine: &Machine| files.map(|(name, _)| machine.path(name).exists());
    let machine = Machine::new();
    for (name, _) in files {
        fs::create_dir_all(machine.path(name).parent().unwrap()).unwrap();
        fs::write(machine.path(name), "x").unwrap();
    }
    fs::write(machine.path("etc/machine-id"), "x").unwrap();
    machine
        .program("getent", "printf '%s:x:%s:0::/:/bin/sh\\n' root 0 admin 1000 line-1 1001 nobody 65534\n");

    let output = machine.reset(&[], &["yes"]);
    assert!(!output.status.success() && is_there(&machine) == [true; 13]);
    assert_eq!(machine.read("calls"), "id <-u>\n");

    let output = machine.reset(&[], &["reset"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(is_there(&machine), files.map(|(_, stays)| stays));
    assert!(machine.read("etc/machine-id").is_empty() && machine.path("etc/machine-id").exists());
    let calls = machine.read("calls");
    let gone: Vec<_> = calls.lines().filter(|call| call.starts_with("userdel")).collect();
    assert_eq!(gone, ["userdel <--force> <admin>", "userdel <--force> <line-1>"]);
    assert!(calls.contains("id <-u>\nsystemctl <stop> <pywats-client.service>\n"), "{calls}");
    assert!(calls.ends_with("\nsystemctl <reboot>\n"), "{calls}");

    assert!(machine.reset(&["--reports", "--yes"], &[]).status.success());
    assert_eq!(fs::read_dir(machine.path("var/lib/pywats")).unwrap().count(), 0);
    assert!(machine.read("calls").contains("systemd-tmpfiles <--create> <pywats-client.conf>\n"));
}
