//! `appliance-setup` and its companions, with programs of the system that only say how they were called.
//!
//! The real ones are on the disk; whether they do what is asked of them is seen there.

#![allow(clippy::unwrap_used)] // also in helpers, which clippy does not know to be tests

mod data;
mod machine;

use machine::Machine;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// What a shell would do something to.
const NASTY: &str = r#" pä"s's $HOME $(id) \n `id` * "#;

/// A password of 128 bytes, though of fewer characters.
const TOO_LONG: &str = "ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää";

/// The lines of somebody who makes every mistake once. The first are empty: Enter begins.
const TYPED: &[&str] = &[
    "",
    "x",
    "f",
    "eth9",
    "ens4",
    "oops!",
    "192.0.2.10",
    "192.0.2.10/24",
    "192.0.2.10",
    "192.0.2.1",
    "nobody",
    "192.0.2.53", //
    NASTY,
    "other",
    TOO_LONG,
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
    "admin",
    "daemon",
    "staff",
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
        machine.read("etc/systemd/network/05-setup.network"),
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
    assert_eq!(machine.networks(), 1, "the file is in both places");
    fs::remove_dir_all(machine.path("run/systemd")).unwrap();
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
        assert_eq!(machine.networks(), 0, "a network is left after {typed} lines");
    }
}

/// Fails if: one that ends before it has begun takes the network of a setup at another console away.
#[test]
fn leaves_the_network_of_another_console() {
    let machine = Machine::new();
    machine.write("run/systemd/network/05-setup.network", "of another console");
    assert!(!machine.setup(&["--silent"], &[], &[]).status.success());
    assert!(!machine.setup(&["--then", "echo"], &[], &[]).status.success());
    assert_eq!(machine.read("run/systemd/network/05-setup.network"), "of another console");
}

/// What the network is without a fixed address.
const DHCP: &str = "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n";

/// Fails if: DHCP as an answer is another one than that of a machine which was asked nothing.
#[test]
fn dhcp_is_what_it_was() {
    let place = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../packaging/appliance/root/usr/lib/systemd/network/90-dhcp.network"
    );
    let text = fs::read_to_string(place).unwrap();
    let lines: String =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(lines, DHCP);
}

/// Fails if: the answer DHCP gives way to a seed's address, a machine without a card that is known cannot be set up, or it
/// is not said why it has no network.
#[test]
fn goes_on_without_a_card() {
    let rest = ["a:b", "a:b", "", "https://one.example", "token", "", "k", "", "y"];
    let machine = Machine::new();
    let output = machine.setup(&[], &[], &[&["d"], &rest[..]].concat());
    assert!(output.status.success() && machine.is_set_up());
    assert_eq!(machine.read("etc/systemd/network/05-setup.network"), DHCP);

    let machine = Machine::new();
    for card in ["ens3", "ens4"] {
        fs::remove_dir_all(machine.path("sys/class/net").join(card)).unwrap();
    }
    let output = machine.setup(&[], &[], &rest);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && machine.is_set_up(), "{said}");
    assert!(
        said.contains("no network card that this system knows") && said.contains("network         DHCP\n")
    );
    assert_eq!(machine.read("etc/systemd/network/05-setup.network"), DHCP);
}

/// Fails if: an address is taken that leads to no network, a good one is not, or it is not said what one looks like.
#[test]
fn takes_no_address_that_leads_nowhere() {
    let rest = ["a:b", "a:b", "", "https://one.example", "token", "", "k", "", "y"];
    let wrong = [
        "10.0.2.15",
        "10.0.2.15/",
        "10.0.2.15/33",
        "10.0.2.15/0",
        "10.0.2.15/255.255.255.0",
        "10.0.2/24",
        "10.0.2.0/24",
        "10.0.2.255/24",
        "127.0.0.1/8",
        "fe80::1%ens4/64",
        "0.0.0.0/8",
        "a",
    ];
    let typed = [&["f", ""], &wrong[..], &["10.0.2.15/24"], &["10.0.2.15", "fd00::1", "0.0.0.0", "10.0.9.1"]];
    let typed = [&typed.concat()[..], &["10.0.2.3/24", "::", "10.0.2.3"], &rest[..]].concat();
    let machine = Machine::new();
    let output = machine.setup(&[], &[], &typed);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.matches("Type one such as 192.0.2.10/24").count(), wrong.len(), "{said}");
    assert_eq!(said.matches("Type one such as 192.0.2.1\n").count(), 3, "{said}");
    assert!(said.contains("Note: 10.0.9.1 is not in the network 10.0.2.0/24"), "{said}");
    assert_eq!(
        machine.read("etc/systemd/network/05-setup.network"),
        "[Match]\nName=ens3\n\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.9.1\nDNS=10.0.2.3\n"
    );

    let six = ["f", "", "2001:db8::10/64", "fe80::1", "2001:db8::53"];
    let machine = Machine::new();
    let output = machine.setup(&[], &[], &[&six[..], &rest[..]].concat());
    assert!(output.status.success() && !String::from_utf8_lossy(&output.stdout).contains("Note:"));
    assert!(machine.read("etc/systemd/network/05-setup.network").contains("Gateway=fe80::1\n"));
}

/// Fails if: an administrator whose home was there already is not let in by a key, finds what another one's shell did, or
/// gets what a reset kept; or a home that is somebody's is taken away.
#[test]
fn gives_a_home_that_was_there_to_its_account() {
    let rest = ["d", "a:b", "a:b", "ssh-ed25519 AAAA me", "https://one.example", "token", "", "k", "", "y"];
    let silent = [("PYWATS_SERVER_URL", "https://one.example"), ("PYWATS_API_TOKEN", "token")];
    for by_seed in [false, true] {
        let machine = Machine::new();
        machine.write("home/admin/failed/report.json", "x");
        machine.write("home/admin/.bashrc", "of another one");
        machine.write("home/shared/notes", "x");
        machine.write("etc/skel/.bashrc", "new");
        fs::set_permissions(machine.path("home/admin"), fs::Permissions::from_mode(0o775)).unwrap();
        let owner = fs::metadata(machine.path("home/shared")).unwrap().uid();
        // Accounts that are not those of this machine. One has a home that is another's, too.
        machine.program(
            "getent",
            &format!(
                "case $2 in\nadmin) echo admin:x:3000:3001::HERE/home/admin:/bin/bash ;;\n\
                 {owner}) echo own:x:{owner}:0::HERE/home/shared:/bin/sh ;;\n*) printf '%s\\n' \
                 root:x:0:0::/root:/bin/bash admin:x:3000:3001::HERE/home/admin:/bin/bash \
                 two:x:3002:3002::HERE/home/shared:/bin/sh three:x:3003:3003::HERE/home/../etc:/bin/sh ;;\nesac\n"
            ),
        );
        let output =
            if by_seed { machine.setup(&["--silent"], &silent, &[]) } else { machine.setup(&[], &[], &rest) };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let calls = machine.read("calls");
        let home = machine.path("home/admin").display().to_string();
        let given: Vec<&str> = calls.lines().filter(|call| call.starts_with("chown ")).collect();
        assert_eq!(
            given,
            [format!("chown <3000:3001> <{home}>"), format!("chown <-hR> <3000:3001> <{home}/.bashrc>")]
        );
        assert_eq!(machine.read("home/admin/.bashrc"), "new");
        assert_eq!(machine.read("home/admin/failed/report.json"), "x");
        let mode = fs::metadata(machine.path("home/admin")).unwrap().permissions().mode();
        assert_eq!(mode & 0o022, 0, "sshd refuses its keys");
        // Before its keys are put there.
        let keys = calls.find("/.ssh>");
        assert!(keys.is_none_or(|keys| calls.find("chown ").is_some_and(|at| at < keys)), "{calls}");
    }
}

/// Fails if: accounts that could not be made end the setup, or the machine counts as set up all the same.
#[test]
fn asks_again_after_accounts_that_could_not_be_made() {
    for program in ["useradd", "chpasswd", "smbpasswd"] {
        let machine = Machine::new();
        machine.fails_once(program);
        let again = ["d", "c", "c", "", "", "token", "", "k", "line-1", "a:b", "a:b", "n", "y"];
        let output = machine.setup(&[], &[], &[&TYPED[1..], &again].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && machine.is_set_up(), "{program}: {said}");
        assert_eq!(said.matches("accounts could not be made").count(), 1, "{program}: {said}");
        assert!(said.ends_with("shows how it is.\n"), "{program}: {said}");
        let calls = machine.read("calls");
        assert_eq!(calls.matches("config.json.new>").count(), 1, "{program}: {calls}");
        assert!(machine.read("etc/pywats/config.json").contains("--server-url=https://one.example>"));
        assert_eq!(machine.read("etc/systemd/network/05-setup.network"), DHCP);
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
        (&[server, token, ("PYWATS_WATCH_FOLDER", "reports")], "is reports; write a whole path"),
        (&[server, token, ("PYWATS_WATCH_FOLDER", "/dev/null")], "/dev/null is no folder"),
        (&[server, token, ("PYWATS_WATCH_FOLDER", "/dev/null/a/b")], "but /dev/null is no folder"),
        (
            &[server, token, ("PYWATS_WATCH_FOLDER", "/a"), ("PYWATS_FAILED_FOLDER", "b")],
            "FAILED_FOLDER is b;",
        ),
        (&[server, token, ("PYWATS_WATCH_FOLDER", "/refused")], "nothing was set up; see above"),
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
    // What a restore that failed has left.
    machine.write("etc/pywats/config.json.new/x", "left");
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

/// Fails if: a folder that cannot be watched leaves a machine that nobody reaches, it is not said, or folders that are there
/// get other rights.
#[test]
fn runs_without_the_folder_that_failed() {
    let machine = Machine::new();
    let mode = |name: &str| fs::metadata(machine.path(name)).unwrap().permissions().mode() & 0o7777;
    fs::create_dir(machine.path("there")).unwrap();
    fs::set_permissions(machine.path("there"), fs::Permissions::from_mode(0o1777)).unwrap();
    let (there, missing) = (machine.path("there"), machine.path("is/missing"));
    machine.fails_once("pywats-client-folders");
    let variables = [
        ("PYWATS_SERVER_URL", "https://one.example"),
        ("PYWATS_API_TOKEN", "token"),
        ("PYWATS_WATCH_FOLDER", there.to_str().unwrap()),
        ("PYWATS_ARCHIVE_FOLDER", missing.to_str().unwrap()),
    ];
    let output = machine.setup(&["--silent"], &variables, &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && machine.is_set_up(), "{said}");
    assert!(said.contains("The rest is set up and running, and pywats-client folders add"), "{said}");
    let calls = machine.read("calls");
    assert!(
        calls.ends_with("systemctl <start> <--no-block> <pywats-client.service> <ssh.service>\n"),
        "{calls}"
    );
    assert_eq!(["there", "is", "is/missing"].map(mode), [0o1777, 0o755, 0o755]);
}

/// Fails if: a machine that was reset still has an account, a key, a token or the address of somebody, reports go that were
/// to stay, or anything else goes.
#[test]
fn forgets_what_was_set_up() {
    let files = [
        ("etc/pywats/config.json", false),
        ("etc/pywats/ca.pem", false),
        ("etc/pywats/secrets/token", false),
        ("etc/systemd/network/10-cloud-init-ens3.network", false),
        ("etc/systemd/network/05-setup.network", false),
        ("etc/systemd/network/70-mine.network", true),
        ("etc/systemd/system/pywats-client.service.d/folder-setup.conf", false),
        ("etc/systemd/system/pywats-client.service.d/mine.conf", true),
        ("etc/sudoers.d/90-cloud-init-users", false),
        ("etc/ssh/ssh_host_ed25519_key", false),
        ("etc/ssh/sshd_config", true),
        ("home/admin/.ssh/authorized_keys", false),
        ("home/admin/notes", false),
        ("home/line-1/.ssh/authorized_keys", false),
        ("home/line-1/other/report.json", false),
        ("home/line-1/re[po*rts/a/report.json", true),
        ("home/line-1/failed/report.json", true),
        ("home/nobody/report.json", true),
        ("root/.bash_history", false),
        ("root/.ssh/authorized_keys", false),
        ("root/.profile", true),
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
    machine.program(
        "getent",
        "printf '%s:x:%s:0::%s:/bin/sh\\n' root 0 HERE/root admin 1000 HERE/home/admin line-1 1001 HERE/home/line-1/ \\\n\
         line-2 1002 HERE/home/. line-3 1003 HERE/home/../var line-4 70000 HERE/home nobody 65534 HERE/home/nobody\n",
    );
    machine.watches(&["re[po*rts", "failed"]);

    let output = machine.reset(&[], &["yes"]);
    assert!(!output.status.success() && is_there(&machine).iter().all(|there| *there));
    assert_eq!(machine.read("calls"), "id <-u>\n");

    let output = machine.reset(&[], &["reset"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(is_there(&machine), files.map(|(_, stays)| stays));
    assert!(machine.read("etc/machine-id").is_empty() && machine.path("etc/machine-id").exists());
    let calls = machine.read("calls");
    let gone: Vec<_> = calls.lines().filter(|call| call.starts_with("userdel")).collect();
    assert_eq!(
        gone,
        ["admin", "line-1", "line-2", "line-3", "line-4"].map(|name| format!("userdel <--force> <{name}>"))
    );
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(&format!("\n    {}\n", machine.path("home/line-1/failed").display())), "{said}");
    assert!(calls.contains("<client.data_dir>\nsystemctl <stop> <pywats-client.service>\n"), "{calls}");
    assert!(calls.ends_with("\nsystemctl <reboot>\n"), "{calls}");

    assert!(machine.reset(&["--reports", "--yes"], &[]).status.success());
    assert_eq!(fs::read_dir(machine.path("var/lib/pywats")).unwrap().count(), 0);
    assert!(machine.read("calls").contains("systemd-tmpfiles <--create> <pywats-client.conf>\n"));
}

/// Fails if: an account that an administrator has made among those of services stays, or a password or a key of one that a
/// package needs does; or such an account goes.
#[test]
fn forgets_accounts_with_numbers_of_services() {
    let machine = Machine::new();
    let places = ["srv/ftp", "srv/line-9", "home/helper", "home/pywats", "root"];
    for home in places {
        machine.write(&format!("{home}/.ssh/authorized_keys"), "x");
    }
    machine.program(
        "getent",
        "case $*:$3 in\n*shadow*:ftp) echo ftp:hash: ;;\n*shadow*:open) echo open:: ;;\n*shadow*) echo \"$3:!*:\" ;;\n\
         *) printf '%s:x:%s:0::%s\\n' root 0 HERE/root:/bin/bash toor 0 HERE/root:/bin/bash \\\n\
         sync 4 /bin:/bin/sync ftp 14 HERE/srv/ftp:/usr/sbin/nologin open 15 /:/bin/false daemon 16 /:/usr/sbin/nologin \\\n\
         helper 900 HERE/home/helper:/usr/sbin/nologin shell 901 /nonexistent:/bin/dash none 902 /nonexistent: \\\n\
         line-9 903 HERE/srv/line-9:/usr/sbin/nologin nobody 65534 /nonexistent:/usr/sbin/nologin ;;\nesac\n",
    );
    machine.program("id", "case $* in -u) echo 0 ;; *line-9) echo x pywats-operators ;; *) echo x ;; esac\n");
    let output = machine.reset(&["--yes"], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = machine.read("calls");
    let changed: Vec<_> = calls.lines().filter(|call| call.starts_with("user")).collect();
    assert_eq!(
        changed,
        [
            "usermod <--password> <*> <root>",
            "userdel <--force> <toor>",
            "usermod <--password> <!*> <ftp>",
            "usermod <--password> <!*> <open>",
            "userdel <--force> <helper>",
            "userdel <--force> <shell>",
            "userdel <--force> <none>",
            "userdel <--force> <line-9>",
        ]
    );
    let left = places.map(|home| machine.path(home).join(".ssh").exists());
    assert_eq!(left, [false, false, false, true, false]);
}

/// Fails if: a reset that has begun does not go to its end, whatever fails, or does not say what did.
#[test]
fn goes_to_its_end() {
    let failing = ["cloud-init", "find", "sync", "systemd-tmpfiles", "truncate", "userdel", "usermod"];
    for fails in failing.into_iter().chain(["smbd", "no smbd", "gone"]) {
        let machine = Machine::new();
        machine.write("etc/pywats/config.json", "x");
        machine.write("etc/ssh/ssh_host_rsa_key", "x");
        machine.write("etc/machine-id", "x");
        machine.write("var/lib/pywats/watch/report.json", "x");
        machine.write("home/admin/.ssh/authorized_keys", "x");
        machine.program(
            "getent",
            "echo root:x:0:0::HERE/root:/bin/sh; echo admin:x:1000:0::HERE/home/admin:/bin/sh\n",
        );
        let called = "{ printf systemctl; printf ' <%s>' \"$@\"; echo; } >>HERE/calls\n";
        match fails {
            "smbd" => machine.program("systemctl", &format!("{called}[ \"$1\" != disable ]\n")),
            // Samba was removed.
            "no smbd" => {
                let does = "case $1 in disable | cat) exit 1 ;; esac\n";
                machine.program("systemctl", &format!("{called}{does}"));
            }
            // Whoever called it has hung up.
            "gone" => machine.program("cloud-init", "kill -HUP $PPID; kill -PIPE $PPID; kill -TERM $PPID\n"),
            program => machine.program(program, "echo refused >&2; exit 1\n"),
        }
        let output = machine.reset(&["--yes", "--reports"], &[]);
        let said = String::from_utf8(output.stderr).unwrap();
        let nothing_failed = ["no smbd", "gone"].contains(&fails);
        assert_eq!(output.status.success(), nothing_failed, "{fails}: {said}");
        let says = said.contains("appliance-reset: ") && said.contains("The rest is as on a new machine");
        assert_eq!(says, !nothing_failed, "{fails}: {said}");
        let calls = machine.read("calls");
        assert!(calls.ends_with("systemctl <reboot>\n"), "{fails}: {calls}");
        for name in ["etc/pywats/config.json", "etc/ssh/ssh_host_rsa_key", "home/admin/.ssh"] {
            assert!(!machine.path(name).exists(), "{fails}: {name}");
        }
        assert!(fails == "truncate" || machine.read("etc/machine-id").is_empty(), "{fails}");
    }
}

/// Fails if: whoever gets the number of an account that is gone gets what is kept of its home, too.
#[test]
fn what_is_kept_is_nobodys() {
    let machine = Machine::new();
    machine.write("home/line-1/failed/report.json", "x");
    machine.write("srv/ict/report.json", "x");
    machine.program("getent", "echo line-1:x:1001:0::HERE/home/line-1:/bin/sh\n");
    machine.program("mountpoint", "[ \"$2\" = HERE/ ]\n");
    // No account of the machine that runs this is gone: what has such a name stands for what it would have.
    let find = "n=$#\nwhile [ $n -gt 0 ]; do\n    a=$1\n    shift\n    n=$((n - 1))\n    case $a in\n    \
                -nouser | -nogroup) set -- \"$@\" -name report.json ;;\n    *) set -- \"$@\" \"$a\" ;;\n    esac\ndone\n\
                exec /usr/bin/find \"$@\"\n";
    machine.program("find", find);
    machine.watches(&["watch", "failed"]);
    let output = machine.reset(&["--yes"], &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = machine.read("calls");
    for (program, who) in [("chown", "<-h> <root>"), ("chgrp", "<-h> <root>")] {
        let call = calls.lines().find(|call| call.starts_with(program)).unwrap_or_default();
        assert!(call.contains(who) && call.contains("home/line-1/failed/report.json>"), "{calls}");
        assert!(call.contains("/srv/ict/report.json>"), "{calls}");
    }
    let at = |text: &str| calls.find(text).unwrap();
    assert!(at("userdel") < at("chown") && at("chown") < at("<reboot>"), "{calls}");
}

/// Fails if: reports go with a home because the configuration could not be read, or a key stays.
#[test]
fn keeps_homes_where_nobody_knows_what_is_watched() {
    let machine = Machine::new();
    for name in ["reports/report.json", ".ssh/authorized_keys", ".bash_history", ".bashrc", ".profile"] {
        machine.write(&format!("home/op/{name}"), "x");
    }
    machine.program("getent", "echo op:x:1000:0::HERE/home/op:/bin/sh\n");
    let output = machine.reset(&["--yes"], &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("home/op stays"), "{said}");
    let left: Vec<_> =
        fs::read_dir(machine.path("home/op")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["reports"]);
}
