"""What a disk has after a power cut: what was flushed, and of what came later any part.

QEMU's driver blklogwrites keeps every write and every flush in their order, in the format of dm-log-writes:
https://docs.kernel.org/admin-guide/device-mapper/log-writes.html. A write is kept once it is done, before the guest
hears of it. So one run gives the disk of every moment in it, as a disk with a volatile cache may have had it then;
to kill QEMU would cut nothing, since what it has written stays with this machine's kernel.
"""

import random
import struct
from dataclasses import dataclass
from pathlib import Path

# The log consists of sectors. The first one is its head, which is not up to date while the guest runs.
SECTOR = 512
HEAD = struct.Struct("<QQQI")
MAGIC, VERSION = 0x6A736677736872, 1
# An entry: where on the disk, how many sectors, what it is, and what is for entries that QEMU does not make.
ENTRY = struct.Struct("<QQQQ")
FLUSH, FUA = 1, 2


class WriteLogError(Exception):
    """The log is not what QEMU writes."""


@dataclass(frozen=True)
class Write:
    """A write, a flush, or both."""

    # Where its data are in the log.
    data: int
    # Where they belong on the disk.
    place: int
    size: int
    flags: int


class WriteLog:
    """The writes to a disk since a guest was started."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._writes: list[Write] = []
        self._end = SECTOR

    def count(self) -> int:
        """How many there are by now."""
        # What was read ahead would be out of date.
        with self._file.open("rb", buffering=0) as log:
            while True:
                log.seek(self._end)
                header = log.read(SECTOR)
                if len(header) < SECTOR:
                    return len(self._writes)
                sector, sectors, flags, _ = ENTRY.unpack_from(header)
                if flags & ~(FLUSH | FUA):
                    raise WriteLogError(f"{self._file}: an entry with flags {flags} at byte {self._end}")
                data = self._end + SECTOR
                size = sectors * SECTOR
                # QEMU is about to write this one; those behind it may be there.
                if not sectors and not flags or self._file.stat().st_size < data + size:
                    return len(self._writes)
                self._writes.append(Write(data, sector * SECTOR, size, flags))
                self._end = data + size

    def cut(self, count: int, chance: random.Random, image: Path) -> str:
        """Brings a raw image of the disk to where a power cut after `count` writes may have left it; says how.

        What was written before the last flush is on it. Of what came later nothing is, or some writes are, of these
        some in part, in whole sectors.
        """
        self._check_head()
        written = self._writes[:count]
        flushes = [number for number, write in enumerate(written) if write.flags & FLUSH]
        safe = flushes[-1] if flushes else -1
        share = chance.choice([0.0, 0.0, 0.25, 0.5, 0.75])
        kept = 0
        with self._file.open("rb") as log, image.open("r+b") as disk:
            for number, write in enumerate(written):
                size = write.size
                if number > safe and not write.flags & FUA:
                    if chance.random() >= share:
                        continue
                    kept += 1
                    if chance.random() < 0.25:
                        size = chance.randrange(size // SECTOR + 1) * SECTOR
                log.seek(write.data)
                disk.seek(write.place)
                disk.write(log.read(size))
        volatile = len(written) - safe - 1
        return f"after write {count} of {len(self._writes)}, {kept} of {volatile} that were not flushed kept"

    def _check_head(self) -> None:
        """The head was written with the last flush."""
        with self._file.open("rb") as log:
            head = log.read(SECTOR)
        if len(head) < SECTOR or HEAD.unpack_from(head)[:2] != (MAGIC, VERSION):
            raise WriteLogError(f"{self._file} is no log of writes")
        _, _, entries, size = HEAD.unpack_from(head)
        if size != SECTOR or entries > self.count():
            raise WriteLogError(f"{self._file} has {self.count()} writes instead of {entries}, sectors of {size} bytes")
