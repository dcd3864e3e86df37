"""``python -m pywats_client_native``: runs the program with the same arguments."""

import os
import subprocess
import sys

from . import program


def main() -> None:
    command = [program(), *sys.argv[1:]]
    if os.name != "nt":
        os.execv(command[0], command)
    # On Windows, whoever waits for a process does not wait for what it was replaced by. Ctrl+C reaches both.
    child = subprocess.Popen(command)
    while True:
        try:
            sys.exit(child.wait())
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
