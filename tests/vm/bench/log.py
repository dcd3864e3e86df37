"""What the bench says while it runs: a line an event, with the seconds since it began."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Commands that take less are in the file alone.
LONG = 5.0
# How much of a command a line shows.
WIDTH = 160


class Log:
    """Writes everything into a file, and what is worth watching to standard output."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w")
        self._began = time.monotonic()
        self._depth = 0

    def say(self, text: str) -> None:
        """Says something to whoever watches."""
        print(f"{self._now()}  {_short(text)}", flush=True)
        self.quietly(text)

    def quietly(self, text: str) -> None:
        """Writes something into the file."""
        print(f"{self._now()}  {'  ' * self._depth}{text}", file=self._file, flush=True)

    @contextmanager
    def nested(self, text: str) -> Iterator[None]:
        """What happens within belongs to `text`."""
        self.quietly(text)
        self._depth += 1
        began = time.monotonic()
        try:
            yield
        finally:
            self._depth -= 1
            took = time.monotonic() - began
            self.quietly(f"({took:.2f} s)")
            if took >= LONG and self._depth == 0:
                print(f"{self._now()}  {_short(text)} ({took:.1f} s)", flush=True)

    def _now(self) -> str:
        return f"{time.monotonic() - self._began:7.1f}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"
