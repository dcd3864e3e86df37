"""The network of a scenario: a namespace of its own (network_namespaces(7)), in which `cargo xtask vm` starts the bench.

QEMU and the test server are in it; the guest reaches the server as 10.0.2.2, and nothing else.
"""

import fcntl
import socket
import struct

# netdevice(7).
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def raise_loopback() -> None:
    """Switches the loopback device on: in a new namespace it is off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
