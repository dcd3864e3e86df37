# Fails if: a power cut, of which the disk keeps only what was flushed, loses a report that the client has queued, sends
# it under another identifier, or leaves a client that does not work; or if after a power cut in an upgrade and the
# package manager's own repair neither the old nor the new version works, or configuration or queue are damaged. Also if
# a client without its syncs loses nothing: then the cuts prove nothing.
#
# A run is recorded write by write, and the disk is made as it may have been at any moment in it. What the operator's
# program wrote is not flushed by it; the client promises to have done so when it says that a report is queued.
#
# PYWATS_TEST_CUTS says how many cuts of each kind, PYWATS_TEST_SEED which (it is printed). `target/vm` keeps no log of
# writes: another run with the same seed cuts at about the same places.

import json
import os
import random
import re
import time
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = "/etc/pywats/config.json"
SETTINGS = {
    "server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"},
    "upload": {"retry_initial_seconds": 1, "retry_max_seconds": 2},
}
REPORTS = 200
# While so many are dropped, the server is away.
AWAY = range(60, 140)
# So many wait while the package is upgraded.
QUEUED = 20
CUTS = int(os.environ.get("PYWATS_TEST_CUTS", "10"))
SEED = int(os.environ.get("PYWATS_TEST_SEED", str(time.time_ns() % 1_000_000)))

# An operator's program: one report after the other, each of a unit of its own and without an identifier.
OPERATOR = r"""#!/bin/sh
cd /var/lib/pywats/watch || exit
for number in $(seq "$1" "$2"); do
    sed -e "s/\"sn\":\"[^\"]*\"/\"sn\":\"CUT-$number\"/" -e 's/"id":"[0-9a-f-]*",//' "$3" >"$number.json"
    echo "$number" >/run/operator/dropped
    sleep 0.05
done
"""
# What of the client makes files survive a power cut does nothing, and says that it has done it.
WITHOUT_SYNCS = """[Service]
SystemCallFilter=~fsync:0 fdatasync:0 sync:0 syncfs:0 sync_file_range:0 msync:0
"""


@dataclass
class Moment:
    """What was so when there had been so many writes."""

    writes: int
    dropped: int
    # The reports that the client had said to have queued: their serial numbers, and under which identifiers.
    queued: dict[str, str]
    # Those that it had just taken from the watch folder, and not said so of yet.
    taken: set[str]
    # How many the server had.
    acknowledged: int


def now() -> Moment:
    said = machine.succeed(
        f"cat /run/operator/dropped 2>/dev/null || echo 0; ls {WATCH}; echo .; "
        f"journalctl --unit {UNIT} --output cat --grep 'queued as' || true"
    )
    files, _, journal = said.partition("\n.\n")
    dropped, *waiting = files.split()
    said_so = re.findall(r"(\d+)\.json\"?: queued as ([0-9a-f-]+)", journal)
    queued = {f"CUT-{number}": report for number, report in said_so}
    gone = {f"CUT-{number}" for number in range(1, int(dropped) + 1) if f"{number}.json" not in waiting}
    acknowledged = len(arrived())
    # Counted last: all of it was so by then.
    return Moment(machine.written(), int(dropped), queued, gone - set(queued), acknowledged)


def operate(first: int, last: int) -> None:
    """An operator drops reports, one after the other."""
    machine.succeed(f"systemd-run --quiet --uid alice --unit operator-{first} /opt/operator {first} {last} {REPORT}")


def install() -> None:
    """A client with its configuration, an operator, and nothing to do."""
    machine.record_writes()
    machine.wait_for_unit("multi-user.target")
    prepare_package()
    machine.succeed(
        INSTALL,
        f"systemctl enable --now {UNIT}",
        "useradd --create-home --groups pywats-operators alice",
        "install --directory --owner alice /run/operator",
        f"cat > /opt/operator <<'END'\n{OPERATOR}END\nchmod 755 /opt/operator",
    )
    configure(SETTINGS)
    # A busy machine boots slowly, and would be without the bench's channel after 90 seconds.
    machine.succeed(
        "mkdir -p /etc/systemd/system.conf.d",
        "printf '[Manager]\\nDefaultDeviceTimeoutSec=15min\\n' > /etc/systemd/system.conf.d/patience.conf",
        "sync",
    )


def work() -> list[Moment]:
    """200 reports are dropped; some are delivered at once, some wait for the server."""
    start_server()
    wait_for_status("ready")
    operate(1, REPORTS)
    moments = [now()]
    away = False
    deadline = time.monotonic() + 10 * PATIENCE
    while moments[-1].acknowledged < REPORTS:
        assert time.monotonic() < deadline, f"{moments[-1].acknowledged} of {REPORTS} reports have arrived"
        if away != (moments[-1].dropped in AWAY):
            away = not away
            stop_server() if away else start_server()
        moments.append(now())
    return moments


def after_cut(moments: list[Moment], cut: int) -> tuple[Moment, list[str], list[str]]:
    """What was surely so before a cut; what the server surely had, and what it had at most."""
    before = [moment for moment in moments if moment.writes <= cut]
    after = [moment for moment in moments if moment.writes > cut]
    records = arrived()
    surely = before[-1]
    return surely, records[: surely.acknowledged], records[: (after or before)[0 if after else -1].acknowledged]


def serial_number(record: str) -> str:
    return str(json.loads(record)["sn"])


def lost(moment: Moment, acknowledged: list[str]) -> list[str]:
    """Which queued reports neither the server has nor any file of the client."""
    machine.succeed(f"systemctl stop {UNIT}")
    look = "grep --recursive --text --no-filename --only-matching"
    there = machine.succeed(f"{look} '\"sn\":\"CUT-[0-9]*\"' /var/lib/pywats || true")
    machine.succeed(f"systemctl start {UNIT}")
    found = set(re.findall(r"CUT-\d+", there)) | {serial_number(record) for record in acknowledged}
    if unsaid := moment.taken - found:
        machine.log(f"not counted, because the client had not said yet that they are queued: {sorted(unsaid)}")
    return sorted(set(moment.queued) - found)


def expect_everything(moment: Moment, surely: list[str], perhaps: list[str]) -> None:
    """Everything that was queued arrives under the identifier that it was queued under, and the client takes more."""
    gone = lost(moment, perhaps)
    assert not gone, f"{len(gone)} of {len(moment.queued)} queued reports are lost: {' '.join(gone)}"
    known = len(arrived())
    start_server()
    try:
        machine.wait_until_succeeds(f"systemctl is-active {UNIT}", timeout=PATIENCE)
        machine.succeed("install --directory --owner alice /run/operator")
        operate(9000, 9000)
        expected = (set(moment.queued) | {"CUT-9000"}) - {serial_number(record) for record in perhaps}
        deadline = time.monotonic() + PATIENCE
        while missing := expected - {serial_number(record) for record in arrived()[known:]}:
            # What was acknowledged may be delivered again, but need not be.
            assert time.monotonic() < deadline, f"not delivered: {' '.join(sorted(missing))}"
            time.sleep(1)
        wait_for_status("ready; 0 reports pending")
    finally:
        stop_server()
    ids: dict[str, set[str]] = {name: {report} for name, report in moment.queued.items()}
    for record in surely + arrived()[known:]:
        ids.setdefault(serial_number(record), set()).add(json.loads(record)["id"])
    several = {name: found for name, found in ids.items() if len(found) > 1}
    assert not several, f"under several identifiers: {several}"
    for file in sorted(Path(RECORDS).glob("*.json"))[known:]:
        file.unlink()


def between(first: int, last: int) -> int:
    """A moment at random, about the same one in a run that is a little longer."""
    return first + int(chance.random() * (last - first))


machine.log(f"PYWATS_TEST_SEED={SEED} PYWATS_TEST_CUTS={CUTS}")
chance = random.Random(SEED)

with subtest("a client without its syncs loses reports"):
    install()
    machine.succeed(
        f"mkdir -p /etc/systemd/system/{UNIT}.d",
        f"cat > /etc/systemd/system/{UNIT}.d/without-syncs.conf <<'END'\n{WITHOUT_SYNCS}END",
        f"systemctl daemon-reload && systemctl restart {UNIT}",
    )
    operate(1, QUEUED)
    wait_for_status(f"not ready: .*; {QUEUED} reports pending")
    moments = [now()]
    machine.cut_power(moments[0].writes, chance.randrange(1 << 32))
    gone = lost(moments[0], [])
    machine.log(f"{len(gone)} of {len(moments[0].queued)} queued reports are lost")
    assert gone, "a client without its syncs lost nothing: the power cuts of this bench prove nothing"

with subtest("200 reports are under way, and the package is upgraded while some wait"):
    install()
    moments = work()
    stop_server()
    operate(REPORTS + 1, REPORTS + QUEUED)
    wait_for_status(f"not ready: .*; {QUEUED} reports pending")
    machine.succeed("sync")
    before = now()
    machine.succeed(UPGRADE)
    wait_for_status(f"not ready: .*; {QUEUED} reports pending")
    upgraded = machine.written()
    configured = machine.succeed(f"cat {CONFIGURATION}")
    machine.log(f"{moments[0].writes} writes, {moments[-1].writes} after the reports, {upgraded} after the upgrade")

with subtest("power cuts among the reports lose none"):
    for number in range(CUTS):
        cut = between(moments[0].writes, moments[-1].writes)
        kept = machine.cut_power(cut, chance.randrange(1 << 32))
        moment, surely, perhaps = after_cut(moments, cut)
        expect_everything(moment, surely, perhaps)
        machine.log(f"cut {number + 1}: {len(moment.queued)} queued, {len(surely)} acknowledged; {kept}")

with subtest("power cuts in an upgrade leave the old or the new version, configuration and queue"):
    for number in range(CUTS):
        cut = between(before.writes, upgraded)
        kept = machine.cut_power(cut, chance.randrange(1 << 32))
        found = package_state()
        # A station has nobody who would repair it at once: what is there must run.
        machine.wait_until_succeeds(f"systemctl is-active {UNIT}", timeout=PATIENCE)
        # The package is fetched again.
        machine.succeed(PREPARE)
        took = repair_package()
        version = expect_whole_package()
        assert machine.succeed(f"cat {CONFIGURATION}") == configured, "the configuration has changed"
        expect_everything(before, arrived(), arrived())
        machine.log(f"cut {number + 1}: {found}, repaired by {took}: {version}; {kept}")
