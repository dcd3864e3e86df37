# Steps that the scenarios have in common. They use nothing of a guest but systemd, a shell and coreutils.

import json
import shlex

UNIT = "pywats-client.service"
WATCH = "/var/lib/pywats/watch"
DONE = "/var/lib/pywats/done"

# Where the test server listens, what it demands, and where it records what arrives.
PORT = 9080
TOKEN = "dXNlcjpwYXNzd29yZA=="
OTHER_TOKEN = "b3RoZXI6cGFzc3dvcmQ="
RECORDS = "/var/tmp/wats-reports"

# How long one step may take, in seconds. Emulated processors are slow.
PATIENCE = 300


def start_server(token: str = TOKEN) -> None:
    """Starts a WATS server in the guest that accepts `token` only."""
    machine.succeed(
        "systemd-run --collect --unit=wats-test-server "
        f"{SERVER} --listen 127.0.0.1:{PORT} --token {token} --record {RECORDS} --ignore-stdin"
    )
    machine.wait_until_succeeds(f": < /dev/tcp/127.0.0.1/{PORT}", timeout=PATIENCE)


def configure(settings: object) -> None:
    """Writes the configuration file as an administrator does, where NixOS does not."""
    machine.succeed(f"echo {shlex.quote(json.dumps(settings))} > /etc/pywats/config.json")


def stop_server() -> None:
    machine.succeed("systemctl stop wats-test-server")


def drop(name: str) -> None:
    """An operator with a strict umask puts a report into the watch folder."""
    script = f"umask 077; cat {REPORT} > {WATCH}/{name}"
    machine.succeed(f"su - alice -c {shlex.quote(script)}")


def expect_delivered(name: str, count: int) -> None:
    """Waits for a dropped report to be the `count`th to arrive, unchanged and once."""
    record = f"{RECORDS}/{count:04}.json"
    machine.wait_for_file(record, timeout=PATIENCE)
    machine.wait_for_file(f"{DONE}/{name}", timeout=PATIENCE)
    received = json.loads(machine.succeed(f"cat {record}"))
    sent = json.loads(machine.succeed(f"cat {REPORT}"))
    assert received == sent, f"{name} arrived changed"
    arrived = machine.succeed(f"ls {RECORDS}").split()
    assert len(arrived) == count, f"{arrived} arrived instead of {count} reports"


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
        f"systemctl is-active {UNIT} && test $(systemctl show --value --property MainPID {UNIT}) != {before}",
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
