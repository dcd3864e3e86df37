# Steps that the scenarios have in common. They use nothing of a guest but systemd, a shell and coreutils.

import json
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

# The test server, where it runs beside the driver.
outside: list[subprocess.Popen[bytes]] = []


def start_server(token: str = TOKEN) -> None:
    """Starts a WATS server that accepts `token` only: outside of the guest if the bench can do that, or else in it."""
    command = [SERVER, "--listen", LISTEN, "--token", token, "--record", RECORDS]
    if not OUTSIDE:
        machine.succeed(f"systemd-run --collect --unit=wats-test-server {shlex.join(command)} --ignore-stdin")
        machine.wait_until_succeeds(f": < /dev/tcp/{LISTEN.replace(':', '/')}", timeout=PATIENCE)
        return
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


def expect_delivered(name: str, count: int) -> None:
    """Waits for a dropped report to be the `count`th to arrive, unchanged and once."""
    # The service puts it there when the server has acknowledged it.
    machine.wait_for_file(f"{DONE}/{name}", timeout=PATIENCE)
    reports = arrived()
    assert len(reports) == count, f"{len(reports)} reports arrived instead of {count}"
    sent = json.loads(machine.succeed(f"cat {REPORT}"))
    assert json.loads(reports[-1]) == sent, f"{name} arrived changed"


def wait_for_status(beginning: str) -> None:
    """Waits for the service to describe itself with words that begin like this (a regular expression)."""
    pattern = shlex.quote(f"^{beginning}")
    machine.wait_until_succeeds(
        f"systemctl show --value --property StatusText {UNIT} | grep -E {pattern}", timeout=PATIENCE
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
