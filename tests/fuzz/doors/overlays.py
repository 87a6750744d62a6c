"""Overlay files: laid over a network, one after another, which is then run."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from accelsim.network.load import load_network
from accelsim.network.overlay import overlaid
from accelsim.run import run_network
from fuzz.door import Door
from fuzz.doors.files import FIRST, SECOND, machine
from fuzz.judge import check_network, check_result
from fuzz.mutate import file_like, shown


@dataclass(frozen=True)
class Overlays:
    """Files, and the network and machine that they are for."""

    contents: tuple[bytes, ...]
    network: str
    machine: str


def _make(random: Random) -> Overlays:
    return Overlays(
        contents=tuple(file_like("overlays", random) for _ in range(random.choice((1, 1, 1, 2)))),
        network=str(random.choice((FIRST, SECOND))),
        machine=random.choice(("published", "small", "wide")),
    )


def _feed(overlays: Overlays) -> None:
    network = load_network(overlays.network)
    for number, content in enumerate(overlays.contents):
        Path(f"overlay{number}.yaml").write_bytes(content)
        network = overlaid(network, f"overlay{number}.yaml")
    check_network(network)
    check_result(run_network(network, machine(overlays.machine)))


def _show(overlays: Overlays) -> str:
    files = shown({f"overlay{number}.yaml": content for number, content in enumerate(overlays.contents)})
    return f"{files}\n--- {Path(overlays.network).name} on {overlays.machine}"


DOOR: Final = Door("overlay", _make, _feed, _show)
