# Steps of scenarios that break an upgrade off: what the package manager knows then, and how an administrator repairs it.

APT = "DEBIAN_FRONTEND=noninteractive apt-get --yes -o DPkg::Lock::Timeout=600"

# What an administrator runs, one after the other, until the package is whole; the last one is the upgrade again.
REPAIRS = {
    "deb": {
        "dpkg --configure -a": "dpkg --configure --pending || true",
        "apt-get -f install": f"{APT} --fix-broken install || true",
        "the upgrade again": f"{UPGRADE} || true",
        # apt counts a package as new enough that dpkg wants to be unpacked again.
        "apt-get install --reinstall": f"{APT} install --reinstall /opt/handed/upgrade.deb",
    },
    "rpm": {
        "the upgrade again": f"{UPGRADE} || true",
        # dnf counts a package as installed that rpm has noted before all of it was there.
        "rpm --upgrade --replacepkgs": "rpm --upgrade --replacepkgs /opt/handed/upgrade.rpm /opt/handed/selinux-upgrade.rpm",
    },
}
# What says that nothing is left to repair.
WHOLE = {
    # The guest leaves manuals out.
    "deb": "cd / && md5sum --check --quiet --ignore-missing /var/lib/dpkg/info/pywats-client.md5sums",
    "rpm": "rpm --verify pywats-client pywats-client-selinux",
}


def prepare_package() -> None:
    """What is to be installed is there, and is unpacked as on users' machines."""
    machine.succeed(PREPARE)
    if FORMAT == "deb":
        # Guests are made without flushing what dpkg unpacks.
        machine.succeed("sed -i '/^force-unsafe-io/d' /etc/dpkg/dpkg.cfg /etc/dpkg/dpkg.cfg.d/*")


def package_state() -> str:
    """What the package manager says of the package: state and version; with rpm a line for each version that it has."""
    if FORMAT == "rpm":
        query = "rpm --query --queryformat 'installed %{VERSION}\\n' pywats-client"
    else:
        # What dpkg has noted of several packages is one file only after this.
        query = "dpkg --audit >&2; dpkg-query --show --showformat '${Status} ${Version}' pywats-client"
    return machine.succeed(f"{query} 2>/dev/null || true").strip()


def is_whole() -> bool:
    state = package_state()
    known = state.startswith("install ok installed ") if FORMAT == "deb" else len(state.splitlines()) == 1
    return known and machine.execute(f"{WHOLE[FORMAT]} >&2")[0] == 0


def repair_package() -> str:
    """Lets the package manager repair an upgrade that was cut off, as an administrator does. Returns what it took."""
    taken = []
    for name, command in REPAIRS[FORMAT].items():
        if is_whole():
            break
        machine.succeed(f"({command}) >&2")
        taken.append(name)
    return " and ".join(taken) or "nothing"


def expect_whole_package() -> str:
    """The package is installed as it was made, and nothing waits to be repaired; returns its version."""
    state = package_state()
    assert is_whole(), f"the package is {state!r}, and not whole"
    if FORMAT == "deb":
        unfinished = machine.succeed("dpkg --audit").strip()
        assert not unfinished, unfinished
    return state.split()[-1]
