# Steps that the scenarios have in common. They use nothing of a guest but systemd, a shell and coreutils.

import json
import re
import shlex
import subprocess
from pathlib import Path

UNIT = "pywats-client.service"
WATCH = "/var/lib/pywats/watch"
DONE = "/var/lib/pywats/done"

# What the test server demands, and what it does not accept.
TOKEN = "dXNlcjpwYXNzd29yZA=="
OTHER_TOKEN = "b3RoZXI6cGFzc3dvcmQ="

# How long one step may take, in seconds. Emulated processors are slow.
PATIENCE = 300

# What SELinux calls files, by the policy of the package. Where one may be missing, it ends with an asterisk.
LABELS = {
    "/usr/bin/pywats-client": "pywats_exec_t",
    "/etc/pywats": "pywats_etc_t",
    "/etc/pywats/*": "pywats_etc_t",
    "/var/lib/pywats": "pywats_var_lib_t",
    "/var/lib/pywats/queue.db": "pywats_var_lib_t",
    "/var/lib/pywats/spool": "pywats_var_lib_t",
    DONE: "pywats_var_lib_t",
    "/var/lib/pywats/failed": "pywats_var_lib_t",
    WATCH: "pywats_watch_t",
    f"{WATCH}/*": "pywats_watch_t",
    "/run/pywats": "pywats_var_run_t",
    "/run/pywats/*": "pywats_var_run_t",
    "/var/log/pywats*": "pywats_log_t",
    "/var/log/pywats/*": "pywats_log_t",
}

# What the bench puts into its table: reports that operators have dropped, how many of these are not at the server
# (`losses`), and what was denied to our domains (`denials`). What nobody has looked at is not in it.
figures: dict[str, int] = {}

# The test server, where it runs beside the driver.
outside: list[subprocess.Popen[bytes]] = []


def start_server(token: str = TOKEN) -> None:
    """Starts a WATS server that accepts `token` only: outside of the guest if the bench can do that, or else in it."""
    if OUTSIDE:
        serve(token=token)
    else:
        command = [SERVER, "--listen", LISTEN, "--token", token, "--record", RECORDS]
        machine.succeed(f"systemd-run --collect --unit=wats-test-server {shlex.join(command)} --ignore-stdin")
        machine.wait_until_succeeds(f": < /dev/tcp/{LISTEN.replace(':', '/')}", timeout=PATIENCE)


def serve(*further: str, token: str = TOKEN, listen: str = LISTEN) -> None:
    """Starts the test server outside of the guest, with further arguments."""
    command = [SERVER, "--listen", listen, "--token", token, "--record", RECORDS, *further]
    # It ends when its input is closed, and so not later than this process.
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    outside.append(server)
    assert server.stdout and b"listening" in server.stdout.readline(), "the test server does not listen"


def stop_server() -> None:
    if not OUTSIDE:
        machine.succeed("systemctl stop wats-test-server")
        return
    server = outside.pop()
    server.terminate()
    server.wait()


def arrived() -> list[str]:
    """The reports that have arrived, in their order."""
    if OUTSIDE:
        return [record.read_text() for record in sorted(Path(RECORDS).glob("*.json"))]
    names = machine.succeed(f"ls {RECORDS} 2>/dev/null || true").split()
    return [machine.succeed(f"cat {RECORDS}/{name}") for name in names]


def configure(settings: object) -> None:
    """Writes the configuration file as an administrator does, where NixOS does not."""
    machine.succeed(f"echo {shlex.quote(json.dumps(settings))} > /etc/pywats/config.json")


def drop(name: str) -> None:
    """An operator with a strict umask puts a report into the watch folder."""
    script = f"umask 077; cat {REPORT} > {WATCH}/{name}"
    machine.succeed(f"su - alice -c {shlex.quote(script)}")
    figures["reports"] = figures.get("reports", 0) + 1


def expect_delivered(name: str, count: int) -> None:
    """Waits for a dropped report to be the `count`th to arrive, unchanged and once."""
    # The service puts it there when the server has acknowledged it.
    machine.wait_for_file(f"{DONE}/{name}", timeout=PATIENCE)
    reports = arrived()
    if "reports" in figures:
        figures["losses"] = figures["reports"] - len(reports)
    assert len(reports) == count, f"{len(reports)} reports arrived instead of {count}"
    sent = json.loads(machine.succeed(f"cat {REPORT}"))
    assert json.loads(reports[-1]) == sent, f"{name} arrived changed"


def wait_for_status(beginning: str, timeout: int = PATIENCE) -> None:
    """Waits for the service to describe itself with words that begin like this (a regular expression)."""
    pattern = shlex.quote(f"^{beginning}")
    machine.wait_until_succeeds(
        f"systemctl show --value --property StatusText {UNIT} | grep -E {pattern}", timeout=timeout
    )


def queue(name: str) -> None:
    """Drops a report while no server is there, and waits until it is in the queue."""
    drop(name)
    wait_for_status("not ready: .*; 1 reports pending")


def main_pid() -> str:
    return machine.get_unit_property(UNIT, "MainPID")


def wait_for_another_process(before: str) -> None:
    """Waits until another process than `before` is the service, and has started up."""
    machine.wait_until_succeeds(
        # Of a process that is just ending it says 0.
        f"process=$(systemctl show --value --property MainPID {UNIT}); "
        f"test $process != {before} && test $process != 0 && systemctl is-active {UNIT}",
        timeout=PATIENCE,
    )


def expect_few_rights() -> None:
    """The process runs as its own account, without capabilities and with a filter on system calls."""
    status = machine.succeed(f"cat /proc/{main_pid()}/status").splitlines()
    uid = machine.succeed("id -u pywats").strip()
    for line in [
        f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}",
        "CapEff:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ]:
        assert line in status, f"{line!r} is not in {status}"


def expect_folders() -> None:
    """The folders belong to whom they should, as packaging/systemd/tmpfiles.conf says."""
    for folder, expected in [
        ("/etc/pywats", "750 root pywats"),
        ("/var/lib/pywats", "751 pywats pywats"),
        (DONE, "750 pywats pywats"),
        ("/var/lib/pywats/failed", "750 pywats pywats"),
        (WATCH, "2770 pywats pywats-operators"),
        ("/run/pywats", "2750 pywats pywats-operators"),
    ]:
        found = machine.succeed(f"stat --format '%a %U %G' {folder}").strip()
        assert found == expected, f"{folder} is {found}, not {expected}"


def denials(everything: bool = False) -> list[str]:
    """What SELinux has denied to our domains: each event's records in one line. With `everything` also what it has
    denied to others, over what is ours."""
    records = "cat /var/log/audit/audit.log* 2>/dev/null; journalctl --boot --output cat _TRANSPORT=audit + "
    records = f"{{ {records} _TRANSPORT=kernel; }}"
    lost = machine.succeed("if command -v auditctl >&2; then auditctl -s; fi | sed -n 's/^lost //p'").strip()
    assert lost in ("", "0"), f"the kernel has lost {lost} records of what it denied"
    # SELINUX_ERR is a change of domain that the policy forbids.
    found = machine.succeed(f"{records} | grep -aE 'avc: +denied|SELINUX_ERR' | grep -a pywats || true")
    if not everything:
        found = "\n".join(re.findall(r"^.*(?:scontext|oldcontext)=[^ ]*:pywats_.*$", found, re.MULTILINE))
    # semodule is denied things by every policy, and its records have the name of the module that it loads.
    ours = [record for record in found.splitlines() if not re.search(r"scontext=[^ ]*:semanage_t\b", record)]
    events: dict[str, str] = {}
    for record in ours:
        # The journal leaves the number of the event away; such a record stands for itself.
        stamp = re.search(r"\((\d+\.\d+:\d+)\)", record)
        number = stamp[1] if stamp else record
        if number not in events:
            whole = machine.succeed(f"{records} | grep -aF '({number})' || true") if stamp else record
            events[number] = " ".join(whole.splitlines()) or record
    figures["denials"] = len(events)
    return list(events.values())


def expect_confined() -> None:
    """The service is in its domain, which is one that confines, and its files are labelled."""
    context = machine.succeed(f"cat /proc/{main_pid()}/attr/current").strip("\0\n ")
    assert context.split(":")[2] == "pywats_t", f"the service runs as {context}"
    faults = []
    for path, wanted in LABELS.items():
        found = machine.succeed(f"stat --format '%C %n' {path} 2>/dev/null || true").splitlines()
        if not found and not path.endswith("*"):
            faults.append(f"{path} is missing")
        faults += [f"{line}, not {wanted}" for line in found if line.split(":")[2] != wanted]
    assert not faults, "wrong labels: " + "; ".join(faults)


# What a domain may do by the policy that the kernel has loaded, whatever files say: a line `DOMAIN TYPE CLASS PERMISSION`
# in, a line `ALLOWED PERMISSIVE` out, each 0 or 1. So does libselinux for security_compute_av(3).
ASK_THE_KERNEL = """
cd /sys/fs/selinux
while read -r domain type class permission; do
    exec 3<>access
    printf '%s %s %s' "system_u:system_r:$domain:s0" "system_u:object_r:$type:s0" "$(cat class/$class/index)" >&3
    # It ends without a new line.
    read -r allowed _ _ _ _ flags <&3 || test -n "$flags"
    echo "$((0x$allowed >> ($(cat class/$class/perms/$permission) - 1) & 1)) $((0x$flags & 1))"
done"""


def expect_domain() -> None:
    """Our domains, in the policy that is loaded, are not permissive, and not of those that may do everything."""
    asked = {
        # What it must be allowed, or else the questions are wrong.
        "pywats_t pywats_watch_t file unlink": "1",
        "pywats_t shadow_t file read": "0",
        "pywats_t etc_t file write": "0",
        "pywats_t var_lib_t file write": "0",
        "pywats_t shell_exec_t file execute": "0",
        "pywats_t pywats_exec_t file write": "0",
        "pywats_t pywats_etc_t file write": "0",
        "pywats_converter_t shadow_t file read": "0",
        "pywats_converter_t pywats_etc_t file read": "0",
        "pywats_converter_t etc_t file write": "0",
    }
    answers = machine.succeed(f"{ASK_THE_KERNEL} <<'END'\n" + "\n".join(asked) + "\nEND").splitlines()
    assert len(answers) == len(asked), f"the kernel answered {answers}"
    for (question, wanted), answer in zip(asked.items(), answers):
        allowed, permissive = answer.split()
        assert permissive == "0", f"{question.split()[0]} is permissive"
        assert allowed == wanted, f"SELinux {'allows' if allowed == '1' else 'forbids'} {question}"
