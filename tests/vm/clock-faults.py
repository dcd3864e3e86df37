# Fails if: a clock that jumps by a year, ahead or back, while reports wait or the server is away, keeps reports from
# being delivered, removes files before their time, makes the watchdog end the service, or is not said.

import time
from pathlib import Path

PORT = LISTEN.rsplit(":", 1)[1]
KEYS = Path(RECORDS).parent
TLS = ["--tls-ca", f"{KEYS}/ca.pem", "--tls-key", f"{KEYS}/ca.key", "--tls-name", "10.0.2.2"]


def done() -> int:
    return int(machine.succeed(f"find {DONE} -name '*.json' | wc -l"))


def set_right() -> None:
    machine.succeed(f"date --set @{time.time():.0f}")


start_station(to_server())
service = main_pid()

for scheme, further in (("http", []), ("https", TLS)):
    stop_server()
    serve(*further)
    if further:
        machine.copy_from_host(f"{KEYS}/ca.pem", "/usr/local/share/ca-certificates/wats.crt")
        machine.succeed("chmod 644 /usr/local/share/ca-certificates/wats.crt; update-ca-certificates")
        server = {"url": f"https://10.0.2.2:{PORT}", "token": TOKEN, "proxy": "none"}
        configure({"server": server, "upload": SOON})
        wait_for_status("ready")
    for jump, words in (("+1 year", "ahead"), ("-1 year", "back")):
        with subtest(f"the clock goes a year {words} while reports wait ({scheme})"):
            stop_server()
            drop_reports(f"{scheme}-{words}", 10)
            wait_for_status("not ready: .*; 10 reports pending")
            kept = done()
            machine.succeed(f"date --set '{jump}'")
            # In the middle of the waits, not only at their end.
            time.sleep(5)
            serve(*further)
            wait_for_arrivals(f"{scheme}-{words}")
            deliver(f"{scheme}-{words}-new")
            wait_for_status("ready")
            assert done() == kept + 11, "delivered files have gone for their age"
            said = health("/health/details")[1]
            assert "clock" in said, said

        with subtest(f"and the clock is set right again ({scheme}, {words})"):
            stop_server()
            drop_reports(f"{scheme}-{words}-right", 10)
            wait_for_status("not ready: .*; 10 reports pending")
            set_right()
            serve(*further)
            wait_for_arrivals(f"{scheme}-{words}-right")
            deliver(f"{scheme}-{words}-last")

with subtest("a certificate that is over by the clock alone is refused with a word on the clock"):
    stop_server()
    serve(*TLS, "--tls-days", "30")
    deliver("month")
    stop_server()
    machine.succeed("date --set '+1 year'")
    serve(*TLS, "--tls-days", "30")
    drop_reports("expired", 5)
    wait_for_status("not ready: .*clock.*; 5 reports pending")
    machine.log(machine.get_unit_property(UNIT, "StatusText"))
    set_right()
    wait_for_arrivals("expired")

with subtest("all of it has arrived without a restart, and nothing was denied"):
    assert (main_pid(), restarts()) == (service, 0), "it was started again"
    expect_nothing_lost()
