# Fails if: a station whose network, names or server go away, or whose server has another certificate, does not say
# why, does not deliver by itself once that is over, or needs a restart for it. The server is on another machine, at
# the end in another network namespace.

import json
import shlex
import time
from pathlib import Path

PORT = LISTEN.rsplit(":", 1)[1]
# A name that only the names server below knows.
NAME = "wats.test"
KEYS = Path(RECORDS).parent

# Answers every question for an IPv4 address with that of the test server.
NAMES = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
print("answering", flush=True)
while True:
    question, who = server.recvfrom(512)
    end = question.index(b"\\0", 12) + 5
    is_address = question[end - 4:end - 2] == b"\\0\\1"
    record = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4" + socket.inet_aton("10.0.2.2")
    counts = b"\\0\\1" + (b"\\0\\1" if is_address else b"\\0\\0") + b"\\0\\0\\0\\0"
    answer = question[:2] + b"\\x81\\x80" + counts + question[12:end] + (record if is_address else b"")
    server.sendto(answer, who)
"""


def settings(url: str, **server: object) -> dict[str, object]:
    return {"server": {"url": url, "token": TOKEN, "proxy": "none", **server}, "upload": SOON}


def outage(prefix: str, begin: str, said: str, end: str) -> None:
    """Reports wait while something is wrong, which is said, and are delivered once it is over."""
    machine.succeed(begin)
    # What is open needs neither way nor name.
    stop_server()
    start_server()
    drop_reports(prefix, 5)
    wait_for_status(f"not ready: .*({said}).*; 5 reports pending")
    machine.succeed(end)
    wait_for_arrivals(prefix)
    wait_for_status("ready")


def authority(number: int) -> list[str]:
    """Arguments of a server with a new certificate of this authority, whose own one is in a file afterwards."""
    return ["--tls-ca", f"{KEYS}/ca{number}.pem", "--tls-key", f"{KEYS}/ca{number}.key", "--tls-name", NAME]


def serve_by(number: int) -> None:
    """The server comes back with a certificate of another authority."""
    stop_server()
    serve(*authority(number))


def trust(number: int) -> None:
    """The administrator lets the system trust an authority."""
    target = f"/usr/local/share/ca-certificates/wats{number}.crt"
    machine.copy_from_host(f"{KEYS}/ca{number}.pem", target)
    machine.succeed(f"chmod 644 {target}; restorecon {target} || true; update-ca-certificates")


start_station(settings(SERVER_URL))
service = main_pid()

with subtest("there is no way to the server"):
    outage(
        "route",
        "ip route add unreachable 10.0.2.2/32",
        "check this machine's network",
        "ip route del unreachable 10.0.2.2/32",
    )

with subtest("the server of names is silent, and gone"):
    machine.succeed(f"cat > /root/names.py <<'END'\n{NAMES}\nEND")
    machine.succeed("systemd-run --unit=names python3 /root/names.py")
    machine.wait_until_succeeds("journalctl --unit names | grep answering", timeout=PATIENCE)
    machine.succeed("cp /etc/resolv.conf /root/resolv.conf; echo nameserver 127.0.0.1 > /etc/resolv.conf")
    configure(settings(f"http://{NAME}:{PORT}"))
    deliver("named")
    outage("silent", "systemctl kill --signal=STOP names", "is not found", "systemctl kill --signal=CONT names")
    outage(
        "nameless",
        "systemctl stop names",
        "is not found",
        "systemd-run --unit=names python3 /root/names.py",
    )

with subtest("the server renews its certificate"):
    stop_server()
    serve(*authority(1))
    trust(1)
    configure(settings(f"https://{NAME}:{PORT}"))
    wait_for_status("ready")
    deliver("tls")
    stop_server()
    drop_reports("renewed", 5)
    wait_for_status("not ready: .*nothing listens there.*; 5 reports pending")
    serve(*authority(1))
    wait_for_arrivals("renewed")

with subtest("the server has a certificate of another authority, which the system learns to trust"):
    serve_by(2)
    drop_reports("authority", 5)
    wait_for_status("not ready: .*certificate.*; 5 reports pending")
    machine.log(machine.get_unit_property(UNIT, "StatusText"))
    trust(2)
    wait_for_arrivals("authority")

with subtest("an authority that the system trusts no more is not believed"):
    machine.succeed("rm /usr/local/share/ca-certificates/wats2.crt; update-ca-certificates --fresh")
    serve_by(2)
    drop_reports("withdrawn", 5)
    wait_for_status("not ready: .*certificate.*; 5 reports pending")
    trust(2)
    wait_for_arrivals("withdrawn")

with subtest("the file with the authority is replaced"):
    machine.copy_from_host(f"{KEYS}/ca2.pem", "/etc/pywats/ca.pem")
    machine.succeed("cd /etc/pywats; chgrp pywats ca.pem; chmod 640 ca.pem; restorecon ca.pem || true")
    configure(settings(f"https://{NAME}:{PORT}", ca_file="/etc/pywats/ca.pem"))
    deliver("file")
    serve_by(3)
    drop_reports("replaced", 5)
    wait_for_status("not ready: .*certificate.*; 5 reports pending")
    machine.copy_from_host(f"{KEYS}/ca3.pem", "/root/ca.pem")
    machine.succeed("cat /root/ca.pem > /etc/pywats/ca.pem")
    wait_for_arrivals("replaced")

# Three minutes of real time and an hour by the clock: what the service waits for does not look at the clock. With the
# settings that it ships, it has reached its longest waits by then, and tries again every two to five minutes.
with subtest("the cable is out for an hour by the clock, and three minutes by the second"):
    stop_server()
    start_server()
    configure({"server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"}})
    wait_for_status("ready")
    machine.block()
    drop_reports("cable", 20)
    wait_for_status("not ready: .*; 20 reports pending")
    time.sleep(90)
    machine.succeed("date --set '+1 hour'")
    time.sleep(90)
    said = machine.get_unit_property(UNIT, "StatusText")
    assert "no connection to the server" in said, said
    status, body = health()
    assert status == 503 and "no connection to the server" in body, (status, body)
    machine.unblock()
    began = time.monotonic()
    wait_for_arrivals("cable", timeout=600)
    machine.log(f"delivered {time.monotonic() - began:.0f} s after the cable was in again")
    machine.succeed(f"date --set @{time.time():.0f}")

with subtest("the server is in another network namespace"):
    machine.copy_from_host(SERVER, "/usr/local/bin/wats-test-server")
    # systemd-networkd would take the address away again.
    machine.succeed(
        "mkdir -p /run/systemd/network",
        "printf '[Match]\\nName=station\\n[Link]\\nUnmanaged=yes\\n' > /run/systemd/network/10-station.network",
        "chmod -R a+rX /run/systemd/network; restorecon -R /run/systemd/network",
        "systemctl restart systemd-networkd",
        "ip netns add elsewhere",
        "ip link add station type veth peer name server netns elsewhere",
        "ip address add 10.99.0.1/24 dev station; ip link set station up",
        "ip netns exec elsewhere ip address add 10.99.0.2/24 dev server",
        "ip netns exec elsewhere ip link set server up",
    )
    further = ["--listen", "10.99.0.2:8080", "--token", TOKEN, "--record", "/root/records", "--ignore-stdin"]
    # Not by `ip netns exec`: the policy of the base system does not let a service do that.
    place = "--property=NetworkNamespacePath=/run/netns/elsewhere"
    command = shlex.join(["/usr/local/bin/wats-test-server", *further])
    machine.succeed(f"systemd-run --collect --unit=elsewhere {place} {command}")
    machine.wait_until_succeeds(": < /dev/tcp/10.99.0.2/8080", timeout=PATIENCE)
    configure(settings("http://10.99.0.2:8080"))
    wait_for_status("ready")
    drop_reports("elsewhere", 5)
    machine.wait_until_succeeds("test $(ls /root/records | wc -l) = 5", timeout=PATIENCE)
    machine.succeed("ip netns exec elsewhere ip link set server down")
    drop_reports("elsewhere-2", 5)
    wait_for_status("not ready: .*no connection to the server.*; 5 reports pending")
    machine.succeed("ip netns exec elsewhere ip link set server up")
    machine.wait_until_succeeds("test $(ls /root/records | wc -l) = 10", timeout=PATIENCE)
    for number in range(1, 11):
        record = machine.succeed(f"cat /root/records/{number:04}.json")
        (Path(RECORDS) / f"9{number:03}.json").write_text(record)

with subtest("all of it has arrived without a restart, and nothing was denied"):
    assert (main_pid(), restarts()) == (service, 0), "it was started again"
    expect_nothing_lost()
