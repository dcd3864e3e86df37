"""QEMU as a process, and its monitor.

The monitor speaks QMP: https://www.qemu.org/docs/master/interop/qmp-spec.html. It, the guest's channel and its second
console are sockets without a name, which QEMU inherits: there is nothing to find, and nothing to leave behind.
"""

import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from .job import Guest
from .lifeline import end_with_parent

# How long QEMU may take for what it does at once, in seconds. The machine may be busy.
PATIENCE = 120


class QemuError(Exception):
    """QEMU did not do what it was told."""


class Qemu:
    """A running guest."""

    def __init__(
        self,
        guest: Guest,
        disk: Path,
        console: Path,
        further: list[str],
        terminal: bool,
        writes: Path | None = None,
    ) -> None:
        self._replies = b""
        monitor, channel = socket.socketpair(), socket.socketpair()
        shell = socket.socketpair() if terminal else None
        theirs = [monitor[1], channel[1]] + ([shell[1]] if shell else [])
        self._monitor, self.channel = monitor[0], channel[0]
        self.terminal = shell[0] if shell else None
        command = [
            *guest.qemu,
            *(recorded(disk, writes) if writes else plain(disk)),
            *["-device", "virtio-blk-pci,drive=root,serial=root"],
            *["-device", "virtio-serial-pci"],
            *["-chardev", f"socket,id=channel,fd={channel[1].fileno()}"],
            *["-device", "virtserialport,chardev=channel,name=bench"],
            *["-chardev", f"socket,id=shell,fd={shell[1].fileno()}" if shell else "null,id=shell"],
            *["-device", "virtconsole,chardev=shell"],
            *["-chardev", f"socket,id=monitor,fd={monitor[1].fileno()}", "-mon", "monitor,mode=control"],
            *["-chardev", f"file,id=console,path={console},append=on", "-serial", "chardev:console"],
            *further,
        ]
        self._said = console.with_name("qemu.txt")
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env={**os.environ, **guest.environment},
                pass_fds=[one.fileno() for one in theirs],
                preexec_fn=end_with_parent,
            )
        for one in theirs:
            one.close()
        self._monitor.settimeout(PATIENCE)
        self._receive()
        self.ask("qmp_capabilities")

    def ask(self, command: str, **arguments: Any) -> Any:
        """Tells QEMU to do something, and returns what it answers."""
        line = json.dumps({"execute": command, "arguments": arguments}) + "\n"
        try:
            self._monitor.sendall(line.encode())
            while True:
                reply = self._receive()
                if "error" in reply:
                    raise QemuError(f"QEMU refuses {command}: {reply['error']['desc']}")
                if "return" in reply:
                    return reply["return"]
        except OSError as error:
            raise QemuError(f"QEMU does not answer to {command}: {error}") from error

    def _receive(self) -> dict[str, Any]:
        while b"\n" not in self._replies:
            received = self._monitor.recv(65536)
            if not received:
                raise QemuError(f"QEMU has ended: {self._said.read_text(errors='replace').strip()}")
            self._replies += received
        line, _, self._replies = self._replies.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def wait_for_status(self, wanted: str) -> None:
        """Waits until the guest is `running`, `paused` and so on."""
        deadline = time.monotonic() + PATIENCE
        while (status := self.ask("query-status")["status"]) != wanted:
            if time.monotonic() > deadline:
                raise QemuError(f"the guest is {status} and not {wanted} after {PATIENCE} s")
            time.sleep(0.05)

    def save_memory(self, file: Path) -> None:
        """Stops the guest, and writes its memory into a file."""
        self.ask("stop")
        self.ask("migrate-set-parameters", **{"max-bandwidth": 10**10})
        self.ask("migrate", uri=f"exec:zstd -q -1 > '{file}'")
        while (state := self.ask("query-migrate"))["status"] not in ("completed", "failed"):
            time.sleep(0.1)
        if state["status"] == "failed":
            raise QemuError(f"QEMU cannot write the guest's memory: {state.get('error-desc', 'no reason given')}")

    def plug_in(self, name: str, file: Path) -> None:
        """Adds a raw disk that cannot be written to, with `name` as its serial number."""
        medium = {"driver": "file", "filename": str(file), "read-only": True}
        self.ask("blockdev-add", **{"driver": "raw", "node-name": name, "read-only": True, "file": medium})
        self.ask("device_add", driver="virtio-blk-pci", drive=name, id=f"disk-{name}", serial=name)

    def is_running(self) -> bool:
        """Whether there is still a process."""
        return self.process.poll() is None

    def wait(self, timeout: float) -> None:
        """Waits until the guest has switched itself off."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise QemuError(f"the guest has not switched itself off after {timeout:.0f} s") from error

    def end(self) -> None:
        """Ends the process, as pulling the plug does."""
        self.process.kill()
        self.process.wait()
        for one in (self._monitor, self.channel, self.terminal):
            if one:
                one.close()


def plain(disk: Path) -> list[str]:
    """A disk that is as fast as can be: nothing of it outlives this machine."""
    return ["-drive", f"file={disk},format=qcow2,if=none,id=root,cache=unsafe,discard=unmap"]


def recorded(disk: Path, writes: Path) -> list[str]:
    """The same, with every write and flush in a file (writes.py)."""
    writes.write_bytes(b"")
    cache = {"no-flush": True}
    file = {"driver": "file", "filename": str(disk), "cache": cache}
    root = {"driver": "qcow2", "file": file, "cache": cache}
    log = {"driver": "file", "filename": str(writes), "cache": cache}
    both = {"driver": "blklogwrites", "node-name": "root", "file": root, "log": log}
    return ["-blockdev", json.dumps(both)]
