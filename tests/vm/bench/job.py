"""What is to be done, as `cargo xtask vm` writes it: a JSON file (xtask/src/vm/job.rs)."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Guest:
    """A machine that can be started."""

    name: str
    # QEMU with the arguments that all starts have in common, and what its environment has beside ours.
    qemu: list[str]
    environment: dict[str, str]
    # The program that makes throw-away disks.
    qemu_img: str
    # Never written to.
    disk: str
    # A folder with `disk.qcow2` and `memory.zst`; none if the guest is to be booted.
    snapshot: str | None


@dataclass(frozen=True)
class Job:
    """A guest, and what is to happen in it."""

    name: str
    guest: Guest
    # A tar as a raw disk, which the guest sees as /dev/disk/by-id/virtio-handed; none if it gets nothing.
    handed: str | None
    # For what is thrown away at the end.
    work: Path
    # For console and journal.
    keep: Path
    # What the scenario finds as global variables.
    constants: dict[str, Any]
    # The steps that scenarios have in common, and the scenario.
    scripts: list[Path]


def read(path: Path) -> Job:
    """Reads a job."""
    value = json.loads(path.read_text())
    value["guest"] = Guest(**value["guest"])
    for name in ("work", "keep"):
        value[name] = Path(value[name])
    value["scripts"] = [Path(script) for script in value["scripts"]]
    return Job(**value)
