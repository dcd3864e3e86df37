# Steps of the scenarios in which something goes wrong on a station that is in use: a station with an operator, reports
# that differ, and a look at the end at what arrived. They need Python in the guest, and the test server outside of it.

import json
import re
import shlex
import time

# Waits that let a scenario end; what the package ships is tried where it matters.
SOON = {"retry_initial_seconds": 1, "retry_max_seconds": 5}

# What an operator has dropped: the serial number of each report, and its file.
dropped: dict[str, str] = {}

# The processes that were the service: threads have names of their own in the records of denials.
known_processes: set[str] = set()

# Drops reports: how many, the beginning of their names, the report that they are made of, and a list of those that
# are complete. Each is written elsewhere and moved, so that a list has no other.
DROPPER = """
import json, os, sys, time, uuid
count, prefix, report, folder, done, pause = int(sys.argv[1]), *sys.argv[2:6], float(sys.argv[6])
os.umask(0o007)
value = json.load(open(report))
for number in range(count):
    name = f"{prefix}-{number:05}"
    value["id"], value["sn"] = str(uuid.uuid4()), name
    with open(f"{folder}/{name}.part", "w") as file:
        json.dump(value, file)
    os.rename(f"{folder}/{name}.part", f"{folder}/{name}.json")
    with open(done, "a") as file:
        file.write(name + "\\n")
    time.sleep(pause)
"""


def start_station(settings: dict[str, object]) -> None:
    """A station in use: the package, an operator, a server, and a report that was delivered."""
    machine.start(allow_reboot=True)
    machine.wait_for_unit("multi-user.target")
    machine.succeed(PREPARE, INSTALL)
    machine.succeed(f"systemctl enable --now {UNIT}")
    machine.succeed("useradd --create-home --groups pywats-operators alice")
    machine.succeed(f"cat > /usr/local/bin/dropper <<'END'\n{DROPPER}\nEND")
    start_server()
    configure(settings)
    wait_for_status("ready")
    deliver("first")


def to_server(**upload: object) -> dict[str, object]:
    """Settings for the test server."""
    return {"server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"}, "upload": {**SOON, **upload}}


def dropping(prefix: str, count: int, folder: str = WATCH, pause: float = 0) -> str:
    """The command by which the operator drops so many reports that differ, with a pause after each."""
    script = f"python3 /usr/local/bin/dropper {count} {prefix} {REPORT} {folder} /home/alice/{prefix}.txt {pause}"
    return f"su - alice -c {shlex.quote(script)}"


def drop_reports(prefix: str, count: int = 1, folder: str = WATCH) -> None:
    """The operator drops so many reports that differ."""
    machine.succeed(dropping(prefix, count, folder))
    note_dropped(prefix)


def note_dropped(prefix: str) -> None:
    """Remembers what the operator has dropped so far under this beginning of names."""
    for name in machine.succeed(f"cat /home/alice/{prefix}.txt").split():
        dropped[name] = f"{name}.json"


def wait_for_arrivals(prefix: str, timeout: int = PATIENCE) -> None:
    """Waits until every report with this beginning has arrived, and its file is where delivered ones are."""
    expected = {name for name in dropped if name.startswith(f"{prefix}-")}
    assert expected, f"no report {prefix} was dropped"
    deadline = time.monotonic() + timeout
    while missing := expected - {json.loads(report)["sn"] for report in arrived()}:
        assert time.monotonic() < deadline, f"{len(missing)} reports did not arrive, such as {sorted(missing)[0]}"
        time.sleep(1)
    machine.wait_until_succeeds(
        f"test $(find {DONE} -name '{prefix}-*.json' | wc -l) = {len(expected)}", timeout=PATIENCE
    )


def deliver(prefix: str) -> None:
    """A report of the operator's arrives."""
    drop_reports(prefix)
    wait_for_arrivals(prefix)


def expect_nothing_lost() -> None:
    """Every report that was dropped has arrived, under one identifier; nothing was refused or is denied."""
    by_unit: dict[str, set[str]] = {}
    for text in arrived():
        report = json.loads(text)
        by_unit.setdefault(report["sn"], set()).add(report["id"])
    missing = dropped.keys() - by_unit.keys()
    assert not missing, f"{len(missing)} of {len(dropped)} reports are missing, such as {sorted(missing)[0]}"
    twice = [name for name, identifiers in by_unit.items() if len(identifiers) > 1]
    assert not twice, f"{len(twice)} reports have two identifiers, such as {twice[0]}"
    refused = machine.succeed("find /var/lib/pywats/failed -type f").split()
    assert not refused, f"refused: {refused}"
    expect_nothing_denied()


def expect_nothing_denied() -> None:
    """SELinux enforces, and has denied nothing to the service."""
    if not SELINUX:
        return
    assert machine.succeed("getenforce").strip() == "Enforcing"
    # The records of audit have the process; those of the journal do not number their events.
    records = machine.succeed(
        "cat /var/log/audit/audit.log 2>/dev/null || true; "
        "journalctl --output cat _TRANSPORT=audit + _TRANSPORT=kernel | grep -a -F avc: || true"
    )
    known_processes.add(main_pid())
    ours = [line for line in records.splitlines() if "denied" in line and is_of_service(line)]
    assert not ours, "SELinux denied:\n" + "\n".join(ours[:20])


def is_of_service(record: str) -> bool:
    if "scontext=" in record:
        domain = record.split("scontext=", 1)[1].split(" ", 1)[0]
        if "pywats" in domain:
            return True
    return any(f" pid={process} " in record for process in known_processes - {"0"})


def log(since: str = "") -> str:
    """What the journal has of the unit, systemd's own lines too; after a cursor if there is one."""
    after = f"--after-cursor={shlex.quote(since)}" if since else ""
    return machine.succeed(f"journalctl --no-pager --output cat --unit {UNIT} {after}")


def cursor() -> str:
    """Where the journal of the unit ends now."""
    text = machine.succeed(f"journalctl --no-pager --quiet --unit {UNIT} --lines 1 --show-cursor")
    found = re.search(r"^-- cursor: (.*)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def wait_for_log(pattern: str, since: str = "", timeout: int = PATIENCE) -> None:
    """Waits until the journal of the unit has a line like this (a regular expression)."""
    after = f"--after-cursor={shlex.quote(since)}" if since else ""
    machine.wait_until_succeeds(
        f"journalctl --no-pager --output cat --unit {UNIT} {after} | grep -E {shlex.quote(pattern)}", timeout=timeout
    )


def restarts() -> int:
    """How often systemd has started the service again by itself."""
    return int(machine.get_unit_property(UNIT, "NRestarts"))


def health(path: str = "/health/ready") -> tuple[int, str]:
    """What the health page answers: status and body; 0 if nobody does."""
    script = (
        "import urllib.request, urllib.error\n"
        f"url = 'http://127.0.0.1:8080{path}'\n"
        "try: answer = urllib.request.urlopen(url, timeout=10)\n"
        "except urllib.error.HTTPError as error: answer = error\n"
        "except OSError: answer = None\n"
        "print(answer.status, answer.read().decode()) if answer else print(0)"
    )
    status, _, body = machine.succeed(f"python3 -c {shlex.quote(script)}").strip().partition(" ")
    return int(status), body
