#!/usr/bin/env python3
"""Runs tests on a machine that has no `cargo xtask test`, and writes what became of them as that does.

    python3 tests/record.py SUITE --json FILE [--artifact FILE]... [--case NAME] -- COMMAND...

The command's output is shown as it comes. Its cases are its lines `passed: CASE`, `FAILED: CASE` and
`not run: CASE (REASON)`, as tests/windows/installer.ps1 and tests/macos/archive.sh print them, and each program of
tests that cargo runs. With --case, the command as a whole is the one case. Ends as the command ends.

`cargo xtask evidence` reads the file (xtask/src/evidence/results.rs). Needs Python 3.8 and nothing else.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Lines that say how a case ended. What PowerShell and bash print has no color.
CASE = re.compile(r"^(passed|FAILED|not run): (.*)$")
PROGRAM = re.compile(r"^\s*Running .*[/\\](.+)-[0-9a-f]+(?:\.exe)?\)$")
EXAMPLES = re.compile(r"^\s*Doc-tests (.*)$")
RESULT = re.compile(r"^test result: (ok|FAILED)\. (\d+) passed; (\d+) failed")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Runs tests and writes what became of them.")
    parser.add_argument("suite")
    parser.add_argument("--json", required=True, type=pathlib.Path)
    parser.add_argument("--artifact", action="append", default=[], type=pathlib.Path)
    parser.add_argument("--case")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:end])
    options.command = words[end + 1 :]
    if not options.command:
        parser.error("there is no command to run after --")
    return options


def system() -> dict:
    """This machine, as xtask/src/test/system.rs describes one."""
    kind = platform.system()
    names = {"Darwin": "macos", "Windows": "windows"}
    machine = platform.machine().lower()
    found = {
        "os": names.get(kind, kind.lower()),
        "id": names.get(kind, kind.lower()),
        "version": platform.release(),
        "name": platform.platform(),
        "kernel": platform.release(),
        "architecture": {"amd64": "x86_64", "arm64": "aarch64"}.get(machine, machine),
    }
    if kind == "Windows":
        found["version"] = platform.version()
        # Python may be emulated, and then takes the machine for another.
        if windows_processor() == "ARM64":
            found["architecture"] = "aarch64"
        # Windows 11 calls itself 10 in the registry; its edition tells a server and IoT from others.
        found["name"] = f"Windows {windows_release()} {platform.win32_edition() or ''}".strip()
    elif kind == "Darwin":
        found["version"] = platform.mac_ver()[0]
        found["name"] = f"macOS {found['version']}"
    else:
        release = os_release()
        found["id"] = release.get("ID", found["id"])
        found["version"] = release.get("VERSION_ID", found["version"])
        found["name"] = release.get("PRETTY_NAME", found["name"])
    for mark, container in [("/.dockerenv", "docker"), ("/run/.containerenv", "podman")]:
        if pathlib.Path(mark).exists():
            found["container"] = container
    runner = os.environ.get("ImageOS") or os.environ.get("RUNNER_NAME")
    if runner:
        found["runner"] = runner
    return found


def windows_processor() -> str:
    """`AMD64` or `ARM64`: that of the machine."""
    import winreg

    path = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
        return winreg.QueryValueEx(key, "PROCESSOR_ARCHITECTURE")[0]


def windows_release() -> str:
    """`11`, `10` or `Server 2022`: by the number of the build, which no version of Python mistakes."""
    edition = platform.win32_edition() or ""
    build = int(platform.version().split(".")[-1])
    if "Server" in edition:
        years = [(26100, "2025"), (20348, "2022"), (17763, "2019")]
        return "Server " + next((year for first, year in years if build >= first), "2016")
    return "11" if build >= 22000 else "10"


def os_release() -> dict:
    fields = {}
    path = pathlib.Path("/etc/os-release")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, equals, value = line.partition("=")
            if equals:
                fields[name] = value.strip("\"'")
    return fields


def git(*words: str) -> "str | None":
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


class Cases:
    """What lines of output say of cases."""

    def __init__(self) -> None:
        self.found = []
        self.program = ""
        self.started = time.monotonic()

    def add(self, name: str, outcome: str, about: "dict | None" = None) -> None:
        now = time.monotonic()
        case = {"name": name, "seconds": round(now - self.started, 3), "outcome": outcome}
        self.found.append({**case, **(about or {})})
        self.started = now

    def read(self, line: str) -> None:
        case, result = CASE.match(line), RESULT.match(line)
        program = PROGRAM.match(line) or EXAMPLES.match(line)
        if case and case[1] == "not run":
            # The reason is the last thing in parentheses.
            name, _, reason = case[2].rpartition(" (")
            self.add(name or case[2], "not_run", {"reason": reason.rstrip(")")})
        elif case:
            self.add(case[2], "passed" if case[1] == "passed" else "failed")
        elif program:
            self.program = program[1]
        elif result:
            outcome = "passed" if result[1] == "ok" else "failed"
            self.add(self.program or "tests", outcome, {"passed": int(result[2]), "failed": int(result[3])})


def main() -> int:
    options = arguments()
    # What a console cannot show is no reason to end.
    sys.stdout.reconfigure(errors="replace")
    # Before the tests, which may leave files.
    commit, status = git("rev-parse", "HEAD"), git("status", "--porcelain", "--untracked-files=no")
    cases = Cases()
    started = time.monotonic()
    process = subprocess.Popen(
        options.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace"
    )
    for line in process.stdout:
        print(line, end="", flush=True)
        if not options.case:
            cases.read(line.rstrip("\r\n"))
    code = process.wait()
    if options.case:
        cases.add(options.case, "failed" if code else "passed")
    outcomes = [case["outcome"] for case in cases.found]
    if code and "failed" not in outcomes:
        cases.add("the suite itself", "failed", {"error": f"it ended with {code}"})
    outcomes = [case["outcome"] for case in cases.found]
    result = {
        "suite": options.suite,
        "passed": outcomes.count("passed"),
        "failed": outcomes.count("failed"),
        "not_run": outcomes.count("not_run"),
        "seconds": round(time.monotonic() - started, 3),
        "artifacts": [
            {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()} for path in options.artifact
        ],
        "commit": commit,
        "clean": None if status is None else status == "",
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "system": system(),
        "cases": cases.found,
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{options.json}: {result['passed']} passed, {result['failed']} failed, {result['not_run']} not run")
    if not code and not outcomes:
        print("no case was found in what the command printed", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
