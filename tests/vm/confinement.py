# Fails if: the service, or a converter, can do what it must not. A program does the things of the table below one after
# the other: as root with nothing that holds it, under the shipped unit alone, in a domain of the SELinux policy alone,
# and in both. What is denied must be denied, and by SELinux logged as well; all else must work. Also fails if the
# policy as it is loaded does not confine the domains, or lets a converter begin that nobody has switched on.
#
# docs/linux.md shows the table. It is made of this file: xtask/src/vm/denied.rs.

import re
import shlex

# What is done, how the program below is told so, and whether it is denied by the unit alone, in the service's domain
# alone, and in that of converters alone. With both, what one of them denies is denied.
DEEDS = [
    # fmt: off
    ("keep a report in its data folder", "create /var/lib/pywats/probe/new", False, False, True),
    ("put a file into a watch folder", "create /var/lib/pywats/watch/probe/new", False, False, False),
    ("read its configuration, with the token", "read /etc/pywats/config.json", False, False, True),
    ("answer on port 8080", "bind 8080", False, False, True),
    ("connect to ports of web servers, such as 443", "connect 443", False, False, True),
    ("read the passwords in `/etc/shadow`", "read /etc/shadow", True, True, True),
    ("write into `/etc`", "create /etc/probe", True, True, True),
    ("change its configuration", "change /etc/pywats/config.json", True, True, True),
    ("change its program", "change /usr/bin/pywats-client", True, True, True),
    ("write elsewhere, where everybody may", "create /srv/public/new", True, True, True),
    ("read in homes what everybody may", "read /home/alice/public", True, True, True),
    ("read another service's data", "read /var/lib/otherd/secret", True, True, True),
    ("read another service's data that everybody may read", "read /var/lib/otherd/public", False, True, True),
    ("read log files of the system", "read /var/log/audit/audit.log", True, True, True),
    ("run a shell", "run /bin/sh", False, True, False),
    ("run another program", "run /usr/bin/true", False, True, False),
    ("run what it has written into memory", "memory", True, True, False),
    ("trace another process", "trace OTHERD", True, True, True),
    ("read the environment of another process", "read /proc/OTHERD/environ", True, True, True),
    ("send signals to another process of its account", "signal OTHERD", False, True, True),
    ("ask other services to do something (D-Bus)", "talk /run/dbus/system_bus_socket", False, True, True),
    ("connect to other ports, such as 25", "connect 25", False, True, True),
    ("answer on other ports, such as 9100", "bind 9100", False, True, True),
    ("answer on ports of the system, such as 80", "bind 80", True, True, True),
    ("send and see raw packets", "packets", True, True, True),
    ("load a module of the kernel", "module /opt/probe/MODULE", True, True, True),
    ("change a setting of the kernel", "change /proc/sys/kernel/core_pattern", True, True, True),
    ("read what the kernel logs", "log", True, True, True),
    ("read a disk past its file system", "read /dev/vda", True, True, True),
    ("mount a file system", "mount /mnt", True, True, True),
    ("give a file another label", "label /var/lib/pywats/probe/mine", False, True, True),
    ("switch SELinux off", "change /sys/fs/selinux/enforce", True, True, True),
    # fmt: on
]

# What does them, in the language that every Debian has, with numbers of system calls. It says of each deed the
# process that did it, and how that one ended.
PROGRAM = r"""
use strict;
use Fcntl;
use POSIX ();
use Socket;

# The numbers that system calls have on x86_64.
my %number = (
    mmap => 9, ptrace => 101, syslog => 103, mount => 165, umount2 => 166, setxattr => 188, finit_module => 313,
);
my ($file, $socket, $read);

sub call { my ($name, @with) = @_; return syscall($number{$name}, @with) != -1 }
sub opens { return sysopen($file, $_[0], $_[1], 0600) }
sub tcp { return socket($socket, PF_INET, SOCK_STREAM, 0) }
sub port { return pack_sockaddr_in($_[0], inet_aton("127.0.0.1")) }

my %deeds = (
    read => sub { opens($_[0], O_RDONLY) && defined sysread($file, $read, 1) },
    change => sub { opens($_[0], O_WRONLY) },
    create => sub { opens($_[0], O_WRONLY | O_CREAT) && unlink $_[0] },
    label => sub { call("setxattr", @_, "security.selinux", "system_u:object_r:etc_t:s0", 26, 0) },
    run => sub { exec { $_[0] } $_[0], "-c", ":" },
    signal => sub { kill 0, $_[0] },
    trace => sub { call("ptrace", 16, $_[0] + 0, 0, 0) },
    memory => sub { call("mmap", 0, 4096, 7, 0x22, -1, 0) },
    bind => sub { tcp() && bind($socket, port(@_)) },
    connect => sub { tcp() && connect($socket, port(@_)) },
    talk => sub { socket($socket, PF_UNIX, SOCK_STREAM, 0) && connect($socket, pack_sockaddr_un($_[0])) },
    packets => sub { socket($socket, 17, SOCK_RAW, 0) },
    module => sub { opens($_[0], O_RDONLY) && call("finit_module", fileno $file, "", $_[0] =~ /z$/ ? 4 : 0) },
    mount => sub { call("mount", "none", @_, "tmpfs", 0, 0) && call("umount2", @_, 0) },
    log => sub { call("syslog", 3, "-" x 4096, 4096) },
);

# Each in a process of its own: what denies it may end that.
$| = 1;
while (my $line = <DATA>) {
    my ($deed, @with) = split " ", $line;
    my $process = fork // die "fork: $!";
    if ($process == 0) {
        $! = 0;
        POSIX::_exit($deeds{$deed}->(@with) ? 0 : $! + 0 || 255);
    }
    waitpid $process, 0;
    print "$. $process $?\n";
}
__DATA__
"""

# How a unit becomes one that runs it, and leaves folders as they are.
DROP_IN = """
[Service]
Type=oneshot
ExecStartPre=
ExecStart=
ExecStart={program} /opt/probe/probe.pl
Restart=no
WatchdogSec=0
Environment=LC_ALL=C
"""

# Says in which domain it runs.
CONVERTER = """#!/bin/sh
cat /proc/self/attr/current
"""

POLICY = "/sys/fs/selinux/policy"
# What a domain may do to everything that has an attribute: where packets are labelled, take those of unconfined
# domains; connect to any port, by a boolean.
BY_ATTRIBUTE = [
    r"unconfined_domain_type:(tcp_socket recvfrom|peer recv|association recvfrom);",
    r"port_type:tcp_socket name_connect; \[ pywats_connect_any_port \]:True",
]


def write(path: str, text: str) -> None:
    machine.succeed(f"mkdir -p $(dirname {path}) && printf %s {shlex.quote(text)} > {path}")


def load_policy() -> None:
    """As administrators do, unless the guest has it."""
    if not machine.succeed("semodule -l | grep pywats_client || true"):
        machine.succeed("/usr/share/pywats-client/selinux/install-selinux.sh install")


def prepare() -> None:
    """What the deeds are done to, and the program in the service's domain and in that of converters."""
    machine.succeed(
        f"systemctl stop {UNIT}",
        "useradd --create-home alice && chmod 755 /home/alice && echo public > /home/alice/public",
        "mkdir -p /srv/public /var/lib/otherd /var/lib/pywats/probe /var/lib/pywats/watch/probe /opt/probe",
        # Root, too, has to pass, whom SELinux does not let pass everywhere.
        "chmod o+x /var/lib/pywats/watch",
        "chmod 777 /srv/public /var/lib/pywats/probe /var/lib/pywats/watch/probe",
        "echo public > /var/lib/otherd/public && umask 077 && echo secret > /var/lib/otherd/secret",
        "cd /etc/pywats && echo '{}' > config.json && chgrp pywats config.json && chmod 640 config.json",
        "touch /var/lib/pywats/probe/mine && chown pywats /var/lib/pywats/probe/mine",
        "restorecon -R /home/alice /srv /var/lib/otherd /var/lib/pywats /etc/pywats",
        # Of the service's account, and not of its domain.
        "systemd-run --unit=otherd --uid=pywats sleep infinity",
        "cp $(modinfo --field=filename dummy) /opt/probe/ && cp /usr/bin/perl /opt/probe/service",
        "mkdir -p /usr/lib/pywats/converters && cp /usr/bin/perl /usr/lib/pywats/converters/perl",
    )
    listen = "socket(my $s, 2, 1, 0); bind($s, pack_sockaddr_in($_, INADDR_ANY)) or die $!; listen($s, 9); push @s, $s"
    script = f"for (25, 443) {{ {listen} }} sleep"
    machine.succeed(f"systemd-run --unit=servers perl -MSocket -e {shlex.quote(script)}")
    write("/usr/lib/pywats/converters/domain", CONVERTER)
    machine.succeed("chmod 755 /usr/lib/pywats/converters/domain && restorecon -R /opt /usr/lib/pywats")
    machine.succeed("chcon --type=pywats_exec_t /opt/probe/service")
    shipped = machine.succeed(f"cat $(systemctl show --value --property=FragmentPath {UNIT})")
    for unit, text, program in [
        ("probe-shipped", shipped, "/opt/probe/service"),
        ("probe-plain", "[Service]\n", "/opt/probe/service"),
        ("probe-converter", "[Service]\n", "/usr/lib/pywats/converters/perl"),
    ]:
        write(f"/etc/systemd/system/{unit}.service", text)
        write(f"/etc/systemd/system/{unit}.service.d/probe.conf", DROP_IN.format(program=program))
    machine.succeed("systemctl daemon-reload")


def tell(deeds: list[str]) -> None:
    """Tells the program what to do."""
    text = "\n".join(deeds)
    text = text.replace("OTHERD", machine.get_unit_property("otherd.service", "MainPID"))
    text = text.replace("MODULE", machine.succeed("basename $(modinfo --field=filename dummy)").strip())
    write("/opt/probe/probe.pl", PROGRAM.lstrip() + text + "\n")


def run(unit: str) -> str:
    """What a unit says while it runs once."""
    cursor = machine.succeed("journalctl --lines=0 --show-cursor | sed -n 's/^-- cursor: //p'").strip()
    # As it was before the deeds of the last run.
    machine.succeed("rmmod dummy 2>/dev/null || true; restorecon -R /var/lib/pywats/probe")
    machine.succeed(f"systemctl start {unit} || true; journalctl --sync")
    return machine.succeed(f"journalctl --unit={unit} --output=cat --after-cursor={shlex.quote(cursor)}")


def results(unit: str, enforcing: bool = True) -> list[tuple[str, bool]]:
    """The process that did each deed under a unit, and whether that was denied."""
    machine.succeed(f"setenforce {enforcing:d}")
    said = run(unit)
    machine.succeed("setenforce 1")
    found = re.findall(r"^(\d+) (\d+) (\d+)$", said, re.MULTILINE)
    assert found and [int(number) for number, _, _ in found] == list(range(1, len(found) + 1)), f"{unit} said:\n{said}"
    return [(process, ended != "0") for _, process, ended in found]


def logged(process: str, records: str, domain: str) -> bool:
    """Whether a denial to a process of a domain is among records."""
    pattern = rf"avc:  denied .* pid={process} .*scontext=\S*:{domain}:\S* .*permissive=0"
    return re.search(pattern, records) is not None


def word(denied: bool) -> str:
    return "denied" if denied else "works"


def records() -> str:
    """What was denied so far."""
    return machine.succeed("cat /var/log/audit/audit.log; journalctl --boot --output=cat _TRANSPORT=audit")


def expect_confining(domain: str) -> None:
    """The loaded policy enforces a domain, and gives it nothing by an attribute of all files, domains and so on."""
    shown = machine.succeed(f"seinfo {POLICY} --permissive -x -t {domain}")
    permissive, types = shown.split("Types: 1\n", 1)
    assert domain not in permissive, f"{domain} is permissive: {shown}"
    # Sets that rules of the base policy are written with are named so.
    found = [name for name in re.findall(r"\w+", types.split(domain, 1)[1]) if "_typeattr_" not in name]
    assert found == ["domain"], f"{domain} has the attributes {found}"
    attributes = set(machine.succeed(f"seinfo {POLICY} -a").split())
    rules = machine.succeed(f"sesearch --allow -s {domain} {POLICY}").splitlines()
    assert len(rules) > 50, f"sesearch finds only {rules}"
    for rule in rules:
        if rule.split()[2].split(":")[0] in attributes:
            known = any(re.search(pattern, rule) for pattern in BY_ATTRIBUTE)
            assert known, f"{domain} may do something to everything of a kind: {rule}"


machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
machine.succeed(PREPARE)
machine.succeed(INSTALL)
load_policy()

with subtest("the policy as it is loaded confines service and converters, and has its booleans off"):
    expect_confining("pywats_t")
    expect_confining("pywats_converter_t")
    booleans = machine.succeed("getsebool -a | grep ^pywats_").splitlines()
    assert len(booleans) == 5 and all(boolean.endswith("--> off") for boolean in booleans), booleans

prepare()

with subtest("as root, without unit and policy, all of it works"):
    tell([deed for _, deed, *_ in DEEDS])
    held = [action for (action, *_), (_, denied) in zip(DEEDS, results("probe-plain", enforcing=False)) if denied]
    assert not held, f"nothing is proven of what nobody can do: {held}"

with subtest("unit and policy deny what they must, and the policy logs it"):
    columns = [
        ("unit", results("probe-shipped", enforcing=False)),
        ("SELinux", results("probe-plain")),
        ("both", results("probe-shipped")),
    ]
    seen = records()
    faults = []
    for at, (action, _, by_unit, by_domain, _by_converter) in enumerate(DEEDS):
        shown = []
        for (column, ended), expected in zip(columns, (by_unit, by_domain, by_unit or by_domain)):
            process, denied = ended[at]
            shown.append(word(denied))
            if denied != expected:
                faults.append(f"{column}: {action}: {word(denied)}")
            # Where the unit denies it, SELinux need not have been asked.
            must_log = column == "SELinux" or column == "both" and not by_unit
            if must_log and denied != logged(process, seen, "pywats_t"):
                faults.append(f"{column}: {action}: {word(denied)}, and the log says otherwise")
        machine.log(f"{action:<53} {'  '.join(f'{result:<6}' for result in shown)}")
    assert not faults, "\n".join(faults)

with subtest("the service starts no converter while that is off"):
    tell(["run /usr/lib/pywats/converters/domain"])
    for unit in ("probe-plain", "probe-shipped"):
        [(process, denied)] = results(unit)
        assert denied and logged(process, records(), "pywats_t"), f"{unit} starts it, or nothing is logged"

with subtest("when it is on, converters run in a domain of their own, and do what they should"):
    machine.succeed("setsebool pywats_run_converters on")
    # The service itself still runs nothing in its own domain.
    tell(["run /usr/lib/pywats/converters/domain", "run /bin/sh", "run /usr/bin/true"])
    for unit in ("probe-plain", "probe-shipped"):
        assert [denied for _, denied in results(unit)] == [False, True, True], f"{unit} runs the wrong things"
    said = run("probe-shipped")
    assert re.search(r"^system_u:system_r:pywats_converter_t:s0", said, re.MULTILINE), f"it says {said}"
    tell([deed for _, deed, *_ in DEEDS])
    ended = results("probe-converter")
    seen = records()
    faults = []
    for (action, *_others, expected), (process, denied) in zip(DEEDS, ended):
        machine.log(f"{action:<53} {word(denied)}")
        if denied != expected or denied != logged(process, seen, "pywats_converter_t"):
            faults.append(f"{action}: {word(denied)}, and logged: {logged(process, seen, 'pywats_converter_t')}")
    assert not faults, "\n".join(faults)
