# Fails if: a machine with 256 MB of memory does not take and deliver 10,000 reports, each of them once, or the service
# takes more than a part of that memory for it.

import json
import time

COUNT = 10_000
# How long that may take, in seconds: an emulated processor takes some of them in a second, and seldom more than ten.
LONG = 4 * 3600
# What the service may take at most, with what the kernel keeps of its files, in bytes.
MOST = 100_000_000

start_station({"server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"}})

# Installed with more: what compiles the policy of SELinux takes more than that by itself.
known_processes.add(main_pid())
machine.reboot_with(memory=256)
machine.wait_for_unit(UNIT)
wait_for_status("ready")

with subtest("10,000 reports come while the server is away"):
    total = int(machine.succeed("awk '/^MemTotal/ { print $2 }' /proc/meminfo")) // 1024
    assert total <= 256, f"the machine has {total} MB"
    stop_server()
    began = time.monotonic()
    machine.succeed(dropping("many", COUNT), timeout=LONG)
    note_dropped("many")
    wait_for_status(f"not ready: .*; {COUNT} reports pending", timeout=LONG)
    machine.log(f"{COUNT} reports were queued after {time.monotonic() - began:.0f} s")

with subtest("all of them are delivered, each once"):
    service = main_pid()
    before = len(arrived())
    start_server()
    began = time.monotonic()
    wait_for_arrivals("many", timeout=LONG)
    machine.log(f"{COUNT} reports were delivered within {time.monotonic() - began:.0f} s")
    assert len(arrived()) == before + COUNT, f"{len(arrived()) - before} arrived"
    expect_nothing_lost()

with subtest("the service has taken a part of the memory, and was not started again"):
    group = f"/sys/fs/cgroup/system.slice/{UNIT}"
    peak = int(machine.succeed(f"cat {group}/memory.peak"))
    own = machine.succeed(f"grep -E '^Vm(HWM|RSS)|^RssAnon' /proc/{service}/status").split()
    machine.log(f"peak of the control group {peak / 1e6:.0f} MB; {' '.join(own)}")
    assert peak < MOST, f"the service has taken {peak / 1e6:.0f} MB"
    assert (main_pid(), restarts()) == (service, 0), "it was started again"
