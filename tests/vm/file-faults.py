# Fails if: a station whose disk can only be read, whose /etc can only be read, or whose health port another program
# has, stops for it, does not say so, or does not go on by itself once that is over.

import shlex
import time

# Has the port until it is stopped.
OTHER = """
import socket, time
taken = socket.create_server(("127.0.0.1", 8080))
time.sleep(1e6)
"""

start_station(to_server())
service = main_pid()

with subtest("/etc can only be read: reports are delivered, and whoever changes settings is told"):
    machine.succeed("mount --bind /etc /etc && mount -o remount,bind,ro /etc")
    deliver("etc")
    before = machine.succeed("cat /etc/pywats/config.json")
    said = machine.fail("pywats-client config set station.name ICT7 2>&1")
    assert "Read-only file system" in said and "/etc/pywats" in said, said
    machine.succeed("mkdir -p /srv/ict")
    said = machine.fail("pywats-client folders add /srv/ict --name ict 2>&1")
    assert "nothing was changed" in said or "undone" in said or "ead-only file system" in said, said
    assert machine.succeed("cat /etc/pywats/config.json") == before
    # Somebody always has a file of it open.
    machine.succeed("mount -o remount,bind,rw /etc && umount --lazy /etc")
    machine.succeed("pywats-client config set station.name ICT7")
    deliver("etc-again")
    assert (main_pid(), restarts()) == (service, 0), "it was started again"

with subtest("the disk can only be read, and that is over: said, and delivered without a restart"):
    stop_server()
    drop_reports("waits", 20)
    wait_for_status("not ready: .*; 20 reports pending")
    # What the kernel does after an error of a disk: an operator can drop nothing then.
    machine.succeed("sync; echo 1 > /proc/sys/kernel/sysrq; echo u > /proc/sysrq-trigger")
    machine.wait_until_fails("touch /var/lib/pywats/watch/probe", timeout=PATIENCE)
    start_server()
    wait_for_status("not ready: .*[Rr]ead-only")
    status, body = health()
    assert status == 503 and "ead-only" in body, (status, body)
    machine.log(body)
    time.sleep(30)
    machine.succeed("mount -o remount,rw /")
    wait_for_arrivals("waits")
    wait_for_status("ready")
    deliver("writable")
    assert (main_pid(), restarts()) == (service, 0), "it was started again"

with subtest("another program has the health port: said, and taken once it is free"):
    command = f"systemd-run --collect --unit=other python3 -c {shlex.quote(OTHER)}"
    machine.succeed(f"systemctl stop {UNIT}", command)
    machine.wait_until_succeeds(": < /dev/tcp/127.0.0.1/8080", timeout=PATIENCE)
    machine.succeed(f"systemctl start {UNIT}")
    wait_for_status("not ready: .*health endpoints cannot listen at 127.0.0.1:8080")
    service = main_pid()
    drop_reports("port", 5)
    wait_for_arrivals("port")
    said = machine.succeed("pywats-client status 2>&1 || true")
    assert "8080" in said, said
    machine.succeed("systemctl stop other")
    wait_for_status("ready")
    status, body = health()
    assert status == 200, (status, body)
    assert (main_pid(), restarts()) == (service, 0), "it was started again"

with subtest("all of it has arrived, and nothing was denied"):
    expect_nothing_lost()
