# Fails if: an upgrade that is cut off (dpkg or rpm killed while it unpacks, while it replaces files or while it runs the
# package's script; the disk full before it or while it unpacks) stops the service, or is not mended by the package
# manager's own repair; or if a report, the configuration or what an operator drops afterwards is lost.

import re

CONFIGURATION = "/etc/pywats/config.json"
SETTINGS = {
    "server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"},
    "upload": {"retry_initial_seconds": 1, "retry_max_seconds": 2},
}
# A shell looks for these, one after the other, as fast as it can. Both write each new file beside the old one, which
# then takes its place (dpkg keeps the old one as .dpkg-tmp meanwhile), and then run the package's script.
UNPACKS = {
    "deb": ["[ -e /usr/bin/pywats-client.dpkg-new ]"],
    "rpm": ["compgen -G '/usr/bin/pywats-client;*' >/dev/null"],
}[FORMAT]
REPLACES = [*UNPACKS, {"deb": "[ -e /usr/bin/pywats-client.dpkg-tmp ]", "rpm": f"! {UNPACKS[0]}"}[FORMAT]]
SCRIPT = {"deb": "info/[p]ywats-client.postinst", "rpm": "/var/tmp/[r]pm-tmp"}[FORMAT]
CONFIGURES = [*REPLACES, f"pgrep --full '{SCRIPT}' >/dev/null"]
PROGRAMS = {"deb": "apt-get|dpkg", "rpm": "dnf|rpm"}[FORMAT]
# Nothing gets to tidy up.
KILL = f"pkill -KILL --exact '{PROGRAMS}'; pkill -KILL --full '{SCRIPT}' || true"
# What the package manager calls what is left by each, as a regular expression; OLD and NEW are the versions.
LEFT = {
    "deb": {
        "full": "install ok installed OLD",
        "filled": "install ",
        "unpacking": "install reinstreq half-installed ",
        "replacing": "install (reinstreq half-installed|ok unpacked) ",
        "configuring": "install ok half-configured ",
    },
    "rpm": {
        "full": "installed OLD$",
        "filled": "installed OLD$",
        "unpacking": "installed OLD$",
        "replacing": "installed OLD",
        "configuring": "installed OLD\ninstalled NEW$",
    },
}[FORMAT]
# Takes all the room that there is, in pieces.
FILL = """fill() {
    end=0
    for size in 536870912 16777216 524288 4096; do
        while fallocate --offset $end --length $size /filler 2>/dev/null; do end=$((end + size)); done
    done
}
fill
"""
# The package needs more than twice as much.
LEAVE_LITTLE = "fallocate --punch-hole --offset 0 --length 4194304 /filler"
FILL_MEANWHILE = f"pkill -STOP --exact '{PROGRAMS}'\n{FILL}pkill -CONT --exact '{PROGRAMS}'"

delivered = 0


def interrupted(moments: list[str], then: str) -> str:
    """An upgrade, and what happens as soon as it has come so far; 9 if it never did."""
    look = "\n".join(f"until {moment}; do kill -0 $upgrade 2>/dev/null || exit 9; done" for moment in moments)
    return f"({UPGRADE}) >&2 & upgrade=$!\n{look}\n{then}\nwait $upgrade"


def expect_works(name: str) -> None:
    """What was queued before arrives, and so does what is dropped now."""
    global delivered
    start_server()
    expect_delivered(name, delivered + 1)
    drop(f"after-{name}")
    expect_delivered(f"after-{name}", delivered + 2)
    delivered += 2
    wait_for_status("ready; 0 reports pending")
    stop_server()


def install_old() -> None:
    if expect_whole_package() != old:
        # An RPM starts nothing of its own accord, nor after it was removed.
        machine.succeed(REMOVE, INSTALL, f"systemctl enable --now {UNIT}")
        machine.wait_for_unit(UNIT)


def break_off(name: str, upgrade: str, mend: str = "true") -> None:
    """An upgrade that fails, with a report in the queue, and what an administrator does then."""
    install_old()
    # An rpm that was killed leaves its new file for ever, and the moments of the next one would not be seen.
    machine.succeed("rm -f '/usr/bin/pywats-client;'*")
    queue(f"{name}.json")
    configured = machine.succeed(f"cat {CONFIGURATION}")
    for _ in range(3):
        status, _ = machine.execute(upgrade)
        if status != 9:
            break
        # It was over before anybody saw the moment.
        install_old()
    assert status not in (0, 9), f"the upgrade was not cut off ({status})"
    broken = package_state()
    left = LEFT[name].replace("OLD", re.escape(old)).replace("NEW", "255.0.0")
    assert re.match(left, broken), f"cut off, the package is {broken!r}"
    # Whichever version it is.
    machine.wait_until_succeeds(f"systemctl is-active {UNIT}", timeout=PATIENCE)
    machine.succeed(mend)
    took = repair_package()
    version = expect_whole_package()
    machine.log(f"{name}: {broken}; repaired by {took}: {old} became {version}")
    machine.wait_until_succeeds(f"systemctl is-active {UNIT}", timeout=PATIENCE)
    assert machine.succeed(f"cat {CONFIGURATION}") == configured, "the configuration has changed"
    expect_works(f"{name}.json")


machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
prepare_package()
machine.succeed(INSTALL, f"systemctl enable --now {UNIT}", "useradd --create-home --groups pywats-operators alice")
configure(SETTINGS)
old = expect_whole_package()

with subtest("the disk is full before an upgrade"):
    break_off("full", f"{FILL}{LEAVE_LITTLE}\n{UPGRADE}", "rm /filler")

with subtest("the disk gets full while an upgrade unpacks"):
    break_off("filled", interrupted(UNPACKS, FILL_MEANWHILE), "rm /filler")

with subtest("the package manager is killed while it unpacks"):
    break_off("unpacking", interrupted(UNPACKS, KILL))

with subtest("the package manager is killed while it replaces files"):
    break_off("replacing", interrupted(REPLACES, KILL))

with subtest("the package manager is killed while it runs the package's script"):
    break_off("configuring", interrupted(CONFIGURES, KILL))
