"""Runs a scenario: a script without imports of ours, as the NixOS test driver runs it.

Its constants, the common steps and the script itself make one program, in one namespace. Each `with subtest(NAME)` is
a case; what comes before the first one is a case, too.
"""

import ast
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .job import Job
from .log import Log
from .machine import Machine

# The case of what a scenario does outside of its subtests.
AROUND = "is ready for the scenario"


class Cases:
    """What became of each case so far."""

    def __init__(self, job: Job, log: Log) -> None:
        self._job = job
        self._log = log
        self.ended: list[dict[str, Any]] = []

    @contextmanager
    def case(self, name: str) -> Iterator[None]:
        """A case: it has passed unless it raises."""
        began = time.monotonic()
        try:
            yield
        except BaseException as error:
            if not isinstance(error, (KeyboardInterrupt, SystemExit)):
                self._end(name, began, outcome="failed", error=str(error) or repr(error))
            raise
        self._end(name, began, outcome="passed")

    def _end(self, name: str, began: float, **outcome: str) -> None:
        seconds = time.monotonic() - began
        self.ended.append({"name": f"{self._job.name}: {name}", "seconds": round(seconds, 1), **outcome})
        shown = "ok      " if outcome["outcome"] == "passed" else "FAILED  "
        print(f"{shown} {self._job.name}: {name} ({seconds:.1f} s)", flush=True)
        for line in outcome.get("error", "").splitlines():
            print(f"         {line}", flush=True)

    def not_run(self, names: list[str]) -> None:
        """What a failure left undone."""
        known = {case["name"] for case in self.ended}
        for name in names:
            whole = f"{self._job.name}: {name}"
            if whole not in known:
                reason = "a step before it failed"
                self.ended.append({"name": whole, "seconds": 0.0, "outcome": "not_run", "reason": reason})
                print(f"not run  {whole}: {reason}", flush=True)


def subtests(script: str) -> list[str]:
    """The names of the subtests in a script that are written as they are, in their order."""
    found = []
    for node in ast.walk(ast.parse(script)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "subtest":
            if isinstance(node.args[0], ast.Constant):
                found.append((node.lineno, str(node.args[0].value)))
    return [name for _, name in sorted(found)]


def run(job: Job, log: Log, machine: Machine) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Runs the job's scenario, and returns its cases, and its figures: what its steps count in `figures`."""
    cases = Cases(job, log)
    scope: dict[str, Any] = {
        "machine": machine,
        "machines": [machine],
        "subtest": cases.case,
        "start_all": machine.start,
        "log": log,
        **job.constants,
    }
    names: list[str] = []
    try:
        with _around(cases):
            for script in job.scripts:
                text = script.read_text()
                names += subtests(text)
                exec(compile(text, str(script), "exec"), scope)
    except Exception as error:
        log.quietly("".join(traceback.format_exception(error)))
        machine.keep_journal()
        cases.not_run(names)
    return cases.ended, dict(scope.get("figures", {}))


@contextmanager
def _around(cases: Cases) -> Iterator[None]:
    """Counts a failure outside of the subtests as one of a case of its own."""
    try:
        yield
    except Exception:
        if not any(case["outcome"] == "failed" for case in cases.ended):
            with cases.case(AROUND):
                raise
        raise
