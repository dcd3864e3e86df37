#!/usr/bin/env python3
"""Type-checks every scenario and the bench against the interface of the test driver, and checks that it notices.

A scenario is a script without imports: the driver runs it with `machine` and `subtest` in scope, behind the
constants of its test and the common steps. Here these come from imports, put before the scenario's first line,
which is a comment, so that line numbers stay right.

    python3 tests/vm/check_types.py      # needs mypy
"""

import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCENARIOS = tomllib.loads((HERE / "bench.toml").read_text())["scenario"]
# Scripts with further steps.
FURTHER = sorted({name for scenario in SCENARIOS for name in scenario.get("with", [])})
BEFORE_STEPS = "from driver import machine\nfrom constants import *\n"
BEFORE_FURTHER = "from driver import machine; from constants import *; from steps import *  "
BEFORE_SCENARIO = "".join(
    f"from {module} import {names}; "
    for module, names in [("driver", "machine, subtest"), *((name, "*") for name in ["constants", "steps", *FURTHER])]
)

# Mistakes that must be found, each with the kind of error that mypy gives it.
MISTAKES = {
    "a method that the driver does not have": ("machine.succed('true')", "attr-defined"),
    "a number instead of a command": ("machine.succeed(1)", "arg-type"),
    "text instead of a port": ("machine.wait_for_open_port('8080')", "arg-type"),
    "a timeout that is not named": ("machine.succeed('true', 10)", "arg-type"),
    "an argument that a method does not take": ("machine.wait_for_file('/x', user='root')", "call-arg"),
    "a result that there is not": ("x: str = machine.wait_for_unit('x')", "func-returns-value"),
    "a constant that Nix does not set": ("machine.succeed(INSTAL)", "name-defined"),
    "a step that does not exist": ("expect_delivery('one.json', 1)", "name-defined"),
    "a step with too little": ("expect_delivered('one.json')", "call-arg"),
    "subtest without a name": ("with subtest():\n    pass", "call-arg"),
    "a function without types": ("def f(x):\n    return x", "no-untyped-def"),
}


def mypy(folder: Path, files: list[Path]) -> tuple[bool, str]:
    """Whether mypy finds no fault, and what it says."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--show-error-codes"]
    command += ["--cache-dir", str(folder / "cache"), "--scripts-are-modules", *map(str, files)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def lay_out(folder: Path) -> None:
    """What a scenario imports."""
    for stub in HERE.glob("*.pyi"):
        (folder / stub.name).write_text(stub.read_text())
    # No new lines: only the steps' first comment moves.
    (folder / "steps.py").write_text(BEFORE_STEPS + (HERE / "steps.py").read_text())
    for name in FURTHER:
        (folder / f"{name}.py").write_text(BEFORE_FURTHER + (HERE / f"{name}.py").read_text())


def check_scenarios(folder: Path) -> list[str]:
    faults = []
    steps = [f"{name}.py" for name in ["steps", *FURTHER]]
    laid_out = [folder / name for name in steps]
    no_scenarios = [*(HERE / name for name in steps), Path(__file__).resolve()]
    scripts = [path for path in HERE.glob("*.py") if path not in no_scenarios]
    for scenario in sorted([*scripts, *(HERE / "nixos").glob("*.py")]):
        text = scenario.read_text()
        if not text.startswith("# Fails if: "):
            faults.append(f"{scenario}: must open with a comment that says when it fails: # Fails if: …")
        copy = folder / scenario.relative_to(HERE).with_suffix("").as_posix().replace("/", "_")
        copy = copy.with_suffix(".py")
        copy.write_text(BEFORE_SCENARIO + text)
        laid_out.append(copy)
    fine, said = mypy(folder, laid_out)
    return faults if fine else [*faults, said]


def check_bench(folder: Path) -> list[str]:
    """The bench, and that its machine can be used as the scenarios use one."""
    shutil.copytree(HERE / "bench", folder / "bench", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "conforms.py").write_text(
        "import bench.machine\nimport driver\n\n"
        "def conforms(machine: bench.machine.Machine) -> driver.Machine:\n    return machine\n"
    )
    fine, said = mypy(folder, [folder / "bench", folder / "conforms.py"])
    return [] if fine else [said]


def check_mistakes(folder: Path) -> list[str]:
    faults = []
    for what, (line, error) in MISTAKES.items():
        mistake = folder / "mistake.py"
        mistake.write_text(f"{BEFORE_SCENARIO}\n{line}\n")
        _, said = mypy(folder, [mistake])
        if f"[{error}]" not in said:
            faults.append(f"not noticed: {what}: {line!r}, only {said!r}")
    return faults


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder)
        faults = check_scenarios(folder) + check_bench(folder) + check_mistakes(folder)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
