"""Connects the terminal to a guest's second console, on which root is logged in."""

import os
import select
import shutil
import sys
import termios
import tty

from .job import Job
from .log import Log
from .machine import Machine

# Ctrl-], as in telnet.
LEAVE = b"\x1d"


def run(job: Job, log: Log) -> None:
    """Starts a guest, runs the job's scripts in it, and lets a person work in it until Ctrl-]."""
    machine = Machine(job, log, terminal=True)
    try:
        qemu = machine.terminal()
        scope = {"machine": machine, **job.constants}
        for script in job.scripts:
            exec(compile(script.read_text(), str(script), "exec"), scope)
        columns, lines = shutil.get_terminal_size()
        machine.succeed("systemctl start serial-getty@hvc0.service")
        machine.execute(f"stty -F /dev/hvc0 cols {columns} rows {lines}")
        print(f"{job.guest.name}: root is logged in; Ctrl-] ends the machine, and everything in it is gone")
        assert qemu.terminal
        qemu.terminal.sendall(b"\r")
        connect(qemu.terminal.fileno())
    finally:
        machine.end()


def connect(console: int) -> None:
    """Passes on what is typed and what is said, until Ctrl-] or the end of either."""
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    before = termios.tcgetattr(keyboard) if os.isatty(keyboard) else None
    if before:
        tty.setraw(keyboard)
    try:
        while True:
            ready, _, _ = select.select([keyboard, console], [], [])
            if keyboard in ready:
                typed = os.read(keyboard, 4096)
                if not typed or LEAVE in typed:
                    return
                os.write(console, typed)
            if console in ready:
                said = os.read(console, 65536)
                if not said:
                    return
                os.write(screen, said)
    finally:
        if before:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        print()
