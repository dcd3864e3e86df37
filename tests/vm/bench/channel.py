"""The root shell of a guest, through a virtio serial port. tests/vm/guest/channel is its other end.

A request is a line: its number and a script, in base64. The answer is a line: the number, the exit code, what the
script wrote to standard output and to standard error, these in base64, too, with a dot before them.
"""

import base64
import socket
import time


class ChannelError(Exception):
    """The guest does not answer."""


class Channel:
    """Runs scripts in a guest, one after the other."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self._number = 0

    def run(self, script: str, patience: float) -> tuple[int, str, str]:
        """Runs a script by bash, and returns its exit code and what it wrote.

        The guest need not be up yet: what is sent waits until it listens.
        """
        self._number += 1
        request = f"{self._number} {base64.b64encode(script.encode()).decode()}\n"
        deadline = time.monotonic() + patience
        try:
            self._connection.settimeout(patience)
            self._connection.sendall(request.encode())
            while True:
                words = self._line(deadline).split(" ")
                # Other lines are answers that were given up, or come from a guest that has just started.
                if len(words) == 4 and words[0] == str(self._number):
                    return int(words[1]), _decode(words[2]), _decode(words[3])
        except TimeoutError as error:
            raise ChannelError(f"the guest does not answer within {patience:.0f} s") from error
        except OSError as error:
            raise ChannelError(f"the guest is gone: {error}") from error

    def _line(self, deadline: float) -> str:
        while b"\n" not in self._received:
            self._connection.settimeout(max(0.1, deadline - time.monotonic()))
            received = self._connection.recv(1 << 20)
            if not received:
                raise ChannelError("the guest is gone")
            self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="replace").strip()


def _decode(word: str) -> str:
    return base64.b64decode(word.removeprefix(".")).decode(errors="replace")
