# Fails if: the AppImage does not start on the oldest system as nobody and with an empty environment, or what it installs
# as a service is not confined, does not deliver, does not come back with the machine, or leaves anything when it is
# uninstalled. No package is installed here.

APPIMAGE_HERE = "/home/alice/pywats-client.AppImage"
PROGRAM_OF_SERVICE = "/usr/local/bin/pywats-client"

machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
machine.succeed(PREPARE)
machine.succeed("useradd --create-home alice")
machine.copy_from_host(APPIMAGE, APPIMAGE_HERE)
machine.succeed(f"chmod 755 /home/alice {APPIMAGE_HERE}")

with subtest("it starts as nobody, with an empty environment, in a folder that is nobody's"):
    said = machine.succeed(
        f"cd / && setpriv --reuid=65534 --regid=65534 --clear-groups env -i {APPIMAGE_HERE} --version"
    )
    assert said.startswith("pywats-client "), said

with subtest("it starts from a file where programs cannot run from memory"):
    # There since Linux 6.3.
    if machine.execute("test -e /proc/sys/vm/memfd_noexec")[0] == 0:
        machine.succeed("sysctl -q vm.memfd_noexec=2")
        said = machine.fail(f"{APPIMAGE_HERE} --version 2>&1")
        assert "--appimage-extract-and-run" in said, said
    said = machine.succeed(f"su - alice -c '{APPIMAGE_HERE} --appimage-extract-and-run --version'")
    assert said.startswith("pywats-client "), said

with subtest("the service that it installs is confined, and delivers what an operator drops"):
    before = machine.succeed("find / -xdev -name '*pywats*' -not -path '/var/lib/selinux/*' | sort")
    machine.log(machine.succeed(f"{APPIMAGE_HERE} service install --copy-to /usr/local/bin 2>&1"))
    machine.wait_for_unit(UNIT)
    machine.succeed("usermod --append --groups pywats-operators alice")
    start_server()
    configure({"server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"}})
    wait_for_status("ready")
    # What is in the file, and not the file.
    assert machine.succeed(f"readlink /proc/{main_pid()}/exe").strip() == PROGRAM_OF_SERVICE
    expect_few_rights()
    if SELINUX:
        context = machine.succeed(f"cat /proc/{main_pid()}/attr/current").strip("\0\n ")
        assert context.split(":")[2] == "pywats_t", f"the service runs as {context}"
    drop("first.json")
    expect_delivered("first.json", 1)

with subtest("it comes back with the machine"):
    machine.reboot()
    machine.wait_for_unit(UNIT)
    wait_for_status("ready")
    drop("second.json")
    expect_delivered("second.json", 2)

with subtest("it is uninstalled, and nothing of it stays; SELinux has denied it nothing"):
    denied = denials() if SELINUX else []
    assert not denied, "SELinux denied:\n" + "\n".join(denied)
    machine.log(machine.succeed(f"{APPIMAGE_HERE} service uninstall --purge 2>&1"))
    after = machine.succeed("find / -xdev -name '*pywats*' -not -path '/var/lib/selinux/*' | sort")
    assert after == before, f"there was\n{before}\nand is\n{after}"
