"""The pyWATS Client: where its program is, and its version.

The program is a command of the environment, ``pywats-client-native``. ``python -m pywats_client_native`` runs it, too.
"""

from __future__ import annotations

import os
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

__all__ = ["__version__", "program"]

_NAME = "pywats-client-native"
_COMMAND = _NAME + (".exe" if os.name == "nt" else "")
_MODULES = Path(__file__).resolve().parent.parent


def _distribution() -> Distribution:
    """What was installed with this module: another one may come first on the path."""
    for distribution in Distribution.discover(name=_NAME, path=[str(_MODULES)]):
        return distribution
    raise PackageNotFoundError(_NAME)


__version__: str = _distribution().version


def program() -> str:
    """The path of the program.

    Raises FileNotFoundError if it is not where it was installed.
    """
    # The installer wrote down where it put the program; one that was given a folder (``--target``) put it into ``bin``
    # of that.
    files = _distribution().files or []
    places = [Path(file.locate()) for file in files if file.name == _COMMAND]
    places.append(_MODULES / "bin" / _COMMAND)
    for place in places:
        if place.is_file():
            return str(place.resolve())
    looked = ", ".join(str(place) for place in places)
    raise FileNotFoundError(f"{_COMMAND} is not at {looked}: install {_NAME} again")
