# Fails if: a package cannot be installed, upgraded or removed with the system's own package manager, its service
# does not deliver under its own unit, a queued report does not outlive an upgrade, what an administrator has chosen
# does not, or a removal takes configuration or data with it (and a purge does not). On guests with SELinux, also if
# it is not enforcing all the time, the service is not confined by the policy of the package, a file has another label
# than that says, or anything is denied to it.

CONFIGURATION = "/etc/pywats/config.json"
SETTINGS = {
    "server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"},
    "upload": {"retry_initial_seconds": 1, "retry_max_seconds": 2},
}

# What an administrator may change: a port, here one that the policy allows as well, where logs go, and the token, which
# systemd can hand over (since 247).
PORT = 8118
TOKEN_FILE = "/etc/pywats/token"
WITHOUT_TOKEN = {**SETTINGS, "server": {"url": SERVER_URL, "proxy": "none"}}
HANDED_OVER = f"LoadCredential=token:{TOKEN_FILE}\\n"
LOG = "/var/log/pywats/client.log"
DROP_IN = "/etc/systemd/system/pywats-client.service.d/site.conf"


def expect_enforcing() -> None:
    if SELINUX:
        mode = machine.succeed("getenforce").strip()
        assert mode == "Enforcing", f"SELinux is {mode} on {GUEST}"
        # A policy without dontaudit tells much of others that means nothing.
        denied = denials(everything=not THOROUGH)
        assert not denied, "SELinux denied:\n" + "\n".join(denied)


def keep_nothing_quiet() -> None:
    """From now on there is a record also of what a policy forbids without one."""
    if SELINUX and THOROUGH:
        machine.succeed("semodule --disable_dontaudit --build")


def expect_healthy() -> None:
    """It runs with few rights, in its domain, and nothing was denied to it."""
    expect_few_rights()
    expect_folders()
    if SELINUX:
        expect_confined()
    expect_enforcing()


def expect_choices() -> None:
    """What the administrator has changed is in force."""
    assert machine.succeed(f"cat {CONFIGURATION}") == configured, "the configuration has changed"
    machine.wait_until_succeeds(f": < /dev/tcp/127.0.0.1/{PORT}", timeout=PATIENCE)
    machine.succeed(f"test -s {LOG}")
    assert machine.get_unit_property(UNIT, "LogsDirectory") == "pywats", "the drop-in has no effect"


def expect_enabled(state: str) -> None:
    """Enabled, disabled or masked, exactly as said."""
    found = machine.succeed(f"systemctl is-enabled {UNIT} || true").strip()
    assert found == state, f"the service is {found}, not {state}, on {GUEST}"


machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
machine.succeed(PREPARE)
# RPM brings its policy along, and what is kept quiet about is quiet again with each policy that is loaded.
if FORMAT == "deb":
    keep_nothing_quiet()
expect_enforcing()

with subtest("installs, and the system's policy decides whether it starts"):
    machine.succeed(INSTALL)
    expect_enabled("enabled" if STARTS else "disabled")
    if not STARTS:
        machine.fail(f"systemctl is-active {UNIT}")
        machine.succeed(f"systemctl enable --now {UNIT}")
    machine.wait_for_unit(UNIT)
    wait_for_status("not ready")
    expect_healthy()
    if SELINUX:
        expect_domain()
    if FORMAT == "rpm":
        keep_nothing_quiet()

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
    systemd = machine.succeed("systemctl --version | sed -n '1s/^systemd \\([0-9]*\\).*/\\1/p'")
    hands_over = int(systemd) >= 247
    if hands_over:
        machine.succeed(f"(umask 077; echo {TOKEN} > {TOKEN_FILE})")
        configure(WITHOUT_TOKEN)
    machine.succeed(
        f"pywats-client config set health.port {PORT}",
        f"pywats-client config set logging.file {LOG}",
        f"mkdir -p $(dirname {DROP_IN})",
        f"printf '[Service]\\nLogsDirectory=pywats\\n{HANDED_OVER if hands_over else ''}' > {DROP_IN}",
    )
    configured = machine.succeed(f"cat {CONFIGURATION}")
    machine.reboot()
    machine.wait_for_unit(UNIT)
    wait_for_status("not ready: .*; 1 reports pending")
    start_server()
    expect_delivered("two.json", 2)
    expect_choices()
    expect_healthy()

with subtest("an upgrade restarts it, and keeps what waits and what an administrator has chosen"):
    stop_server()
    queue("three.json")
    before = main_pid()
    machine.succeed(UPGRADE)
    wait_for_another_process(before)
    wait_for_status("not ready: .*; 1 reports pending")
    start_server()
    expect_delivered("three.json", 3)
    expect_enabled("enabled")
    expect_choices()
    expect_healthy()

if THOROUGH:
    with subtest("a downgrade is refused, and disturbs nobody"):
        before = main_pid()
        # What it is called, and whether that is a failure, is the package manager's.
        machine.execute(INSTALL)
        assert main_pid() == before, "the service was restarted"
        expect_choices()

    with subtest("one that is insisted on keeps everything, and a disabled service stays so"):
        stop_server()
        queue("four.json")
        machine.succeed(f"systemctl disable --now {UNIT}")
        machine.succeed(DOWNGRADE)
        expect_enabled("disabled")
        machine.fail(f"systemctl is-active {UNIT}")
        assert machine.succeed(f"cat {CONFIGURATION}") == configured, "the configuration has changed"
        machine.succeed(f"systemctl start {UNIT}")
        wait_for_status("not ready: .*; 1 reports pending")
        expect_choices()
        expect_healthy()

    with subtest("a masked service stays so in an upgrade, and delivers afterwards what has waited"):
        machine.succeed(f"systemctl stop {UNIT}", f"systemctl mask {UNIT}")
        machine.succeed(UPGRADE)
        expect_enabled("masked")
        machine.fail(f"systemctl is-active {UNIT}")
        machine.succeed(f"systemctl unmask {UNIT}", f"systemctl enable --now {UNIT}")
        start_server()
        expect_delivered("four.json", 4)
        expect_choices()
        expect_healthy()

with subtest("a removal keeps configuration and data"):
    machine.succeed(REMOVE)
    machine.fail(f"systemctl is-active {UNIT}")
    machine.fail("test -e /usr/bin/pywats-client")
    assert machine.succeed(f"cat {CONFIGURATION}") == configured, "the configuration has changed"
    machine.succeed(f"test -e /var/lib/pywats/queue.db && test -e {DONE}/three.json && test -e {DROP_IN}")
    expect_enforcing()

if THOROUGH:
    with subtest("installed again, it goes on with what it finds"):
        drop("five.json")
        machine.succeed(INSTALL)
        expect_enabled("enabled" if STARTS else "disabled")
        if not STARTS:
            machine.succeed(f"systemctl start {UNIT}")
        machine.wait_for_unit(UNIT)
        expect_delivered("five.json", 5)
        expect_choices()
        expect_healthy()
        machine.succeed(REMOVE)

if not STARTS:
    with subtest("a preset that enables the service is followed"):
        machine.succeed(
            "mkdir -p /etc/systemd/system-preset",
            f"echo 'enable {UNIT}' > /etc/systemd/system-preset/00-pywats.preset",
        )
        machine.succeed(INSTALL)
        expect_enabled("enabled")
        machine.succeed(REMOVE)
        expect_enforcing()

if PURGE:
    with subtest("a purge removes configuration and data"):
        machine.succeed(PURGE)
        machine.fail("test -e /etc/pywats")
        machine.fail("test -e /var/lib/pywats")
        machine.succeed(f"test -e {DROP_IN}")
