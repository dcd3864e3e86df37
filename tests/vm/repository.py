# Fails if: what docs/repositories.md and docs/linux.md tell an administrator does not install the package from a signed
# repository, with a configuration that was there before and no question; if what somebody has changed there is
# installed; or if an upgrade does not come from there. The repository is outside of the guest: this is for benches that
# can do that.

import http.server
import json
import re
import shlex
import shutil
import threading
from pathlib import Path
from typing import Any

CONFIGURATION = "/etc/pywats/config.json"
# Everything of the repository that a machine has before a package is installed.
TRACES = (
    "/etc/apt/sources.list.d/pywats-client.* /etc/apt/keyrings/pywats-client.* /var/lib/apt/lists/* "
    "/etc/yum.repos.d/pywats-client.* /var/cache/dnf/*"
)


class Repository(http.server.SimpleHTTPRequestHandler):
    """A web server for a folder, as plain as a bucket."""

    folder = REPOSITORY

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments, directory=Repository.folder)

    def do_GET(self) -> None:
        # What is served changes within a second here, which times of files do not tell.
        del self.headers["If-Modified-Since"]
        super().do_GET()

    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def serve_changed(source: str, pattern: str) -> None:
    """From now on a copy is served, in which a byte of the files of a pattern is another one."""
    copy = Path(f"{source}-changed")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    files = list(copy.glob(pattern))
    assert files, f"there is no {pattern} in {source}"
    for file in files:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    Repository.folder = str(copy)


def instructions(page: str, beginning: str) -> str:
    """The commands that the documentation gives after a line that begins so, for this repository."""
    text = Path(DOCUMENTATION, page).read_text()
    found = re.search(rf"^[#* ]*{beginning}.*?^```\n(.*?)^```", text, re.M | re.S)
    assert found, f"{page} has no commands after {beginning!r}"
    return found[1].replace("URL", f"http://10.0.2.2:{REPOSITORY_PORT}")


def typed(commands: str) -> str:
    """Commands as an administrator types them, who says yes to what dnf asks. apt has nothing to ask."""
    # dnf takes a new key only from a terminal.
    answered = "printf 'y\\n%.0s' {1..5} | script --quiet --return --command"
    return re.sub("^dnf .*", lambda line: f"{answered} {shlex.quote(line[0])} /dev/null", commands, flags=re.M)


def refuses(commands: str, words: str) -> None:
    """The commands fail, and say one of these words (a regular expression): not for another reason."""
    said = machine.fail(f"{{ {commands}\n}} 2>&1")
    assert re.search(words, said), f"it failed for another reason than {words}: {said}"


def version() -> str:
    """The version that is installed; empty if none is."""
    query = {
        "deb": "dpkg-query --show --showformat '${Version}' pywats-client 2>/dev/null || true",
        "rpm": "rpm --query --queryformat '%{VERSION}' pywats-client || true",
    }
    found = machine.succeed(query[FORMAT]).strip()
    return "" if "not installed" in found else found


if FORMAT == "deb":
    INSTALLATION = instructions("repositories.md", "Debian 12")
    LATEST = "apt-get update && apt-get --yes upgrade"
    PACKAGE, INDEX = "apt/pool/**/*.deb", "apt/dists/stable/InRelease"
    CHANGED_PACKAGE, CHANGED_INDEX = "Hash Sum mismatch", "[Ii]nvalid signature|BADSIG|is not signed|Bad signature"
else:
    INSTALLATION = instructions("repositories.md", "Enterprise Linux")
    LATEST = "dnf --assumeyes --refresh upgrade"
    PACKAGE, INDEX = "rpm/stable/Packages/pywats-client-[0-9]*.rpm", "rpm/stable/repodata/repomd.xml"
    CHANGED_PACKAGE, CHANGED_INDEX = "[Cc]hecksum", "Bad GPG signature|signature verification"

server = http.server.ThreadingHTTPServer(("127.0.0.1", REPOSITORY_PORT), Repository)
threading.Thread(target=server.serve_forever, daemon=True).start()

machine.start(allow_reboot=True)
machine.wait_for_unit("multi-user.target")
machine.succeed(PREPARE)
# A station that reaches nothing but this repository. Where there is dnf there is this folder, but on Debian.
machine.succeed("rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*", "mkdir -p /etc/yum.repos.d")

with subtest("a configuration is prepared before there is an account that could read it"):
    settings = {"server": {"url": SERVER_URL, "token": TOKEN, "proxy": "none"}}
    machine.succeed(f"echo {shlex.quote(json.dumps(settings))} > config.json")
    machine.succeed(instructions("linux.md", "Unattended"))
    start_server()

with subtest("an index that was changed is refused"):
    serve_changed(REPOSITORY, INDEX)
    refuses(typed(INSTALLATION), CHANGED_INDEX)
    assert not version(), "something is installed"
    machine.succeed(f"rm -rf {TRACES}")

with subtest("a package that was changed is refused"):
    serve_changed(REPOSITORY, PACKAGE)
    refuses(typed(INSTALLATION), CHANGED_PACKAGE)
    assert not version(), "something is installed"
    machine.succeed(f"rm -rf {TRACES}")

with subtest("installs by what the documentation says"):
    Repository.folder = REPOSITORY
    said = machine.succeed(f"{{ {typed(INSTALLATION)}\n}} 2>&1").replace(" ", "")
    given = version()
    assert given, "nothing is installed"
    if FORMAT == "rpm":
        # Whoever is asked must see whose key it is.
        assert FINGERPRINT in said, f"dnf did not show the fingerprint {FINGERPRINT}"
        machine.succeed("rpm --query pywats-client-selinux")

with subtest("runs with the configuration that was prepared, and nobody else can read that"):
    if not STARTS:
        machine.succeed(f"systemctl enable --now {UNIT}")
    machine.wait_for_unit(UNIT)
    wait_for_status("ready")
    found = machine.succeed(f"stat --format '%a %U %G' {CONFIGURATION}").strip()
    assert found == "640 root pywats", f"{CONFIGURATION} is {found}"
    assert json.loads(machine.succeed(f"cat {CONFIGURATION}")) == settings, "the configuration has changed"
    machine.succeed("useradd --create-home --groups pywats-operators alice")
    drop("one.json")
    expect_delivered("one.json", 1)

with subtest("an upgrade that was changed is refused, and the service goes on"):
    before = main_pid()
    serve_changed(EXTENDED_REPOSITORY, PACKAGE.replace("[0-9]", "255").replace("*.deb", "*255*.deb"))
    refuses(LATEST, CHANGED_PACKAGE)
    assert version() == given, f"{version()} is installed"
    assert main_pid() == before, "the service was restarted"

with subtest("an upgrade comes from the repository, and delivers"):
    Repository.folder = EXTENDED_REPOSITORY
    machine.succeed(LATEST)
    assert version() == "255.0.0", f"{version()} is installed"
    wait_for_another_process(before)
    drop("two.json")
    expect_delivered("two.json", 2)

if FORMAT == "deb":
    with subtest("apt: an older one finds it by what the documentation says"):
        machine.succeed(f"rm -rf {TRACES}")
        machine.succeed(instructions("repositories.md", "An older apt") + "apt-get update")
        known = machine.succeed("apt-cache policy pywats-client")
        assert f"http://10.0.2.2:{REPOSITORY_PORT}/apt" in known, known
else:
    with subtest("dnf: who removes the client is rid of the policy that came with it"):
        machine.succeed("dnf --assumeyes remove pywats-client")
        machine.fail("rpm --query pywats-client-selinux")
        machine.fail("semodule --list-modules | grep pywats")
        assert json.loads(machine.succeed(f"cat {CONFIGURATION}")) == settings, "the configuration has changed"
