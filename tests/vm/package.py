# Fails if: a package cannot be installed, upgraded or removed with the system's own package manager, its service
# does not deliver under its own unit, a queued report does not outlive an upgrade, or a removal takes
# configuration or data with it (and a purge does not). On guests with SELinux, also if it is not enforcing all
# the time, or denies our process anything.

import re

CONFIGURATION = "/etc/pywats/config.json"
SETTINGS = {
    "server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"},
    "upload": {"retry_initial_seconds": 1, "retry_max_seconds": 2},
}

# The processes that were the service: threads have names of their own in the records of denials.
processes: list[str] = []


def is_ours(event: str) -> bool:
    # semodule is denied things by every policy, and its records have the name of the module that it loads.
    if re.search(r"scontext=[^ ]*:semanage_t\b", event):
        return False
    return "pywats" in event or any(f" pid={process} " in event for process in processes)


def denials() -> list[str]:
    """What SELinux has denied to our processes or over their files: each event's records in one line."""
    records = machine.succeed(
        "cat /var/log/audit/audit.log 2>/dev/null || true; "
        "journalctl --boot --output cat _TRANSPORT=audit + _TRANSPORT=kernel || true"
    )
    events: dict[str, list[str]] = {}
    for record in records.splitlines():
        # The journal leaves the number of the event away; such a record stands for itself.
        stamp = re.search(r"\((\d+\.\d+:\d+)\)", record)
        events.setdefault(stamp[1] if stamp else record, []).append(record)
    whole = [" ".join(event) for event in events.values()]
    return [event for event in whole if "denied" in event and is_ours(event)]


def expect_enforcing() -> None:
    if SELINUX:
        mode = machine.succeed("getenforce").strip()
        assert mode == "Enforcing", f"SELinux is {mode} on {GUEST}"
        denied = denials()
        assert not denied, "SELinux denied:\n" + "\n".join(denied)


def expect_enabled(expected: bool) -> None:
    """Enabled, and disabled, exactly as `expected`."""
    state = machine.succeed(f"systemctl is-enabled {UNIT} || true").strip()
    assert state == ("enabled" if expected else "disabled"), f"the service is {state} on {GUEST}"


machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
expect_enforcing()
machine.succeed(PREPARE)

with subtest("installs, and the system's policy decides whether it starts"):
    machine.succeed(INSTALL)
    expect_enabled(STARTS)
    if not STARTS:
        machine.fail(f"systemctl is-active {UNIT}")
        machine.succeed(f"systemctl enable --now {UNIT}")
    machine.wait_for_unit(UNIT)
    wait_for_status("not ready")
    processes.append(main_pid())
    expect_few_rights()
    expect_folders()
    expect_enforcing()

with subtest("delivers what an operator drops"):
    machine.succeed("useradd --create-home --groups pywats-operators alice")
    start_server()
    configure(SETTINGS)
    wait_for_status("ready")
    drop("one.json")
    expect_delivered("one.json", 1)
    expect_enforcing()

with subtest("is up again after a reboot, and delivers what has waited"):
    stop_server()
    queue("two.json")
    machine.reboot()
    machine.wait_for_unit(UNIT)
    processes.append(main_pid())
    wait_for_status("not ready: .*; 1 reports pending")
    start_server()
    expect_delivered("two.json", 2)
    expect_few_rights()
    expect_folders()
    expect_enforcing()

with subtest("an upgrade restarts it, and keeps what waits"):
    stop_server()
    queue("three.json")
    before = main_pid()
    configured = machine.succeed(f"cat {CONFIGURATION}")
    machine.succeed(UPGRADE)
    wait_for_another_process(before)
    processes.append(main_pid())
    wait_for_status("not ready: .*; 1 reports pending")
    assert machine.succeed(f"cat {CONFIGURATION}") == configured, "the configuration has changed"
    start_server()
    expect_delivered("three.json", 3)
    expect_enforcing()

with subtest("a removal keeps configuration and data"):
    machine.succeed(REMOVE)
    machine.fail(f"systemctl is-active {UNIT}")
    machine.fail("test -e /usr/bin/pywats-client")
    assert machine.succeed(f"cat {CONFIGURATION}") == configured, "the configuration has changed"
    machine.succeed(f"test -e /var/lib/pywats/queue.db && test -e {DONE}/three.json")
    expect_enforcing()

if not STARTS:
    with subtest("a preset that enables the service is followed"):
        machine.succeed(
            "mkdir -p /etc/systemd/system-preset",
            f"echo 'enable {UNIT}' > /etc/systemd/system-preset/00-pywats.preset",
        )
        machine.succeed(INSTALL)
        expect_enabled(True)
        machine.succeed(REMOVE)
        expect_enforcing()

if PURGE:
    with subtest("a purge removes configuration and data"):
        machine.succeed(PURGE)
        machine.fail("test -e /etc/pywats")
        machine.fail("test -e /var/lib/pywats")
