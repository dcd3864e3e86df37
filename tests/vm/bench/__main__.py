"""`python3 -m bench VERB JOB`, from the folder tests/vm.

    run JOB RESULTS         runs a scenario, and writes its cases and figures
    snapshot JOB FOLDER     boots a guest, and leaves its disk and memory in a folder
    shell JOB               runs a script, and connects the terminal to a guest's console
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from . import lifeline, network, scenario, shell
from .job import Job, read
from .log import Log
from .machine import Machine


class Ended(SystemExit):
    """A signal has ended the bench."""


def end(number: int, _: FrameType | None) -> None:
    """Lets every `finally` do its work. Linux sends the signal once more for each thread of whoever was killed."""
    for further in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(further, signal.SIG_IGN)
    raise Ended(128 + number)


def is_left_alone(parent: int) -> bool:
    """Whether whoever started this process was killed. Its threads end one after the other; the first of them tells."""
    deadline = time.monotonic() + 10
    while os.getppid() == parent:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def snapshot(job: Job, log: Log, folder: Path) -> None:
    """Boots, does what the job's scripts say, and saves."""
    machine = Machine(job, log)
    try:
        # A unit may have failed; whoever tests in the guest will see which.
        machine.execute("systemctl is-system-running --wait || systemctl --failed --no-legend >&2")
        scope = {"machine": machine, **job.constants}
        for script in job.scripts:
            exec(compile(script.read_text(), str(script), "exec"), scope)
        machine.save(folder)
    except Exception:
        machine.keep_journal()
        raise
    finally:
        machine.end()


def run(job: Job, log: Log, results: Path) -> bool:
    """Runs a scenario; returns whether every case has passed."""
    network.raise_loopback()
    machine = Machine(job, log)
    try:
        cases, figures = scenario.run(job, log, machine)
    finally:
        machine.end()
    # What it took of the processors: unlike the time, it is the same on a busy machine.
    used = os.times()
    figures["processor_seconds"] = round(used.children_user + used.children_system)
    log.say(f"{figures['processor_seconds']} s of processor time")
    results.write_text(json.dumps({"cases": cases, "figures": figures}, indent=2) + "\n")
    return all(case["outcome"] == "passed" for case in cases)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench")
    parser.add_argument("--parent", type=int, help="the process that this one ends with")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name, further in {"run": "results", "snapshot": "folder", "shell": None}.items():
        verb = verbs.add_parser(name)
        verb.add_argument("job", type=Path)
        if further:
            verb.add_argument(further, type=Path)
    arguments = parser.parse_args()
    if arguments.parent:
        lifeline.end_with(arguments.parent)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
    job = read(arguments.job)
    job.keep.mkdir(parents=True, exist_ok=True)
    job.work.mkdir(parents=True, exist_ok=True)
    log = Log(job.keep / "log.txt")
    try:
        if arguments.verb == "snapshot":
            snapshot(job, log, arguments.folder)
        elif arguments.verb == "shell":
            shell.run(job, log)
        else:
            return 0 if run(job, log, arguments.results) else 1
    except Ended:
        if arguments.parent and is_left_alone(arguments.parent):
            # Whoever would have removed the rest was killed.
            shutil.rmtree(job.work.parent, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(job.work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
