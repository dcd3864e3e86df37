"""Nothing that is started here outlives whoever started it, even if that one is killed.

Linux sends a process the signal that it asked for when its parent dies: PR_SET_PDEATHSIG in prctl(2).
"""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """From now on this process gets a signal when its parent dies."""
    if _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")


def end_with(parent: int) -> None:
    """Ends with `parent`, which started this process, and may be gone by now."""
    end_with_parent(signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("whoever started the bench is gone")
