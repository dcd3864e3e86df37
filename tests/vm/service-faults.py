# Fails if: a service that hangs, is out of memory, cannot start, is stopped in the middle of uploads, or whose machine
# reboots while reports come, does not come back by itself, loses a report or sends one under two identifiers; or the
# journal does not say what happened.

import json
import shlex
import time

# Answers to whoever opens a file in a folder, like a virus scanner: at once, but never to the service. fanotify(7).
SCANNER = """
import ctypes, os, pwd, struct
libc = ctypes.CDLL(None, use_errno=True)
FAN_CLASS_CONTENT, FAN_MARK_ADD, FAN_OPEN_PERM, FAN_EVENT_ON_CHILD, FAN_ALLOW = 0x4, 0x1, 0x10000, 0x08000000, 1
scanner = libc.fanotify_init(FAN_CLASS_CONTENT, os.O_RDONLY)
mask = ctypes.c_uint64(FAN_OPEN_PERM | FAN_EVENT_ON_CHILD)
if scanner < 0 or libc.fanotify_mark(scanner, FAN_MARK_ADD, mask, -100, b"%s") < 0:
    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
service = pwd.getpwnam("pywats").pw_uid
print("scanning", flush=True)
while True:
    events = os.read(scanner, 4096)
    while events:
        length, _, _, _, _, file, process = struct.unpack("IBBHQii", events[:24])
        if os.stat(f"/proc/{process}").st_uid != service:
            os.write(scanner, struct.pack("iI", file, FAN_ALLOW))
            os.close(file)
        events = events[length:]
"""

# A server that takes its time: nothing that it is sent is answered before the guest is gone.
SLOW = "600000"


def cause_gone(command: str, before: int, timeout: int = PATIENCE) -> None:
    """Takes the cause away, and waits until the service is there without anybody's help."""
    machine.succeed(command)
    machine.wait_until_succeeds(f"systemctl is-active {UNIT}", timeout=timeout)
    assert restarts() >= before
    wait_for_status("ready")


start_station(to_server())

with subtest("a process that stands still is killed by the watchdog, and started again"):
    before, since, count = main_pid(), cursor(), restarts()
    known_processes.add(before)
    machine.succeed(f"kill -STOP {before}")
    drop_reports("stopped", 20)
    wait_for_another_process(before)
    wait_for_log("Watchdog timeout", since)
    assert restarts() == count + 1, "it was not systemd that has started it again"
    wait_for_arrivals("stopped")

with subtest("a worker that hangs is named, and the watchdog ends it"):
    before, since, count = main_pid(), cursor(), restarts()
    known_processes.add(before)
    machine.succeed(f"cat > /root/scanner.py <<'END'\n{SCANNER % WATCH}\nEND")
    # Debian 12 lets no unit begin that, but once it has begun.
    if SELINUX:
        machine.succeed("setenforce 0")
    machine.succeed("systemd-run --collect --unit=scanner python3 /root/scanner.py")
    machine.wait_until_succeeds("journalctl --unit scanner | grep scanning", timeout=PATIENCE)
    if SELINUX:
        machine.succeed("setenforce 1")
    drop_reports("scanned", 5)
    wait_for_log("the intake worker hangs", since)
    status, body = health("/health/live")
    assert status == 503 and "intake" in body, (status, body)
    wait_for_log("Watchdog timeout", since)
    machine.succeed("systemctl stop scanner")
    wait_for_another_process(before)
    assert restarts() > count
    wait_for_arrivals("scanned")

with subtest("out of memory it is started again, and nothing is lost"):
    before, since, count = main_pid(), cursor(), restarts()
    known_processes.add(before)
    stop_server()
    drop_reports("memory", 300)
    machine.succeed(f"systemctl set-property --runtime {UNIT} MemoryMax=3M MemorySwapMax=0")
    wait_for_log("oom-kill|OOM killer", since)
    machine.wait_until_succeeds(
        f"test $(systemctl show --value --property NRestarts {UNIT}) -gt {count}", timeout=PATIENCE
    )
    start_server()
    cause_gone(f"systemctl set-property --runtime {UNIT} MemoryMax=infinity", count + 1)
    wait_for_arrivals("memory")
    peak = machine.succeed(f"cat /sys/fs/cgroup/system.slice/{UNIT}/memory.peak")
    machine.log(f"peak memory with 300 reports: {int(peak) / 1e6:.0f} MB")

with subtest("a data folder that it may not use is said, and used once it may be"):
    before = main_pid()
    machine.succeed("chown root:root /var/lib/pywats/queue.db && chmod 600 /var/lib/pywats/queue.db*")
    machine.succeed(f"systemctl restart {UNIT}")
    wait_for_status("not ready: .*queue.db")
    drop_reports("unreadable", 5)
    before, count = main_pid(), restarts()
    known_processes.add(before)
    time.sleep(30)
    assert (main_pid(), restarts()) == (before, count), "it does not stay up"
    machine.succeed("chown pywats:pywats /var/lib/pywats/queue.db")
    wait_for_arrivals("unreadable")
    assert main_pid() == before, "it was started again"

with subtest("a service that cannot start neither spins nor stays down"):
    before, since, count = main_pid(), cursor(), restarts()
    known_processes.add(before)
    machine.succeed("mv /usr/bin/pywats-client /usr/bin/pywats-client.away")
    machine.succeed(f"kill -KILL {before}")
    drop_reports("down", 5)
    time.sleep(90)
    tries = restarts() - count
    # Every 5 seconds; with back-off 5, 10, 20, 39 seconds.
    assert 2 <= tries <= 19, f"{tries} attempts in 90 seconds"
    assert machine.get_unit_property(UNIT, "ActiveState") == "activating", "it has given up"
    used = machine.get_unit_property(UNIT, "CPUUsageNSec")
    machine.log(f"{tries} attempts in 90 s, {used} ns of processor time")
    cause_gone("mv /usr/bin/pywats-client.away /usr/bin/pywats-client", count + tries)
    wait_for_arrivals("down")

with subtest("a stop in the middle of uploads ends in time, and nothing is lost"):
    stop_server()
    serve("--latency", SLOW)
    drop_reports("stop", 100)
    wait_for_status("(not )?ready.*; (9[0-9]|100) reports pending")
    before = main_pid()
    known_processes.add(before)
    machine.wait_until_succeeds("ss -Htn state established dst 10.0.2.2 | grep -q .", timeout=PATIENCE)
    began = time.monotonic()
    machine.succeed(f"systemctl stop {UNIT}")
    took = time.monotonic() - began
    result = machine.get_unit_property(UNIT, "Result")
    assert result == "success", f"{result} after {took:.0f} s"
    machine.log(f"stopped after {took:.1f} s")
    stop_server()
    start_server()
    machine.succeed(f"systemctl start {UNIT}")
    wait_for_arrivals("stop")

with subtest("the data folder becomes another disk, as docs/linux.md says, and operators reach it"):
    known_processes.add(main_pid())
    machine.succeed(
        f"systemctl stop {UNIT}",
        # Empty and root's, as a new disk is.
        "mount -t tmpfs -o mode=0755 disk /var/lib/pywats",
        "restorecon -R /var/lib/pywats",
        f"systemctl start {UNIT}",
    )
    machine.wait_for_unit(UNIT)
    drop_reports("disk", 3)
    wait_for_arrivals("disk")
    known_processes.add(main_pid())
    # It goes on with what the disk had hidden.
    machine.succeed(f"systemctl stop {UNIT}", "umount /var/lib/pywats", f"systemctl start {UNIT}")
    machine.wait_for_unit(UNIT)

with subtest("the journal has the fields of a report"):
    drop_reports("fields")
    wait_for_arrivals("fields")
    found = machine.succeed(
        f"journalctl --no-pager --output json --unit {UNIT} PYWATS_FILE=fields-00000.json"
    ).splitlines()
    entries = [json.loads(line) for line in found]
    assert len(entries) >= 2, f"queued and accepted are not there: {entries}"
    identifiers = {entry.get("PYWATS_REPORT") for entry in entries}
    assert identifiers == {json.loads(arrived()[-1])["id"]}, identifiers
    assert {entry["PYWATS_FOLDER"] for entry in entries} == {WATCH}, entries
    assert {entry["PRIORITY"] for entry in entries} == {"6"}, entries
    by_report = machine.succeed(f"journalctl --no-pager --output cat PYWATS_REPORT={identifiers.pop()}")
    assert "accepted by the server" in by_report, by_report
    machine.succeed(f"journalctl --no-pager --output cat PYWATS_FOLDER={WATCH} | grep queued")

for number in (1, 2):
    with subtest(f"a reboot while reports come loses none of them ({number})"):
        known_processes.add(main_pid())
        stop_server()
        command = shlex.quote(dropping(f"boot{number}", 100000, pause=0.05))
        machine.succeed(f"systemd-run --collect --unit=dropping bash -c {command}")
        machine.wait_until_succeeds(f"test $(wc -l < /home/alice/boot{number}.txt) -gt 100", timeout=PATIENCE)
        machine.reboot()
        machine.wait_for_unit(UNIT)
        note_dropped(f"boot{number}")
        start_server()
        wait_for_arrivals(f"boot{number}")

with subtest("all of it has arrived, and nothing was denied"):
    expect_nothing_lost()
    refusals = log().count("refused for good")
    assert refusals == 0, f"{refusals} reports were refused"
