# Fails if: the package pywats-client-selinux does not load the policy, loses it in an upgrade, a downgrade, a reboot or
# a change of the base policy, or leaves something behind when it is removed; or if the scriptlets of the RPM do
# something else at an upgrade, a downgrade, a reinstallation or a removal than they must.

import json

MODULE = "pywats_client"
# What has a label of ours. Reports are not among it: they keep the label that they came with.
KEPT = "/etc/pywats /etc/pywats/config.json /var/lib/pywats /var/lib/pywats/{watch,done,failed,queue.db}"
LABELLED = f"/usr/bin/pywats-client {KEPT} /run/pywats"
DNF = "dnf --assumeyes --disablerepo='*'"
SETTINGS = {
    "server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"},
    "upload": {"retry_initial_seconds": 1, "retry_max_seconds": 2},
}


def modules() -> list[str]:
    """The modules of ours that the policy has, with their priorities."""
    return machine.succeed("semodule --list-modules=full | grep pywats || true").splitlines()


def domain() -> str:
    return machine.succeed(f"cat /proc/{main_pid()}/attr/current").strip("\0\n")


def expect_policy() -> None:
    """The policy is there once, the service in its domain, and all files have their labels."""
    found = [line.split() for line in modules()]
    assert found == [["200", MODULE, "cil"]], f"the policy has {found}"
    assert domain().split(":")[2] == "pywats_t", f"the service runs as {domain()}"
    assert machine.succeed("getenforce").strip() == "Enforcing"
    wrong = machine.succeed(f"restorecon -n -v {LABELLED}")
    assert not wrong, f"labels are wrong: {wrong}"
    machine.fail(f"stat --format '%C %n' {LABELLED} | grep -v :pywats_")


def expect_no_policy() -> None:
    """Nothing of the policy is left: no module, no label, nothing that an administrator has set with its types."""
    assert not modules(), f"the policy has {modules()}"
    left = machine.succeed(f"find $(ls -d {LABELLED} 2>/dev/null) -context '*:pywats_*'")
    assert not left, f"labels of ours are left: {left}"
    # Where semanage keeps what it was told.
    machine.fail(
        "grep -qs pywats /etc/selinux/*/contexts/files/file_contexts.local /var/lib/selinux/*/active/ports.local"
    )


def version() -> str:
    """The versions of both packages, which must be the same."""
    query = "rpm --query --queryformat '%{VERSION}\\n' pywats-client pywats-client-selinux | sort -u"
    found = machine.succeed(query).split()
    assert len(found) == 1, f"the packages have the versions {found}"
    return found[0]


machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
machine.succeed(PREPARE)

with subtest("is installed without a policy, and runs without one"):
    machine.succeed(f"{DNF} install /opt/handed/package.rpm")
    # The presets of the distribution decide, and nothing starts by itself.
    machine.fail(f"systemctl is-enabled {UNIT}", f"systemctl is-active {UNIT}")
    machine.succeed(f"systemctl enable --now {UNIT}", "useradd --create-home --groups pywats-operators alice")
    start_server()
    configure(SETTINGS)
    wait_for_status("ready")
    expect_no_policy()

with subtest("the policy comes with its package, and the running service gets its domain"):
    before = main_pid()
    machine.succeed(f"{DNF} install /opt/handed/selinux.rpm")
    wait_for_another_process(before)
    expect_policy()
    wait_for_status("ready")
    drop("one.json")
    expect_delivered("one.json", 1)

with subtest("it outlives a change of the base policy, and a reboot"):
    machine.succeed(
        "echo '(boolean bench_other false)' > /root/bench_other.cil",
        "semodule --install /root/bench_other.cil",
        f"systemctl restart {UNIT}",
    )
    expect_policy()
    machine.reboot()
    machine.wait_for_unit(UNIT)
    expect_policy()

with subtest("an upgrade keeps it, and what waits"):
    stop_server()
    queue("two.json")
    given, before = version(), main_pid()
    machine.succeed(UPGRADE)
    wait_for_another_process(before)
    assert version() == "255.0.0", version()
    expect_policy()
    start_server()
    expect_delivered("two.json", 2)

with subtest("an older version does not come by itself, and does by a downgrade"):
    before = main_pid()
    said = machine.fail("rpm --upgrade /opt/handed/package.rpm /opt/handed/selinux.rpm 2>&1")
    assert "newer than" in said, said
    assert main_pid() == before, "the refusal has restarted the service"
    stop_server()
    queue("three.json")
    machine.succeed(f"{DNF} downgrade /opt/handed/package.rpm /opt/handed/selinux.rpm")
    wait_for_another_process(before)
    assert version() == given, version()
    expect_policy()
    start_server()
    expect_delivered("three.json", 3)

with subtest("a reinstallation keeps an administrator's choices"):
    machine.succeed(f"systemctl disable {UNIT}")
    before = main_pid()
    machine.succeed(f"{DNF} reinstall /opt/handed/package.rpm /opt/handed/selinux.rpm")
    wait_for_another_process(before)
    machine.fail(f"systemctl is-enabled {UNIT}")
    machine.succeed("rpm --verify pywats-client pywats-client-selinux", f"systemctl enable {UNIT}")
    expect_policy()

with subtest("without its package the policy is gone, and what was set with it, and the service goes on"):
    machine.succeed(
        "mkdir --parents /srv/results",
        "semanage fcontext --add --type pywats_watch_t '/srv/results(/.*)?'",
        "semanage port --add --type pywats_port_t --proto tcp 9464",
        "restorecon -R /srv/results",
    )
    before = main_pid()
    said = machine.succeed(f"{DNF} remove pywats-client-selinux 2>&1")
    assert "semanage fcontext -d" in said and "semanage port -d" in said, f"it is not said what was undone: {said}"
    wait_for_another_process(before)
    expect_no_policy()
    wait_for_status("ready")
    drop("four.json")
    expect_delivered("four.json", 4)

with subtest("a failure to load it is said"):
    machine.succeed("mount --bind /bin/false /usr/sbin/semodule")
    said = machine.succeed(f"{DNF} install /opt/handed/selinux.rpm 2>&1 || true")
    machine.succeed("umount /usr/sbin/semodule")
    assert "the policy could not be installed" in said and "install-selinux.sh install" in said, said
    before = main_pid()
    machine.succeed("/usr/share/selinux/packages/pywats-client/install-selinux.sh install")
    wait_for_another_process(before)
    expect_policy()

with subtest("who removes both keeps configuration and data, and nothing else"):
    machine.succeed(f"{DNF} remove pywats-client pywats-client-selinux")
    machine.fail(f"systemctl is-active {UNIT}", f"systemctl is-enabled {UNIT}")
    for gone in ["/usr/bin/pywats-client", "/usr/share/selinux/packages/pywats-client", "/run/pywats"]:
        machine.fail(f"test -e {gone}")
    assert json.loads(machine.succeed("cat /etc/pywats/config.json")) == SETTINGS, "the configuration has changed"
    machine.succeed(f"test -e /var/lib/pywats/queue.db && test -e {DONE}/three.json")
    expect_no_policy()

with subtest("comes back with both, and finds them again"):
    machine.succeed(INSTALL)
    machine.succeed(f"systemctl enable --now {UNIT}")
    wait_for_status("ready")
    expect_policy()
    drop("five.json")
    expect_delivered("five.json", 5)
