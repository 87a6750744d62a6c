"""Network files, with and without parameters after the @: read, built, and run on a small machine."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from accelsim.network.load import load_network
from accelsim.run import run_network
from fuzz.door import Door
from fuzz.doors.files import SECOND, lay, machine
from fuzz.judge import check_network, check_result
from fuzz.mutate import NUMBERS, WORDS, file_like, shown

_KEYS: Final = ("width", "depth", "tail", "bypass", "groups", "planes", "thin", "resolution", "x", "")


@dataclass(frozen=True)
class NetworkFile:
    """A file, and what stands behind its name."""

    content: bytes
    settings: str
    machine: str
    batch: int


def _make(random: Random) -> NetworkFile:
    settings = ""
    if random.random() < 0.15:
        values = (*map(str, NUMBERS), *WORDS, "0.5", "12", "17", "identity", "9" * 5000)
        pairs = [
            f"{random.choice(_KEYS)}={random.choice(values)}" for _ in range(random.choice((1, 1, 1, 2, 3)))
        ]
        settings = "@" + ",".join(pairs)
    return NetworkFile(
        content=file_like("networks", random),
        settings=settings,
        machine=random.choice(("published", "small", "wide")),
        batch=random.choice((1, 1, 1, 2, 7)),
    )


def _feed(file: NetworkFile) -> None:
    lay(SECOND, "family.yaml")
    Path("network.yaml").write_bytes(file.content)
    network = load_network(f"network.yaml{file.settings}")
    check_network(network)
    check_result(run_network(network, machine(file.machine), batch=file.batch))


def _show(file: NetworkFile) -> str:
    files = shown({f"network.yaml{file.settings}": file.content})
    return f"{files}\n--- on {file.machine}, batch {file.batch}"


DOOR: Final = Door("network", _make, _feed, _show)
