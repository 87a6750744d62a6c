"""Files of the corpus, as doors need them beside the one that they change."""

from functools import cache
from pathlib import Path
from typing import Final

from accelsim.hardware import Hardware, load_hardware
from fuzz.mutate import CORPUS

FIRST: Final = CORPUS / "networks" / "compressed.yaml"
SECOND: Final = CORPUS / "family.yaml"
"""Networks of a few layers, for doors that change something else."""


@cache
def machine(name: str) -> Hardware:
    """A machine of the corpus, as it is."""
    return load_hardware(str(CORPUS / "machines" / f"{name}.yaml"))


def lay(file: Path, name: str) -> None:
    """Put a file of the corpus into the working folder."""
    Path(name).write_bytes(file.read_bytes())
