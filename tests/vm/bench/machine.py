"""A guest as scenarios see it: the interface of the NixOS test driver.

https://nixos.org/manual/nixos/stable/#ssec-machine-objects describes it; tests/vm/driver.pyi declares what the
scenarios use of it.
"""

import base64
import io
import random
import re
import shlex
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .channel import Channel, ChannelError
from .job import Job
from .log import Log
from .qemu import Qemu, QemuError
from .writes import WriteLog

# How long a command may take that says nothing about it, and anything that is waited for, in seconds.
LIMIT = 900
# How long a guest may take until it listens, and until it has switched itself off.
BOOT = 900
HALT = 300
# What is larger does not go through the channel.
SMALL = 65536


class Machine:
    """The machine under test."""

    def __init__(self, job: Job, log: Log, terminal: bool = False) -> None:
        self.name = "machine"
        self._job = job
        self._log = log
        self._terminal = terminal
        self._disk = job.work / "root.qcow2"
        self._console = job.keep / "console.txt"
        self._qemu: Qemu | None = None
        self._channel: Channel | None = None
        self._copies = 0
        self._memory: int | None = None
        self._writes: Path | None = None
        self._write_log: WriteLog | None = None

    # Its life.

    def start(self, allow_reboot: bool = False) -> None:
        """Starts it, unless it runs. `allow_reboot` has no meaning here: a guest may always be rebooted."""
        if self._qemu and self._qemu.is_running():
            return
        snapshot = self._job.guest.snapshot
        if self._disk.exists() or snapshot is None:
            self._boot()
        else:
            self._restore(Path(snapshot))

    def _boot(self) -> None:
        with self.nested("booting"):
            self._make_disk(Path(self._job.guest.disk), "qcow2")
            handed = self._job.handed
            device = "virtio-blk-pci,drive=handed,serial=handed"
            drive = f"file={handed},format=raw,if=none,id=handed,readonly=on"
            further = ["-drive", drive, "-device", device] if handed else []
            self._run_qemu(further + (["-m", str(self._memory)] if self._memory else []))
            self._answer(BOOT)

    def _restore(self, snapshot: Path) -> None:
        with self.nested("restoring the snapshot"):
            self._make_disk(snapshot / "disk.qcow2", "qcow2")
            qemu = self._run_qemu(["-incoming", f"exec:zstd -qdc '{snapshot}/memory.zst'"])
            qemu.wait_for_status("paused")
            qemu.ask("cont")
            self._answer(BOOT)
            # The guest's clock stood still.
            self.succeed(f"date --set=@{time.time():.0f}")
            if self._job.handed:
                self._plug_in("handed", Path(self._job.handed))

    def _make_disk(self, backing: Path, form: str) -> None:
        if self._disk.exists():
            return
        command = [self._job.guest.qemu_img, "create", "-q", "-f", "qcow2", "-F", form, "-b", str(backing)]
        subprocess.run([*command, str(self._disk)], check=True)

    def _run_qemu(self, further: list[str]) -> Qemu:
        self._qemu = Qemu(self._job.guest, self._disk, self._console, further, self._terminal, self._writes)
        self._channel = Channel(self._qemu.channel)
        return self._qemu

    def _answer(self, patience: float) -> None:
        """Waits until the guest listens. What it said last tells why it does not."""
        assert self._channel
        try:
            self._channel.run(":", patience)
        except ChannelError as error:
            said = self._console.read_text(errors="replace").splitlines()[-40:] if self._console.exists() else []
            raise ChannelError(f"{error}; the last lines of its console:\n" + "\n".join(said)) from error

    def shutdown(self) -> None:
        """Switches it off as an administrator does, and waits until it is off."""
        if self.is_up():
            with self.nested("waiting until it is off"):
                self._send_off("poweroff")

    def reboot(self) -> None:
        """Reboots it as an administrator does, and waits until it listens again."""
        with self.nested("rebooting"):
            self._send_off("reboot")
            self._boot()

    def reboot_with(self, memory: int) -> None:
        """The same, and it has so many megabytes of memory from then on."""
        self._memory = memory
        self.reboot()

    def _send_off(self, verb: str) -> None:
        self.start()
        qemu = self._running()
        assert self._channel
        try:
            self._channel.run(f"systemctl --no-block {verb}", HALT)
        except ChannelError:
            # It was gone before it could answer.
            pass
        # QEMU is told to end when the guest resets.
        qemu.wait(HALT)
        qemu.end()
        self._qemu = None

    def crash(self) -> None:
        """Pulls the plug. The disk has what the guest had sent to it by then."""
        if self._qemu:
            self.log("pulling the plug")
            self._qemu.end()
            self._qemu = None

    # Power cuts, which this bench alone has.

    def record_writes(self) -> None:
        """Starts it anew, as it was at first, and from now on keeps every write to its disk."""
        self.end()
        self._disk.unlink(missing_ok=True)
        self._writes = self._job.work / "writes.log"
        self._writes.unlink(missing_ok=True)
        self.start()
        self._write_log = WriteLog(self._writes)

    def written(self) -> int:
        """How many writes there were since `record_writes`."""
        assert self._write_log
        return self._write_log.count()

    def cut_power(self, after: int, seed: int) -> str:
        """Boots it on the disk that a power cut after so many of the kept writes may have left; says what was kept.

        What was not flushed by then is lost, or a part of it that `seed` decides. The same cut can be made again, and
        any other.
        """
        assert self._write_log
        self.end()
        self._writes = None
        began_with = Path(self._job.guest.snapshot or "", "disk.qcow2")
        if not self._job.guest.snapshot:
            began_with = Path(self._job.guest.disk)
        image = self._job.work / "cut.raw"
        convert = [self._job.guest.qemu_img, "convert", "-q", "-O", "raw", str(began_with), str(image)]
        subprocess.run(convert, check=True)
        kept = self._write_log.cut(after, random.Random(seed), image)
        self.log(f"power cut {kept}")
        self._disk.unlink(missing_ok=True)
        self._make_disk(image, "raw")
        self._boot()
        return kept

    def wait_for_shutdown(self) -> None:
        """Waits until it has switched itself off."""
        with self.nested("waiting until it has switched itself off"):
            self._running().wait(HALT)
            self._qemu = None

    def is_up(self) -> bool:
        """Whether it runs."""
        return self._qemu is not None and self._qemu.is_running()

    def block(self) -> None:
        """Pulls the network cable."""
        self._running().ask("set_link", name="net", up=False)

    def unblock(self) -> None:
        """Puts the network cable back."""
        self._running().ask("set_link", name="net", up=True)

    # Commands: scripts as root, by bash with `set -euo pipefail`.

    def execute(
        self, command: str, check_return: bool = True, check_output: bool = True, timeout: int | None = LIMIT
    ) -> tuple[int, str]:
        """Runs a script; returns its exit code and what it wrote to standard output. Its errors go to the log."""
        self.start()
        assert self._channel
        script = f"set -euo pipefail\n{command}\n"
        if timeout is not None:
            script = f"exec timeout --kill-after=5 {timeout} bash -c {shlex.quote(script)}"
        status, out, err = self._channel.run(script, (timeout or LIMIT) + BOOT)
        for line in err.splitlines():
            self._log.quietly(f"    {line}")
        self._last_errors = err
        return (status if check_return else -1), (out if check_output else "")

    def succeed(self, *commands: str, timeout: int | None = None) -> str:
        """Runs scripts that must succeed; returns what they wrote."""
        written = ""
        for command in commands:
            with self.nested(f"must succeed: {command}"):
                status, out = self.execute(command, timeout=timeout or LIMIT)
                if status != 0:
                    raise CommandError(f"`{command}` failed (exit code {status})", out, self._last_errors)
                written += out
        return written

    def fail(self, *commands: str, timeout: int | None = None) -> str:
        """Runs scripts that must fail; returns what they wrote."""
        written = ""
        for command in commands:
            with self.nested(f"must fail: {command}"):
                status, out = self.execute(command, timeout=timeout or LIMIT)
                if status == 0:
                    raise CommandError(f"`{command}` succeeded", out, self._last_errors)
                written += out
        return written

    def wait_until_succeeds(self, command: str, timeout: int = LIMIT) -> str:
        """Runs a script again and again until it succeeds."""
        return self._wait_for(command, lambda status: status == 0, f"waiting for success: {command}", timeout)

    def wait_until_fails(self, command: str, timeout: int = LIMIT) -> str:
        """Runs a script again and again until it fails."""
        return self._wait_for(command, lambda status: status != 0, f"waiting for failure: {command}", timeout)

    def _wait_for(self, command: str, wanted: Callable[[int], bool], what: str, timeout: int) -> str:
        with self.nested(what):
            deadline = time.monotonic() + timeout
            while True:
                status, out = self.execute(command, timeout=timeout)
                if wanted(status):
                    return out
                if time.monotonic() > deadline:
                    raise CommandError(f"{what}: in vain for {timeout} s", out, self._last_errors)
                time.sleep(0.5)

    # systemd.

    def systemctl(self, q: str, user: str | None = None) -> tuple[int, str]:
        """Runs systemctl, also as a user."""
        if user is None:
            return self.execute(f"systemctl {q}")
        runtime = f"XDG_RUNTIME_DIR=/run/user/$(id -u {shlex.quote(user)})"
        command = f"{runtime} systemctl --user {q}"
        return self.execute(f"su - {shlex.quote(user)} --shell /bin/sh -c {shlex.quote(command)}")

    def get_unit_info(self, unit: str, user: str | None = None) -> dict[str, str]:
        """Everything that systemd says of a unit."""
        status, out = self.systemctl(f"--no-pager show {shlex.quote(unit)}", user)
        if status != 0:
            raise CommandError(f"systemd says nothing of {unit}", out, self._last_errors)
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def get_unit_property(self, unit: str, property: str, user: str | None = None) -> str:
        """One property of a unit."""
        status, out = self.systemctl(f"--no-pager show {shlex.quote(unit)} --property={shlex.quote(property)}", user)
        found = re.search(f"^{re.escape(property)}=(.*)$", out, re.MULTILINE)
        if status != 0 or not found:
            raise CommandError(f"systemd says no {property} of {unit}", out, self._last_errors)
        return found[1]

    def wait_for_unit(self, unit: str, user: str | None = None, timeout: int = LIMIT) -> None:
        """Waits until a unit is active. One that has failed, or is not about to start, is not waited for."""
        with self.nested(f"waiting for unit {unit}"):
            deadline = time.monotonic() + timeout
            while (state := self.get_unit_property(unit, "ActiveState", user)) != "active":
                if state == "failed":
                    raise CommandError(f"{unit} has failed", self._status_of(unit, user), "")
                if state == "inactive" and "No jobs" in self.systemctl("list-jobs --full 2>&1", user)[1]:
                    # It may have become active between the two questions.
                    if self.get_unit_property(unit, "ActiveState", user) == "inactive":
                        raise CommandError(f"{unit} is inactive, and nothing starts it", "", "")
                if time.monotonic() > deadline:
                    raise CommandError(f"{unit} is {state} after {timeout} s", self._status_of(unit, user), "")
                time.sleep(0.5)

    def _status_of(self, unit: str, user: str | None) -> str:
        return self.systemctl(f"--no-pager --lines=30 status {shlex.quote(unit)}", user)[1]

    def require_unit_state(self, unit: str, require_state: str = "active") -> None:
        """Fails unless a unit is in a state."""
        state = self.get_unit_property(unit, "ActiveState")
        if state != require_state:
            raise CommandError(f"{unit} is {state}, not {require_state}", "", "")

    def start_job(self, jobname: str, user: str | None = None) -> tuple[int, str]:
        """Starts a unit."""
        return self.systemctl(f"start {jobname}", user)

    def stop_job(self, jobname: str, user: str | None = None) -> tuple[int, str]:
        """Stops a unit."""
        return self.systemctl(f"stop {jobname}", user)

    # Files and ports.

    def wait_for_file(self, filename: str, timeout: int = LIMIT) -> None:
        """Waits until there is a file."""
        self.wait_until_succeeds(f"test -e {shlex.quote(filename)}", timeout)

    def wait_for_open_port(self, port: int, addr: str = "localhost", timeout: int = LIMIT) -> None:
        """Waits until somebody listens."""
        self.wait_until_succeeds(f": < /dev/tcp/{addr}/{port}", timeout)

    def wait_for_closed_port(self, port: int, addr: str = "localhost", timeout: int = LIMIT) -> None:
        """Waits until nobody listens."""
        self.wait_until_fails(f": < /dev/tcp/{addr}/{port}", timeout)

    def copy_from_host(self, source: str, target: str) -> None:
        """Copies a file or a folder into the guest."""
        with self.nested(f"copying {source} to {target}"):
            self.start()
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as archive:
                archive.add(source, "it", filter=_of_root)
            place = f"mkdir -p $(dirname {target}) && cd $(dirname {target}) && rm -rf .it && mkdir .it"
            take = f"mv -T .it/it $(basename {target}) && rmdir .it"
            if len(packed.getvalue()) <= SMALL:
                text = base64.b64encode(packed.getvalue()).decode()
                self.succeed(f"{place} && base64 -d <<<{text} | tar -x -C .it && {take}")
                return
            self._copies += 1
            name = f"copy{self._copies}"
            disk = self._job.work / f"{name}.tar"
            # A disk has whole sectors, and what follows the end of a tar is not read.
            disk.write_bytes(packed.getvalue() + bytes(-len(packed.getvalue()) % 512))
            self._plug_in(name, disk)
            self.succeed(f"{place} && tar -x -f /dev/disk/by-id/virtio-{name} -C .it && {take}")

    def copy_from_vm(self, source: str, target_dir: str = "") -> None:
        """Copies a file or a folder out of the guest, into the folder of what is kept."""
        out = self.succeed(f"tar -c -C $(dirname {source}) $(basename {source}) | base64 -w0")
        with tarfile.open(fileobj=io.BytesIO(base64.b64decode(out))) as archive:
            archive.extractall(self._job.keep / target_dir, filter="data")

    def _plug_in(self, name: str, file: Path) -> None:
        self._running().plug_in(name, file)
        self.wait_for_file(f"/dev/disk/by-id/virtio-{name}", timeout=HALT)

    # What the bench itself does with it.

    def save(self, snapshot: Path) -> None:
        """Leaves disk and memory in a folder, and ends."""
        qemu = self._running()
        self.succeed("sync; echo 3 > /proc/sys/vm/drop_caches; sleep 1")
        qemu.save_memory(snapshot / "memory.zst")
        # Only what is written so may be taken as the backing file of others.
        qemu.ask("quit")
        qemu.wait(HALT)
        self.end()
        self._disk.replace(snapshot / "disk.qcow2")

    def keep_journal(self) -> None:
        """Keeps the journal, if the guest still answers. A scenario has failed: this is no time to insist."""
        if not self.is_up() or self._channel is None:
            return
        try:
            _, out, _ = self._channel.run("journalctl --no-pager --output short-precise", 120)
            (self._job.keep / "journal.txt").write_text(out)
        except (ChannelError, QemuError, OSError) as error:
            self.log(f"the journal cannot be kept: {error}")

    def terminal(self) -> "Qemu":
        """The running QEMU, for its second console."""
        self.start()
        return self._running()

    def end(self) -> None:
        """Ends it at once."""
        if self._qemu:
            self._qemu.end()
            self._qemu = None

    def log(self, msg: str) -> None:
        """Says something."""
        self._log.say(msg)

    @contextmanager
    def nested(self, msg: str) -> Iterator[None]:
        """Says what begins, and how long it took."""
        with self._log.nested(msg):
            yield

    def _running(self) -> Qemu:
        if self._qemu is None:
            raise QemuError("the guest does not run")
        return self._qemu


class CommandError(Exception):
    """A command, or a state of the guest, is not what it must be."""

    def __init__(self, what: str, out: str, err: str) -> None:
        parts = [what]
        for name, text in (("output", out), ("errors", err)):
            if text.strip():
                parts.append(f"{name}:\n" + "\n".join(f"    {line}" for line in text.strip().splitlines()[-60:]))
        super().__init__("\n".join(parts))


def _of_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
