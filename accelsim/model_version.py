"""model_version: which model computed something, for what is kept from one process to the next."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from accelsim import __version__

_ROOMS: Final = (
    "compiler.py",
    "descriptions.py",
    "energy.py",
    "hardware.py",
    "memory.py",
    "run.py",
    "network",
    "mapping",
    "simulation",
    "search/assembly.py",
    "search/evaluate.py",
    "search/space.py",
)
"""The code that a result follows from."""


@cache
def model_version() -> str:
    """The release, and a digest of the code that a result follows from: any change of it is another model."""
    package = Path(__file__).parent
    digest = hashlib.sha256()
    for room in _ROOMS:
        path = package / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"
